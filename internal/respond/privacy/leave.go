package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Due is the job that ends a departure. One that was taken back, or asked for anew since, is another.
type Due struct {
	User id.User `json:"user"`
	// At is the end of the departure in microseconds.
	At int64 `json:"at"`
}

// Kind names the job.
func (Due) Kind() string { return "departure" }

// Tomorrow is the job that tells somebody a day before they are erased. It is about the departure that ends then, and no other.
type Tomorrow struct {
	User id.User `json:"user"`
	// At is the end of the departure in microseconds.
	At int64 `json:"at"`
}

// Kind names the job.
func (Tomorrow) Kind() string { return "departure_near" }

// Of gives the principal's own departure; found is false for somebody who stays.
func (s *Privacy) Of(ctx context.Context, p principal.Principal) (d Departure, found bool, err error) {
	err = s.Ledger.View(ctx, func(tx Tx) error {
		d, found, err = tx.DepartureOf(ctx, p.User)
		return err
	})
	return d, found, err
}

// Leave begins the wait at whose end the principal is erased. typed is their mail address, as they typed it to say that they mean it. Nothing
// changes until then, and Stay takes it back.
// Errors: forbidden, account.mail_differs, account.leaving, account.last_owner, step_up_required.
func (s *Privacy) Leave(ctx context.Context, p principal.Principal, typed string) (d Departure, err error) {
	if p.Kind != principal.KindUser {
		return d, fault.New(fault.Forbidden)
	}
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := s.mayLeave(ctx, tx, p.User, typed); err != nil {
			return audit.Event{}, err
		}
		if err := s.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.DepartureBegun, Input: p.User, Floor: assurance.Pwd, Sensitive: true}); err != nil {
			return audit.Event{}, err
		}
		now := s.Now()
		d = Departure{User: p.User, Asked: now, Due: now.Add(s.Wait)}
		won, err := tx.InsertDeparture(ctx, d)
		if err != nil {
			return audit.Event{}, fmt.Errorf("insert departure: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.AccountLeaving)
		}
		if err := tx.EnqueueAt(ctx, Due{p.User, d.Due.UnixMicro()}, d.Due); err != nil {
			return audit.Event{}, err
		}
		if s.Wait > day {
			if err := tx.EnqueueAt(ctx, Tomorrow{p.User, d.Due.UnixMicro()}, d.Due.Add(-day)); err != nil {
				return audit.Event{}, err
			}
		}
		facts := endsOf(d)
		h := happening.Happening{Kind: happening.DepartureBegun, User: p.User, Session: p.Session, Facts: facts}
		return audit.Event{Action: audit.DepartureBegun, Actor: p, Person: p.User, Facts: facts}, s.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
	})
	return d, s.StepUps.Ask(ctx, err)
}

const day = 24 * time.Hour

func endsOf(d Departure) map[string]string {
	return map[string]string{"ends": d.Due.UTC().Format(time.RFC3339)}
}

func (s *Privacy) mayLeave(ctx context.Context, tx Tx, u id.User, typed string) error {
	user, found, err := tx.UserByID(ctx, u)
	if err != nil || !found {
		return fmt.Errorf("read user: found %t: %w", found, err)
	}
	if addr, err := mailaddr.Parse(typed); err != nil || addr.String() != user.Mail {
		return fault.New(fault.AccountMailDiffers)
	}
	alone, err := tx.OwnsAlone(ctx, u)
	if err != nil {
		return fmt.Errorf("look for other owners: %w", err)
	}
	if alone {
		return fault.New(fault.AccountLastOwner)
	}
	return nil
}

// Stay takes a departure back. It reduces risk, so it asks for no ceremony. Errors: forbidden, account.not_leaving.
func (s *Privacy) Stay(ctx context.Context, p principal.Principal) error {
	if p.Kind != principal.KindUser {
		return fault.New(fault.Forbidden)
	}
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		won, err := tx.DeleteDeparture(ctx, p.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("delete departure: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.AccountNotLeaving)
		}
		return s.stayed(ctx, tx, p, p.User)
	})
}

func (s *Privacy) stayed(ctx context.Context, tx Tx, p principal.Principal, u id.User) (audit.Event, error) {
	h := happening.Happening{Kind: happening.DepartureStopped, User: u, Session: p.Session}
	return audit.Event{Action: audit.DepartureStopped, Actor: p, Person: u}, s.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
}

// Stop ends a departure in the caller's transaction, where there is one, and tells the user; room respond calls it where the table says so.
func (s *Privacy) Stop(ctx context.Context, tx any, u id.User) error {
	won, err := txn.As[Tx](tx).DeleteDeparture(ctx, u)
	if err != nil {
		return fmt.Errorf("stop departure: %w", err)
	}
	if !won {
		return nil
	}
	return s.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.DepartureStopped, User: u})
}

// DoTomorrow tells somebody that a day is left. Whoever stays meanwhile hears nothing, nor does who asked anew, of the wish before.
func (s *Privacy) DoTomorrow(ctx context.Context, fields []byte) error {
	var job Tomorrow
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode job: %w", err)
	}
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		quiet := audit.Quiet(audit.Housekeeping)
		d, found, err := tx.DepartureOf(ctx, job.User)
		if err != nil || !found || d.Due.UnixMicro() != job.At {
			return quiet, err
		}
		return quiet, s.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.DepartureNear, User: job.User, Facts: endsOf(d)})
	})
}

// DoDue erases who wanted to leave, at the end of their wait. Who would leave other members without an owner, or whose account is claimed back,
// stays, and is told. Whoever was told that they stay does, also where both happen at once: the departure is taken first, by one of them.
func (s *Privacy) DoDue(ctx context.Context, fields []byte) error {
	var job Due
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode job: %w", err)
	}
	system := principal.System("departure")
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		won, err := tx.TakeDeparture(ctx, job.User, time.UnixMicro(job.At))
		if err != nil || !won {
			return audit.Quiet(audit.DepartureDropped), err
		}
		stays, err := s.mustStay(ctx, tx, job.User)
		if err != nil {
			return audit.Event{}, err
		}
		if stays {
			return s.stayed(ctx, tx, system, job.User)
		}
		if _, err := tx.DisableUser(ctx, job.User, s.Now()); err != nil {
			return audit.Event{}, fmt.Errorf("disable user: %w", err)
		}
		if err := s.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.UserDisabled, User: job.User}); err != nil {
			return audit.Event{}, err
		}
		return account.EraseIn(ctx, tx, system, job.User, s.Now())
	})
}

// mustStay says whether somebody would lose what they cannot get back.
func (s *Privacy) mustStay(ctx context.Context, tx Tx, u id.User) (bool, error) {
	alone, err := tx.OwnsAlone(ctx, u)
	if err != nil || alone {
		return alone, err
	}
	return tx.Claimed(ctx, u, s.Now())
}
