package gateway

import "encoding/binary"

// frames knows where in a stream of WebSocket frames (RFC 6455 §5.2) we are: within one, or between two, where another may be put.
//
//	┌────────────┬──────────────┬─────────────────────┬──────────────┬─────────┐
//	│ 1 fin, op  │ 1 mask, len7 │ 0, 2 or 8: length   │ 0 or 4: mask │ payload │
//	└────────────┴──────────────┴─────────────────────┴──────────────┴─────────┘
//
// The zero value is before the first. What is no WebSocket is followed as if it were one, and then it is wrong at times.
type frames struct {
	head   [14]byte
	n      int    // bytes of head that are here
	left   uint64 // bytes of the payload that are not
	closed bool   // a close frame has passed: nothing may follow it
}

// between says whether a frame may be put here.
func (f *frames) between() bool { return f.n == 0 && f.left == 0 && !f.closed }

// pass follows bytes.
func (f *frames) pass(b []byte) {
	for len(b) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(b)))
			f.left -= n
			b = b[n:]
			continue
		}
		f.head[f.n], b = b[0], b[1:]
		if f.n++; f.n == f.headLength() {
			f.begin()
		}
	}
}

// headLength is how long the head is, as far as that is known.
func (f *frames) headLength() int {
	if f.n < 2 {
		return 2
	}
	n := 2
	switch f.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.head[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// begin takes the head of a frame that is whole.
func (f *frames) begin() {
	switch short := f.head[1] & 0x7f; short {
	case 126:
		f.left = uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		f.left = binary.BigEndian.Uint64(f.head[2:])
	default:
		f.left = uint64(short)
	}
	const opcodeClose = 8
	f.closed = f.closed || f.head[0]&0x0f == opcodeClose
	f.n = 0
}
