package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Origin is a web origin in its one spelling: scheme and host in lower case, the scheme's own port left out, nothing behind it
// (RFC 6454 §6.2). The scheme is https; http only for localhost and names below it, which browsers treat as secure.
type Origin string

// UnmarshalText reads an origin in its one spelling.
func (o *Origin) UnmarshalText(text []byte) error {
	scheme, authority, found := strings.Cut(string(text), "://")
	if !found || (scheme != "https" && scheme != "http") {
		return errors.New("an origin is https://host or https://host:port")
	}
	if strings.ContainsAny(authority, "/?#@") {
		return errors.New("an origin ends after host and port")
	}
	host, port := splitPort(authority)
	if err := checkHost(host); err != nil {
		return err
	}
	if err := checkPort(port, scheme); err != nil {
		return err
	}
	if scheme == "http" && !isLocalName(host) {
		return errors.New("http is for localhost and names below it; write https")
	}
	*o = Origin(text)
	return nil
}

// Authority is host[:port].
func (o Origin) Authority() Authority {
	_, authority, _ := strings.Cut(string(o), "://")
	return Authority(authority)
}

// Host is the host without a port.
func (o Origin) Host() HostName {
	host, _ := splitPort(string(o.Authority()))
	return HostName(host)
}

// Authority is a host as clients name it: lower case, with a port only where it is not the scheme's own (RFC 9421 §2.2.3).
type Authority string

// UnmarshalText reads an authority in its one spelling.
func (a *Authority) UnmarshalText(text []byte) error {
	host, port := splitPort(string(text))
	if err := checkHost(host); err != nil {
		if _, ipErr := netip.ParseAddr(strings.Trim(host, "[]")); ipErr != nil {
			return err
		}
	}
	if err := errors.Join(checkPort(port, "http"), checkPort(port, "https")); err != nil {
		return errors.New("the port is a number; 80 and 443 are left out, as clients do")
	}
	*a = Authority(text)
	return nil
}

// HostName is a domain name in lower case; international names in their ASCII form.
type HostName string

// UnmarshalText reads a name in its one spelling.
func (h *HostName) UnmarshalText(text []byte) error {
	if err := checkHost(string(text)); err != nil {
		return err
	}
	*h = HostName(text)
	return nil
}

// Within says whether h is the domain itself or a name below it.
func (h HostName) Within(domain HostName) bool {
	return h == domain || strings.HasSuffix(string(h), "."+string(domain))
}

// Listen is an address to listen on: an IP address, localhost or nothing (every address), and a port; port 0 takes a free one.
type Listen string

// UnmarshalText reads host:port.
func (l *Listen) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return errors.New("write address:port, such as 127.0.0.1:8080 or [::1]:8080")
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		return errors.New("the address to listen on is an IP address or localhost")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port is a number up to 65535")
	}
	*l = Listen(text)
	return nil
}

// Loopback says whether only this host can reach the address.
func (l Listen) Loopback() bool { return isLoopback(string(l)) }

// Remote is a server to connect to: a name or an IP address, and a port.
type Remote string

// UnmarshalText reads host:port.
func (r *Remote) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return errors.New("write host:port, such as smtp.example.com:587")
	}
	if _, err := netip.ParseAddr(host); err != nil {
		if err := checkHost(host); err != nil {
			return err
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("the port is a number from 1 to 65535")
	}
	*r = Remote(text)
	return nil
}

// Loopback says whether the server is on this host.
func (r Remote) Loopback() bool { return isLoopback(string(r)) }

// URL is an http or https address of a server, without user, query and fragment.
type URL string

// UnmarshalText reads a URL.
func (u *URL) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Hostname() == "" {
		return errors.New("write http:// or https:// and a host")
	}
	if parsed.User != nil || strings.ContainsAny(string(text), "?#") {
		return errors.New("user, query and fragment have no place in it")
	}
	*u = URL(text)
	return nil
}

// Mailbox is a bare mail address (RFC 5322 §3.4.1), without a name beside it.
type Mailbox string

// UnmarshalText reads a mail address.
func (m *Mailbox) UnmarshalText(text []byte) error {
	parsed, err := mail.ParseAddress(string(text))
	if err != nil || parsed.Address != string(text) {
		return errors.New("write a bare mail address, such as gate@example.com")
	}
	*m = Mailbox(text)
	return nil
}

// Bytes is an amount of memory.
type Bytes int64

var byteUnits = []struct {
	word  string
	bytes Bytes
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// UnmarshalText reads a whole number of bytes, KiB, MiB or GiB.
func (b *Bytes) UnmarshalText(text []byte) error {
	for _, unit := range byteUnits {
		digits, found := strings.CutSuffix(string(text), unit.word)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || n > uint64(math.MaxInt64/unit.bytes) {
			break
		}
		*b = Bytes(n) * unit.bytes
		return nil
	}
	return errors.New("write a whole number of bytes, such as 65536, 64KiB or 1MiB")
}

// String writes the amount in the largest unit that fits.
func (b Bytes) String() string {
	for _, unit := range byteUnits {
		if b%unit.bytes == 0 && (b != 0 || unit.bytes == 1) {
			return strconv.FormatInt(int64(b/unit.bytes), 10) + unit.word
		}
	}
	return "0"
}

// formatDuration writes 30m and 12h where the standard library writes 30m0s and 12h0m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// splitPort cuts the port off an authority; port is ":" where a colon stands before nothing.
func splitPort(authority string) (host, port string) {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || strings.HasSuffix(authority, "]") {
		return authority, ""
	}
	if i == len(authority)-1 {
		return authority[:i], ":"
	}
	return authority[:i], authority[i+1:]
}

// checkPort takes a port in its one spelling, other than the scheme's own; an empty one is the scheme's own, left out.
func checkPort(port, scheme string) error {
	if port == "" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return errors.New("the port is a number from 1 to 65535")
	}
	if (scheme == "http" && n == 80) || (scheme == "https" && n == 443) {
		return fmt.Errorf("leave out port %d: it is what %s means, and clients leave it out", n, scheme)
	}
	return nil
}

// checkHost takes a domain name in its one spelling: lower-case letters, digits and hyphens, in labels of at most 63 bytes. An
// IP address is none: passkeys and certificates want names, and its last label has a letter for that reason.
func checkHost(host string) error {
	if host == "" || len(host) > 253 {
		return errors.New("a host name is missing")
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		outside := strings.IndexFunc(label, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') })
		if label == "" || len(label) > 63 || outside >= 0 || label[0] == '-' || label[len(label)-1] == '-' {
			return errors.New("a host name is made of lower-case letters, digits and hyphens between dots")
		}
	}
	if !strings.ContainsFunc(labels[len(labels)-1], func(r rune) bool { return r >= 'a' && r <= 'z' }) {
		return errors.New("a host name is wanted, not an IP address")
	}
	return nil
}

// isLocalName says whether a name never leaves this host (RFC 6761 §6.3).
func isLocalName(host string) bool { return HostName(host).Within("localhost") }

func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && addr.Unmap().IsLoopback())
}
