package client_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/client"
)

// Whatever prints or logs a key, its signer or a transport shows the key's id at most.
func TestNothingPrintsASecret(t *testing.T) {
	const seed = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
	for _, file := range []client.KeyFile{
		{KeyID: keyID, Algorithm: "hmac-sha256", Dialect: "native", Secret: secret},
		{KeyID: keyID, Algorithm: "ed25519", Dialect: "native", PrivateKey: seed},
		{KeyID: keyID, Algorithm: "hmac-sha2", Dialect: "upbit", Secret: secret},
	} {
		signer, err := file.Signer()
		if err != nil {
			t.Fatal(err)
		}
		transport := &client.Transport{Signer: signer, Origin: "https://api.example.com"}
		var said bytes.Buffer
		for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&said, nil)), slog.New(slog.NewJSONHandler(&said, nil))} {
			log.Info("made", "file", file, "pointer", &file, "signer", signer)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&said, verb+"\n", []any{file, &file, signer, transport, []client.KeyFile{file}})
		}
		for _, hidden := range []string{secret, secret[9:], seed, fmt.Sprintf("%x", secret), "[7 7 7", "0x7, 0x7", "070707"} {
			if strings.Contains(said.String(), hidden) {
				t.Errorf("%s key: it says %s", file.Algorithm, hidden)
			}
		}
		if !strings.Contains(said.String(), keyID) {
			t.Errorf("%s key: it says no key id", file.Algorithm)
		}
	}
}

func TestReadKeyFile(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	k, err := client.ReadKeyFile(write("key.json", `{"key_id":"`+keyID+`","algorithm":"hmac-sha256","dialect":"native","secret":"`+secret+`"}`))
	if err != nil || k.KeyID != keyID || k.Secret != secret {
		t.Errorf("read as %s, %v", k, err)
	}
	for name, path := range map[string]string{"nothing there": filepath.Join(folder, "none"), "no JSON": write("text", secret), "no object": write("list", "[]")} {
		if _, err := client.ReadKeyFile(path); err == nil || strings.Contains(err.Error(), secret[9:]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, k := range map[string]client.KeyFile{
		"no id":             {Algorithm: "hmac-sha256", Dialect: "native", Secret: secret},
		"no secret":         {KeyID: keyID, Algorithm: "hmac-sha256", Dialect: "native"},
		"no private key":    {KeyID: keyID, Algorithm: "ed25519", Dialect: "native", Secret: secret},
		"unknown dialect":   {KeyID: keyID, Algorithm: "hmac-sha256", Dialect: "esperanto", Secret: secret},
		"another algorithm": {KeyID: keyID, Algorithm: "ed25519", Dialect: "upbit", Secret: secret},
	} {
		if _, err := k.Signer(); err == nil || strings.Contains(err.Error(), secret[9:]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
