package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

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

// All bodies that are waited for before anybody is known have so many bytes together; others are served beside them.
func TestUnprovenBodiesAreBoundedTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		const bodyCap, places = 1 << 20, 64
		ada := s.SignUp("ada@example.com")
		okx := s.IssueKey(ada, apikey.IssueInput{Dialect: sign.OKX, Scopes: tradeScopes})
		native := s.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		post := func(k authtest.Key) *http.Request {
			return s.Signed(k, http.MethodPost, authtest.APIHost, "/v1/orders", order)
		}
		ended := make(chan struct{})
		var senders sync.WaitGroup
		for i := range places {
			r := post(okx)
			r.Body, r.ContentLength = io.NopCloser(authtest.Held("{", func() { <-ended })), bodyCap
			if i%2 == 0 {
				r.ContentLength = -1 // as much as it may be
			}
			senders.Go(func() { s.Do(r) })
		}
		synctest.Wait()
		if got := s.Do(post(okx)); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "1" {
			t.Errorf("one more: %d %s", got.StatusCode, authtest.Body(t, got))
		}
		if got := s.Do(post(native)); got.StatusCode != http.StatusCreated {
			t.Errorf("one whose sender is known: %d %s", got.StatusCode, authtest.Body(t, got))
		}
		close(ended)
		senders.Wait()
		later := post(s.IssueKey(ada, apikey.IssueInput{Dialect: sign.KuCoin, Scopes: tradeScopes}))
		later.RemoteAddr = "203.0.113.99:1" // whose senders did not fail
		if got := s.Do(later); got.StatusCode != http.StatusCreated {
			t.Errorf("afterwards: %d %s", got.StatusCode, authtest.Body(t, got))
		}
	})
}
