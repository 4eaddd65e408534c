package page

import "github.com/seed-21c57000/sallyport/internal/i18n"

// CodeSet is what is left of a set of recovery codes.
type CodeSet struct {
	Made i18n.Moment
	Left int
	// Confirmed: the owner typed one in to show that they were kept.
	Confirmed bool
}

// RecoveryCodes is the page about the set.
type RecoveryCodes struct {
	Problem Problem
	// Codes is nil if there are none.
	Codes *CodeSet
	// MayIssue: there is a factor that can make a set.
	MayIssue bool
}

// NewCodes is a set on the one page that shows it.
type NewCodes struct {
	List []string
	Made i18n.Moment
	// FileHref holds the same text as a file.
	FileHref string
}
