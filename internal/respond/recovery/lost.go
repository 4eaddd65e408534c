package recovery

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Losable is a browser that its user has signed in with, and what whoever finds it would hold.
type Losable struct {
	ID id.Device
	// Agent is what it called itself last.
	Agent string
	// First and Last are when its user signed in with it.
	First, Last time.Time
	// Ended is when it was given up, or made a stranger in another way; zero while it is recognised.
	Ended time.Time
	// Here says that it is the one that asks.
	Here bool
	// Sessions is how many are open in it.
	Sessions int
	Passkeys []passkey.Credential
}

// Losables lists the browsers of the principal that could be lost, the one used last first. One that nobody signed in with for device.Memory is
// forgotten by itself.
func (r *Recoveries) Losables(ctx context.Context, p principal.Principal) (list []Losable, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		list, err = r.losables(ctx, tx, p)
		return err
	})
	return list, err
}

func (r *Recoveries) losables(ctx context.Context, tx Tx, p principal.Principal) ([]Losable, error) {
	list, err := tx.LosableDevices(ctx, p.User)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	open, err := txn.As[session.Tx](tx).LiveSessionsByUser(ctx, p.User, r.Now())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	methods, err := r.Factors.MethodsOf(ctx, tx, p.User)
	if err != nil {
		return nil, err
	}
	for i := range list {
		d := &list[i]
		d.Here = d.ID == p.Origin.Device
		for _, row := range open {
			if row.Device == d.ID && row.Parent.IsZero() {
				d.Sessions++
				d.Here = d.Here || row.ID == p.Session
			}
		}
		if d.Passkeys, err = methods.MadeOn(ctx, tx, p.User, d.ID); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r *Recoveries) losable(ctx context.Context, tx Tx, p principal.Principal, which id.Device) (Losable, error) {
	list, err := r.losables(ctx, tx, p)
	if err != nil {
		return Losable{}, err
	}
	i := slices.IndexFunc(list, func(d Losable) bool { return d.ID == which })
	if i < 0 {
		return Losable{}, fault.New(fault.DeviceNotFound)
	}
	return list[i], nil
}

// Exposed is an API key of an account, and why it may be in the hands of whoever has a browser.
type Exposed struct {
	apikey.Key
	// Made: it was made there. Used: it was last used from a network that browser was signed in from.
	Made, Used bool
}

// rank puts first what is likeliest to be lost.
func (e Exposed) rank() int {
	switch {
	case e.Made:
		return 0
	case e.Used:
		return 1
	}
	return 2
}

// Losable reads one browser of the principal, and the keys of the account that may still be used, those that could live in it first.
// Errors: device.not_found.
func (r *Recoveries) Losable(ctx context.Context, p principal.Principal, which id.Device) (d Losable, keys []Exposed, err error) {
	networks := map[string]bool{}
	err = r.Ledger.View(ctx, func(tx Tx) error {
		if d, err = r.losable(ctx, tx, p, which); err != nil {
			return err
		}
		seen, err := tx.SessionAddresses(ctx, p.User, which)
		for _, text := range seen {
			if addr, err := netip.ParseAddr(text); err == nil {
				networks[device.Network(addr)] = true
			}
		}
		return err
	})
	if err != nil {
		return d, nil, err
	}
	all, err := r.Keys.List(ctx, p)
	if fault.CodeOf(err) == fault.Forbidden { // who may not see keys has none to look after
		return d, nil, nil
	}
	now := r.Now()
	for _, k := range all {
		if !k.RevokedAt.IsZero() || !now.Before(k.ExpiresAt) {
			continue
		}
		addr, _ := netip.ParseAddr(k.LastUsedFrom) // a key that nobody used has none, and no network
		keys = append(keys, Exposed{Key: k, Made: k.BornOn == which, Used: networks[device.Network(addr)]})
	}
	slices.SortStableFunc(keys, func(a, b Exposed) int { return cmp.Compare(a.rank(), b.rank()) })
	return d, keys, err
}

// LostInput names what is given up.
type LostInput struct {
	Device id.Device
	// KeepPasskeys leaves the passkeys that were made in it, for who cannot show what their removal asks for. Everything else ends all the same.
	KeepPasskeys bool
}

// Lost is what ended with a browser.
type Lost struct {
	Sessions int
	Passkeys []string
	// Here says that it was the one that asked, which is signed out.
	Here bool
}

// GiveUp ends everything that was issued to a browser of the principal: its sessions with their children, the passkeys that were made in it, and that
// it is recognised. Money is held. API keys stay: Losable names those that could live in it. Removing passkeys needs a step-up, the rest nothing,
// because it only takes away. Errors: device.not_found, factor.last, factor.last_way_back, step_up_required.
func (r *Recoveries) GiveUp(ctx context.Context, p principal.Principal, in LostInput) (out Lost, err error) {
	err = r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		d, err := r.losable(ctx, tx, p, in.Device)
		if err != nil {
			return audit.Event{}, err
		}
		if !d.Ended.IsZero() && d.Sessions == 0 && (in.KeepPasskeys || len(d.Passkeys) == 0) {
			return audit.Event{}, fault.New(fault.DeviceNotFound) // nothing is left of it
		}
		out = Lost{Sessions: d.Sessions, Here: d.Here}
		if !in.KeepPasskeys {
			if out.Passkeys, err = r.Factors.RemoveMadeOn(ctx, tx, p, d.ID, d.Agent); err != nil {
				return audit.Event{}, err
			}
		}
		facts := map[string]string{"device": d.Agent, "passkeys": cmp.Or(strings.Join(out.Passkeys, ", "), "–")}
		h := happening.Happening{Kind: happening.DeviceLost, User: p.User, Session: p.Session, Device: d.ID, Owing: p.Challenge.Why != "", Facts: map[string]string{"lost": d.Agent, "passkeys": strings.Join(out.Passkeys, ", ")}}
		return audit.Event{Action: audit.DeviceLost, Actor: p, Person: p.User, Facts: facts}, r.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
	})
	return out, r.StepUps.Ask(ctx, err)
}
