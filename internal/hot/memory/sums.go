package memory

// sums is a set of keyed hashes that only grows: one array with open addressing, probed forwards, so that to look and then to add costs one
// line of memory. (A map costs about twice that, and room for what is never stored.) It is at most three quarters full, and never holds 0.
type sums struct {
	slots []uint64 // a power of two, or none
	count int
}

// leastSums is how many slots a set begins with.
const leastSums = 16

func (s *sums) has(sum uint64) bool {
	return len(s.slots) > 0 && s.slots[s.find(sum)] == sum
}

// add puts in what is not there.
func (s *sums) add(sum uint64) {
	if 4*(s.count+1) > 3*len(s.slots) {
		s.grow()
	}
	s.slots[s.find(sum)] = sum
	s.count++
}

// find is the slot of a sum, or the free one where it belongs. The lower bits chose the part that this set lies in; the upper ones are spread.
func (s *sums) find(sum uint64) uint64 {
	mask := uint64(len(s.slots) - 1)
	at := sum >> 16 & mask
	for s.slots[at] != 0 && s.slots[at] != sum {
		at = (at + 1) & mask
	}
	return at
}

func (s *sums) grow() {
	old := s.slots
	s.slots = make([]uint64, max(leastSums, 2*len(old)))
	for _, sum := range old {
		if sum != 0 {
			s.slots[s.find(sum)] = sum
		}
	}
}
