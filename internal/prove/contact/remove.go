package contact

import (
	"context"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// missing says that a place is empty already.
var missing = map[Place]fault.Code{Second: fault.ContactNoSecond, Phone: fault.ContactNoNumber}

// Remove takes the second address or the number away. It needs a step-up.
// Errors: contact.no_second, contact.no_number, step_up_required, assurance.too_low.
func (c *Contacts) Remove(ctx context.Context, p principal.Principal, place Place) (bearer secret.Value, err error) {
	err = c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := c.Now()
		change := Change{ID: id.New[id.ContactChangeKind](now), User: p.User, Session: p.Session, Place: place, Born: now, ExpiresAt: now.Add(CodeLife)}
		reached, err := tx.ContactOf(ctx, p.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read contact: %w", err)
		}
		if reached.fill(&change, ""); change.Old == "" {
			return audit.Event{}, fault.New(missing[place])
		}
		content := stepup.Content{Action: removed[place], Facts: map[string]string{"old": change.Old}, Floor: assurance.Pwd, Sensitive: true}
		if err := c.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		if err := tx.InsertContactChange(ctx, change); err != nil {
			return audit.Event{}, fmt.Errorf("insert change of contact: %w", err)
		}
		if _, err := tx.FinishContactChange(ctx, change.ID, now, now.Add(kept)); err != nil {
			return audit.Event{}, fmt.Errorf("finish change of contact: %w", err)
		}
		var event audit.Event
		event, bearer, err = c.put(ctx, tx, p, change, now)
		return event, err
	})
	return bearer, c.StepUps.Ask(ctx, err)
}

// Undo puts the address back that a change took away, in the caller's transaction, and with it every later change of the same place: the link in an older
// mailbox wins over those in newer ones. done is false when it was undone before, or when the address has another user now.
func (c *Contacts) Undo(ctx context.Context, tx any, u id.User, which id.ContactChange) (done bool, err error) {
	t, now := txn.As[Tx](tx), c.Now()
	change, found, err := t.ContactChangeByID(ctx, which)
	if err != nil || !found || change.User != u {
		return false, err
	}
	if won, err := t.UndoContactChange(ctx, which, now); err != nil || !won {
		return false, err
	}
	if err := t.UndoLaterContactChanges(ctx, u, change.Place, change.DoneAt, now); err != nil {
		return false, fmt.Errorf("undo later changes: %w", err)
	}
	switch change.Place {
	case Second:
		return true, t.PutContactSecond(ctx, u, change.Old, change.OldSince)
	case Phone:
		return true, t.PutContactPhone(ctx, u, change.Old, change.OldSince)
	case Mail:
	}
	won, err := t.ChangeUserMail(ctx, u, change.Old, now)
	if err != nil || !won {
		return false, err
	}
	return true, t.PutContactMail(ctx, u, change.OldSince)
}
