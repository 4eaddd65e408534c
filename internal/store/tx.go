package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// tx is the one concrete transaction. Its methods, one file an aggregate, are the only callers of the statements.
type tx struct {
	statements
	db      *DB
	changes []txn.Change
	// beside are the events after the one that the closure returns.
	beside []audit.Event
	// raised is the session whose bearer this transaction replaced.
	raised id.Session
}

// Announce puts a change into the feed; see finish.
func (t *tx) Announce(c txn.Change) { t.changes = append(t.changes, c) }

// Record writes an event down beside that of the change; see finish.
func (t *tx) Record(e audit.Event) {
	if words, known := audit.Describe(e.Action); !known || words.Quiet {
		panic(fmt.Sprintf("store: action %q is no event of spec/actions.tsv", e.Action))
	}
	t.beside = append(t.beside, e)
}

// Enqueue puts a job into the outbox, to run now.
func (t *tx) Enqueue(ctx context.Context, job txn.Job) error {
	return t.insertJob(ctx, job, t.db.now())
}

// EnqueueAt puts a job into the outbox, to run at a time.
func (t *tx) EnqueueAt(ctx context.Context, job txn.Job, at time.Time) error {
	return t.insertJob(ctx, job, at)
}

// finish writes what every transaction ends with: its events and its feed rows. Both take their numbers from the head row, which is
// updated last, so that its lock makes their order the order of the commits and a reader who goes by number misses nothing.
func (t *tx) finish(ctx context.Context, e audit.Event) error {
	words, known := audit.Describe(e.Action)
	if !known {
		panic(fmt.Sprintf("store: action %q is not in spec/actions.tsv", e.Action))
	}
	events := t.beside
	if !words.Quiet {
		events = append([]audit.Event{e}, t.beside...)
	}
	if len(events) == 0 && len(t.changes) == 0 {
		return t.demandBearer(ctx, e.Actor)
	}
	sealed := make([]sealedEvent, len(events))
	for i, each := range events {
		var err error
		if sealed[i], err = t.sealEvent(ctx, each); err != nil {
			return err
		}
	}
	head, err := t.AdvanceHead(ctx, sqlgen.AdvanceHeadParams{Events: int64(len(events)), Changes: int64(len(t.changes))})
	if err != nil {
		return fmt.Errorf("advance head: %w", err)
	}
	if err := t.demandBearer(ctx, e.Actor); err != nil {
		return err
	}
	if err := t.appendEvents(ctx, sealed, head); err != nil {
		return err
	}
	first := head.FeedSeq - int64(len(t.changes)) + 1
	for i, c := range t.changes {
		row := sqlgen.InsertFeedParams{Seq: first + int64(i), At: micros(t.db.now()), Kind: string(c.Subject), Subject: c.ID[:]}
		if err := t.InsertFeed(ctx, row); err != nil {
			return fmt.Errorf("announce %s: %w", c.Subject, err)
		}
	}
	return nil
}

// demandBearer refuses a change in the name of a session whose bearer is good no more: it was checked when the request came in, and since
// then the request may have waited for a hash, a lock or a slow client. It runs under the lock of the head row, so that of a revocation and
// a change the one that commits second sees the first. What this very transaction does to the session is no reason against it: a new bearer was checked
// by the conditional write that gave it, and the end of the session leaves its bearer in place. Errors: session.ended.
func (t *tx) demandBearer(ctx context.Context, actor principal.Principal) error {
	changed := func(c txn.Change) bool { return c.Subject == txn.SubjectSession && id.Session(c.ID) == actor.Session }
	if actor.Bearer == [32]byte{} || t.raised == actor.Session {
		return nil
	}
	row, found, err := t.SessionByID(ctx, actor.Session)
	if err != nil {
		return fmt.Errorf("read session of the actor: %w", err)
	}
	if !found || row.TokenHash != actor.Bearer || !t.db.now().Before(row.ExpiresAt) || !row.RevokedAt.IsZero() && !slices.ContainsFunc(t.changes, changed) {
		return fault.New(fault.SessionEnded)
	}
	return nil
}

// micros is how every time is stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

// at reads a stored time.
func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// maybeMicros stores the zero time as NULL.
func maybeMicros(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: micros(t), Valid: true}
}

// maybeAt reads NULL as the zero time.
func maybeAt(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return at(n.Int64)
}

// maybeID stores the zero id as NULL.
func maybeID[K id.Kind](v id.Of[K]) []byte {
	if v.IsZero() {
		return nil
	}
	return v[:]
}

// rowID reads an id from a column that this program wrote; other lengths are NULL, read as the zero id.
func rowID[K id.Kind](b []byte) id.Of[K] {
	v, err := id.FromBytes[K](b)
	if err != nil {
		return id.Of[K]{}
	}
	return v
}

// notFound turns the driver's answer for an empty result into ours.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// won reads the row count of a conditional write.
func won(rows int64, err error) (bool, error) { return rows == 1, err }

// truth is how a boolean is stored.
func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
