package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// lacking brings a browser over to the exchange's page in whose session a proof is missing, each for one of the four reasons.
var lacking = []struct {
	reason fault.Code
	needs  string
	enter  func(t *testing.T, s *authtest.Stack) *authtest.Browser
}{
	{fault.AssuranceTooLow, "mfa", func(_ *testing.T, s *authtest.Stack) *authtest.Browser {
		b := s.Browser("203.0.113.7")
		b.SignUp("ada@example.com")
		b.Enter()
		return b
	}},
	{fault.SessionIdle, "mfa", func(_ *testing.T, s *authtest.Stack) *authtest.Browser {
		b := traderIn(s)
		time.Sleep(31 * time.Minute)
		return b
	}},
	{fault.SessionUnusual, "mfa", func(_ *testing.T, s *authtest.Stack) *authtest.Browser {
		b := traderIn(s)
		b.Agent = "curl/8.5.0"
		return b
	}},
	{fault.DeviceUnknown, "phr", func(t *testing.T, s *authtest.Stack) *authtest.Browser {
		bob := s.SignUp("bob@example.com")
		bob.EnrolPasskey()
		time.Sleep(time.Minute)
		b := s.Browser("198.51.100.7")
		if got := b.SignIn(bob.Mail, authtest.Password, ""); got.Status != http.StatusOK {
			t.Fatalf("sign-in: %d %s", got.Status, got.Text)
		}
		b.Enter()
		return b
	}},
}

// traderIn is the browser of somebody with two factors, on the exchange's page.
func traderIn(s *authtest.Stack) *authtest.Browser {
	b := s.Browser("203.0.113.7")
	b.SignUp("ada@example.com")
	secret := b.EnrolTOTP()
	time.Sleep(time.Minute)
	b.SignIn("ada@example.com", authtest.Password, secret)
	b.Enter()
	return b
}

// clicked is an order that somebody places on the exchange's page.
func clicked(t *testing.T, b *authtest.Browser) *http.Request {
	t.Helper()
	r := plain(t, http.MethodPost, authtest.PageHost, "/v1/orders")
	r.RemoteAddr = b.Addr + ":40000"
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Referer", authtest.PageOrigin+"/markets?q=1")
	r.Header.Set("User-Agent", b.Agent)
	r.AddCookie(&http.Cookie{Name: httpx.SessionCookie, Value: b.Cookies[authtest.PageHost][httpx.SessionCookie]})
	return r
}

// stepUpAsked is what a front end reads of a refusal.
type stepUpAsked struct {
	Code   fault.Code
	Fields struct {
		Reason  fault.Code
		Needs   string
		Missing []string
		URL     string
	}
}

// A front end switches on one code, whichever door answers and whatever the reason: it says what is missing and where that is given.
func TestEveryDoorAsksForAStepUpInOneWay(t *testing.T) {
	for _, row := range lacking {
		for _, door := range []string{"gateway", "x-forwarded", "x-original"} {
			t.Run(string(row.reason)+" "+door, func(t *testing.T) {
				convention := strings.ReplaceAll(door, "gateway", "x-forwarded")
				withProxy(t, convention, func(t *testing.T, s *authtest.Stack) {
					b := row.enter(t, s)
					var got *http.Response
					if door == "gateway" {
						got = s.Do(clicked(t, b))
					} else {
						got = ask(s, question(t, door, clicked(t, b)))
					}
					var told stepUpAsked
					if err := json.Unmarshal([]byte(authtest.Body(t, got)), &told); err != nil {
						t.Fatal(err)
					}
					where := authtest.Origin + "/go/" + url.PathEscape(authtest.PageHost) + "?needs=" + row.needs + "&path=%2Fmarkets"
					want := stepUpAsked{Code: fault.StepUpRequired}
					want.Fields.Reason, want.Fields.Needs, want.Fields.URL = row.reason, row.needs, where
					want.Fields.Missing = told.Fields.Missing
					if diff := cmp.Diff(want, told); diff != "" || len(told.Fields.Missing) == 0 {
						t.Errorf("(-want +got):\n%s missing %v", diff, told.Fields.Missing)
					}
					heads := []string{got.Header.Get("Sallyport-Refusal"), got.Header.Get("Sallyport-Step-Up")}
					if got.StatusCode != http.StatusForbidden || !slices.Equal(heads, []string{"step_up_required", where}) {
						t.Errorf("%d %v", got.StatusCode, heads)
					}
				})
			})
		}
	}
}

// Whoever opens a page is brought to the proof, and told in the log of their account what the reason was.
func TestAPersonWhoOpensAPageIsBroughtToTheProof(t *testing.T) {
	withRoutes(t, map[string]string{"path: /v1/accounts,": "assurance: phr"}, "", func(t *testing.T, s *authtest.Stack) {
		b := traderIn(s)
		r := b.Request(http.MethodGet, authtest.PageOrigin+"/v1/accounts?x=1", "")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		got := b.Do(r)
		want := authtest.Origin + "/go/" + url.PathEscape(authtest.PageHost) + "?needs=phr&path=%2Fv1%2Faccounts%3Fx%3D1"
		if got.Status != http.StatusSeeOther || got.Header.Get("Location") != want {
			t.Errorf("%d %q, want %q", got.Status, got.Header.Get("Location"), want)
		}
		if page := b.Do(b.Request(http.MethodGet, want, "")); page.Status != http.StatusOK || !strings.Contains(page.Text, "Add a passkey") {
			t.Errorf("who has no passkey is shown %d %s", page.Status, page.Text)
		}
	})
}

// The proof opens the way: at the address of the refusal it is given once, the reader is back at the exchange, and the order passes.
func TestTheAddressOfAStepUpLeadsBack(t *testing.T) {
	withProxy(t, "x-forwarded", func(t *testing.T, s *authtest.Stack) {
		b := s.Browser("203.0.113.7")
		b.SignUp("ada@example.com")
		secret := b.EnrolTOTP()
		b.Enter()
		time.Sleep(31 * time.Minute)
		var told stepUpAsked
		if err := json.Unmarshal([]byte(authtest.Body(t, s.Do(clicked(t, b)))), &told); err != nil || told.Fields.Reason != fault.SessionIdle {
			t.Fatalf("%v %+v", err, told)
		}
		page := b.Do(b.Request(http.MethodGet, told.Fields.URL, ""))
		const back = "/go/" + authtest.PageHost + "?path=%2Fmarkets"
		if page.Status != http.StatusOK || !strings.Contains(page.Text, `name="return_to" value="`+back+`"`) || !strings.Contains(page.Text, "a proof given just now") {
			t.Fatalf("the page of the proof: %d %s", page.Status, page.Text)
		}
		if got := b.StepUp(http.MethodPost, "/v1/session/restore", nil, secret); got.Status >= http.StatusMultipleChoices {
			t.Fatalf("the proof: %d %s", got.Status, got.Text)
		}
		way := b.Do(b.Request(http.MethodGet, authtest.Origin+back, ""))
		if !strings.Contains(way.Text, authtest.PageOrigin+"/.sallyport/enter?path=%2Fmarkets") {
			t.Errorf("the way back: %d %s", way.Status, way.Text)
		}
		if got := s.Do(clicked(t, b)); got.Header.Get("Sallyport-Refusal") == string(fault.StepUpRequired) {
			t.Errorf("after the proof: %d %s", got.StatusCode, authtest.Body(t, got))
		}
	})
}

// A route may ask for properties by name: the refusal names the one that is missing and where it is given, and a key is refused at once.
func TestARouteMayAskForPropertiesOfAProof(t *testing.T) {
	asks := map[string]string{"path: /v1/orders,": "needs: [fresh]", "path: /v1/accounts,": "needs: [phishing_resistant]"}
	withRoutes(t, asks, "", func(t *testing.T, s *authtest.Stack) {
		b := traderIn(s)
		missing := func(r *http.Request) (list []string, needs string) {
			got := s.Do(r)
			var told stepUpAsked
			if body := authtest.Body(t, got); got.Header.Get("Sallyport-Refusal") == string(fault.StepUpRequired) {
				if err := json.Unmarshal([]byte(body), &told); err != nil || told.Fields.URL == "" {
					t.Errorf("%v %s", err, body)
				}
			}
			return told.Fields.Missing, told.Fields.Needs
		}
		if list, _ := missing(clicked(t, b)); list != nil {
			t.Errorf("a proof of this minute lacks %v", list)
		}
		time.Sleep(5*time.Minute + time.Second)
		if list, needs := missing(clicked(t, b)); !slices.Equal(list, []string{"fresh"}) || needs != "mfa" {
			t.Errorf("a proof of five minutes ago lacks %v for %s", list, needs)
		}
		look := clicked(t, b)
		look.Method, look.URL.Path, look.RequestURI = http.MethodGet, "/v1/accounts", "/v1/accounts"
		if list, needs := missing(look); !slices.Contains(list, "phishing_resistant") || needs != "phr" {
			t.Errorf("two factors lack %v for %s", list, needs)
		}
		key := s.IssueKey(s.SignUp("bob@example.com"), apikey.IssueInput{Scopes: []string{"orders:write"}})
		order := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", `{"market":"KRW-BTC"}`)
		if got := s.Do(order).Header.Get("Sallyport-Refusal"); got != string(fault.KeyPersonOnly) {
			t.Errorf("a key: %q", got)
		}
	})
}
