package page

import "github.com/seed-21c57000/sallyport/internal/i18n"

// Privacy is the page about what is kept.
type Privacy struct {
	Problem Problem
	Classes []KeptClass
	// Leaving says that the reader is erased at Due; Wait is how long that takes, Typed what was typed to begin it.
	Leaving bool
	Due     i18n.Moment
	Wait    string
	Typed   string
	// Places is who the places are owed to.
	Places Credit
}

// KeptClass is one kind of what is kept, in words.
type KeptClass struct{ Name, What, Why, Kept string }
