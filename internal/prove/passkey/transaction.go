package passkey

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// BeginTransaction gives the options of navigator.credentials.get for a challenge that was derived from a transaction. Only the owner's
// credentials that o lists are allowed; user verification is required.
func (p *Passkeys) BeginTransaction(o Owner, challenge [32]byte) (json.RawMessage, error) {
	u, err := userOf(o)
	if err != nil {
		return nil, err
	}
	assertion, data, err := p.wa.BeginLogin(u, webauthn.WithUserVerification(protocol.VerificationRequired), webauthn.WithChallenge(challenge[:]))
	options, _, err := begun(assertion, data, err)
	return options, err
}

var errNoneAllowed = errors.New("no credential may approve")

// FinishTransaction checks an assertion over such a challenge, made by one of the credentials that o lists (WebAuthn L3 §7.2). It spends
// nothing and needs no state, so that what was kept as evidence can be checked again at any time. Errors: passkey.refused.
func (p *Passkeys) FinishTransaction(o Owner, challenge [32]byte, response []byte, now time.Time) (Used, error) {
	allowed := make([][]byte, len(o.Credentials))
	for i, c := range o.Credentials {
		allowed[i] = c.CredentialID
	}
	if len(allowed) == 0 {
		return Used{}, refused(errNoneAllowed)
	}
	data := webauthn.SessionData{
		Challenge: protocol.URLEncodedBase64(challenge[:]).String(), UserID: o.Handle, AllowedCredentialIDs: allowed,
		UserVerification: protocol.VerificationRequired,
	}
	return p.FinishProof(o, State{data}, response, now)
}
