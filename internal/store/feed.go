package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// feed tells snapshots what changed: changes of this process before their Update returns, changes of others (the host's command line,
// other nodes) as soon as the poll sees them. A listener may hear of one change twice and must read the row again each time.
type feed struct {
	mu        sync.Mutex
	listeners []func(txn.Change) // guarded by mu; called without it
	cursor    int64              // the last row read; owned by Follow
}

func (f *feed) start(ctx context.Context, db *DB) error {
	return db.engine.view(ctx, func(q *sqlgen.Queries) error {
		head, err := q.Head(ctx)
		if err != nil {
			return fmt.Errorf("read feed head: %w", err)
		}
		f.cursor = head.FeedSeq
		return nil
	})
}

func (f *feed) tell(changes []txn.Change) {
	if len(changes) == 0 {
		return
	}
	f.mu.Lock()
	listeners := f.listeners
	f.mu.Unlock()
	for _, c := range changes {
		for _, hear := range listeners {
			hear(c)
		}
	}
}

// Listen adds a listener. It is called from many goroutines, before the change is acknowledged, and must not write.
func (db *DB) Listen(hear func(txn.Change)) {
	db.feed.mu.Lock()
	defer db.feed.mu.Unlock()
	db.feed.listeners = append(slices.Clip(db.feed.listeners), hear)
}

const (
	feedPage = 1000
	// FeedPoll is how often a process looks for changes that others made.
	FeedPoll = 100 * time.Millisecond
)

// Follow polls for changes of other processes until ctx ends. Numbers are given out under the head's lock, so that going by number
// has no gaps on either engine. An error is handed to failed and the poll goes on: how long a node may serve without hearing the
// database is decided elsewhere.
func (db *DB) Follow(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(FeedPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := db.CatchUp(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// CatchUp reads what the feed holds beyond the cursor and tells the listeners. Only one goroutine may call it at a time.
func (db *DB) CatchUp(ctx context.Context) error {
	for {
		var rows []sqlgen.ListFeedRow
		err := db.engine.view(ctx, func(q *sqlgen.Queries) (err error) {
			rows, err = q.ListFeed(ctx, sqlgen.ListFeedParams{After: db.feed.cursor, MaxRows: feedPage})
			return err
		})
		if err != nil {
			return fmt.Errorf("read feed after %d: %w", db.feed.cursor, err)
		}
		changes := make([]txn.Change, len(rows))
		for i, row := range rows {
			changes[i] = txn.Change{Subject: txn.Subject(row.Kind), ID: rowID[id.EventKind](row.Subject)}
			db.feed.cursor = row.Seq
		}
		db.feed.tell(changes)
		if len(rows) < feedPage {
			return nil
		}
	}
}
