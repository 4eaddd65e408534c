package device

import (
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Remembered is an account that its user lets a browser show where people sign in. It opens nothing: it saves typing an address, and whoever
// sits at that browser reads the name and the address.
type Remembered struct {
	User       id.User
	Name, Mail string
}

// Remembering is a browser that shows a user's account.
type Remembering struct {
	ID    id.Device
	Agent string
	// Since is when its user wanted that, Last when they signed in there.
	Since, Last time.Time
}

// Lapsed counts accounts that a browser showed and shows no more, for whoever sits there. It names none of them.
type Lapsed struct {
	// Unused went because nobody signed in to them there for Memory, Ended because somebody ended that elsewhere.
	Unused, Ended int
}

// LapsedKept is how long is kept of a browser that it showed accounts and was forgotten.
const LapsedKept = 90 * 24 * time.Hour

// MaxRemembered is how many accounts one browser shows; those used last come first.
const MaxRemembered = 20
