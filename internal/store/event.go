package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// sealedEvent is an event's two halves, ready before the head row is locked so that the lock is short.
type sealedEvent struct {
	leaf   audit.Leaf
	sealed []byte
}

func (t *tx) sealEvent(ctx context.Context, e audit.Event) (sealedEvent, error) {
	now := at(micros(t.db.now()))
	eventID := id.New[id.EventKind](now)
	salted, commitment, err := audit.Blind(e.Readable())
	if err != nil {
		return sealedEvent{}, err
	}
	out := sealedEvent{leaf: audit.Leaf{At: now, ID: eventID, Action: e.Action, Commitment: commitment}}
	place := eventPlace(eventID)
	if e.Person.IsZero() {
		out.sealed = t.db.ring.Seal(place, salted)
		return out, nil
	}
	key, err := t.personKey(ctx, e.Person)
	if err != nil {
		return out, err
	}
	out.sealed = key.Seal(nil, nil, salted, place.AAD())
	return out, nil
}

func (t *tx) appendEvent(ctx context.Context, e audit.Event, s sealedEvent, head sqlgen.AdvanceHeadRow) error {
	var prev [32]byte
	copy(prev[:], head.Chain)
	chain := audit.Chain(prev, s.leaf)
	err := t.InsertAuditEvent(ctx, sqlgen.InsertAuditEventParams{
		Seq: head.Seq, ID: s.leaf.ID[:], At: micros(s.leaf.At), Action: string(e.Action),
		Commitment: s.leaf.Commitment[:], Chain: chain[:],
		PersonID: maybeID(e.Person), AccountID: maybeID(e.Account), Sealed: s.sealed,
	})
	if err != nil {
		return fmt.Errorf("append event %s: %w", e.Action, err)
	}
	return t.SetHeadChain(ctx, sqlgen.SetHeadChainParams{Chain: chain[:]})
}

// personKey reads a person's key, making it at the first event. A destroyed key is gone: a person who was erased has no new events.
func (t *tx) personKey(ctx context.Context, person id.User) (cipher.AEAD, error) {
	place := secret.Place{Table: "person_key", Column: "sealed", Row: string(person[:])}
	row, err := t.PersonKeyByUser(ctx, sqlgen.PersonKeyByUserParams{UserID: person[:]})
	if errors.Is(notFound(err), ErrNotFound) {
		var fresh [32]byte
		rand.Read(fresh[:])
		insert := sqlgen.InsertPersonKeyParams{UserID: person[:], Sealed: t.db.ring.Seal(place, fresh[:]), CreatedAt: micros(t.db.now())}
		if _, err := t.InsertPersonKey(ctx, insert); err != nil {
			return nil, fmt.Errorf("make person key: %w", err)
		}
		// Another transaction may have won; the row says which key it is.
		row, err = t.PersonKeyByUser(ctx, sqlgen.PersonKeyByUserParams{UserID: person[:]})
	}
	if err != nil {
		return nil, fmt.Errorf("read person key: %w", err)
	}
	if row.DestroyedAt.Valid {
		return nil, fmt.Errorf("person key of %s: %w", person, ErrNotFound)
	}
	plain, err := t.db.ring.Open(place, row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open person key: %w", err)
	}
	block, err := aes.NewCipher(plain)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func eventPlace(event id.Event) secret.Place {
	return secret.Place{Table: "audit_event", Column: "sealed", Row: string(event[:])}
}

// ErasePerson destroys the key of a person's events: their readable halves can never be opened again, and the log still verifies.
func (t *tx) ErasePerson(ctx context.Context, person id.User, now time.Time) (bool, error) {
	return won(t.DestroyPersonKey(ctx, sqlgen.DestroyPersonKeyParams{UserID: person[:], DestroyedAt: maybeMicros(now)}))
}

// Entries reads the log in order, after seq.
func (t *tx) Entries(ctx context.Context, after int64, limit int) ([]audit.Entry, error) {
	rows, err := t.ListAuditEvents(ctx, sqlgen.ListAuditEventsParams{After: after, MaxRows: int64(limit)})
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", err)
	}
	entries := make([]audit.Entry, len(rows))
	for i, row := range rows {
		entries[i] = entryOf(row)
	}
	return entries, nil
}

// LogHead is the number and the chain value of the last event.
func (t *tx) LogHead(ctx context.Context) (seq int64, chain [32]byte, err error) {
	head, err := t.Head(ctx)
	if err != nil {
		return 0, chain, fmt.Errorf("read log head: %w", err)
	}
	copy(chain[:], head.Chain)
	return head.Seq, chain, nil
}

// EventsOfPerson reads a person's own events, newest first, opened.
func (t *tx) EventsOfPerson(ctx context.Context, person id.User, before int64, limit int) ([]audit.Told, error) {
	rows, err := t.ListAuditEventsByPerson(ctx, sqlgen.ListAuditEventsByPersonParams{PersonID: person[:], Before: before, MaxRows: int64(limit)})
	if err != nil {
		return nil, fmt.Errorf("list events of person: %w", err)
	}
	return t.tell(ctx, rows)
}

// EventsOfAccount reads an account's events, newest first, opened.
func (t *tx) EventsOfAccount(ctx context.Context, account id.Account, before int64, limit int) ([]audit.Told, error) {
	rows, err := t.ListAuditEventsByAccount(ctx, sqlgen.ListAuditEventsByAccountParams{AccountID: account[:], Before: before, MaxRows: int64(limit)})
	if err != nil {
		return nil, fmt.Errorf("list events of account: %w", err)
	}
	return t.tell(ctx, rows)
}

// tell opens the readable halves. Those of erased persons stay closed and are told as such.
func (t *tx) tell(ctx context.Context, rows []sqlgen.AuditEvent) ([]audit.Told, error) {
	told := make([]audit.Told, len(rows))
	keys := map[id.User]cipher.AEAD{} // person → key, nil when erased
	for i, row := range rows {
		told[i].Entry = entryOf(row)
		told[i].Account = rowID[id.AccountKind](row.AccountID)
		person := rowID[id.UserKind](row.PersonID)
		key, seen := keys[person]
		if !seen && !person.IsZero() {
			var err error
			if key, err = t.personKey(ctx, person); err != nil && !errors.Is(err, ErrNotFound) {
				return nil, err
			}
			keys[person] = key
		}
		salted, err := t.openEvent(row, person, key)
		if err != nil {
			return nil, err
		}
		if salted == nil {
			told[i].Erased = true
			continue
		}
		if told[i].Readable, err = audit.Unblind(salted, told[i].Commitment); err != nil {
			return nil, fmt.Errorf("event %d: %w", row.Seq, err)
		}
	}
	return told, nil
}

func (t *tx) openEvent(row sqlgen.AuditEvent, person id.User, key cipher.AEAD) ([]byte, error) {
	place := eventPlace(rowID[id.EventKind](row.ID))
	if person.IsZero() {
		return t.db.ring.Open(place, row.Sealed)
	}
	if key == nil {
		return nil, nil
	}
	salted, err := key.Open(nil, nil, row.Sealed, place.AAD())
	if err != nil {
		return nil, fmt.Errorf("open event %d: %w", row.Seq, err)
	}
	return salted, nil
}

func entryOf(row sqlgen.AuditEvent) audit.Entry {
	e := audit.Entry{Seq: row.Seq, Leaf: audit.Leaf{At: at(row.At), ID: rowID[id.EventKind](row.ID), Action: audit.Action(row.Action)}}
	copy(e.Chain[:], row.Chain)
	copy(e.Commitment[:], row.Commitment)
	return e
}
