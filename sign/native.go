package sign

import (
	"math/bits"
	"net/http"
	"time"
)

// The native profile sallyport-v1: RFC 9421 with nothing left to choose. A client signs
//
//	"@method": POST
//	"@authority": api.example.com
//	"@path": /v1/orders
//	"@query": ?market=KRW-BTC
//	"content-digest": sha-256=:…:
//	"@signature-params": ("@method" "@authority" "@path" "@query" "content-digest");created=…;keyid="…";nonce="…";tag="sallyport-v1"
//
// in any order of components and parameters. No other component is accepted, so no header outside the base can matter.

const (
	nativeTag = "sallyport-v1"

	maxInput   = 1 << 10
	maxValue   = 256
	maxDigest  = 512
	maxKeyID   = 255
	minNonce   = 16
	maxNonce   = 64
	maxExpires = 300 * time.Second
)

// components are the parts of a request that the profile knows, the first four always covered.
var components = [...]string{"@method", "@authority", "@path", "@query", digestComponent}

const (
	digestComponent  = "content-digest"
	alwaysCovered    = 4
	alwaysCoveredSet = 1<<alwaysCovered - 1
)

// parameters are those of the signature, the first four required.
var parameters = [...]string{"created", "keyid", "nonce", "tag", "expires", "alg"}

const (
	required    = 4
	requiredSet = 1<<required - 1
)

// position is the place of a name in one of these tables, or -1. It looks first where most clients put it: in the order of the table.
func position(names []string, name string, usual int) int {
	if usual < len(names) && names[usual] == name {
		return usual
	}
	for i, have := range names {
		if have == name {
			return i
		}
	}
	return -1
}

// firstMissing names the first of the table that a set of positions lacks.
func firstMissing(names []string, set uint) string {
	return names[bits.TrailingZeros(^set)]
}

// nativeInput is what the base is built from, besides the request.
type nativeInput struct {
	order   [len(components)]uint8 // positions in components, in the order of the list
	count   int
	digests bool   // content-digest is covered
	params  string // the inner list and its parameters, byte for byte as received
}

// parseNative reads both headers. Only one line with one member in canonical form is taken, so the received bytes are the ones that
// RFC 9421 §2.5 wants at the end of the base.
func (s *Signature) parseNative(inputs, values []string, h http.Header) error {
	s.Dialect = Native
	input, err := oneLine(inputs, "Signature-Input", maxInput)
	if err != nil {
		return err
	}
	label, err := s.parseInput(input)
	if err != nil {
		return err
	}
	value, err := oneLine(values, "Signature", maxValue)
	if err != nil {
		return err
	}
	if err := s.parseValue(label, value); err != nil {
		return err
	}
	if !s.native.digests {
		return nil
	}
	return checkDigestLines(h["Content-Digest"])
}

func oneLine(lines []string, name string, limit int) (string, error) {
	switch {
	case len(lines) == 0:
		return "", refuse(MissingHeader, name)
	case len(lines) > 1:
		return "", refuse(TwoLines, name)
	case len(lines[0]) > limit:
		return "", refuse(TooLarge, name)
	default:
		return lines[0], nil
	}
}

// parseInput reads label=("component" …);parameter=value….
func (s *Signature) parseInput(text string) (label string, err error) {
	f := field{name: "Signature-Input", text: text}
	if label, err = f.label(); err != nil {
		return "", err
	}
	s.native.params = f.rest()
	if err := s.native.parseComponents(&f); err != nil {
		return "", err
	}
	return label, s.parseParameters(&f)
}

func (n *nativeInput) parseComponents(f *field) error {
	if err := f.expect('('); err != nil {
		return err
	}
	var seen uint
	for more := f.peek() != ')'; more; more = f.accept(' ') {
		name, err := f.quoted()
		if err != nil {
			return err
		}
		c := position(components[:], name, n.count)
		switch {
		case f.peek() == ';':
			return refuse(ComponentParameter, name)
		case c < 0:
			return refuse(UnknownComponent, name)
		case seen&(1<<c) != 0:
			return refuse(DuplicateComponent, name)
		}
		seen |= 1 << c
		n.order[n.count] = uint8(c)
		n.count++
		n.digests = n.digests || name == digestComponent
	}
	if err := f.expect(')'); err != nil {
		return err
	}
	if seen&alwaysCoveredSet != alwaysCoveredSet {
		return refuse(MissingComponent, firstMissing(components[:], seen))
	}
	return nil
}

func (s *Signature) parseParameters(f *field) error {
	var seen uint
	for f.accept(';') {
		name := f.key()
		if name == "" {
			return f.unexpected()
		}
		p := position(parameters[:], name, bits.OnesCount(seen))
		switch {
		case p < 0:
			return refuse(UnknownParameter, name)
		case seen&(1<<p) != 0:
			return refuse(DuplicateParameter, name)
		}
		seen |= 1 << p
		if err := s.parseParameter(f, name); err != nil {
			return err
		}
	}
	if err := f.end(); err != nil {
		return err
	}
	if seen&requiredSet != requiredSet {
		return refuse(MissingParameter, firstMissing(parameters[:], seen))
	}
	return s.checkLife()
}

// checkLife: an end that the signature names lies after its making, and not long after.
func (s *Signature) checkLife() error {
	if s.Expires.IsZero() {
		return nil
	}
	if life := s.Expires.Sub(s.Created); life <= 0 || life > maxExpires {
		return refuse(ExpiresRange, "")
	}
	return nil
}

func (s *Signature) parseParameter(f *field, name string) (err error) {
	switch name {
	case "created":
		s.Created, err = f.seconds(name)
		return err
	case "expires":
		s.Expires, err = f.seconds(name)
		return err
	}
	text, err := f.stringValue(name)
	if err != nil {
		return err
	}
	switch name {
	case "keyid":
		s.KeyID = text
		return checkKeyID(text)
	case "nonce":
		s.Nonce = text
		return checkNonce(text, minNonce)
	case "tag":
		if text != nativeTag {
			return refuse(WrongTag, text)
		}
	case "alg":
		if s.Algorithm, err = ParseAlgorithm(text); err != nil || !Native.Pins(s.Algorithm) {
			return refuse(AlgUnknown, text)
		}
	}
	return nil
}

func checkKeyID(id string) error {
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return refuse(BadParameter, "key id")
		}
	}
	if id == "" || len(id) > maxKeyID {
		return refuse(BadParameter, "key id")
	}
	return nil
}

var isNonceByte = tableOf(func(c byte) bool { return isUnreserved(c) || c == '+' || c == '/' || c == '=' })

func checkNonce(n string, shortest int) error {
	for i := range len(n) {
		if !isNonceByte[n[i]] {
			return refuse(BadParameter, "nonce")
		}
	}
	if len(n) < shortest || len(n) > maxNonce {
		return refuse(BadParameter, "nonce")
	}
	return nil
}

// parseValue reads label=:base64:.
func (s *Signature) parseValue(label, text string) error {
	f := field{name: "Signature", text: text}
	have, err := f.label()
	if err != nil {
		return err
	}
	if have != label {
		return refuse(LabelDiffers, "")
	}
	encoded, err := f.bytes()
	if err != nil {
		return err
	}
	if f.peek() == ';' {
		return refuse(UnknownParameter, "Signature")
	}
	if err := f.end(); err != nil {
		return err
	}
	return s.setValue(stdBase64, encoded)
}

// appendBase builds the signature base of RFC 9421 §2.5.
func (n *nativeInput) appendBase(dst []byte, r *Request) []byte {
	rawPath, rawQuery := r.split()
	for _, c := range n.order[:n.count] {
		switch components[c] {
		case "@method":
			dst = append(append(dst, "\"@method\": "...), r.Method...)
		case "@authority":
			dst = appendAuthority(append(dst, "\"@authority\": "...), r.Authority)
		case "@path":
			dst = append(append(dst, "\"@path\": "...), rawPath...)
		case "@query":
			dst = append(append(dst, "\"@query\": ?"...), rawQuery...)
		case digestComponent:
			dst = appendJoined(append(dst, "\"content-digest\": "...), r.Header["Content-Digest"])
		}
		dst = append(dst, '\n')
	}
	return append(append(dst, "\"@signature-params\": "...), n.params...)
}

// appendJoined is the value of a field with several lines (RFC 9421 §2.1).
func appendJoined(dst []byte, lines []string) []byte {
	for i, line := range lines {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, trimBlank(line)...)
	}
	return dst
}
