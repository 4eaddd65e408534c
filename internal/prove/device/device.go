// Package device owns browsers that have been here before: a first-party random cookie, which users have signed in with it, and in which places.
//
// It keeps no fingerprint: the cookie's hash, the words the browser says about itself, coarse networks, and times. A device supports throttling,
// words, and the benefit of the doubt; it never proves who somebody is.
//
// A device is *recognised* by its cookie: no notice is sent. It is *known* in a place, which is the cookie on a network and agent seen with it
// before: its user keeps full power there.
//
// Invariant: a device recognises a user only after a full sign-in of that user with it, and knows them only where they showed their best factor
// or were told of it a day ago. Neither address nor agent alone makes it so.
package device

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Device is a browser's record.
type Device struct {
	ID         id.Device
	Agent      string
	Born       time.Time
	LastSeenAt time.Time
}

// Memory is how long a browser is remembered that nobody signs in with. After it the row goes, and the next sign-in
// is one from a new browser.
const Memory = 30 * 24 * time.Hour

// Tx is what this package asks of a transaction.
type Tx interface {
	InsertDevice(ctx context.Context, d Device, tokenHash [32]byte) error
	DeviceByToken(ctx context.Context, tokenHash [32]byte) (d Device, found bool, err error)
	SeeDevice(ctx context.Context, d id.Device, agent string, now time.Time) error
	// DeviceKnows says whether the user has signed in with the device and did not forget it.
	DeviceKnows(ctx context.Context, d id.Device, u id.User) (bool, error)
	// PutDeviceUser notes a sign-in. What had lapsed or was forgotten by then is not shown again by it.
	PutDeviceUser(ctx context.Context, d id.Device, u id.User, now time.Time) error
	// ForgetDeviceUser makes DeviceKnows false until the next sign-in.
	ForgetDeviceUser(ctx context.Context, d id.Device, u id.User, now time.Time) error
	// RememberDeviceUser lets the browser show the user's account; won is false where it does not know the user. UnrememberDeviceUser and
	// UnrememberUser take that back, in one browser or in all; ended is when, for the browser to say so, and zero where whoever sits there did it.
	RememberDeviceUser(ctx context.Context, d id.Device, u id.User, now time.Time) (won bool, err error)
	UnrememberDeviceUser(ctx context.Context, d id.Device, u id.User, ended time.Time) (won bool, err error)
	// SetNeverRemembered writes that no browser may, or that they may; won is false if it was so already.
	SetNeverRemembered(ctx context.Context, u id.User, never bool) (won bool, err error)
	UnrememberUser(ctx context.Context, u id.User, ended time.Time) error
	// LapsedOn counts the accounts that a browser shows no more: unused since a moment, or ended elsewhere after it. LapsedBrowser counts those of
	// one that is itself forgotten, by its cookie.
	LapsedOn(ctx context.Context, d id.Device, since time.Time) (Lapsed, error)
	LapsedBrowser(ctx context.Context, tokenHash [32]byte) (accounts int, err error)
	// RememberedBy lists the browsers that show a user's account, the latest first, if it was used there after since.
	RememberedBy(ctx context.Context, u id.User, since time.Time) ([]Remembering, error)
	// RememberedOn lists the accounts that a browser shows, the latest first, if they were used after since.
	RememberedOn(ctx context.Context, d id.Device, since time.Time, limit int) ([]Remembered, error)
	// MarkStrange notes that the user signs in from a place where they are not known.
	MarkStrange(ctx context.Context, u id.User, now time.Time) error
	// PlaceKnownFrom is when a place becomes known, zero if that is not settled.
	PlaceKnownFrom(ctx context.Context, d id.Device, u id.User, p Place) (from time.Time, found bool, err error)
	// PutPlace notes a place that was seen now; of two times from which it is known the earlier stays, and any stays rather than none.
	PutPlace(ctx context.Context, d id.Device, u id.User, p Place, from, now time.Time) error
	// UnsettlePlacesByDevice makes unknown again what would become known of a user in a browser after now; UnsettlePlacesByUser, in all.
	UnsettlePlacesByDevice(ctx context.Context, d id.Device, u id.User, now time.Time) error
	UnsettlePlacesByUser(ctx context.Context, u id.User, now time.Time) error
	// TrimPlaces deletes all but the places seen last.
	TrimPlaces(ctx context.Context, d id.Device, u id.User, keep int) error
}

// Recognise finds the device of a cookie. A cookie that we never gave out, or none, is no device.
func Recognise(ctx context.Context, tx Tx, cookie secret.Value) (id.Device, error) {
	if cookie.IsEmpty() {
		return id.Device{}, nil
	}
	d, _, err := tx.DeviceByToken(ctx, cookie.Hash())
	if err != nil {
		return id.Device{}, fmt.Errorf("find device: %w", err)
	}
	return d.ID, nil
}

// Known says whether the device has signed this user in before.
func Known(ctx context.Context, tx Tx, d id.Device, u id.User) (bool, error) {
	if d.IsZero() { // asked also for nobody, so that an address without a user costs the same statements
		return false, nil
	}
	known, err := tx.DeviceKnows(ctx, d, u)
	if err != nil {
		return false, fmt.Errorf("does device know user: %w", err)
	}
	return known, nil
}

// Seen is what SignedIn found.
type Seen struct {
	ID id.Device
	// Cookie is set when the browser had none: it must be given this one.
	Cookie secret.Value
	// New says that this user had never signed in with it.
	New bool
}

// SignedIn records a full sign-in of u with device d, making the device if the browser has none.
func SignedIn(ctx context.Context, tx Tx, d id.Device, u id.User, agent string, now time.Time) (Seen, error) {
	seen := Seen{ID: d}
	if d.IsZero() {
		seen.ID, seen.Cookie = id.New[id.DeviceKind](now), secret.MintBearer("device cookie")
		fresh := Device{ID: seen.ID, Agent: agent, Born: now, LastSeenAt: now}
		if err := tx.InsertDevice(ctx, fresh, seen.Cookie.Hash()); err != nil {
			return seen, fmt.Errorf("insert device: %w", err)
		}
	} else if err := tx.SeeDevice(ctx, d, agent, now); err != nil {
		return seen, fmt.Errorf("see device: %w", err)
	}
	known, err := Known(ctx, tx, seen.ID, u)
	if err != nil {
		return seen, err
	}
	seen.New = !known
	if err := tx.PutDeviceUser(ctx, seen.ID, u, now); err != nil {
		return seen, fmt.Errorf("put device user: %w", err)
	}
	return seen, nil
}
