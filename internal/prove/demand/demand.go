// Package demand owns what users demand of themselves: a passkey where the policy would take less.
//
// It does not know what the policy asks of everybody, nor how a proof is made. Package stepup asks Least for what concerns settings; what trades is a
// session, and one that was proven without a passkey gets a challenge where it begins.
//
// Invariant: a demand only ever adds to the policy; making one and giving one up each take a passkey that is old enough to approve money, and one that is
// given up goes on for a time in which its owner, who is told, can keep it.
//
//	none ──Make──▶ stands ──Drop──▶ ending ──time──▶ none        ending ──Make, Keep──▶ stands
package demand

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Area is what a passkey is demanded for. The words are stored: never rename. Money asks everybody for one.
type Area string

// The areas. Looking and cancelling are none of them: what reduces risk is refused to nobody for lack of ceremony.
const (
	// Trading: a session places orders, and does whatever else is more than looking and cancelling, only once a passkey was shown in it.
	Trading Area = "trading"
	// Settings: keys, sign-in methods, addresses, leaving and unlocking, as for users of high value.
	Settings Area = "settings"
)

// Areas are all of them, in the order in which they are shown.
var Areas = []Area{Trading, Settings}

// Demand is one that its user made.
type Demand struct {
	Area  Area
	Since time.Time
	// Until is when it ends, once it was given up; zero for one that stands.
	Until time.Time
}

// Holds says whether it counts at now.
func (d Demand) Holds(now time.Time) bool { return d.Until.IsZero() || now.Before(d.Until) }

// Tx is what this package asks of a transaction.
type Tx interface {
	// DemandsOf lists the demands of a user, those that are over too.
	DemandsOf(ctx context.Context, u id.User) ([]Demand, error)
	// PutDemand makes one stand; won is false if it stands already.
	PutDemand(ctx context.Context, u id.User, a Area, now time.Time) (won bool, err error)
	// EndDemand sets the end of one that stands; won is false if none does.
	EndDemand(ctx context.Context, u id.User, a Area, until time.Time) (won bool, err error)
	// KeepDemands takes the ends back that are after now.
	KeepDemands(ctx context.Context, u id.User, now time.Time) error
}

// Deps are what Demands is made of. All are needed.
type Deps struct {
	Ledger  audit.Ledger[Tx]
	Now     func() time.Time
	StepUps *stepup.StepUps
	Follow  happening.Applier
	// Sessions gives those of a user that were proven without a passkey a challenge.
	Sessions interface {
		Demand(ctx context.Context, tx session.Tx, u id.User) error
	}
	// Young says until when none of a user's passkeys is old enough; zero if one is, or there is none. tx is the running transaction.
	Young func(ctx context.Context, tx any, u id.User) (until time.Time, err error)
	// Wait is how long a demand goes on after it was given up.
	Wait time.Duration
}

// Demands makes and ends them. It is safe for concurrent use.
type Demands struct{ Deps }

// New makes a Demands.
func New(d Deps) *Demands { return &Demands{d} }

// Of lists what the principal demands now.
func (d *Demands) Of(ctx context.Context, p principal.Principal) (list []Demand, err error) {
	err = d.Ledger.View(ctx, func(tx Tx) error {
		list, err = d.of(ctx, tx, p.User)
		return err
	})
	return list, err
}

func (d *Demands) of(ctx context.Context, tx Tx, u id.User) ([]Demand, error) {
	list, err := tx.DemandsOf(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("list demands: %w", err)
	}
	now := d.Now()
	return slices.DeleteFunc(list, func(kept Demand) bool { return !kept.Holds(now) }), nil
}

// Make demands a passkey for an area, or keeps what was given up. Who has none cannot: they would shut themselves out.
// Errors: request.invalid, demand.unchanged, step_up_required, assurance.too_low, passkey.young.
func (d *Demands) Make(ctx context.Context, p principal.Principal, a Area) error {
	return d.change(ctx, p, a, audit.DemandMade, happening.DemandMade, func(tx Tx, _ map[string]string) (bool, error) {
		won, err := tx.PutDemand(ctx, p.User, a, d.Now())
		if err != nil || !won || a != Trading {
			return won, err
		}
		return won, d.Sessions.Demand(ctx, txn.As[session.Tx](tx), p.User)
	})
}

// Drop gives a demand up: it goes on for the wait, of which the user is told, and in which Make keeps it.
// Errors: request.invalid, demand.unchanged, step_up_required, assurance.too_low, passkey.young.
func (d *Demands) Drop(ctx context.Context, p principal.Principal, a Area) error {
	return d.change(ctx, p, a, audit.DemandDropped, happening.DemandDropped, func(tx Tx, facts map[string]string) (bool, error) {
		until := d.Now().Add(d.Wait)
		facts["until"] = until.UTC().Format(time.RFC3339)
		return tx.EndDemand(ctx, p.User, a, until)
	})
}

func (d *Demands) change(ctx context.Context, p principal.Principal, a Area, what audit.Action, kind happening.Kind, write func(Tx, map[string]string) (bool, error)) error {
	if !slices.Contains(Areas, a) {
		return fault.New(fault.RequestInvalid, "field", "area")
	}
	err := d.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		facts := map[string]string{"area": string(a)}
		content := stepup.Content{Action: what, Input: a, Facts: map[string]string{"area": string(a)}, Floor: assurance.Phr}
		if err := d.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		until, err := d.Young(ctx, tx, p.User)
		if err != nil {
			return audit.Event{}, err
		}
		if !until.IsZero() {
			return audit.Event{}, fault.New(fault.PasskeyYoung, "until", until.UTC().Format(time.RFC3339))
		}
		won, err := write(tx, facts)
		if err != nil {
			return audit.Event{}, fmt.Errorf("change demand: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.DemandUnchanged)
		}
		h := happening.Happening{Kind: kind, User: p.User, Session: p.Session, Facts: facts}
		return audit.Event{Action: what, Actor: p, Person: p.User, Facts: facts}, d.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
	})
	return d.StepUps.Ask(ctx, err)
}

// Keep takes back in the caller's transaction that demands of u end: somebody said by a notice's link that it was not them.
func (d *Demands) Keep(ctx context.Context, tx any, u id.User) error {
	if err := txn.As[Tx](tx).KeepDemands(ctx, u, d.Now()); err != nil {
		return fmt.Errorf("keep demands: %w", err)
	}
	return nil
}

// Least is what u demands for sensitive changes. tx is the running transaction.
func (d *Demands) Least(ctx context.Context, tx any, u id.User) (assurance.Level, error) {
	_, stands, err := d.find(ctx, tx, u, Settings)
	if err != nil || stands {
		return assurance.Phr, err
	}
	return assurance.None, nil
}

// Owed is the challenge of a session of u that begins with the proof; none if it is enough for what u demands. tx is the running transaction.
func (d *Demands) Owed(ctx context.Context, tx any, u id.User, proof assurance.Proof) (assurance.Challenge, error) {
	made, stands, err := d.find(ctx, tx, u, Trading)
	if err != nil || !stands || proof.Level() >= assurance.Phr {
		return assurance.Challenge{}, err
	}
	return assurance.Challenge{Why: assurance.Demanded, Needs: assurance.Phr, Until: made.Until}, nil
}

func (d *Demands) find(ctx context.Context, tx any, u id.User, a Area) (Demand, bool, error) {
	list, err := d.of(ctx, txn.As[Tx](tx), u)
	at := slices.IndexFunc(list, func(kept Demand) bool { return kept.Area == a })
	if err != nil || at < 0 {
		return Demand{}, false, err
	}
	return list[at], true, nil
}
