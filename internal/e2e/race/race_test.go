// Package race_test lets 100 racers spend each thing that may be used once, at the same time, on both engines. Exactly one wins, and the
// history of calls and answers is one that a single register could have given: nobody loses before somebody has begun to win.
package race_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

const racers = 100

// course is a whole stack on one engine, with the wall clock. later moves its clock forward, so that a test need not wait for the next step
// of an authenticator app.
type course struct {
	*authtest.Stack
	t     *testing.T
	ahead *atomic.Int64
}

func (c *course) later(d time.Duration) { c.ahead.Add(int64(d)) }

// onBothEngines runs a race on SQLite and on PostgreSQL, each in a stack of its own.
func onBothEngines(t *testing.T, run func(*testing.T, *course)) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			ahead := new(atomic.Int64)
			o := authtest.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			run(t, &course{authtest.StartWith(t, o), t, ahead})
		})
	}
}

// won is the answer of the racer who spent it; every other answer is the code of a refusal.
const won fault.Code = "won"

// answerOf names how an operation ended. An error that is no refusal keeps its text, so that no list of expected refusals holds it.
func answerOf(err error) fault.Code {
	if err == nil {
		return won
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Code
	}
	return fault.Code("failure: " + err.Error())
}

// run lets all racers go at once and gives the history of what each was told.
func run(try func(racer int) fault.Code) []porcupine.Operation {
	history := make([]porcupine.Operation, racers)
	begin := time.Now()
	barrier := make(chan struct{})
	var all sync.WaitGroup
	for i := range history {
		all.Go(func() {
			<-barrier
			called := time.Since(begin)
			answer := try(i)
			history[i] = porcupine.Operation{ClientId: i, Call: int64(called), Output: answer, Return: int64(time.Since(begin))}
		})
	}
	close(barrier)
	all.Wait()
	return history
}

// single is a thing that may be used once, as a sequential machine: the first to come wins, everybody after loses.
var single = porcupine.Model{
	Init: func() any { return false },
	Step: func(spent, _, answer any) (bool, any) { return (answer == won) != spent, true },
}

// verdict says what is wrong with the history of a thing that may be used once; nothing if all is well. losers are the refusals that may be
// told to those who lost.
func verdict(history []porcupine.Operation, losers ...fault.Code) error {
	told := map[fault.Code]int{}
	for _, o := range history {
		answer, _ := o.Output.(fault.Code)
		told[answer]++
		if answer != won && !slices.Contains(losers, answer) {
			return fmt.Errorf("a loser was told %q, want one of %q", answer, losers)
		}
	}
	if told[won] != 1 {
		return fmt.Errorf("%d of %d won: %v", told[won], len(history), told)
	}
	if !porcupine.CheckOperations(single, history) {
		return fmt.Errorf("somebody lost before the winner began: %v", history)
	}
	return nil
}

// oneWins is the race over one thing.
func oneWins(t *testing.T, try func(racer int) fault.Code, losers ...fault.Code) {
	t.Helper()
	if err := verdict(run(try), losers...); err != nil {
		t.Error(err)
	}
}

// TestTheVerdictCanFall plants the bugs that the races look for.
func TestTheVerdictCanFall(t *testing.T) {
	at := func(call, end int64, answer fault.Code) porcupine.Operation {
		return porcupine.Operation{Call: call, Return: end, Output: answer}
	}
	lost := fault.SignInExpired
	for _, row := range []struct {
		name    string
		history []porcupine.Operation
		holds   bool
	}{
		{"one wins", []porcupine.Operation{at(0, 9, won), at(1, 8, lost), at(10, 12, lost)}, true},
		{"two win", []porcupine.Operation{at(0, 9, won), at(1, 8, won)}, false},
		{"nobody wins", []porcupine.Operation{at(0, 9, lost), at(1, 8, lost)}, false},
		{"lost before the winner began", []porcupine.Operation{at(0, 3, lost), at(4, 8, won)}, false},
		{"told something else", []porcupine.Operation{at(0, 9, won), at(1, 8, fault.Internal)}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := verdict(row.history, lost); (err == nil) != row.holds {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("check, then set", func(t *testing.T) {
		var spent atomic.Bool
		var looked sync.WaitGroup
		looked.Add(racers)
		history := run(func(int) fault.Code {
			free := !spent.Load()
			looked.Done()
			looked.Wait()
			spent.Store(true)
			if free {
				return won
			}
			return lost
		})
		if verdict(history, lost) == nil {
			t.Error("a register that looks before it writes passes")
		}
	})
}
