package client

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/seed-21c57000/sallyport/sign"
)

// KeyFile is an API key as its holder keeps it: what the dashboard offers for download and what the demo prints. It holds a secret, so the
// file belongs to its user alone (mode 0600).
type KeyFile struct {
	KeyID     string `json:"key_id"`
	Algorithm string `json:"algorithm"`
	// Secret of an HMAC key, exactly as shown, with the Passphrase of dialects that have one; PrivateKey of a key pair, in any form that
	// sign.PrivateKeyFor reads.
	Secret      string   `json:"secret,omitempty"`
	Passphrase  string   `json:"passphrase,omitempty"`
	PrivateKey  string   `json:"private_key,omitempty"`
	Dialect     string   `json:"dialect"`
	Environment string   `json:"environment,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	// Settings are words that sign.Dialect.ParseSettings reads.
	Settings []string `json:"settings,omitempty"`
}

// Format prints the key's id and never its secret, whatever the verb. JSON is the file itself, secret included.
func (k KeyFile) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.KeyID) }

// LogValue is what a log gets: the key's id.
func (k KeyFile) LogValue() slog.Value { return slog.StringValue(k.KeyID) }

// ReadKeyFile reads a key file.
func ReadKeyFile(path string) (KeyFile, error) {
	var k KeyFile
	raw, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(raw, &k); err != nil {
		return k, fmt.Errorf("%s is no key file: %w", path, err)
	}
	return k, nil
}

// Signer signs as the key's dialect demands.
func (k KeyFile) Signer() (sign.Signer, error) {
	dialect, err := sign.ParseDialect(k.Dialect)
	if err != nil {
		return nil, fmt.Errorf("dialect %q: %w", k.Dialect, err)
	}
	algorithm, err := sign.ParseAlgorithm(k.Algorithm)
	if err != nil || !dialect.Pins(algorithm) {
		return nil, fmt.Errorf("algorithm %q does not belong to dialect %s", k.Algorithm, dialect)
	}
	if k.KeyID == "" {
		return nil, errors.New("key_id is missing: copy it from where the key was made")
	}
	if dialect == sign.Native && algorithm != sign.Ed25519 {
		return sign.NewHMACSigner(k.KeyID, []byte(k.Secret))
	}
	key := sign.ExchangeKey{Dialect: dialect, KeyID: k.KeyID, Secret: []byte(k.Secret), Passphrase: k.Passphrase}
	if algorithm.KeepsPublicHalf() {
		if key.Private, err = sign.PrivateKeyFor(algorithm, k.PrivateKey); err != nil {
			return nil, fmt.Errorf("private_key: %w", err)
		}
	}
	if private, ok := key.Private.(ed25519.PrivateKey); ok && dialect == sign.Native {
		return sign.NewEd25519Signer(k.KeyID, private)
	}
	if key.Settings, err = dialect.ParseSettings(k.Settings); err != nil {
		return nil, fmt.Errorf("settings %v: %w", k.Settings, err)
	}
	return sign.NewExchangeSigner(key)
}
