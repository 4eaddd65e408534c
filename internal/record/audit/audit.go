// Package audit owns the record of what happened: events, the leaves they become, and the chain over the leaves.
//
// It refuses to know what an event means: actions come from spec/actions.tsv, facts from the room that changed something.
//
// An event has two halves. The leaf is public and final: time, action, and commitments to the rest: one under the log's own key to whose event
// it is, one salted to what people read. The readable half is sealed under a key of the person it is about. Destroying that key erases the
// person; the chain still verifies.
//
//	person, account ── HMAC under the log's key ─▶ whose ─┐
//	readable half ──(salt 32 ‖ JSON)──▶ sealed            ├─▶ leaf ─▶ leaf hash (RFC 6962 §2.1) ─▶ chain n = SHA-256(chain n-1 ‖ leaf hash)
//	      └─ SHA-256 ─▶ commitment ───────────────────────┘                                             │
//	                                                          head: size, chain, time ── HMAC under the log's key ─▶ MAC
//
// Invariant: no change of state commits without its event, and no event can be altered, dropped, moved or given to somebody else without the
// log telling. Without the key file nobody can write a log anew that verifies. The leaf hash is that of RFC 6962, so that the same leaves
// can later lie in a Merkle log.
package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Action is a line of spec/actions.tsv, such as "key.created".
type Action string

// Event is one change, as the room that made it tells it.
type Event struct {
	Action Action
	// Actor is who did it, from where and proven how.
	Actor principal.Principal
	// Person is whom the readable half is about and whose erasure destroys it; zero for events about nobody.
	Person id.User
	// Account whose members may read the event; zero for what concerns the person alone.
	Account id.Account
	// Facts are words for the reader: names, counts, reasons. Never a secret.
	Facts map[string]string
}

// ErasedUser is the fact of a UserErased event that names who was erased: the event itself is about nobody, because their key is gone.
const ErasedUser = "user"

// Quiet marks a change that leaves no event: counters, expiry sweeps, times of last use. The action must be of kind quiet in
// spec/actions.tsv, so that the list of what is not recorded can be read in one place.
func Quiet(a Action) Event { return Event{Action: a} }

// Recorder writes down what a change did to somebody else's things, beside the event of the change: each has an event of its own after that one, in the
// same transaction. The action must not be quiet.
type Recorder interface{ Record(e Event) }

// Ledger is a room's way to its rows. T is the room's own view of a transaction.
//
// View reads a consistent state. Update is the only way to write: fn's event is appended in the same transaction, and when Update
// returns nil, the change, its event, its jobs and its feed rows are durable and every snapshot of this process has heard of it.
// fn may run more than once: it must not send, append to captured slices or spend anything outside the transaction.
// An error of fn rolls everything back and is returned as it is.
type Ledger[T any] interface {
	View(ctx context.Context, fn func(T) error) error
	Update(ctx context.Context, fn func(T) (Event, error)) error
}

// Readable is the half of an event that people read.
type Readable struct {
	Kind    string            `json:"kind"`
	Name    string            `json:"name,omitzero"`
	User    id.User           `json:"user,omitzero"`
	Key     id.Key            `json:"key,omitzero"`
	Session id.Session        `json:"session,omitzero"`
	Level   assurance.Level   `json:"level,omitzero"`
	Request id.Request        `json:"request,omitzero"`
	Device  id.Device         `json:"device,omitzero"`
	Addr    string            `json:"addr,omitzero"`
	Agent   string            `json:"agent,omitzero"`
	Facts   map[string]string `json:"facts,omitzero"`
}

// Readable is what is sealed of the event.
func (e Event) Readable() Readable {
	r := Readable{
		Kind: e.Actor.Kind.String(), Name: e.Actor.Name, User: e.Actor.User, Key: e.Actor.Key, Session: e.Actor.Session,
		Level: e.Actor.Level(), Request: e.Actor.Origin.Request, Device: e.Actor.Origin.Device, Agent: e.Actor.Origin.Agent,
		Facts: e.Facts,
	}
	if e.Actor.Origin.Addr.IsValid() {
		r.Addr = e.Actor.Origin.Addr.String()
	}
	return r
}

const saltLength = 32

// Blind puts 32 random bytes before the readable half and commits to both. The salt is sealed with the text, so that once the
// person's key is gone the commitment can no longer be guessed at.
func Blind(r Readable) (salted []byte, commitment [32]byte, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, commitment, fmt.Errorf("encode event: %w", err)
	}
	salted = make([]byte, saltLength, saltLength+len(text))
	rand.Read(salted)
	salted = append(salted, text...)
	return salted, sha256.Sum256(salted), nil
}

// ErrCommitment says that a readable half is not the one its leaf committed to.
var ErrCommitment = errors.New("readable half does not match its commitment")

// Unblind reads what Blind made, after checking it against the commitment of its leaf. Errors: ErrCommitment.
func Unblind(salted []byte, commitment [32]byte) (Readable, error) {
	var r Readable
	if sha256.Sum256(salted) != commitment || len(salted) < saltLength {
		return r, ErrCommitment
	}
	if err := json.Unmarshal(salted[saltLength:], &r); err != nil {
		return r, fmt.Errorf("decode event: %w", err)
	}
	return r, nil
}

// Leaf is the public half of an event.
type Leaf struct {
	At         time.Time
	ID         id.Event
	Action     Action
	Whose      [32]byte
	Commitment [32]byte
}

// leafVersion is the form of Bytes.
const leafVersion = 2

// Bytes is the leaf as it is hashed, now and in a Merkle log later.
//
//	┌───────────┬─────────────────┬───────┬───────┬────────┬──────────┬───────────────┐
//	│ 1 version │ 8 µs since 1970 │ 16 id │ 1 len │ action │ 32 whose │ 32 commitment │
//	└───────────┴─────────────────┴───────┴───────┴────────┴──────────┴───────────────┘
func (l Leaf) Bytes() []byte {
	b := make([]byte, 0, 90+len(l.Action))
	b = append(b, leafVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(l.At.UnixMicro()))
	b = append(b, l.ID[:]...)
	b = append(b, byte(len(l.Action)))
	b = append(b, l.Action...)
	b = append(b, l.Whose[:]...)
	return append(b, l.Commitment[:]...)
}

// Hash is the leaf hash of RFC 6962 §2.1: SHA-256 of a zero byte and the leaf.
func (l Leaf) Hash() [32]byte { return sha256.Sum256(append([]byte{0}, l.Bytes()...)) }

// Chain hangs a leaf onto the log whose head is prev; the empty log's head is zero.
func Chain(prev [32]byte, leaf Leaf) [32]byte {
	hash := leaf.Hash()
	return sha256.Sum256(append(prev[:], hash[:]...))
}

// Entry is a leaf in its place.
type Entry struct {
	Seq   int64
	Chain [32]byte
	Leaf
}

// Told is an event with its readable half, for those who may read it.
type Told struct {
	Entry
	// Person it is about, zero for events about nobody; Account it belongs to, zero for one person's own.
	Person  id.User
	Account id.Account
	// Readable is empty when Erased (the person's key was destroyed) or Broken.
	Readable Readable
	Erased   bool
	// Broken says why a readable half that should open does not. Whoever shows a list shows that: one entry changed by force must not hide
	// the others, and a part of the truth must not look like the whole.
	Broken error
}
