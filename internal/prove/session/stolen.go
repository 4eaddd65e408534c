package session

import (
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Danger is one thing that somebody with a copy of a session's cookie could do, or one that stops them. What is a word that the catalogues have a
// sentence for, with the facts in it.
type Danger struct {
	What  string
	Facts map[string]string
	// Bounds says that it stops them.
	Bounds bool
}

// IfStolen says what somebody could do now who holds a copy of a session's cookie and nothing else, and what stops them. It asks room decide what
// it would say to them, in the order of the sentences on the page. What a stranger's program or browser owes besides is not counted: they may
// look like its own.
func (s *Sessions) IfStolen(decide decision.Decider, l Listed) (list []Danger) {
	now := s.Now()
	who := principal.Principal{
		Kind: principal.KindUser, User: l.User, Account: l.Account, Role: l.Role, Session: l.ID, Scopes: s.scopesIn(l.Role, l.Frozen), Frozen: l.Frozen, Proof: l.Proof, Challenge: l.Challenge,
	}
	if !who.Challenge.Open(now) {
		who.Challenge = assurance.Challenge{}
	}
	if rests := l.ActedAt.Add(s.idleOf(l.Row)); who.Challenge.Why == "" && !now.Before(rests) {
		who.Challenge = assurance.Challenge{Why: assurance.Idle, Needs: l.Proof.Level()}
	}
	if l.Bound.Holds() {
		list = append(list, Danger{What: "session_bound", Bounds: true})
	}
	ask := func(c scope.Class, needs scope.Scope) decision.Answer {
		return decide.Decide(decision.Question{Principal: who, Class: c, Scope: needs})
	}
	if ask(scope.Look, scope.BalancesRead).Verdict == decision.Allow {
		list = append(list, Danger{What: "session_look"})
	}
	if ask(scope.Cancel, scope.OrdersCancel).Verdict == decision.Allow {
		list = append(list, Danger{What: "cancel"})
	}
	switch ask(scope.Order, scope.OrdersWrite).Verdict {
	case decision.Allow:
		list = append(list, Danger{What: "session_trade"})
	case decision.StepUp:
		list = append(list, Danger{What: "session_trade_proof", Bounds: true})
	case decision.Deny:
		list = append(list, Danger{What: "session_no_trade", Bounds: true})
	}
	if ask(scope.Withdraw, scope.WithdrawalsWrite).Verdict != decision.Allow {
		list = append(list, Danger{What: "session_no_money", Bounds: true})
	}
	return append(list, Danger{What: "session_no_settings", Bounds: true}, Danger{"session_ends", map[string]string{"at": l.ExpiresAt.UTC().Format(time.RFC3339)}, true})
}
