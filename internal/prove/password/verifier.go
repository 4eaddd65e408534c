package password

import (
	"fmt"
	"strconv"

	"golang.org/x/crypto/argon2"
)

// Verifier is a scheme of hashing, so that another product's stored passwords can be brought along and verified until each owner's
// next sign-in rehashes it. The same password and stored form give the same tag, whatever peppers the form names.
type Verifier interface {
	// Derive computes the scheme's own tag of password under the salt and parameters of p. It refuses parameters that cost more
	// than it means to spend. The caller holds a slot.
	Derive(p PHC, password []byte) (tag []byte, err error)
}

// verifiers maps scheme → how it derives.
var verifiers = map[string]Verifier{schemeArgon2id: argon2id{}}

const (
	schemeArgon2id = "argon2id"
	saltBytes      = 16
	tagBytes       = 32
)

// Cost says what one Argon2id hash takes (RFC 9106 §3.1). The zero value means the default, 46 MiB in one pass: about 30 ms of one core.
type Cost struct {
	MemoryKiB uint32 // 8 × Lanes to 262144
	Passes    uint32 // 1 to 16
	Lanes     uint8  // 1 to 16
}

// DefaultCost is OWASP's first choice for Argon2id.
var DefaultCost = Cost{MemoryKiB: 47104, Passes: 1, Lanes: 1}

func (c Cost) valid() bool {
	return 1 <= c.Lanes && c.Lanes <= 16 && 1 <= c.Passes && c.Passes <= 16 &&
		8*uint32(c.Lanes) <= c.MemoryKiB && c.MemoryKiB <= 256<<10
}

// params writes the cost as Argon2 names it, in the one order that cost reads.
func (c Cost) params() []Param {
	return []Param{
		{"m", strconv.FormatUint(uint64(c.MemoryKiB), 10)},
		{"t", strconv.FormatUint(uint64(c.Passes), 10)},
		{"p", strconv.FormatUint(uint64(c.Lanes), 10)},
	}
}

// argon2id derives by Argon2id version 1.3 with a tag of 32 bytes, and keeps to the bounds of Cost: a row cannot ask for more.
type argon2id struct{}

func (argon2id) Derive(p PHC, password []byte) ([]byte, error) {
	cost, ok := costOf(p)
	if !ok || !cost.valid() || p.Version != argon2.Version || len(p.Salt) < 8 || len(p.Salt) > 64 || len(p.Tag) != tagBytes {
		return nil, fmt.Errorf("%w: argon2id with parameters outside our bounds", errStored)
	}
	return argon2.IDKey(password, p.Salt, cost.Passes, cost.MemoryKiB, cost.Lanes, tagBytes), nil
}

func costOf(p PHC) (Cost, bool) {
	if len(p.Params) != 3 || p.Params[0].Name != "m" || p.Params[1].Name != "t" || p.Params[2].Name != "p" {
		return Cost{}, false
	}
	var n [3]uint64
	for i, param := range p.Params {
		bits := 32
		if param.Name == "p" {
			bits = 8
		}
		var err error
		n[i], err = strconv.ParseUint(param.Value, 10, bits)
		if err != nil || strconv.FormatUint(n[i], 10) != param.Value {
			return Cost{}, false
		}
	}
	return Cost{MemoryKiB: uint32(n[0]), Passes: uint32(n[1]), Lanes: uint8(n[2])}, true
}
