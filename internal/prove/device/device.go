// Package device owns browsers that have been here before: a first-party random cookie, and which users have signed in with it.
//
// It keeps no fingerprint: the cookie's hash, the words the browser says about itself, and times. A device supports throttling and
// words; it never proves who somebody is.
//
// Invariant: a device knows a user only after a full sign-in of that user with it.
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

// Memory is how long a browser is remembered that nobody signs in with (product.md, "Lifetimes"). After it the row goes, and the next sign-in
// is one from a new browser.
const Memory = 30 * 24 * time.Hour

// Tx is what this package asks of a transaction.
type Tx interface {
	InsertDevice(ctx context.Context, d Device, tokenHash [32]byte) error
	DeviceByToken(ctx context.Context, tokenHash [32]byte) (d Device, found bool, err error)
	SeeDevice(ctx context.Context, d id.Device, agent string, now time.Time) error
	// DeviceKnows says whether the user has signed in with the device and did not forget it.
	DeviceKnows(ctx context.Context, d id.Device, u id.User) (bool, error)
	PutDeviceUser(ctx context.Context, d id.Device, u id.User, now time.Time) error
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
