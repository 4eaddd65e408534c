package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
)

// offers notes to which sessions the offer to bind them was made.
type offers struct {
	http.Handler
	made []id.Session
}

func (o *offers) Offer(_ http.ResponseWriter, s id.Session) { o.made = append(o.made, s) }

// Any site can lead a browser to the offer; one whose session is bound gets none, because it would cost the cookie that its device brought.
func TestABoundSessionIsOfferedNothing(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	b := s.Browser("203.0.113.7")
	b.Wait = clock.Advance
	b.SignUp("ada@example.com")
	b.Enter()
	made, upstream := &offers{}, &gateway.Upstream{Name: "paper"}
	upstream.Routes.Store(&gateway.Routes{})
	g, err := gateway.New(gateway.Deps{Now: clock.Now, Sessions: s.Sessions, Hosts: []*gateway.Host{
		{Authority: authtest.PageHost, Environment: id.Test, Origin: authtest.PageOrigin, Binding: made, Upstream: upstream},
	}})
	if err != nil {
		t.Fatal(err)
	}
	door := httpx.Chain{Now: clock.Now, Log: storetest.Quiet(t), Pages: authtest.Origin}.Wrap("gateway", g)
	cookies := b.Cookies[authtest.PageHost]
	child, err := s.Sessions.Authenticate([]byte(cookies[httpx.SessionCookie]), authtest.PageHost, authtest.PersonOrigin())
	if err != nil {
		t.Fatal(err)
	}
	led := func(want int) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/.sallyport/enter?bind=/", nil)
		r.Host = authtest.PageHost
		r.RemoteAddr = "203.0.113.7:4000"
		r.Header.Set("User-Agent", authtest.PersonOrigin().Agent)
		for name, value := range cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		got := httptest.NewRecorder()
		door.ServeHTTP(got, r)
		if got.Code != http.StatusSeeOther || len(made.made) != want || made.made[0] != child.Session {
			t.Errorf("%d %s, offered to %v, want %d offers to %s", got.Code, got.Body, made.made, want, child.Session)
		}
	}
	led(1)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := &authtest.Device{Browser: b, Session: child.Session, Key: key}
	offer := s.Bindings.Offer(child.Session)
	bound, err := s.Bindings.Register(t.Context(), binding.Shown{
		Session: child.Session, Bearer: secret.FromString("sid", cookies[httpx.SessionCookie]), Host: authtest.PageHost,
		Proof: d.Sign(offer.Challenge, map[string]any{"authorization": offer.Authorization}, d.JWK()), From: authtest.PersonOrigin(),
	})
	if err != nil {
		t.Fatal(err)
	}
	cookies[httpx.BoundCookie] = string(bound.Cookie.Reveal())
	led(1)
}
