package statement_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/record/statement"
)

func pair(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

// A reader may store the file as they like; whatever changes what it says shows.
func TestOnlyWhatWasSignedOpens(t *testing.T) {
	public, private := pair(t)
	other, _ := pair(t)
	signature, err := statement.NewSigner("k1", private).Sign(map[string]any{"kind": "x", "calls": 14, "list": []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	const told = `{"calls":14,"kind":"x","list":["a","b"]}`
	with := func(change func(*statement.Signature)) statement.Signature {
		changed := signature
		change(&changed)
		return changed
	}
	for name, row := range map[string]struct {
		raw    string
		by     statement.Signature
		public ed25519.PublicKey
		holds  bool
	}{
		"as it was":         {told, signature, public, true},
		"indented, turned":  {"{\n \"list\": [\"a\", \"b\"],\n \"kind\": \"x\", \"calls\": 14 }", signature, public, true},
		"another number":    {strings.Replace(told, "14", "15", 1), signature, public, false},
		"another order":     {strings.Replace(told, `"a","b"`, `"b","a"`, 1), signature, public, false},
		"a member more":     {strings.Replace(told, `{`, `{"also":1,`, 1), signature, public, false},
		"another key":       {told, signature, other, false},
		"no key":            {told, signature, nil, false},
		"another algorithm": {told, with(func(s *statement.Signature) { s.Algorithm = "none" }), public, false},
		"no signature":      {told, with(func(s *statement.Signature) { s.Value = "" }), public, false},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := statement.Open([]byte(row.raw), row.by, row.public)
			if row.holds && (err != nil || string(text) != told) {
				t.Errorf("%s, %v", text, err)
			}
			if !row.holds && (!errors.Is(err, statement.ErrForged) || text != nil) {
				t.Errorf("%s, %v", text, err)
			}
		})
	}
}

// What is signed begins with a line of its own, so that no signature of ours over anything else passes for one.
func TestNoOtherSignatureOfTheKeyPasses(t *testing.T) {
	public, private := pair(t)
	bare := statement.Signature{Algorithm: "EdDSA", KeyID: "k1", Value: base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(`{}`)))}
	if _, err := statement.Open([]byte(`{}`), bare, public); !errors.Is(err, statement.ErrForged) {
		t.Error(err)
	}
}

func TestKeyIn(t *testing.T) {
	public, _ := pair(t)
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "EC", "crv": "P-256", "kid": "k1", "x": "AA"},
		{"kty": "OKP", "crv": "Ed25519", "kid": "k2", "x": base64.RawURLEncoding.EncodeToString(public)},
		{"kty": "OKP", "crv": "Ed25519", "kid": "short", "x": "AA"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if key, err := statement.KeyIn(set, "k2"); err != nil || !key.Equal(public) {
		t.Errorf("%x, %v", key, err)
	}
	for _, kid := range []string{"k1", "short", "k3", ""} {
		if key, err := statement.KeyIn(set, kid); err == nil {
			t.Errorf("%s: %x", kid, key)
		}
	}
	if _, err := statement.KeyIn([]byte("{"), "k2"); err == nil {
		t.Error("half a set")
	}
}
