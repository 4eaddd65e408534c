package sign

import "errors"

// ErrUnknownName is the answer to a word that names no dialect, algorithm or form.
var ErrUnknownName = errors.New("sign: unknown dialect, algorithm or form")

// Dialect is a request-signing scheme. A key has exactly one, and the request never selects it.
type Dialect uint8

// The dialects. The zero value is none and is refused everywhere.
const (
	// Native is the profile sallyport-v1 of RFC 9421 with RFC 9530.
	Native Dialect = iota + 1
	// Upbit is the Bearer JWT of Upbit's API with query_hash.
	Upbit
)

// dialects says of each dialect what it is called and which parts of a request its signature covers at the least. A new dialect is a
// line here, a file of its own, and a case in Parse, AppendBase, Verify and CheckBody.
var dialects = [...]struct {
	name   string
	covers Coverage
}{
	Native: {"native", Coverage{Method: true, Path: true, Query: true, Body: true, Host: true, Time: true, SingleUse: true}},
	// Query and body are covered by their hash. Time is covered when the token carries timestamp or iat (Signature.Coverage).
	Upbit: {"upbit", Coverage{Query: true, Body: true, SingleUse: true}},
}

// Coverage says which parts of a request a signature covers: whoever sees a signed request on its way can change none of these.
type Coverage struct {
	Method, Path, Query, Body, Host, Time bool
	// SingleUse: the signature carries a value that is claimed once per key.
	SingleUse bool
}

// Coverage is what every signature of the dialect covers.
func (d Dialect) Coverage() Coverage {
	if int(d) < len(dialects) {
		return dialects[d].covers
	}
	return Coverage{}
}

// String is "native", "upbit" or empty.
func (d Dialect) String() string {
	if int(d) < len(dialects) {
		return dialects[d].name
	}
	return ""
}

// ParseDialect reads what String wrote. Errors: ErrUnknownName.
func ParseDialect(s string) (Dialect, error) {
	for d, line := range dialects {
		if d != 0 && line.name == s {
			return Dialect(d), nil
		}
	}
	return 0, ErrUnknownName
}

// Ceiling is the highest class of action that a signature may carry: an upper bound, whatever else allows the action.
type Ceiling uint8

// The ceilings, in rising order. The zero value is the lowest.
const (
	CeilingRead Ceiling = iota
	CeilingTrade
	CeilingWithdraw
)

// Ceiling follows from the coverage. Everything covered and single use: withdraw. An unsigned body, or neither path nor time: read,
// because what is captured can be turned into something else or kept for ever. Trade otherwise.
func (c Coverage) Ceiling() Ceiling {
	switch {
	case !c.Body || (!c.Path && !c.Time):
		return CeilingRead
	case c == Coverage{Method: true, Path: true, Query: true, Body: true, Host: true, Time: true, SingleUse: true}:
		return CeilingWithdraw
	default:
		return CeilingTrade
	}
}

// Lift is the highest ceiling that an operator may set instead: withdraw when nothing but the host is open, otherwise trade.
func (c Coverage) Lift() Ceiling {
	c.Host = true
	return max(c.Ceiling(), CeilingTrade)
}

// Algorithm is what makes a signature. A key is pinned to one; a request may claim one, and never selects one.
type Algorithm uint8

// The algorithms. The zero value is "none claimed" in a signature and is refused in a key.
const (
	// Ed25519 is RFC 8032 with a 32-byte public key.
	Ed25519 Algorithm = iota + 1
	// HMACSHA256 is RFC 2104 over SHA-256; the key bytes are the ASCII bytes of the secret as shown to its user.
	HMACSHA256
	// HMACSHA512 is RFC 2104 over SHA-512. Only a signature claims it; no key is pinned to it alone.
	HMACSHA512
	// HMACSHA2 is the pin of an Upbit key: HS256 or HS512, nothing else, over one secret.
	HMACSHA2
)

var algorithmNames = []string{Ed25519: "ed25519", HMACSHA256: "hmac-sha256", HMACSHA512: "hmac-sha512", HMACSHA2: "hmac-sha2"}

// String is the algorithm's name (RFC 9421 §6.2.2 where it has one there); the zero value prints as nothing.
func (a Algorithm) String() string { return nameOf(algorithmNames, a) }

// ParseAlgorithm reads what String wrote. Errors: ErrUnknownName.
func ParseAlgorithm(s string) (Algorithm, error) { return valueOf[Algorithm](algorithmNames, s) }

// nameOf looks a value up in the table of its names; a value that does not exist has none.
func nameOf[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return ""
}

// valueOf is the way back. The empty word names nothing.
func valueOf[T ~uint8](names []string, word string) (v T, err error) {
	for _, name := range names {
		if name == word && word != "" {
			return v, nil
		}
		v++
	}
	return 0, ErrUnknownName
}

// Pins says whether a key of the dialect may be pinned to the algorithm.
func (d Dialect) Pins(a Algorithm) bool {
	switch d {
	case Native:
		return a == Ed25519 || a == HMACSHA256
	case Upbit:
		return a == HMACSHA2
	default:
		return false
	}
}

// permits says whether a key pinned to a takes a signature that claims the algorithm, or claims none.
func (a Algorithm) permits(claimed Algorithm) bool {
	return claimed == 0 || claimed == a || a == HMACSHA2 && (claimed == HMACSHA256 || claimed == HMACSHA512)
}
