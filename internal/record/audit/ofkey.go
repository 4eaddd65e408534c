package audit

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// KeyFact is the fact of an event that names the key which it is about, as it is written everywhere.
const KeyFact = "key"

// MaxOfKey is how many events OfKey gives at most, and ofKeyPages how many pages of the account's it opens for them.
const (
	MaxOfKey   = 500
	ofKeyPages = 2
)

// KeyEvents are what was recorded about one key.
type KeyEvents struct {
	// List is the newest first.
	List []Told
	// Cut says that there was more than was looked through.
	Cut bool
	// Head is where the whole log ended then.
	Head Head
}

// OfKey gives what was recorded about a key of an account since then: what changed it and, with also = RequestRefused, which requests in its name
// were refused. It asks whether the principal may read the account's activity, and nothing about the key. It opens a thousand events at most;
// whoever calls it sees to it that nobody makes it do that all the time. Errors: forbidden, unauthorized.
func (l *Log) OfKey(ctx context.Context, p principal.Principal, account id.Account, k id.Key, text string, also Action, since time.Time) (found KeyEvents, err error) {
	question := decision.Question{Principal: p, Class: scope.Look, Scope: scope.ActivityRead, Environment: p.Environment, Account: account}
	if err := l.decide.Decide(question).Err(); err != nil {
		return found, err
	}
	err = l.ledger.View(ctx, func(tx Tx) (err error) {
		found = KeyEvents{}
		if found.Head, err = tx.LogHead(ctx); err != nil {
			return err
		}
		before := int64(1 << 62)
		for range ofKeyPages {
			page, err := tx.EventsOfKeys(ctx, account, also, before, since, MaxOfKey)
			if err != nil {
				return err
			}
			for _, t := range page {
				if t.Readable.Facts[KeyFact] == text || t.Action == RequestRefused && t.Readable.Key == k {
					found.List = append(found.List, t)
				}
			}
			if len(page) < MaxOfKey {
				return nil
			}
			before = page[len(page)-1].Seq
			if len(found.List) >= MaxOfKey {
				break
			}
		}
		found.List, found.Cut = found.List[:min(len(found.List), MaxOfKey)], true
		return nil
	})
	return found, err
}
