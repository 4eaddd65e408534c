package audit_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// page is a ledger that keeps events and has no rows.
type page struct{ events []audit.Event }

func (p *page) View(context.Context, func(any) error) error { return nil }

func (p *page) Update(_ context.Context, fn func(any) (audit.Event, error)) error {
	e, err := fn(nil)
	if err == nil {
		p.events = append(p.events, e)
	}
	return err
}

// TestAFloodOfRefusalsIsOneEventForEachNetwork: a stranger who knows a key's id and owns a /64 cannot fill its owner's log.
func TestAFloodOfRefusalsIsOneEventForEachNetwork(t *testing.T) {
	for _, row := range []struct {
		name   string
		addr   func(n int) string
		events int
	}{
		{"one address", func(int) string { return "198.51.100.1" }, 1},
		{"one /64", func(n int) string { return fmt.Sprintf("2001:db8::%x", n+1) }, 1},
		{"ten networks", func(n int) string { return fmt.Sprintf("2001:db8:0:%x::%x", n%10, n+1) }, 10},
		{"three thousand networks: 64 kinds, and one row for the rest", func(n int) string { return fmt.Sprintf("2001:db8:0:%x::1", n) }, 65},
		{"one address in two spellings", func(n int) string { return []string{"198.51.100.1", "::ffff:198.51.100.1"}[n%2] }, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			now, told := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), &page{}
			tally := audit.NewTally(told, func() time.Time { return now }, nil)
			for n := range 3000 {
				addr := netip.MustParseAddr(row.addr(n))
				tally.Note(audit.Refusal{Action: audit.RequestRefused, Key: id.Key{1}, Reason: "signature.mismatch", Addr: addr}, principal.Principal{}, nil)
			}
			if err := tally.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			sum := 0
			for _, e := range told.events {
				var n int
				if _, err := fmt.Sscan(e.Facts["count"], &n); err != nil {
					t.Fatal(err)
				}
				sum += n
			}
			if len(told.events) != row.events || sum != 3000 {
				t.Errorf("%d events tell of %d refusals, want %d of 3000", len(told.events), sum, row.events)
			}
		})
	}
}

// TestRefusedForTooManyTriesIsOneKind: whoever hears that was refused for something else before, which was told with its address.
func TestRefusedForTooManyTriesIsOneKind(t *testing.T) {
	now, told := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), &page{}
	tally := audit.NewTally(told, func() time.Time { return now }, nil)
	for n := range 50 {
		actor := principal.Principal{Origin: principal.Origin{Addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(n)})}}
		tally.Note(audit.Refusal{
			Action: audit.RequestRefused, Key: id.Key{1}, Reason: "rate_limited", Addr: actor.Origin.Addr, Route: fmt.Sprintf("GET /v1/%d", n%3),
		}, actor, map[string]string{"n": fmt.Sprint(n)})
	}
	if err := tally.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(told.events) != 1 || told.events[0].Facts["count"] != "50" || told.events[0].Actor.Origin.Addr.IsValid() {
		t.Errorf("50 refusals from as many addresses: %+v", told.events)
	}
}

// TestRefusalsAreToldInTheOrderTheyCame: those of one moment too.
func TestRefusalsAreToldInTheOrderTheyCame(t *testing.T) {
	now, told := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), &page{}
	tally := audit.NewTally(told, func() time.Time { return now }, nil)
	var want []string
	for minute := range 2 {
		for n := range 30 {
			route := fmt.Sprintf("GET /v1/%d/%d", minute, n)
			tally.Note(audit.Refusal{Action: audit.RequestRefused, Key: id.Key{1}, Reason: "scope.missing", Route: route}, principal.Principal{}, nil)
			want = append(want, route)
		}
		if err := tally.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
	}
	var got []string
	for _, e := range told.events {
		got = append(got, e.Facts["route"])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
