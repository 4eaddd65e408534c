package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// broom is the view of a transaction that sweeps.
type broom interface {
	device.Tx
	InsertUser(ctx context.Context, u account.User) error
	Spend(ctx context.Context, mark [32]byte, expires time.Time) (bool, error)
	Sweep(ctx context.Context, now time.Time, limit int64) (rows int64, more bool, err error)
}

func quietly(t testing.TB, db *store.DB, fn func(tx broom) error) {
	t.Helper()
	err := store.Of[broom](db).Update(t.Context(), func(tx broom) (audit.Event, error) { return audit.Quiet(audit.Housekeeping), fn(tx) })
	if err != nil {
		t.Fatal(err)
	}
}

// sweep sweeps in batches until nothing is left, and gives the size of each.
func sweep(t testing.TB, db *store.DB, now time.Time, limit int64) (batches []int64) {
	t.Helper()
	for more := true; more; {
		quietly(t, db, func(tx broom) error {
			rows, left, err := tx.Sweep(t.Context(), now, limit)
			batches, more = append(batches, rows), left
			return err
		})
	}
	return batches
}

func sweepsInBatches(t *testing.T, p *Place) {
	db := p.Open(t)
	now := p.Clock.Now()
	quietly(t, db, func(tx broom) error {
		for i := range 25 {
			expires := now.Add(time.Hour)
			if i < 24 {
				expires = now.Add(-time.Second)
			}
			if _, err := tx.Spend(t.Context(), mark(fmt.Sprint(i)), expires); err != nil {
				return err
			}
		}
		return nil
	})
	if got := fmt.Sprint(sweep(t, db, now, 10)); got != "[10 10 4]" {
		t.Errorf("24 expired marks went in batches of %s", got)
	}
	if err := spend(t, db, "24", nil); err == nil {
		t.Error("a mark that is still needed was swept")
	}
	if err := spend(t, db, "23", nil); err != nil {
		t.Errorf("an expired mark is still there: %v", err)
	}
}

func sweepsDevices(t *testing.T, p *Place) {
	db := p.Open(t)
	now := p.Clock.Now()
	ada := account.User{ID: id.New[id.UserKind](now), Mail: "ada@example.com", Lang: "en", Handle: account.MintHandle(), Born: now}
	last := map[string]time.Duration{"just now": 0, "29 days ago": 29 * 24 * time.Hour, "31 days ago": 31 * 24 * time.Hour, "a year ago": 365 * 24 * time.Hour}
	quietly(t, db, func(tx broom) error {
		if err := tx.InsertUser(t.Context(), ada); err != nil {
			return err
		}
		for name, ago := range last {
			d := device.Device{ID: id.New[id.DeviceKind](now), Agent: name, Born: now.Add(-ago), LastSeenAt: now.Add(-ago)}
			if err := tx.InsertDevice(t.Context(), d, mark(name)); err != nil {
				return err
			}
			if err := tx.PutDeviceUser(t.Context(), d.ID, ada.ID, d.LastSeenAt); err != nil {
				return err
			}
		}
		return nil
	})
	if got := fmt.Sprint(sweep(t, db, now, 1)); got != "[1 1 0]" {
		t.Errorf("two devices went in batches of %s", got)
	}
	quietly(t, db, func(tx broom) error {
		for name, ago := range last {
			_, found, err := tx.DeviceByToken(t.Context(), mark(name))
			if err != nil {
				return err
			}
			if found != (ago < device.Memory) {
				t.Errorf("a device seen %s is there: %v", name, found)
			}
		}
		return nil
	})
}
