package audit

import (
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// BrokenError says where a log stops being what was written.
type BrokenError struct {
	Seq    int64
	Reason string
}

// Error names the first entry that does not hold.
func (b *BrokenError) Error() string {
	return fmt.Sprintf("audit log broken at %d: %s", b.Seq, b.Reason)
}

func broken(seq int64, reason string, args ...any) error {
	return &BrokenError{Seq: seq, Reason: fmt.Sprintf(reason, args...)}
}

// Verdict is what a walk over a whole log found.
type Verdict struct {
	// Events hold, all of them. Erased of them can be read by nobody any more, because the person was erased and the log says so.
	Events, Erased int64
	// Head is the end, signed.
	Head Head
}

// Verifier walks a log in order, from its beginning to its head.
type Verifier struct {
	key  Key
	kept Head // zero if none

	seq    int64
	chain  [32]byte
	erased int64
	closed map[id.User]int64 // person whose key is gone → the first of their events
	told   map[id.User]bool  // persons of whom the log says that they were erased
}

// NewVerifier begins a walk. kept is a head that was kept elsewhere, which the log must lead through; the zero Head asks for nothing.
// Errors: a kept head that no holder of the key made.
func NewVerifier(key Key, kept Head) (*Verifier, error) {
	if kept != (Head{}) && !key.Signed(kept) {
		return nil, fmt.Errorf("the head of %d events was not made by this installation: its MAC is wrong", kept.Seq)
	}
	return &Verifier{key: key, kept: kept, closed: map[id.User]int64{}, told: map[id.User]bool{}}, nil
}

// Next takes the next events. An edit, a gap, an insertion and a swap each end in *BrokenError with the place; so does an event that was given
// to somebody else, and a readable half that does not open.
func (v *Verifier) Next(list []Told) error {
	for _, e := range list {
		if e.Seq != v.seq+1 {
			return broken(v.seq+1, "the next entry is %d", e.Seq)
		}
		next := Chain(v.chain, e.Leaf)
		switch {
		case next != e.Chain:
			return broken(e.Seq, "the leaf or its predecessor was changed")
		case v.key.Whose(e.ID, e.Person, e.Account) != e.Whose:
			return broken(e.Seq, "its person or account was changed")
		case e.Broken != nil:
			return broken(e.Seq, "its readable half was changed: %v", e.Broken)
		case e.Seq == v.kept.Seq && next != v.kept.Chain:
			return broken(e.Seq, "another log led to the head that was kept")
		}
		v.seq, v.chain = e.Seq, next
		v.note(e)
	}
	return nil
}

// note counts what cannot be read, and who the log says was erased.
func (v *Verifier) note(e Told) {
	if e.Erased {
		v.erased++
		if v.closed[e.Person] == 0 {
			v.closed[e.Person] = e.Seq
		}
	}
	if e.Action == UserErased {
		if person, err := id.Parse[id.UserKind](e.Readable.Facts[ErasedUser]); err == nil {
			v.told[person] = true
		}
	}
}

// End compares what the events led to with the stored head. Errors: *BrokenError, also when the end was cut off, when the head was not made
// with the key, and when a person's key is gone of whose erasure the log does not tell.
func (v *Verifier) End(head Head) (Verdict, error) {
	switch {
	case head.Seq != v.seq || head.Chain != v.chain:
		return Verdict{}, broken(v.seq+1, "the head says %d events", head.Seq)
	case !v.key.Signed(head):
		return Verdict{}, broken(v.seq, "the head was not made with the key of this log")
	case v.kept.Seq > v.seq:
		return Verdict{}, broken(v.seq+1, "the head that was kept says %d events", v.kept.Seq)
	}
	first, missing := int64(0), false
	for person, seq := range v.closed {
		if !v.told[person] && (!missing || seq < first) {
			first, missing = seq, true
		}
	}
	if missing {
		return Verdict{}, broken(first, "the key of its person is gone, and no event tells of an erasure")
	}
	return Verdict{Events: v.seq, Erased: v.erased, Head: head}, nil
}
