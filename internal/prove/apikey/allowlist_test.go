package apikey_test

import (
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// TestAnAllowlistSaysFromWhere: a key with an allowlist keeps the right to trade, so half the internet is none.
func TestAnAllowlistSaysFromWhere(t *testing.T) {
	for _, row := range []struct {
		entry string
		taken bool
	}{
		{"203.0.113.7", true},
		{"203.0.0.0/16", true},
		{"203.0.0.0/15", false},
		{"128.0.0.0/1", false},
		{"0.0.0.0/0", false},
		{"2001:db8::/32", true},
		{"2001:db8::/31", false},
		{"8000::/1", false},
		{"::/0", false},
		{"::ffff:203.0.113.7", true}, // kept as the IPv4 address that it is
		{"::ffff:203.0.113.7/112", false},
		{"::ffff:0:0/96", false},
	} {
		list, err := apikey.Networks([]string{row.entry})
		if (err == nil) != row.taken || err != nil && fault.CodeOf(err) != fault.RequestInvalid {
			t.Errorf("%s: %v, %v", row.entry, list, err)
		}
		if row.taken && list[0].Addr().Is4In6() {
			t.Errorf("%s is kept as %s", row.entry, list[0])
		}
	}
}
