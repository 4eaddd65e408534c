package crash_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/pgtest"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

// writes is how many are asked for in each test: half of them revocations, half spent tokens.
const writes = 500

// rounds is how often the server dies while they are done.
const rounds = 5

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		w := newOwner(t, program.InstallOptions{}, writes/2)
		killInTheMiddle(t, w)
		storetest.CheckIntegrity(t, w.Database)
	})
	t.Run("postgres", func(t *testing.T) {
		killInTheMiddle(t, newOwner(t, program.InstallOptions{PostgresDSN: storetest.Postgres.New(t)}, writes/2))
	})
}

// killInTheMiddle kills the server once in each round, when half of the round's writes are acknowledged and the others under way.
func killInTheMiddle(t *testing.T, w *owner) {
	t.Helper()
	share := len(w.keys) / rounds
	for round := range rounds {
		p := w.Serve(t)
		w.arrive()
		before := w.acknowledged()
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			defer stop()
			for w.acknowledged()-before < share && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			p.Kill()
		}()
		w.work(ctx, w.keys[round*share:(round+1)*share])
		stop()
		<-p.Ended()
		if done := w.acknowledged() - before; done < share || done == 2*share {
			t.Errorf("round %d: %d of %d writes were acknowledged when the server died, want it in the middle", round, done, 2*share)
		}
	}
	if len(w.revoked) == 0 || len(w.spent) == 0 {
		t.Fatalf("%d revocations and %d spent tokens were acknowledged", len(w.revoked), len(w.spent))
	}
	w.everythingHolds(w.Serve(t))
}

// TestWhatWasAcknowledgedSurvivesTheDatabase: PostgreSQL dies three times under a server that goes on, and the server dies at the end.
func TestWhatWasAcknowledgedSurvivesTheDatabase(t *testing.T) {
	pg, err := pgtest.Start(pgtest.Options{})
	if errors.Is(err, pgtest.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	w := newOwner(t, program.InstallOptions{PostgresDSN: pg.DSN}, writes/2)
	p := w.Serve(t)
	w.arrive()
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		w.work(t.Context(), w.keys)
	}()
	for crash := range 3 {
		for w.acknowledged() < (crash+1)*writes/8 {
			select {
			case <-worked:
				t.Fatalf("only %d writes were acknowledged: %s", w.acknowledged(), p.Stderr())
			case <-time.After(time.Millisecond):
			}
		}
		if err := pg.Crash(); err != nil {
			t.Fatal(err)
		}
	}
	<-worked
	if n := w.acknowledged(); n < 3*writes/8 || n == writes { // what is tried while the database starts again fails fast
		t.Errorf("%d of %d writes were acknowledged over three crashes, want some to fail and the server to recover", n, writes)
	}
	p.Kill()
	w.everythingHolds(w.Serve(t))
}
