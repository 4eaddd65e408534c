package authtest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// Maker makes authenticators of one model, attests them, and publishes the metadata that says so, all under roots of its own.
type Maker struct {
	// AAGUID is the model of its authenticators.
	AAGUID [16]byte
	// Due is the day by which the next blob is out.
	Due string
	// RSA signs the blob, where it is set, in place of an elliptic curve's key; Alg is what its head then claims, if not the truth.
	RSA *rsa.PrivateKey
	Alg string
	// Unreadable is how many entries more the blob has that nobody can read.
	Unreadable int
	tb         testing.TB
	// root signs both the certificate of attestations and that of the blob.
	root, batch, signer *ecdsa.PrivateKey
	rootDER, batchDER   []byte
	signerDER           []byte
}

// NewMaker makes a Maker whose certificates are good for every time that a test plays in.
func NewMaker(tb testing.TB) *Maker {
	m := &Maker{AAGUID: [16]byte{0: 0xab, 15: 1}, Due: "2099-01-01", tb: tb}
	m.root, m.batch, m.signer = m.key(), m.key(), m.key()
	root := m.certificate("Test Root", 1)
	root.IsCA, root.KeyUsage = true, x509.KeyUsageCertSign
	m.rootDER = m.sign(root, root, m.root)
	// Packed attestation certificates name country, maker and their purpose (WebAuthn L3 §8.2.1).
	batch := m.certificate("Test Maker Batch 1", 2)
	batch.Subject.Country, batch.Subject.Organization = []string{"KR"}, []string{"Test Maker"}
	batch.Subject.OrganizationalUnit = []string{"Authenticator Attestation"}
	m.batchDER = m.sign(batch, root, m.batch)
	m.signerDER = m.sign(m.certificate("metadata", 3), root, m.signer)
	return m
}

func (m *Maker) key() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.tb.Fatal(err)
	}
	return k
}

func (m *Maker) certificate(name string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (m *Maker) sign(c, by *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, m.root)
	if err != nil {
		m.tb.Fatal(err)
	}
	return der
}

// Root is the certificate that its blobs end in.
func (m *Maker) Root() *x509.Certificate {
	c, err := x509.ParseCertificate(m.rootDER)
	if err != nil {
		m.tb.Fatal(err)
	}
	return c
}

// RootPEM is the same as a file holds it.
func (m *Maker) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.rootDER})
}

// Blob is the metadata about its model, with the given statuses (FIDO MDS v3.1 §3.1.7).
func (m *Maker) Blob(statuses ...string) []byte {
	reports := make([]map[string]string, len(statuses))
	for i, s := range statuses {
		reports[i] = map[string]string{"status": s, "effectiveDate": "2026-01-01"}
	}
	h := hex.EncodeToString(m.AAGUID[:])
	aaguid := h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	entries := []any{map[string]any{
		"aaguid": aaguid, "statusReports": reports, "timeOfLastStatusChange": "2026-01-01", "metadataStatement": map[string]any{
			"aaguid": aaguid, "description": "Test Key 3000", "protocolFamily": "fido2", "schema": 3, "attestationTypes": []string{"basic_full"},
			"attestationRootCertificates": []string{base64.StdEncoding.EncodeToString(m.rootDER)},
		},
	}}
	for range m.Unreadable {
		entries = append(entries, map[string]any{"aaguid": "nobody's", "statusReports": reports, "timeOfLastStatusChange": "2026-01-01"})
	}
	payload := map[string]any{"no": 7, "nextUpdate": m.Due, "entries": entries}
	if m.RSA != nil {
		return m.blobByRSA(payload)
	}
	signed, digest := m.toSign("ES256", m.signerDER, payload)
	r, s, err := ecdsa.Sign(rand.Reader, m.signer, digest[:])
	if err != nil {
		m.tb.Fatal(err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return []byte(signed + "." + base64.RawURLEncoding.EncodeToString(raw))
}

// blobByRSA signs as the FIDO Alliance does today (RFC 7518 §3.3).
func (m *Maker) blobByRSA(payload any) []byte {
	root := m.certificate("Test Root", 1)
	der, err := x509.CreateCertificate(rand.Reader, m.certificate("metadata", 4), root, &m.RSA.PublicKey, m.root)
	if err != nil {
		m.tb.Fatal(err)
	}
	signed, digest := m.toSign("RS256", der, payload)
	raw, err := rsa.SignPKCS1v15(rand.Reader, m.RSA, crypto.SHA256, digest[:])
	if err != nil {
		m.tb.Fatal(err)
	}
	return []byte(signed + "." + base64.RawURLEncoding.EncodeToString(raw))
}

func (m *Maker) toSign(alg string, certificate []byte, payload any) (signed string, digest [32]byte) {
	if m.Alg != "" {
		alg = m.Alg
	}
	head := map[string]any{"alg": alg, "typ": "JWT", "x5c": [][]byte{certificate}}
	signed = base64.RawURLEncoding.EncodeToString(m.json(head)) + "." + base64.RawURLEncoding.EncodeToString(m.json(payload))
	return signed, sha256.Sum256([]byte(signed))
}

func (m *Maker) json(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		m.tb.Fatal(err)
	}
	return b
}

// Attest puts the maker's attestation into what an authenticator of its model answered to a registration.
func (m *Maker) Attest(answer []byte) []byte {
	m.tb.Helper()
	var whole map[string]any
	if err := json.Unmarshal(answer, &whole); err != nil {
		m.tb.Fatal(err)
	}
	response, _ := whole["response"].(map[string]any)
	decode := func(name string) []byte {
		text, _ := response[name].(string)
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			m.tb.Fatal(err)
		}
		return raw
	}
	object := decode("attestationObject")
	at := bytes.Index(object, []byte("\x68authData")) + len("\x68authData")
	var data []byte // a byte string of one or two bytes of length (RFC 8949 §3.1)
	switch object[at] {
	case 0x58:
		data = object[at+2 : at+2+int(object[at+1])]
	case 0x59:
		data = object[at+3 : at+3+int(binary.BigEndian.Uint16(object[at+1:]))]
	default:
		m.tb.Fatalf("authData begins with %#x", object[at])
	}
	client := sha256.Sum256(decode("clientDataJSON"))
	digest := sha256.Sum256(append(bytes.Clone(data), client[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, m.batch, digest[:])
	if err != nil {
		m.tb.Fatal(err)
	}
	var b []byte
	b = append(b, "\xa3\x63fmt\x66packed\x67attStmt\xa3\x63alg\x26\x63sig"...)
	b = append(append(b, 0x58, byte(len(signature))), signature...)
	b = append(b, "\x63x5c\x81"...)
	b = append(binary.BigEndian.AppendUint16(append(b, 0x59), uint16(len(m.batchDER))), m.batchDER...)
	b = append(b, "\x68authData"...)
	b = append(binary.BigEndian.AppendUint16(append(b, 0x59), uint16(len(data))), data...)
	response["attestationObject"] = base64.RawURLEncoding.EncodeToString(b)
	return m.json(whole)
}
