package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
	"github.com/seed-21c57000/sallyport/sign"
)

// A session that is bound to its device by whoever holds it (a software key will do), whose last proof is older than money may be: it is asked
// for another proof, and neither the request nor an assertion goes anywhere.
func TestAnOldProofSendsNothingOn(t *testing.T) {
	clock := storetest.NewClock()
	var seen []string
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.Method+" "+r.RequestURI) }))
	t.Cleanup(upstream.Close)
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now, Upstream: upstream.URL})
	b := s.Browser("203.0.113.7")
	b.Wait = clock.Advance
	b.SignUp("ada@example.com")
	b.EnrolTOTP() // no passkey at all
	b.Enter()
	cookies := b.Cookies[authtest.PageHost]
	child, err := s.Sessions.Authenticate([]byte(cookies[httpx.SessionCookie]), authtest.PageHost, authtest.PersonOrigin())
	if err != nil {
		t.Fatal(err)
	}
	// bind it, as /.sallyport/dbsc/register would where the host is https
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := &authtest.Device{Browser: b, Session: child.Session, Key: key}
	offer := s.Bindings.Offer(child.Session)
	bound, err := s.Bindings.Register(t.Context(), binding.Shown{
		Session: child.Session, Bearer: secret.FromString("sid", cookies[httpx.SessionCookie]), Host: authtest.PageHost,
		URL:   authtest.PageOrigin + "/.sallyport/dbsc/register",
		Proof: d.Sign(offer.Challenge, map[string]any{"authorization": offer.Authorization}, d.JWK()), From: authtest.PersonOrigin(),
	})
	if err != nil {
		t.Fatal(err)
	}
	cookies[httpx.BoundCookie] = string(bound.Cookie.Reveal())

	send := func() authtest.Reply {
		return b.Do(b.Request(http.MethodPost, authtest.PageOrigin+"/v1/withdraws/coin?currency=BTC&net_type=BTC&address=bc1qthief&amount=0.5", ""))
	}
	if young := send(); young.Code != "confirmation.no_passkey" {
		t.Errorf("with a young proof: %d %s", young.Status, young.Code)
	}
	clock.Advance(5*time.Minute + time.Second)
	if old := send(); old.Status != http.StatusTemporaryRedirect || old.Header.Get(gate.Header) != "" {
		t.Errorf("with an old proof: %d %s", old.Status, old.Code)
	}
	if len(seen) > 0 {
		t.Errorf("money reached the upstream without a confirmation: %q", seen)
	}
}

// A plain Upbit or Bithumb token covers neither method, path nor host. One that was made for a look at another host, and never reached us, must
// not give whoever caught it the key's next secret.
func TestATokenForALookRotatesNoKey(t *testing.T) {
	for _, tt := range []struct {
		dialect      sign.Dialect
		method, path string
		body         string
		refused      fault.Code
	}{
		{sign.Upbit, http.MethodGet, "/v1/accounts", `{}`, fault.KeyRotatedByOwner},
		{sign.Bithumb, http.MethodGet, "/v1/accounts", `{}`, fault.KeyRotatedByOwner},
		{sign.Coinbase, http.MethodPost, "/v1/keys/self/rotate", `{}`, fault.SignatureMalformed}, // it names its host
		{sign.Binance, http.MethodGet, "/v1/accounts", ``, fault.RequestMalformed},               // what it signs is a form or nothing, and never JSON
		{sign.Bybit, http.MethodPost, "/v1/orders", `{}`, fault.KeyRotatedByOwner},
	} {
		t.Run(tt.dialect.String(), func(t *testing.T) {
			clock := storetest.NewClock()
			s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
			ada := s.SignUp("ada@example.com")
			k := s.IssueKey(ada, apikey.IssueInput{Dialect: tt.dialect, Scopes: []string{"balances:read"}})
			clock.Advance(3 * time.Second)
			signed := ""
			if tt.method == http.MethodPost {
				signed = tt.body
			}
			captured := s.Signed(k, tt.method, "phisher.example", tt.path, signed) // never delivered to us
			target := "/v1/keys/self/rotate"
			if captured.URL.RawQuery != "" {
				target += "?" + captured.URL.RawQuery
			}
			thief := s.Browser("198.51.100.66")
			r := thief.Request(http.MethodPost, authtest.Origin+target, tt.body)
			maps.Copy(r.Header, captured.Header)
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Content-Type", "application/json")
			r.ContentLength = int64(len(tt.body))
			if tt.body == "" {
				r.Body = http.NoBody
			}
			got := thief.Do(r)
			if got.Code != tt.refused {
				t.Errorf("a token for something else, somewhere else: %d %s", got.Status, got.Text)
			}
		})
	}
}

// A captured handshake of a dialect without a nonce opens no second tunnel, which would live as long as the key: a look that is not over in a moment.
func TestAHandshakeOpensOneTunnel(t *testing.T) {
	s := newStreet(t)
	k := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Dialect: sign.OKX, Scopes: []string{"orders:read"}})
	time.Sleep(3 * time.Second)
	first := s.mine(k)
	again := first.Clone(first.Context())
	_, _, one := s.open(t, first, "websocket")
	_, _, two := s.open(t, again, "websocket")
	if one != http.StatusSwitchingProtocols || two != http.StatusUnauthorized {
		t.Errorf("one signed handshake, twice: %d, then %d", one, two)
	}
}
