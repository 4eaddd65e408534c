package gate

import (
	"slices"
	"strings"
)

// Principal is who acts, as the gateway asserted it. Ids are addresses, not secrets; absent ones are empty.
type Principal struct {
	Kind Kind
	// User is the person: the one who is signed in, or the owner of the key.
	User string
	// Account and Subaccount say whose books this is about. Keep books per Environment and Subaccount.
	Account, Subaccount string
	// Role of the user in the account: "viewer", "trader" or "owner".
	Role string
	// Session with KindUser, Key (the public id) with KindKey.
	Session, Key string
	Environment  Environment
	Assurance    Assurance
	Scopes       Scopes
	// Class is what the gateway allowed this very request to be, by its own table of routes.
	Class Class
	// Confirmation is the id of the proof that the user gave for exactly this request, by passkey; empty where the gateway needed none.
	// It is spent: keep it with what you book.
	Confirmation string
	// Language of the user: "en" or "ko". It may be empty, or one that is newer than the backend.
	Language string
	// Name to show for the user, may be empty. It is text from the user: escape it.
	Name string
	// Request is the id under which the gateway recorded the request.
	Request string
}

// Kind says what proved itself to the gateway.
type Kind string

// The kinds.
const (
	// KindPublic has proven nothing; only routes of class public see it.
	KindPublic Kind = "public"
	// KindUser is a person with a session.
	KindUser Kind = "user"
	// KindKey is a program with a signed request or token.
	KindKey Kind = "key"
)

// Environment keeps real and trial money apart. The same subaccount has one set of books in each.
type Environment string

// The environments.
const (
	Live Environment = "live"
	Test Environment = "test"
)

func (e Environment) known() bool { return e == Live || e == Test }

// Assurance is how strongly the user has proven who they are: an acr value. For keys it says nothing.
type Assurance string

// The assurances, weakest first.
const (
	AssuranceNone Assurance = "none"
	AssurancePwd  Assurance = "pwd"
	AssuranceMfa  Assurance = "mfa"
	AssurancePhr  Assurance = "phr"
	AssurancePhrh Assurance = "phrh"
)

var assurances = []Assurance{AssuranceNone, AssurancePwd, AssuranceMfa, AssurancePhr, AssurancePhrh}

// AtLeast says whether a is as strong as floor. An unknown value is as weak as none, and no unknown floor is ever reached.
func (a Assurance) AtLeast(floor Assurance) bool {
	need := slices.Index(assurances, floor)
	return need >= 0 && max(0, slices.Index(assurances, a)) >= need
}

// Class is what an action may do at worst.
type Class string

// The classes, harmless first.
const (
	ClassPublic      Class = "public"
	ClassLook        Class = "look"
	ClassCancel      Class = "cancel"
	ClassOrder       Class = "order"
	ClassSetting     Class = "setting"
	ClassDestination Class = "destination"
	ClassWithdraw    Class = "withdraw"
)

var classes = []Class{ClassPublic, ClassLook, ClassCancel, ClassOrder, ClassSetting, ClassDestination, ClassWithdraw}

func (c Class) rank() int { return slices.Index(classes, c) }

// Covers says whether a request that the gateway let pass as c may do what a route of class need does. It is the backend's
// second look: false means that the two tables of routes disagree. An unknown class covers nothing and is covered by none.
func (c Class) Covers(need Class) bool { return need.rank() >= 0 && c.rank() >= need.rank() }

// Scopes are the permissions of the principal, separated by spaces (RFC 6749 §3.3).
type Scopes string

// Has says whether the one scope is among them.
func (s Scopes) Has(scope string) bool {
	for word := range strings.SplitSeq(string(s), " ") {
		if word == scope && word != "" {
			return true
		}
	}
	return false
}
