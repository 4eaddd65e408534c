// Package gate verifies, inside a Go backend, what the Sallyport gateway asserted about a request.
//
// The gateway sends each request on with one header, a signed statement that lives for two seconds:
//
//	Sallyport-Assertion: <header>.<claims>.<signature>      RFC 7515 §3.1, compact
//
// It says who acts (user, account, subaccount or API key), how strongly that was proven, which class of action the gateway
// allowed, and for which request: method, target and a digest of the body. The package asks nobody at run time and knows
// neither sessions, nor how a key signs, nor what a route is for. That a request comes at all means the gateway allowed it.
//
// Behind a proxy that only asks the gateway (forward-auth) the gateway has not seen the body, and says so: the digest in the assertion is
// then the one that the client signed, and this package is the first to compare it.
//
// Invariant: a handler behind Wrap runs only for a request that a configured key vouched for, every byte of whose body was
// verified before unless Config.UnboundBodies says otherwise, and it finds no assertion header to mistake for an unverified one.
package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/sign"
)

// Header is the name of the header that carries the assertion.
const Header = "Sallyport-Assertion"

// DefaultMaxBody is the cap on a request's body, in bytes, where Config names none.
const DefaultMaxBody = 1 << 20

// Config says what a gate accepts. All fields are required but MaxBody, UnboundBodies and OnRefuse.
type Config struct {
	// Issuer is the gateway's issuer, compared with iss.
	Issuer string
	// Audience is the name the gateway's configuration gives this backend, compared with aud.
	Audience string
	// Keys are the keys that may sign: one, or two while one replaces the other. SetKeys exchanges them later.
	Keys []Key
	// Now is the clock, time.Now in a program.
	Now func() time.Time
	// MaxBody bounds the body in bytes; it is read into memory before the handler runs. Zero means DefaultMaxBody.
	MaxBody int64
	// UnboundBodies lets requests with a body pass that neither the gateway has seen nor the client signed: those of people's sessions
	// behind a proxy that only asks the gateway (forward-auth). Without it they are refused. Such a body is the word of that proxy.
	UnboundBodies bool
	// OnRefuse, if set, is told of each refusal before the answer is written: one of this package's errors, wrapped. The
	// client never learns the reason, so this is the place to log it.
	OnRefuse func(r *http.Request, reason error)
}

// Gate verifies assertions for one backend. Its methods may be called concurrently.
type Gate struct {
	issuer, audience string
	now              func() time.Time
	maxBody          int64
	unbound          bool
	onRefuse         func(*http.Request, error)
	keys             atomic.Pointer[[]Key]
}

// New makes a gate. It refuses a configuration that could let a foreign assertion in: an empty name, no key, no clock.
func New(c Config) (*Gate, error) {
	switch {
	case c.Issuer == "" || c.Audience == "":
		return nil, errors.New("gate: issuer and audience must be set")
	case c.Now == nil:
		return nil, errors.New("gate: no clock")
	case c.MaxBody < 0:
		return nil, errors.New("gate: negative body cap")
	case c.MaxBody == 0:
		c.MaxBody = DefaultMaxBody
	}
	g := &Gate{issuer: c.Issuer, audience: c.Audience, now: c.Now, maxBody: c.MaxBody, unbound: c.UnboundBodies, onRefuse: c.OnRefuse}
	if err := g.SetKeys(c.Keys...); err != nil {
		return nil, err
	}
	return g, nil
}

// SetKeys replaces all keys at once, while requests run. On an error the old ones stay. It refuses an empty set, a zero Key
// and two keys with one id.
func (g *Gate) SetKeys(keys ...Key) error {
	if len(keys) == 0 {
		return errors.New("gate: no key")
	}
	for i, k := range keys {
		if k.verify == nil {
			return errors.New("gate: a key must come from HS256, EdDSA or ParseJWKS")
		}
		for _, earlier := range keys[:i] {
			if earlier.id == k.id {
				return errors.New("gate: two keys with the id " + k.id)
			}
		}
	}
	set := append([]Key(nil), keys...)
	g.keys.Store(&set)
	return nil
}

// Why a request was refused, for OnRefuse and logs. All of them are one and the same 401 to the client.
var (
	// ErrMissing: no assertion, or more than one.
	ErrMissing = errors.New("assertion: not exactly one header")
	// ErrMalformed: not the compact form, not strict JSON, or a required claim is absent or of the wrong kind.
	ErrMalformed = errors.New("assertion: malformed")
	// ErrKey: no configured key has that id, or alg or typ are not those of the key.
	ErrKey = errors.New("assertion: unknown key, algorithm or type")
	// ErrSignature: the key did not sign this.
	ErrSignature = errors.New("assertion: bad signature")
	// ErrAddressee: issued by or for somebody else.
	ErrAddressee = errors.New("assertion: other issuer or audience")
	// ErrTime: expired, from the future, or with a longer life than two seconds. Compare the two machines' clocks.
	ErrTime = errors.New("assertion: outside its time")
	// ErrRequest: made for another method or target. Something between gateway and backend rewrites requests.
	ErrRequest = errors.New("assertion: made for another request")
	// ErrBody: made for another body, or the body could not be read to its end.
	ErrBody = errors.New("assertion: made for another body")
	// ErrBodySize: the body is larger than Config.MaxBody.
	ErrBodySize = errors.New("assertion: body above the cap")
)

// Wrap puts the gate before next. A request that does not pass is answered with 401 and never reaches next. For one that
// passes, From finds the principal in the request's context and the body is the verified bytes. The assertion's own header is
// gone, so that it reaches no log, and so are trailers, which no assertion covers.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, body, err := g.verify(r)
		if err != nil {
			if g.onRefuse != nil {
				g.onRefuse(r, err)
			}
			refuse(w)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), contextKey{}, p))
		r.Header.Del(Header)
		r.Trailer = nil
		r.TransferEncoding = nil
		r.ContentLength = int64(len(body))
		r.Body = http.NoBody
		if len(body) > 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(w, r)
	})
}

type contextKey struct{}

// From is the principal of a request that passed Wrap. ok is false everywhere else: treat that as a mistake in the wiring of
// the backend, not as a stranger.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(contextKey{}).(Principal)
	return p, ok
}

// verify goes from what costs nothing to what reads the body, so that a stranger cannot make the backend buffer anything.
func (g *Gate) verify(r *http.Request) (Principal, []byte, error) {
	values := r.Header[Header]
	if len(values) != 1 {
		return Principal{}, nil, ErrMissing
	}
	claims, err := g.Parse(values[0])
	if err != nil {
		return Principal{}, nil, err
	}
	if claims.Method != r.Method || claims.Target != r.RequestURI {
		return Principal{}, nil, ErrRequest
	}
	body, err := g.readBody(r)
	if err != nil {
		return Principal{}, nil, err
	}
	if !g.bound(claims, body) {
		return Principal{}, nil, ErrBody
	}
	return claims.principal(), body, nil
}

// bound says whether the body is the one that the gateway saw, or the one that the client signed. Where neither is known only a request
// without a body passes, unless the backend takes others.
func (g *Gate) bound(c Claims, body []byte) bool {
	switch {
	case c.Body != "":
		return subtle.ConstantTimeCompare([]byte(BodyDigest(body)), []byte(c.Body)) == 1
	case c.BodySigned != "":
		return sign.CheckDigest([]string{c.BodySigned}, body) == nil
	default:
		return g.unbound || len(body) == 0
	}
}

// Parse verifies everything of an assertion but its binding to a request: key, signature, addressee and time. Wrap does the
// rest; Parse alone serves where there is no request, such as a message of a private stream.
func (g *Gate) Parse(assertion string) (Claims, error) {
	claims, err := signedClaims(assertion, *g.keys.Load())
	switch {
	case err != nil:
		return Claims{}, err
	case claims.Issuer != g.issuer || claims.Audience != g.audience:
		return Claims{}, ErrAddressee
	case !claims.lives(g.now()):
		return Claims{}, ErrTime
	}
	if !claims.complete() {
		return Claims{}, ErrMalformed
	}
	return claims, nil
}

func (g *Gate) readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > g.maxBody {
		return nil, ErrBodySize
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(r.Body, g.maxBody+1))
	switch {
	case err != nil:
		return nil, errors.Join(ErrBody, err)
	case int64(body.Len()) > g.maxBody:
		return nil, ErrBodySize
	}
	return body.Bytes(), r.Body.Close()
}

// BodyDigest is the claim bdy for a body: its SHA-256 in base64url without padding. No body has the digest of no bytes.
func BodyDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// refusal is one text for every reason (RFC 9457 §4.2.1), so that a stranger can tell nothing from it.
const refusal = `{"type":"about:blank","title":"Unauthorized","status":401,"code":"assertion.invalid"}` + "\n"

func refuse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, refusal)
}
