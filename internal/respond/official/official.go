// Package official owns the answer to "is this link or sender really yours?": which origins and addresses are ours, and how to tell others from them.
//
// It opens no link and asks no server: what it says follows from the text and from what the installation says of itself.
//
// Invariant: a link is ours only if the browser that follows it arrives at one of our origins, exactly; whatever is unclear is not ours, with the reason.
package official

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
)

// Places are what an installation says is its own.
type Places struct {
	Origins []Origin
	// Senders are mail addresses in canonical form.
	Senders []string
	// Apps are native apps.
	Apps []App
}

// Origin is an address of pages or of an API: scheme://host[:port].
type Origin struct {
	At  string
	For Use
}

// Use is what an address is for.
type Use string

// The uses, as pages and /v1 name them. Exchange is what people trade on, Programs what signed requests go to, Elsewhere the platform's other sites.
const (
	Dashboard     Use = "dashboard"
	Confirmations Use = "confirmations"
	Exchange      Use = "exchange"
	Programs      Use = "programs"
	Elsewhere     Use = "elsewhere"
)

// Has says that at is one of the origins.
func (p Places) Has(at string) bool {
	return slices.ContainsFunc(p.Origins, func(o Origin) bool { return o.At == at })
}

// App is a native app as its system knows it.
type App struct {
	Platform Platform
	// ID is what the system tells it by: nobody else can publish an app of that name.
	ID string
	// Fingerprints are those of the certificates it is signed with; of Apple's systems there are none.
	Fingerprints []string
}

// Platform is whose system an app runs on.
type Platform string

// The platforms.
const (
	Android Platform = "android"
	Apple   Platform = "apple"
)

// Kind is what a text was taken for.
type Kind string

// The kinds.
const (
	Link   Kind = "link"
	Sender Kind = "sender"
)

// Why says why, as a word that the doors have texts for.
type Why string

// The reasons. The first two speak for a text, all others against it.
const (
	OurHost   Why = "our_host"
	OurSender Why = "our_sender"
	// Unreadable: no browser and no mail program would read it in one way only.
	Unreadable Why = "unreadable"
	// OtherHost: it leads to another server, which is named beside it.
	OtherHost Why = "other_host"
	// OurNameElsewhere: a name of ours stands in it, in a place that decides nothing.
	OurNameElsewhere Why = "our_name_elsewhere"
	// Lookalike: its server's name differs from ours in letters that look or read alike.
	Lookalike Why = "lookalike"
	// BeforeAt: what stands before the @ of a link is a name to sign in with, and no server.
	BeforeAt Why = "before_at"
	// NotSecure: it is our name without https.
	NotSecure Why = "not_secure"
	// OtherPort: it is our name with a port that we do not use.
	OtherPort Why = "other_port"
	// NoWebAddress: it runs or fetches something else than a page.
	NoWebAddress Why = "no_web_address"
	// Number: a server named by a number instead of a name.
	Number Why = "number"
	// OtherSender: an address that we never write from.
	OtherSender Why = "other_sender"
)

// Verdict is the answer.
type Verdict struct {
	Ours bool
	Kind Kind
	// Where is the server that the link leads to, or the sender's address, in the spelling that is compared; empty if it cannot be read.
	Where   string
	Reasons []Why
}

// MaxText is how much of a text is looked at, in bytes.
const MaxText = 2048

// Judge says whether a link or a sender, as somebody pasted it, is ours.
func (p Places) Judge(text string) Verdict {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > MaxText || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		return Verdict{Kind: Link, Reasons: []Why{Unreadable}}
	}
	if isSender(text) {
		return p.sender(text)
	}
	return p.link(text)
}

// isSender says whether a text names a mailbox: it has an @ and nothing that a link has.
func isSender(text string) bool {
	return strings.Contains(text, "@") && !strings.ContainsAny(text, "/\\?#") || strings.HasPrefix(strings.ToLower(text), "mailto:")
}

func (p Places) sender(text string) Verdict {
	v := Verdict{Kind: Sender}
	text = strings.TrimPrefix(strings.ToLower(text), "mailto:")
	if _, inside, found := strings.Cut(text, "<"); found { // the name before it is whatever its sender likes
		text, _, _ = strings.Cut(inside, ">")
	}
	addr, err := mailaddr.Parse(text)
	if err != nil {
		v.Reasons = []Why{Unreadable}
		return v
	}
	v.Where = addr.String()
	if slices.Contains(p.Senders, v.Where) {
		v.Ours, v.Reasons = true, []Why{OurSender}
		return v
	}
	v.Reasons = append(p.resemblance(addr.Domain(), v.Where), OtherSender)
	return v
}

func (p Places) link(text string) Verdict {
	v := Verdict{Kind: Link}
	if strings.ContainsAny(text, "\\ \"<>^`{|}") { // browsers mend these, each in its own way
		v.Reasons = []Why{Unreadable}
		return v
	}
	if scheme, _, found := strings.Cut(text, ":"); found && !strings.Contains(text, "://") && !strings.Contains(scheme, ".") && !strings.Contains(scheme, "localhost") {
		v.Reasons = []Why{NoWebAddress}
		return v
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		v.Reasons = []Why{Unreadable}
		return v
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		v.Reasons = []Why{NoWebAddress}
		return v
	}
	host, ok := canonical(u.Hostname())
	if !ok {
		v.Reasons = []Why{Unreadable}
		return v
	}
	v.Where = host
	origin := u.Scheme + "://" + host + port(u)
	if u.User != nil {
		v.Reasons = append(v.Reasons, BeforeAt)
	}
	if p.Has(origin) {
		v.Ours = len(v.Reasons) == 0
		if v.Ours {
			v.Reasons = []Why{OurHost}
		}
		return v
	}
	v.Reasons = append(v.Reasons, p.against(u, host)...)
	return v
}

// against says why a link is not ours.
func (p Places) against(u *url.URL, host string) (list []Why) {
	for _, ours := range p.Origins {
		o, err := url.Parse(ours.At)
		if err != nil || o.Hostname() != host {
			continue
		}
		if o.Scheme != u.Scheme {
			return []Why{NotSecure}
		}
		list = []Why{OtherPort}
	}
	if list != nil {
		return list
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		list = append(list, Number)
	}
	return append(append(list, OtherHost), p.resemblance(host, u.User.String()+" "+host+u.EscapedPath()+"?"+u.RawQuery+"#"+u.EscapedFragment())...)
}

// canonical is the one spelling of a server's name: small letters, xn--, no point at its end.
func canonical(host string) (string, bool) {
	host = strings.TrimSuffix(host, ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return host, true
	}
	ascii, err := idna.Lookup.ToASCII(host)
	return strings.ToLower(ascii), err == nil && ascii != ""
}

// port is what stands after the name if it is not the scheme's own.
func port(u *url.URL) string {
	if p := u.Port(); p != "" && (u.Scheme != "https" || p != "443") && (u.Scheme != "http" || p != "80") {
		return ":" + p
	}
	return ""
}

// resemblance says how a foreign name tries to look like one of ours: in another place of the text, or letter by letter.
func (p Places) resemblance(host, text string) (list []Why) {
	text = strings.ToLower(text)
	elsewhere, alike := false, strings.Contains(host, "xn--")
	for _, ours := range p.names() {
		elsewhere = elsewhere || strings.Contains(text, ours) || strings.Contains(text, strings.ReplaceAll(ours, ".", "-"))
		alike = alike || host != ours && near(skeleton(host), skeleton(ours))
	}
	if elsewhere {
		list = append(list, OurNameElsewhere)
	}
	if alike {
		list = append(list, Lookalike)
	}
	return list
}

// names are the names of our servers and of our senders' domains.
func (p Places) names() (list []string) {
	for _, origin := range p.Origins {
		if u, err := url.Parse(origin.At); err == nil {
			list = append(list, u.Hostname())
		}
	}
	for _, sender := range p.Senders {
		_, domain, _ := strings.Cut(sender, "@")
		list = append(list, domain)
	}
	return list
}

// skeleton replaces what is often put in the place of a letter.
var skeletons = strings.NewReplacer("0", "o", "1", "l", "i", "l", "3", "e", "5", "s", "rn", "m", "vv", "w", "-", "", "_", "")

func skeleton(s string) string { return skeletons.Replace(s) }

// near says whether two names differ in at most one letter: changed, missing or too much.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] {
			if len(a) == len(b) {
				return a[i+1:] == b[i+1:]
			}
			return a[i:] == b[i+1:]
		}
	}
	return true
}
