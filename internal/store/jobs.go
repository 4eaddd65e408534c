package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
)

// inserter puts jobs into the outbox of one transaction. That a job is due in the future is said with the service's clock, so that
// simulated time and the queue agree.
func inserter[TTx any](client *river.Client[TTx], tx TTx) func(context.Context, txn.Job, time.Time) error {
	return func(ctx context.Context, job txn.Job, due time.Time) error {
		if _, err := client.InsertTx(ctx, tx, job, &river.InsertOpts{ScheduledAt: due, MaxAttempts: maxAttempts}); err != nil {
			return fmt.Errorf("enqueue %s: %w", job.Kind(), err)
		}
		return nil
	}
}

// Handler does the work of one kind of job, given the job's fields as JSON. It may be called again after an error or a crash.
type Handler func(ctx context.Context, fields []byte) error

// Handlers maps the kind of a job to its handler.
type Handlers map[string]Handler

// worker is a running River client.
type worker interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

type workConfig struct {
	handlers Handlers
	givenUp  func(context.Context, FailedJob)
	log      *slog.Logger
}

// Work starts doing jobs, and gives a function that stops: it waits for those that have begun, as long as its context lives. givenUp hears of
// each job that has failed for the last time; FailedJobs lists them.
func (db *DB) Work(ctx context.Context, handlers Handlers, givenUp func(context.Context, FailedJob)) (stop func(context.Context) error, err error) {
	w, err := db.engine.work(ctx, workConfig{handlers: handlers, givenUp: givenUp, log: db.log})
	if err != nil {
		return nil, fmt.Errorf("start workers: %w", err)
	}
	return w.Stop, nil
}

// SQLite has one write connection, which the workers share with everybody else: few of them, and a calm poll.
func (e *sqliteEngine) work(ctx context.Context, cfg workConfig) (worker, error) {
	c, err := river.NewClient(riversqlite.New(e.write), riverConfig(cfg, 4))
	if err != nil {
		return nil, err
	}
	return c, c.Start(context.WithoutCancel(ctx))
}

func (e *postgresEngine) work(ctx context.Context, cfg workConfig) (worker, error) {
	c, err := river.NewClient(riverpgxv5.New(e.pool), riverConfig(cfg, 16))
	if err != nil {
		return nil, err
	}
	return c, c.Start(context.WithoutCancel(ctx))
}

func riverConfig(cfg workConfig, workers int) *river.Config {
	set := river.NewWorkers()
	for kind, handle := range cfg.handlers {
		river.AddWorkerArgs(set, anyJob{kind: kind}, &anyWorker{handle: handle})
	}
	return &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		Workers:           set,
		Logger:            cfg.log,
		FetchCooldown:     50 * time.Millisecond,
		FetchPollInterval: time.Second,
		RetryPolicy:       patience{},
		ErrorHandler:      lastTry{cfg.givenUp},
		// As long as an operator may take to ask what became of a letter.
		DiscardedJobRetentionPeriod: 30 * 24 * time.Hour,
		// A job that is still at work so long after the stop is interrupted and tried again by the next process. One that was only left behind
		// would count as at work for an hour.
		SoftStopTimeout: time.Second,
	}
}

// anyJob and anyWorker let one handler type serve every kind: River hands over the stored fields, the handler decodes them.
type anyJob struct {
	kind   string
	fields []byte
}

func (j anyJob) Kind() string { return j.kind }

func (j *anyJob) UnmarshalJSON(b []byte) error {
	j.fields = append([]byte(nil), b...)
	return nil
}

type anyWorker struct {
	river.WorkerDefaults[anyJob]
	handle Handler
}

func (w *anyWorker) Work(ctx context.Context, job *river.Job[anyJob]) error {
	return w.handle(ctx, job.Args.fields)
}

// DueJob is a job that simulated time has reached.
type DueJob struct {
	ID     int64
	Kind   string
	Fields json.RawMessage
}

// DrainDue does every job that is due now, in order, until none is left; it answers how many. Simulated time has no River client,
// whose poller would make a simulated day cost seconds.
func (db *DB) DrainDue(ctx context.Context, handlers Handlers) (int, error) {
	for n := 0; ; {
		due, err := db.engine.dueJobs(ctx, db.now())
		if err != nil || len(due) == 0 {
			return n, err
		}
		for _, job := range due {
			handle, ok := handlers[job.Kind]
			if !ok {
				return n, fmt.Errorf("no handler for job %s", job.Kind)
			}
			if err := handle(ctx, job.Fields); err != nil {
				return n, fmt.Errorf("job %s: %w", job.Kind, err)
			}
			if err := db.engine.finishJob(ctx, job.ID); err != nil {
				return n, err
			}
			n++
		}
	}
}

// NextJob says when the next job is due.
func (db *DB) NextJob(ctx context.Context) (due time.Time, ok bool, err error) {
	return db.engine.nextJob(ctx)
}

const pendingJobs = "FROM river_job WHERE state IN ('available', 'scheduled', 'retryable')"

// riverTime is how River writes times on SQLite.
const riverTime = "2006-01-02 15:04:05.999"

func (e *sqliteEngine) dueJobs(ctx context.Context, now time.Time) ([]DueJob, error) {
	return dueJobs(ctx, e.write, "SELECT id, kind, json(args) "+pendingJobs+" AND julianday(scheduled_at) <= julianday($1) ORDER BY scheduled_at, id", now.UTC().Add(time.Millisecond).Format(riverTime))
}

func (e *postgresEngine) dueJobs(ctx context.Context, now time.Time) ([]DueJob, error) {
	return dueJobs(ctx, e.db, "SELECT id, kind, args::text "+pendingJobs+" AND scheduled_at <= $1 ORDER BY scheduled_at, id", now)
}

func dueJobs(ctx context.Context, db *sql.DB, text string, now any) ([]DueJob, error) {
	rows, err := db.QueryContext(ctx, text, now)
	if err != nil {
		return nil, fmt.Errorf("list due jobs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var due []DueJob
	for rows.Next() {
		var job DueJob
		var fields string
		if err := rows.Scan(&job.ID, &job.Kind, &fields); err != nil {
			return nil, fmt.Errorf("read due job: %w", err)
		}
		job.Fields = json.RawMessage(fields)
		due = append(due, job)
	}
	return due, rows.Err()
}

func (e *sqliteEngine) nextJob(ctx context.Context) (time.Time, bool, error) {
	var micros sql.NullInt64
	err := e.write.QueryRowContext(ctx, "SELECT CAST(ROUND((MIN(julianday(scheduled_at)) - 2440587.5) * 86400000) AS INTEGER) * 1000 "+pendingJobs).Scan(&micros)
	return maybeAt(micros), micros.Valid, err
}

func (e *postgresEngine) nextJob(ctx context.Context) (time.Time, bool, error) {
	var due sql.NullTime
	err := e.db.QueryRowContext(ctx, "SELECT MIN(scheduled_at) "+pendingJobs).Scan(&due)
	return due.Time.UTC(), due.Valid, err
}

func (e *sqliteEngine) finishJob(ctx context.Context, id int64) error {
	return finishJob(ctx, e.write, id)
}

func (e *postgresEngine) finishJob(ctx context.Context, id int64) error {
	return finishJob(ctx, e.db, id)
}

func finishJob(ctx context.Context, db *sql.DB, id int64) error {
	if _, err := db.ExecContext(ctx, "DELETE FROM river_job WHERE id = $1", id); err != nil {
		return fmt.Errorf("finish job %d: %w", id, err)
	}
	return nil
}
