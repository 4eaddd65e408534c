package password_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
)

// slowPeppers takes a second of the bubble's time for each MAC, which happens within the slot, and counts who is inside.
type slowPeppers struct {
	*peppers
	inside, most atomic.Int64
}

func (s *slowPeppers) MAC(keyID string, b []byte) ([32]byte, error) {
	n := s.inside.Add(1)
	defer s.inside.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
		continue
	}
	time.Sleep(time.Second)
	return s.peppers.MAC(keyID, b)
}

// answer is how one caller fared.
type answer struct {
	err  error
	took time.Duration
}

// flood lets n callers ask at the same moment.
func flood(n int, ask func() error) []answer {
	answers := make([]answer, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			begin := time.Now()
			err := ask()
			answers[i] = answer{err, time.Since(begin)}
		})
	}
	group.Wait()
	return answers
}

// 200 callers at once, 2 slots, a queue of 8, 3 s of patience: two run at a time, ten are let in, of whom those served within their
// patience succeed, and 190 are refused without waiting.
func TestFloodIsBoundedByNumberAndTime(t *testing.T) {
	asks := map[string]func(h *password.Hasher, stored string) error{
		"Hash": func(h *password.Hasher, _ string) error {
			_, err := h.Hash(context.Background(), text("a password that stays"))
			return err
		},
		"Verify": func(h *password.Hasher, stored string) error {
			_, _, err := h.Verify(context.Background(), stored, text("a password that stays"))
			return err
		},
		"VerifyNobody": func(h *password.Hasher, _ string) error {
			return h.VerifyNobody(context.Background(), text("a password that stays"))
		},
	}
	for name, ask := range asks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slow := &slowPeppers{peppers: twoPeppers()}
				h := newHasher(t, slow, password.Settings{Slots: 2, Queue: 8, Wait: 3500 * time.Millisecond})
				stored := hash(t, h, "a password that stays")
				counts := map[time.Duration]int{}       // time taken → callers served
				refusedAfter := map[time.Duration]int{} // time taken → callers refused
				for _, a := range flood(200, func() error { return ask(h, stored) }) {
					if a.err == nil {
						counts[a.took]++
						continue
					}
					refusal, ok := errors.AsType[*fault.Error](a.err)
					if !ok || refusal.Code != fault.Busy || refusal.RetryAfter <= 0 {
						t.Fatalf("refused with %v, want busy with RetryAfter", a.err)
					}
					refusedAfter[a.took]++
				}
				if got := slow.most.Load(); got != 2 {
					t.Errorf("%d hashes at once, want 2", got)
				}
				for second := 1; second <= 4; second++ {
					if got := counts[time.Duration(second)*time.Second]; got != 2 {
						t.Errorf("%d callers served after %d s, want 2", got, second)
					}
				}
				if refusedAfter[0] != 190 || refusedAfter[3500*time.Millisecond] != 2 || len(refusedAfter) != 2 {
					t.Errorf("refused: %v, want 190 at once and 2 after 3.5 s", refusedAfter)
				}
				// Afterwards nothing is held: the next caller is served as if nothing had been.
				if a := flood(1, func() error { return ask(h, stored) })[0]; a.err != nil || a.took != time.Second {
					t.Errorf("after the flood: %v in %v", a.err, a.took)
				}
			})
		})
	}
}

// Without a queue a caller is served at once or not at all.
func TestWithoutAQueueNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, &slowPeppers{peppers: twoPeppers()}, password.Settings{Slots: 1, Wait: time.Minute})
		stored := hash(t, h, "a password that stays")
		served := 0
		for _, a := range flood(5, func() error { _, _, err := h.Verify(context.Background(), stored, text("x")); return err }) {
			if a.err == nil {
				served++
			} else if a.took != 0 || fault.CodeOf(a.err) != fault.Busy {
				t.Errorf("refused with %v after %v, want busy at once", a.err, a.took)
			}
		}
		if served != 1 {
			t.Errorf("%d callers were served, want 1", served)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, &slowPeppers{peppers: twoPeppers()}, password.Settings{Slots: 1, Queue: 1})
		go func() { _, _ = h.Hash(context.Background(), text("holds the only slot")) }()
		synctest.Wait()
		gone := errors.New("the browser went away")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(100*time.Millisecond, func() { cancel(gone) })
		begin := time.Now()
		_, err := h.Hash(ctx, text("waits"))
		if !errors.Is(err, gone) || time.Since(begin) != 100*time.Millisecond {
			t.Errorf("%v after %v, want the cause of the context after 100 ms", err, time.Since(begin))
		}
		// Its place in the queue is free again: the next caller waits for the slot and gets it.
		if _, err := h.Hash(t.Context(), text("comes next")); err != nil {
			t.Errorf("the next caller: %v", err)
		}
	})
}

// panickyPeppers panics once: a slot must come back even so.
type panickyPeppers struct {
	*peppers
	panicked bool
}

func (p *panickyPeppers) MAC(keyID string, b []byte) ([32]byte, error) {
	if !p.panicked {
		p.panicked = true
		panic("key provider")
	}
	return p.peppers.MAC(keyID, b)
}

func TestPanicGivesItsSlotBack(t *testing.T) {
	h := newHasher(t, &panickyPeppers{peppers: twoPeppers()}, password.Settings{Slots: 1, Queue: 1, Wait: time.Minute})
	func() {
		defer func() { _ = recover() }()
		_, _ = h.Hash(t.Context(), text("panics"))
		t.Error("no panic")
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that a lost slot shows at once instead of after a minute
	if _, err := h.Hash(ctx, text("comes next")); err != nil {
		t.Errorf("the next caller: %v", err)
	}
}
