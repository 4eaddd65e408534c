package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Tx is what this package asks of a transaction to read the log.
type Tx interface {
	// ReadLog reads the log in order, after seq, opened. What does not open is Erased or Broken, and no error.
	ReadLog(ctx context.Context, after int64, limit int) ([]Told, error)
	LogHead(ctx context.Context) (Head, error)
	// Both read backwards from before, opened.
	EventsOfPerson(ctx context.Context, person id.User, before int64, limit int) ([]Told, error)
	EventsOfAccount(ctx context.Context, account id.Account, before int64, limit int) ([]Told, error)
	// EventsOfKeys reads, of an account's events since then, those that changed its keys and those of one more action; empty for none.
	EventsOfKeys(ctx context.Context, account id.Account, also Action, before int64, since time.Time, limit int) ([]Told, error)
	// KeysWithin are the keys of one subaccount, revoked ones among them.
	KeysWithin(ctx context.Context, account id.Account, s id.Subaccount) ([]id.Key, error)
	// MomentsOfPerson reads when a person's events happened, since then, backwards from before, and opens nothing.
	MomentsOfPerson(ctx context.Context, person id.User, before int64, since time.Time, limit int) ([]Moment, error)
}

// Log reads what was recorded.
type Log struct {
	ledger Ledger[Tx]
	decide decision.Decider
	key    Key
}

// NewLog makes a Log. key is the one that the events are written with.
func NewLog(ledger Ledger[Tx], decide decision.Decider, key Key) *Log {
	return &Log{ledger, decide, key}
}

// MaxPage bounds a page of Activity.
const MaxPage = 100

// Activity gives the principal what happened to them and, where their role lets them look, in their account: the newest first, before the
// given number (0 begins at the newest). Events of other members that belong to no account stay theirs alone. A key is pinned to a subaccount, and is given
// what keys of that did and what was done to them; so its page may be short and not the last. Errors: forbidden, unauthorized.
func (l *Log) Activity(ctx context.Context, p principal.Principal, before int64, limit int) (page []Told, err error) {
	if page, err = l.page(ctx, p, before, limit); err != nil {
		return nil, err
	}
	mine, err := l.within(ctx, p)
	return slices.DeleteFunc(page, func(t Told) bool { return !mine(t) }), err
}

// within says which events of its account a principal may be given.
func (l *Log) within(ctx context.Context, p principal.Principal) (func(Told) bool, error) {
	if p.Kind != principal.KindKey {
		return func(Told) bool { return true }, nil
	}
	var keys []id.Key
	err := l.ledger.View(ctx, func(tx Tx) (err error) {
		keys, err = tx.KeysWithin(ctx, p.Account, p.Subaccount)
		return err
	})
	if err != nil {
		return func(Told) bool { return false }, fmt.Errorf("list keys of %s: %w", p.Subaccount, err)
	}
	return func(t Told) bool {
		by := t.Readable.Key
		about, _, err := id.ParseKey(t.Readable.Facts[KeyFact])
		if t.Broken != nil {
			return true // it says nothing, and a part of the truth must not look like the whole
		}
		return (!by.IsZero() || err == nil) && (by.IsZero() || slices.Contains(keys, by)) && (err != nil || slices.Contains(keys, about))
	}, nil
}

// page is Activity, the events of other subaccounts among it.
func (l *Log) page(ctx context.Context, p principal.Principal, before int64, limit int) (page []Told, err error) {
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

// VerifyAll walks the whole log from its beginning, opens what can be opened, and says what holds. kept is a head kept elsewhere, or zero.
// Errors: those of NewVerifier, Next and End.
func (l *Log) VerifyAll(ctx context.Context, kept Head) (Verdict, error) {
	v, err := NewVerifier(l.key, kept)
	if err != nil {
		return Verdict{}, err
	}
	for {
		var page []Told
		var head Head
		err := l.ledger.View(ctx, func(tx Tx) (err error) {
			if page, err = tx.ReadLog(ctx, v.seq, verifyPage); err != nil {
				return err
			}
			head, err = tx.LogHead(ctx)
			return err
		})
		if err != nil {
			return Verdict{}, fmt.Errorf("read log after %d: %w", v.seq, err)
		}
		if err := v.Next(page); err != nil {
			return Verdict{}, err
		}
		if len(page) < verifyPage {
			return v.End(head)
		}
	}
}

// Head is where the log ends now, without a look at what leads there.
func (l *Log) Head(ctx context.Context) (head Head, err error) {
	err = l.ledger.View(ctx, func(tx Tx) error {
		head, err = tx.LogHead(ctx)
		return err
	})
	return head, err
}
