package gate

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Key is one key that may sign assertions, tied to its algorithm: the token names a key, never an algorithm.
type Key struct {
	id, algorithm string
	verify        func(signed, signature []byte) bool
}

// ID is the key's id, the kid of the assertions it signs.
func (k Key) ID() string { return k.id }

// HS256 is the key that the gateway shares with this backend alone: exactly 32 bytes (RFC 7518 §3.2).
// Whoever reads it can write assertions for this backend, and for no other.
func HS256(id string, secret []byte) (Key, error) {
	if id == "" || len(secret) != sha256.Size {
		return Key{}, errors.New("gate: an HS256 key needs an id and 32 bytes")
	}
	secret = append([]byte(nil), secret...)
	return Key{id: id, algorithm: "HS256", verify: func(signed, signature []byte) bool {
		mac := hmac.New(sha256.New, secret)
		mac.Write(signed)
		return hmac.Equal(mac.Sum(make([]byte, 0, sha256.Size)), signature)
	}}, nil
}

// EdDSA is the public half of the gateway's own Ed25519 key (RFC 8037 §3.1). Reading it lets nobody sign.
func EdDSA(id string, public ed25519.PublicKey) (Key, error) {
	if id == "" || len(public) != ed25519.PublicKeySize {
		return Key{}, errors.New("gate: an EdDSA key needs an id and 32 bytes")
	}
	public = append(ed25519.PublicKey(nil), public...)
	return Key{id: id, algorithm: "EdDSA", verify: func(signed, signature []byte) bool {
		return ed25519.Verify(public, signed, signature)
	}}, nil
}

// ParseJWKS reads the key set that the gateway publishes (RFC 7517 §5, RFC 8037 §2). Each key in it must be an Ed25519 public
// key with a kid: a set that holds anything else is refused whole, because it is not the gateway's.
func ParseJWKS(set []byte) ([]Key, error) {
	var document struct {
		Keys []struct {
			Type      string `json:"kty"`
			Curve     string `json:"crv"`
			ID        string `json:"kid"`
			Public    string `json:"x"`
			Private   string `json:"d"`
			Algorithm string `json:"alg"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(set, &document); err != nil {
		return nil, fmt.Errorf("gate: key set: %w", err)
	}
	if len(document.Keys) == 0 {
		return nil, errors.New("gate: key set: no key")
	}
	keys := make([]Key, 0, len(document.Keys))
	for _, k := range document.Keys {
		if k.Type != "OKP" || k.Curve != "Ed25519" || k.Private != "" || (k.Algorithm != "" && k.Algorithm != "EdDSA") {
			return nil, fmt.Errorf("gate: key set: %q is no Ed25519 public key", k.ID)
		}
		public, err := base64.RawURLEncoding.Strict().DecodeString(k.Public)
		if err != nil {
			return nil, fmt.Errorf("gate: key set: %q: %w", k.ID, err)
		}
		key, err := EdDSA(k.ID, public)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
