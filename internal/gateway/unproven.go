package gateway

import (
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// Some signatures cannot be read without the body. Their heads name a key of ours, which proves nothing: whoever knows the id of a key can name
// it, with one's own key too. So the bytes of such bodies are counted as they arrive, until somebody is known.
const (
	// unprovenBytes is for all of them together, unprovenShare for those of one source and for those that name the keys of one user.
	unprovenBytes = 64 << 20
	unprovenShare = 4 << 20
)

// share is whose bytes are counted together: a source, or a user.
type share struct {
	source netip.Prefix
	user   id.User
}

// sourceOf is the address, or of IPv6 the /64 that one customer has.
func sourceOf(addr netip.Addr) share {
	addr = addr.Unmap()
	prefix, _ := addr.Prefix(min(64, addr.BitLen())) // of no address it is the zero prefix: those count together
	return share{source: prefix}
}

// shares counts bytes that are held of bodies. It is safe for concurrent use.
type shares struct {
	mu  sync.Mutex
	all int64
	of  map[share]int64
}

// take takes room for n bytes in all shares, or in none.
func (s *shares) take(n int64, whose ...share) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all+n > unprovenBytes {
		return false
	}
	for _, w := range whose {
		if s.of[w]+n > unprovenShare {
			return false
		}
	}
	s.add(n, whose)
	return true
}

func (s *shares) give(n int64, whose ...share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(-n, whose)
}

func (s *shares) add(n int64, whose []share) {
	s.all += n
	for _, w := range whose {
		if s.of[w] += n; s.of[w] == 0 {
			delete(s.of, w)
		}
	}
}

// unprovenBody is a body that takes its room while it arrives.
type unprovenBody struct {
	io.ReadCloser
	from         *shares
	source, user share
	size         int64
	full         bool
}

// unprovenPiece is how much of a body may be here before it is counted.
const unprovenPiece = 4 << 10

// Read fails where a share is full.
func (b *unprovenBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into[:min(len(into), unprovenPiece)])
	if n > 0 && !b.from.take(int64(n), b.source, b.user) {
		b.full = true
		return 0, fault.New(fault.Busy)
	}
	b.size += int64(n)
	return n, err
}

// release gives the room back, once it is known whose the body is, or that it is refused.
func (b *unprovenBody) release() {
	if b != nil {
		b.from.give(b.size, b.source, b.user)
		b.size = 0
	}
}

// bodyFor reads the body for package signed; named is the key that an unproven head names, whose owner answers for its bytes with their
// source. Such a body is not waited for long. Errors: busy, request.malformed, request.too_large.
func (v *visit) bodyFor(named *apikey.Live) ([]byte, error) {
	if named == nil {
		err := v.readBody()
		return v.body, err
	}
	v.unproven = &unprovenBody{ReadCloser: v.r.Body, from: &v.g.unproven, source: sourceOf(v.rec.Addr), user: share{user: named.Owner}}
	v.r.Body = v.unproven
	body, err := httpx.ReadBody(v.w, v.r, v.g.BodyCap, strangerWait)
	if v.unproven.full {
		err = fault.New(fault.Busy).After(time.Second)
	}
	if err != nil {
		v.w.Header().Set("Connection", "close") // nobody waits for the rest
		return nil, err
	}
	v.body, v.read = body, true
	return body, nil
}
