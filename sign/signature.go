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
// It shares memory with the request it was parsed from.
type Signature struct {
	// Dialect that the request speaks. A token of Bithumb's is read as Upbit's until Verify has seen whose key it is.
	Dialect Dialect
	// KeyID is the public id of the key, 1 to 255 visible ASCII characters.
	KeyID string
	// Nonce is the value that the signature carries to be good once; empty where the dialect has none (SingleUse).
	Nonce string
	// Counter is Kraken's nonce as a number: it must rise for each key (Settings.NonceWindow).
	Counter uint64
	// Created is when the client signed: whole seconds in the native profile and Coinbase's dialect, milli- or microseconds elsewhere. The
	// zero time means that the signature carries no time; it then stays good as long as the key, and so must the memory of its nonce.
	Created time.Time
	// Expires is the end that the client set itself, at most 300 s after Created, or the zero time.
	Expires time.Time
	// Window is how long the client itself lets the signature live, at most a minute, or zero. It can shorten the server's window only.
	Window time.Duration
	// Algorithm is the claimed one, or zero. It never selects: Verify compares it with the one that the key is pinned to.
	Algorithm Algorithm

	value  [ed25519.SignatureSize]byte
	length int // of value: 32 or 64

	native   nativeInput
	exchange exchangeInput
}

// exchangeInput is what the base of an exchange's dialect is built from, besides the request, as it was sent.
type exchangeInput struct {
	token      string // the token's header.claims
	queryHash  string // lower-case hex, or empty when the token has none
	stamp      string // the time
	window     string // Bybit's window
	passphrase string // OKX: in clear; KuCoin: its MAC in base64
}

// Parse reads the signature of a request, and checks method, authority and target on the way. The dialect is recognised by its headers.
// It does not touch the body, but for dialects of which NeedsBody says so. Unsigned means that no dialect's headers are there; another
// credential may be.
// Refusals: those of CheckTarget, and every reason that names a header, component, parameter or claim.
func Parse(r *Request) (s Signature, err error) {
	d, token, err := recognise(r.Header)
	if err != nil {
		return Signature{}, err
	}
	if err := r.check(); err != nil {
		return Signature{}, err
	}
	if token != "" && len(r.Header["Authorization"]) > 1 {
		return Signature{}, refuse(TwoLines, "Authorization")
	}
	switch d {
	case Native:
		if err = s.parseNative(r.Header["Signature-Input"], r.Header["Signature"], r.Header); err != nil {
			s = Signature{}
		}
		return s, err
	case Upbit, Bithumb:
		return parseUpbit(token)
	case Binance:
		return parseBinance(r)
	case Kraken:
		return parseKraken(r)
	case OKX:
		return parseOKX(r)
	case Bybit:
		return parseBybit(r)
	case Coinbase:
		return parseCoinbase(token, r)
	case KuCoin:
		return parseKuCoin(r)
	default:
		return Signature{}, refuse(Unsigned, "")
	}
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
	if s.Window > 0 {
		past = min(past, s.Window)
	}
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

// AppendBase appends the bytes that were signed: the signature base of RFC 9421 §2.5, the signing input of a token, or what an exchange
// puts together. r must be the request that s was parsed from; with the body, where NeedsBody said so.
func (s *Signature) AppendBase(dst []byte, r *Request) []byte {
	switch s.Dialect {
	case Upbit, Bithumb, Coinbase:
		return append(dst, s.exchange.token...)
	case Binance:
		return appendBinance(dst, r)
	case Kraken:
		return s.appendKraken(dst, r)
	case OKX, KuCoin:
		return s.exchange.appendWhole(dst, r)
	case Bybit:
		return s.appendBybit(dst, r)
	default:
		return s.native.appendBase(dst, r)
	}
}

// SingleUse is the value to claim, once per key, after Verify and CheckBody: the nonce, or in dialects without one the SHA-256 of what was
// signed. It is never the signature's own text, which anybody can respell.
func (s *Signature) SingleUse(r *Request) string {
	if s.Nonce != "" {
		return s.Nonce
	}
	var stack [usualBase]byte
	sum := sha256.Sum256(s.AppendBase(stack[:0], r))
	return string(sum[:])
}

// Key is a verifier's half of a key.
type Key struct {
	Dialect   Dialect
	Algorithm Algorithm
	// Material is what MaterialOf made of the secret, or the bytes of a public key that PublicKeyFor read when it was registered. It is read
	// during Verify and not kept: the caller clears it.
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
	k := Key{Dialect: s.Dialect, Material: decoyMaterial[:ed25519.PublicKeySize+passphraseLength(s.Dialect)], decoy: true}
	switch {
	case s.Dialect == Coinbase:
		k.Algorithm = s.Algorithm
	case s.length == ed25519.SignatureSize && (s.Dialect == Native || s.Dialect == Binance):
		k.Algorithm = Ed25519
	case s.Dialect == Upbit:
		k.Algorithm = HMACSHA2
	case s.Dialect == Kraken:
		k.Algorithm = HMACSHA512
	default:
		k.Algorithm = HMACSHA256
	}
	if k.Algorithm == ES256 {
		k.Material = decoyPoint
	}
	return k
}

// decoyMaterial is the base point of edwards25519: a valid public key, and as good a secret as any, since nothing verifies under it. Behind it
// is what a passphrase is compared with, so that a key that does not exist costs that MAC too.
var decoyMaterial = [ed25519.PublicKeySize + sha256.Size]byte{
	0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
}

// Verify says whether the signature was made by a holder of k over r, in constant time for a MAC. What else is wrong (dialect,
// claimed algorithm) is told only when the bytes hold, so that without the key all refusals are BadSignature.
// Refusals: BadSignature, WrongDialect, AlgMismatch, MissingClaim.
func (s *Signature) Verify(r *Request, k Key) error {
	held := false
	switch s.madeBy(k) {
	case Ed25519:
		held = s.holdsEd25519(r, k.Material)
	case ES256:
		held = s.holdsES256(r, k.Material)
	case HMACSHA256:
		held = s.holdsSHA256(r, k.Material)
	case HMACSHA512:
		held = s.holdsSHA512(r, k.Material)
	case HMACSHA2: // one of the two above
	}
	switch {
	case !held || k.decoy:
		return refuse(BadSignature, "")
	case k.Dialect == Bithumb && s.Dialect == Upbit:
		return s.settleBithumb()
	case k.Dialect != s.Dialect || !k.Dialect.Pins(k.Algorithm):
		return refuse(WrongDialect, "")
	case !k.Algorithm.permits(s.Algorithm):
		return refuse(AlgMismatch, s.Algorithm.String())
	default:
		return nil
	}
}

// madeBy is the algorithm that tries the signature under a key: the key's own, and of two over one secret the claimed one. An empty
// secret is anybody's.
func (s *Signature) madeBy(k Key) Algorithm {
	switch {
	case k.Algorithm.KeepsPublicHalf():
		return k.Algorithm
	case len(k.Material) == 0 || k.Algorithm == 0:
		return 0
	case s.Dialect == Kraken || s.Algorithm == HMACSHA512:
		return HMACSHA512
	default:
		return HMACSHA256
	}
}

// usualBase is room for the signature base of most requests; a longer one moves to the heap.
const usualBase = 1024

func (s *Signature) holdsSHA256(r *Request, material []byte) bool {
	secret, known := material, true
	if s.Dialect.HasPassphrase() {
		secret, known = s.holdsPassphrase(material)
	}
	var stack [room256 + usualBase]byte
	mac := hmacSHA256(secret, s.AppendBase(stack[:room256], r))
	held := subtle.ConstantTimeCompare(mac[:], s.value[:sha256.Size]) == 1
	return s.length == sha256.Size && held && known
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
// profile, query_hash in the dialects of Upbit and Bithumb, where the raw query belongs to it too. It holds the strict rules of Binance's.
// It proves nothing unless Verify has passed.
// Refusals: those that begin with Digest, Hash, JSON and Form, and MissingHeader, Malformed, ControlByte, Ambiguous, Misplaced,
// PartsDiffer.
func (s *Signature) CheckBody(r *Request, with Settings) error {
	switch s.Dialect {
	case Native:
		return s.native.checkBody(r)
	case Upbit, Bithumb:
		return s.exchange.checkQueryHash(r, with)
	case Binance:
		return checkBinance(r, with)
	default:
		return nil // the body was signed itself, or (Coinbase) not at all
	}
}

func (n *nativeInput) checkBody(r *Request) error {
	switch {
	case n.digests && len(r.Body) == 0:
		return refuse(DigestWithoutBody, "")
	case !n.digests && len(r.Body) > 0:
		return refuse(DigestUncovered, "")
	case n.digests:
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
func (s *Signature) CheckUnseenBody(r *Request, with Settings) (digest string, err error) {
	if s.Dialect != Native || !s.native.digests {
		headOnly := *r
		headOnly.Body = nil
		return "", s.CheckBody(&headOnly, with)
	}
	digest = string(appendJoined(nil, r.Header["Content-Digest"]))
	return digest, eachDigest(r.Header["Content-Digest"], func(string, string) bool { return true })
}
