package password

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PHC is a stored password, in the PHC string format with one reading of its keyid parameter:
//
//	$argon2id$v=19$m=47104,t=1,p=1,keyid=2026-11.2025-02$c2FsdHNhbHRzYWx0c2E$dGFndGFn…
//	 scheme   version params        peppers, last first    salt                tag
//
// Tag is the scheme's own output if there is no pepper. Each pepper replaced the tag before it by HMAC-SHA256(pepper, tag), the
// one named first in keyid coming last, so that a stored form can be wrapped anew without the password.
type PHC struct {
	Scheme  string
	Version int // 0 when the scheme writes none
	Params  []Param
	Peppers []string // in the order applied
	Salt    []byte
	Tag     []byte
}

// Param is a parameter of a scheme, as written.
type Param struct{ Name, Value string }

// Bounds of a stored form. They bound what a row can cost, should somebody else have written it.
const (
	maxPHC     = 512
	maxParams  = 8
	maxPeppers = 4
	maxToken   = 32
)

const keyIDParam = "keyid"

// ParsePHC reads a stored form. It takes the canonical spelling alone: what it accepts, String writes back byte for byte.
func ParsePHC(s string) (PHC, error) {
	if len(s) > maxPHC {
		return PHC{}, fmt.Errorf("%w: longer than %d bytes", errStored, maxPHC)
	}
	parts := strings.Split(s, "$")
	if len(parts) < 2 || parts[0] != "" {
		return PHC{}, fmt.Errorf("%w: does not begin with $", errStored)
	}
	p := PHC{Scheme: parts[1]}
	rest := parts[2:]
	var err error
	if len(rest) > 0 && strings.HasPrefix(rest[0], "v=") {
		if p.Version, err = strconv.Atoi(rest[0][2:]); err != nil || p.Version < 1 {
			return PHC{}, fmt.Errorf("%w: bad version", errStored)
		}
		rest = rest[1:]
	}
	if len(rest) != 3 {
		return PHC{}, fmt.Errorf("%w: %d parts after the version, want parameters, salt and tag", errStored, len(rest))
	}
	if err = p.parseParams(rest[0]); err != nil {
		return PHC{}, err
	}
	if p.Salt, err = base64.RawStdEncoding.Strict().DecodeString(rest[1]); err != nil {
		return PHC{}, fmt.Errorf("%w: bad salt", errStored)
	}
	if p.Tag, err = base64.RawStdEncoding.Strict().DecodeString(rest[2]); err != nil {
		return PHC{}, fmt.Errorf("%w: bad tag", errStored)
	}
	// The decoders above are laxer than they look (line breaks, +1): what does not come back byte for byte is refused.
	if !p.valid() || p.String() != s {
		return PHC{}, fmt.Errorf("%w: not in canonical form", errStored)
	}
	return p, nil
}

func (p *PHC) parseParams(s string) error {
	if strings.Count(s, ",") >= maxParams {
		return fmt.Errorf("%w: more than %d parameters", errStored, maxParams)
	}
	for pair := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(pair, "=")
		if name != keyIDParam {
			p.Params = append(p.Params, Param{name, value})
			continue
		}
		for id := range strings.SplitSeq(value, ".") {
			p.Peppers = append([]string{id}, p.Peppers...)
		}
	}
	return nil
}

func (p PHC) valid() bool {
	ok := isToken(p.Scheme, false) && len(p.Salt) > 0 && len(p.Tag) > 0 && len(p.Params) > 0 && len(p.Peppers) <= maxPeppers
	for i, param := range p.Params {
		ok = ok && isToken(param.Name, false) && isToken(param.Value, true)
		for _, before := range p.Params[:i] {
			ok = ok && before.Name != param.Name
		}
	}
	for _, pepper := range p.Peppers {
		ok = ok && isKeyID(pepper)
	}
	return ok
}

// isToken says whether s is 1 to 32 of the PHC format's characters: a-z 0-9 - for names, and A-Z / + . besides for values.
func isToken(s string, value bool) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-':
		case value && ('A' <= c && c <= 'Z' || c == '/' || c == '+' || c == '.'):
		default:
			return false
		}
	}
	return 0 < len(s) && len(s) <= maxToken
}

// isKeyID says whether s can name a pepper inside keyid, where a dot stands between names.
func isKeyID(s string) bool { return isToken(s, true) && !strings.Contains(s, ".") }

// String writes the stored form.
func (p PHC) String() string {
	var b strings.Builder
	b.WriteString("$" + p.Scheme)
	if p.Version != 0 {
		b.WriteString("$v=" + strconv.Itoa(p.Version))
	}
	separator := "$"
	for _, param := range p.Params {
		b.WriteString(separator + param.Name + "=" + param.Value)
		separator = ","
	}
	if len(p.Peppers) > 0 {
		b.WriteString(separator + keyIDParam + "=")
		for i, pepper := range slices.Backward(p.Peppers) {
			b.WriteString(pepper)
			if i > 0 {
				b.WriteByte('.')
			}
		}
	}
	b.WriteString("$" + base64.RawStdEncoding.EncodeToString(p.Salt) + "$" + base64.RawStdEncoding.EncodeToString(p.Tag))
	return b.String()
}
