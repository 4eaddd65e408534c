package gateway_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// failures sends a hundred requests that fail, of six kinds, and says how many of each kind there were.
func failures(t *testing.T, s *authtest.Stack, who principal.Principal) (sent map[fault.Code]int, look authtest.Key) {
	t.Helper()
	issue := func(in apikey.IssueInput) authtest.Key { return s.IssueKeyTo(who.Account, who.User, in) }
	look = issue(apikey.IssueInput{Scopes: []string{"balances:read"}})
	fenced := issue(apikey.IssueInput{Scopes: tradeScopes, Allowlist: []string{"198.51.100.0/24"}})
	revoked, frozen := issue(apikey.IssueInput{}), issue(apikey.IssueInput{Scopes: tradeScopes})
	host := principal.Host("tests")
	if err := s.APIKeys.Revoke(t.Context(), host, revoked.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.APIKeys.Stop(t.Context(), host, frozen.ID, apikey.Freeze); err != nil {
		t.Fatal(err)
	}
	order := `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"1","price":"10000"}`
	ask := func(k authtest.Key, method, target, body string) *http.Request {
		return s.Signed(k, method, authtest.APIHost, target, body)
	}
	kinds := []struct {
		code fault.Code
		make func() *http.Request
	}{
		{fault.KeyScopeMissing, func() *http.Request { return ask(look, http.MethodPost, "/v1/orders", order) }},
		{fault.KeyIPNotAllowed, func() *http.Request { return ask(fenced, http.MethodGet, "/v1/accounts", "") }},
		{fault.KeyRevoked, func() *http.Request { return ask(revoked, http.MethodGet, "/v1/accounts", "") }},
		{fault.KeyFrozen, func() *http.Request { return ask(frozen, http.MethodPost, "/v1/orders", order) }},
		{fault.SignatureNonceReused, func() *http.Request {
			r := ask(look, http.MethodGet, "/v1/accounts", "")
			s.Do(r.Clone(t.Context()))
			return r
		}},
		{fault.SignatureMismatch, func() *http.Request {
			r := ask(look, http.MethodGet, "/v1/accounts", "")
			r.URL.RawQuery = "changed=1"
			return r
		}},
	}
	sent = map[fault.Code]int{}
	for n := range 100 {
		kind := kinds[n%len(kinds)]
		if got := s.Do(kind.make()); got.StatusCode < http.StatusBadRequest {
			t.Fatalf("%s: %d %s", kind.code, got.StatusCode, authtest.Body(t, got))
		}
		sent[kind.code]++
		time.Sleep(time.Second)
	}
	time.Sleep(2 * time.Minute)
	s.Settle()
	return sent, look
}

// tell counts what a search found.
func tell(list []audit.Told) (counted map[fault.Code]int) {
	counted = map[fault.Code]int{}
	for _, e := range list {
		n, _ := strconv.Atoi(e.Readable.Facts["count"])
		counted[fault.Code(e.Readable.Facts["reason"])] += n
	}
	return counted
}

// A hundred failures of six kinds are found by each kind's code, by key and by time: in the owner's search, in the host's, and in the privacy copy.
func TestFailuresAreFoundByTheirCode(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.Browser("203.0.113.7")
		ada.SignUp("ada@example.com")
		app := ada.EnrolTOTP()
		sent, look := failures(t, s, ada.Principal())
		inExport := reasonsIn(t, ada.StepUp(http.MethodPost, "/v1/privacy/copy", nil, app).Text)
		who := ada.Principal()
		for code, n := range sent {
			var found []audit.Told
			for before := int64(0); ; {
				list, next, err := s.Log.Search(t.Context(), who, audit.Filter{Code: string(code)}, before, 7)
				if err != nil {
					t.Fatal(err)
				}
				if found = append(found, list...); next == 0 {
					break
				}
				before = next
			}
			if diff := cmp.Diff(map[fault.Code]int{code: n}, tell(found)); diff != "" {
				t.Errorf("the owner looks for %s:\n%s", code, diff)
			}
			if diff := cmp.Diff(map[fault.Code]int{code: n}, tell(all(t, s, audit.Filter{Code: string(code)}))); diff != "" {
				t.Errorf("the host looks for %s:\n%s", code, diff)
			}
			if inExport[code] != n {
				t.Errorf("the export tells %d of %d %s", inExport[code], n, code)
			}
		}
		byKey := tell(all(t, s, audit.Filter{Key: look.ID, KeyText: s.APIKeys.Find(look.ID).Text()}))
		delete(byKey, "") // that it was made
		want := map[fault.Code]int{}
		for _, code := range []fault.Code{fault.KeyScopeMissing, fault.SignatureNonceReused, fault.SignatureMismatch} {
			want[code] = sent[code]
		}
		if diff := cmp.Diff(want, byKey); diff != "" {
			t.Errorf("by key:\n%s", diff)
		}
		list, next, err := s.Log.Search(t.Context(), who, audit.Filter{Code: string(fault.KeyFrozen), Since: s.Now()}, 0, 10)
		if len(list) != 0 || next != 0 || err != nil {
			t.Errorf("since now: %d events, next %d, %v", len(list), next, err)
		}
		if err := s.Log.SearchAll(t.Context(), who, audit.Filter{}, nil); fault.CodeOf(err) != fault.Forbidden {
			t.Errorf("somebody searches the whole log: %v", err)
		}
		searches := 0
		for _, e := range all(t, s, audit.Filter{}) {
			if e.Action == audit.AuditSearched {
				searches++
			}
		}
		if searches != len(sent)+2 {
			t.Errorf("%d searches of the host's are recorded", searches)
		}
	})
}

func all(t *testing.T, s *authtest.Stack, f audit.Filter) (found []audit.Told) {
	t.Helper()
	if err := s.Log.SearchAll(t.Context(), principal.Host("tests"), f, func(e audit.Told) error {
		found = append(found, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// reasonsIn counts the refusals anywhere in a JSON document.
func reasonsIn(t *testing.T, text string) map[fault.Code]int {
	t.Helper()
	var document any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	counted := map[fault.Code]int{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			reason, _ := v["reason"].(string)
			times, _ := v["count"].(string)
			if n, err := strconv.Atoi(times); err == nil {
				counted[fault.Code(reason)] += n
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(document)
	return counted
}
