package market

import (
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Step is one second of the walk, counted from 1970 UTC.
type Step int64

// StepAt is the step that t lies in.
func StepAt(t time.Time) Step { return Step(t.Unix()) }

// Time is when the step begins.
func (s Step) Time() time.Time { return time.Unix(int64(s), 0).UTC() }

// Walk is a price history and future, made from nothing but its seed. The zero value is the walk of seed 0.
type Walk struct{ seed uint64 }

// NewWalk is the walk of a seed. Equal seeds walk alike on every machine and in every release that keeps this file.
func NewWalk(seed uint64) Walk { return Walk{seed: seed} }

// The walk is a sum of octaves. Octave k draws a random value every 2ᵏ seconds, goes straight from one to the next, and counts
// √2ᵏ times as much as octave 0: the mixture moves like a random walk over anything from a second to seven weeks, and, unlike
// one, stays within a bounded distance of its centre and can be evaluated at any second without those before.
const octaves = 23

// halfOctave is √2 in millionths, for the odd octaves.
const halfOctave = 1_414_214

// Bid and Ask are the best prices at a step, one price unit apart.
func (w Walk) Bid(m Market, s Step) money.Amount {
	var moved int64 // in 10⁻⁹ of the start
	salt := m.salt()
	for k := range uint(octaves) {
		amplitude := m.roughness << (k / 2)
		if k%2 == 1 {
			amplitude = amplitude * halfOctave / 1_000_000
		}
		moved += amplitude * w.octave(salt, k, s) / unitNoise
	}
	// The sum of all amplitudes is far below one, so that the factor is positive and the product fits.
	price, err := m.start.Scale(money.Amount(1_000_000_000+moved), 1_000_000_000)
	if err != nil {
		panic("market: roughness out of bounds: " + m.ID)
	}
	return price.Floor(Unit(price))
}

// Ask is the lowest price somebody sells at.
func (w Walk) Ask(m Market, s Step) money.Amount {
	bid := w.Bid(m, s)
	return bid + Unit(bid)
}

// unitNoise is the largest value of an octave.
const unitNoise = 1 << 20

// octave is octave k at step s, in ±unitNoise. Each octave starts at a time of its own: aligned ones would all turn at once.
func (w Walk) octave(salt uint64, k uint, s Step) int64 {
	period := int64(1) << k
	at := int64(s) + int64(w.random(salt, uint64(k), 0)%uint64(period))
	lattice, part := at>>k, at&(period-1)
	from, to := w.noise(salt, k, lattice), w.noise(salt, k, lattice+1)
	return from + (to-from)*part/period
}

func (w Walk) noise(salt uint64, k uint, lattice int64) int64 {
	return int64(w.random(salt, uint64(k)+1, uint64(lattice))%(2*unitNoise)) - unitNoise
}

// random is a fixed random function of its arguments: splitmix64's finaliser over each in turn. It need not resist anybody,
// only look even.
func (w Walk) random(salt, kind, n uint64) uint64 {
	return mix(mix(mix(w.seed^salt)+kind) + n)
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
