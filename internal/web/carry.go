package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// carrier seals a form that waits for a proof, or for a session, so that what was typed (a new password, say) stands in no page in clear and comes
// back as it was. It opens for the same user in the same account, and at the same address only, for an hour.
type carrier struct{ aead cipher.AEAD }

// newCarrier derives its key from the key of form tokens, which every node has.
func newCarrier(formKey []byte) (carrier, error) {
	key, err := hkdf.Key(sha256.New, formKey, nil, "carried form", 32)
	if err != nil {
		return carrier{}, fmt.Errorf("derive key of carried forms: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return carrier{}, fmt.Errorf("key of carried forms: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return carrier{aead}, err
}

// carryLife is how long a sealed form waits.
const carryLife = time.Hour

// reader is whom a page is shown to, and the account in which their session acts there.
type reader struct {
	user    id.User
	account id.Account
}

func readerOf(p principal.Principal) reader { return reader{p.User, p.Account} }

func (r reader) bytes() []byte { return append(r.user[:], r.account[:]...) }

func (c carrier) seal(r reader, path string, now time.Time, values url.Values) string {
	plain := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nil, nil, append(plain, values.Encode()...), bound(r, path)))
}

var errCarried = errors.New("carried form does not open here")

// open reads what seal wrote. Errors: errCarried.
func (c carrier) open(r reader, path string, now time.Time, carried string) (url.Values, error) {
	plain, err := c.unseal(bound(r, path), carried)
	if err != nil || len(plain) < 8 {
		return nil, errCarried
	}
	born := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
	if r.user.IsZero() || now.Sub(born) >= carryLife {
		return nil, errCarried
	}
	return url.ParseQuery(string(plain[8:]))
}

// owned marks the forms of a page with its reader, so that one that outlives its session is kept for nobody else, and does nothing in another account.
func (c carrier) owned(r reader) string {
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nil, nil, r.bytes(), []byte("owner")))
}

// owner reads the mark of owned; anything else is nobody's.
func (c carrier) owner(mark string) (r reader) {
	if plain, err := c.unseal([]byte("owner"), mark); err == nil && len(plain) == len(r.user)+len(r.account) {
		copy(r.account[:], plain[copy(r.user[:], plain):])
	}
	return r
}

func (c carrier) unseal(about []byte, text string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errCarried
	}
	return c.aead.Open(nil, nil, sealed, about)
}

func bound(r reader, path string) []byte {
	return append(append([]byte("form\x00"), r.bytes()...), path...)
}
