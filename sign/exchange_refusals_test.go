package sign_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

// exchangeRefusals are those of the dialects of exchanges, all but Upbit's.
func exchangeRefusals() (all []refusal) {
	add := func(name string, d sign.Dialect, reason sign.Reason, r sign.Request, change func(*sign.Request)) {
		all = append(all, refusal{d.String() + ": " + name, func() error {
			i := slices.IndexFunc(venues(), func(v venue) bool { return v.dialect == d })
			v := venues()[i]
			signed := with(r, v.signer(sign.Settings{Lenient: true, Query: v.usual().Query, Body: v.usual().Body}), clock)
			change(&signed)
			return verify(&signed, v.key(), v.usual(), clock)
		}, reason})
	}
	set := func(header, text string) func(*sign.Request) {
		return func(r *sign.Request) { r.Header[header] = []string{text} }
	}
	swap := func(old, replacement string) func(*sign.Request) {
		return func(r *sign.Request) {
			r.Target = strings.Replace(r.Target, old, replacement, 1)
			r.Body = []byte(strings.Replace(string(r.Body), old, replacement, 1))
		}
	}
	get, post := sent("GET", "/v1/orders?a=1", ""), sent("POST", "/v1/orders", orderJSON)
	form := sent("POST", "/api/v3/order", orderForm)
	kraken := sent("POST", "/0/private/AddOrder", "pair=XBTKRW")
	nothing := func(*sign.Request) {}

	for header, d := range map[string]sign.Dialect{
		"X-Mbx-Apikey": sign.Binance, "Api-Key": sign.Kraken, "Ok-Access-Key": sign.OKX, "Ok-Access-Timestamp": sign.OKX,
		"Ok-Access-Passphrase": sign.OKX, "X-Bapi-Timestamp": sign.Bybit, "X-Bapi-Recv-Window": sign.Bybit, "Kc-Api-Key-Version": sign.KuCoin,
	} {
		r := map[sign.Dialect]sign.Request{sign.Binance: form, sign.Kraken: kraken}[d]
		if r.Method == "" {
			r = post
		}
		if header != "X-Mbx-Apikey" { // without it the request is unsigned
			add("no "+header, d, sign.MissingHeader, r, func(r *sign.Request) { delete(r.Header, header) })
		}
		add("two "+header, d, sign.TwoLines, r, func(r *sign.Request) { r.Header[header] = append(r.Header[header], "x") })
		add("empty "+header, d, map[bool]sign.Reason{true: sign.BadSignature, false: sign.BadParameter}[strings.HasSuffix(header, "Passphrase")], r, set(header, ""))
	}
	for _, d := range []sign.Dialect{sign.Binance, sign.OKX} {
		add("beside a token", d, sign.TwoSchemes, form2(d), set("Authorization", "Bearer x"))
		add("beside Kraken's", d, sign.TwoSchemes, form2(d), set("Api-Sign", "x"))
		add("beside ours", d, sign.TwoSchemes, form2(d), set("Signature", "x"))
	}

	add("name twice", sign.Binance, sign.DuplicateParameter, form, swap("side=BUY", "side=BUY&side=SELL"))
	add("name twice, spelled otherwise", sign.Binance, sign.DuplicateParameter, form, swap("side=BUY", "side=BUY&sid%65=SELL"))
	add("name in both parts", sign.Binance, sign.DuplicateParameter, form, func(r *sign.Request) { r.Target += "?side=SELL" })
	add("no pair", sign.Binance, sign.FormMalformed, form, swap("side=BUY", "side"))
	add("broken name", sign.Binance, sign.FormMalformed, form, swap("side=BUY", "si%zzde=BUY"))
	add("empty pair", sign.Binance, sign.FormMalformed, form, swap("&side", "&&side"))
	add("too many", sign.Binance, sign.TooLarge, form, swap("side=BUY", manyPairs(300)))
	add("no time", sign.Binance, sign.MissingParameter, form, swap("timestamp=", "time="))
	add("no signature", sign.Binance, sign.MissingParameter, form, swap("signature=", "sig="))
	add("time in seconds", sign.Binance, sign.BadParameter, form, swap("timestamp=1795292455000", "timestamp=1795292455"))
	add("window of two minutes", sign.Binance, sign.BadParameter, form, swap("side=BUY", "side=BUY&recvWindow=60001"))
	add("window of none", sign.Binance, sign.BadParameter, form, swap("side=BUY", "side=BUY&recvWindow=0"))
	add("window with four decimals", sign.Binance, sign.BadParameter, form, swap("side=BUY", "side=BUY&recvWindow=5000.1234"))
	add("window with a sign", sign.Binance, sign.BadParameter, form, swap("side=BUY", "side=BUY&recvWindow=5000.-1"))
	add("no signature at all", sign.Binance, sign.NonCanonical, form, swap("signature=", "signature=%25"))
	add("body with DELETE", sign.Binance, sign.Misplaced, sent("DELETE", "/api/v3/order", orderForm), nothing)
	add("two equals signs", sign.Binance, sign.Ambiguous, sent("POST", "/api/v3/order", "symbol=BTC=KRW"), nothing)

	add("GET", sign.Kraken, sign.MethodRefused, kraken, func(r *sign.Request) { r.Method = "GET" })
	add("query", sign.Kraken, sign.Misplaced, kraken, func(r *sign.Request) { r.Target += "?nonce=1" })
	add("no body", sign.Kraken, sign.MissingParameter, kraken, func(r *sign.Request) { r.Body = nil })
	add("no nonce", sign.Kraken, sign.MissingParameter, kraken, swap("nonce=", "once="))
	add("two nonces", sign.Kraken, sign.DuplicateParameter, kraken, swap("pair=", "nonce=1&pair="))
	add("nonce with a sign", sign.Kraken, sign.BadParameter, kraken, swap("nonce=", "nonce=%2B"))
	add("nonce with a zero", sign.Kraken, sign.BadParameter, kraken, swap("nonce=", "nonce=0"))
	add("nonce of 65 bits", sign.Kraken, sign.BadParameter, kraken, swap("nonce=1795292455000", "nonce=18446744073709551616"))
	add("no JSON", sign.Kraken, sign.JSONMalformed, kraken, func(r *sign.Request) { r.Body = []byte(`{"nonce":1}}`) })
	add("JSON without a nonce", sign.Kraken, sign.MissingParameter, kraken, func(r *sign.Request) { r.Body = []byte(`{"x":{"nonce":1}}`) })
	add("JSON with two", sign.Kraken, sign.DuplicateParameter, kraken, func(r *sign.Request) { r.Body = []byte(`{"nonce":1,"Nonce":2}`) })
	add("JSON with a fraction", sign.Kraken, sign.BadParameter, kraken, func(r *sign.Request) { r.Body = []byte(`{"nonce":1.5}`) })

	for _, d := range []sign.Dialect{sign.OKX, sign.KuCoin} {
		add("form body", d, sign.JSONMalformed, post, func(r *sign.Request) { r.Body = []byte("a=1") })
		add("brace in the query", d, sign.QueryByte, get, func(r *sign.Request) { r.Target += "{" })
		add("border moved", d, sign.QueryByte, post, func(r *sign.Request) { r.Target, r.Body = r.Target+"?"+string(r.Body), nil })
	}
	add("time in seconds", sign.OKX, sign.BadParameter, post, set("Ok-Access-Timestamp", "2026-11-21T20:20:55Z"))
	add("time of another zone", sign.OKX, sign.BadParameter, post, set("Ok-Access-Timestamp", "2026-11-21T20:20:55.1+01"))
	add("another passphrase", sign.OKX, sign.BadSignature, post, set("Ok-Access-Passphrase", "guess"))
	add("another passphrase", sign.KuCoin, sign.BadSignature, post, set("Kc-Api-Passphrase", base64.StdEncoding.EncodeToString(make([]byte, 32))))
	add("passphrase in clear", sign.KuCoin, sign.BadSignature, post, set("Kc-Api-Passphrase", passphrase))
	add("older version", sign.KuCoin, sign.BadParameter, post, set("Kc-Api-Key-Version", "1"))
	add("time in seconds", sign.KuCoin, sign.BadParameter, post, set("Kc-Api-Timestamp", "1795292455"))

	add("body with GET", sign.Bybit, sign.Misplaced, get, func(r *sign.Request) { r.Body = []byte("{}") })
	add("query with POST", sign.Bybit, sign.Misplaced, post, func(r *sign.Request) { r.Target += "?a=1" })
	add("form body", sign.Bybit, sign.JSONMalformed, post, func(r *sign.Request) { r.Body = []byte("a=1") })
	add("digits moved from the window", sign.Bybit, sign.Ambiguous, get, func(r *sign.Request) {
		r.Header.Set("X-Bapi-Recv-Window", "500")
		r.Target = "/v1/orders?0a=1"
	})
	add("upper case", sign.Bybit, sign.NonCanonical, get, func(r *sign.Request) { r.Header.Set("X-Bapi-Sign", strings.ToUpper(r.Header.Get("X-Bapi-Sign"))) })
	add("no time", sign.Bithumb, sign.MissingClaim, get, func(r *sign.Request) {
		*r = bearer(*r, jwt(usualHeader, claims("a=1")))
	})
	add("HS512", sign.Bithumb, sign.AlgMismatch, get, func(r *sign.Request) {
		*r = bearer(*r, jwt(`{"alg":"HS512"}`, strings.TrimSuffix(claims("a=1"), "}")+`,"timestamp":1795292455000}`))
	})
	return append(all, coinbaseRefusals()...)
}

// form2 is a request that a client of the dialect would make.
func form2(d sign.Dialect) sign.Request {
	if d == sign.Binance {
		return sent("POST", "/api/v3/order", orderForm)
	}
	return sent("POST", "/v1/orders", orderJSON)
}

func manyPairs(n int) string {
	pairs := make([]string, n)
	for i := range pairs {
		pairs[i] = fmt.Sprintf("p%d=1", i)
	}
	return strings.Join(pairs, "&")
}

const cdpHeader = `{"alg":"ES256","typ":"JWT","kid":"` + keyID + `","nonce":"0123456789abcdef0123456789abcdef"}`

// cdp are the claims of a token for GET /v1/accounts, as changed by the pairs of old and new text.
func cdp(pairs ...string) string {
	const usual = `{"aud":["retail_rest_api_proxy"],"iss":"coinbase-cloud","nbf":1795292455,"exp":1795292575,"sub":"` + keyID +
		`","iat":1795292455,"uri":"GET api.example.com/v1/accounts"}`
	return strings.NewReplacer(pairs...).Replace(usual)
}

// es256 makes a token of any header and claims.
func es256(header, claims string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, ecKey, sum[:])
	if err != nil {
		panic(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func coinbase(header, claims, authority string) error {
	r := balances()
	r.Authority = authority
	r = bearer(r, es256(header, claims))
	k := sign.Key{Dialect: sign.Coinbase, Algorithm: sign.ES256, Material: must(ecKey.PublicKey.Bytes())}
	return verify(&r, k, sign.Settings{}, clock)
}

func coinbaseRefusals() (all []refusal) {
	for name, c := range map[string]struct {
		header, claims string
		reason         sign.Reason
	}{
		"other method":       {cdpHeader, cdp("GET ", "POST "), sign.URIDiffers},
		"other path":         {cdpHeader, cdp("/v1/accounts", "/v1/accounts/"), sign.URIDiffers},
		"other host":         {cdpHeader, cdp("api.example", "evil.example"), sign.URIDiffers},
		"scheme":             {cdpHeader, cdp("GET ", "GET http://"), sign.URIDiffers},
		"no uri":             {cdpHeader, cdp(`,"uri":"GET api.example.com/v1/accounts"`, ""), sign.URIDiffers},
		"uri and uris":       {cdpHeader, cdp(`"uri"`, `"uris":["GET api.example.com/v1/accounts"],"uri"`), sign.DuplicateParameter},
		"two uris":           {cdpHeader, cdp(`"uri":"GET api.example.com/v1/accounts"`, `"uris":["GET api.example.com/v1/accounts","x"]`), sign.JSONNested},
		"no uris":            {cdpHeader, cdp(`"uri":"GET api.example.com/v1/accounts"`, `"uris":[]`), sign.JSONNested},
		"uris no list":       {cdpHeader, cdp(`"uri"`, `"uris"`), sign.BadParameter},
		"other subject":      {cdpHeader, cdp(`"sub":"`, `"sub":"x`), sign.BadParameter},
		"other issuer":       {cdpHeader, cdp("coinbase-cloud", "elsewhere"), sign.BadParameter},
		"other audience":     {cdpHeader, cdp("retail_rest", "other"), sign.BadParameter},
		"more claims":        {cdpHeader, cdp(`{"aud"`, `{"jti":"x","aud"`), sign.UnknownClaim},
		"no start":           {cdpHeader, cdp(`"nbf":1795292455,`, ""), sign.MissingClaim},
		"two minutes and 1":  {cdpHeader, cdp("1795292575", "1795292576"), sign.ExpiresRange},
		"no end":             {cdpHeader, cdp(`"exp":1795292575,`, ""), sign.ExpiresRange},
		"made before start":  {cdpHeader, cdp(`"iat":1795292455`, `"iat":1795292454`), sign.ExpiresRange},
		"start as text":      {cdpHeader, cdp(`"nbf":1795292455`, `"nbf":"1795292455"`), sign.BadParameter},
		"short nonce":        {strings.Replace(cdpHeader, "0123456789abcdef0123456789abcdef", "0123456789abcde", 1), cdp(), sign.BadParameter},
		"no key":             {strings.Replace(cdpHeader, keyID, "", 1), cdp(keyID, ""), sign.BadParameter},
		"alg none":           {strings.Replace(cdpHeader, "ES256", "none", 1), cdp(), sign.AlgUnknown},
		"alg of a MAC":       {strings.Replace(cdpHeader, "ES256", "HS256", 1), cdp(), sign.AlgUnknown},
		"alg of another key": {strings.Replace(cdpHeader, "ES256", "EdDSA", 1), cdp(), sign.AlgMismatch},
		"jku":                {strings.Replace(cdpHeader, `"typ":"JWT"`, `"jku":"x"`, 1), cdp(), sign.TokenHeader},
	} {
		all = append(all, refusal{"coinbase: " + name, func() error { return coinbase(c.header, c.claims, "api.example.com") }, c.reason})
	}
	return all
}

func TestExchangeRefusals(t *testing.T) { runRefusals(t, exchangeRefusals()) }

// ccxt leaves "http://" in the claim; only a server on the same host is asked that way.
func TestCoinbaseHosts(t *testing.T) {
	for authority, loopback := range map[string]bool{
		"127.0.0.1:8081": true, "localhost:8081": true, "localhost": true, "[::1]:8081": true, "api.example.com": false, "127.0.0.1.example.com": false,
	} {
		want(t, coinbase(cdpHeader, cdp("api.example.com", authority), authority), "")
		reason := sign.URIDiffers
		if loopback {
			reason = ""
		}
		want(t, coinbase(cdpHeader, cdp("api.example.com", "http://"+authority), authority), reason)
		want(t, coinbase(cdpHeader, cdp("api.example.com", "https://"+authority), authority), sign.URIDiffers)
	}
	want(t, coinbase(cdpHeader, cdp(`"iat":1795292455,`, ""), "api.example.com"), "") // as the venue's own libraries do
	if text := `{"uris":["GET`; !strings.Contains(string(must(base64.RawURLEncoding.DecodeString(strings.Split(edToken(), ".")[1]))), text[1:]) {
		t.Error("an Ed25519 token has no uris")
	}
}

func edToken() string {
	s := must(sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Coinbase, KeyID: keyID, Private: private}))
	r := balances()
	return strings.TrimPrefix(must(s.Headers(&r, clock)).Get("Authorization"), "Bearer ")
}
