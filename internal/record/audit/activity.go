package audit

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Tx is what this package asks of a transaction to read the log.
type Tx interface {
	// Entries reads the log in order, after seq.
	Entries(ctx context.Context, after int64, limit int) ([]Entry, error)
	LogHead(ctx context.Context) (seq int64, chain [32]byte, err error)
	// Both read backwards from before, opened.
	EventsOfPerson(ctx context.Context, person id.User, before int64, limit int) ([]Told, error)
	EventsOfAccount(ctx context.Context, account id.Account, before int64, limit int) ([]Told, error)
}

// Log reads what was recorded.
type Log struct {
	ledger Ledger[Tx]
	decide decision.Decider
}

// NewLog makes a Log.
func NewLog(ledger Ledger[Tx], decide decision.Decider) *Log { return &Log{ledger, decide} }

// MaxPage bounds a page of Activity.
const MaxPage = 100

// Activity gives the principal what happened to them and, where their role lets them look, in their account: the newest first, before the
// given number (0 begins at the newest). Events of other members that belong to no account stay theirs alone. Errors: forbidden,
// unauthorized.
func (l *Log) Activity(ctx context.Context, p principal.Principal, before int64, limit int) (page []Told, err error) {
	question := decision.Question{Principal: p, Class: scope.Look, Scope: scope.ActivityRead, Environment: p.Environment}
	if err := l.decide.Decide(question).Err(); err != nil {
		return nil, err
	}
	if before <= 0 {
		before = 1 << 62
	}
	limit = min(max(limit, 1), MaxPage)
	err = l.ledger.View(ctx, func(tx Tx) error {
		account, err := tx.EventsOfAccount(ctx, p.Account, before, limit)
		if err != nil {
			return err
		}
		var own []Told
		if p.Kind == principal.KindUser {
			if own, err = tx.EventsOfPerson(ctx, p.User, before, limit); err != nil {
				return err
			}
		}
		page = newest(append(account, own...), limit)
		return nil
	})
	return page, err
}

// newest orders by number, drops what came by both ways, and cuts.
func newest(list []Told, limit int) []Told {
	slices.SortFunc(list, func(a, b Told) int { return int(b.Seq - a.Seq) })
	list = slices.CompactFunc(list, func(a, b Told) bool { return a.Seq == b.Seq })
	return list[:min(len(list), limit)]
}

const verifyPage = 1000

// VerifyAll walks the whole log from its beginning and says how many events hold. Errors: *BrokenError with the place, also when the stored head
// is not the one the events lead to.
func (l *Log) VerifyAll(ctx context.Context) (count int64, err error) {
	var chain [32]byte
	for {
		var entries []Entry
		var headSeq int64
		var head [32]byte
		err := l.ledger.View(ctx, func(tx Tx) (err error) {
			if entries, err = tx.Entries(ctx, count, verifyPage); err != nil {
				return err
			}
			headSeq, head, err = tx.LogHead(ctx)
			return err
		})
		if err != nil {
			return count, fmt.Errorf("read log after %d: %w", count, err)
		}
		if count, chain, err = Verify(count, chain, entries); err != nil {
			return count, err
		}
		if len(entries) < verifyPage {
			if headSeq != count || head != chain {
				return count, &BrokenError{Seq: count + 1, Reason: fmt.Sprintf("the head says %d events", headSeq)}
			}
			return count, nil
		}
	}
}
