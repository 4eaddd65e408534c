package device

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Place is where a browser's cookie was shown by one user: the network it came from and the family of its User-Agent. Both are coarse, so that
// a new lease or an update is the same place.
type Place struct {
	// Network is the /24 of an IPv4 address or the /48 of an IPv6 one.
	Network string
	// Family is one of a closed list: "chrome windows", "program".
	Family string
}

// MaxPlaces is how many places are kept of one user in one browser; the one unseen for the longest goes first.
const MaxPlaces = 20

// Doubt is how long after its user was told a place stays unknown that nobody vouched for with their best factor.
const Doubt = 24 * time.Hour

// PlaceOf reads an address and a User-Agent header.
func PlaceOf(addr netip.Addr, agent string) Place { return Place{Network(addr), Family(agent)} }

// Network is the coarse network of an address; empty for none.
func Network(addr netip.Addr) string {
	if prefix := networkOf(addr); prefix.IsValid() {
		return prefix.String()
	}
	return ""
}

// SameNetwork says whether two addresses are in one coarse network.
func SameNetwork(a, b netip.Addr) bool { return networkOf(a).Contains(b.Unmap()) }

func networkOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// NoBrowser is the family of everything that does not call itself a browser.
const NoBrowser = "program"

// The families, by what stands in the header; the first that is found counts, because most browsers name their ancestors too.
var (
	browsers = []struct{ mark, name string }{
		{"Edg", "edge"},
		{"OPR/", "opera"},
		{"Whale/", "whale"},
		{"SamsungBrowser/", "samsung"},
		{"Firefox/", "firefox"},
		{"FxiOS/", "firefox"},
		{"CriOS/", "chrome"},
		{"Chrome/", "chrome"},
		{"Safari/", "safari"},
	}
	systems = []struct{ mark, name string }{
		{"Windows", "windows"}, {"Android", "android"}, {"iPhone", "iphone"}, {"iPad", "ipad"}, {"CrOS", "chromeos"}, {"Mac OS X", "macos"}, {"Linux", "linux"},
	}
)

// Family is the browser and system that a User-Agent header names, without versions. It is kept, so its words never change. The sender chooses
// the header: it can only take something away from whoever sends another one, never give.
func Family(agent string) string {
	if !strings.HasPrefix(agent, "Mozilla/") {
		return NoBrowser
	}
	name := "other"
	for _, b := range browsers {
		if strings.Contains(agent, b.mark) {
			name = b.name
			break
		}
	}
	for _, s := range systems {
		if strings.Contains(agent, s.mark) {
			return name + " " + s.name
		}
	}
	return name
}

// KnownFrom says from when the user's browser is known in a place: since somebody showed the user's best factor there, or once its user was told
// long enough ago. The zero time is never.
func KnownFrom(ctx context.Context, tx Tx, d id.Device, u id.User, p Place) (time.Time, error) {
	if d.IsZero() {
		return time.Time{}, nil
	}
	from, _, err := tx.PlaceKnownFrom(ctx, d, u, p)
	if err != nil {
		return from, fmt.Errorf("read place: %w", err)
	}
	return from, nil
}

// Vouch makes a place known from a time on: now, where the user's best factor was shown; later, where they were told; never yet, with the zero
// time. A place that is known already, or will be sooner, stays so.
func Vouch(ctx context.Context, tx Tx, d id.Device, u id.User, p Place, from, now time.Time) error {
	if d.IsZero() {
		return nil
	}
	if err := tx.PutPlace(ctx, d, u, p, from, now); err != nil {
		return fmt.Errorf("put place: %w", err)
	}
	if err := tx.TrimPlaces(ctx, d, u, MaxPlaces); err != nil {
		return fmt.Errorf("trim places: %w", err)
	}
	return nil
}

// Forget makes a device a stranger to a user again: it is neither recognised nor known anywhere.
func Forget(ctx context.Context, tx Tx, d id.Device, u id.User, now time.Time) error {
	if err := tx.TrimPlaces(ctx, d, u, 0); err != nil {
		return fmt.Errorf("forget places: %w", err)
	}
	if err := tx.ForgetDeviceUser(ctx, d, u, now); err != nil {
		return fmt.Errorf("forget device: %w", err)
	}
	return nil
}
