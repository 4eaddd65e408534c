package scope_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

func sets() *rapid.Generator[scope.Set] {
	return rapid.Custom(func(t *rapid.T) scope.Set {
		return scope.Of(rapid.SliceOf(rapid.SampledFrom(scope.All())).Draw(t, "scopes")...)
	})
}

func TestIntersectionNeverGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := sets().Draw(t, "a"), sets().Draw(t, "b")
		got := a.Intersect(b)
		for _, s := range got.List() {
			if !a.Has(s) || !b.Has(s) {
				t.Fatalf("%s ∩ %s = %s", a, b, got)
			}
		}
	})
}

func TestCeilingKeepsNothingAboveIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := sets().Draw(t, "set")
		ceiling := scope.Class(rapid.IntRange(0, int(scope.Withdraw)).Draw(t, "ceiling"))
		kept := set.UpTo(ceiling)
		if kept.Highest() > ceiling && kept != 0 || kept.Intersect(set) != kept {
			t.Fatalf("%s up to %s = %s", set, ceiling, kept)
		}
	})
}

func TestWordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := sets().Draw(t, "set")
		if got, err := scope.ParseString(set.String()); err != nil || got != set {
			t.Fatalf("ParseString(%q) = %s, %v", set, got, err)
		}
	})
	for _, bad := range []string{"orders", "orders:read orders:read", " orders:read", "orders:read  orders:write", "ORDERS:READ"} {
		if got, err := scope.ParseString(bad); err == nil {
			t.Errorf("ParseString(%q) = %s, want a refusal", bad, got)
		}
	}
}

func TestReadOnlyOnlyReads(t *testing.T) {
	if got := scope.ReadOnly.Highest(); got != scope.Look {
		t.Errorf("the default can %s", got)
	}
	want := []string{"balances:read", "orders:read", "transfers:read"}
	if diff := cmp.Diff(want, scope.ReadOnly.Words()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
