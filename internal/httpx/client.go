package httpx

import (
	"net/http"
	"net/netip"
	"strings"
)

// ForwardedHeader is the header of RFC 7239; a Chain whose proxies write it names it.
const ForwardedHeader = "Forwarded"

const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
)

// client finds the address and whether the outside is https. A list of hops is read from its end, where our own proxy wrote, and only as
// far as declared proxies reach: the first address that is none of theirs is the client. What cannot be read ends the reading.
func (c Chain) client(req *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr, secure := plain(peer.Addr()), req.TLS != nil
	if !c.trusts(addr) {
		return addr, secure
	}
	read := xForwarded
	if c.Header == ForwardedHeader {
		read = forwarded
	}
	hops, https := read(req.Header)
	for i := len(hops) - 1; i >= 0 && c.trusts(addr) && hops[i].IsValid(); i-- {
		addr = hops[i]
	}
	return addr, secure || https
}

func (c Chain) trusts(addr netip.Addr) bool {
	for _, network := range c.Trusted {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// declared says whether a request's peer is itself a declared proxy.
func (c Chain) declared(req *http.Request) bool {
	peer, err := netip.ParseAddrPort(req.RemoteAddr)
	return err == nil && c.trusts(plain(peer.Addr()))
}

// plain is an address as we compare and store it: IPv4-mapped ones as the IPv4 they are, without a zone.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// xForwarded reads the de facto headers. An address that cannot be read is invalid.
func xForwarded(h http.Header) (hops []netip.Addr, https bool) {
	for word := range strings.SplitSeq(strings.Join(h[forwardedFor], ","), ",") {
		hops = append(hops, node(strings.TrimSpace(word)))
	}
	proto := h[forwardedProto]
	return hops, len(proto) == 1 && proto[0] == "https"
}

// forwarded reads RFC 7239 §4: elements between commas, pairs between semicolons, values as tokens or quoted strings. The scheme is what
// the last element says.
func forwarded(h http.Header) (hops []netip.Addr, https bool) {
	for _, element := range split(strings.Join(h[ForwardedHeader], ","), ',') {
		hop := netip.Addr{}
		https = false
		for _, pair := range split(element, ';') {
			name, value, _ := strings.Cut(pair, "=")
			switch strings.ToLower(name) {
			case "for":
				hop = node(unquote(value))
			case "proto":
				https = strings.EqualFold(unquote(value), "https")
			}
		}
		hops = append(hops, hop)
	}
	return hops, https
}

// split cuts at every sep outside of quoted strings and trims the parts.
func split(s string, sep byte) (parts []string) {
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts = append(parts, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	return append(parts, strings.TrimSpace(s[start:]))
}

// unquote gives what a quoted string without escapes holds (RFC 9110 §5.6.4); no address needs an escape.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// node reads an address with or without a port, an IPv6 one in brackets or bare (RFC 7239 §6). Names, "unknown" and hidden nodes are
// no address.
func node(s string) netip.Addr {
	bare := s
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		bare = s[1 : len(s)-1]
	}
	if addr, err := netip.ParseAddr(bare); err == nil {
		return plain(addr)
	}
	whole, _ := netip.ParseAddrPort(s)
	return plain(whole.Addr())
}

// dropForwarding takes away every header in which somebody may have said whom a request comes from, so that nothing behind us can
// believe it by mistake.
func dropForwarding(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "X-Forwarded-") {
			delete(h, name)
		}
	}
	for _, name := range []string{ForwardedHeader, "X-Real-Ip", "X-Client-Ip", "True-Client-Ip"} {
		delete(h, name)
	}
}
