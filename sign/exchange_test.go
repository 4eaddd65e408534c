package sign_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/sign"
)

// venue is a dialect of an exchange with a key of one algorithm and requests as its clients make them.
type venue struct {
	dialect   sign.Dialect
	algorithm sign.Algorithm
	requests  []sign.Request
	// open are parts that can be changed, with what they can be changed to; all others are covered or refused.
	open map[string]string
}

const passphrase = "Pass-phrase1!"

var ecKey = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))

func sent(method, target, body string) sign.Request {
	return sign.Request{Method: method, Authority: "api.example.com", Target: target, Header: http.Header{}, Body: []byte(body)}
}

const (
	orderJSON = `{"market":"KRW-BTC","side":"bid","volume":"0.01","price":"100000000"}`
	orderForm = `symbol=BTCKRW&side=BUY&type=LIMIT&quantity=0.01&price=100000000`
)

func venues() []venue {
	anywhere := map[string]string{"method": "PUT", "path": "/v1/withdraws/coin", "authority": "other.example.com"}
	otherHost := map[string]string{"authority": "other.example.com"}
	json := []sign.Request{sent("POST", "/v1/orders", orderJSON), sent("GET", "/v1/orders?market=KRW-BTC&limit=10", ""), sent("GET", "/v1/accounts", "")}
	form := []sign.Request{sent("POST", "/api/v3/order", orderForm), sent("POST", "/api/v3/order?"+orderForm, ""), sent("GET", "/api/v3/account", "")}
	return []venue{
		{sign.Upbit, sign.HMACSHA2, json, anywhere},
		{sign.Bithumb, sign.HMACSHA256, json, anywhere},
		{sign.Binance, sign.HMACSHA256, form, anywhere},
		{sign.Binance, sign.Ed25519, form[:1], anywhere},
		{sign.Kraken, sign.HMACSHA512, []sign.Request{
			sent("POST", "/0/private/AddOrder", "pair=XBTKRW&close[ordertype]=limit"), sent("POST", "/0/private/Batch", `{"orders":[{"nonce":1}]}`),
			sent("POST", "/0/private/Balance", ""),
		}, otherHost},
		{sign.OKX, sign.HMACSHA256, append(json, sent("DELETE", "/v1/order?x=1", "["+orderJSON+"]")), otherHost},
		{sign.KuCoin, sign.HMACSHA256, append(json, sent("DELETE", "/v1/order?x=1", "["+orderJSON+"]")), otherHost},
		{sign.Bybit, sign.HMACSHA256, json, anywhere},
		{sign.Coinbase, sign.ES256, json[:1], map[string]string{"query": "?market=KRW-ETH", "body": `{"side":"ask"}`}},
		{sign.Coinbase, sign.Ed25519, json, map[string]string{"query": "?market=KRW-ETH", "body": `{"side":"ask"}`}},
	}
}

func (v venue) name() string { return v.dialect.String() + " " + v.algorithm.String() }

// secret is a fresh key's, in the form of the venue.
func (v venue) secret() string {
	if v.dialect == sign.Kraken {
		return base64.StdEncoding.EncodeToString([]byte(secret + secret[:7]))
	}
	return secret
}

func (v venue) signer(settings sign.Settings) sign.Signer {
	k := sign.ExchangeKey{Dialect: v.dialect, KeyID: keyID, Settings: settings}
	switch v.algorithm {
	case sign.Ed25519:
		k.Private = private
	case sign.ES256:
		k.Private = ecKey
	default:
		k.Secret = []byte(v.secret())
	}
	if v.dialect.HasPassphrase() {
		k.Passphrase = passphrase
	}
	return must(sign.NewExchangeSigner(k))
}

func (v venue) key() sign.Key {
	k := sign.Key{Dialect: v.dialect, Algorithm: v.algorithm}
	switch v.algorithm {
	case sign.Ed25519:
		k.Material = edKey.Material
	case sign.ES256:
		k.Material = must(ecKey.PublicKey.Bytes())
	default:
		k.Material = must(sign.MaterialOf(v.dialect, []byte(v.secret()), passphrase))
	}
	return k
}

func (v venue) usual() sign.Settings { return must(v.dialect.ParseSettings(nil)) }

// What a signer of the package makes, its verifier takes: in its time, under its key, with its passphrase.
func TestExchangeSigners(t *testing.T) {
	for _, v := range venues() {
		for _, r := range v.requests {
			t.Run(v.name()+"/"+r.Method+" "+r.Target, func(t *testing.T) {
				first, second := with(r, v.signer(v.usual()), clock), with(r, v.signer(v.usual()), clock.Add(time.Millisecond))
				want(t, verify(&first, v.key(), v.usual(), clock), "")
				s, other := must(sign.Parse(&first)), must(sign.Parse(&second))
				if s.KeyID != keyID || s.Dialect != v.dialect && v.dialect != sign.Bithumb || s.Timed() == (v.dialect == sign.Kraken) {
					t.Errorf("parsed as %+v", s)
				}
				if v.dialect != sign.Coinbase && s.SingleUse(&first) == other.SingleUse(&second) {
					t.Error("two requests have one value to claim")
				}
				if sign.NeedsBody(&first) != (len(first.Header["Authorization"]) == 0) {
					t.Errorf("needs its body: %v", sign.NeedsBody(&first))
				}
				decoy := s.Decoy()
				want(t, s.Verify(&first, decoy), sign.BadSignature)
				if decoy.Algorithm != v.algorithm && (v.dialect != sign.Bithumb || decoy.Algorithm != sign.HMACSHA2) {
					t.Errorf("the decoy is a %v", decoy)
				}
				if v.dialect == sign.Kraken {
					return
				}
				want(t, verify(&first, v.key(), v.usual(), clock.Add(11*time.Second)), sign.TooOld)
				want(t, verify(&first, v.key(), v.usual(), clock.Add(-2*time.Second)), sign.Ahead)
			})
		}
	}
}

// The set of accepted changes is exactly what each dialect leaves open, and respellings of one meaning. No change gives the request a
// second value to claim.
func TestExchangeMutations(t *testing.T) {
	few := []byte{0, ' ', '"', '0', '1', 'a', 'A', '/', '=', '&', '{', '%', '.', 0x80}
	for _, v := range venues() {
		for _, unsigned := range v.requests {
			t.Run(v.name()+"/"+unsigned.Method+" "+unsigned.Target, func(t *testing.T) {
				r := with(unsigned, v.signer(v.usual()), clock)
				s := must(sign.Parse(&r))
				once := s.SingleUse(&r)
				tried := 0
				accepted := func(part, text string) bool {
					tried++
					m := changed(r, part, text)
					parsed, err := sign.Parse(&m)
					if err != nil || parsed.KeyID != keyID || verify(&m, v.key(), v.usual(), clock) != nil {
						return false
					}
					if parsed.SingleUse(&m) != once {
						t.Fatalf("%s %q is accepted and has another value to claim", part, text)
					}
					return true
				}
				for part, text := range parts(r) {
					if example, isOpen := v.open[part]; isOpen {
						moved := part == "method" && moves(v.dialect, r)
						if !accepted(part, example) && !moved {
							t.Errorf("%s %q is refused, and documented as open", part, example)
						}
						continue
					}
					for _, m := range mutations(text, few) {
						if accepted(part, m) && !v.sameMeaning(part, text, m) {
							t.Fatalf("%s %q is accepted instead of %q", part, m, text)
						}
					}
				}
				if _, isOpen := v.open["method"]; !isOpen {
					for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"} {
						if method != r.Method && accepted("method", method) {
							t.Errorf("method %s is accepted instead of %s", method, r.Method)
						}
					}
				}
				if tried < 100 {
					t.Errorf("only %d mutations", tried)
				}
			})
		}
	}
}

// moves: parameters that are in the body stay refused in a method that takes a query, and the other way round.
func moves(d sign.Dialect, r sign.Request) bool {
	return (d == sign.Upbit || d == sign.Bithumb || d == sign.Bybit) && strings.Contains(r.Target, "?")
}

// parts gives each part of a request as text, header lines by their names.
func parts(r sign.Request) map[string]string {
	path, query, has := strings.Cut(r.Target, "?")
	all := map[string]string{"method": r.Method, "path": path, "query": "", "authority": r.Authority, "body": string(r.Body)}
	if has {
		all["query"] = "?" + query
	}
	for name := range r.Header {
		if name != "Content-Type" {
			all["header "+name] = r.Header.Get(name)
		}
	}
	return all
}

func changed(r sign.Request, part, text string) sign.Request {
	path, query, has := strings.Cut(r.Target, "?")
	if has {
		query = "?" + query
	}
	r.Header = r.Header.Clone()
	switch part {
	case "method":
		r.Method = text
	case "path":
		r.Target = text + query
	case "query":
		r.Target = path + text
	case "authority":
		r.Authority = text
	case "body":
		r.Body = []byte(text)
	default:
		r.Header[strings.TrimPrefix(part, "header ")] = []string{text}
	}
	return r
}

// sameMeaning says whether two texts of a part mean the same to whoever is behind the gate.
func (v venue) sameMeaning(part, a, b string) bool {
	switch part {
	case "query", "body":
		if strings.HasPrefix(a, "{") && (v.dialect == sign.Upbit || v.dialect == sign.Bithumb) {
			return reflect.DeepEqual(decoded(a), decoded(b))
		}
		if v.dialect == sign.Binance {
			before, after := must(url.ParseQuery(strings.TrimPrefix(a, "?"))), must(url.ParseQuery(strings.TrimPrefix(b, "?")))
			if !strings.EqualFold(before.Get("signature"), after.Get("signature")) {
				return false
			}
			before.Del("signature")
			after.Del("signature")
			return reflect.DeepEqual(before, after)
		}
		return strings.TrimPrefix(a, "?") == strings.TrimPrefix(b, "?") && v.dialect != sign.OKX && v.dialect != sign.KuCoin
	case "authority":
		return sign.CanonicalAuthority(a) == sign.CanonicalAuthority(b)
	case "header Authorization":
		return strings.EqualFold(a[:7], b[:7]) && a[7:] == b[7:]
	default:
		return false
	}
}

// What the venues publish, or what their clients were seen to compute.
func TestExchangeVectors(t *testing.T) {
	t.Run("kraken", func(t *testing.T) {
		r := sent("POST", "/0/private/AddOrder", "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25")
		r.Header = http.Header{
			"Api-Key":  {keyID},
			"Api-Sign": {"4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="},
		}
		k := sign.Key{Dialect: sign.Kraken, Algorithm: sign.HMACSHA512, Material: must(sign.MaterialOf(sign.Kraken,
			[]byte("kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="), ""))}
		want(t, verify(&r, k, sign.Settings{}, clock), "")
		if s := must(sign.Parse(&r)); s.Counter != 1616492376594 {
			t.Errorf("nonce %d", s.Counter)
		}
	})
	k := sign.Key{Dialect: sign.Binance, Algorithm: sign.HMACSHA256, Material: []byte("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")}
	const (
		head  = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
		tail  = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
		whole = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
		mixed = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
	)
	at := time.UnixMilli(1499827319600)
	for name, c := range map[string]struct {
		target, body string
		strict       sign.Reason
	}{
		"query":            {"/api/v3/order?" + head + "&" + tail + "&signature=" + whole, "", ""},
		"body":             {"/api/v3/order", head + "&" + tail + "&signature=" + whole, ""},
		"signature alone":  {"/api/v3/order?signature=" + whole, head + "&" + tail, ""},
		"signature first":  {"/api/v3/order", "signature=" + whole + "&" + head + "&" + tail, ""},
		"upper case":       {"/api/v3/order", head + "&" + tail + "&signature=" + strings.ToUpper(whole), ""},
		"query and body":   {"/api/v3/order?" + head, tail + "&signature=" + mixed, sign.Ambiguous},
		"border was moved": {"/api/v3/order?" + head + tail + "&signature=" + mixed, "", sign.Ambiguous},
	} {
		t.Run("binance/"+name, func(t *testing.T) {
			r := sent("POST", c.target, c.body)
			r.Header.Set("X-Mbx-Apikey", keyID)
			want(t, verify(&r, k, sign.Settings{}, at), c.strict)
			want(t, verify(&r, k, sign.Settings{Lenient: true}, at), "")
		})
	}
}

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

// The client's own window and the times of other units.
func TestBinanceWindows(t *testing.T) {
	k := sign.Key{Dialect: sign.Binance, Algorithm: sign.HMACSHA256, Material: []byte(secret)}
	for _, c := range []struct {
		parameters string
		offset     time.Duration
		reason     sign.Reason
	}{
		{"timestamp=1795292455000", 5 * time.Second, ""},
		{"timestamp=1795292455000", 5*time.Second + time.Millisecond, sign.TooOld},
		{"timestamp=1795292455000&recvWindow=6000.346", 6000346 * time.Microsecond, ""},
		{"timestamp=1795292455000&recvWindow=6000.346", 6000347 * time.Microsecond, sign.TooOld},
		{"timestamp=1795292455000&recvWindow=60000", 30 * time.Second, ""},
		{"timestamp=1795292455000&recvWindow=60000", 30*time.Second + time.Millisecond, sign.TooOld}, // the server's own window
		{"timestamp=1795292455000001", time.Microsecond, ""},
		{"timestamp=1795292456000", -time.Millisecond, sign.Ahead},
	} {
		r := sent("GET", "/api/v3/account?"+c.parameters, "")
		r.Header.Set("X-Mbx-Apikey", keyID)
		r.Target += "&signature=" + hex.EncodeToString(sign.MAC(sign.HMACSHA256, []byte(secret), []byte(c.parameters)))
		want(t, verifyWithin(&r, k, sign.Settings{}, clock.Add(c.offset), 30*time.Second), c.reason)
	}
}

// Signing changes the request where the dialect wants its parameters there.
func TestSignAddsParameters(t *testing.T) {
	for _, c := range []struct {
		d            sign.Dialect
		method, body string
		target       string
	}{
		{sign.Binance, "GET", "", "https://api.example.com/api/v3/account"},
		{sign.Binance, "POST", "symbol=BTCKRW", "https://api.example.com/api/v3/order"},
		{sign.Kraken, "POST", "", "https://api.example.com/0/private/Balance"},
		{sign.Kraken, "POST", `{ }`, "https://api.example.com/0/private/Balance"},
		{sign.OKX, "POST", `{"a":1}`, "https://api.example.com/api/v5/trade/order"},
	} {
		v := venues()[slices.IndexFunc(venues(), func(v venue) bool { return v.dialect == c.d })]
		req := must(http.NewRequestWithContext(t.Context(), c.method, c.target, strings.NewReader(c.body)))
		if err := sign.Sign(req, []byte(c.body), v.signer(v.usual()), clock); err != nil {
			t.Fatal(err)
		}
		var sentBody strings.Builder
		if err := req.Write(&sentBody); err != nil {
			t.Fatal(err)
		}
		r := received(t, []byte(sentBody.String()))
		want(t, verify(&r, v.key(), v.usual(), clock), "")
		if !strings.Contains(r.Target+string(r.Body), c.body) && c.body != `{ }` {
			t.Errorf("%v: %s %s lost %s", c.d, r.Target, r.Body, c.body)
		}
	}
}

func TestKrakenSignerRises(t *testing.T) {
	v := venues()[slices.IndexFunc(venues(), func(v venue) bool { return v.dialect == sign.Kraken })]
	signer, last := v.signer(sign.Settings{}), uint64(0)
	for range 1000 {
		r := with(sent("POST", "/0/private/Balance", ""), signer, clock)
		if s := must(sign.Parse(&r)); s.Counter <= last {
			t.Fatalf("nonce %d after %d", s.Counter, last)
		} else {
			last = s.Counter
		}
	}
}

func TestExchangeKeysRefused(t *testing.T) {
	other := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for name, c := range map[string]struct {
		key    sign.ExchangeKey
		reason sign.Reason
	}{
		"native":             {sign.ExchangeKey{Dialect: sign.Native, KeyID: keyID, Secret: []byte("x")}, sign.WrongDialect},
		"no dialect":         {sign.ExchangeKey{KeyID: keyID, Secret: []byte("x")}, sign.WrongDialect},
		"no secret":          {sign.ExchangeKey{Dialect: sign.OKX, KeyID: keyID}, sign.KeyWeak},
		"no key id":          {sign.ExchangeKey{Dialect: sign.OKX, Secret: []byte("x")}, sign.BadParameter},
		"secret no base64":   {sign.ExchangeKey{Dialect: sign.Kraken, KeyID: keyID, Secret: []byte("sps_test_")}, sign.KeyUnreadable},
		"secret of Coinbase": {sign.ExchangeKey{Dialect: sign.Coinbase, KeyID: keyID, Secret: []byte("x")}, sign.WrongDialect},
		"pair of Bybit":      {sign.ExchangeKey{Dialect: sign.Bybit, KeyID: keyID, Private: private}, sign.WrongDialect},
		"ES256 of Binance":   {sign.ExchangeKey{Dialect: sign.Binance, KeyID: keyID, Private: ecKey}, sign.WrongDialect},
		"P-384":              {sign.ExchangeKey{Dialect: sign.Coinbase, KeyID: keyID, Private: other}, sign.KeyOtherKind},
		"another signer":     {sign.ExchangeKey{Dialect: sign.Coinbase, KeyID: keyID, Private: odd{}}, sign.KeyOtherKind},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sign.NewExchangeSigner(c.key)
			want(t, err, c.reason)
		})
	}
}

type odd struct{ crypto.Signer }
