package sign

import (
	"net/http"
	"time"
)

// HeadersWith is Headers with a nonce of the test's own.
func (n *NativeSigner) HeadersWith(r *Request, now time.Time, nonce string) (http.Header, error) {
	return n.headers(r, now, nonce)
}

// Holds is the one comparison that every signature goes through, over a base of the test's own: RFC 9421 and Wycheproof have
// bases that the profile refuses.
func Holds(a Algorithm, material, base, value []byte) bool {
	s := Signature{Dialect: Upbit, Algorithm: a}
	s.exchange.token = string(base)
	if len(value) > len(s.value) {
		return false
	}
	s.length = copy(s.value[:], value)
	if a == Ed25519 {
		return s.holdsEd25519(&Request{}, material)
	}
	return s.holdsSHA256(&Request{}, material)
}

// MAC is the HMAC by hand.
func MAC(a Algorithm, key, message []byte) []byte {
	if a == HMACSHA512 {
		sum := hmacSHA512(key, append(make([]byte, room512), message...))
		return sum[:]
	}
	sum := hmacSHA256(key, append(make([]byte, room256), message...))
	return sum[:]
}

// FlatPair is a member of a flat JSON object.
type FlatPair struct{ Name, Text string }

// FlatObject reads a flat JSON object.
func FlatObject(text []byte) ([]FlatPair, error) {
	members, err := flatObject(text, "text")
	pairs := make([]FlatPair, 0, len(members))
	for _, m := range members {
		pairs = append(pairs, FlatPair{m.name, m.text})
	}
	return pairs, err
}

// Hashed is the text under query_hash.
func (f Settings) Hashed(r *Request) (string, error) { return f.hashed(r) }
