package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Filter says which events are looked for. The zero Filter looks for all.
type Filter struct {
	// Code is why something was refused, as in spec/errors.tsv; empty for events of every kind.
	Code string
	// Key is what it was done with or about, KeyText how that is written; the zero Key for any.
	Key     id.Key
	KeyText string
	// Since leaves out what happened before; the zero time nothing.
	Since time.Time
}

// finds says whether an event is looked for. One that was changed behind our back is found by everything but its time: what it said is not known, and a part of
// the truth must not look like the whole.
func (f Filter) finds(t Told) bool {
	if t.At.Before(f.Since) {
		return false
	}
	if t.Broken != nil {
		return true
	}
	facts := t.Readable.Facts
	return (f.Code == "" || facts["reason"] == f.Code) && (f.Key == id.Key{} || t.Readable.Key == f.Key || facts[KeyFact] == f.KeyText)
}

// searchPages bounds what one search opens.
const searchPages = 10

// Search gives those of the principal's Activity that a filter finds, the newest first, before the given number. It opens a thousand events or so at most:
// next is where to look further, and zero at the end, so that a page may be empty and not the last. Errors: those of Activity.
func (l *Log) Search(ctx context.Context, p principal.Principal, f Filter, before int64, limit int) (list []Told, next int64, err error) {
	limit = min(max(limit, 1), MaxPage)
	mine, err := l.within(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	for range searchPages {
		page, err := l.page(ctx, p, before, MaxPage)
		if err != nil {
			return nil, 0, err
		}
		for i, t := range page {
			if t.At.Before(f.Since) {
				return list, 0, nil
			}
			if !f.finds(t) || !mine(t) {
				continue
			}
			if list = append(list, t); len(list) == limit {
				if i+1 == len(page) && len(page) < MaxPage {
					return list, 0, nil
				}
				return list, t.Seq, nil
			}
		}
		if len(page) < MaxPage {
			return list, 0, nil
		}
		before = page[len(page)-1].Seq
	}
	return list, before, nil
}

// SearchAll tells every event of the installation that a filter finds, the oldest first, those of erased people without what they said; and records that
// somebody searched, and for what. Only the host's command line may. Errors: forbidden, and those of tell.
func (l *Log) SearchAll(ctx context.Context, p principal.Principal, f Filter, tell func(Told) error) error {
	if !p.Trusted() {
		return fault.New(fault.Forbidden)
	}
	facts := map[string]string{"code": f.Code, KeyFact: f.KeyText}
	if !f.Since.IsZero() {
		facts["since"] = f.Since.UTC().Format(time.RFC3339)
	}
	err := l.ledger.Update(ctx, func(Tx) (Event, error) { return Event{Action: AuditSearched, Actor: p, Facts: facts}, nil })
	if err != nil {
		return fmt.Errorf("record the search: %w", err)
	}
	for after := int64(0); ; {
		var page []Told
		err := l.ledger.View(ctx, func(tx Tx) (err error) {
			page, err = tx.ReadLog(ctx, after, verifyPage)
			return err
		})
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		for _, t := range page {
			if !f.finds(t) {
				continue
			}
			if err := tell(t); err != nil {
				return err
			}
		}
		if len(page) < verifyPage {
			return nil
		}
		after = page[len(page)-1].Seq
	}
}
