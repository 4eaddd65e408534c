package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

func TestJobsOutliveANight(t *testing.T) {
	var total, last time.Duration
	for attempt := 1; attempt < store.MaxAttempts; attempt++ {
		delay := store.RetryDelay(attempt)
		if delay < last {
			t.Errorf("after attempt %d a job rests %v, after the one before %v", attempt, delay, last)
		}
		total, last = total+delay, delay
	}
	if total < 24*time.Hour || total > 48*time.Hour || store.RetryDelay(1) > time.Minute {
		t.Errorf("a job is given up after %v, the first retry comes after %v", total, store.RetryDelay(1))
	}
}

type letter struct{ To string }

func (letter) Kind() string { return "letter" }

func TestAJobThatIsGivenUpIsTold(t *testing.T) {
	for engine, cfg := range map[string]store.Config{
		"sqlite":   {SQLitePath: filepath.Join(t.TempDir(), "sallyport.db")},
		"postgres": {PostgresDSN: storetest.Postgres.New(t)},
	} {
		t.Run(engine, func(t *testing.T) {
			place := storetest.NewPlace(t, cfg)
			place.Config.Now = time.Now // River's workers live on the wall clock
			db := place.Open(t)
			err := store.Of[txn.Enqueuer](db).Update(t.Context(), func(tx txn.Enqueuer) (audit.Event, error) {
				return audit.Quiet(audit.Housekeeping), tx.Enqueue(t.Context(), letter{"ada"})
			})
			if err != nil {
				t.Fatal(err)
			}
			// A day later: one attempt is left.
			if _, err := db.Raw().ExecContext(t.Context(), "UPDATE river_job SET attempt = $1 WHERE max_attempts = $2", store.MaxAttempts-1, store.MaxAttempts); err != nil {
				t.Fatal(err)
			}
			told := make(chan store.FailedJob, 1)
			refuse := store.Handlers{"letter": func(context.Context, []byte) error { return errors.New("the relay is gone") }}
			stop, err := db.Work(t.Context(), refuse, func(_ context.Context, job store.FailedJob) { told <- job })
			if err != nil {
				t.Fatal(err)
			}
			select {
			case job := <-told:
				var to letter
				if err := json.Unmarshal(job.Fields, &to); err != nil || to.To != "ada" {
					t.Errorf("told of fields %s, %v", job.Fields, err)
				}
				if job.Kind != "letter" || job.Attempts != store.MaxAttempts || job.Error != "the relay is gone" {
					t.Errorf("told of %+v", job)
				}
			case <-time.After(20 * time.Second):
				t.Error("nobody was told")
			}
			if err := stop(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
			list, err := db.FailedJobs(t.Context())
			if err != nil || len(list) != 1 {
				t.Fatalf("%d failed jobs, %v", len(list), err)
			}
			if got := list[0]; got.Kind != "letter" || got.Attempts != store.MaxAttempts || got.Error != "the relay is gone" || time.Since(got.At).Abs() > time.Minute {
				t.Errorf("listed as %+v", got)
			}
		})
	}
}
