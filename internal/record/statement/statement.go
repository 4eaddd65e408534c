// Package statement owns what the installation says of itself to somebody else and signs: a file that whoever was handed it can check without
// us, with the public key that we publish.
//
// It does not know what is said. A statement is a JSON object; what is signed is a line that no other signature of ours begins with, and the
// object in its canonical form (RFC 8785), so that a file may be indented or stored as its reader likes.
//
//	sallyport-statement-v1 ⏎ {"kind":"…", …}      Ed25519 (RFC 8032), the key of the assertions
//
// Invariant: what Open gives was said by the holder of the key, all of it, and nothing that was not signed is given.
package statement

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/jcs"
)

// domain begins what is signed: assertions, which are signed with the same key, begin with the base64 of their header.
const domain = "sallyport-statement-v1\n"

// ErrForged is the answer to a statement that the key did not sign, or did not sign so.
var ErrForged = errors.New("the signature does not hold: the statement was changed, or another key signed it")

// Signature says who signed, and how.
type Signature struct {
	Algorithm string `json:"alg" enum:"EdDSA"`
	KeyID     string `json:"kid" doc:"In the key set of the assertions"`
	Value     string `json:"value" doc:"base64url"`
}

// Signer signs. The zero value does not.
type Signer struct {
	keyID   string
	private ed25519.PrivateKey
}

// NewSigner makes a Signer of a key that others know by its id.
func NewSigner(keyID string, private ed25519.PrivateKey) Signer { return Signer{keyID, private} }

// Sign signs a value that encodes to a JSON object of text, whole numbers and truth values.
func (s Signer) Sign(value any) (Signature, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return Signature{}, fmt.Errorf("encode statement: %w", err)
	}
	text, err := canonical(raw)
	if err != nil {
		return Signature{}, err
	}
	return Signature{"EdDSA", s.keyID, base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.private, text))}, nil
}

// Open gives the statement in its canonical form if the public key signed it. Errors: ErrForged.
func Open(raw []byte, by Signature, public ed25519.PublicKey) (statement []byte, err error) {
	text, err := canonical(raw)
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(by.Value)
	if err != nil || by.Algorithm != "EdDSA" || len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, text, signature) {
		return nil, ErrForged
	}
	return text[len(domain):], nil
}

// canonical is what is signed.
func canonical(raw []byte) ([]byte, error) {
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	text, err := jcs.Append([]byte(domain), object)
	if err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	return text, nil
}
