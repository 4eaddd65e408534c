package page

import "github.com/seed-21c57000/sallyport/internal/i18n"

// Subaccounts is the page about the boundaries inside an account.
type Subaccounts struct {
	Problem Problem
	// Owner: the reader may change them.
	Owner bool
	List  []Subaccount
	Typed map[string]string
}

// Subaccount is one of them.
type Subaccount struct {
	ID, Name string
	// Main is where sessions start, Here where the reader's acts.
	Main, Here bool
	// Closed is no moment for those that are open.
	Born, Closed i18n.Moment
}
