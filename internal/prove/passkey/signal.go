package passkey

import "encoding/base64"

// Signal is what a browser's own list of one user's passkeys should be true to: the arguments of PublicKeyCredential.signalAllAcceptedCredentials and
// of signalCurrentUserDetails (WebAuthn L3 §5.1.10), in one.
type Signal struct {
	RPID        string   `json:"rpId" doc:"The domain that the passkeys belong to"`
	UserID      string   `json:"userId" doc:"The user handle, base64url"`
	Name        string   `json:"name" doc:"What browsers show below the passkey: the mail address"`
	DisplayName string   `json:"displayName" doc:"The user's name"`
	Accepted    []string `json:"allAcceptedCredentialIds" doc:"Base64url"`
}

// Signal tells of the owner, who must list all their credentials: a browser forgets those that are missing.
func (p *Passkeys) Signal(o Owner) Signal {
	encode := base64.RawURLEncoding.EncodeToString
	s := Signal{RPID: p.wa.Config.RPID, UserID: encode(o.Handle), Name: o.Mail, DisplayName: o.Name, Accepted: []string{}}
	for _, c := range o.Credentials {
		s.Accepted = append(s.Accepted, encode(c.CredentialID))
	}
	return s
}
