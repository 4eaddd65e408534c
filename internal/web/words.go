package web

import (
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// proven says what a session rests on.
func (v *visit) proven(p assurance.Proof) string {
	switch {
	case p.Factors&assurance.Passkey != 0:
		return v.words.Say("proven.passkey")
	case p.Factors&assurance.TOTP != 0 && p.Factors&assurance.Password != 0:
		return v.words.Say("proven.two")
	case p.Factors&assurance.Password != 0:
		return v.words.Say("proven.password")
	}
	return v.words.Say("proven.other")
}

// level says how strong a proof was, where only its level was kept; empty when there was none.
func (v *visit) level(l assurance.Level) string {
	if l == assurance.None {
		return ""
	}
	return v.words.Say("level." + l.String())
}

// scopes says what a set of scopes lets somebody do.
func (v *visit) scopes(set scope.Set) []string {
	var list []string
	for _, s := range set.List() {
		list = append(list, v.words.Say("scope."+s.String()))
	}
	return list
}

// whence says an address, and where that is if something is known of it.
func (v *visit) whence(addr string) string {
	if place := v.web.Describe.Place(addr, v.words.Lang()); place != "" {
		return v.words.Say("place.at_address", "place", place, "addr", addr)
	}
	return addr
}

// device names a browser; the header it sent is one step away, where the page shows raw values at all.
func (v *visit) device(agent string) string { return v.web.Describe.Device(agent, v.words.Lang()) }
