package store

import (
	"bytes"
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) InsertMessage(ctx context.Context, m notify.Message) error {
	key, err := t.personKey(ctx, m.User)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(m.Content)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	first, err := won(t.Queries.InsertMessage(ctx, sqlgen.InsertMessageParams{
		ID: m.ID[:], UserID: m.User[:], CreatedAt: micros(m.Born), Sealed: key.Seal(nil, nil, plain, messagePlace(m.ID).AAD()),
	}))
	if err != nil || !first || m.Mailed.IsZero() {
		return err
	}
	return t.MailedMessage(ctx, m.ID, m.Mailed)
}

func (t *tx) MessageByID(ctx context.Context, m id.Message) (notify.Message, bool, error) {
	row, err := t.Queries.MessageByID(ctx, sqlgen.MessageByIDParams{ID: m[:]})
	if err = notFound(err); errors.Is(err, ErrNotFound) {
		return notify.Message{}, false, nil
	}
	if err != nil {
		return notify.Message{}, false, err
	}
	key, err := t.existingKey(ctx, rowID[id.UserKind](row.UserID))
	if errors.Is(err, errErased) {
		return notify.Message{}, false, nil
	}
	if err != nil {
		return notify.Message{}, false, err
	}
	message, err := openMessage(row, key)
	return message, err == nil, err
}

func (t *tx) MessagesOf(ctx context.Context, u id.User, before id.Message, limit int) (list []notify.Message, err error) {
	if before.IsZero() {
		before = id.Message(bytes.Repeat([]byte{0xff}, len(before)))
	}
	rows, err := t.ListMessagesByUser(ctx, sqlgen.ListMessagesByUserParams{UserID: u[:], Before: before[:], MaxRows: int64(limit)})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	key, err := t.existingKey(ctx, u)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		m, err := openMessage(row, key)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func openMessage(row sqlgen.Message, key cipher.AEAD) (notify.Message, error) {
	m := notify.Message{
		ID: rowID[id.MessageKind](row.ID), User: rowID[id.UserKind](row.UserID), Born: at(row.CreatedAt), Mailed: maybeAt(row.MailedAt),
		Read: maybeAt(row.ReadAt), LinkUntil: maybeAt(row.LinkUntil), Contained: maybeAt(row.ContainedAt),
	}
	plain, err := key.Open(nil, nil, row.Sealed, messagePlace(m.ID).AAD())
	if err != nil {
		return m, fmt.Errorf("open message %s: %w", m.ID, err)
	}
	if err := json.Unmarshal(plain, &m.Content); err != nil {
		return m, fmt.Errorf("decode message %s: %w", m.ID, err)
	}
	return m, nil
}

func messagePlace(m id.Message) secret.Place {
	return secret.Place{Table: "message", Column: "sealed", Row: string(m[:])}
}

func (t *tx) ReadMessage(ctx context.Context, m id.Message, u id.User, now time.Time) (bool, error) {
	return won(t.Queries.ReadMessage(ctx, sqlgen.ReadMessageParams{ID: m[:], UserID: u[:], Now: maybeMicros(now)}))
}

func (t *tx) LinkMessage(ctx context.Context, m id.Message, until time.Time) error {
	_, err := t.Queries.LinkMessage(ctx, sqlgen.LinkMessageParams{ID: m[:], LinkUntil: maybeMicros(until)})
	return err
}

func (t *tx) MailedMessage(ctx context.Context, m id.Message, now time.Time) error {
	_, err := t.Queries.MailedMessage(ctx, sqlgen.MailedMessageParams{ID: m[:], Now: maybeMicros(now)})
	return err
}

func (t *tx) ReachMessage(ctx context.Context, m id.Message, address int) (reached uint64, err error) {
	bits, err := t.Queries.ReachMessage(ctx, sqlgen.ReachMessageParams{ID: m[:], Address: 1 << address})
	if err = notFound(err); errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return uint64(bits), err
}

func (t *tx) ContainMessage(ctx context.Context, m id.Message, now time.Time) (bool, error) {
	return won(t.Queries.ContainMessage(ctx, sqlgen.ContainMessageParams{ID: m[:], Now: maybeMicros(now)}))
}

func (t *tx) ContactOf(ctx context.Context, u id.User) (contact.Contact, error) {
	row, err := t.ContactByUser(ctx, sqlgen.ContactByUserParams{UserID: u[:]})
	if err = notFound(err); errors.Is(err, ErrNotFound) {
		return contact.Contact{}, nil
	}
	if err != nil {
		return contact.Contact{}, err
	}
	c := contact.Contact{MailSince: maybeAt(row.MailSince), Second: row.Second, SecondSince: maybeAt(row.SecondSince), Phone: row.Phone, PhoneSince: maybeAt(row.PhoneSince)}
	if len(row.Phrase) == 0 {
		return c, nil
	}
	key, err := t.existingKey(ctx, u)
	if err != nil {
		return c, err
	}
	phrase, err := key.Open(nil, nil, row.Phrase, phrasePlace(u).AAD())
	c.Phrase = string(phrase)
	return c, err
}

func phrasePlace(u id.User) secret.Place {
	return secret.Place{Table: "contact", Column: "phrase", Row: string(u[:])}
}

func (t *tx) ChangeUserMail(ctx context.Context, u id.User, mail string, now time.Time) (bool, error) {
	changed, err := won(t.Queries.ChangeUserMail(ctx, sqlgen.ChangeUserMailParams{ID: u[:], Mail: mail}))
	if err != nil || !changed {
		return false, err
	}
	err = t.EndRecoveriesBesides(ctx, sqlgen.EndRecoveriesBesidesParams{
		UserID: u[:], Mail: mail, Now: maybeMicros(now), Outcome: string(recovery.Cancelled), ExpiresAt: micros(now.Add(recovery.Kept)),
	})
	if err != nil {
		return false, err
	}
	d, open, err := t.OpenDisputeOf(ctx, u, now)
	if err != nil || !open {
		return err == nil, err
	}
	return true, t.EndEmptyDispute(ctx, d.ID, recovery.Cancelled, now, now.Add(recovery.Kept))
}

func (t *tx) PutContactMail(ctx context.Context, u id.User, since time.Time) error {
	return t.Queries.PutContactMail(ctx, sqlgen.PutContactMailParams{UserID: u[:], Since: maybeMicros(since), NoPhrase: []byte{}})
}

func (t *tx) PutContactSecond(ctx context.Context, u id.User, mail string, since time.Time) error {
	return t.Queries.PutContactSecond(ctx, sqlgen.PutContactSecondParams{UserID: u[:], Second: mail, Since: maybeMicros(since), NoPhrase: []byte{}})
}

func (t *tx) PutContactPhone(ctx context.Context, u id.User, number string, since time.Time) error {
	return t.Queries.PutContactPhone(ctx, sqlgen.PutContactPhoneParams{UserID: u[:], Phone: number, Since: maybeMicros(since), NoPhrase: []byte{}})
}

func (t *tx) PutContactPhrase(ctx context.Context, u id.User, phrase string) error {
	key, err := t.personKey(ctx, u)
	if err != nil {
		return err
	}
	return t.Queries.PutContactPhrase(ctx, sqlgen.PutContactPhraseParams{UserID: u[:], Phrase: key.Seal(nil, nil, []byte(phrase), phrasePlace(u).AAD())})
}

func (t *tx) InsertContactChange(ctx context.Context, c contact.Change) error {
	return t.Queries.InsertContactChange(ctx, sqlgen.InsertContactChangeParams{
		ID: c.ID[:], UserID: c.User[:], SessionID: c.Session[:], Place: string(c.Place), OldMail: c.Old, OldSince: maybeMicros(c.OldSince), NewMail: c.New,
		Taken: truth(c.Taken), CreatedAt: micros(c.Born), ExpiresAt: micros(c.ExpiresAt),
	})
}

func (t *tx) ContactChangeByID(ctx context.Context, c id.ContactChange) (contact.Change, bool, error) {
	row, err := t.Queries.ContactChangeByID(ctx, sqlgen.ContactChangeByIDParams{ID: c[:]})
	return read(row, err, func(row sqlgen.ContactChange) contact.Change {
		return contact.Change{
			ID: rowID[id.ContactChangeKind](row.ID), User: rowID[id.UserKind](row.UserID), Session: rowID[id.SessionKind](row.SessionID),
			Place: contact.Place(row.Place), Old: row.OldMail, OldSince: maybeAt(row.OldSince), New: row.NewMail, Taken: row.Taken == 1,
			Born: at(row.CreatedAt), ExpiresAt: at(row.ExpiresAt), DoneAt: maybeAt(row.DoneAt), UndoneAt: maybeAt(row.UndoneAt),
		}
	})
}

func (t *tx) CountContactTry(ctx context.Context, c id.ContactChange, limit int64, now time.Time) (bool, error) {
	return won(t.Queries.CountContactTry(ctx, sqlgen.CountContactTryParams{ID: c[:], MaxTries: limit, Now: micros(now)}))
}

func (t *tx) FinishContactChange(ctx context.Context, c id.ContactChange, now, keep time.Time) (bool, error) {
	return won(t.Queries.FinishContactChange(ctx, sqlgen.FinishContactChangeParams{ID: c[:], Now: maybeMicros(now), ExpiresAt: micros(keep)}))
}

func (t *tx) UndoContactChange(ctx context.Context, c id.ContactChange, now time.Time) (bool, error) {
	return won(t.Queries.UndoContactChange(ctx, sqlgen.UndoContactChangeParams{ID: c[:], Now: maybeMicros(now)}))
}

func (t *tx) UndoLaterContactChanges(ctx context.Context, u id.User, p contact.Place, since, now time.Time) error {
	return t.Queries.UndoLaterContactChanges(ctx, sqlgen.UndoLaterContactChangesParams{
		UserID: u[:], Place: string(p), Since: maybeMicros(since), Now: maybeMicros(now),
	})
}
