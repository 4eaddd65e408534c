package session_test

import (
	"net/url"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// FuzzAuthenticate: nothing that a client sends is a session but the bearer that we gave, on the host that we gave it for.
func FuzzAuthenticate(f *testing.F) {
	s := authtest.Start(f)
	ada := s.SignUp("ada@example.com")
	f.Add([]byte(nil), "")
	f.Add([]byte("A"), authtest.PageHost)
	f.Add(make([]byte, 43), "")
	f.Fuzz(func(t *testing.T, bearer []byte, host string) {
		if who, err := s.Sessions.Authenticate(bearer, host, authtest.PersonOrigin()); fault.CodeOf(err) != fault.SessionEnded || !who.User.IsZero() {
			t.Errorf("%q on %q is %v, %v", bearer, host, who.User, err)
		}
		if who, err := s.Sessions.Authenticate(ada.Bearer.Reveal(), host, authtest.PersonOrigin()); (err == nil) != (host == "") || err == nil && who.User != ada.User.ID {
			t.Errorf("the dashboard's bearer on %q is %v, %v", host, who.User, err)
		}
	})
}

// FuzzChildPath: whatever path a user wanted, the way over ends on the host that the code is for; and no text that a stranger makes up is a
// code.
func FuzzChildPath(f *testing.F) {
	s := authtest.Start(f)
	ada := s.SignUp("ada@example.com").Principal()
	for _, path := range []string{"/", "/orders?market=KRW-BTC", "//evil.example/", `/\evil.example`, "https://evil.example", "/a\r\nSet-Cookie: x", "/%2f/evil", "/\t/evil", "", "/..//x", "javascript:alert(1)"} {
		f.Add(path, "")
	}
	home := url.URL{Scheme: "https", Host: "exchange.example"}
	f.Fuzz(func(t *testing.T, path, guess string) {
		if _, _, _, err := s.Sessions.RedeemChildCode(t.Context(), secret.FromString("guess", guess), secret.MintBearer("way"), authtest.PageHost, authtest.PersonOrigin()); fault.CodeOf(err) != fault.ChildCodeRefused {
			t.Errorf("%q is a code: %v", guess, err)
		}
		code, cookie := s.Crossing(t, ada, authtest.PageHost, path)
		_, _, way, err := s.Sessions.RedeemChildCode(t.Context(), code, cookie, authtest.PageHost, authtest.PersonOrigin())
		if err != nil {
			t.Fatal(err)
		}
		to, err := home.Parse(way)
		if err != nil || to.Scheme != home.Scheme || to.Host != home.Host || way[0] != '/' {
			t.Errorf("%q leads to %q: %v, %v", path, way, to, err)
		}
		for _, c := range []byte(way) {
			if c <= ' ' || c >= 0x7f || c == '\\' {
				t.Errorf("%q leads to %q, which a browser may read in another way", path, way)
			}
		}
	})
}
