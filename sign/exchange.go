package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// ExchangeKey is what a signer in the dialect of an exchange needs.
type ExchangeKey struct {
	Dialect Dialect
	KeyID   string
	// Secret exactly as it was shown, for the algorithms that have one.
	Secret []byte
	// Passphrase of dialects that have one.
	Passphrase string
	// Private half for the others: ed25519.PrivateKey or *ecdsa.PrivateKey on P-256.
	Private  crypto.Signer
	Settings Settings
	// Untimed leaves the claim timestamp out of Upbit's token, for a server that does not know this extension. Such a token has no end.
	Untimed bool
}

// Format prints the id of the key and never its secret, whatever the verb.
func (k ExchangeKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.KeyID) }

// MarshalText is what a JSON log gets: the id of the key.
func (k ExchangeKey) MarshalText() ([]byte, error) { return []byte(k.KeyID), nil }

// ExchangeSigner signs in the dialect of an exchange, as its clients do; Upbit's and Bithumb's with HS256.
type ExchangeSigner struct {
	key       ExchangeKey
	material  []byte // of an HMAC
	algorithm Algorithm
	last      *atomic.Uint64 // the highest of Kraken's nonces
}

// NewExchangeSigner keeps a copy of the secret. Refusals: BadParameter, KeyWeak, KeyOtherKind, KeyUnreadable, WrongDialect.
func NewExchangeSigner(key ExchangeKey) (*ExchangeSigner, error) {
	if err := checkKeyID(key.KeyID); err != nil {
		return nil, err
	}
	e := &ExchangeSigner{key: key, last: new(atomic.Uint64)}
	switch private := key.Private.(type) {
	case nil:
		e.algorithm = HMACSHA256
		switch key.Dialect { //nolint:exhaustive // all others have the usual one
		case Upbit:
			e.algorithm = HMACSHA2
		case Kraken:
			e.algorithm = HMACSHA512
		}
	case ed25519.PrivateKey:
		e.algorithm = Ed25519
	case *ecdsa.PrivateKey:
		if private.Curve != elliptic.P256() {
			return nil, refuse(KeyOtherKind, "ECDSA key")
		}
		e.algorithm = ES256
	default:
		return nil, refuse(KeyOtherKind, "private key")
	}
	if key.Dialect == Native || !key.Dialect.Pins(e.algorithm) {
		return nil, refuse(WrongDialect, key.Dialect.String())
	}
	if key.Private != nil {
		return e, nil
	}
	var err error
	e.key.Secret = slices.Clone(key.Secret)
	e.material, err = MaterialOf(key.Dialect, e.key.Secret, "")
	e.material = e.material[:max(0, len(e.material)-passphraseLength(key.Dialect))]
	return e, err
}

// Format prints the id of the key and never its secret, whatever the verb.
func (e ExchangeSigner) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.key.KeyID) }

// Headers gives the lines of the dialect.
func (e *ExchangeSigner) Headers(r *Request, now time.Time) (http.Header, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	switch e.key.Dialect {
	case Upbit, Bithumb:
		return bearer(e.signUpbit(r, now))
	case Coinbase:
		return bearer(e.signCoinbase(r, now))
	case Binance:
		return e.signBinance(r, now)
	case Kraken:
		return e.signKraken(r, now)
	case OKX:
		return e.signOKX(r, now)
	case Bybit:
		return e.signBybit(r, now)
	case KuCoin:
		return e.signKuCoin(r, now)
	default:
		return nil, refuse(WrongDialect, "")
	}
}

func bearer(token string, err error) (http.Header, error) {
	return http.Header{"Authorization": {bearerPrefix + token}}, err
}

// token signs header and claims.
func (e *ExchangeSigner) token(header, claims string) (string, error) {
	input := encodePart(header) + "." + encodePart(claims)
	value, err := e.value([]byte(input), base64.RawURLEncoding.EncodeToString)
	return input + "." + value, err
}

// value signs a base and spells the signature; an Ed25519 signature is base64 where a MAC is hexadecimal.
func (e *ExchangeSigner) value(base []byte, spell func([]byte) string) (string, error) {
	switch e.algorithm {
	case Ed25519:
		signature, err := e.key.Private.Sign(nil, base, crypto.Hash(0))
		if e.key.Dialect == Binance {
			spell = base64.StdEncoding.EncodeToString
		}
		return spell(signature), err
	case ES256:
		digest := sha256.Sum256(base)
		r, s, err := ecdsa.Sign(rand.Reader, e.key.Private.(*ecdsa.PrivateKey), digest[:])
		if err != nil {
			return "", err
		}
		var raw [64]byte
		r.FillBytes(raw[:32])
		s.FillBytes(raw[32:])
		return spell(raw[:]), nil
	case HMACSHA512:
		mac := hmacSHA512(e.material, append(make([]byte, room512, room512+len(base)), base...))
		return spell(mac[:]), nil
	default:
		mac := hmacSHA256(e.material, append(make([]byte, room256, room256+len(base)), base...))
		return spell(mac[:]), nil
	}
}

// rise gives the next nonce: the wanted one, or one above the last.
func (e *ExchangeSigner) rise(wanted uint64) uint64 {
	for {
		last := e.last.Load()
		next := max(wanted, last+1)
		if e.last.CompareAndSwap(last, next) {
			return next
		}
	}
}
