package server

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
)

// attestation is what the configuration wants to know of authenticators, with the metadata that it names.
func attestation(c config.Passkeys, now time.Time) (passkey.Demand, error) {
	if c.Attestation == config.AttestNone {
		return passkey.Demand{}, nil
	}
	root, err := readCertificate(c.MetadataRoot)
	if err != nil {
		return passkey.Demand{}, fmt.Errorf("passkeys.metadata_root_file: %w", err)
	}
	blob, err := os.ReadFile(c.MetadataFile)
	if err != nil {
		return passkey.Demand{}, fmt.Errorf("passkeys.metadata_file: %w", err)
	}
	m, err := passkey.ParseMetadata(blob, root, now)
	if err != nil {
		return passkey.Demand{}, fmt.Errorf("passkeys.metadata_file: %w", err)
	}
	least := map[config.Certified]passkey.Grade{config.CertifiedL1: passkey.L1, config.CertifiedL2: passkey.L2, config.CertifiedL3: passkey.L3}
	return passkey.Demand{Metadata: m, Required: c.Attestation == config.AttestRequired, Least: least[c.Certified]}, nil
}

// readCertificate reads one certificate, PEM; nil without a path.
func readCertificate(path string) (*x509.Certificate, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // the FIDO Alliance's own
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("no certificate in %s", path)
	}
	return x509.ParseCertificate(block.Bytes)
}

// examineMetadata says what is known of authenticators, and whether it is out of date: what became known since does not refuse anybody.
func examineMetadata(c config.Passkeys, now time.Time) ([]string, error) {
	d, err := attestation(c, now)
	if err != nil || d.Metadata == nil {
		return nil, err
	}
	m := d.Metadata
	if day := m.NextUpdate.Format(time.DateOnly); now.After(m.NextUpdate.AddDate(0, 0, 1)) {
		err = fmt.Errorf("authenticator metadata %s: a newer issue than %d was due on %s; download it", c.MetadataFile, m.Number, day)
	}
	return []string{fmt.Sprintf("authenticator metadata: issue %d, %d models", m.Number, m.Models)}, err
}
