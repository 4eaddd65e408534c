package sign_test

import (
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

func TestBare(t *testing.T) {
	for name, test := range map[string]struct {
		dialect                          sign.Dialect
		query, body, wantQuery, wantBody string
	}{
		"binance, nothing but the proof": {sign.Binance, "timestamp=1&recvWindow=5000&signature=ab", "", "", ""},
		"binance, a page":                {sign.Binance, "limit=5&timestamp=1&signature=ab", "", "limit=5", ""},
		"binance, what nobody can read":  {sign.Binance, "limit=%zz&timestamp=1", "", "limit=%zz&timestamp=1", ""},
		"kraken, nothing but the proof":  {sign.Kraken, "", "nonce=1", "", ""},
		"kraken, an order":               {sign.Kraken, "", "nonce=1&pair=XBTUSD", "", "nonce=1&pair=XBTUSD"},
		"native":                         {sign.Native, "timestamp=1", "nonce=1", "timestamp=1", "nonce=1"},
	} {
		t.Run(name, func(t *testing.T) {
			query, body := test.dialect.Bare(test.query, []byte(test.body))
			if query != test.wantQuery || string(body) != test.wantBody {
				t.Errorf("%q %q, want %q %q", query, body, test.wantQuery, test.wantBody)
			}
		})
	}
}
