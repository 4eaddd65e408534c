// Package storetest is the contract of package store as tests: every engine runs all of it and may skip nothing.
//
// It knows the store only through ledgers and what DB exports, so that the suite says what rooms may rely on.
package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/keyring"
	"github.com/seed-21c57000/sallyport/internal/kit/pgtest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// Clock is a clock that tests move.
type Clock struct{ micros atomic.Int64 }

// NewClock starts at a time with microseconds, so that a backend that rounds is found out.
func NewClock() *Clock {
	c := &Clock{}
	c.micros.Store(time.Date(2026, 11, 21, 9, 30, 0, 123_456_000, time.UTC).UnixMicro())
	return c
}

// Now is the time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

// Advance moves it.
func (c *Clock) Advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// Postgres makes databases of their own with our schema in them.
var Postgres = pgtest.Template{Migrate: func(ctx context.Context, dsn string) error {
	return store.Migrate(ctx, store.Config{PostgresDSN: dsn, Log: slog.New(slog.DiscardHandler)})
}}

// Place is where one test's database lies. Open may be called again after Close.
type Place struct {
	Config store.Config
	Clock  *Clock
}

// NewPlace completes an engine's configuration with a clock, a key file and a log.
func NewPlace(t testing.TB, cfg store.Config) *Place {
	t.Helper()
	clock := NewClock()
	kek, err := keyring.OpenFile(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Now, cfg.KEK, cfg.Log = clock.Now, kek, Quiet(t)
	return &Place{Config: cfg, Clock: clock}
}

// Open opens the database and closes it when the test ends.
func (p *Place) Open(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), p.Config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// core is the view of a transaction that the groups of this file use.
type core interface {
	txn.Enqueuer
	txn.Announcer
	Spend(ctx context.Context, mark [32]byte, expires time.Time) (bool, error)
	ReadLog(ctx context.Context, after int64, limit int) ([]audit.Told, error)
	LogHead(ctx context.Context) (audit.Head, error)
	EventsOfPerson(ctx context.Context, person id.User, before int64, limit int) ([]audit.Told, error)
	DestroyPersonKey(ctx context.Context, person id.User, now time.Time) (bool, error)
}

// Run runs every group on fresh databases from place.
func Run(t *testing.T, place func(t testing.TB) *Place) {
	groups := []struct {
		name string
		test func(*testing.T, *Place)
	}{
		{"a refused change leaves nothing", refusedChange},
		{"a panic ends one change only", panicEndsOne},
		{"one mark, one hundred racers", racers},
		{"the log verifies and tells what was done to it", logVerifies},
		{"events are read by their person until erased", eventsErased},
		{"the feed speaks before the answer and in commit order", feedOrder},
		{"another process hears the feed", feedAcross},
		{"a gap in the feed reads everything again", feedGap},
		{"jobs commit with their change", jobsCommit},
		{"jobs are done by workers", jobsWork},
		{"data keys rotate under load", keysRotate},
		{"everything acknowledged is there after reopening", reopen},
		{"grouped changes all commit", grouped},
		{"what has expired goes in batches", sweepsInBatches},
		{"devices that nobody uses are forgotten", sweepsDevices},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) { g.test(t, place(t)) })
	}
}

var errRefused = errors.New("refused by the test")

func started(name string) audit.Event {
	return audit.Event{Action: audit.ServerStarted, Actor: principal.System("test"), Facts: map[string]string{"name": name}}
}

func mark(name string) [32]byte { return sha256.Sum256([]byte(name)) }

func spend(t testing.TB, db *store.DB, name string, fail error) error {
	t.Helper()
	return store.Of[core](db).Update(t.Context(), func(tx core) (audit.Event, error) {
		won, err := tx.Spend(t.Context(), mark(name), time.Now().Add(time.Hour))
		if err != nil {
			return audit.Event{}, err
		}
		if !won {
			return audit.Event{}, errRefused
		}
		return started(name), fail
	})
}

func head(t testing.TB, db *store.DB) (h audit.Head) {
	t.Helper()
	err := store.Of[core](db).View(t.Context(), func(tx core) (err error) {
		h, err = tx.LogHead(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// verify walks a list of events to a head.
func verify(t testing.TB, db *store.DB, list []audit.Told, h audit.Head) (audit.Verdict, error) {
	t.Helper()
	v, err := audit.NewVerifier(db.LogKey(), audit.Head{})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Next(list); err != nil {
		return audit.Verdict{}, err
	}
	return v.End(h)
}

func refusedChange(t *testing.T, p *Place) {
	db := p.Open(t)
	before := head(t, db)
	if err := spend(t, db, "a", errRefused); !errors.Is(err, errRefused) {
		t.Fatalf("Update = %v, want the closure's own error", err)
	}
	if after := head(t, db); after != before {
		t.Errorf("the log grew by %d", after.Seq-before.Seq)
	}
	if err := spend(t, db, "a", nil); err != nil {
		t.Errorf("the mark stayed spent: %v", err)
	}
}

func panicEndsOne(t *testing.T, p *Place) {
	db := p.Open(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = store.Of[core](db).Update(t.Context(), func(tx core) (audit.Event, error) {
			if _, err := tx.Spend(t.Context(), mark("a"), time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
			panic("in the middle")
		})
	}()
	if err := spend(t, db, "a", nil); err != nil {
		t.Errorf("after the panic: %v", err)
	}
}

func racers(t *testing.T, p *Place) {
	db := p.Open(t)
	var winners atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			switch err := spend(t, db, "the one", nil); {
			case err == nil:
				winners.Add(1)
			case !errors.Is(err, errRefused):
				t.Errorf("a loser was told %v", err)
			}
		})
	}
	wg.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d winners, want 1", winners.Load())
	}
}

func entries(t testing.TB, db *store.DB) (list []audit.Told) {
	t.Helper()
	err := store.Of[core](db).View(t.Context(), func(tx core) (err error) {
		list, err = tx.ReadLog(t.Context(), 0, 10_000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func logVerifies(t *testing.T, p *Place) {
	db := p.Open(t)
	for i := range 20 {
		if err := spend(t, db, fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
		p.Clock.Advance(time.Microsecond)
	}
	list := entries(t, db)
	if got, err := verify(t, db, list, head(t, db)); err != nil || got.Events != 20 || got.Erased != 0 || got.Head != head(t, db) {
		t.Fatalf("verify = %+v, %v", got, err)
	}
	if len(list) != 20 || !list[19].At.Equal(p.Clock.Now().Add(-time.Microsecond)) {
		t.Errorf("%d entries, the last at %v: microseconds were lost", len(list), list[len(list)-1].At)
	}
	for name, tamper := range map[string]func([]audit.Told) []audit.Told{
		"edit":   func(l []audit.Told) []audit.Told { l[7].Commitment[0] ^= 1; return l },
		"time":   func(l []audit.Told) []audit.Told { l[7].At = l[7].At.Add(time.Microsecond); return l },
		"person": func(l []audit.Told) []audit.Told { l[7].Person = id.New[id.UserKind](p.Clock.Now()); return l },
		"drop":   func(l []audit.Told) []audit.Told { return append(l[:7], l[8:]...) },
		"swap":   func(l []audit.Told) []audit.Told { l[7].Leaf, l[8].Leaf = l[8].Leaf, l[7].Leaf; return l },
		"insert": func(l []audit.Told) []audit.Told { return append(l[:8:8], l[7:]...) },
	} {
		_, err := verify(t, db, tamper(entries(t, db)), head(t, db))
		if broken, ok := errors.AsType[*audit.BrokenError](err); !ok || broken.Seq < 8 || broken.Seq > 9 {
			t.Errorf("%s: verify = %v, want the place", name, err)
		}
	}
}

func eventsErased(t *testing.T, p *Place) {
	db := p.Open(t)
	person := id.New[id.UserKind](p.Clock.Now())
	e := started("Ada")
	e.Person = person
	update := func(fn func(tx core) (audit.Event, error)) {
		t.Helper()
		if err := store.Of[core](db).Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	read := func() (told []audit.Told) {
		t.Helper()
		err := store.Of[core](db).View(t.Context(), func(tx core) (err error) {
			told, err = tx.EventsOfPerson(t.Context(), person, 1<<62, 10)
			return err
		})
		if err != nil || len(told) != 1 {
			t.Fatalf("EventsOfPerson = %d events, %v", len(told), err)
		}
		return told
	}
	update(func(core) (audit.Event, error) { return e, nil })
	if told := read(); told[0].Erased || told[0].Readable.Facts["name"] != "Ada" {
		t.Errorf("before erasure: %+v", told[0])
	}
	update(func(tx core) (audit.Event, error) {
		erased, err := tx.DestroyPersonKey(t.Context(), person, p.Clock.Now())
		if err == nil && !erased {
			err = errRefused
		}
		facts := map[string]string{audit.ErasedUser: person.String()}
		return audit.Event{Action: audit.UserErased, Actor: principal.System("test"), Facts: facts}, err
	})
	if told := read(); !told[0].Erased || !cmp.Equal(told[0].Readable, audit.Readable{}) {
		t.Errorf("after erasure: %+v", told[0])
	}
	update(func(core) (audit.Event, error) { return e, nil })
	list := entries(t, db)
	if late := list[2]; late.Broken != nil || !late.Person.IsZero() || len(late.Readable.Facts) > 0 {
		t.Errorf("what happened around them later is told as %+v", late)
	}
	if got, err := verify(t, db, list, head(t, db)); err != nil || got.Events != 3 || got.Erased != 1 {
		t.Errorf("after erasure: %+v, %v", got, err)
	}
	list[1].Readable.Facts = nil
	if _, err := verify(t, db, list, head(t, db)); err == nil {
		t.Error("a key that is gone without an erasure in the log is no fault")
	}
}
