package gateway_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// An order whose body trickles in is placed by whoever its sender is at the last byte.
func TestAHeldOrderIsPlacedForNobodyWhoIsGone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		key := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
		r.Body = io.NopCloser(authtest.Held(order, func() {
			if err := s.APIKeys.Revoke(t.Context(), principal.Host("tests"), key.ID); err != nil {
				t.Error(err)
			}
		}))
		if got := s.Browser("203.0.113.7").Do(r); got.Code != fault.KeyRevoked {
			t.Errorf("with a key: %d %s", got.Status, got.Text)
		}
		if n := ordersOf(t, s, ada); n != 0 {
			t.Errorf("%d orders were placed", n)
		}
	})
}

func TestAHeldOrderOfAPageIsPlacedForNobodyWhoIsGone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		b := s.Browser("203.0.113.7")
		b.SignUp("ada@example.com")
		b.EnrolTOTP()
		b.Enter()
		form := url.Values{"market": {"KRW-BTC"}, "side": {"bid"}, "type": {"limit"}, "price": {"50000000"}, "quantity": {"0.0001"}}.Encode()
		send := func(meanwhile func()) authtest.Reply {
			r := b.Request(http.MethodPost, authtest.PageOrigin+"/orders", "")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Body = io.NopCloser(authtest.Held(form, meanwhile))
			return b.Do(r)
		}
		if got := send(func() {}); got.Status != http.StatusSeeOther || got.Code != "" {
			t.Fatalf("an order that nobody stops: %d %s", got.Status, got.Text)
		}
		if got := send(func() {
			if err := s.Sessions.SignOut(t.Context(), b.Principal()); err != nil {
				t.Error(err)
			}
		}); got.Code != fault.SessionEnded {
			t.Errorf("with a session that ended: %d %s", got.Status, got.Text)
		}
	})
}

// A link from somebody else cannot sign its reader in as them: the code opens in the browser that set out for it, and in no other.
func TestACodeOpensInItsOwnBrowserOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		victim := s.Browser("203.0.113.7")
		victim.SignUp("ada@example.com")
		victim.Enter()
		own := victim.Cookies[authtest.PageHost][httpx.SessionCookie]
		follow := func(query string) authtest.Reply {
			r := victim.Request(http.MethodGet, authtest.PageOrigin+"/.sallyport/enter?"+query, "")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return victim.Do(r)
		}
		code, _ := s.Crossing(t, s.SignUp("mallory@example.com").Principal(), authtest.PageHost, "/")
		for _, way := range []string{victim.Cookies[authtest.PageHost][httpx.WayCookie], "", "x"} {
			victim.Cookies[authtest.PageHost][httpx.WayCookie] = way
			if got := follow("code=" + string(code.Reveal())); got.Code != fault.ChildCodeRefused || got.Header.Get("Set-Cookie") != "" {
				t.Errorf("with the cookie %q: %d %v", way, got.Status, got.Header)
			}
		}
		if got := victim.Cookies[authtest.PageHost][httpx.SessionCookie]; got != own {
			t.Errorf("the victim's session on the host is %q, was %q", got, own)
		}
		if r := s.Browser("203.0.113.7"); r.Do(r.Request(http.MethodGet, authtest.PageOrigin+"/.sallyport/enter?code=short", "")).Code != fault.ChildCodeRefused {
			t.Error("what is no code is not refused")
		}
	})
}

// Who opens a host again leaves nothing behind that nobody could sign out.
func TestOpeningAHostAgainEndsTheChildBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		b := s.Browser("203.0.113.7")
		b.SignUp("ada@example.com")
		var bearers []string
		for range 3 {
			b.Enter()
			bearers = append(bearers, b.Cookies[authtest.PageHost][httpx.SessionCookie])
		}
		for i, bearer := range bearers {
			_, err := s.Sessions.Authenticate([]byte(bearer), authtest.PageHost, authtest.PersonOrigin())
			if live := i == len(bearers)-1; (err == nil) != live {
				t.Errorf("child %d: %v, want live %t", i, err, live)
			}
		}
		list, err := s.Sessions.List(t.Context(), b.Principal())
		if err != nil || len(list) != 1 || len(list[0].Children) != 1 || list[0].Children[0].Host != authtest.PageHost {
			t.Errorf("the owner sees %+v, %v", list, err)
		}
	})
}
