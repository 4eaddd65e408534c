package signed

import (
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Again says what the key behind a principal may do now, from where it signed, for connections that outlive the request that opened them:
// never more than when it signed. The nonce and the time of the signature are not looked at again. It reads memory only.
// Errors: those of apikey.Live.State, key.not_found, key.ip_not_allowed, key.other_network, signature.sign_again for a secret that has retired.
func (v *Verifier) Again(p principal.Principal) (principal.Principal, error) {
	now := v.Now()
	l := v.Keys.Find(p.Key)
	if l == nil {
		return p, fault.New(fault.KeyNotFound)
	}
	if wrong := l.State(now); wrong != nil {
		return p, wrong
	}
	switch {
	case !l.Allows(p.Origin.Addr):
		return p, fault.New(fault.KeyIPNotAllowed, "seen", p.Origin.Addr.String())
	case !l.AtHome(p.Origin.Addr):
		return p, fault.New(fault.KeyOtherNetwork, "seen", p.Origin.Addr.String())
	}
	for _, m := range l.Materials {
		if m.Version == p.Secret && !m.Retired(now) {
			p.Role, p.Scopes = l.OwnerRole, p.Scopes.Intersect(l.ScopesAt(now))
			return p, nil
		}
	}
	return p, fault.New(fault.SignatureSignAgain)
}
