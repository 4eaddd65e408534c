package httpx_test

import (
	"crypto/tls"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
)

var quiet = slog.New(slog.DiscardHandler)

// arrive sends a request through a chain and gives the record that its door sees, with the headers that reach the door.
func arrive(t testing.TB, c httpx.Chain, r *http.Request) (httpx.Record, http.Header) {
	t.Helper()
	c.Now, c.Log = time.Now, quiet
	var rec httpx.Record
	var h http.Header
	c.Wrap("door", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		rec, h = *httpx.RecordOf(r.Context()), r.Header.Clone()
	})).ServeHTTP(httptest.NewRecorder(), r)
	return rec, h
}

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestClientAddress(t *testing.T) {
	tests := []struct {
		name    string
		peer    string
		trusted []netip.Prefix
		header  string
		lines   map[string][]string
		want    string
		https   bool
	}{
		{name: "the peer itself", peer: "203.0.113.7:1234", want: "203.0.113.7"},
		{name: "an IPv4 peer on an IPv6 socket", peer: "[::ffff:203.0.113.7]:1234", want: "203.0.113.7"},
		{name: "a peer with a zone", peer: "[fe80::1%eth0]:1234", want: "fe80::1"},
		{name: "no peer", peer: "@", want: "invalid IP"},
		{
			name: "a stranger who writes the headers of a proxy", peer: "203.0.113.7:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"X-Forwarded-For": {"10.1.1.1"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"for=10.1.1.1;proto=https"}},
			want:  "203.0.113.7",
		},
		{
			name: "no proxy is declared", peer: "10.0.0.1:1234", lines: map[string][]string{"X-Forwarded-For": {"203.0.113.7"}}, want: "10.0.0.1",
		},
		{
			name: "one proxy", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}}, want: "203.0.113.7", https: true,
		},
		{
			name: "what the client wrote before its proxy", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"X-Forwarded-For": {"198.51.100.1, 10.9.9.9, 203.0.113.7"}}, want: "203.0.113.7",
		},
		{
			name: "two proxies, two lines", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"X-Forwarded-For": {"198.51.100.1, 203.0.113.7", "10.0.0.2"}}, want: "203.0.113.7",
		},
		{
			name: "a hop that cannot be read ends the reading", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"X-Forwarded-For": {"203.0.113.7, unknown, 10.0.0.2"}}, want: "10.0.0.2",
		},
		{
			name: "nobody but proxies", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"X-Forwarded-For": {"10.0.0.3, 10.0.0.2"}}, want: "10.0.0.3",
		},
		{
			name: "addresses with ports, IPv6 in brackets", peer: "[2001:db8::1]:1234", trusted: prefixes("2001:db8::/32"),
			lines: map[string][]string{"X-Forwarded-For": {"203.0.113.7:5678, [2001:db8::2]:9"}}, want: "203.0.113.7",
		},
		{
			name: "a bracket that does not close", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"X-Forwarded-For": {"[2001:db8::2"}}, want: "10.0.0.1",
		},
		{
			name: "two schemes", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"X-Forwarded-Proto": {"http", "https"}}, want: "10.0.0.1",
		},
		{
			name: "the other header is not read", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"),
			lines: map[string][]string{"Forwarded": {"for=203.0.113.7;proto=https"}}, want: "10.0.0.1",
		},
		{
			name: "RFC 7239", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"), header: httpx.ForwardedHeader,
			lines: map[string][]string{"Forwarded": {`for=198.51.100.1, For="203.0.113.7:4711";Proto=https;by=10.0.0.1`}}, want: "203.0.113.7", https: true,
		},
		{
			name: "RFC 7239, IPv6 and a comma in a quoted string", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"), header: httpx.ForwardedHeader,
			lines: map[string][]string{"Forwarded": {`for=198.51.100.1;host="a,b\",for=10.0.0.9", for="[2001:db8:cafe::17]:4711"`}}, want: "2001:db8:cafe::17",
		},
		{
			name: "RFC 7239, hidden and unknown nodes", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"), header: httpx.ForwardedHeader,
			lines: map[string][]string{"Forwarded": {"for=203.0.113.7, for=_hidden, for=10.0.0.2"}}, want: "10.0.0.2",
		},
		{
			name: "RFC 7239, the scheme of an earlier hop", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"), header: httpx.ForwardedHeader,
			lines: map[string][]string{"Forwarded": {"for=203.0.113.7;proto=https, for=10.0.0.2;proto=http"}}, want: "203.0.113.7",
		},
		{
			name: "the header that is not the configured one", peer: "10.0.0.1:1234", trusted: prefixes("10.0.0.0/8"), header: httpx.ForwardedHeader,
			lines: map[string][]string{"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}}, want: "10.0.0.1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tt.peer
			maps.Copy(r.Header, tt.lines)
			rec, h := arrive(t, httpx.Chain{Trusted: tt.trusted, Header: tt.header}, r)
			if rec.Addr.String() != tt.want || rec.Secure != tt.https {
				t.Errorf("client %s, https %t; want %s, %t", rec.Addr, rec.Secure, tt.want, tt.https)
			}
			if diff := cmp.Diff(http.Header{}, h); diff != "" {
				t.Errorf("headers about the client reach the door:\n%s", diff)
			}
		})
	}
}

func TestTLSIsHTTPSWhateverAHeaderSays(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.TLS = &tls.ConnectionState{}
	r.Header.Set("X-Forwarded-Proto", "http")
	if rec, _ := arrive(t, httpx.Chain{}, r); !rec.Secure {
		t.Error("a TLS connection counts as http")
	}
}

func TestForwardingHeadersAreDropped(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, name := range []string{
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Forwarded-Anything", "X-Real-IP", "X-Client-IP", "True-Client-IP",
	} {
		r.Header.Set(name, "10.0.0.1")
	}
	r.Header.Set("Accept", "text/html")
	_, h := arrive(t, httpx.Chain{}, r)
	if diff := cmp.Diff(http.Header{"Accept": {"text/html"}}, h); diff != "" {
		t.Errorf("headers at the door (-want +got):\n%s", diff)
	}
}

func FuzzClientAddress(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.2", false)
	f.Add(`for="[2001:db8::1]:1";proto=https, for=unknown`, true)
	f.Add(`for="a\", for=10.0.0.1`, true)
	f.Add("::ffff:10.0.0.1,", false)
	f.Fuzz(func(t *testing.T, line string, rfc bool) {
		chain := httpx.Chain{Trusted: prefixes("10.0.0.0/8")}
		name := "X-Forwarded-For"
		if rfc {
			chain.Header, name = httpx.ForwardedHeader, "Forwarded"
		}
		for _, peer := range []string{"10.0.0.1:1", "203.0.113.9:1"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = peer
			r.Header[name] = []string{line}
			rec, _ := arrive(t, chain, r)
			own := netip.MustParseAddrPort(peer).Addr()
			switch {
			case !rec.Addr.IsValid() || rec.Addr.Is4In6() || rec.Addr.Zone() != "":
				t.Errorf("%q from %s: %s is no address to compare", line, peer, rec.Addr)
			case peer != "10.0.0.1:1" && rec.Addr != own:
				t.Errorf("%q: a stranger became %s", line, rec.Addr)
			case rec.Addr != own && !strings.ContainsAny(line, ".:"):
				t.Errorf("%q: %s stands nowhere in it", line, rec.Addr)
			}
		}
	})
}
