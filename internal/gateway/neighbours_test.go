package gateway_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// TestANetworkEndsWhereItsPrefixEnds: the first and the last address of each network pass, those beside it do not.
func TestANetworkEndsWhereItsPrefixEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		for _, row := range []struct {
			network         string
			inside, outside []string
		}{
			{"203.0.113.128/25", []string{"203.0.113.128", "203.0.113.255"}, []string{"203.0.113.127", "203.0.114.0"}},
			{"203.0.113.4/30", []string{"203.0.113.4", "203.0.113.7"}, []string{"203.0.113.3", "203.0.113.8"}},
			{"203.0.113.9/32", []string{"203.0.113.9"}, []string{"203.0.113.8", "203.0.113.10"}},
			{"2001:db8:1:2::/64", []string{"2001:db8:1:2::", "2001:db8:1:2:ffff:ffff:ffff:ffff"}, []string{"2001:db8:1:1:ffff:ffff:ffff:ffff", "2001:db8:1:3::"}},
			{"2001:db8::7/128", []string{"2001:db8::7"}, []string{"2001:db8::6", "2001:db8::8"}},
		} {
			key := s.IssueKey(ada, apikey.IssueInput{Allowlist: []string{row.network}})
			from := func(addr string, mapped bool) fault.Code {
				r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
				switch {
				case mapped:
					addr = "::ffff:" + addr
					fallthrough
				case len(row.network) > 19 || row.network[4] == ':':
					r.RemoteAddr = "[" + addr + "]:1"
				default:
					r.RemoteAddr = addr + ":1"
				}
				return codeOf(t, s.Do(r))
			}
			for want, list := range map[fault.Code][]string{"": row.inside, fault.KeyIPNotAllowed: row.outside} {
				for _, addr := range list {
					if got := from(addr, false); got != want {
						t.Errorf("%s from %s: %q, want %q", row.network, addr, got, want)
					}
					if row.network[4] == ':' {
						continue
					}
					if got := from(addr, true); got != want {
						t.Errorf("%s from ::ffff:%s: %q, want %q", row.network, addr, got, want)
					}
				}
			}
		}
	})
}

// TestHammeringAKnownKeyCostsItsOwnerNothing: for a minute a stranger with two hundred addresses sends two hundred bad signatures a second in the
// name of a key whose id is known; its owner's bot sends twenty a second. Less than one in a thousand of the bot's may fail; none does.
func TestHammeringAKnownKeyCostsItsOwnerNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Allowlist: []string{"203.0.113.7"}})
		sent, failed, let := 0, 0, 0
		for tick := range 1200 { // 50 ms each
			for n := range 10 {
				r := s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
				mark := []byte(r.Header.Get("Signature"))
				mark[10] = map[bool]byte{true: 'B', false: 'A'}[mark[10] == 'A']
				r.Header.Set("Signature", string(mark))
				r.RemoteAddr = fmt.Sprintf("198.51.100.%d:1", (tick*10+n)%200)
				r.Header.Set("X-Forwarded-For", "203.0.113.7")
				if s.Do(r).StatusCode == http.StatusOK {
					let++
				}
			}
			sent++
			if s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")).StatusCode != http.StatusOK {
				failed++
			}
			time.Sleep(50 * time.Millisecond)
		}
		if failed*1000 >= sent || let > 0 {
			t.Errorf("the owner lost %d of %d; the stranger was let through %d times", failed, sent, let)
		}
	})
}
