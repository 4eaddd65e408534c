package geo_test

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/geo"
	"github.com/seed-21c57000/sallyport/internal/kit/geotest"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *geo.Places {
	t.Helper()
	p, err := geo.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlacesInWords(t *testing.T) {
	p := open(t, geotest.File(t, map[string]geotest.Record{
		"203.0.113.0/24":  geotest.Nested("KR", map[string]any{"en": "Seoul", "ko": "서울"}),
		"198.51.100.0/24": geotest.Nested("DE", map[string]any{"en": "Berlin"}),
		"192.0.2.0/25":    geotest.Flat("JP"),
		"192.0.2.128/25":  {"country": "FR", "city": "Lyon"},
		"2001:db8::/32":   geotest.Nested("GB", nil),
		"8.8.8.0/24":      geotest.Flat("ZZ"),
		"9.9.9.0/24":      geotest.Nested("US", map[string]any{"en": "\x1b[2J" + strings.Repeat("x", 61)}),
		"10.0.0.0/8":      geotest.Flat("US"),
	}))
	for _, row := range []struct{ name, addr, country, english, korean string }{
		{"nested, with a city in both languages", "203.0.113.7", "KR", "near Seoul, KR", "대한민국 서울 근처"},
		{"nested, with a city in English", "198.51.100.4", "DE", "near Berlin, DE", "독일 Berlin 근처"},
		{"flat, a country", "192.0.2.1", "JP", "Japan", "일본"},
		{"flat, with a city", "192.0.2.200", "FR", "near Lyon, FR", "프랑스 Lyon 근처"},
		{"IPv6, a country", "2001:db8::7", "GB", "United Kingdom", "영국"},
		{"IPv4 in IPv6", "::ffff:203.0.113.7", "KR", "near Seoul, KR", "대한민국 서울 근처"},
		{"a country that there is not", "8.8.8.8", "", "", ""},
		{"a city that is none", "9.9.9.9", "US", "United States", "미국"},
		{"a private address, whatever the file says", "10.1.2.3", "", "", ""},
		{"an address that the file does not know", "1.1.1.1", "", "", ""},
		{"our own machine", "::1", "", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			place := p.Of(netip.MustParseAddr(row.addr))
			if place.Country != row.country || place.Words("en") != row.english || place.Words("ko") != row.korean {
				t.Errorf("%q, %q, %q", place.Country, place.Words("en"), place.Words("ko"))
			}
		})
	}
	if got := p.Of(netip.Addr{}); got.Country != "" {
		t.Errorf("no address is in %q", got.Country)
	}
}

// Without a file nothing is said, and nothing breaks.
func TestNoFile(t *testing.T) {
	var none *geo.Places
	none.Renew()
	if got := none.Of(netip.MustParseAddr("203.0.113.7")); got.Words("en") != "" || none.Country(netip.MustParseAddr("203.0.113.7")) != "" {
		t.Errorf("%+v", got)
	}
	if _, err := geo.Open(filepath.Join(t.TempDir(), "none"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a missing file was opened")
	}
}

// A changed file is taken, a broken one is not, and neither needs a restart.
func TestFileIsReadAgain(t *testing.T) {
	path := geotest.File(t, map[string]geotest.Record{"203.0.113.0/24": geotest.Flat("KR")})
	var said bytes.Buffer
	p, err := geo.Open(path, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("203.0.113.7")
	stamp := func(minutes int) {
		at := start.Add(time.Duration(minutes) * time.Minute)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	geotest.Write(t, path, map[string]geotest.Record{"203.0.113.0/24": geotest.Flat("JP")})
	stamp(1)
	if got := p.Country(addr); got != "KR" {
		t.Errorf("at once: %s", got)
	}
	p.Renew()
	if got := p.Country(addr); got != "JP" {
		t.Errorf("renewed: %s", got)
	}
	if err := os.WriteFile(path, []byte("no such file"), 0o600); err != nil {
		t.Fatal(err)
	}
	stamp(2)
	p.Renew()
	if got := p.Country(addr); got != "JP" || !strings.Contains(said.String(), "the old one stays in use") {
		t.Errorf("a broken file: %s, log %q", got, said.String())
	}
}
