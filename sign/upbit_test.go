package sign_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

func upbitSigner() sign.Signer {
	return must(sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Upbit, KeyID: keyID, Secret: []byte(secret)}))
}

// jwt makes a token of any header and claims, signed as its alg says, with HS256 for algorithms it does not know.
func jwt(header, claims string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	alg := sign.HMACSHA256
	if strings.Contains(header, "HS512") {
		alg = sign.HMACSHA512
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sign.MAC(alg, []byte(secret), []byte(input)))
}

const usualHeader = `{"alg":"HS256","typ":"JWT"}`

// claims are those of a client for the text under the hash; empty means no parameters.
func claims(hashed string) string {
	if hashed == "" {
		return `{"access_key":"` + keyID + `","nonce":"` + nonce + `"}`
	}
	return `{"access_key":"` + keyID + `","nonce":"` + nonce + `","query_hash":"` + hexSHA512(hashed) + `","query_hash_alg":"SHA512"}`
}

func bearer(r sign.Request, token string) sign.Request {
	r.Header = http.Header{"Authorization": {"Bearer " + token}}
	return r
}

func upbit(r sign.Request, forms sign.Settings) error { return verify(&r, upbitKey, forms, clock) }

// upbitRefusals are those of the dialect, the token's MAC always being right.
func upbitRefusals() []refusal {
	var strict sign.Settings
	lenient := sign.Settings{Lenient: true}
	mixed := func(q sign.QueryForm, b sign.BodyForm) sign.Settings { return sign.Settings{Query: q, Body: b} }
	get := func(token string) func() error {
		return func() error { return upbit(bearer(balances(), token), strict) }
	}
	head := func(h string) func() error { return get(jwt(h, claims(""))) }
	claim := func(c string) func() error { return get(jwt(usualHeader, c)) }
	extra := func(member string) func() error {
		return claim(strings.TrimSuffix(claims(""), "}") + "," + member + "}")
	}
	// sent is a request with a query and a body whose token hashes the given text.
	sent := func(method, query, body, hashed string, forms sign.Settings) func() error {
		return func() error {
			r := sign.Request{Method: method, Authority: "api.example.com", Target: "/v1/orders", Body: []byte(body)}
			if query != "" {
				r.Target += "?" + query
			}
			return upbit(bearer(r, jwt(usualHeader, claims(hashed))), forms)
		}
	}
	good := jwt(usualHeader, claims(""))
	parts := strings.Split(good, ".")
	return []refusal{
		{"OAuth's token", get(jwt(usualHeader, `{"sub":"usr_1"}`)), sign.Unsigned},
		{"opaque token", get("abc"), sign.Unsigned},
		{"two parts", get(parts[0] + "." + parts[1]), sign.Unsigned},
		{"four parts", get(good + ".x"), sign.Unsigned},
		{"other scheme", func() error {
			r := bearer(balances(), good)
			r.Header.Set("Authorization", "Basic "+good)
			return upbit(r, strict)
		}, sign.Unsigned},
		{"two lines", func() error {
			r := bearer(balances(), good)
			r.Header.Add("Authorization", "Bearer "+good)
			return upbit(r, strict)
		}, sign.TwoLines},
		{"two schemes", func() error {
			r := bearer(balances(), good)
			r.Header.Set("Signature", "sig1=:AA==:")
			return upbit(r, strict)
		}, sign.TwoSchemes},
		{"token too long", claim(strings.TrimSuffix(claims(""), "}") + strings.Repeat(" ", 4096) + "}"), sign.TooLarge},
		{"padded part", get(parts[0] + "." + parts[1] + "=." + parts[2]), sign.TokenMalformed},
		{"line end in a part", get(parts[0] + "." + parts[1] + "\n." + parts[2]), sign.TokenMalformed},
		{"header is no base64", get("{}." + parts[1] + "." + parts[2]), sign.TokenMalformed},
		{"space after Bearer", get(" " + good), sign.TokenMalformed},
		{"padded signature", get(good + "="), sign.NonCanonical},
		{"no signature", get(parts[0] + "." + parts[1] + "."), sign.BadParameter},

		{"alg none", head(`{"alg":"none"}`), sign.AlgUnknown},
		{"alg missing", head(`{"typ":"JWT"}`), sign.AlgUnknown},
		{"alg of another family", head(`{"alg":"RS256","typ":"JWT"}`), sign.AlgUnknown},
		{"alg in lower case", head(`{"alg":"hs256"}`), sign.AlgUnknown},
		{"alg is no string", head(`{"alg":256}`), sign.TokenHeader},
		{"other typ", head(`{"alg":"HS256","typ":"at+jwt"}`), sign.TokenHeader},
		{"crit", head(`{"alg":"HS256","crit":"b64"}`), sign.TokenHeader},
		{"jwk", head(`{"alg":"HS256","jwk":"x"}`), sign.TokenHeader},
		{"jku", head(`{"alg":"HS256","jku":"https://x"}`), sign.TokenHeader},
		{"nested header", head(`{"alg":"HS256","jwk":{}}`), sign.JSONNested},
		{"alg twice", head(`{"alg":"HS256","alg":"HS256"}`), sign.JSONDuplicate},
		{"alg twice, escaped", head(`{"alg":"HS256","\u0061lg":"HS256"}`), sign.JSONDuplicate},
		{"header is no object", head(`["HS256"]`), sign.JSONMalformed},

		{"unknown claim", extra(`"exp":1795292755`), sign.UnknownClaim},
		{"old query claim", extra(`"query":"a=1"`), sign.QueryClaim},
		{"claim twice", extra(`"nonce":"x"`), sign.JSONDuplicate},
		{"null claim", extra(`"iat":null`), sign.JSONNested},
		{"claims cut off", claim(strings.TrimSuffix(claims(""), "}")), sign.JSONMalformed},
		{"no nonce", claim(`{"access_key":"` + keyID + `"}`), sign.MissingClaim},
		{"empty nonce", claim(`{"access_key":"` + keyID + `","nonce":""}`), sign.MissingClaim},
		{"no access key", claim(`{"nonce":"access_key"}`), sign.MissingClaim},
		{"empty access key", claim(`{"access_key":"","nonce":"` + nonce + `"}`), sign.MissingClaim},
		{"access key is a number", claim(`{"access_key":1,"nonce":"` + nonce + `"}`), sign.BadParameter},
		{"nonce is a boolean", claim(`{"access_key":"k","nonce":true}`), sign.BadParameter},
		{"nonce too long", claim(`{"access_key":"k","nonce":"` + strings.Repeat("n", 65) + `"}`), sign.BadParameter},
		{"hash in upper case", claim(strings.Replace(claims("a=1"), hexSHA512("a=1"), strings.ToUpper(hexSHA512("a=1")), 1)), sign.BadParameter},
		{"hash cut short", claim(strings.Replace(claims("a=1"), hexSHA512("a=1"), hexSHA512("a=1")[:127], 1)), sign.BadParameter},
		{"timestamp as text", extra(`"timestamp":"1795292455000"`), sign.BadParameter},
		{"timestamp with fraction", extra(`"timestamp":1795292455000.5`), sign.BadParameter},
		{"timestamp negative", extra(`"timestamp":-1`), sign.BadParameter},
		{"iat of eleven digits", extra(`"iat":17952924550`), sign.BadParameter},
		{"hash without alg", claim(strings.Replace(claims("a=1"), `,"query_hash_alg":"SHA512"`, "", 1)), sign.HashAlg},
		{"alg without hash", extra(`"query_hash_alg":"SHA512"`), sign.HashAlg},
		{"hash of another alg", claim(strings.Replace(claims("a=1"), "SHA512", "SHA256", 1)), sign.HashAlg},
		{"timestamp too old", extra(`"timestamp":1795292444999`), sign.TooOld},
		{"iat ahead", extra(`"iat":1795292457`), sign.Ahead},

		{"hash, nothing to hash", claim(claims("a=1")), sign.HashUnexpected},
		{"hash over an empty object", sent("POST", "", "{}", "a=1", strict), sign.HashUnexpected},
		{"query without hash", sent("GET", "a=1", "", "", strict), sign.HashMissing},
		{"body without hash", sent("POST", "", `{"a":"1"}`, "", strict), sign.HashMissing},
		{"hash of another query", sent("GET", "a=1", "", "a=2", strict), sign.HashMismatch},
		{"hash of another order", sent("GET", "a=1&b=2", "", "b=2&a=1", strict), sign.HashMismatch},
		{"hash in another form", sent("GET", "a=%20", "", "a=%20", strict), sign.HashMismatch},
		{"body cut off", sent("POST", "", `{"a":"1"`, "a=1", strict), sign.JSONMalformed},
		{"nested body", sent("POST", "", `{"a":{"b":"1"}}`, "a=1", lenient), sign.JSONNested},
		{"array in the body", sent("POST", "", `{"a":["1"]}`, "a=1", lenient), sign.JSONNested},
		{"null in the body", sent("POST", "", `{"a":null}`, "a=null", lenient), sign.JSONNested},
		{"array as body", sent("POST", "", `["a"]`, "a", lenient), sign.JSONNested},
		{"member twice", sent("POST", "", `{"a":"1","a":"1"}`, "a=1&a=1", lenient), sign.JSONDuplicate},
		{"half a pair", sent("POST", "", "a=1&b", "a=1&b", lenient), sign.FormMalformed},
		{"no name", sent("POST", "", "=1", "=1", lenient), sign.FormMalformed},
		{"space before JSON", sent("POST", "", ` {"a":"1"}`, "a=1", lenient), sign.FormMalformed},
		{"multipart", sent("POST", "", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1", "a=1", lenient), sign.FormMalformed},
		{"broken escape in a form", sent("POST", "", "a=%zz", "a=%zz", lenient), sign.FormMalformed},
		{"control byte in a value", sent("POST", "", `{"a":"1\n"}`, "a=1\n", lenient), sign.ControlByte},
		{"control byte in a query", sent("GET", "a=%00", "", "a=\x00", lenient), sign.ControlByte},
		{"& in a value", sent("POST", "", `{"identifier":"x&price=1"}`, "identifier=x&price=1", strict), sign.Ambiguous},
		{"& in a name", sent("POST", "", `{"a&b":"1"}`, "a&b=1", strict), sign.Ambiguous},
		{"= in a name", sent("POST", "", `{"a=b":"1"}`, "a=b=1", strict), sign.Ambiguous},
		{"empty name", sent("POST", "", `{"":"1"}`, "=1", strict), sign.Ambiguous},
		{"%26 in a query", sent("GET", "a=x%26b=1", "", "a=x&b=1", strict), sign.Ambiguous},
		{"%3D in a name", sent("GET", "a%3Db=1", "", "a=b=1", strict), sign.Ambiguous},
		{"%3d in a second name", sent("GET", "x=1&a%3db=1", "", "x=1&a=b=1", strict), sign.Ambiguous},
		{"+ in a query", sent("GET", "a=x+y", "", "a=x+y", strict), sign.Ambiguous},
		{"+ in a form", sent("POST", "", "a=x+y", "a=x+y", strict), sign.Ambiguous},
		// the hash of {"a":"x%26b=1"}, of {"a":"1+1"}, of {"a":"x y"} and of the last with a plus
		{"% in a form as sent beside plain JSON", sent("POST", "", "a=x%26b=1", "a=x%26b=1", mixed(sign.QueryAsSent, sign.BodyPlain)), sign.Ambiguous},
		{"+ in a form as sent beside plain JSON", sent("POST", "", "a=1+1", "a=1+1", mixed(sign.QueryAsSent, sign.BodyPlain)), sign.Ambiguous},
		{"% in a form decoded beside encoded JSON", sent("POST", "", "a=x%2520y", "a=x%20y", mixed(sign.QueryDecoded, sign.BodyRFC3986)), sign.Ambiguous},
		{"the same, with a plus", sent("POST", "", "a=x%2By", "a=x+y", mixed(sign.QueryDecoded, sign.BodyURLEncoded)), sign.Ambiguous},
		{"a form without either", sent("POST", "", "a=x", "a=x", mixed(sign.QueryAsSent, sign.BodyPlain)), ""},
		{"% in a form as sent beside encoded JSON", sent("POST", "", "a=x%26b", "a=x%26b", mixed(sign.QueryAsSent, sign.BodyRFC3986)), ""},
		{"GET with a body", sent("GET", "", `{"a":"1"}`, "a=1", strict), sign.Misplaced},
		{"DELETE with a body", sent("DELETE", "", "uuid=1", "uuid=1", strict), sign.Misplaced},
		{"DELETE with both", sent("DELETE", "uuid=1", "uuid=1", "uuid=1", strict), sign.Misplaced},
		{"POST with a query", sent("POST", "a=1", "", "a=1", strict), sign.Misplaced},
		{"query and another body", sent("PUT", "a=1", `{"a":"2"}`, "a=1", lenient), sign.PartsDiffer},
		{"query, body hashed", sent("PUT", "a=1", `{"a":"2"}`, "a=2", strict), sign.PartsDiffer},

		{"other secret", func() error {
			r := bearer(balances(), good)
			return verify(&r, sign.Key{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2, Material: []byte("other")}, strict, clock)
		}, sign.BadSignature},
		{"empty secret", func() error {
			r := bearer(balances(), good)
			return verify(&r, sign.Key{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2}, strict, clock)
		}, sign.BadSignature},
		{"public key", func() error {
			r := bearer(balances(), good)
			return verify(&r, edKey, strict, clock)
		}, sign.BadSignature},
		{"HS512 with a MAC of HS256", func() error {
			input := strings.Join(strings.Split(jwt(`{"alg":"HS512"}`, claims("")), ".")[:2], ".")
			mac := sign.MAC(sign.HMACSHA256, []byte(secret), []byte(input))
			return upbit(bearer(balances(), input+"."+base64.RawURLEncoding.EncodeToString(mac)), strict)
		}, sign.BadSignature},
		{"native key", func() error {
			r := bearer(balances(), good)
			return verify(&r, hmacKey, strict, clock)
		}, sign.WrongDialect},
	}
}

func TestUpbitRefusals(t *testing.T) { runRefusals(t, upbitRefusals()) }

func TestUpbitAccepts(t *testing.T) {
	asSent := sign.Settings{Query: sign.QueryAsSent}
	for _, c := range []struct {
		name, method, query, body, hashed string
		forms                             sign.Settings
	}{
		{"no parameters", "GET", "", "", "", sign.Settings{}},
		{"empty object", "POST", "", "{}", "", sign.Settings{}},
		{"query", "GET", "market=KRW-BTC&count=1", "", "market=KRW-BTC&count=1", sign.Settings{}},
		{"arrays as ccxt sends them", "GET", "states%5B0%5D=wait&states%5B1%5D=watch", "", "states[0]=wait&states[1]=watch", sign.Settings{}},
		{"arrays as documented", "DELETE", "uuids[]=1&uuids[]=2", "", "uuids[]=1&uuids[]=2", sign.Settings{}},
		{"= in a value", "GET", "q=a%3Db=c", "", "q=a=b=c", sign.Settings{}},
		{"%2B is a plus", "GET", "q=a%2Bb", "", "q=a+b", sign.Settings{}},
		{"name without value", "GET", "open", "", "open", sign.Settings{}},
		{"query as sent", "GET", "q=a%20b+c%26d", "", "q=a%20b+c%26d", asSent},
		{"+ with the rules off", "GET", "q=a+b", "", "q=a+b", sign.Settings{Lenient: true}},
		{"JSON in body order", "POST", "", `{"b":"1","a":"2"}`, "b=1&a=2", sign.Settings{}},
		{"literal numbers", "POST", "", `{"amount":0.050,"n":-1E+2,"t":true,"f":false}`, "amount=0.050&n=-1E+2&t=true&f=false", sign.Settings{}},
		{"text and escapes", "POST", "", `{"q":"한글 \uD55C\u0021\ud83d\ude00\/"}`, "q=한글 한!😀/", sign.Settings{}},
		{"white space", "PUT", "", "{ \"a\" :\t\"1\" ,\r\n\"b\":\"2\" }\n", "a=1&b=2", sign.Settings{}},
		{"rfc3986", "POST", "", `{"q":"a b+c&d=e~*","k&":"한"}`, "q=a%20b%2Bc%26d%3De~%2A&k%26=%ED%95%9C", sign.Settings{Body: sign.BodyRFC3986}},
		{"form", "POST", "", `{"q":"a b+c&d=e~*"}`, "q=a+b%2Bc%26d%3De~%2A", sign.Settings{Body: sign.BodyURLEncoded}},
		{"form-encoded body", "POST", "", "market=KRW-BTC&note=%ED%95%9C", "market=KRW-BTC&note=한", sign.Settings{}},
		{"form-encoded body as sent", "POST", "", "note=a+b%26c", "note=a+b%26c", sign.Settings{Query: sign.QueryAsSent, Body: sign.BodyRFC3986}},
		{"query and the same body", "PUT", "a=1&b=x%20y", `{"a":1,"b":"x y"}`, "a=1&b=x y", sign.Settings{}},
		{"DELETE with a form, rules off", "DELETE", "", "uuid=1", "uuid=1", sign.Settings{Lenient: true}},
		{"POST with a query, rules off", "POST", "a=1", "", "a=1", sign.Settings{Lenient: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sign.Request{Method: c.method, Authority: "api.example.com", Target: "/v1/orders", Body: []byte(c.body)}
			if c.query != "" {
				r.Target += "?" + c.query
			}
			if diff := cmp.Diff(c.hashed, must(c.forms.Hashed(&r))); diff != "" {
				t.Errorf("hashed text (-want +got):\n%s", diff)
			}
			want(t, upbit(bearer(r, jwt(usualHeader, claims(c.hashed))), c.forms), "")
			want(t, upbit(bearer(r, jwt(`{"typ":"JWT","kid":"x","nonce":"y","alg":"HS512"}`, claims(c.hashed))), c.forms), "")
		})
	}
}

// Both bodies of a pair that has one hash: never are both accepted.
func TestUpbitAmbiguityPairs(t *testing.T) {
	type sent struct{ method, query, body string }
	for name, c := range map[string]struct {
		one, two sent
		forms    sign.Settings
	}{
		"& in a value":           {sent{"POST", "", `{"identifier":"x&price=1"}`}, sent{"POST", "", `{"identifier":"x","price":"1"}`}, sign.Settings{}},
		"plain and encoded":      {sent{"POST", "", `{"q":"a%26b"}`}, sent{"POST", "", `{"q":"a&b"}`}, sign.Settings{}},
		"plain and encoded, rfc": {sent{"POST", "", `{"q":"a%26b"}`}, sent{"POST", "", `{"q":"a&b"}`}, sign.Settings{Body: sign.BodyRFC3986}},
		"plus and space":         {sent{"POST", "", `{"q":"a+b"}`}, sent{"POST", "", `{"q":"a b"}`}, sign.Settings{Body: sign.BodyURLEncoded}},
		"%26 and &":              {sent{"GET", "a=x%26b=1", ""}, sent{"GET", "a=x&b=1", ""}, sign.Settings{}},
		"%3D in a name":          {sent{"GET", "a%3Db=1", ""}, sent{"GET", "a=b=1", ""}, sign.Settings{}},
		"%2B and +":              {sent{"GET", "a=x%2By", ""}, sent{"GET", "a=x+y", ""}, sign.Settings{}},
		"query and body":         {sent{"POST", "a=1", ""}, sent{"POST", "", `{"a":"1"}`}, sign.Settings{}},
		"query and form":         {sent{"DELETE", "a=1", ""}, sent{"DELETE", "", "a=1"}, sign.Settings{}},
	} {
		t.Run(name, func(t *testing.T) {
			accepted := func(a, hashedLike sent) bool {
				request := func(s sent) sign.Request {
					r := sign.Request{Method: s.method, Authority: "api.example.com", Target: "/v1/orders", Body: []byte(s.body)}
					if s.query != "" {
						r.Target += "?" + s.query
					}
					return r
				}
				loose := c.forms
				loose.Lenient = true
				like, actual := request(hashedLike), request(a)
				return upbit(bearer(actual, jwt(usualHeader, claims(must(loose.Hashed(&like))))), c.forms) == nil
			}
			for _, hashedLike := range []sent{c.one, c.two} {
				if accepted(c.one, hashedLike) && accepted(c.two, hashedLike) {
					t.Errorf("one token fits %v and %v", c.one, c.two)
				}
			}
			if !accepted(c.one, c.one) && !accepted(c.two, c.two) {
				t.Error("neither is accepted: the pair proves nothing")
			}
		})
	}
}

func TestUpbitTimes(t *testing.T) {
	for name, c := range map[string]struct {
		member  string
		created time.Time
	}{
		"none":      {"", time.Time{}},
		"timestamp": {`,"timestamp":1795292455123`, time.UnixMilli(1795292455123)},
		"iat":       {`,"iat":1795292455`, time.Unix(1795292455, 0)},
		"both":      {`,"iat":1795292450,"timestamp":1795292455123`, time.UnixMilli(1795292455123)},
	} {
		t.Run(name, func(t *testing.T) {
			r := bearer(balances(), jwt(usualHeader, strings.TrimSuffix(claims(""), "}")+c.member+"}"))
			s := must(sign.Parse(&r))
			if !s.Created.Equal(c.created) || s.Timed() != (c.member != "") {
				t.Errorf("created %v, want %v", s.Created, c.created)
			}
			ceiling, late := sign.CeilingTrade, sign.TooOld
			if c.member == "" {
				ceiling, late = sign.CeilingRead, ""
			}
			if got := s.Coverage().Ceiling(); got != ceiling {
				t.Errorf("ceiling %v, want %v", got, ceiling)
			}
			want(t, s.Fresh(clock, past, future), "")
			want(t, s.Fresh(clock.Add(24*time.Hour), past, future), late)
		})
	}
}

// An old client's nonce is its clock in milliseconds, as text or as a number: one value either way.
func TestUpbitNumberNonce(t *testing.T) {
	for _, text := range []string{`1795292455123`, `"1795292455123"`} {
		r := bearer(balances(), jwt(usualHeader, `{"access_key":"`+keyID+`","nonce":`+text+`}`))
		if s := must(sign.Parse(&r)); s.Nonce != "1795292455123" {
			t.Errorf("nonce %q", s.Nonce)
		}
	}
}

// What the dialect leaves open, and nothing else, can be changed under one token: method, path, host, and spellings of one meaning.
func TestUpbitMutations(t *testing.T) {
	query := sign.Request{Method: "GET", Authority: "api.example.com", Target: "/v1/orders?market=KRW-BTC&q=%ED%95%9C%2b+1", Header: http.Header{}}
	query.Target = strings.Replace(query.Target, "+", "%20", 1)
	body := order()
	body.Target = "/v1/orders"
	for name, plain := range map[string]sign.Request{"query": query, "body": body} {
		t.Run(name, func(t *testing.T) {
			r := with(plain, upbitSigner(), clock)
			// try changes one part; open says which changes the dialect leaves open, and some must be accepted if any may.
			try := func(part, text string, set func(*sign.Request, string), open func(changed string) bool) {
				opened := 0
				for _, changed := range mutations(text, allBytes()) {
					m := r
					m.Header = r.Header.Clone()
					set(&m, changed)
					if accepted := upbit(m, sign.Settings{}) == nil; accepted && !open(changed) {
						t.Fatalf("%s %q is accepted", part, changed)
					} else if accepted {
						opened++
					}
				}
				if (part == "path" || part == "authority") && opened == 0 {
					t.Errorf("no change of the %s is accepted: the coverage table says less than is true", part)
				}
			}
			path, rawQuery, _ := strings.Cut(r.Target, "?")
			anything := func(string) bool { return true }
			try("method", r.Method, func(m *sign.Request, s string) { m.Method = s }, anything)
			try("path", path, func(m *sign.Request, s string) { m.Target = s + strings.TrimPrefix(r.Target, path) }, anything)
			try("authority", r.Authority, func(m *sign.Request, s string) { m.Authority = s }, anything)
			try("token", r.Header.Get("Authorization"), func(m *sign.Request, s string) { m.Header.Set("Authorization", s) },
				func(changed string) bool {
					return strings.EqualFold(changed[:7], "Bearer ") && changed[7:] == r.Header.Get("Authorization")[7:]
				})
			try("query", rawQuery, func(m *sign.Request, s string) { m.Target = path + "?" + s },
				func(changed string) bool {
					return cmp.Equal(must(url.ParseQuery(changed)), must(url.ParseQuery(rawQuery)))
				})
			try("body", string(r.Body), func(m *sign.Request, s string) { m.Body = []byte(s) },
				func(changed string) bool { return cmp.Equal(decoded(changed), decoded(string(r.Body))) })

			moved := r // a token for one route is a token for all
			moved.Target = "/v1/withdraws/coin" + strings.TrimPrefix(r.Target, path)
			want(t, upbit(moved, sign.Settings{}), "")
		})
	}
}

func decoded(text string) (members map[string]any) {
	_ = json.Unmarshal([]byte(text), &members)
	return members
}

func hexSHA512(s string) string { return fmt.Sprintf("%x", sha512Sum(s)) }
