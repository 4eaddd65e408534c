package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// A job is tried maxAttempts times over more than a day, so that it outlives a night in which nobody mends a relay: a quarter of a minute
// after the first failure, twice as long after each further one, and every four hours at the end.
const (
	maxAttempts = 18
	firstRetry  = 15 * time.Second
	lastRetry   = 4 * time.Hour
)

// retryDelay is how long after its attempt of that number, from 1, a job rests.
func retryDelay(attempt int) time.Duration {
	delay := firstRetry
	for range attempt - 1 {
		if delay *= 2; delay >= lastRetry {
			return lastRetry
		}
	}
	return delay
}

// patience is River's view of retryDelay.
type patience struct{}

// NextRetry counts from the beginning of the attempt that failed.
func (patience) NextRetry(job *rivertype.JobRow) time.Time {
	from := job.ScheduledAt
	if job.AttemptedAt != nil {
		from = *job.AttemptedAt
	}
	return from.Add(retryDelay(job.Attempt))
}

// FailedJob is a job that nobody tries any more.
type FailedJob struct {
	ID       int64
	Kind     string
	Fields   json.RawMessage
	Attempts int
	At       time.Time
	// Error is that of the last attempt.
	Error string
}

// lastTry tells of jobs that failed for the last time.
type lastTry struct {
	givenUp func(context.Context, FailedJob)
}

// HandleError is called after each failure.
func (l lastTry) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if job.Attempt >= job.MaxAttempts {
		failed := FailedJob{ID: job.ID, Kind: job.Kind, Fields: job.EncodedArgs, Attempts: job.Attempt, Error: err.Error()}
		if job.AttemptedAt != nil {
			failed.At = job.AttemptedAt.UTC()
		}
		l.givenUp(ctx, failed)
	}
	return nil
}

// HandlePanic is HandleError for a handler that panicked.
func (l lastTry) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, _ string) *river.ErrorHandlerResult {
	return l.HandleError(ctx, job, fmt.Errorf("panic: %v", value))
}

// FailedJobs lists the jobs that were given up in the last 30 days, the oldest first.
func (db *DB) FailedJobs(ctx context.Context) ([]FailedJob, error) { return db.engine.failedJobs(ctx) }

func (e *sqliteEngine) failedJobs(ctx context.Context) ([]FailedJob, error) {
	return failedJobs(ctx, e.read, `SELECT id, kind, json(args), attempt,
		CAST(ROUND((julianday(finalized_at) - 2440587.5) * 86400000) AS INTEGER) * 1000, COALESCE(json_extract(errors, '$[#-1].error'), '')
		FROM river_job WHERE state = 'discarded' ORDER BY id`)
}

func (e *postgresEngine) failedJobs(ctx context.Context) ([]FailedJob, error) {
	return failedJobs(ctx, e.db, `SELECT id, kind, args::text, attempt,
		(EXTRACT(EPOCH FROM finalized_at) * 1000000)::bigint, COALESCE(errors[array_upper(errors, 1)]->>'error', '')
		FROM river_job WHERE state = 'discarded' ORDER BY id`)
}

func failedJobs(ctx context.Context, db *sql.DB, text string) (list []FailedJob, err error) {
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("list failed jobs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var job FailedJob
		var fields string
		var micros int64
		if err := rows.Scan(&job.ID, &job.Kind, &fields, &job.Attempts, &micros, &job.Error); err != nil {
			return nil, fmt.Errorf("read failed job: %w", err)
		}
		job.Fields, job.At = json.RawMessage(fields), at(micros)
		list = append(list, job)
	}
	return list, rows.Err()
}
