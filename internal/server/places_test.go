package server_test

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/geotest"
)

// A newer file of places is taken without a restart, by the work that runs anyhow.
func TestANewerFileOfPlacesIsTaken(t *testing.T) {
	path := geotest.File(t, map[string]geotest.Record{"203.0.113.0/24": geotest.Flat("KR")})
	s := authtest.StartWith(t, authtest.Options{YAML: "geo: {file: '" + path + "'}\n"})
	geotest.Write(t, path, map[string]geotest.Record{"203.0.113.0/24": geotest.Flat("JP")})
	if err := os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Places.Country(netip.MustParseAddr("203.0.113.7")); got != "JP" {
		t.Errorf("it is in %q", got)
	}
}
