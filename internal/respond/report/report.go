// Package report owns what users said was not them: each is a case with its evidence, which operators of the host can read.
//
// It decides nothing and stops nothing: what follows from a report is in room respond/consequence, which writes the case in the same transaction.
//
// Invariant: of one thing a user has one case, however often they say it; what it holds beyond its kind and an id is sealed under the user's key.
package report

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Kept is how long a case can be read.
const Kept = 30 * 24 * time.Hour

// saidIn names, among the evidence, the sessions that said so, the first of them first.
const saidIn = "said_in"

// Report is one case.
type Report struct {
	ID   id.Case
	User id.User
	Kind happening.Kind
	// About is the id of what it was: of a session, an entry of the log, a message, a key or a recovery.
	About string
	// Born is when the user said so, Expires when the case goes.
	Born, Expires time.Time
	// Closed is when an operator closed it, and Outcome how; zero and empty while it is open.
	Closed  time.Time
	Outcome Outcome
	// Evidence is what is known of it: names and words, never a secret; of a closed case also the operator's note. A list leaves it out.
	Evidence map[string]string
}

// Outcome is how a case ended.
type Outcome string

// The outcomes: it was somebody else; it was the user after all; nobody can tell.
const (
	Stranger Outcome = "stranger"
	Mistaken Outcome = "mistaken"
	Unclear  Outcome = "unclear"
)

// Note is the name under which the evidence of a closed case holds what the operator wrote, maxNote how many bytes that may be.
const (
	Note    = "note"
	maxNote = 1000
)

// Tally is what is counted together.
type Tally struct {
	Kind happening.Kind
	Open bool
}

// Tx is what this package asks of a transaction.
type Tx interface {
	// InsertReport does nothing where the user reported the same before.
	InsertReport(ctx context.Context, r Report) error
	// ReportAbout finds a user's report of one thing.
	ReportAbout(ctx context.Context, u id.User, about string) (r Report, found bool, err error)
	// ReportByID finds nothing of a user who was erased.
	ReportByID(ctx context.Context, which id.Case) (r Report, found bool, err error)
	// CloseReport keeps outcome and note; won is false if it is closed already.
	CloseReport(ctx context.Context, r Report) (won bool, err error)
	// ReopenReport keeps the evidence and the end of one that is open from now on.
	ReopenReport(ctx context.Context, r Report) error
	// Reports lists those that can be read, without their evidence: a page of the oldest after the given one, and none at the end.
	Reports(ctx context.Context, after id.Case, now time.Time) ([]Report, error)
	// CountReports counts those that can be read.
	CountReports(ctx context.Context, now time.Time) (map[Tally]int, error)
}

// Write opens the case of what happened, in the caller's transaction.
func Write(ctx context.Context, tx any, h happening.Happening, now time.Time) error {
	r := Report{ID: id.New[id.CaseKind](now), User: h.User, Kind: h.Kind, About: h.About, Born: now, Expires: now.Add(Kept), Evidence: maps.Clone(h.Facts)}
	if r.Evidence == nil {
		r.Evidence = map[string]string{}
	}
	maps.Copy(r.Evidence, h.Evidence)
	if !h.Session.IsZero() {
		r.Evidence[saidIn] = h.Session.String()
	}
	if r.About == "" {
		r.About = r.ID.String()
	}
	if err := txn.As[Tx](tx).InsertReport(ctx, r); err != nil {
		return fmt.Errorf("insert report: %w", err)
	}
	return nil
}

// Log is what this package asks of the audit log.
type Log interface {
	Activity(ctx context.Context, p principal.Principal, before int64, limit int) ([]audit.Told, error)
}

// Sessions is what this package asks of package session.
type Sessions interface {
	TurnAway(ctx context.Context, tx any, p principal.Principal, s id.Session, d id.Device) error
}

// Deps are what a Reports needs.
type Deps struct {
	Ledger   audit.Ledger[Tx]
	Now      func() time.Time
	Log      Log
	Sessions Sessions
	Follow   happening.Applier
}

// Reports takes reports and shows cases.
type Reports struct{ Deps }

// New makes a Reports.
func New(d Deps) *Reports { return &Reports{d} }

// Disownable says whether p can say of an entry of their log that it was not them: somebody came in, or knew the password. It is not for the
// sign-in of the session that asks, nor for a try in which nothing was known.
func Disownable(p principal.Principal, t audit.Told) bool {
	if t.Person != p.User || t.Broken != nil || t.Erased {
		return false
	}
	if Refused(t) {
		return true
	}
	return audit.WeightOf(t.Action) == audit.AsEntry && t.Readable.Session != p.Session
}

// Refused says that an entry is a sign-in that opened nothing: the password was right, and the second factor was not.
func Refused(t audit.Told) bool { return t.Action == audit.SignInSecondFactorFailed }

// DisownSignIn takes the user's word that a sign-in in their log was not them, long over or not: what it opened ends, its browser is a stranger,
// money is held, and operators have a case. The word of each session counts once: the first one may have been a thief's, who said it so that the owner's
// would do nothing, and whoever says it all day must not write to the owner all day. It is one case, open again where it was closed. Errors: sign_in.entry_unknown.
func (r *Reports) DisownSignIn(ctx context.Context, p principal.Principal, number int64) error {
	told, err := r.Log.Activity(ctx, p, number+1, 1)
	if err != nil {
		return err
	}
	if len(told) == 0 || told[0].Seq != number || !Disownable(p, told[0]) {
		return fault.New(fault.SignInEntryUnknown)
	}
	entry := told[0]
	about := "entry " + strconv.FormatInt(number, 10)
	if !entry.Readable.Session.IsZero() {
		about = entry.Readable.Session.String()
	}
	return r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if news, err := r.news(ctx, tx, p, about); err != nil || !news {
			return audit.Quiet(audit.Housekeeping), err
		}
		if err := r.Sessions.TurnAway(ctx, tx, p, entry.Readable.Session, entry.Readable.Device); err != nil {
			return audit.Event{}, err
		}
		seen := entry.Readable
		facts := map[string]string{"device": seen.Agent, "agent": seen.Agent, "addr": seen.Addr}
		evidence := map[string]string{
			"entry": strconv.FormatInt(number, 10), "action": string(entry.Action), "at": entry.At.UTC().Format(time.RFC3339),
			"session": seen.Session.String(), "request": seen.Request.String(),
		}
		action, outside := audit.SignInDisowned, Refused(entry)
		if outside {
			action, facts[happening.Refused] = audit.SignInTryDisowned, "yes"
		}
		h := happening.Happening{
			Kind: happening.Disowned, User: p.User, Session: p.Session, Facts: facts, Owing: p.Challenge.Why != "", About: about, Evidence: evidence, Outside: outside,
		}
		return audit.Event{Action: action, Actor: p, Person: p.User, Facts: facts}, r.Follow.Apply(ctx, tx, h)
	})
}

// news says that the principal's session has not said so yet. Where another has, its word is added to that case.
func (r *Reports) news(ctx context.Context, tx Tx, p principal.Principal, about string) (bool, error) {
	before, found, err := tx.ReportAbout(ctx, p.User, about)
	if err != nil || !found {
		return err == nil, err
	}
	said := strings.Fields(before.Evidence[saidIn])
	if slices.Contains(said, p.Session.String()) {
		return false, nil
	}
	before.Evidence[saidIn] = strings.Join(append(said, p.Session.String()), " ")
	before.Expires = r.Now().Add(Kept)
	return true, tx.ReopenReport(ctx, before)
}

// List gives operators the cases that can be read, oldest first. It names nobody but by id. Errors: forbidden.
func (r *Reports) List(ctx context.Context, p principal.Principal) (list []Report, err error) {
	if p.Kind != principal.KindHost {
		return nil, fault.New(fault.Forbidden)
	}
	return r.now(ctx)
}

func (r *Reports) now(ctx context.Context) (list []Report, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		list = nil
		for after := (id.Case{}); ; after = list[len(list)-1].ID {
			page, err := tx.Reports(ctx, after, r.Now())
			if err != nil || len(page) == 0 {
				return err
			}
			list = append(list, page...)
		}
	})
	return list, err
}

// Count is how many cases can be read, for measurements, by the kind of what was reported and whether they are open.
func (r *Reports) Count(ctx context.Context) (counts map[Tally]int, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		counts, err = tx.CountReports(ctx, r.Now())
		return err
	})
	return counts, err
}

// Show gives an operator a case with its evidence, and writes down that it did. Errors: forbidden, case.unknown.
func (r *Reports) Show(ctx context.Context, p principal.Principal, which id.Case) (out Report, err error) {
	if p.Kind != principal.KindHost {
		return out, fault.New(fault.Forbidden)
	}
	err = r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		var found bool
		if out, found, err = tx.ReportByID(ctx, which); err != nil {
			return audit.Event{}, fmt.Errorf("read report: %w", err)
		}
		if !found || !r.Now().Before(out.Expires) {
			return audit.Event{}, fault.New(fault.CaseUnknown)
		}
		return audit.Event{Action: audit.ReportShown, Actor: p, Person: out.User, Facts: map[string]string{"case": which.String()}}, nil
	})
	return out, err
}

// Close ends an operator's work on a case. It changes nothing of what the report stopped, and needs no second operator; the user reads in their
// activity that it was closed and the note. The case can be read until it expires. Errors: forbidden, request.invalid (outcome, note),
// case.unknown, case.over.
func (r *Reports) Close(ctx context.Context, p principal.Principal, which id.Case, outcome Outcome, note string) error {
	if p.Kind != principal.KindHost {
		return fault.New(fault.Forbidden)
	}
	if outcome != Stranger && outcome != Mistaken && outcome != Unclear {
		return fault.New(fault.RequestInvalid, "field", "outcome")
	}
	if note = strings.TrimSpace(note); note == "" || len(note) > maxNote || !utf8.ValidString(note) || line.Visible(note) != note {
		return fault.New(fault.RequestInvalid, "field", "note")
	}
	return r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		one, found, err := tx.ReportByID(ctx, which)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read report: %w", err)
		}
		now := r.Now()
		if !found || !now.Before(one.Expires) {
			return audit.Event{}, fault.New(fault.CaseUnknown)
		}
		one.Closed, one.Outcome, one.Evidence[Note] = now, outcome, note
		won, err := tx.CloseReport(ctx, one)
		if err != nil {
			return audit.Event{}, fmt.Errorf("close report: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.CaseOver)
		}
		facts := map[string]string{"case": which.String(), "outcome": string(outcome), Note: note}
		return audit.Event{Action: audit.ReportClosed, Actor: p, Person: one.User, Facts: facts}, nil
	})
}
