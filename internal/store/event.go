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
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/keyring"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// sealedEvent is an event's two halves, ready before the head row is locked so that the lock is short.
type sealedEvent struct {
	leaf    audit.Leaf
	person  id.User
	account id.Account
	sealed  []byte
}

func (t *tx) sealEvent(ctx context.Context, e audit.Event) (sealedEvent, error) {
	key, err := t.personKey(ctx, e.Person)
	if errors.Is(err, errErased) {
		// What still happens around a person who was erased (a refused request of a dead key) is recorded as about nobody, without a word.
		e = audit.Event{Action: e.Action, Actor: principal.Principal{Kind: e.Actor.Kind, Name: e.Actor.Name}}
		err = nil
	}
	if err != nil {
		return sealedEvent{}, err
	}
	salted, commitment, err := audit.Blind(e.Readable())
	if err != nil {
		return sealedEvent{}, err
	}
	now := at(micros(t.db.now()))
	out := sealedEvent{person: e.Person, account: e.Account}
	out.leaf = audit.Leaf{At: now, ID: id.New[id.EventKind](now), Action: e.Action, Commitment: commitment}
	out.leaf.Whose = t.db.logKey.Whose(out.leaf.ID, e.Person, e.Account)
	place := eventPlace(out.leaf.ID)
	if key == nil {
		out.sealed = t.db.ring.Seal(place, salted)
	} else {
		out.sealed = key.Seal(nil, nil, salted, place.AAD())
	}
	return out, nil
}

// appendEvents adds the events of a transaction to the end of the log. after is the head row as it was advanced: its number is that of the last of them.
func (t *tx) appendEvents(ctx context.Context, list []sealedEvent, after sqlgen.AdvanceHeadRow) error {
	if len(list) == 0 {
		return nil
	}
	var head audit.Head
	copy(head.Chain[:], after.Chain)
	for i, s := range list {
		head.Seq, head.At = after.Seq-int64(len(list)-1-i), s.leaf.At
		head.Chain = audit.Chain(head.Chain, s.leaf)
		err := t.InsertAuditEvent(ctx, sqlgen.InsertAuditEventParams{
			Seq: head.Seq, ID: s.leaf.ID[:], At: micros(s.leaf.At), Action: string(s.leaf.Action),
			Whose: s.leaf.Whose[:], Commitment: s.leaf.Commitment[:], Chain: head.Chain[:],
			PersonID: maybeID(s.person), AccountID: maybeID(s.account), Sealed: s.sealed,
		})
		if err != nil {
			return fmt.Errorf("append event %s: %w", s.leaf.Action, err)
		}
	}
	return t.setHead(ctx, head, t.db.logKey)
}

func (t *tx) setHead(ctx context.Context, head audit.Head, key audit.Key) error {
	head = key.Sign(head)
	row := sqlgen.SetHeadParams{Chain: head.Chain[:], Mac: head.MAC[:]}
	if !head.At.IsZero() {
		row.At = micros(head.At)
	}
	if err := t.SetHead(ctx, row); err != nil {
		return fmt.Errorf("set log head: %w", err)
	}
	return nil
}

// errErased says that a person's key was destroyed.
var errErased = errors.New("the person was erased")

// personKey reads a person's key, making it at the first event; nil for nobody. Errors: errErased.
func (t *tx) personKey(ctx context.Context, person id.User) (cipher.AEAD, error) {
	if person.IsZero() {
		return nil, nil
	}
	key, err := t.existingKey(ctx, person)
	if !errors.Is(err, ErrNotFound) {
		return key, err
	}
	var fresh [32]byte
	rand.Read(fresh[:])
	insert := sqlgen.InsertPersonKeyParams{UserID: person[:], Sealed: t.db.ring.Seal(personPlace(person), fresh[:]), CreatedAt: micros(t.db.now())}
	if _, err := t.InsertPersonKey(ctx, insert); err != nil {
		return nil, fmt.Errorf("make person key: %w", err)
	}
	// Another transaction may have won; the row says which key it is.
	return t.existingKey(ctx, person)
}

// existingKey reads a person's key. Errors: ErrNotFound, errErased, keyring.ErrSealed.
func (t *tx) existingKey(ctx context.Context, person id.User) (cipher.AEAD, error) {
	row, err := t.PersonKeyByUser(ctx, sqlgen.PersonKeyByUserParams{UserID: person[:]})
	if err != nil {
		return nil, fmt.Errorf("read person key: %w", notFound(err))
	}
	if row.DestroyedAt.Valid {
		return nil, errErased
	}
	plain, err := t.db.ring.Open(personPlace(person), row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open person key: %w", err)
	}
	block, err := aes.NewCipher(plain)
	if err != nil {
		return nil, fmt.Errorf("open person key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func personPlace(person id.User) secret.Place {
	return secret.Place{Table: "person_key", Column: "sealed", Row: string(person[:])}
}

func eventPlace(event id.Event) secret.Place {
	return secret.Place{Table: "audit_event", Column: "sealed", Row: string(event[:])}
}

// DestroyPersonKey makes the readable halves of a person's events unreadable for ever; the log still verifies. won is false if it was so.
func (t *tx) DestroyPersonKey(ctx context.Context, person id.User, now time.Time) (bool, error) {
	return won(t.Queries.DestroyPersonKey(ctx, sqlgen.DestroyPersonKeyParams{UserID: person[:], DestroyedAt: maybeMicros(now)}))
}

// ReadLog reads the log in order, after seq, opened. What does not open is Erased or Broken, and no error.
func (t *tx) ReadLog(ctx context.Context, after int64, limit int) ([]audit.Told, error) {
	rows, err := t.ListAuditEvents(ctx, sqlgen.ListAuditEventsParams{After: after, MaxRows: int64(limit)})
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", err)
	}
	return t.tell(ctx, rows)
}

// LogHead is the end of the log.
func (t *tx) LogHead(ctx context.Context) (audit.Head, error) {
	row, err := t.Head(ctx)
	if err != nil {
		return audit.Head{}, fmt.Errorf("read log head: %w", err)
	}
	head := audit.Head{Seq: row.Seq}
	if row.At != 0 {
		head.At = at(row.At)
	}
	copy(head.Chain[:], row.Chain)
	copy(head.MAC[:], row.Mac)
	return head, nil
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

// EventsOfKeys reads what changed an account's keys since then, and events of one action beside, newest first, opened.
func (t *tx) EventsOfKeys(ctx context.Context, account id.Account, also audit.Action, before int64, since time.Time, limit int) ([]audit.Told, error) {
	rows, err := t.ListAuditEventsOfKeys(ctx, sqlgen.ListAuditEventsOfKeysParams{
		AccountID: account[:], Also: string(also), Before: before, Since: micros(since), MaxRows: int64(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list events of keys: %w", err)
	}
	return t.tell(ctx, rows)
}

// MomentsOfPerson reads when a person's own events happened, newest first, and opens nothing.
func (t *tx) MomentsOfPerson(ctx context.Context, person id.User, before int64, since time.Time, limit int) ([]audit.Moment, error) {
	rows, err := t.ListAuditMomentsByPerson(ctx, sqlgen.ListAuditMomentsByPersonParams{
		PersonID: person[:], Before: before, Since: micros(since), MaxRows: int64(limit),
	})
	return each(rows, err, func(row sqlgen.ListAuditMomentsByPersonRow) audit.Moment {
		return audit.Moment{Seq: row.Seq, At: at(row.At), Action: audit.Action(row.Action)}
	})
}

// personsKey is a person's key, or why there is none.
type personsKey struct {
	aead cipher.AEAD
	err  error
}

// tell opens the readable halves.
func (t *tx) tell(ctx context.Context, rows []sqlgen.AuditEvent) ([]audit.Told, error) {
	told := make([]audit.Told, len(rows))
	keys := map[id.User]personsKey{}
	for i, row := range rows {
		e := audit.Told{Entry: entryOf(row), Person: rowID[id.UserKind](row.PersonID), Account: rowID[id.AccountKind](row.AccountID)}
		key, seen := keys[e.Person]
		if !seen && !e.Person.IsZero() {
			key.aead, key.err = t.existingKey(ctx, e.Person)
			if err := key.err; err != nil && !errors.Is(err, errErased) && !errors.Is(err, ErrNotFound) && !errors.Is(err, keyring.ErrSealed) {
				return nil, err
			}
			keys[e.Person] = key
		}
		if e.Erased = errors.Is(key.err, errErased); !e.Erased {
			e.Readable, e.Broken = t.openEvent(row, e, key)
		}
		told[i] = e
	}
	return told, nil
}

func (t *tx) openEvent(row sqlgen.AuditEvent, e audit.Told, key personsKey) (audit.Readable, error) {
	var salted []byte
	err := key.err
	place := eventPlace(e.ID)
	switch {
	case err != nil:
	case e.Person.IsZero():
		salted, err = t.db.ring.Open(place, row.Sealed)
	default:
		if salted, err = key.aead.Open(nil, nil, row.Sealed, place.AAD()); err != nil {
			err = keyring.ErrSealed
		}
	}
	if err != nil {
		return audit.Readable{}, err
	}
	return audit.Unblind(salted, e.Commitment)
}

func entryOf(row sqlgen.AuditEvent) audit.Entry {
	e := audit.Entry{Seq: row.Seq, Leaf: audit.Leaf{At: at(row.At), ID: rowID[id.EventKind](row.ID), Action: audit.Action(row.Action)}}
	copy(e.Chain[:], row.Chain)
	copy(e.Whose[:], row.Whose)
	copy(e.Commitment[:], row.Commitment)
	return e
}
