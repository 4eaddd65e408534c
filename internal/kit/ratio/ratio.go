// Package ratio measures what several ways of doing a thing cost, beside a floor that cannot be saved.
//
// The ways take turns within one run: whatever else the machine does disturbs all of them alike, and what is compared are the costs of one
// round. A figure of one run and the floor of another say nothing together.
package ratio

import (
	"slices"
	"testing"
	"time"
)

// Way is one way of doing it. Do does it n times.
type Way struct {
	Name string
	Do   func(n int)
}

// Each is a Way that does one thing after the other.
func Each(name string, once func()) Way {
	return Way{name, func(n int) {
		for range n {
			once()
		}
	}}
}

// Compare does batch times each way in a round, and as many rounds as b wants. spent is the clock: elapsed time, or the CPU time of whoever
// works. It reports for each way the least nanoseconds of all rounds and their median, and for all but the first, the floor, the median of
// its ratios to the floor of the same round. It returns the medians, in the order of the ways.
func Compare(b *testing.B, spent func() time.Duration, batch int, ways ...Way) (medians []float64) {
	b.Helper()
	rounds := make([][]float64, len(ways))
	for b.Loop() {
		for i, way := range ways {
			before := spent()
			way.Do(batch)
			rounds[i] = append(rounds[i], float64(spent()-before)/float64(batch))
		}
	}
	b.ReportMetric(0, "ns/op") // a round's time compares with nothing
	for i, way := range ways {
		b.ReportMetric(slices.Min(rounds[i]), way.Name+"-least-ns")
		medians = append(medians, median(rounds[i]))
		b.ReportMetric(medians[i], way.Name+"-ns")
		if i > 0 {
			b.ReportMetric(median(ratios(rounds[i], rounds[0])), way.Name+"/"+ways[0].Name)
		}
	}
	return medians
}

// Elapsed is a clock that stands beside the wall.
func Elapsed() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

func ratios(of, to []float64) (list []float64) {
	for i := range of {
		list = append(list, of[i]/to[i])
	}
	return list
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
