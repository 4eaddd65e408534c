package page

import "github.com/seed-21c57000/sallyport/internal/i18n"

// KeyLife is one API key with what can be done with it.
type KeyLife struct {
	Problem Problem
	Key     Key
	// MayWiden: the reader is an owner of the account.
	MayWiden bool
	// Secrets are those of a key in rotation, the newest first; Seen says that the newest was used.
	Secrets []Secret
	Seen    bool
	// Overlaps and Since are the choices of the forms.
	Overlaps, Since []Option
	// Challenge is there for a key pair of the owner's own.
	Challenge string
}

// Secret says in words who uses it, and until when it works.
type Secret struct {
	Text    string
	Retires i18n.Moment
}

// Alive says whether the key can still be changed.
func (k Key) Alive() bool { return k.State != KeyRevoked && k.State != KeyExpired }

// Leaked is what is known of a key that was marked leaked.
type Leaked struct {
	Name string
	// Uses are lines of calls, Others the names of keys with their ids.
	Uses   []string
	Others []Fact
}
