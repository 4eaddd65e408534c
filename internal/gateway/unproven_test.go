package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// counted is a body that knows how much of it was read.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(into []byte) (int, error) {
	n, err := c.Reader.Read(into)
	c.read += n
	return n, err
}

// A head that is not whole, or names no key of ours, is refused without a byte of its body, in every dialect whose signature needs one.
func TestNoBodyIsReadForAHeadThatNamesNoKey(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		for _, d := range []sign.Dialect{sign.Binance, sign.Kraken, sign.OKX, sign.Bybit, sign.KuCoin} {
			key := s.IssueKey(ada, apikey.IssueInput{Dialect: d, Scopes: tradeScopes})
			lines := d.Headers()
			for name, row := range map[string]struct {
				spoil func(http.Header)
				read  bool
			}{
				"whole":             {func(http.Header) {}, true},
				"a line twice":      {func(h http.Header) { h[lines[0]] = append(h[lines[0]], "x") }, false},
				"a line missing":    {func(h http.Header) { delete(h, lines[0]) }, false},
				"no key's name":     {func(h http.Header) { h.Set(lines[0], "x") }, false},
				"another checksum":  {func(h http.Header) { h.Set(lines[0], key.Text()[:len(key.Text())-1]+"!") }, false},
				"a second dialect":  {func(h http.Header) { h.Set("Signature", "x") }, false},
				"a key of our form": {func(h http.Header) { h.Set(lines[0], "spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp") }, false},
			} {
				r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", "")
				row.spoil(r.Header)
				body := &counted{Reader: strings.NewReader("{" + strings.Repeat(" ", 60_000) + "}")}
				r.Body, r.ContentLength = io.NopCloser(body), -1
				if got := s.Do(r); got.StatusCode < 400 || (body.read > 0) != row.read {
					t.Errorf("%v, %s: %d after %d bytes", d, name, got.StatusCode, body.read)
				}
			}
		}
	})
}

// reluctant are bodies of one key from one source, of bytes that arrive and an end that does not come before it is let.
func reluctant(s *authtest.Stack, key authtest.Key, addr string, count, size int) (end func()) {
	ended := make(chan struct{})
	var senders sync.WaitGroup
	for range count {
		r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
		r.RemoteAddr = addr + ":1"
		r.Body, r.ContentLength = io.NopCloser(authtest.Held("{"+strings.Repeat(" ", 2*size), func() { <-ended })), -1
		senders.Go(func() { s.Do(r) })
	}
	synctest.Wait()
	return func() {
		close(ended)
		senders.Wait()
	}
}

// Bodies that are waited for before anybody is known cost what has arrived of them. One source has a share of what there is, and one user's
// keys have one, wherever they are named from; everybody else is served meanwhile.
func TestUnprovenBodiesHaveAShareOfTheirSourceAndOfTheirUser(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		const evil, far, near = "198.51.100.66", "198.51.100.67", "203.0.113.9"
		mallory, ada := s.SignUp("mallory@example.com"), s.SignUp("ada@example.com")
		hers := s.IssueKey(mallory, apikey.IssueInput{Dialect: sign.OKX, Scopes: tradeScopes})
		alsoHers := s.IssueKey(mallory, apikey.IssueInput{Dialect: sign.Bybit, Scopes: tradeScopes})
		okx := s.IssueKey(ada, apikey.IssueInput{Dialect: sign.OKX, Scopes: tradeScopes})
		post := func(key authtest.Key, addr string) (int, string) {
			r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
			r.RemoteAddr = addr + ":1"
			got := s.Do(r)
			return got.StatusCode, got.Header.Get("Retry-After")
		}
		end := reluctant(s, hers, evil, 500, 1) // they have said nothing yet
		if status, _ := post(okx, near); status != http.StatusCreated {
			t.Errorf("beside bodies that do not come: %d", status)
		}
		end()
		time.Sleep(time.Hour) // its budget is whole again
		end = reluctant(s, hers, evil, 4, 1<<20-1)
		for name, row := range map[string]struct {
			key    authtest.Key
			addr   string
			status int
		}{
			"her source":                       {okx, evil, http.StatusServiceUnavailable},
			"her keys from elsewhere":          {alsoHers, far, http.StatusServiceUnavailable},
			"another user from another source": {okx, near, http.StatusCreated},
		} {
			if status, after := post(row.key, row.addr); status != row.status || (after == "1") != (status == http.StatusServiceUnavailable) {
				t.Errorf("%s: %d, again after %q", name, status, after)
			}
		}
		native := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		if status, _ := post(native, evil); status != http.StatusCreated {
			t.Errorf("one whose sender is known: %d", status)
		}
		end()
		if status, _ := post(alsoHers, near); status != http.StatusCreated {
			t.Errorf("afterwards: %d", status)
		}
	})
}

// All of them together have so many bytes.
func TestUnprovenBodiesAreBoundedTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		var ends []func()
		for n := range 16 {
			user := s.SignUp(fmt.Sprintf("user%d@example.com", n))
			key := s.IssueKey(user, apikey.IssueInput{Dialect: sign.OKX, Scopes: tradeScopes})
			ends = append(ends, reluctant(s, key, fmt.Sprintf("198.51.100.%d", n), 4, 1<<20-1))
		}
		key := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Dialect: sign.OKX, Scopes: tradeScopes})
		post := func() int {
			r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
			r.RemoteAddr = "203.0.113.9:1"
			return s.Do(r).StatusCode
		}
		if got := post(); got != http.StatusServiceUnavailable {
			t.Errorf("one more: %d", got)
		}
		for _, end := range ends {
			end()
		}
		if got := post(); got != http.StatusCreated {
			t.Errorf("afterwards: %d", got)
		}
	})
}

// A body that is lost, or too large, costs its source like a wrong signature, so that nobody holds a share for long.
func TestUnprovenBodiesThatAreLostCostTheirSource(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		key := s.IssueKey(s.SignUp("mallory@example.com"), apikey.IssueInput{Dialect: sign.OKX, Scopes: tradeScopes})
		for name, body := range map[string]io.Reader{"lost": iotest.ErrReader(io.ErrUnexpectedEOF), "too large": strings.NewReader(strings.Repeat(" ", 2<<20))} {
			counts := map[int]int{}
			for range 100 {
				r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
				r.RemoteAddr = "198.51.100.66:1"
				r.Body, r.ContentLength = io.NopCloser(body), -1
				counts[s.Do(r).StatusCode]++
			}
			if counts[http.StatusTooManyRequests] < 50 {
				t.Errorf("%s: %v", name, counts)
			}
			time.Sleep(time.Hour)
		}
	})
}
