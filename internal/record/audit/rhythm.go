package audit

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Moment is when something happened, without what was sealed about it.
type Moment struct {
	Seq    int64
	At     time.Time
	Action Action
}

// Weight is what a moment counts as in a picture.
type Weight uint8

// The weights.
const (
	// AsChange is everything that is neither of the others.
	AsChange Weight = iota
	// AsEntry is a sign-in.
	AsEntry
	// AsRefusal is something that did not succeed.
	AsRefusal
)

// weights maps action → weight, where that is no change.
var weights = map[Action]Weight{
	SessionSignedIn: AsEntry, SessionSignedInLimited: AsEntry, SessionSignedInCrowded: AsEntry,
	SignInFailed: AsRefusal, SignInSecondFactorFailed: AsRefusal, StepUpFailed: AsRefusal, PasskeyCloneRefused: AsRefusal, PasskeyRemovedRefused: AsRefusal,
	RequestRefused: AsRefusal, SessionCookieReplayed: AsRefusal, SessionUnproven: AsRefusal, RecoveryProofFailed: AsRefusal,
}

// WeightOf says what an action counts as.
func WeightOf(a Action) Weight { return weights[a] }

// Day is what happened on one day.
type Day struct {
	// Date is its midnight in the reader's zone.
	Date                       time.Time
	Entries, Changes, Refusals int
}

// Rhythm is when things happened, as a reader in one zone sees it.
type Rhythm struct {
	// Hours counts sign-ins: weekday (Monday first) → hour of the day.
	Hours [7][24]int
	// Days, the oldest first.
	Days []Day
	// Entries is how many sign-ins there were, and Total how many moments.
	Entries, Total int
	// Cut says that there was more than fits: only the latest are counted.
	Cut bool
}

// RhythmOf counts moments over the given number of days up to now; those outside of them count for nothing.
func RhythmOf(list []Moment, now time.Time, zone *time.Location, days int) Rhythm {
	r := Rhythm{Days: make([]Day, days)}
	today := now.In(zone)
	at := map[string]int{} // date → place in Days
	for i := range days {
		date := time.Date(today.Year(), today.Month(), today.Day()-days+1+i, 0, 0, 0, 0, zone)
		r.Days[i].Date = date
		at[date.Format(time.DateOnly)] = i
	}
	for _, m := range list {
		local := m.At.In(zone)
		i, within := at[local.Format(time.DateOnly)]
		if !within {
			continue
		}
		r.Total++
		switch WeightOf(m.Action) {
		case AsEntry:
			r.Entries++
			r.Days[i].Entries++
			r.Hours[(int(local.Weekday())+6)%7][local.Hour()]++
		case AsRefusal:
			r.Days[i].Refusals++
		case AsChange:
			r.Days[i].Changes++
		}
	}
	return r
}

// RhythmDays is how far back a picture looks, and rhythmMoments how many moments it counts at most.
const (
	RhythmDays    = 84
	rhythmMoments = 20_000
)

// Rhythm counts what happened to the principal in the last twelve weeks, seen from a zone. Errors: forbidden, unauthorized.
func (l *Log) Rhythm(ctx context.Context, p principal.Principal, now time.Time, zone *time.Location) (Rhythm, error) {
	question := decision.Question{Principal: p, Class: scope.Look, Scope: scope.ActivityRead, Environment: p.Environment}
	if err := l.decide.Decide(question).Err(); err != nil {
		return Rhythm{}, err
	}
	var list []Moment
	err := l.ledger.View(ctx, func(tx Tx) (err error) {
		list, err = tx.MomentsOfPerson(ctx, p.User, 1<<62, now.AddDate(0, 0, -RhythmDays-1), rhythmMoments)
		return err
	})
	r := RhythmOf(list, now, zone, RhythmDays)
	r.Cut = len(list) == rhythmMoments
	return r, err
}

// entrancePages bounds how many pages of the log Entrances opens.
const entrancePages = 5

// Entrances counts from which addresses the principal signed in during the last twelve weeks, among the latest entries that they may read: address →
// how often. Errors: forbidden, unauthorized.
func (l *Log) Entrances(ctx context.Context, p principal.Principal, now time.Time) (map[string]int, error) {
	counts := map[string]int{}
	before, since := int64(0), now.AddDate(0, 0, -RhythmDays)
	for range entrancePages {
		page, err := l.Activity(ctx, p, before, MaxPage)
		if err != nil {
			return nil, err
		}
		for _, t := range page {
			if WeightOf(t.Action) == AsEntry && t.Readable.User == p.User && t.At.After(since) && t.Readable.Addr != "" {
				counts[t.Readable.Addr]++
			}
		}
		if len(page) < MaxPage || page[len(page)-1].At.Before(since) {
			break
		}
		before = page[len(page)-1].Seq
	}
	return counts, nil
}
