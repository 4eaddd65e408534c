package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// feed tells snapshots what changed: changes of this process before their Update returns, changes of others (the host's command line,
// other nodes) as soon as the poll sees them. A listener may hear of one change twice and must read the row again each time.
type feed struct {
	mu        sync.Mutex
	listeners []Listener // guarded by mu; called without it
	took      Spreading  // set once, before anybody listens; nil measures nothing

	polling sync.Mutex
	cursor  int64                     // the last row read; guarded by polling
	heard   atomic.Pointer[time.Time] // when the rows up to the cursor were all there were; nil while nobody follows
	told    atomic.Bool               // this process has changed something that others follow
}

// Spreading hears how long after its commit a change was in a listener's snapshot. polled says that the process learnt of it by the poll, as every
// other node does; a process sees its own changes both ways.
type Spreading func(listener string, polled bool, took time.Duration)

// Measure is called once, before the process follows: took hears of each change that a listener with a name was told.
func (db *DB) Measure(took Spreading) { db.feed.took = took }

// dated is a change and when it was committed, or in the poll the moment before, when its row was written.
type dated struct {
	txn.Change
	at time.Time
}

// Listener is a snapshot of rows that the feed keeps true.
type Listener struct {
	// Name stands in measurements; what has none is not measured.
	Name string
	// Hear is told of one change. It is called from many goroutines, before the change is acknowledged, and must not write.
	Hear func(txn.Change)
	// Reload reads everything again. It is called when changes may have been missed. Until it succeeds, this node counts as out of touch.
	Reload func(context.Context) error
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

func (db *DB) tell(changes []dated, polled bool) {
	f := &db.feed
	if len(changes) == 0 {
		return
	}
	f.mu.Lock()
	listeners := f.listeners
	f.mu.Unlock()
	for _, c := range changes {
		for _, l := range listeners {
			l.Hear(c.Change)
			if f.took != nil && l.Name != "" {
				f.took(l.Name, polled, max(0, db.now().Sub(c.at)))
			}
		}
	}
}

// Listen adds a listener, which has just read its rows.
func (db *DB) Listen(l Listener) {
	db.feed.mu.Lock()
	defer db.feed.mu.Unlock()
	db.feed.listeners = append(slices.Clip(db.feed.listeners), l)
}

const (
	feedPage = 1000
	// FeedPoll is how often a process looks for changes that others made.
	FeedPoll = 100 * time.Millisecond
	// feedWait bounds one look, so that a database that hangs and comes back is heard again.
	feedWait = 5 * time.Second
)

// Follow polls for changes of other processes until ctx ends, and says after each poll how it went. How long a node may serve without
// hearing the database is decided by whoever asks for Age.
func (db *DB) Follow(ctx context.Context, polled func(error)) {
	begun := db.now()
	db.feed.heard.Store(&begun)
	tick := time.NewTicker(FeedPoll)
	defer tick.Stop()
	for {
		look, cancel := context.WithTimeout(ctx, feedWait)
		err := db.CatchUp(look)
		cancel()
		if ctx.Err() == nil {
			polled(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Spread waits until a process that follows has had time to hear what this one changed, and not at all if it changed nothing. The host's
// commands end with it, so that what they say is done holds at the server too. One that cannot read the database for so long serves on what
// it knows, within the bounds of Age.
func (db *DB) Spread(ctx context.Context) {
	if !db.feed.told.Load() {
		return
	}
	wait := time.NewTimer(3 * FeedPoll)
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-wait.C:
	}
}

// Age is how long ago this process last knew of every change. One that never began to Follow, as the host's command line, read its rows just
// now and has the age zero. It costs one atomic read and a look at the clock.
func (db *DB) Age() time.Duration {
	if heard := db.feed.heard.Load(); heard != nil {
		return db.now().Sub(*heard)
	}
	return 0
}

// heardAt notes that everything that was committed at that time is known.
func (f *feed) heardAt(at time.Time) {
	if f.heard.Load() != nil {
		f.heard.Store(&at)
	}
}

// CatchUp reads what the feed holds beyond the cursor and tells the listeners. Where the feed no longer goes back to the cursor, because
// this node was away for longer than its rows are kept, or ends before it, because the database was replaced, all listeners read everything
// again.
func (db *DB) CatchUp(ctx context.Context) error {
	db.feed.polling.Lock()
	defer db.feed.polling.Unlock()
	for {
		begun := db.now()
		page, err := db.feedAfter(ctx, db.feed.cursor)
		if err != nil {
			return fmt.Errorf("read feed after %d: %w", db.feed.cursor, err)
		}
		if page.gap {
			if err := db.feed.reload(ctx); err != nil {
				return fmt.Errorf("read everything again after a gap in the feed at %d: %w", db.feed.cursor, err)
			}
			db.log.WarnContext(ctx, "the feed had a gap: everything was read again", "after", db.feed.cursor, "head", page.head)
			db.feed.cursor = page.head
			db.feed.heardAt(begun)
			return nil
		}
		db.tell(page.changes, true)
		db.feed.cursor += int64(len(page.changes))
		if len(page.changes) < feedPage {
			db.feed.heardAt(begun)
			return nil
		}
	}
}

// feedRows are the changes after a cursor. gap says that some are missing: numbers are given out one by one under the head's lock, on
// either engine, so that a number that is not there was deleted.
type feedRows struct {
	changes []dated
	head    int64
	gap     bool
}

func (db *DB) feedAfter(ctx context.Context, cursor int64) (page feedRows, err error) {
	err = db.engine.view(ctx, func(q *sqlgen.Queries) error {
		head, err := q.Head(ctx)
		if err != nil {
			return err
		}
		rows, err := q.ListFeed(ctx, sqlgen.ListFeedParams{After: cursor, MaxRows: feedPage})
		if err != nil {
			return err
		}
		page = feedRows{head: head.FeedSeq, gap: head.FeedSeq < cursor || (len(rows) == 0 && head.FeedSeq > cursor)}
		for i, row := range rows {
			page.gap = page.gap || row.Seq != cursor+1+int64(i)
			page.changes = append(page.changes, dated{txn.Change{Subject: txn.Subject(row.Kind), ID: rowID[id.EventKind](row.Subject)}, at(row.At)})
		}
		return nil
	})
	return page, err
}

func (f *feed) reload(ctx context.Context) error {
	f.mu.Lock()
	listeners := f.listeners
	f.mu.Unlock()
	for _, l := range listeners {
		if err := l.Reload(ctx); err != nil {
			return err
		}
	}
	return nil
}
