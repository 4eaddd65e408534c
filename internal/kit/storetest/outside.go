package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// Quiet is a log that speaks only when the test fails.
func Quiet(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Helper()
	w.t.Logf("%s", b)
	return len(b), nil
}

func announce(t testing.TB, db *store.DB, n byte) {
	t.Helper()
	err := store.Of[core](db).Update(t.Context(), func(tx core) (audit.Event, error) {
		tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: [16]byte{n}})
		return audit.Quiet(audit.Housekeeping), nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func feedOrder(t *testing.T, p *Place) {
	db := p.Open(t)
	var mu sync.Mutex
	heard := map[byte]bool{}
	db.Listen(store.Listener{Hear: func(c txn.Change) {
		mu.Lock()
		defer mu.Unlock()
		heard[c.ID[0]] = true
	}})
	var wg sync.WaitGroup
	for n := range byte(50) {
		wg.Go(func() {
			announce(t, db, n)
			mu.Lock()
			defer mu.Unlock()
			if !heard[n] {
				t.Errorf("change %d was acknowledged before it was heard", n)
			}
		})
	}
	wg.Wait()
}

func feedAcross(t *testing.T, p *Place) {
	near, far := p.Open(t), p.Open(t)
	var heard []byte
	var took []time.Duration
	far.Measure(func(_ string, _ bool, d time.Duration) { took = append(took, d) })
	far.Listen(store.Listener{Name: "keys", Hear: func(c txn.Change) { heard = append(heard, c.ID[0]) }})
	for n := range byte(5) {
		announce(t, near, n)
	}
	p.Clock.Advance(200 * time.Millisecond)
	if err := far.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{0, 1, 2, 3, 4}, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if len(took) != 5 || took[0] != 200*time.Millisecond {
		t.Errorf("the changes took %v to be heard, want 200ms each", took)
	}
	heard = nil
	if err := far.CatchUp(t.Context()); err != nil || heard != nil {
		t.Errorf("a second look told %v again, %v", heard, err)
	}
}

// feedGap: a process that was away for longer than the feed's rows are kept reads everything again, and so does one whose database was
// replaced by an older one. Until that has succeeded it has heard nothing.
func feedGap(t *testing.T, p *Place) {
	near, far := p.Open(t), p.Open(t)
	reloads, fail := 0, errors.New("no database")
	var heard []byte
	far.Listen(store.Listener{
		Hear:   func(c txn.Change) { heard = append(heard, c.ID[0]) },
		Reload: func(context.Context) error { reloads++; return fail },
	})
	away := func() {
		for n := range byte(3) {
			announce(t, near, n)
		}
		p.Clock.Advance(25 * time.Hour)
		sweep(t, near, p.Clock.Now(), 1000)
	}
	away()
	for range 2 {
		if err := far.CatchUp(t.Context()); !errors.Is(err, fail) {
			t.Errorf("a reload that failed: %v", err)
		}
	}
	fail = nil
	if err := far.CatchUp(t.Context()); err != nil || reloads != 3 || heard != nil {
		t.Errorf("all rows gone: %v, %d reloads, heard %v", err, reloads, heard)
	}
	away()
	announce(t, near, 9) // the first that is left has a gap before it
	if err := far.CatchUp(t.Context()); err != nil || reloads != 4 || heard != nil {
		t.Errorf("some rows gone: %v, %d reloads, heard %v", err, reloads, heard)
	}
	announce(t, near, 7)
	if err := far.CatchUp(t.Context()); err != nil || reloads != 4 || string(heard) != "\x07" {
		t.Errorf("afterwards: %v, %d reloads, heard %v", err, reloads, heard)
	}
}

type note struct{ Text string }

func (note) Kind() string { return "note" }

func enqueue(t testing.TB, db *store.DB, text string, due time.Time, fail error) {
	t.Helper()
	err := store.Of[core](db).Update(t.Context(), func(tx core) (audit.Event, error) {
		if err := tx.EnqueueAt(t.Context(), note{text}, due); err != nil {
			return audit.Event{}, err
		}
		return audit.Quiet(audit.Housekeeping), fail
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
}

// reader gives handlers that collect the texts of notes.
func reader(got chan<- string) store.Handlers {
	return store.Handlers{"note": func(_ context.Context, fields []byte) error {
		var n note
		if err := json.Unmarshal(fields, &n); err != nil {
			return err
		}
		got <- n.Text
		return nil
	}}
}

func jobsCommit(t *testing.T, p *Place) {
	db := p.Open(t)
	now := p.Clock.Now()
	enqueue(t, db, "rolled back", now, errRefused)
	enqueue(t, db, "tomorrow", now.Add(24*time.Hour), nil)
	enqueue(t, db, "today", now, nil)
	got := make(chan string, 10)
	drain := func(want ...string) {
		t.Helper()
		if _, err := db.DrainDue(t.Context(), reader(got)); err != nil {
			t.Fatal(err)
		}
		texts := []string{}
		for len(got) > 0 {
			texts = append(texts, <-got)
		}
		if diff := cmp.Diff(want, texts); diff != "" {
			t.Errorf("done (-want +got):\n%s", diff)
		}
	}
	drain("today")
	due, ok, err := db.NextJob(t.Context())
	if err != nil || !ok || due.Sub(now.Add(24*time.Hour)).Abs() > time.Millisecond {
		t.Errorf("NextJob = %v, %v, %v", due, ok, err)
	}
	p.Clock.Advance(25 * time.Hour)
	drain("tomorrow")
}

func jobsWork(t *testing.T, p *Place) {
	p.Config.Now = time.Now // River's workers live on the wall clock
	db := p.Open(t)
	got := make(chan string, 10)
	stop, err := db.Work(t.Context(), reader(got), func(context.Context, store.FailedJob) {})
	if err != nil {
		t.Fatal(err)
	}
	enqueue(t, db, "for the workers", time.Now(), nil)
	select {
	case text := <-got:
		if text != "for the workers" {
			t.Errorf("done %q", text)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody did the job")
	}
	if err := stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func keysRotate(t *testing.T, p *Place) {
	db := p.Open(t)
	place := secret.Place{Table: "t", Column: "c", Row: "1"}
	ring := db.Ring()
	first := ring.Seal(place, []byte("kept"))
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				text := fmt.Sprint(n)
				if got, err := ring.Open(place, ring.Seal(place, []byte(text))); err != nil || string(got) != text {
					t.Errorf("Open = %q, %v", got, err)
					return
				}
			}
		})
	}
	kek := p.Config.KEK.(interface{ AddKEK() error })
	for range 5 {
		if err := errors.Join(ring.Rotate(t.Context()), kek.AddKEK()); err != nil {
			t.Error(err)
		}
		if n, err := ring.Rewrap(t.Context()); err != nil || n == 0 {
			t.Errorf("Rewrap = %d, %v", n, err)
		}
	}
	stop.Store(true)
	wg.Wait()
	again := p.Open(t).Ring()
	if got, err := again.Open(place, first); err != nil || string(got) != "kept" {
		t.Errorf("after rotation and reopening: %q, %v", got, err)
	}
	for name, other := range map[string]secret.Place{
		"row": {Table: "t", Column: "c", Row: "2"}, "column": {Table: "t", Column: "d", Row: "1"},
		"table": {Table: "u", Column: "c", Row: "1"}, "version": {Table: "t", Column: "c", Row: "1", Version: 1},
	} {
		if _, err := again.Open(other, first); err == nil {
			t.Errorf("opened at another %s", name)
		}
	}
}

func reopen(t *testing.T, p *Place) {
	db := p.Open(t)
	for i := range 10 {
		if err := spend(t, db, fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = p.Open(t)
	for i := range 10 {
		if err := spend(t, db, fmt.Sprint(i), nil); !errors.Is(err, errRefused) {
			t.Errorf("mark %d: %v, want refused", i, err)
		}
	}
	if n := len(entries(t, db)); n != 10 {
		t.Errorf("%d events, want 10", n)
	}
}

func grouped(t *testing.T, p *Place) {
	db := p.Open(t)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			var fail error
			if i%3 == 0 {
				fail = errRefused
			}
			ctx, cancel := context.WithCancel(t.Context())
			if i%7 == 0 {
				cancel() // somebody goes away while others wait
			}
			defer cancel()
			_ = store.Of[core](db).Update(ctx, func(core) (audit.Event, error) { return started(fmt.Sprint(i)), fail })
		})
	}
	wg.Wait()
	want := 0
	for i := range 200 {
		if i%3 != 0 && i%7 != 0 {
			want++
		}
	}
	list := entries(t, db)
	if _, err := verify(t, db, list, head(t, db)); err != nil || len(list) != want {
		t.Errorf("%d events, want %d; %v", len(list), want, err)
	}
}
