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
	// Overlaps and Longer are the choices of the forms.
	Overlaps, Longer []Option
	// Asleep: nobody used it for long, and it can be woken. Releasable: it may withdraw once it is released.
	Asleep, Releasable bool
	// Holders are the members whom an owner can give it to.
	Holders []Option
	// Challenge is there for a key pair of the owner's own, and MakePair the command that makes the next one.
	Challenge, MakePair string
	Past                KeyPast
}

// KeyEdit is the form that changes a key.
type KeyEdit struct {
	Problem Problem
	// ID and Name of the key as it is; the rest as it was filled in.
	ID, Name         string
	NewName, Purpose string
	Vendor           string
	Destinations     string
	Scopes           []Scope
	Allowlist        string
	Lives, OnEnds    []Option
	// Pins is empty for keys that cannot be held to a network.
	Pins []Option
	// Windows is empty for keys that sign no time.
	Windows []Option
	Standby bool
	// HasSettings is false for keys whose dialect has none.
	HasSettings bool
	Settings    string
	Bounds      Bounds
}

// Bounds are the fields that say what a key may do at most.
type Bounds struct {
	Problem                                Problem
	Markets, OrderMost, DayMost, PerSecond string
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
	// Since is the moment that was named; the zero moment is since ever. Cut says that there are more uses than are shown.
	Since i18n.Moment
	Cut   bool
	// Uses are the hours of calls, Others the names of keys with their ids.
	Uses   []Use
	Others []Fact
}

// Use is what a key did in one hour: until when, how often, from where and what.
type Use struct {
	Last i18n.Moment
	Text string
}

// KeyPast is what a key did, and what somebody could do who stole it.
type KeyPast struct {
	ID     string
	Stolen []Danger
	// Last is nil for a key that was not used in these weeks.
	Last *LastUse
	// Calls has those that were let through as its entries.
	Calls   Pictures
	Refused []RefusedCode
	// Unused are scopes in words that it could do without.
	Unused      []string
	UnusedWords []string // the same as the form names them
	UnusedAll   bool     // it needs none of those that it has
	History     []Entry
	// Cut: there was more.
	Cut            bool
	Twin, Timeline string
	Places         Credit
}

// Danger is a sentence about a stolen key; Bounds says that it reassures.
type Danger struct {
	Text   string
	Bounds bool
}

// LastUse is the last call of a key, in words; Refused is empty for one that was let through.
type LastUse struct {
	At                          i18n.Moment
	From, Route, Signs, Refused string
}

// RefusedCode is how often a key was refused with a code.
type RefusedCode struct {
	Code, Text, Calls string
	Last              i18n.Moment
}

// KeyTimeline is what is known of a key since a moment. File is the signed twin.
type KeyTimeline struct {
	ID, Name, File string
	Since          i18n.Moment
	Days           []Option
	Entries        []Entry
	Cut            bool
	// PublicKeys is the address of the keys that the file is checked with.
	PublicKeys string
}
