package device_test

import (
	"net/netip"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/prove/device"
)

// A place is coarse: a new lease or an update is the same one, another network or browser is not.
func TestPlaces(t *testing.T) {
	const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	for _, row := range []struct{ name, addr, agent, network, family string }{
		{"IPv4", "203.0.113.7", chrome, "203.0.113.0/24", "chrome windows"},
		{"IPv4 in IPv6", "::ffff:203.0.113.200", chrome, "203.0.113.0/24", "chrome windows"},
		{"IPv6", "2001:db8:1:2::3", chrome, "2001:db8:1::/48", "chrome windows"},
		{"a browser that names its ancestors", "203.0.113.7", chrome + " Edg/156.0", "203.0.113.0/24", "edge windows"},
		{"a phone", "203.0.113.7", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1", "203.0.113.0/24", "safari iphone"},
		{"a browser nobody knows", "203.0.113.7", "Mozilla/5.0 (Haiku) Web+", "203.0.113.0/24", "other"},
		{"a program", "203.0.113.7", "python-requests/2.32 Chrome/156.0 Windows", "203.0.113.0/24", device.NoBrowser},
		{"nothing", "203.0.113.7", "", "203.0.113.0/24", device.NoBrowser},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, want := device.PlaceOf(netip.MustParseAddr(row.addr), row.agent), (device.Place{Network: row.network, Family: row.family}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
	if got := device.Network(netip.Addr{}); got != "" {
		t.Errorf("no address is in network %q", got)
	}
}
