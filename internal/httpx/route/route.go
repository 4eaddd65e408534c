// Package route owns the table of our own routes, spec/routes.tsv, and the mux that serves nothing the table does not know.
//
// It knows what each route demands, in words; who checks them is the door's business.
//
// Invariant: a route without a line is never served, so that what a stranger can reach can be read in one place.
package route

import (
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Needs says which credential a route takes.
type Needs uint8

// The credentials. The zero value is none of them, and no line has it.
const (
	// Public takes none, and looks at none.
	Public Needs = iota + 1
	// Pre takes a browser that may have no session yet: what it begins is bound to its pre-session cookie.
	Pre
	// Session takes a session.
	Session
	// SessionOrKey takes a session or a signed request.
	SessionOrKey
	// Key takes a signed request only.
	Key
)

// Assurance is what a session must have proven.
type Assurance uint8

// The assurances.
const (
	// AssuranceNone asks for nothing.
	AssuranceNone Assurance = iota + 1
	// AssurancePwd is any live session.
	AssurancePwd
	// AssuranceMfa is a session with two factors.
	AssuranceMfa
	// AssuranceStepUp is a proof for exactly this action and content.
	AssuranceStepUp
)

// setting stands in the column scope where only an owner may act.
const setting = "setting"

// Line is one line of spec/routes.tsv.
type Line struct {
	Door, Method, Pattern string
	Needs                 Needs
	// Scope is the word of a scope, "setting", or empty.
	Scope     string
	Assurance Assurance
	// Rate names the tries that are counted; empty if none are.
	Rate string
	// Actions are what the route may leave in the audit log.
	Actions []string
}

// Name is how logs and metrics call the route.
func (l Line) Name() string { return l.Method + " " + l.Pattern }

// Power is the class and scope that the route asks of its principal; asked is false where being there is enough.
func (l Line) Power() (class scope.Class, needed scope.Scope, asked bool) {
	if l.Scope == setting {
		return scope.Setting, 0, true
	}
	needed, err := scope.Parse(l.Scope)
	return needed.Class(), needed, err == nil
}

// Reduces says that the route ends something of the account for its owner: a setting that is changed without a step-up gives nobody anything.
func (l Line) Reduces() bool {
	return l.Scope == setting && l.Assurance != AssuranceStepUp && l.Method != http.MethodGet
}

// Lookup finds a line.
func Lookup(door, method, pattern string) (Line, bool) {
	for _, l := range lines {
		if l.Door == door && l.Method == method && l.Pattern == pattern {
			return l, true
		}
	}
	return Line{}, false
}

// Of lists the routes of one door, in the order of the table.
func Of(door string) []Line {
	var list []Line
	for _, l := range lines {
		if l.Door == door {
			list = append(list, l)
		}
	}
	return list
}
