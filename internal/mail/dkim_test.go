package mail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/seed-21c57000/sallyport/internal/mail"
)

func pemOf(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Receivers who ask for the record that we say to publish find every mail signed, and none that was changed.
func TestMailsAreSigned(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"ed25519": ed, "rsa": long} {
		t.Run(name, func(t *testing.T) {
			signer, err := mail.DKIMKey(pemOf(t, key))
			if err != nil {
				t.Fatal(err)
			}
			s := &sink{}
			set := settings(t, s.listen(t, nil, false))
			set.Security, set.DKIM = mail.ClearText, mail.DKIM{Domain: "exchange.example", Selector: "gate", Key: signer}
			record, err := set.DKIM.Record()
			if err != nil {
				t.Fatal(err)
			}
			if err := transport(t, set).Send(t.Context(), message(t)); err != nil {
				t.Fatal(err)
			}
			raw := s.all()[0].Text
			verify := func(text string) error {
				found, err := dkim.VerifyWithOptions(strings.NewReader(text), &dkim.VerifyOptions{LookupTXT: func(domain string) ([]string, error) {
					if domain != "gate._domainkey.exchange.example" {
						t.Errorf("asked for %s", domain)
					}
					return []string{record}, nil
				}})
				if err != nil || len(found) != 1 {
					t.Fatalf("%d signatures: %v", len(found), err)
				}
				return found[0].Err
			}
			if err := verify(raw); err != nil {
				t.Errorf("the signature does not hold: %v\n%s", err, raw)
			}
			for what, changed := range map[string]string{
				"another subject": strings.Replace(raw, "Subject: ", "Subject: x", 1), "another sender": "From: eve@evil.test\r\n" + raw, "another text": raw + "x\r\n",
			} {
				if verify(changed) == nil {
					t.Errorf("%s: the signature still holds", what)
				}
			}
		})
	}
}

func TestDKIMKeyRefuses(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"nothing": nil, "no PEM": []byte("secret words"), "no key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret words")}),
		"a short RSA key": pemOf(t, short), "an ECDSA key": pemOf(t, other),
	} {
		t.Run(name, func(t *testing.T) {
			key, err := mail.DKIMKey(text)
			if err == nil || key != nil {
				t.Fatal("accepted")
			}
			if bytes.Contains([]byte(err.Error()), []byte("secret words")) {
				t.Errorf("the error shows the file: %v", err)
			}
		})
	}
}
