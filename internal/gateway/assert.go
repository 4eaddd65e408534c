package gateway

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Asserter tells one upstream who calls, in a statement that is bound to the request and good for two seconds (package gate, RFC 7519).
// It is safe for concurrent use.
type Asserter struct {
	issuer, audience string
	header           string    // base64url of the JOSE header, with the dot
	macs             sync.Pool // of hash.Hash over the shared key, reset
	private          ed25519.PrivateKey
}

// NewHMACAsserter shares a key of 32 bytes with the upstream; cheap, for Go backends with package gate.
func NewHMACAsserter(issuer, audience, keyID string, secret []byte) (*Asserter, error) {
	if len(secret) != sha256.Size {
		return nil, fmt.Errorf("assertion key of %s: %d bytes, want %d", audience, len(secret), sha256.Size)
	}
	a := &Asserter{issuer: issuer, audience: audience, header: joseHeader("HS256", keyID)}
	a.macs.New = func() any { return hmac.New(sha256.New, secret) }
	return a, nil
}

// NewEdDSAAsserter signs with a key whose public half anybody may read as JWKS.
func NewEdDSAAsserter(issuer, audience, keyID string, private ed25519.PrivateKey) *Asserter {
	return &Asserter{issuer: issuer, audience: audience, header: joseHeader("EdDSA", keyID), private: private}
}

func joseHeader(algorithm, keyID string) string {
	header := `{"alg":"` + algorithm + `","typ":"` + gate.Type + `","kid":"` + keyID + `"}`
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "."
}

// asserted is what one assertion says.
type asserted struct {
	principal   principal.Principal
	route       *Route
	environment id.Environment
	request     id.Request
	method      string
	target      string
	body        []byte
	// confirmation that was spent for the request, zero for none.
	confirmation id.Confirmation
	// unseen says that nobody has read the body; digest is then the Content-Digest that the client signed, if any.
	unseen bool
	digest string
	now    time.Time
}

// scratch are the buffers of one assertion.
type scratch struct{ claims, token []byte }

var scratches = sync.Pool{New: func() any { return &scratch{make([]byte, 0, 1024), make([]byte, 0, 2048)} }}

// Token writes the assertion. The claims are written by hand, in one pass and one buffer: this is the gateway's hot path, and a reference
// encoder in the tests (package gate) holds it to the same meaning.
func (a *Asserter) Token(in asserted) string {
	s, _ := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.claims = a.appendClaims(s.claims[:0], in)
	s.token = append(s.token[:0], a.header...)
	s.token = base64.RawURLEncoding.AppendEncode(s.token, s.claims)
	mark := a.sign(s.token)
	s.token = append(s.token, '.')
	s.token = base64.RawURLEncoding.AppendEncode(s.token, mark)
	return string(s.token)
}

func (a *Asserter) sign(token []byte) []byte {
	if a.private != nil {
		return ed25519.Sign(a.private, token)
	}
	mac, _ := a.macs.Get().(hash.Hash)
	defer a.macs.Put(mac)
	mac.Reset()
	mac.Write(token)
	return mac.Sum(make([]byte, 0, sha256.Size))
}

func (a *Asserter) appendClaims(b []byte, in asserted) []byte {
	p := in.principal
	b = append(b, `{"iss":`...)
	b = appendString(b, a.issuer)
	b = appendMember(b, "aud", a.audience)
	b = append(b, `,"iat":`...)
	b = appendDate(b, in.now)
	b = append(b, `,"exp":`...)
	b = appendDate(b, in.now.Add(gate.MaxLife))
	b = appendID(b, "jti", in.request)
	b = appendMember(b, "htm", in.method)
	b = appendMember(b, "htu", in.target)
	b = appendBody(b, in)
	b = appendMember(b, "env", in.environment.String())
	b = appendMember(b, "cls", in.route.Class.String())
	if !in.confirmation.IsZero() {
		b = appendMember(b, "cfm", in.confirmation.String())
	}
	switch p.Kind {
	case principal.KindUser:
		b = appendMember(b, "knd", "user")
		b = appendID(b, "ses", p.Session)
		b = appendMember(b, "acr", p.Level().String())
		b = appendMember(b, "lng", p.Lang)
		b = appendMember(b, "nam", p.Name)
	case principal.KindKey:
		b = appendMember(b, "knd", "key")
		b = append(id.AppendKey(append(b, `,"key":"`...), p.Key, p.Environment), '"')
		b = appendMember(b, "acr", "none")
	case principal.KindNobody, principal.KindSystem, principal.KindHost:
		b = appendMember(b, "knd", "public")
		b = appendMember(b, "acr", "none")
		return append(b, '}')
	}
	b = appendID(b, "sub", p.User)
	b = appendID(b, "acc", p.Account)
	b = appendID(b, "sac", p.Subaccount)
	b = appendMember(b, "rol", p.Role.String())
	b = append(b, `,"scp":"`...)
	b = p.Scopes.Append(b)
	return append(b, `"}`...)
}

// appendBody says what is known of the body: the digest of the one that was seen, the digest that was signed for one that was not, or nothing.
// A signature over a request without a body is as good as having seen that there is none.
func appendBody(b []byte, in asserted) []byte {
	switch {
	case in.digest != "":
		return appendMember(b, "cdg", in.digest)
	case in.unseen && in.principal.Kind != principal.KindKey:
		return b
	}
	b = append(b, `,"bdy":"`...)
	digest := sha256.Sum256(in.body)
	b = base64.RawURLEncoding.AppendEncode(b, digest[:])
	return append(b, '"')
}

func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

// appendID writes an id, whose text needs no escape and no memory of its own.
func appendID[K id.Kind](b []byte, name string, v id.Of[K]) []byte {
	b = append(append(append(b, ',', '"'), name...), `":"`...)
	b, _ = v.AppendText(b)
	return append(b, '"')
}

const hex = "0123456789abcdef"

// appendString writes a JSON string (RFC 8259 §7). Text beyond ASCII stays as it is: targets are ASCII, names are valid UTF-8.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func appendDate(b []byte, t time.Time) []byte {
	micros := t.UnixMicro()
	b = strconv.AppendInt(b, micros/1e6, 10)
	b = append(b, '.')
	part := strconv.AppendInt(make([]byte, 0, 7), 1e6+micros%1e6, 10)
	return append(b, part[1:]...)
}
