package passkey

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/metadata/providers/memory"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Metadata is what the FIDO Alliance says about models of authenticators (FIDO Metadata Service v3.1): who made them, whose certificates speak for
// them, and what became known since. It is read once and never changes.
type Metadata struct {
	// Number counts the issues; NextUpdate is the day by which there is a newer one.
	Number     int
	NextUpdate time.Time
	// Models is how many it tells of, Unread how many it tells of in a way we do not read.
	Models, Unread int

	provider metadata.Provider
	entry    func(aaguid [16]byte) *metadata.Entry
}

// mdsHost is in the certificate of whoever signs the FIDO Alliance's blob: its root signs for half the world.
const mdsHost = "mds.fidoalliance.org"

// ParseMetadata reads a blob (a JWS with its certificates, FIDO MDS v3.1 §3.1.7) whose chain ends in root, or in the FIDO Alliance's own where root is
// nil. Nothing is fetched: whether a certificate was revoked is not asked.
func ParseMetadata(blob []byte, root *x509.Certificate, now time.Time) (*Metadata, error) {
	head, rest, _ := strings.Cut(strings.TrimSpace(string(blob)), ".")
	body, signature, whole := strings.Cut(rest, ".")
	if !whole {
		return nil, errors.New("read metadata: not three parts with dots between them")
	}
	key, alg, err := signerOf(head, root, now)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	if err := checkJWS(key, alg, head+"."+body, signature); err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	var payload metadata.PayloadJSON
	if err := decodePart(body, &payload); err != nil {
		return nil, fmt.Errorf("read metadata: payload: %w", err)
	}
	return metadataOf(payload)
}

func metadataOf(payload metadata.PayloadJSON) (*Metadata, error) {
	next, err := time.Parse(time.DateOnly, payload.NextUpdate)
	if err != nil {
		return nil, fmt.Errorf("read metadata: next update: %w", err)
	}
	m := &Metadata{Number: payload.Number, NextUpdate: next}
	var all metadata.Metadata
	for _, e := range payload.Entries {
		entry, err := e.Parse()
		if err != nil {
			m.Unread++
			continue
		}
		all.Parsed.Entries = append(all.Parsed.Entries, entry)
	}
	byModel := all.ToMap()
	m.Models, m.entry = len(byModel), func(aaguid [16]byte) *metadata.Entry { return byModel[aaguid] }
	m.provider, err = memory.New(memory.WithMetadata(byModel), memory.WithValidateAAGUID(true))
	return m, err
}

// signerOf checks the chain in a JWS's head and gives the key of its first certificate (RFC 7515 §4.1.6).
func signerOf(head string, root *x509.Certificate, now time.Time) (crypto.PublicKey, string, error) {
	var h struct {
		Alg string   `json:"alg"`
		X5C [][]byte `json:"x5c"` // encoding/json reads base64 as RFC 7515 writes it here: with padding, not the URL's alphabet
	}
	if err := decodePart(head, &h); err != nil {
		return nil, "", fmt.Errorf("head: %w", err)
	}
	if len(h.X5C) == 0 {
		return nil, "", errors.New("head: no certificate")
	}
	chain := make([]*x509.Certificate, len(h.X5C))
	for i, der := range h.X5C {
		var err error
		if chain[i], err = x509.ParseCertificate(der); err != nil {
			return nil, "", fmt.Errorf("certificate %d: %w", i, err)
		}
	}
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	if root == nil {
		der, err := base64.StdEncoding.DecodeString(metadata.ProductionMDSRoot)
		if err != nil {
			return nil, "", fmt.Errorf("root: %w", err)
		}
		if root, err = x509.ParseCertificate(der); err != nil {
			return nil, "", fmt.Errorf("root: %w", err)
		}
		opts.DNSName = mdsHost
	}
	opts.Roots.AddCert(root)
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(opts); err != nil {
		return nil, "", fmt.Errorf("certificate: %w", err)
	}
	return chain[0].PublicKey, h.Alg, nil
}

// checkJWS checks a signature of one of the two kinds that the service uses (RFC 7518 §3.3 and §3.4); the key says which.
func checkJWS(key crypto.PublicKey, alg, signed, signature string) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	digest := sha256.Sum256([]byte(signed))
	switch key := key.(type) {
	case *rsa.PublicKey:
		if alg == "RS256" && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw) == nil {
			return nil
		}
	case *ecdsa.PublicKey:
		if alg == "ES256" && len(raw) == 64 && ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
			return nil
		}
	}
	return fmt.Errorf("the signature (%q) does not hold", alg)
}

func decodePart(part string, into any) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// trouble is what became known of a model, after which it is not to be trusted; empty if nothing did, or the model is not known.
func (m *Metadata) trouble(aaguid []byte) string {
	if m == nil || len(aaguid) != 16 {
		return ""
	}
	entry := m.entry([16]byte(aaguid))
	if entry == nil {
		return ""
	}
	for _, r := range entry.StatusReports {
		if metadata.IsUndesiredAuthenticatorStatus(r.Status) {
			return string(r.Status)
		}
	}
	return ""
}

// grades are the FIDO certifications, each with what it is worth.
var grades = map[metadata.AuthenticatorStatus]Grade{
	metadata.FidoCertified: L1, metadata.FidoCertifiedL1: L1, metadata.FidoCertifiedL1plus: L1, metadata.FidoCertifiedL2: L2,
	metadata.FidoCertifiedL2plus: L2, metadata.FidoCertifiedL3: L3, metadata.FidoCertifiedL3plus: L3,
}

// grade is the best certification that a model has now.
func (m *Metadata) grade(aaguid []byte) (best Grade) {
	if m == nil || len(aaguid) != 16 {
		return Uncertified
	}
	if entry := m.entry([16]byte(aaguid)); entry != nil {
		for _, r := range entry.StatusReports {
			best = max(best, grades[r.Status])
		}
	}
	return best
}

// attested is the model that a credential's attestation proves (WebAuthn L3 §7.1 steps 22 to 24), if it is certified well enough; empty otherwise. A
// self attestation, and none, prove nothing.
func (m *Metadata) attested(c *webauthn.Credential, least Grade) string {
	if m == nil || len(c.Authenticator.AAGUID) != 16 || c.AttestationType == string(metadata.BasicSurrogate) || c.AttestationType == string(metadata.None) {
		return ""
	}
	entry := m.entry([16]byte(c.Authenticator.AAGUID))
	if entry == nil || c.Verify(m.provider, protocol.AttestationPolicy{}, protocol.SignaturePolicy{}) != nil {
		return ""
	}
	if m.provider.ValidateStatusReports(context.Background(), entry.StatusReports) != nil {
		return ""
	}
	certified := slices.ContainsFunc(entry.StatusReports, func(r metadata.StatusReport) bool { return grades[r.Status] >= least })
	if least > Uncertified && !certified {
		return ""
	}
	return strings.TrimSpace(entry.MetadataStatement.Description)
}
