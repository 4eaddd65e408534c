// Package decision owns the question and the answer of room decide, as nouns that every room may hold.
//
// A lower room that needs an answer declares a Decider parameter; server wires room decide behind it.
package decision

import (
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Question asks whether somebody may do something now. It is a value and costs no allocation.
type Question struct {
	Principal principal.Principal
	// Class is what the action may do at worst.
	Class scope.Class
	// Scope the action needs; meaningful unless Class is Public.
	Scope scope.Scope
	// Reduces says that a Setting gives nobody anything: it ends or narrows. Whoever is frozen may still do that.
	Reduces bool
	// Needs is the assurance that is asked for beyond what the class needs; None asks for no more.
	Needs assurance.Level
	// Since is the earliest moment at which a person may have given their last proof; zero asks for none that is fresh.
	Since time.Time
	// Environment the action touches; zero means that it belongs to neither.
	Environment id.Environment
	// Account the action touches; zero means the principal's own.
	Account id.Account
}

// Verdict is the answer in one word. The zero value refuses.
type Verdict uint8

// The verdicts.
const (
	// Deny refuses for the reason given.
	Deny Verdict = iota
	// StepUp would allow it after a proof of the level in Needs.
	StepUp
	// Allow lets it happen.
	Allow
)

// Answer is what room decide says.
type Answer struct {
	Verdict Verdict
	// Reason is the code of the refusal; empty with Allow.
	Reason fault.Code
	// Needs is the assurance that would do, with StepUp.
	Needs assurance.Level
	// Missing are the properties that the principal's proof lacks for it, with StepUp.
	Missing []assurance.Property
	// RetryAfter is when the same question may get another answer by itself; zero where it will not.
	RetryAfter time.Duration
}

// Err is nil for Allow and the refusal otherwise.
func (a Answer) Err() error {
	switch a.Verdict {
	case Allow:
		return nil
	case StepUp:
		return fault.New(a.Reason, "needs", a.Needs.String(), "missing", assurance.Words(a.Missing))
	case Deny:
	}
	return fault.New(a.Reason).After(a.RetryAfter)
}

// Decider is room decide, as lower rooms ask it. It reads no row and changes nothing: while this node hears of every change, the same question
// gets the same answer.
type Decider interface{ Decide(q Question) Answer }
