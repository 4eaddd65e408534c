package mail

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	gomail "github.com/wneessen/go-mail"
)

// DKIM signs mails in the name of a domain (RFC 6376). The zero value signs nothing.
type DKIM struct {
	Domain, Selector string
	Key              crypto.Signer
}

// leastRSA is the shortest RSA key that receivers should trust (RFC 8301 §3.2).
const leastRSA = 2048

// DKIMKey takes a private key in PEM (PKCS #8): Ed25519, or RSA of at least 2048 bits. Its errors say nothing of the key.
func DKIMKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("no PKCS #8 private key")
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *rsa.PrivateKey:
		if key.N.BitLen() < leastRSA {
			return nil, fmt.Errorf("an RSA key of %d bits; at least %d are wanted", key.N.BitLen(), leastRSA)
		}
		return key, nil
	}
	return nil, errors.New("neither an Ed25519 nor an RSA key")
}

// Record is what the domain publishes for the key: the TXT record of SELECTOR._domainkey.DOMAIN (RFC 6376 §3.6.1, RFC 8463 §4.2).
func (d DKIM) Record() (string, error) {
	if key, ok := d.Key.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key), nil
	}
	der, err := x509.MarshalPKIXPublicKey(d.Key.Public())
	if err != nil {
		return "", fmt.Errorf("public half of the DKIM key: %w", err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
}

// signedHeaders are all that we write. From stands twice, so that a second one breaks the signature (RFC 6376 §8.15).
var signedHeaders = []string{"From", "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"}

// sign puts the signature into the letter. The letter is written once before, and is then the same each time that it is written.
func (d DKIM) sign(letter *gomail.Msg) error {
	if d.Key == nil {
		return nil
	}
	var plain bytes.Buffer
	if _, err := letter.WriteTo(&plain); err != nil {
		return fmt.Errorf("write letter to sign: %w", err)
	}
	signer, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: d.Domain, Selector: d.Selector, Signer: d.Key, HeaderKeys: signedHeaders,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		return fmt.Errorf("sign letter: %w", err)
	}
	if _, err := signer.Write(plain.Bytes()); err != nil {
		return errors.Join(fmt.Errorf("sign letter: %w", err), signer.Close())
	}
	if err := signer.Close(); err != nil {
		return fmt.Errorf("sign letter: %w", err)
	}
	_, value, _ := strings.Cut(signer.Signature(), ":")
	letter.SetGenHeaderPreformatted("DKIM-Signature", strings.TrimSpace(value))
	return nil
}
