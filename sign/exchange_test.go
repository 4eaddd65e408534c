package sign_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
				if v.dialect.HasPassphrase() && len(decoy.Material) != 2*sha256.Size { // a secret, and what is kept of a passphrase
					t.Errorf("the decoy has %d bytes, and none to compare a passphrase with", len(decoy.Material))
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

// What a signer writes into the head is what Dialect.Headers lists, and nothing is listed that no signer writes.
func TestHeadersCarryAllThatASignerWrites(t *testing.T) {
	written := map[sign.Dialect]sign.Signer{sign.Native: hmacSigner()}
	for _, v := range venues() {
		written[v.dialect] = v.signer(v.usual())
	}
	for _, d := range sign.AllDialects() {
		r := sent("POST", "/v1/orders", "")
		r = with(r, written[d], clock)
		r.Header.Del("Content-Type") // of the form that Kraken's makes where there is no body
		if diff := cmp.Diff(slices.Sorted(maps.Keys(r.Header)), slices.Sorted(slices.Values(d.Headers()))); diff != "" {
			t.Errorf("%v (-written +listed):\n%s", d, diff)
		}
	}
	if sign.Dialect(0).Headers() != nil || sign.Dialect(99).Headers() != nil {
		t.Error("a dialect that does not exist has headers")
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
