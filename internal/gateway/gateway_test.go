package gateway_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

var tradeScopes = []string{"balances:read", "orders:read", "orders:write", "orders:cancel"}

const order = `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}`

// inBubble runs a test on a whole stack in simulated time, a while after its start so that the nonce store's birth is past.
func inBubble(t *testing.T, test func(*testing.T, *authtest.Stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := authtest.Start(t)
		time.Sleep(5 * time.Second)
		test(t, s)
	})
}

func TestSignedOrdersReachTheExchange(t *testing.T) {
	for _, kind := range []struct {
		name string
		in   apikey.IssueInput
	}{
		{"Ed25519", apikey.IssueInput{Scopes: tradeScopes}},
		{"HMAC", apikey.IssueInput{Scopes: tradeScopes, Algorithm: sign.HMACSHA256}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				key := s.IssueKey(s.SignUp("ada@example.com"), kind.in)
				placed := s.Do(s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order))
				var answer struct{ UUID string }
				body := authtest.Body(t, placed)
				if err := json.Unmarshal([]byte(body), &answer); err != nil || placed.StatusCode/100 != 2 || answer.UUID == "" {
					t.Fatalf("order: %d %s %v", placed.StatusCode, body, err)
				}
				open := authtest.Body(t, s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/orders/open?market=KRW-BTC", "")))
				if !strings.Contains(open, answer.UUID) {
					t.Errorf("open orders do not list %s: %s", answer.UUID, open)
				}
				cancelled := s.Do(s.Signed(key, http.MethodDelete, authtest.APIHost, "/v1/order?uuid="+answer.UUID, ""))
				if cancelled.StatusCode != http.StatusOK {
					t.Errorf("cancel: %d %s", cancelled.StatusCode, authtest.Body(t, cancelled))
				}
			})
		})
	}
}

// After a start a signature from before it is refused, with how long to wait for one that is not; and that is long enough.
func TestASignatureFromBeforeTheStartIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		before := authtest.StartWith(t, authtest.Options{Folder: folder})
		key := before.IssueKey(before.SignUp("ada@example.com"), apikey.IssueInput{})
		time.Sleep(time.Hour + 300*time.Millisecond)
		s := authtest.StartWith(t, authtest.Options{Folder: folder})
		refused := s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
		wait, err := strconv.Atoi(refused.Header.Get("Retry-After"))
		if body := authtest.Body(t, refused); err != nil || wait < 1 || wait > 2 || !strings.Contains(body, `"code":"signature.sign_again"`) {
			t.Fatalf("got %d, Retry-After %q, %s", refused.StatusCode, refused.Header.Get("Retry-After"), body)
		}
		time.Sleep(time.Duration(wait) * time.Second)
		if again := s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")); again.StatusCode != http.StatusOK {
			t.Errorf("after %d s: %d %s", wait, again.StatusCode, authtest.Body(t, again))
		}
	})
}

func TestPlainUpbitKeysLookUnlessTheCeilingIsLifted(t *testing.T) {
	for _, lifted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			o := authtest.Options{}
			want := http.StatusForbidden
			if lifted {
				o.YAML, want = "dialects: {upbit: {ceiling: trade}}\n", http.StatusCreated
			}
			s := authtest.StartWith(t, o)
			time.Sleep(5 * time.Second)
			key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: tradeScopes, Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
			if got := s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")); got.StatusCode != http.StatusOK {
				t.Errorf("accounts: %d %s", got.StatusCode, authtest.Body(t, got))
			}
			got := s.Do(s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order))
			if got.StatusCode != want {
				t.Errorf("order with ceiling lifted %t: %d %s", lifted, got.StatusCode, authtest.Body(t, got))
			}
		})
	}
}

// refusal is one row: how a request is spoilt, what its sender sees, and what its owner sees in Activity.
type refusal struct {
	name  string
	spoil func(t *testing.T, s *authtest.Stack, k authtest.Key) *http.Request
	// seen by the sender, and by the owner
	sender, owner string
}

func TestRefusalsHaveTheirOwnCodesAndNoneReachesTheExchange(t *testing.T) {
	post := func(s *authtest.Stack, k authtest.Key) *http.Request {
		return s.Signed(k, http.MethodPost, authtest.APIHost, "/v1/orders", order)
	}
	rows := []refusal{
		{"replayed", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			first := post(s, k)
			again := first.Clone(first.Context())
			again.Body, _ = first.GetBody()
			s.Do(first)
			return again
		}, "signature.nonce_reused", "signature.nonce_reused"},
		{"wrong byte in the path", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			r := s.Signed(k, http.MethodPost, authtest.APIHost, "/v1/orders/test", order)
			r.URL.Path, r.RequestURI = "/v1/orders", "/v1/orders"
			return r
		}, "unauthorized", "signature.mismatch"},
		{"wrong byte in the query", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			r := s.Signed(k, http.MethodGet, authtest.APIHost, "/v1/orders/open?market=KRW-BTC", "")
			r.URL.RawQuery, r.RequestURI = "market=KRW-ETH", "/v1/orders/open?market=KRW-ETH"
			return r
		}, "unauthorized", "signature.mismatch"},
		{"wrong byte in the body", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			r := post(s, k)
			other := strings.Replace(order, "0.001", "0.009", 1)
			spoilt := s.Signed(k, http.MethodPost, authtest.APIHost, "/v1/orders", other)
			spoilt.Header = r.Header
			return spoilt
		}, "signature.body_mismatch", "signature.body_mismatch"},
		{"foreign address", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			r := post(s, k)
			r.RemoteAddr = "198.51.100.9:1000"
			return r
		}, "key.ip_not_allowed", "key.ip_not_allowed"},
		{"test key on live", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			return s.Signed(k, http.MethodPost, authtest.LiveHost, "/v1/orders", order)
		}, "key.wrong_environment", "key.wrong_environment"},
		{"revoked key", func(t *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			if err := s.APIKeys.Revoke(t.Context(), principal.Host("tests"), k.ID); err != nil {
				t.Fatal(err)
			}
			return post(s, k)
		}, "key.revoked", "key.revoked"},
		{"expired key", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			time.Sleep(3 * time.Hour)
			return post(s, k)
		}, "key.expired", "key.expired"},
		{"missing scope", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			return s.Signed(k, http.MethodGet, authtest.APIHost, "/v1/deposits", "")
		}, "key.scope_missing", "key.scope_missing"},
		{"too old", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			r := post(s, k)
			time.Sleep(61 * time.Second)
			return r
		}, "signature.too_old", ""},
		{"secret key in a browser", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			r := post(s, k)
			r.Header.Set("Origin", "https://bot.example")
			return r
		}, "key.in_browser", "key.in_browser"},
		{"unsigned", func(_ *testing.T, s *authtest.Stack, k authtest.Key) *http.Request {
			r := post(s, k)
			r.Header.Del("Signature")
			r.Header.Del("Signature-Input")
			return r
		}, "unauthorized", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				ada := s.SignUp("ada@example.com")
				key := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Allowlist: []string{"203.0.113.0/24"}, Life: 2 * time.Hour})
				r := row.spoil(t, s, key)
				before := ordersOf(t, s, ada)
				answer := s.Do(r)
				var problem struct{ Code string }
				body := authtest.Body(t, answer)
				if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Code != row.sender {
					t.Errorf("the sender saw %d %s, want %s", answer.StatusCode, body, row.sender)
				}
				if after := ordersOf(t, s, ada); after != before {
					t.Errorf("the exchange has %d orders, had %d", after, before)
				}
				s.Settle()
				if got := refusedReasons(t, s, ada); row.owner != "" && !strings.Contains(got, row.owner) || row.owner == "" && got != "" {
					t.Errorf("Activity tells %q, want %q", got, row.owner)
				}
			})
		})
	}
}

// ordersOf counts all orders that the exchange ever took from a person, by a key of its own.
func ordersOf(t *testing.T, s *authtest.Stack, p *authtest.Person) int {
	t.Helper()
	look := s.IssueKey(p, apikey.IssueInput{Name: "look", Purpose: "count", Scopes: []string{"orders:read"}})
	total := 0
	for _, target := range []string{"/v1/orders/open", "/v1/orders/closed"} {
		var list []any
		if err := json.Unmarshal([]byte(authtest.Body(t, s.Do(s.Signed(look, http.MethodGet, authtest.APIHost, target, "")))), &list); err != nil {
			t.Fatal(err)
		}
		total += len(list)
	}
	return total
}

func refusedReasons(t *testing.T, s *authtest.Stack, p *authtest.Person) string {
	t.Helper()
	who := p.Principal()
	events, err := s.Log.Activity(t.Context(), who, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, e := range events {
		if e.Action == "request.refused" {
			reasons = append(reasons, e.Readable.Facts["reason"])
		}
	}
	return strings.Join(reasons, " ")
}

func TestIdentityFromOutsideIsRemovedAndOurCookiesStayHere(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{})
		r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
		for _, name := range []string{
			"Sallyport-Assertion", "sallyport_assertion", "X-Forwarded-For", "X-Forwarded-User", "X_Forwarded_User", "Forwarded",
			"X-Original-Url", "X-Http-Method-Override",
		} {
			r.Header[name] = []string{"spoofed"}
		}
		r.Header.Set("Connection", "Sallyport-Assertion, X-Request-Id")
		r.Header.Set("Cookie", "__Host-sid=stolen; theirs=1; __Host-dev=stolen")
		if got := s.Do(r); got.StatusCode != http.StatusOK {
			t.Errorf("accounts: %d %s", got.StatusCode, authtest.Body(t, got))
		}
	})
}

func TestAmbiguousPathsAreRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{})
		for _, target := range []string{
			"/v1/../v1/accounts", "/v1//accounts", "/v1/accounts/.", "/v1%2faccounts", "/v1/%2e%2e/accounts", "/v1/accounts%00", "/v1/acc%6funts",
			`/v1\accounts`, "/v1/accounts;x=1", "/v1/%zz", "http://" + authtest.APIHost + "/v1/accounts",
		} {
			r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			r.RequestURI = target
			if got := s.Do(r); got.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d %s", target, got.StatusCode, authtest.Body(t, got))
			}
		}
	})
}

func TestOneOfAHundredEqualRequestsWins(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: tradeScopes})
		first := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
		codes := make(chan int, 100)
		for range 100 {
			again := first.Clone(first.Context())
			again.Body, _ = first.GetBody()
			go func() { codes <- s.Do(again).StatusCode }()
		}
		counts := map[int]int{}
		for range 100 {
			counts[<-codes]++
		}
		if diff := cmp.Diff(map[int]int{http.StatusCreated: 1, http.StatusUnauthorized: 99}, counts); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAStrangerWhoHammersDoesNotStarveTheOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{})
		statuses := map[int]int{}
		for range 300 {
			r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			mark := []byte(r.Header.Get("Signature"))
			// Another letter of base64, so that it is the signature that is wrong and not its form.
			mark[10] = map[bool]byte{true: 'B', false: 'A'}[mark[10] == 'A']
			r.Header.Set("Signature", string(mark))
			r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr("198.51.100.66"), 1).String()
			statuses[s.Do(r).StatusCode]++
		}
		if statuses[http.StatusTooManyRequests] == 0 || statuses[http.StatusOK] != 0 {
			t.Errorf("the stranger saw %v", statuses)
		}
		for range 50 {
			if got := s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")); got.StatusCode != http.StatusOK {
				t.Fatalf("the owner saw %d %s", got.StatusCode, authtest.Body(t, got))
			}
		}
	})
}

func TestKeysOfOneEnvironmentNeverMeetTheOther(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		live := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Environment: id.Live})
		if got := s.Do(s.Signed(live, http.MethodGet, authtest.APIHost, "/v1/accounts", "")); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("live key on test: %d", got.StatusCode)
		}
		if got := s.Do(s.Signed(live, http.MethodGet, authtest.LiveHost, "/v1/accounts", "")); got.StatusCode != http.StatusOK {
			t.Errorf("live key on live: %d %s", got.StatusCode, authtest.Body(t, got))
		}
	})
}

// Neither door lets a tunnel through, also where a proxy before it has kept Upgrade, a header between two hops, to itself.
func TestNoTunnelToTheUpstream(t *testing.T) {
	withProxy(t, "x-original", func(t *testing.T, s *authtest.Stack) {
		for name, header := range map[string]http.Header{
			"upgrade":                    {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
			"handshake without upgrade":  {"Sec-Websocket-Key": {"x"}, "Sec-Websocket-Version": {"13"}},
			"any header of a handshake":  {"Sec-Websocket-Protocol": {"chat"}},
			"any protocol, not only one": {"Upgrade": {"h2c"}},
		} {
			r := plain(t, http.MethodGet, authtest.APIHost, "/v1/ticker?markets=KRW-BTC")
			if got := s.Do(r.Clone(t.Context())); got.StatusCode != http.StatusOK {
				t.Fatalf("without: %d", got.StatusCode)
			}
			maps.Copy(r.Header, header)
			if got := ask(s, question(t, "x-original", r)); got.StatusCode != http.StatusForbidden || codeOf(t, got) != fault.GatewayNoUpgrade {
				t.Errorf("%s, asked: %d", name, got.StatusCode)
			}
			if got := s.Do(r); got.StatusCode != http.StatusBadRequest || codeOf(t, got) != fault.GatewayNoUpgrade {
				t.Errorf("%s: %d", name, got.StatusCode)
			}
		}
	})
}
