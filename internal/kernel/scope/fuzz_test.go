package scope_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// FuzzParseString: a list of scopes that is accepted holds exactly the words that were written, each once.
func FuzzParseString(f *testing.F) {
	f.Add(scope.Everything().String())
	f.Add("balances:read orders:read")
	f.Add("balances:read balances:read")
	f.Add(" balances:read")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		set, err := scope.ParseString(s)
		if err != nil {
			return
		}
		written := strings.Fields(s)
		slices.Sort(written)
		read := set.Words()
		slices.Sort(read)
		if !slices.Equal(written, read) {
			t.Errorf("%q is read as %q", s, read)
		}
		if again, err := scope.ParseString(set.String()); err != nil || again != set {
			t.Errorf("%s is read again as %s, %v", set, again, err)
		}
	})
}
