//go:build timing

package outsider_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// TestTiming asks whether a stranger who looks at one answer could say better than by chance which kind of address it was for: the chance
// that a sample of one kind is longer than one of another (the statistic of Mann and Whitney) must be near one half. With 3,000 samples each
// its standard error is 0.0075; a difference of 1 % of the spread would be seen.
func TestTiming(t *testing.T) {
	w := newTown(t, authtest.CheapHash)
	for name, ask := range knocks {
		taken := w.samples(ask, 3000)
		for kind, list := range taken {
			if got := longer(list, taken["unknown"]); math.Abs(got-0.5) > 0.04 {
				t.Errorf("%s: an address that is %s takes longer than an unknown one with p = %.3f", name, kind, got)
			} else {
				t.Logf("%s, %s: p = %.3f, median %s", name, kind, got, median(list))
			}
		}
	}
}

// longer is how likely one of a is longer than one of b; ties count half.
func longer(a, b []time.Duration) float64 {
	b = slices.Sorted(slices.Values(b))
	wins := 0.0
	for _, x := range a {
		low, _ := slices.BinarySearch(b, x)
		high, _ := slices.BinarySearch(b, x+1)
		wins += float64(low) + float64(high-low)/2
	}
	return wins / float64(len(a)) / float64(len(b))
}
