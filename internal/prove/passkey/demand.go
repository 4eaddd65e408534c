package passkey

import (
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// Grade is a level of FIDO certification. The zero value asks for none.
type Grade uint8

// The grades; those with a plus count as the one below.
const (
	Uncertified Grade = iota
	L1
	L2
	L3
)

// String is the level as FIDO names it; empty for none.
func (g Grade) String() string { return [...]string{"", "L1", "L2", "L3"}[g] }

// Demand is what an installation wants to know of authenticators. The zero value asks for nothing and believes nothing.
type Demand struct {
	// Metadata says which attestations are to be believed; nil believes none.
	Metadata *Metadata
	// Required: a passkey whose attestation is not accepted is not taken.
	Required bool
	// Least is the certification below which an attestation is not accepted.
	Least Grade
}

// conveyance asks browsers for an attestation only where somebody can read it (WebAuthn L3 §5.4.7): they ask their users before they give one.
func (d Demand) conveyance() protocol.ConveyancePreference {
	if d.Metadata == nil {
		return protocol.PreferNoAttestation
	}
	return protocol.PreferDirectAttestation
}

// weigh says what a new credential's attestation is worth: the model that it proves, or nothing. Errors: passkey.unsafe, passkey.unattested.
func (d Demand) weigh(c *webauthn.Credential) (attested string, err error) {
	if err := d.safe(c); err != nil {
		return "", err
	}
	if attested = d.Metadata.attested(c, d.Least); attested == "" && d.Required {
		return "", fault.New(fault.PasskeyUnattested)
	}
	return attested, nil
}

// safe refuses a model that is known not to be. Its AAGUID may be no more than a claim: whoever claims to be a broken model is believed.
// Errors: passkey.unsafe.
func (d Demand) safe(c *webauthn.Credential) error {
	if status := d.Metadata.trouble(c.Authenticator.AAGUID); status != "" {
		return fault.New(fault.PasskeyUnsafe, "status", status)
	}
	return nil
}
