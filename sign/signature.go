package sign

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"io"
	"time"
)

// Signature is what the headers of a request say about how it was signed. Until Verify has passed, all of it is a stranger's claim.
// It shares memory with the headers of the request it was parsed from.
type Signature struct {
	Dialect Dialect
	// KeyID is the public id of the key, 1 to 255 visible ASCII characters.
	KeyID string
	// Nonce is the value to claim, once per key, after Verify and CheckBody.
	Nonce string
	// Created is when the client signed: whole seconds in the native profile, milliseconds at the finest elsewhere. The zero time means
	// that the signature carries no time; it then stays good as long as the key, and so must the memory of its nonce.
	Created time.Time
	// Expires is the end that the client set itself, at most 300 s after Created, or the zero time.
	Expires time.Time
	// Algorithm is the claimed one, or zero. It never selects: Verify compares it with the one that the key is pinned to.
	Algorithm Algorithm

	value  [ed25519.SignatureSize]byte
	length int // of value: 32 or 64

	native nativeInput
	upbit  upbitInput
}

// Parse reads the signature of a request without touching the body, and checks method, authority and target on the way. The dialect
// is recognised by its headers. Unsigned means that no dialect's headers are there; another credential may be.
// Refusals: those of CheckTarget, and every reason that names a header, component, parameter or claim.
func Parse(r *Request) (Signature, error) {
	input, value, credentials := r.Header["Signature-Input"], r.Header["Signature"], r.Header["Authorization"]
	token, isToken := exchangeToken(credentials)
	switch {
	case len(input)+len(value) > 0 && len(credentials) > 0:
		return Signature{}, refuse(TwoSchemes, "")
	case len(input)+len(value) == 0 && !isToken:
		return Signature{}, refuse(Unsigned, "")
	}
	if err := r.check(); err != nil {
		return Signature{}, err
	}
	if !isToken {
		return parseNative(input, value, r.Header)
	}
	if len(credentials) > 1 {
		return Signature{}, refuse(TwoLines, "Authorization")
	}
	return parseUpbit(token)
}

// Timed says whether the signature carries the time of its making.
func (s *Signature) Timed() bool { return !s.Created.IsZero() }

// Coverage is what this signature covers: its dialect's, and the time when it carries one.
func (s *Signature) Coverage() Coverage {
	c := s.Dialect.Coverage()
	c.Time = c.Time || s.Timed()
	return c
}

// Skew is how far the client's clock was ahead of now when it signed; negative when the request is old. Zero without a time.
func (s *Signature) Skew(now time.Time) time.Duration {
	if !s.Timed() {
		return 0
	}
	return s.Created.Sub(now)
}

// Fresh says whether the signature's times allow it at now: made at most past ago, at most future ahead, and not past its own end,
// which can shorten the window and never widen it. A signature without a time passes; its Ceiling says what that costs.
// Refusals: TooOld, Ahead, Expired.
func (s *Signature) Fresh(now time.Time, past, future time.Duration) error {
	switch skew := s.Skew(now); {
	case skew < -past:
		return refuse(TooOld, "")
	case skew > future:
		return refuse(Ahead, "")
	case !s.Expires.IsZero() && !now.Before(s.Expires):
		return refuse(Expired, "")
	default:
		return nil
	}
}

// AppendBase appends the bytes that were signed: the signature base of RFC 9421 §2.5, or the signing input of a token. r must be the
// request that s was parsed from.
func (s *Signature) AppendBase(dst []byte, r *Request) []byte {
	if s.Dialect == Upbit {
		return append(dst, s.upbit.signingInput...)
	}
	return s.native.appendBase(dst, r)
}

// Key is a verifier's half of a key.
type Key struct {
	Dialect   Dialect
	Algorithm Algorithm
	// Material is the secret, or the 32 bytes of a public key that CheckPublicKey accepted when it was registered. It is read during
	// Verify and not kept: the caller clears it.
	Material []byte
	decoy    bool
}

// Format prints the kind of the key and never its material, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.kind()) }

// MarshalText is what a JSON log gets: the kind of the key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.kind()), nil }

func (k Key) kind() string { return k.Dialect.String() + " " + k.Algorithm.String() + " key" }

// Decoy is a key for a signature whose key does not exist: Verify does the work that a real key of that kind would cost, and refuses
// with BadSignature.
func (s *Signature) Decoy() Key {
	k := Key{Dialect: s.Dialect, Algorithm: HMACSHA2, Material: decoyMaterial[:], decoy: true}
	if s.Dialect == Native && s.length == ed25519.SignatureSize {
		k.Algorithm = Ed25519
	} else if s.Dialect == Native {
		k.Algorithm = HMACSHA256
	}
	return k
}

// decoyMaterial is the base point of edwards25519: a valid public key, and as good a secret as any, since nothing verifies under it.
var decoyMaterial = [ed25519.PublicKeySize]byte{
	0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
}

// Verify says whether the signature was made by a holder of k over r, in constant time for a MAC. What else is wrong (dialect,
// claimed algorithm) is told only when the bytes hold, so that without the key all refusals are BadSignature.
// Refusals: BadSignature, WrongDialect, AlgMismatch.
func (s *Signature) Verify(r *Request, k Key) error {
	held := false
	switch {
	case s.Dialect == Native && k.Algorithm == Ed25519:
		held = s.holdsEd25519(r, k.Material)
	case len(k.Material) == 0: // an empty secret is anybody's
	case s.Dialect == Native && k.Algorithm != 0, s.Dialect == Upbit && s.Algorithm == HMACSHA256:
		held = s.holdsSHA256(r, k.Material)
	case s.Dialect == Upbit && k.Algorithm != Ed25519 && k.Algorithm != 0:
		held = s.holdsSHA512(r, k.Material)
	}
	switch {
	case !held || k.decoy:
		return refuse(BadSignature, "")
	case k.Dialect != s.Dialect || !k.Dialect.Pins(k.Algorithm):
		return refuse(WrongDialect, "")
	case !k.Algorithm.permits(s.Algorithm):
		return refuse(AlgMismatch, s.Algorithm.String())
	default:
		return nil
	}
}

// usualBase is room for the signature base of most requests; a longer one moves to the heap.
const usualBase = 1024

func (s *Signature) holdsSHA256(r *Request, secret []byte) bool {
	var stack [room256 + usualBase]byte
	mac := hmacSHA256(secret, s.AppendBase(stack[:room256], r))
	return s.length == sha256.Size && subtle.ConstantTimeCompare(mac[:], s.value[:sha256.Size]) == 1
}

func (s *Signature) holdsSHA512(r *Request, secret []byte) bool {
	var stack [room512 + usualBase]byte
	mac := hmacSHA512(secret, s.AppendBase(stack[:room512], r))
	return s.length == sha512.Size && subtle.ConstantTimeCompare(mac[:], s.value[:]) == 1
}

func (s *Signature) holdsEd25519(r *Request, public []byte) bool {
	if len(public) != ed25519.PublicKeySize {
		return false
	}
	var stack [usualBase]byte
	return ed25519.Verify(public, s.AppendBase(stack[:0], r), s.value[:s.length])
}

// CheckBody compares the body, which the caller has read whole, with what the signature says about it: Content-Digest in the native
// profile, query_hash in Upbit's dialect, where the raw query belongs to it too. It proves nothing unless Verify has passed.
// Refusals: those that begin with Digest, Hash, JSON and Form, and MissingHeader, Malformed, ControlByte, Ambiguous, Misplaced,
// PartsDiffer.
func (s *Signature) CheckBody(r *Request, forms UpbitForms) error {
	if s.Dialect == Upbit {
		return s.upbit.checkBody(r, forms)
	}
	covered := s.native.digests
	switch {
	case covered && len(r.Body) == 0:
		return refuse(DigestWithoutBody, "")
	case !covered && len(r.Body) > 0:
		return refuse(DigestUncovered, "")
	case covered:
		return compareDigests(r.Header["Content-Digest"], r.Body) // Parse has bounded the lines
	default:
		return nil
	}
}

// CheckUnseenBody is CheckBody for a door that gets a request's head alone. digest is the Content-Digest that the signature covers, with
// the lines joined: whoever gets the body compares it (CheckDigest) before believing a byte of it. When it is empty, the signature holds for
// a request without a body and for no other. Only the native profile can be checked without the body that it covers; other dialects pass
// where they signed that there is none.
// Refusals: those of CheckBody.
func (s *Signature) CheckUnseenBody(r *Request) (digest string, err error) {
	if s.Dialect != Native || !s.native.digests {
		headOnly := *r
		headOnly.Body = nil
		return "", s.CheckBody(&headOnly, UpbitForms{})
	}
	digest = string(appendJoined(nil, r.Header["Content-Digest"]))
	return digest, eachDigest(r.Header["Content-Digest"], func(string, string) bool { return true })
}
