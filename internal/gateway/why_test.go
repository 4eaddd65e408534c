package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// By the id of a refused request its owner sees what was seen and expected, with a test key the very base; nobody else sees anything, and a
// request that was let through is none of these.
func TestTheOwnerSeesWhyByRequestID(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada, eve := s.SignUp("ada@example.com"), s.SignUp("eve@example.com")
		key := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		spoilt := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
		spoilt.URL.RawQuery = "a=1"
		request := requestOf(t, s.Do(spoilt))
		k, found := s.Tally.Why(ada.Principal(), request)
		if !found || k.Reason != "signature.mismatch" || k.Proven || !strings.Contains(k.ToSign, `"@query": ?a=1`) {
			t.Errorf("the owner finds %t: %+v", found, k)
		}
		if _, found := s.Tally.Why(eve.Principal(), request); found {
			t.Error("somebody else finds it")
		}

		far := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes, Allowlist: []string{"192.0.2.1"}})
		k, found = s.Tally.Why(ada.Principal(), requestOf(t, s.Do(s.Signed(far, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))))
		if !found || k.Reason != "key.ip_not_allowed" || !k.Proven || k.Facts["seen"] == "" || k.Route == "" {
			t.Errorf("from elsewhere: found %t %+v", found, k)
		}
		if _, found := s.Tally.Why(ada.Principal(), requestOf(t, s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")))); found {
			t.Error("a request that was let through is among the refused ones")
		}
	})
}

func requestOf(t *testing.T, a *http.Response) id.Request {
	t.Helper()
	var r id.Request
	if err := json.Unmarshal([]byte(`"`+a.Header.Get("X-Request-Id")+`"`), &r); err != nil {
		t.Fatal(err)
	}
	return r
}
