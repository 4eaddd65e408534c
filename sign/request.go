package sign

import (
	"net/http"
	"strings"
)

// Request is what a signature may cover, byte for byte as it was received or will be sent. It is read, never changed.
type Request struct {
	Method string
	// Authority is host[:port] as the client addressed it. Behind a proxy that rewrites it, the caller puts the external one here.
	Authority string
	// Target is the request target in origin form, path[?query], raw.
	Target string
	// Header has canonical keys (http.CanonicalHeaderKey).
	Header http.Header
	// Body may be nil until it has been read: only CheckBody looks at it.
	Body []byte
}

// Received is the request that a server got, without its body: RequestURI and Host, never the parsed URL.
func Received(r *http.Request) Request {
	return Request{Method: r.Method, Authority: r.Host, Target: r.RequestURI, Header: r.Header}
}

// Outgoing is the request as net/http's client will send it, with the body bytes that go with it.
func Outgoing(r *http.Request, body []byte) Request {
	authority := r.Host
	if authority == "" {
		authority = r.URL.Host
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	return Request{Method: method, Authority: authority, Target: r.URL.RequestURI(), Header: r.Header, Body: body}
}

// split gives the raw path and the raw query without its question mark. An absent and an empty query are alike (RFC 9421 §2.2.7).
func (r *Request) split() (path, query string) {
	path, query, _ = strings.Cut(r.Target, "?")
	return path, query
}

// check refuses a request of which two readers could disagree what it asks for.
func (r *Request) check() error {
	if !isMethod(r.Method) {
		return refuse(MethodRefused, "")
	}
	if err := checkAuthority(r.Authority); err != nil {
		return err
	}
	// HTTP/1.1 gives net/http one Host and it keeps no line of it; HTTP/2 may carry :authority and a host line.
	for _, host := range r.Header["Host"] {
		if CanonicalAuthority(host) != CanonicalAuthority(r.Authority) {
			return refuse(AuthorityDiffers, "")
		}
	}
	return CheckTarget(r.Target)
}

func isMethod(m string) bool {
	for i := range len(m) {
		if (m[i] < 'A' || m[i] > 'Z') && m[i] != '-' {
			return false
		}
	}
	return m != ""
}

// checkAuthority takes host[:port] with a name, an IPv4 address, or an IPv6 address in brackets, and no user before it (RFC 3986 §3.2).
func checkAuthority(a string) error {
	if len(a) > maxAuthority {
		return refuse(TooLarge, "authority")
	}
	host, port, hasPort := strings.Cut(a, ":")
	if strings.HasPrefix(a, "[") {
		address, rest, closed := strings.Cut(a[1:], "]")
		if port, hasPort = strings.CutPrefix(rest, ":"); !closed || !hasPort && rest != "" {
			return refuse(AuthorityMalformed, "")
		}
		host = strings.ReplaceAll(address, ":", "")
	}
	for i := range len(host) {
		if !isHostByte[host[i]] {
			return refuse(AuthorityMalformed, "")
		}
	}
	if _, ok := parseDecimal(port, 5); host == "" || hasPort && !ok {
		return refuse(AuthorityMalformed, "")
	}
	return nil
}

var isHostByte = tableOf(func(c byte) bool { return isAlphanumeric(c) || c == '.' || c == '-' || c == '_' })

// 255 bytes of a name (RFC 1035 §2.3.4), a colon and a port.
const maxAuthority = 255 + 6

// CanonicalAuthority is the value of @authority (RFC 9421 §2.2.3): lower case, without the port when it is 80 or 443. The scheme is
// not known behind TLS termination, so both default ports go; a host that serves different APIs on both must not share keys.
func CanonicalAuthority(a string) string {
	return strings.ToLower(withoutDefaultPort(a))
}

func withoutDefaultPort(a string) string {
	if host, ok := strings.CutSuffix(a, ":443"); ok {
		return host
	}
	return strings.TrimSuffix(a, ":80")
}

func appendAuthority(dst []byte, a string) []byte {
	start := len(dst)
	dst = append(dst, withoutDefaultPort(a)...)
	for i, c := range dst[start:] {
		if 'A' <= c && c <= 'Z' {
			dst[start+i] = c + 'a' - 'A'
		}
	}
	return dst
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
