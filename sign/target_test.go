package sign_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

func target(t string) func() error { return func() error { return sign.CheckTarget(t) } }

func requestRefusals() []refusal {
	of := func(change func(*sign.Request)) func() error {
		return func() error {
			r := signedAs(balances(), usualParts+usualParams())
			change(&r)
			return native(r)
		}
	}
	method := func(m string) func() error { return of(func(r *sign.Request) { r.Method = m }) }
	authority := func(a string) func() error { return of(func(r *sign.Request) { r.Authority = a }) }
	return []refusal{
		{"lower-case method", method("get"), sign.MethodRefused},
		{"mixed-case method", method("Get"), sign.MethodRefused},
		{"empty method", method(""), sign.MethodRefused},
		{"method with a line end", method("GET\n"), sign.MethodRefused},
		{"empty authority", authority(""), sign.AuthorityMalformed},
		{"authority with a user", authority("user@api.example.com"), sign.AuthorityMalformed},
		{"authority with a line end", authority("api.example.com\n\"@path\": /x"), sign.AuthorityMalformed},
		{"authority with a comma", authority("api.example.com,evil"), sign.AuthorityMalformed},
		{"port only", authority(":443"), sign.AuthorityMalformed},
		{"no host, port", authority("::443"), sign.AuthorityMalformed},
		{"bare IPv6", authority("2001:db8::1"), sign.AuthorityMalformed},
		{"open bracket", authority("[::1"), sign.AuthorityMalformed},
		{"text after the bracket", authority("[::1]x:443"), sign.AuthorityMalformed},
		{"empty port", authority("api.example.com:"), sign.AuthorityMalformed},
		{"port with a leading zero", authority("api.example.com:0443"), sign.AuthorityMalformed},
		{"port of six digits", authority("api.example.com:100000"), sign.AuthorityMalformed},
		{"long authority", authority(strings.Repeat("a", 262)), sign.TooLarge},
		{"host line of another name", of(func(r *sign.Request) { r.Header["Host"] = []string{"evil.example.com"} }), sign.AuthorityDiffers},

		{"absolute form", target("https://api.example.com/v1/accounts"), sign.TargetForm},
		{"asterisk form", target("*"), sign.TargetForm},
		{"empty target", target(""), sign.TargetForm},
		{"query only", target("?a=1"), sign.TargetForm},
		{"long target", target("/" + strings.Repeat("a", 8<<10)), sign.TooLarge},
		{"dot segment", target("/v1/./orders"), sign.DotSegment},
		{"dot dot segment", target("/v1/../admin"), sign.DotSegment},
		{"dot dot at the end", target("/v1/.."), sign.DotSegment},
		{"dot at the end", target("/v1/."), sign.DotSegment},
		{"two slashes", target("//v1"), sign.EmptySegment},
		{"two slashes inside", target("/v1//orders"), sign.EmptySegment},
		{"two slashes at the end", target("/v1//"), sign.EmptySegment},
		{"backslash", target(`/v1\orders`), sign.PathByte},
		{"semicolon", target("/v1;x/orders"), sign.PathByte},
		{"hash", target("/v1#x"), sign.PathByte},
		{"space", target("/v1 /orders"), sign.PathByte},
		{"NUL", target("/v1\x00"), sign.PathByte},
		{"line end", target("/v1\r\n"), sign.PathByte},
		{"DEL", target("/v1\x7f"), sign.PathByte},
		{"raw text", target("/v1/한"), sign.PathByte},
		{"quote", target(`/v1/"`), sign.PathByte},
		{"brace", target(`/v1/{id}`), sign.PathByte},
		{"pipe", target(`/v1/a|b`), sign.PathByte},
		{"slash hidden", target("/v1%2Forders"), sign.PathEscape},
		{"slash hidden, lower case", target("/v1%2forders"), sign.PathEscape},
		{"dots hidden", target("/v1/%2E%2e/admin"), sign.PathEscape},
		{"one dot hidden", target("/v1/.%2e/admin"), sign.PathEscape},
		{"backslash hidden", target("/v1%5Corders"), sign.PathEscape},
		{"NUL hidden", target("/v1%00"), sign.PathEscape},
		{"line end hidden", target("/v1%0d%0a"), sign.PathEscape},
		{"DEL hidden", target("/v1%7f"), sign.PathEscape},
		{"percent hidden", target("/v1/%252e"), sign.PathEscape},
		{"question mark hidden", target("/v1%3fa"), sign.PathEscape},
		{"hash hidden", target("/v1%23a"), sign.PathEscape},
		{"semicolon hidden", target("/v1%3Bx"), sign.PathEscape},
		{"letter hidden", target("/v1/%6frders"), sign.PathEscape},
		{"digit hidden", target("/v%31/orders"), sign.PathEscape},
		{"tilde hidden", target("/v1/%7Ea"), sign.PathEscape},
		{"broken escape", target("/v1/%zz"), sign.PathEscape},
		{"cut escape", target("/v1/%2"), sign.PathEscape},
		{"bare percent", target("/v1/%"), sign.PathEscape},
		{"overlong slash", target("/v1/%c0%af"), sign.PathEscape},
		{"overlong dot", target("/v1/%e0%80%ae"), sign.PathEscape},
		{"surrogate", target("/v1/%ed%a0%80"), sign.PathEscape},
		{"lone continuation", target("/v1/%80"), sign.PathEscape},
		{"cut character", target("/v1/%ed%95"), sign.PathEscape},
		{"cut character and more", target("/v1/%ed%95x"), sign.PathEscape},
		{"four bytes of nothing", target("/v1/%f8%88%80%80"), sign.PathEscape},
		{"hash in the query", target("/v1?a#b"), sign.QueryByte},
		{"semicolon in the query", target("/v1?a=1;b=2"), sign.QueryByte},
		{"space in the query", target("/v1?a b"), sign.QueryByte},
		{"line end in the query", target("/v1?a\n"), sign.QueryByte},
		{"raw text in the query", target("/v1?q=한"), sign.QueryByte},
		{"broken escape in the query", target("/v1?a=%zz"), sign.QueryByte},
		{"cut escape in the query", target("/v1?a=%2"), sign.QueryByte},
	}
}

func TestRequestRefusals(t *testing.T) { runRefusals(t, requestRefusals()) }

// The signature base could be forged with a line end in any part of the request; Parse refuses such a part for every dialect.
func TestParseChecksTheTarget(t *testing.T) {
	for _, r := range []sign.Request{signedAs(balances(), usualParts+usualParams()), with(balances(), upbitSigner(), clock)} {
		r.Target = "/v1/%2e%2e/admin"
		_, err := sign.Parse(&r)
		want(t, err, sign.PathEscape)
	}
}

func TestTargetsAccepted(t *testing.T) {
	for _, target := range []string{
		"/", "/v1", "/v1/", "/v1/orders?", "/v1?a=1?b/..//c", "/v1?q=%00%2f%2e", "/v1?states[]=a|{b}\"c\\", "/v1/...", "/v1/.well-known", "/v1/a..b",
		"/v1/KRW-BTC:x@y!$&'()*+,=~_", "/v1/KRW%3ABTC", "/v1/a%20b", "/v1/%ED%95%9C", "/v1/%ed%95%9c", "/v1/%F0%9F%98%80", "/v1/%22%3C%7B",
	} {
		if err := sign.CheckTarget(target); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestCanonicalAuthority(t *testing.T) {
	for in, wanted := range map[string]string{
		"API.Example.com": "api.example.com", "api.example.com:443": "api.example.com", "api.example.com:80": "api.example.com",
		"api.example.com:8443": "api.example.com:8443", "[2001:DB8::80]": "[2001:db8::80]", "[::1]:443": "[::1]", "api.example.com:4443": "api.example.com:4443",
	} {
		if got := sign.CanonicalAuthority(in); got != wanted {
			t.Errorf("%s: %s, want %s", in, got, wanted)
		}
		r := balances()
		r.Authority, r.Header["Host"] = in, []string{wanted}
		r = with(r, hmacSigner(), clock)
		want(t, native(r), "")
		s := must(sign.Parse(&r))
		if base := string(s.AppendBase(nil, &r)); !strings.Contains(base, "\n\"@authority\": "+wanted+"\n") {
			t.Errorf("%s: base\n%s", in, base)
		}
	}
}

// What a client sends is what a server receives: the two ways to make a Request agree.
func TestOutgoingIsReceived(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r := sign.Received(req)
		w.Header().Set("Seen", r.Method+" "+r.Authority+" "+r.Target)
	}))
	defer server.Close()
	for _, target := range []string{"", "/", "/v1/a%20b/%ED%95%9C?states[]=a&q=%2F", "/v1?", "/v1/KRW:BTC"} {
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+target, nil))
		out := sign.Outgoing(req, nil)
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if got, wanted := res.Header.Get("Seen"), out.Method+" "+out.Authority+" "+out.Target; got != wanted {
			t.Errorf("%q: received %s, outgoing %s", target, got, wanted)
		}
	}
	bare := sign.Outgoing(&http.Request{Method: http.MethodPut, URL: &url.URL{Host: "api.example.com", Path: "/v1", ForceQuery: true}}, []byte("x"))
	if bare.Authority != "api.example.com" || bare.Method != http.MethodPut || bare.Target != "/v1?" || string(bare.Body) != "x" {
		t.Errorf("got %+v", bare)
	}
	named := sign.Outgoing(&http.Request{Host: "other.example.com", URL: &url.URL{Host: "api.example.com"}}, nil)
	if named.Authority != "other.example.com" || named.Method != http.MethodGet || named.Target != "/" {
		t.Errorf("got %+v", named)
	}
}
