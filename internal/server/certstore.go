package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// certTx is what the certificate storage asks of a transaction.
type certTx interface {
	PutItem(ctx context.Context, name string, value []byte, now time.Time) error
	ItemByName(ctx context.Context, name string) (value []byte, modified time.Time, found bool, err error)
	ItemNames(ctx context.Context, folder string) ([]string, error)
	DeleteItems(ctx context.Context, name string) error
	TakeLock(ctx context.Context, name string, holder []byte, now, expires time.Time) (won bool, err error)
	ReleaseLock(ctx context.Context, name string, holder []byte) error
}

// certStore is certmagic's storage over our database: items are sealed, locks are rows with an end that their holder keeps moving.
type certStore struct {
	ledger audit.Ledger[certTx]
	now    func() time.Time

	mu    sync.Mutex
	locks map[string]*certLock // name → the lock that this process holds; guarded by mu
}

// certLock is one taking of a lock. Each has a holder of its own, so that two of one process exclude each other as two of two nodes do.
type certLock struct {
	holder []byte
	stop   context.CancelFunc
	kept   chan struct{} // closed when the lock is no longer renewed
}

func newCertStore(ledger audit.Ledger[certTx], now func() time.Time) *certStore {
	return &certStore{ledger: ledger, now: now, locks: map[string]*certLock{}}
}

const (
	lockLife = 30 * time.Second
	lockPoll = time.Second
)

func (c *certStore) change(ctx context.Context, fn func(certTx) error) error {
	return c.ledger.Update(ctx, func(tx certTx) (audit.Event, error) { return audit.Quiet(audit.Housekeeping), fn(tx) })
}

// Lock waits for the lock of a name and renews it until Unlock. One whose holder died is free after lockLife.
func (c *certStore) Lock(ctx context.Context, name string) error {
	lock := &certLock{holder: make([]byte, 16), kept: make(chan struct{})}
	rand.Read(lock.holder)
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for {
		won, err := c.take(ctx, name, lock.holder)
		if err != nil {
			return err
		}
		if won {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
	var renew context.Context
	renew, lock.stop = context.WithCancel(context.WithoutCancel(ctx))
	c.mu.Lock()
	c.locks[name] = lock
	c.mu.Unlock()
	go c.keep(renew, name, lock)
	return nil
}

func (c *certStore) take(ctx context.Context, name string, holder []byte) (won bool, err error) {
	err = c.change(ctx, func(tx certTx) error {
		won, err = tx.TakeLock(ctx, name, holder, c.now(), c.now().Add(lockLife))
		return err
	})
	return won, err
}

// keep moves the end of a lock on. What fails is tried again: the lock lives three times as long as that takes.
func (c *certStore) keep(ctx context.Context, name string, lock *certLock) {
	defer close(lock.kept)
	tick := time.NewTicker(lockLife / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = c.take(ctx, name, lock.holder)
		}
	}
}

// Unlock gives the lock back, after its last renewal has ended: one that came later would take it again for nobody.
func (c *certStore) Unlock(ctx context.Context, name string) error {
	c.mu.Lock()
	lock := c.locks[name]
	delete(c.locks, name)
	c.mu.Unlock()
	if lock == nil {
		return fmt.Errorf("lock %s is not held", name)
	}
	lock.stop()
	<-lock.kept
	return c.change(ctx, func(tx certTx) error { return tx.ReleaseLock(ctx, name, lock.holder) })
}

// Store keeps a value.
func (c *certStore) Store(ctx context.Context, name string, value []byte) error {
	return c.change(ctx, func(tx certTx) error { return tx.PutItem(ctx, name, value, c.now()) })
}

func (c *certStore) item(ctx context.Context, name string) (value []byte, modified time.Time, err error) {
	err = c.ledger.View(ctx, func(tx certTx) error {
		var found bool
		if value, modified, found, err = tx.ItemByName(ctx, name); err == nil && !found {
			err = fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return err
	})
	return value, modified, err
}

// Load gives a value. Errors: fs.ErrNotExist.
func (c *certStore) Load(ctx context.Context, name string) ([]byte, error) {
	value, _, err := c.item(ctx, name)
	return value, err
}

// Delete removes a value and everything below it.
func (c *certStore) Delete(ctx context.Context, name string) error {
	return c.change(ctx, func(tx certTx) error { return tx.DeleteItems(ctx, name) })
}

// Exists says whether there is a value, or a folder, of that name.
func (c *certStore) Exists(ctx context.Context, name string) bool {
	if _, _, err := c.item(ctx, name); err == nil {
		return true
	}
	names, err := c.names(ctx, name)
	return err == nil && len(names) > 0
}

func (c *certStore) names(ctx context.Context, folder string) (names []string, err error) {
	err = c.ledger.View(ctx, func(tx certTx) error {
		names, err = tx.ItemNames(ctx, folder)
		return err
	})
	return names, err
}

// List gives the names below a folder; not recursive, only its own children. Errors: fs.ErrNotExist for an empty one.
func (c *certStore) List(ctx context.Context, folder string, recursive bool) ([]string, error) {
	folder = strings.Trim(folder, "/")
	names, err := c.names(ctx, folder)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: %w", folder, fs.ErrNotExist)
	}
	if recursive {
		return names, nil
	}
	start := len(folder)
	if start > 0 {
		start++
	}
	for i, name := range names {
		child, _, _ := strings.Cut(name[start:], "/")
		names[i] = name[:start] + child
	}
	return slices.Compact(names), nil
}

// Stat tells about a value or folder. Errors: fs.ErrNotExist.
func (c *certStore) Stat(ctx context.Context, name string) (certmagic.KeyInfo, error) {
	value, modified, err := c.item(ctx, name)
	if err == nil {
		return certmagic.KeyInfo{Key: name, Modified: modified, Size: int64(len(value)), IsTerminal: true}, nil
	}
	if names, listed := c.names(ctx, name); listed == nil && len(names) > 0 {
		return certmagic.KeyInfo{Key: name}, nil
	}
	return certmagic.KeyInfo{}, err
}
