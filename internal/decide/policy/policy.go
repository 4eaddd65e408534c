// Package policy owns what each role may do and how strongly each class of action must be proven.
//
// It knows no route and no row: doors and rooms bring a decision.Question. It changes nothing and allocates nothing, because the gateway
// asks it once a request.
//
// Invariant: what is not allowed by a line here is denied, and a node that has lost touch allows only what can do no harm.
package policy

import (
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Policy answers questions. The zero value is the policy of a node that always knows everything.
type Policy struct {
	// Age is how long ago this node last knew of every change; nil means that it always does.
	Age func() time.Duration
}

// How old knowledge may be for an action of a class: then a session that has ended or a key that was
// revoked elsewhere may still count here. Looking and cancelling live on snapshots for two minutes; orders stop first; what changes rights or
// moves money stops as soon as a second has passed, which no poll of the feed takes.
const (
	maxAge      = 120 * time.Second
	maxAgeOrder = 2 * time.Second
	maxAgeMore  = time.Second
)

func (p Policy) outOfTouch(c scope.Class) bool {
	if p.Age == nil {
		return false
	}
	age := p.Age()
	switch {
	case c <= scope.Cancel:
		return age > maxAge
	case c == scope.Order:
		return age > maxAgeOrder
	}
	return age > maxAgeMore
}

const (
	viewer = scope.Set(1<<scope.BalancesRead | 1<<scope.OrdersRead | 1<<scope.TransfersRead | 1<<scope.ActivityRead)
	trader = viewer | scope.Set(1<<scope.OrdersCancel|1<<scope.OrdersWrite|1<<scope.KeysRead)
	owner  = trader | scope.Set(1<<scope.WithdrawalsWrite)
)

// ScopesOf is what a member of that role may do at most. A key or token of the member never holds more: rights are the
// intersection.
func ScopesOf(r principal.Role) scope.Set {
	switch r {
	case principal.Owner:
		return owner
	case principal.Trader:
		return trader
	case principal.Viewer:
		return viewer
	case principal.NoRole:
	}
	return 0
}

// Decide answers one question. Reasons: stale, unauthorized, forbidden, account.frozen, key.wrong_environment, key.scope_missing, key.person_only, assurance.too_low,
// confirmation.required, device.unknown, session.demanded, session.idle, session.unusual, session.unrenewed.
func (p Policy) Decide(q decision.Question) decision.Answer {
	if q.Class == scope.Public || q.Principal.Trusted() {
		return decision.Answer{Verdict: decision.Allow}
	}
	if p.outOfTouch(q.Class) {
		return decision.Answer{Verdict: decision.Deny, Reason: fault.Stale, RetryAfter: time.Second}
	}
	if !q.Account.IsZero() && q.Account != q.Principal.Account {
		return deny(fault.NotFound)
	}
	switch q.Principal.Kind {
	case principal.KindUser:
		return ofUser(q)
	case principal.KindKey:
		return ofKey(q)
	case principal.KindNobody, principal.KindSystem, principal.KindHost:
	}
	return deny(fault.Unauthorized)
}

func ofUser(q decision.Question) decision.Answer {
	if reason := lacking(q); reason != "" {
		return deny(reason)
	}
	needs := max(LevelFor(q.Class), q.Needs)
	raised := needs > LevelFor(q.Class) || !q.Since.IsZero()
	if q.Principal.Challenge.Why == assurance.Unrenewed && (raised || q.Class > scope.Cancel) {
		// Whoever sits there cannot prove it now, and no factor replaces the device's key.
		return decision.Answer{Verdict: decision.Deny, Reason: fault.SessionUnrenewed, RetryAfter: unrenewedRetry}
	}
	if reason := challenges[q.Principal.Challenge.Why]; reason != "" && (raised || challenged(q.Class)) {
		return stepUp(q, reason, max(needs, q.Principal.Challenge.Needs))
	}
	if q.Principal.Level() < needs || q.Principal.Proof.At.Before(q.Since) {
		return stepUp(q, fault.AssuranceTooLow, needs)
	}
	if q.Class == scope.Withdraw || q.Class == scope.Destination {
		// Money needs a proof bound to exactly this transaction, which no session is.
		return deny(fault.ConfirmationRequired)
	}
	return decision.Answer{Verdict: decision.Allow}
}

// lacking is why a person may not do it, whatever they prove; empty if they may.
func lacking(q decision.Question) fault.Code {
	p := q.Principal
	if q.Class == scope.Setting {
		switch {
		case p.Role != principal.Owner:
			return fault.Forbidden
		case p.Frozen && !q.Reduces:
			return fault.AccountFrozen
		}
		return ""
	}
	switch {
	case p.Scopes.Has(q.Scope):
		return ""
	case p.Frozen && ScopesOf(p.Role).Has(q.Scope):
		return fault.AccountFrozen
	}
	return fault.Forbidden
}

// stepUp names what the proof lacks: a property, or, where it has them all, that it was given just now.
func stepUp(q decision.Question, reason fault.Code, needs assurance.Level) decision.Answer {
	missing := q.Principal.Proof.Missing(needs)
	if len(missing) == 0 {
		missing = append(missing, assurance.Fresh)
	}
	return decision.Answer{Verdict: decision.StepUp, Reason: reason, Needs: needs, Missing: missing}
}

// challenges maps why a session is challenged → how that is refused.
var challenges = map[assurance.Why]fault.Code{
	assurance.Stranger: fault.DeviceUnknown, assurance.Idle: fault.SessionIdle,
	assurance.TwoAgents: fault.SessionUnusual, assurance.Program: fault.SessionUnusual, assurance.Elsewhere: fault.SessionUnusual,
	assurance.Demanded: fault.SessionDemanded,
}

// unrenewedRetry is when a session may try again that waits for us.
const unrenewedRetry = 5 * time.Second

// challenged says which classes a session with a challenge may not touch: all but looking and cancelling. A setting is changed with a step-up of
// its own, which asks for the best factor its user has, and so for no less than the challenge does.
func challenged(c scope.Class) bool { return c > scope.Cancel && c != scope.Setting }

func ofKey(q decision.Question) decision.Answer {
	if q.Environment != q.Principal.Environment {
		return deny(fault.KeyWrongEnvironment)
	}
	if !q.Principal.Scopes.Has(q.Scope) {
		return deny(fault.KeyScopeMissing)
	}
	if q.Needs > LevelFor(q.Class) || !q.Since.IsZero() {
		return deny(fault.KeyPersonOnly) // a key with the scope is as good as its class needs, and proves no more
	}
	switch q.Class {
	case scope.Setting, scope.Destination:
		return deny(fault.Forbidden)
	case scope.Withdraw:
		// A released key has no ceilings and no list of destinations yet, so each one is confirmed by the owner as their own would be.
		return deny(fault.ConfirmationRequired)
	case scope.Public, scope.Look, scope.Cancel, scope.Order:
	}
	return decision.Answer{Verdict: decision.Allow}
}

// LevelFor is the assurance a session needs for a class. Settings are changed with a step-up of their own, which asks for more.
func LevelFor(c scope.Class) assurance.Level {
	switch c {
	case scope.Public:
		return assurance.None
	case scope.Look, scope.Cancel, scope.Setting:
		return assurance.Pwd
	case scope.Order, scope.Destination, scope.Withdraw:
		return assurance.Mfa
	}
	return assurance.Phrh
}

func deny(reason fault.Code) decision.Answer {
	return decision.Answer{Verdict: decision.Deny, Reason: reason}
}
