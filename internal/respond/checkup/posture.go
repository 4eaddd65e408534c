package checkup

import (
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
)

// Whole is what each layer is worth; the five make a hundred.
const Whole = 20

// Gap is one thing that is missing, with what it costs.
type Gap struct {
	// Code is its name in the catalogue of texts, "missing.CODE".
	Code   string
	Layer  Layer
	Points int
	// Wrong says that somebody else may be at work; the other gaps are what could be better.
	Wrong bool
}

const (
	day         = 24 * time.Hour
	month       = 30 * 24 * time.Hour
	rehearsed   = 365 * 24 * time.Hour
	endsSoon    = 14 * 24 * time.Hour
	fewCodes    = 3
	oneTooLarge = 6 // sessions that nobody keeps apart
)

// gaps is the table of what costs points, the most urgent first: what comes first of those an account has is its next best step.
var gaps = []struct {
	Gap
	has func(a Account) bool
}{
	{Gap{"claim", Recovery, 20, true}, func(a Account) bool { return a.Prepared.Claims > 0 }},
	{Gap{"leaving", Recovery, 20, true}, func(a Account) bool { return a.Prepared.Leaving }},
	{Gap{"reported", Sessions, 10, true}, func(a Account) bool { return slices.ContainsFunc(a.Held.Holds, reported) }},
	{Gap{"stranger", Sessions, 10, true}, func(a Account) bool {
		return slices.ContainsFunc(a.Sessions, func(s session.Listed) bool { return s.ID != a.This.Session && s.Challenge.Open(a.Now) })
	}},
	{Gap{"copied", Sessions, 10, true}, func(a Account) bool {
		return slices.ContainsFunc(a.Sessions, func(s session.Listed) bool { return s.Copied.Fresh(a.Now) })
	}},
	{Gap{"odd", Sessions, 10, true}, func(a Account) bool {
		return slices.ContainsFunc(a.Sessions, func(s session.Listed) bool { return s.ID != a.This.Session && s.Odd.Fresh(a.Now) })
	}},
	{Gap{"factor", SignIn, 20, false}, func(a Account) bool { return a.Methods.Strongest() < assurance.Mfa }},
	{Gap{"proof", Sessions, 4, false}, func(a Account) bool {
		return a.Methods.Strongest() >= assurance.Mfa && a.This.Proof.Level() < assurance.Mfa
	}},
	// It costs what missing codes do: a second factor must never leave its user with fewer points than a password alone.
	{Gap{"way_back", Recovery, 12, false}, func(a Account) bool { return a.Methods.Strongest() < assurance.Mfa }},
	{Gap{"codes", Recovery, 12, false}, func(a Account) bool { return a.Methods.Unfinished() && !unconfirmed(a.Methods.Codes) }},
	{Gap{"codes_kept", Recovery, 12, false}, func(a Account) bool { return a.Methods.Unfinished() && unconfirmed(a.Methods.Codes) }},
	{Gap{"key_open", Keys, 10, false}, func(a Account) bool { return slices.ContainsFunc(a.Keys, untied) }},
	{Gap{"way", SignIn, 8, false}, func(a Account) bool { return a.Methods.Strongest() >= assurance.Mfa && ways(a) == 1 }},
	{Gap{"passkey", SignIn, 6, false}, func(a Account) bool { return a.Methods.Strongest() == assurance.Mfa }},
	{Gap{"second", Contact, 10, false}, func(a Account) bool { return a.Reached.Second == "" }},
	{Gap{"phrase", Contact, 6, false}, func(a Account) bool { return a.Reached.Phrase == "" }},
	{Gap{"codes_few", Recovery, 4, false}, func(a Account) bool {
		c := a.Methods.Codes
		return c != nil && c.Left > 0 && c.Left <= fewCodes && !c.ConfirmedAt.IsZero()
	}},
	{Gap{"rehearsal", Recovery, 4, false}, func(a Account) bool {
		return a.Methods.Codes != nil && !unconfirmed(a.Methods.Codes) && a.Now.Sub(a.Prepared.RehearsedAt) > rehearsed
	}},
	{Gap{"key_ends", Keys, 4, false}, func(a Account) bool {
		return slices.ContainsFunc(a.Keys, func(k apikey.Key) bool { return k.ExpiresAt.Sub(a.Now) < endsSoon })
	}},
	{Gap{"key_unused", Keys, 4, false}, func(a Account) bool {
		return slices.ContainsFunc(a.Keys, func(k apikey.Key) bool { return !k.Standby && a.Now.Sub(lastUse(k)) > month })
	}},
	{Gap{"key_wide", Keys, 2, false}, func(a Account) bool { return a.Unneeded }},
	{Gap{"shared", Sessions, 4, false}, func(a Account) bool {
		return slices.ContainsFunc(a.Sessions, func(s session.Listed) bool { return s.ID != a.This.Session && s.Shared })
	}},
	{Gap{"many", Sessions, 2, false}, func(a Account) bool { return len(a.Sessions) >= oneTooLarge }},
	{Gap{"check_up", Sessions, 2, false}, Account.Due},
}

// unconfirmed codes are there, and nobody showed that they were kept.
func unconfirmed(c *factor.RecoverySet) bool { return c != nil && c.Left > 0 && c.ConfirmedAt.IsZero() }

// reported says whether a hold stands because its user said that something was not them: they are led to what is left to check.
func reported(h hold.Hold) bool {
	return h.Reason == happening.ReportedSession || h.Reason == happening.ReportedChange || h.Reason == happening.Disowned
}

// untied keys place orders from anywhere.
func untied(k apikey.Key) bool { return k.Scopes.Highest() >= scope.Order && !k.Tied() }

// ways counts what can open a session.
func ways(a Account) int {
	n := len(a.Methods.Passkeys)
	if a.Methods.Password != nil {
		n++
	}
	return n
}

func lastUse(k apikey.Key) time.Time {
	return slices.MaxFunc([]time.Time{k.Born, k.LastUsedAt, k.WokenAt}, time.Time.Compare)
}

// Standing is how one layer stands.
type Standing struct {
	Layer  Layer
	Points int
	// Gaps are what its other points were lost for, the most urgent first. A layer cannot lose more than it has.
	Gaps []Gap
}

// Posture is how an account stands: points of a hundred, and why.
type Posture struct {
	Points int
	Layers []Standing
	// Gaps are those of all layers, the most urgent first.
	Gaps []Gap
}

// Wrong says whether somebody else may be at work.
func (p Posture) Wrong() bool {
	return slices.ContainsFunc(p.Gaps, func(g Gap) bool { return g.Wrong })
}

// Assess counts the points of an account.
func Assess(a Account) Posture {
	p := Posture{}
	for _, g := range gaps {
		if g.has(a) {
			p.Gaps = append(p.Gaps, g.Gap)
		}
	}
	for _, layer := range Layers {
		s := Standing{Layer: layer, Points: Whole}
		for _, g := range p.Gaps {
			if g.Layer == layer {
				s.Points = max(0, s.Points-g.Points)
				s.Gaps = append(s.Gaps, g)
			}
		}
		p.Points += s.Points
		p.Layers = append(p.Layers, s)
	}
	return p
}
