package page_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// Every country that a place can lie in is on the map, once. Antarctica lies below it.
func TestEveryCountryIsOnTheMap(t *testing.T) {
	raw, err := os.ReadFile("../../geo/countries.tsv")
	if err != nil {
		t.Fatal(err)
	}
	codes := page.MapCodes()
	slices.Sort(codes)
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Error("a country is on the map twice")
	}
	for line := range strings.Lines(string(raw)) {
		if code, _, ok := strings.Cut(line, "\t"); ok && code != "AQ" && !slices.Contains(codes, code) {
			t.Errorf("%s is not on the map", code)
		}
	}
}
