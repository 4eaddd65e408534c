package sign_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dadrus/httpsig"

	"github.com/seed-21c57000/sallyport/sign"
)

// message is r for httpsig, which wants scheme and host in the URL.
func message(t *testing.T, r sign.Request) *httpsig.Message {
	t.Helper()
	u, err := url.ParseRequestURI(r.Target)
	if err != nil {
		t.Fatalf("%s passes and net/url refuses it: %v", r.Target, err)
	}
	u.Scheme, u.Host = "https", r.Authority
	return &httpsig.Message{
		Context: context.Background(), Method: r.Method, Authority: r.Authority, URL: u, Header: r.Header.Clone(), IsRequest: true,
		Body: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil },
	}
}

// FuzzAgainstHTTPSig: another implementation of RFC 9421 verifies what we sign, and we verify what it signs, so both build one base.
func FuzzAgainstHTTPSig(f *testing.F) {
	f.Add("POST", "api.example.com", "/v1/orders?market=KRW-BTC", []byte(`{"a":1}`))
	f.Add("GET", "API.Example.com:443", "/", []byte(nil))
	f.Add("DELETE", "[::1]:8443", "/v1/KRW%3ABTC/%ED%95%9C?q=%2F&states[]=a", []byte("x"))
	f.Add("M-SEARCH", "a", "/a?", []byte(nil))
	f.Fuzz(func(t *testing.T, method, authority, target string, body []byte) {
		if strings.HasSuffix(authority, ":80") || strings.HasSuffix(authority, ":") {
			return // httpsig knows that the scheme is https, and cuts an empty port off only with the default one
		}
		now := time.Now()
		ours := sign.Request{Method: method, Authority: authority, Target: target, Header: http.Header{}, Body: body}
		headers, err := hmacSigner().Headers(&ours, now)
		if err != nil {
			return
		}
		signed := ours
		signed.Header = headers
		key := httpsig.Key{KeyID: keyID, Algorithm: httpsig.HmacSha256, Key: []byte(secret)}
		components := []string{"@query", "@method", "@path", "@authority"}
		if len(body) > 0 {
			components = append(components, "content-digest")
		}
		verifier := must(httpsig.NewVerifier(key, httpsig.WithRequiredComponents(components...), httpsig.WithRequiredTag("sallyport-v1"),
			httpsig.WithExpiredTimestampRequired(false), httpsig.WithMaxAge(time.Minute)))
		if err = verifier.Verify(message(t, signed)); err != nil {
			t.Errorf("httpsig refuses what we signed: %v\n%v", err, headers)
		}

		signer := must(httpsig.NewSigner(key, httpsig.WithComponents(components...), httpsig.WithTag("sallyport-v1"), httpsig.WithTTL(5*time.Minute),
			httpsig.WithContentDigestAlgorithm(httpsig.Sha512)))
		theirs := ours
		if theirs.Header, err = signer.Sign(message(t, ours)); err != nil {
			t.Fatal(err)
		}
		want(t, verify(&theirs, hmacKey, sign.Settings{}, now), "")
	})
}
