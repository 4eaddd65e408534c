package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// What becomes of a key's open orders is what its owner chose, and nobody else's orders are touched.
func TestOpenOrdersOfAKeyThatEnds(t *testing.T) {
	host := principal.Host("tests")
	for _, tt := range []struct {
		name string
		end  func(s *authtest.Stack, clock *storetest.Clock, k authtest.Key) error
	}{
		{"frozen", func(s *authtest.Stack, _ *storetest.Clock, k authtest.Key) error {
			return s.APIKeys.Stop(t.Context(), host, k.ID, apikey.Freeze)
		}},
		{"revoked", func(s *authtest.Stack, _ *storetest.Clock, k authtest.Key) error {
			return s.APIKeys.Revoke(t.Context(), host, k.ID)
		}},
		{"expired", func(s *authtest.Stack, clock *storetest.Clock, _ authtest.Key) error {
			clock.Advance(25 * time.Hour)
			return s.Sweep(t.Context())
		}},
		{"stopped by the link of a notice", func(s *authtest.Stack, _ *storetest.Clock, k authtest.Key) error {
			s.Settle()
			letters := s.Mailbox.Letters("ada@example.com")
			mine := slices.IndexFunc(letters, func(l authtest.Letter) bool { return l.Notice == notify.KeyCreated && l.Facts["key"] == k.Text() })
			_, err := s.Notices.Contain(t.Context(), authtest.PersonOrigin(), "en", strings.TrimPrefix(letters[mine].Link, "/not-me/"))
			return err
		}},
		{"frozen with its owner's account", func(s *authtest.Stack, _ *storetest.Clock, k authtest.Key) error {
			return s.Locks.Lock(t.Context(), host, s.KeyNow(k.ID).Owner)
		}},
		{"frozen by a recovery", func(s *authtest.Stack, _ *storetest.Clock, k authtest.Key) error {
			recovered := happening.Happening{Kind: happening.RecoveryCompleted, User: s.KeyNow(k.ID).Owner}
			return store.Of[apikey.Tx](s.Store).Update(t.Context(), func(tx apikey.Tx) (audit.Event, error) {
				return audit.Quiet(audit.Housekeeping), s.Consequences.Apply(t.Context(), tx, recovered)
			})
		}},
	} {
		for _, wish := range []apikey.OnEnd{apikey.LeaveOrders, apikey.CancelOrders} {
			t.Run(tt.name+" "+string(wish), func(t *testing.T) {
				clock := storetest.NewClock()
				s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
				ada := s.SignUp("ada@example.com")
				scopes := []string{"orders:read", "orders:write"}
				bot := s.IssueKey(ada, apikey.IssueInput{Scopes: scopes, OnEnd: wish, Life: 24 * time.Hour})
				other := s.IssueKey(ada, apikey.IssueInput{Scopes: scopes})
				clock.Advance(3 * time.Second)
				ask := func(k authtest.Key, method, path, body string) authtest.Reply {
					return s.Browser("203.0.113.7").Do(s.Signed(k, method, authtest.APIHost, path, body))
				}
				for _, k := range []authtest.Key{bot, other} {
					placed := ask(k, http.MethodPost, "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"1000000","volume":"0.01"}`)
					if placed.Status != http.StatusCreated {
						t.Fatalf("place: %d %s", placed.Status, placed.Text)
					}
				}
				if err := tt.end(s, clock, bot); err != nil {
					t.Fatal(err)
				}
				s.Settle()
				want := map[apikey.OnEnd]int{apikey.LeaveOrders: 2, apikey.CancelOrders: 1}[wish]
				open := ask(other, http.MethodGet, "/v1/orders/open", "")
				if got := strings.Count(open.Text, `"uuid"`); open.Status != http.StatusOK || got != want {
					t.Errorf("%d orders are open, want %d: %s", got, want, open.Text)
				}
			})
		}
	}
}

// A member's key stops with what becomes of the account or of their role in it, and what it says of its open orders is done then too.
func TestOpenOrdersOfAMembersKey(t *testing.T) {
	for name, end := range map[string]func(s *authtest.Stack, host principal.Principal, ada, ben id.User) error{
		"an owner locks the account": func(s *authtest.Stack, host principal.Principal, ada, _ id.User) error {
			return s.Locks.Lock(t.Context(), host, ada)
		},
		"its owner becomes a viewer": func(s *authtest.Stack, host principal.Principal, _, ben id.User) error {
			return s.Members.SetRole(t.Context(), host, ben, principal.Viewer)
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
			ada, ben := s.SignUp("ada@example.com").Principal(), s.SignUp("ben@example.com").Principal()
			err := store.Of[member.Tx](s.Store).Update(t.Context(), func(tx member.Tx) (audit.Event, error) {
				return audit.Quiet(audit.Housekeeping), tx.InsertMember(t.Context(), ada.Account, ben.User, principal.Trader, clock.Now())
			})
			if err != nil {
				t.Fatal(err)
			}
			scopes := []string{"orders:read", "orders:write"}
			own := s.IssueKeyTo(ada.Account, ada.User, apikey.IssueInput{Scopes: scopes, OnEnd: apikey.LeaveOrders})
			cancels := s.IssueKeyTo(ada.Account, ben.User, apikey.IssueInput{Scopes: scopes, OnEnd: apikey.CancelOrders})
			leaves := s.IssueKeyTo(ada.Account, ben.User, apikey.IssueInput{Scopes: scopes, OnEnd: apikey.LeaveOrders})
			clock.Advance(3 * time.Second)
			ask := func(k authtest.Key, method, path, body string) authtest.Reply {
				return s.Browser("203.0.113.7").Do(s.Signed(k, method, authtest.APIHost, path, body))
			}
			for _, k := range []authtest.Key{own, cancels, leaves} {
				placed := ask(k, http.MethodPost, "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"1000000","volume":"0.01"}`)
				if placed.Status != http.StatusCreated {
					t.Fatalf("place: %d %s", placed.Status, placed.Text)
				}
			}
			host := principal.Host("tests")
			host.Account = ada.Account
			if err := end(s, host, ada.User, ben.User); err != nil {
				t.Fatal(err)
			}
			s.Settle()
			open := ask(own, http.MethodGet, "/v1/orders/open", "")
			if got := strings.Count(open.Text, `"uuid"`); open.Status != http.StatusOK || got != 2 {
				t.Errorf("%d orders are open, want the two that are left: %d %s", got, open.Status, open.Text)
			}
		})
	}
}

// A platform that fails is told again. What the key placed by its end is cancelled then, and what it placed since, unfrozen again, stays.
func TestAPlatformThatFailsIsToldAgain(t *testing.T) {
	host, clock := principal.Host("tests"), storetest.NewClock()
	var s *authtest.Stack
	failures, told := 2, []string{}
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys/ended" {
			body, _ := io.ReadAll(r.Body)
			told, r.Body = append(told, string(body)), io.NopCloser(bytes.NewReader(body))
			if len(told) <= failures {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
		}
		s.Exchange.Handler().ServeHTTP(w, r)
	}))
	defer platform.Close()
	s = authtest.StartWith(t, authtest.Options{Now: clock.Now, Upstream: platform.URL})
	bot := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:read", "orders:write"}, OnEnd: apikey.CancelOrders})
	ask := func(method, path, body string) authtest.Reply {
		return s.Browser("203.0.113.7").Do(s.Signed(bot, method, authtest.APIHost, path, body))
	}
	place := func(identifier string) {
		t.Helper()
		clock.Advance(3 * time.Second)
		got := ask(http.MethodPost, "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"1000000","volume":"0.01","identifier":"`+identifier+`"}`)
		if got.Status != http.StatusCreated {
			t.Fatalf("place: %d %s", got.Status, got.Text)
		}
	}
	place("before")
	s.Settle()
	if err := s.APIKeys.Stop(t.Context(), host, bot.ID, apikey.Freeze); err != nil {
		t.Fatal(err)
	}
	for range failures {
		if _, err := s.Store.DrainDue(t.Context(), s.Handlers()); err == nil || !strings.Contains(err.Error(), "answered 500") {
			t.Fatalf("a platform that fails: %v", err)
		}
	}
	if err := s.APIKeys.Resume(t.Context(), host, bot.ID, apikey.Freeze); err != nil {
		t.Fatal(err)
	}
	place("since")
	s.Settle()
	open := ask(http.MethodGet, "/v1/orders/open", "").Text
	if strings.Contains(open, `"before"`) || !strings.Contains(open, `"since"`) {
		t.Errorf("open: %s", open)
	}
	if len(told) != failures+1 || told[0] != told[failures] || !strings.Contains(told[0], `"why":"key_frozen"`) {
		t.Errorf("told: %q", told)
	}
}

// What a key's time ends is told at the next look at the keys, with the moment of the end itself: what was placed before it is meant.
func TestAnEndByTimeIsToldWithItsMoment(t *testing.T) {
	for name, tt := range map[string]struct {
		in    apikey.IssueInput
		after time.Duration
	}{
		"key_expired": {apikey.IssueInput{Life: 24 * time.Hour}, 24 * time.Hour},
		"key_lapsed":  {apikey.IssueInput{Life: 90 * 24 * time.Hour, Standby: true}, 30 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			var told []string
			platform := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				told = append(told, string(body))
			}))
			defer platform.Close()
			s := authtest.StartWith(t, authtest.Options{Now: clock.Now, Upstream: platform.URL})
			tt.in.Scopes = []string{"orders:read", "orders:write"}
			bot := s.IssueKey(s.SignUp("ada@example.com"), tt.in)
			ends := s.KeyNow(bot.ID).Born.Add(tt.after)
			clock.Advance(ends.Sub(clock.Now()) + 7*time.Minute)
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Settle()
			want := `"why":"` + name + `","at":"` + ends.UTC().Format(time.RFC3339Nano) + `"`
			if len(told) != 1 || !strings.Contains(told[0], want) {
				t.Errorf("told %q, want %s", told, want)
			}
		})
	}
}

// The path at which a platform hears of keys is offered to nobody.
func TestNobodyTellsThePlatformButUs(t *testing.T) {
	s := authtest.Start(t)
	bot := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:write", "orders:cancel"}})
	r := s.Signed(bot, http.MethodPost, authtest.APIHost, "/keys/ended", `{"key_id":"`+bot.Text()+`","on_end":"cancel_all"}`)
	if got := s.Browser("203.0.113.7").Do(r); got.Code != fault.GatewayNoRoute {
		t.Errorf("%d %s", got.Status, got.Code)
	}
}
