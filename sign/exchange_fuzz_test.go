package sign_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

func FuzzParseBinance(f *testing.F) { fuzzVenue(f, sign.Binance) }
func FuzzParseKraken(f *testing.F)  { fuzzVenue(f, sign.Kraken) }
func FuzzParseOKX(f *testing.F)     { fuzzVenue(f, sign.OKX) }
func FuzzParseBybit(f *testing.F)   { fuzzVenue(f, sign.Bybit) }
func FuzzParseKuCoin(f *testing.F)  { fuzzVenue(f, sign.KuCoin) }

// fuzzVenue puts any text into the parts of a request and the header lines of a dialect. Whatever is accepted has the base of a request that
// was signed, and with the strict rules on, its parameters too.
func fuzzVenue(f *testing.F, d sign.Dialect) {
	v := venues()[slices.IndexFunc(venues(), func(v venue) bool { return v.dialect == d })]
	signedOnes := map[string]string{} // what is signed → all parameters
	var names []string
	for _, unsigned := range v.requests {
		r := with(unsigned, v.signer(v.usual()), clock)
		names = names[:0]
		lines := make([]string, 5)
		for name := range r.Header {
			if name != "Content-Type" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for i, name := range names {
			lines[i] = r.Header.Get(name)
		}
		s := must(sign.Parse(&r))
		signedOnes[string(s.AppendBase(nil, &r))] = parameters(r)
		f.Add(r.Method, r.Target, string(r.Body), lines[0], lines[1], lines[2], lines[3], lines[4])
		f.Add(r.Method, r.Target+"?x", "{", lines[1], lines[0], "1795292455001", "-1", "")
	}
	f.Fuzz(func(t *testing.T, method, target, body, a, b, c, d, e string) {
		r := sent(method, target, body)
		for i, line := range []string{a, b, c, d, e}[:len(names)] {
			r.Header[names[i]] = []string{line}
		}
		s, err := sign.Parse(&r)
		if err != nil || s.KeyID != keyID || s.Verify(&r, v.key()) != nil || s.CheckBody(&r, v.usual()) != nil {
			return
		}
		if wanted, known := signedOnes[string(s.AppendBase(nil, &r))]; !known || wanted != parameters(r) {
			t.Errorf("accepted after mutation: %s %s %s %v", method, target, body, r.Header)
		}
	})
}

// parameters are what a request asks for, wherever it stands, without the pair that carries a signature.
func parameters(r sign.Request) string {
	_, query, _ := strings.Cut(r.Target, "?")
	var kept []string
	for pair := range strings.SplitSeq(query+"&"+string(r.Body), "&") {
		if !strings.HasPrefix(pair, "signature=") && pair != "" {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// FuzzParseCoinbase puts any text into Authorization. What is read is a token that encoding/json reads the same, for this request alone.
func FuzzParseCoinbase(f *testing.F) {
	f.Add("Bearer " + es256(cdpHeader, cdp()))
	f.Add("Bearer " + edToken())
	f.Add("Bearer " + es256(cdpHeader, cdp(`"uri":"GET api.example.com/v1/accounts"`, `"uris":["GET api.example.com/v1/accounts"]`)))
	f.Add("Bearer " + es256(strings.Replace(cdpHeader, "ES256", "none", 1), cdp()))
	f.Add("Bearer " + es256(cdpHeader, cdp(`"aud"`, `"aud":["cdp_service"],"aud"`)))
	f.Add("bearer e30.e30.e30")
	f.Fuzz(func(t *testing.T, authorization string) {
		r := balances()
		r.Header = http.Header{"Authorization": {authorization}}
		s, err := sign.Parse(&r)
		if err != nil || s.Dialect != sign.Coinbase {
			return
		}
		parts := strings.Split(authorization[len("Bearer "):], ".")
		var head struct{ Alg, KID, Nonce string }
		var claims struct {
			Sub, URI      string
			URIs          []string
			Nbf, Iat, Exp int64
		}
		if json.Unmarshal(must(base64.RawURLEncoding.DecodeString(parts[0])), &head) != nil ||
			json.Unmarshal(must(base64.RawURLEncoding.DecodeString(parts[1])), &claims) != nil {
			t.Fatalf("read, but no JSON: %s", authorization)
		}
		if strings.Join(append(claims.URIs, claims.URI), "") != "GET api.example.com/v1/accounts" {
			t.Errorf("for another request: %+v", claims)
		}
		if head.KID != s.KeyID || claims.Sub != s.KeyID || head.Nonce != s.Nonce || claims.Exp != s.Expires.Unix() || claims.Exp-claims.Nbf > 120 {
			t.Errorf("read %+v, encoding/json %+v %+v", s, head, claims)
		}
	})
}
