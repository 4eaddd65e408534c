// Package mailaddr owns the one canonical form of a mail address.
//
// An address is brought to that form once, when it comes in, and from then on only the form is compared, stored, counted by
// throttles and written to. It does not know whether anybody reads mail there, nor what providers do with dots and plus signs:
// two addresses that only a provider takes for one are two.
//
// Invariant: Parse(a.String()) is a. Two inputs that Parse takes to one address differ in ASCII capitals or in the spelling of
// their domain (Unicode or xn--) and in nothing else: no character is ever mapped to a look-alike, because that is how a mail for
// one person has been sent to another (CVE-2019-19844). What would need mapping is refused.
package mailaddr

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// Lengths in bytes (RFC 5321 §4.5.3.1; 254 is what its limit of 256 for a path leaves between < and >).
const (
	maxAddress = 254
	maxLocal   = 64
	maxLabel   = 63
)

// Address is a mail address in canonical form: ASCII, small letters, the domain with xn-- labels. Addresses compare with ==. The zero
// value is no address.
type Address struct{ local, domain string }

// Parse reads an address as somebody typed it: name@domain and nothing around it, the name a dot-atom (RFC 5322 §3.2.3) of ASCII, the
// domain a name of two labels or more. Display names, quoted names, comments, spaces, address literals and source routes are refused.
//
// The name is made small although RFC 5321 §2.4 lets a domain tell Kim from kim: none in use does, and two users whose names
// differ so would be confused by everybody else. Names outside ASCII are refused: they need SMTPUTF8 at every hop (RFC 6531), and no
// two systems agree on their canonical form.
//
// Errors: mail_address.malformed, mail_address.local_part (characters outside ASCII before the @), mail_address.domain.
func Parse(s string) (Address, error) {
	local, domain, found := strings.Cut(s, "@")
	if !found || !utf8.ValidString(s) || strings.Contains(domain, "@") || local == "" || domain == "" || len(s) > maxAddress {
		return Address{}, fault.New(fault.MailAddressMalformed)
	}
	if !isASCII(local) {
		return Address{}, fault.New(fault.MailAddressLocalPart)
	}
	if !isDotAtom(local) {
		return Address{}, fault.New(fault.MailAddressMalformed)
	}
	ascii, ok := canonicalDomain(lower(domain))
	if !ok {
		return Address{}, fault.New(fault.MailAddressDomain)
	}
	if len(local)+1+len(ascii) > maxAddress {
		return Address{}, fault.New(fault.MailAddressMalformed)
	}
	return Address{local: lower(local), domain: ascii}, nil
}

// String is the canonical form.
func (a Address) String() string {
	if a == (Address{}) {
		return ""
	}
	return a.local + "@" + a.domain
}

// Domain is the part after the @.
func (a Address) Domain() string { return a.domain }

// Mask is the address as it is shown to somebody who may not know it: a•••@example.com. It says nothing about the length of the name.
func (a Address) Mask() string {
	switch {
	case a == (Address{}):
		return ""
	case len(a.local) == 1:
		return "•••@" + a.domain
	default:
		return a.local[:1] + "•••@" + a.domain
	}
}

// lower makes ASCII capitals small. Not strings.ToLower: that turns U+212A, the Kelvin sign, into k.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isDotAtom says whether s is atoms joined by single dots. Special because: % and ! belong to atoms but are refused, since old relays
// route by them, so that user%victim.example@relay reaches another domain than it names.
func isDotAtom(s string) bool {
	if len(s) > maxLocal {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.Trim(atom, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#$&'*+-/=?^_`{|}~") != "" {
			return false
		}
	}
	return true
}

// labels checks and spells the labels of a domain as IDNA2008 and UTS #46 have them, without mapping one character to another.
var labels = idna.New(idna.ValidateLabels(true), idna.CheckHyphens(true), idna.CheckJoiners(true), idna.BidiRule(),
	idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// canonicalDomain gives the ASCII spelling of a domain that is spelled in valid labels, either all Unicode or all ASCII.
func canonicalDomain(domain string) (ascii string, ok bool) {
	ascii, err := labels.ToASCII(domain)
	if err != nil {
		return "", false
	}
	unicode, err := labels.ToUnicode(ascii)
	// The library normalises to NFC on its way, so a domain that is neither of its own spellings has been changed: refused.
	if err != nil || domain != ascii && domain != unicode {
		return "", false
	}
	return ascii, isHostName(ascii)
}

// isHostName says whether s is two or more labels of small letters, digits and inner hyphens, the last one not a number: that would
// be an address of another kind (RFC 5321 §2.3.5, RFC 3696 §2).
func isHostName(s string) bool {
	parts := strings.Split(s, ".")
	for _, label := range parts {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return len(parts) > 1 && strings.Trim(parts[len(parts)-1], "0123456789") != ""
}
