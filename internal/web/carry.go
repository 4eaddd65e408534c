package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// carrier seals a form that waits for a proof, so that what was typed (a new password, say) stands in no page in clear and comes back as it
// was. It opens for the same session and the same address only.
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

func (c carrier) seal(session id.Session, path string, values url.Values) string {
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nil, nil, []byte(values.Encode()), bound(session, path)))
}

var errCarried = errors.New("carried form does not open here")

// open reads what seal wrote. Errors: errCarried.
func (c carrier) open(session id.Session, path, carried string) (url.Values, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(carried)
	if err != nil {
		return nil, errCarried
	}
	plain, err := c.aead.Open(nil, nil, sealed, bound(session, path))
	if err != nil {
		return nil, errCarried
	}
	return url.ParseQuery(string(plain))
}

func bound(session id.Session, path string) []byte { return append(session[:], path...) }
