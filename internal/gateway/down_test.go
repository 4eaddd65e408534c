package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// answerOf is the code of a refusal, or its status where it is none.
func answerOf(t *testing.T, r *http.Response) string {
	t.Helper()
	var problem struct{ Code string }
	body := authtest.Body(t, r)
	if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Code == "" {
		return fmt.Sprint(r.StatusCode)
	}
	return problem.Code
}

// A node whose database is gone goes on for a while with what it knows, harmless things longest.
func TestADatabaseThatIsGoneStopsTradeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.Start(t)
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: tradeScopes})
		untimed := s.IssueKey(s.SignUp("bob@example.com"), apikey.IssueInput{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
		ctx, stop := context.WithCancel(t.Context())
		followed := make(chan struct{})
		go func() {
			defer close(followed)
			s.Store.Follow(ctx, func(error) {})
		}()
		time.Sleep(5 * time.Second)
		ask := func(method, target, body string) string {
			answer := s.Do(s.Signed(key, method, authtest.APIHost, target, body))
			if answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
				t.Errorf("%s %s: 503 without Retry-After", method, target)
			}
			return answerOf(t, answer)
		}
		type answers struct{ Order, Cancel, Look, Market, Untimed string }
		now := func() answers {
			return answers{
				Order:  ask(http.MethodPost, "/v1/orders", order),
				Cancel: ask(http.MethodDelete, "/v1/orders/open", ""),
				Look:   ask(http.MethodGet, "/v1/accounts", ""), Market: ask(http.MethodGet, "/v1/ticker?markets=KRW-BTC", ""),
				Untimed: answerOf(t, s.Do(s.Signed(untimed, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))),
			}
		}
		well := answers{"201", "200", "200", "200", "200"}
		if diff := cmp.Diff(well, now()); diff != "" {
			t.Fatalf("while the database answers (-want +got):\n%s", diff)
		}
		_ = s.Store.Close()
		well.Untimed = "unavailable"
		gone := time.Now()
		for _, step := range []struct {
			after time.Duration
			want  answers
		}{
			{1500 * time.Millisecond, well},
			{2500 * time.Millisecond, answers{"stale", "200", "200", "200", "unavailable"}},
			{119 * time.Second, answers{"stale", "200", "200", "200", "unavailable"}},
			{121 * time.Second, answers{"stale", "stale", "stale", "200", "unavailable"}},
		} {
			time.Sleep(time.Until(gone.Add(step.after)))
			if diff := cmp.Diff(step.want, now()); diff != "" {
				t.Errorf("%v after the database went (-want +got):\n%s", step.after, diff)
			}
		}
		stop()
		<-followed
	})
}

// What ccxt's class for Upbit makes of a refusal: a body with a member "error" by its name, and any other by its status. So 429 must come
// without that member, or a bot never learns to wait.
func TestUpbitClientsAreToldToWait(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
		for range 100 {
			r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			token := []byte(r.Header.Get("Authorization"))
			token[len(token)-5] = map[bool]byte{true: 'B', false: 'A'}[token[len(token)-5] == 'A']
			r.Header.Set("Authorization", string(token))
			answer := s.Do(r)
			var body map[string]any
			if err := json.Unmarshal([]byte(authtest.Body(t, answer)), &body); err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != http.StatusTooManyRequests {
				if told, _ := body["error"].(map[string]any); told["name"] != "jwt_verification" {
					t.Fatalf("a wrong signature: %d %v", answer.StatusCode, body)
				}
				continue
			}
			if body["name"] != "too_many_requests" || body["error"] != nil || answer.Header.Get("Retry-After") == "" {
				t.Errorf("429 %v, Retry-After %q", body, answer.Header.Get("Retry-After"))
			}
			return
		}
		t.Error("a hundred wrong signatures, and nobody was told to wait")
	})
}

func TestUntimedNoncesOfOneKeyAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.StartWith(t, authtest.Options{YAML: "keys: {untimed_nonces: 5}\n"})
		time.Sleep(5 * time.Second)
		ada := s.SignUp("ada@example.com")
		issue := func(name string) authtest.Key {
			return s.IssueKey(ada, apikey.IssueInput{Name: name, Purpose: "tests", Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
		}
		look := func(k authtest.Key) (int, string) {
			answer := s.Do(s.Signed(k, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
			return answer.StatusCode, authtest.Body(t, answer)
		}
		one, other := issue("one"), issue("other")
		for n := range 8 {
			status, body := look(one)
			if n < 5 && status != http.StatusOK || n >= 5 && (status != http.StatusUnauthorized || !strings.Contains(body, `"invalid_access_key"`)) {
				t.Errorf("request %d: %d %s", n, status, body)
			}
		}
		if status, body := look(other); status != http.StatusOK {
			t.Errorf("the owner's other key: %d %s", status, body)
		}
		s.Settle()
		if got := refusedReasons(t, s, ada); !strings.Contains(got, "key.used_up") {
			t.Errorf("Activity tells %q", got)
		}
		// Nothing of a key that has ended is kept, and nothing of one that lives is forgotten.
		if err := s.APIKeys.Revoke(t.Context(), ada.Principal(), one.ID); err != nil {
			t.Fatal(err)
		}
		replayed := s.Signed(other, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
		s.Do(replayed.Clone(t.Context()))
		time.Sleep(48 * time.Hour)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.Do(replayed); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("a spent token of a living key after the sweep: %d", got.StatusCode)
		}
	})
}

// A flood from a whole network costs its victim a bounded number of events, and tells them apart from what matters.
func TestAFloodOfRefusalsLeavesAFewEvents(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		key := s.IssueKey(ada, apikey.IssueInput{})
		s.Settle()
		before, err := s.Log.VerifyAll(t.Context(), audit.Head{})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3000 {
			r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			r.Header.Set("Signature", "sig1=:"+strings.Repeat("A", 86)+"==:")
			r.RemoteAddr = fmt.Sprintf("[2001:db8:%x::1]:5", n%1000)
			s.Do(r)
		}
		s.Settle()
		time.Sleep(2 * time.Minute)
		s.Settle()
		after, err := s.Log.VerifyAll(t.Context(), audit.Head{})
		if err != nil || after.Events-before.Events > 2*66 {
			t.Errorf("3000 refusals left %d events, %v", after.Events-before.Events, err)
		}
		if got := refusedReasons(t, s, ada); !strings.Contains(got, "refused.more") {
			t.Errorf("Activity does not tell that there were more: %q", got)
		}
	})
}

// "Clock off by more than 1 s": signed requests outside the window are refused, whichever clock is off; inside it they pass.
func TestAClockThatIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := time.Duration(0)
		s := authtest.StartWith(t, authtest.Options{Now: func() time.Time { return time.Now().Add(off) }})
		time.Sleep(time.Hour)
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: tradeScopes})
		for _, row := range []struct {
			off  time.Duration
			want string
		}{
			{0, "201"},
			{-900 * time.Millisecond, "201"},
			{-3 * time.Second, "signature.ahead"},
			{50 * time.Second, "201"},
			{62 * time.Second, "signature.too_old"},
			{-time.Hour, "signature.ahead"},
		} {
			off = 0
			r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
			off = row.off
			if got := answerOf(t, s.Do(r)); got != row.want {
				t.Errorf("our clock %v off: %s, want %s", row.off, got, row.want)
			}
		}
	})
}
