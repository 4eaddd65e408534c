// Package txn owns what a room may ask of a running transaction besides its rows: jobs, the feed, and another room's view.
//
// It knows neither SQL nor who commits. Everything asked here happens if and only if the transaction commits.
package txn

import (
	"context"
	"fmt"
	"time"
)

// Job is work for after the commit. It is a plain struct of ids, never of secrets, and is safe to run twice.
type Job interface{ Kind() string }

// Enqueuer puts jobs into the outbox of the transaction.
type Enqueuer interface {
	// Enqueue runs job once its transaction is durable.
	Enqueue(ctx context.Context, job Job) error
	// EnqueueAt does so at the given time.
	EnqueueAt(ctx context.Context, job Job, at time.Time) error
}

// Subject says what kind of thing a change of the feed is about.
type Subject string

// The subjects that snapshots listen for.
const (
	// SubjectSession: a session was made, raised or ended.
	SubjectSession Subject = "session"
	// SubjectKey: an API key was made, changed or ended.
	SubjectKey Subject = "key"
	// SubjectMember: a user's role in an account changed, or the user was disabled.
	SubjectMember Subject = "member"
	// SubjectDataKey: the data keys were rotated or wrapped anew.
	SubjectDataKey Subject = "data_key"
)

// Change tells every snapshot to read one thing again.
type Change struct {
	Subject Subject
	ID      [16]byte
}

// Announcer puts changes into the feed of the transaction. Snapshots of this process have heard them before Update returns.
type Announcer interface{ Announce(change Change) }

// As gives another room its view of the running transaction, so that one change across rooms stays one transaction.
// It panics when the transaction does not serve T: which views it serves is fixed when the program is built.
func As[T any](tx any) T {
	view, ok := tx.(T)
	if !ok {
		panic(fmt.Sprintf("txn.As: %T serves no %T", tx, *new(T)))
	}
	return view
}
