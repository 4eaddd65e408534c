package passkey_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
)

func metadataOf(tb testing.TB, m *authtest.Maker, statuses ...string) *passkey.Metadata {
	tb.Helper()
	read, err := passkey.ParseMetadata(m.Blob(statuses...), m.Root(), now)
	if err != nil {
		tb.Fatal(err)
	}
	return read
}

// demanding is a phone before an installation that wants to know of authenticators.
func demanding(tb testing.TB, d passkey.Demand) *phone {
	tb.Helper()
	p := newPhone(tb)
	var err error
	if p.passkeys, err = passkey.New(passkey.Config{RPID: "localhost", Name: "Sallyport", Origins: []string{"http://localhost:8080"}, Demand: d}); err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestWhatAnAttestationIsWorth: a model, a bound device and phrh for one that metadata vouches for; nothing, or a refusal, for all others.
func TestWhatAnAttestationIsWorth(t *testing.T) {
	m, other := authtest.NewMaker(t), authtest.NewMaker(t)
	genuine := func(answer []byte) []byte { return m.Attest(answer) }
	for _, row := range []struct {
		name     string
		statuses []string
		required bool
		least    passkey.Grade
		answer   func(answer []byte) []byte
		synced   bool
		attested string
		level    assurance.Level
		code     fault.Code
	}{
		{name: "attested and certified", statuses: []string{"FIDO_CERTIFIED_L1"}, answer: genuine, attested: "Test Key 3000", level: assurance.Phrh},
		{name: "the same, and required", statuses: []string{"FIDO_CERTIFIED_L2"}, required: true, least: passkey.L2, answer: genuine, attested: "Test Key 3000", level: assurance.Phrh},
		{name: "certified, but not enough", statuses: []string{"FIDO_CERTIFIED_L1"}, least: passkey.L2, answer: genuine, level: assurance.Phr},
		{name: "certified, but not enough where it is required", statuses: []string{"FIDO_CERTIFIED_L1plus"}, required: true, least: passkey.L2, answer: genuine, code: fault.PasskeyUnattested},
		{name: "not certified at all, where L1 is required", statuses: []string{"NOT_FIDO_CERTIFIED"}, required: true, least: passkey.L1, answer: genuine, code: fault.PasskeyUnattested},
		{name: "attested and synced", statuses: []string{"FIDO_CERTIFIED_L1"}, answer: genuine, synced: true, attested: "Test Key 3000", level: assurance.Phr},
		{name: "revoked", statuses: []string{"FIDO_CERTIFIED_L1", "REVOKED"}, answer: genuine, code: fault.PasskeyUnsafe},
		{name: "an attestation key that others have", statuses: []string{"ATTESTATION_KEY_COMPROMISE"}, answer: genuine, code: fault.PasskeyUnsafe},
		{name: "attested by another maker", answer: func(answer []byte) []byte { return other.Attest(answer) }, level: assurance.Phr},
		{name: "attested by another maker where it is required", required: true, answer: func(answer []byte) []byte { return other.Attest(answer) }, code: fault.PasskeyUnattested},
		{name: "only its own word", answer: func(answer []byte) []byte { return answer }, level: assurance.Phr},
		{name: "only its own word where more is required", required: true, answer: func(answer []byte) []byte { return answer }, code: fault.PasskeyUnattested},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := demanding(t, passkey.Demand{Metadata: metadataOf(t, m, row.statuses...), Required: row.required, Least: row.least})
			p.auth.Aaguid = m.AAGUID
			p.auth.Options.BackupEligible, p.auth.Options.BackupState = row.synced, row.synced
			state, answer := p.made(t)
			made, err := p.passkeys.FinishEnrol(p.owner, state, row.answer(answer), now)
			if row.code != "" {
				if fault.CodeOf(err) != row.code {
					t.Errorf("enrolled: %v, want %s", err, row.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if made.Attested != row.attested || made.Proof.Level() != row.level {
				t.Errorf("%q at %s, want %q at %s", made.Attested, made.Proof.Level(), row.attested, row.level)
			}
			p.owner.Credentials = []passkey.Credential{{CredentialID: made.CredentialID, Record: made.Record, Attested: made.Attested}}
			p.auth.AddCredential(p.cred)
			p.cred.Counter++
			used, err := p.signIn(p.proven(t))
			if err != nil || used.Proof.Level() != row.level {
				t.Errorf("signed in at %s, %v, want %s", used.Proof.Level(), err, row.level)
			}
		})
	}
}

// TestAModelThatBecameUnsafe: what was taken once is refused when the metadata says so.
func TestAModelThatBecameUnsafe(t *testing.T) {
	m := authtest.NewMaker(t)
	p := demanding(t, passkey.Demand{Metadata: metadataOf(t, m, "FIDO_CERTIFIED_L1")})
	p.auth.Aaguid = m.AAGUID
	state, answer := p.made(t)
	made, err := p.passkeys.FinishEnrol(p.owner, state, m.Attest(answer), now)
	if err != nil {
		t.Fatal(err)
	}
	later := demanding(t, passkey.Demand{Metadata: metadataOf(t, m, "FIDO_CERTIFIED_L1", "USER_KEY_REMOTE_COMPROMISE")})
	p.passkeys, p.owner.Credentials = later.passkeys, []passkey.Credential{{CredentialID: made.CredentialID, Record: made.Record, Attested: made.Attested}}
	p.auth.AddCredential(p.cred)
	p.cred.Counter++
	if _, err := p.signIn(p.proven(t)); fault.CodeOf(err) != fault.PasskeyUnsafe {
		t.Errorf("signed in: %v", err)
	}
}

// TestMetadataThatIsNotSigned: nothing is believed of a blob whose signature or chain does not hold.
func TestMetadataThatIsNotSigned(t *testing.T) {
	m, other := authtest.NewMaker(t), authtest.NewMaker(t)
	blob := m.Blob("FIDO_CERTIFIED_L1")
	parts := bytes.Split(blob, []byte("."))
	theirs := bytes.Split(m.Blob("REVOKED"), []byte("."))
	for name, spoilt := range map[string][]byte{
		"another payload": bytes.Join([][]byte{parts[0], theirs[1], parts[2]}, []byte(".")),
		"no signature":    bytes.Join([][]byte{parts[0], parts[1], nil}, []byte(".")),
		"two parts":       bytes.Join(parts[:2], []byte(".")),
		"another's root":  other.Blob("FIDO_CERTIFIED_L1"),
		"nothing":         nil,
	} {
		if _, err := passkey.ParseMetadata(spoilt, m.Root(), now); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := passkey.ParseMetadata(blob, nil, now); err == nil {
		t.Error("a blob that the FIDO Alliance did not sign was read as theirs")
	}
	if _, err := passkey.ParseMetadata(blob, m.Root(), time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("a blob was read after its certificate had ended")
	}
	read, err := passkey.ParseMetadata(blob, m.Root(), now)
	if err != nil || read.Models != 1 || read.Number != 7 {
		t.Errorf("read %+v, %v", read, err)
	}
}

// TestWhoSignsMetadata: the service may sign with either kind of key, and the key says which; a head that claims another is not believed. What
// cannot be read of a blob is counted, and the rest of it holds.
func TestWhoSignsMetadata(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		rsa  *rsa.PrivateKey
		alg  string
		read bool
	}{
		{"an elliptic curve's key", nil, "", true},
		{"an RSA key", key, "", true},
		{"an RSA key that claims the other", key, "ES256", false},
		{"a curve's key that claims the other", nil, "RS256", false},
		{"an RSA key that claims nothing to be signed", key, "none", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := authtest.NewMaker(t)
			m.RSA, m.Alg, m.Unreadable = row.rsa, row.alg, 2
			blob := m.Blob("FIDO_CERTIFIED_L1")
			read, err := passkey.ParseMetadata(blob, m.Root(), now)
			if (err == nil) != row.read {
				t.Fatalf("read: %v", err)
			}
			if err == nil && (read.Models != 1 || read.Unread != 2) {
				t.Errorf("%d models, %d unread", read.Models, read.Unread)
			}
			parts := bytes.Split(blob, []byte("."))
			other := bytes.Split(m.Blob("REVOKED"), []byte("."))
			if _, err := passkey.ParseMetadata(bytes.Join([][]byte{parts[0], other[1], parts[2]}, []byte(".")), m.Root(), now); err == nil {
				t.Error("another payload was read under the same signature")
			}
		})
	}
}

// FuzzParseMetadata: a blob is read as its signer wrote it or not at all.
func FuzzParseMetadata(f *testing.F) {
	m := authtest.NewMaker(f)
	genuine := m.Blob("FIDO_CERTIFIED_L1")
	for _, seed := range []string{"", ".", "..", "e30.e30.", "eyJ4NWMiOlsiIl19.e30.AA"} {
		f.Add(uint16(0), uint16(65535), []byte(seed))
	}
	f.Add(uint16(3), uint16(1), []byte("A"))
	f.Add(uint16(0), uint16(0), []byte(nil))
	f.Fuzz(func(t *testing.T, at, cut uint16, with []byte) {
		blob := spliced(genuine, at, cut, with)
		_, err := passkey.ParseMetadata(blob, m.Root(), now)
		if same := bytes.Equal(bytes.TrimSpace(blob), genuine); same != (err == nil) {
			t.Errorf("the genuine blob %t, read %v", same, err)
		}
	})
}
