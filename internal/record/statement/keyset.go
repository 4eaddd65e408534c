package statement

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// KeyIn finds the public key of an id in a key set as we publish it (RFC 7517 §5, RFC 8037 §2).
func KeyIn(set []byte, keyID string) (ed25519.PublicKey, error) {
	var document struct {
		Keys []struct {
			Type   string `json:"kty"`
			Curve  string `json:"crv"`
			ID     string `json:"kid"`
			Public string `json:"x"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(set, &document); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	for _, k := range document.Keys {
		if k.ID != keyID || k.Type != "OKP" || k.Curve != "Ed25519" {
			continue
		}
		public, err := base64.RawURLEncoding.Strict().DecodeString(k.Public)
		if err != nil || len(public) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("key set: %q is no Ed25519 public key", keyID)
		}
		return public, nil
	}
	return nil, fmt.Errorf("key set: no Ed25519 key %q", keyID)
}
