package page

import (
	"slices"

	"github.com/seed-21c57000/sallyport/internal/i18n"
)

// Members is the page about who belongs to an account.
type Members struct {
	Problem Problem
	// Owner: the reader may change it.
	Owner bool
	// Accounts are those that the reader belongs to, Asked who wants them in another.
	Accounts []Account
	Asked    []Invitation
	List     []Member
	// Left are people who are gone and own keys.
	Left []Member
	Open []Invitation
	// Roles and People are the choices of the forms.
	Roles, People []Option
	// Grace is how long keys of somebody who left go on.
	Grace string
	Typed map[string]string
}

// Account is one that somebody belongs to.
type Account struct {
	ID, Name, Role string
	// Here: the session acts in it.
	Here bool
}

// Member is somebody of an account.
type Member struct {
	ID, Name, Mail, Role string
	// Roles are those that they can be given.
	Roles []Option
	Since i18n.Moment
	You   bool
	// Keys is how many keys they own; they go on until Until, if that is a moment, and Over says that it has come.
	Keys    string
	HasKeys bool
	Until   i18n.Moment
	Over    bool
	// Disabled by the platform.
	Disabled bool
	// Owner of the account: nobody but they themselves and the platform makes them less.
	Owner bool
	// Frozen until an owner has reviewed them.
	Frozen bool
	// Service users have a purpose and two names of who answers for them.
	Machine  bool
	Purpose  string
	Sponsors [2]string
}

// Invitation is one into an account.
type Invitation struct {
	ID, Account, By, Mail, Role string
	Until                       i18n.Moment
}

// another is People with the first of them last: who answers beside somebody is another person.
func (m Members) another() []Option {
	if len(m.People) == 0 {
		return nil
	}
	return append(slices.Clone(m.People[1:]), m.People[0])
}
