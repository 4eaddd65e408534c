package device

import "github.com/seed-21c57000/sallyport/internal/kernel/id"

// Remembered is an account that its user lets a browser show where people sign in. It opens nothing: it saves typing an address, and whoever
// sits at that browser reads the name and the address.
type Remembered struct {
	User       id.User
	Name, Mail string
}

// MaxRemembered is how many accounts one browser shows; those used last come first.
const MaxRemembered = 20
