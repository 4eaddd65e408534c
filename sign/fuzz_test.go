package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

// FuzzParseNative puts any text into the signature headers of a signed request. What is read must be canonical by httpsfv's
// measure and give the base that httpsfv's reading gives; what verifies must be what was signed.
func FuzzParseNative(f *testing.F) {
	body := order().Body
	signed := signedAs(order(), digestParts+usualParams())
	goodInput, goodValue := signed.Header.Get("Signature-Input"), signed.Header.Get("Signature")
	f.Add(goodInput, goodValue, digest("sha-256", body), "/v1/orders?market=KRW-BTC")
	f.Add(strings.ReplaceAll(goodInput, "sig1", "a"), strings.ReplaceAll(goodValue, "sig1", "a"), digest("sha-512", body), "/")
	f.Add(`*=("@query" "@path" "@method" "@authority");tag="sallyport-v1";created=1;expires=301;nonce="0123456789abcdef";keyid="k";alg="ed25519"`, goodValue, "", "/?")
	f.Add(`sig1=("@method" "@authority" "@path" "@query");created=01;keyid="k";nonce="0123456789abcdef";tag="sallyport-v1"`, `sig1=::`, "", "/a")
	f.Add(goodInput+", sig2=()", goodValue+";x", " sha-256=:AA==: ", "/%ED%95%9C?%00")
	f.Add(`sig1=("@method";req);created=1`, `sig1=?1`, "sha-256", "//")
	f.Fuzz(func(t *testing.T, input, value, digestLine, target string) {
		r := order()
		r.Target = target
		r.Header = http.Header{"Signature-Input": {input}, "Signature": {value}, "Content-Digest": {digestLine}}
		s, err := sign.Parse(&r)
		if err != nil {
			return
		}
		inner := canonicalMember(t, input)
		canonicalMember(t, value)
		if strings.TrimSpace(digestLine) == digestLine { // the general builder of these tests does not trim
			if diff := cmp.Diff(generalBase(r, 0, inner), string(s.AppendBase(nil, &r))); diff != "" {
				t.Errorf("base (-httpsfv +ours):\n%s", diff)
			}
		}
		if s.Verify(&r, hmacKey) != nil || s.CheckBody(&r, sign.Settings{}) != nil {
			return
		}
		if inner != canonicalMember(t, goodInput) || strings.Trim(digestLine, " \t") != digest("sha-256", body) || target != signed.Target {
			t.Errorf("accepted after mutation: %q %q %q %q", input, value, digestLine, target)
		}
	})
}

// canonicalMember checks that the text is one dictionary member as RFC 8941 §4.1 writes it, and gives what stands after its label.
func canonicalMember(t *testing.T, text string) string {
	t.Helper()
	dictionary, err := httpsfv.UnmarshalDictionary([]string{text})
	if err != nil {
		t.Fatalf("read, but no structured field: %q: %v", text, err)
	}
	if written, err := httpsfv.Marshal(dictionary); err != nil || written != text || len(dictionary.Names()) != 1 {
		t.Fatalf("read, but not canonical: %q, canonical %q, %v", text, written, err)
	}
	_, member, _ := strings.Cut(text, "=")
	return member
}

// FuzzParseUpbit puts any text into Authorization. What is read must be a token whose claims encoding/json reads the same; what
// verifies must be the one token that was signed.
func FuzzParseUpbit(f *testing.F) {
	good := jwt(usualHeader, strings.TrimSuffix(claims("a=1"), "}")+`,"timestamp":1795292455123}`)
	f.Add("Bearer " + good)
	f.Add("bearer " + good)
	f.Add("Bearer " + jwt(`{"alg":"HS512","kid":"a","nonce":"b"}`, claims("")))
	f.Add("Bearer " + jwt(`{"alg":"none"}`, claims("")))
	f.Add("Bearer " + jwt(usualHeader, `{"access_key":"\ud83d\ude00","nonce":12}`))
	f.Add("Bearer " + jwt(usualHeader, `{"access_key":"k","nonce":"n","nonce":"m"}`))
	f.Add("Bearer " + good + "=")
	f.Add("Bearer a.eyJhY2Nlc3Nfa2V5IjoxfQ.c")
	f.Fuzz(func(t *testing.T, authorization string) {
		r := balances()
		r.Header = http.Header{"Authorization": {authorization}}
		s, err := sign.Parse(&r)
		if err != nil {
			return
		}
		parts := strings.Split(authorization[len("Bearer "):], ".")
		var c struct {
			AccessKey string `json:"access_key"`
			Timestamp int64  `json:"timestamp"`
		}
		for i, part := range parts {
			raw, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil || base64.RawURLEncoding.EncodeToString(raw) != part {
				t.Fatalf("read, but part %d is not canonical: %q", i, part)
			}
			if i == 1 && json.Unmarshal(raw, &c) != nil || i == 0 && !json.Valid(raw) {
				t.Fatalf("read, but part %d is no JSON: %s", i, raw)
			}
		}
		if c.AccessKey != s.KeyID || c.Timestamp != 0 && c.Timestamp != s.Created.UnixMilli() {
			t.Errorf("read %q at %v, encoding/json %+v", s.KeyID, s.Created, c)
		}
		if s.Verify(&r, upbitKey) == nil && s.Timed() && authorization[len("Bearer "):] != good {
			t.Errorf("accepted after mutation: %s", authorization)
		}
	})
}

// FuzzCheckPath: a path that passes means the same to every reader, however often it decodes and cleans.
func FuzzCheckPath(f *testing.F) {
	for _, p := range []string{
		"/", "/v1/orders", "/v1/", "/v1/%ED%95%9C", "/v1/%2e%2e/x", "/v1/..", "//", "/a%c0%af", "/a%252e", "/KRW%3ABTC", "/a;b", `/a\b`,
		"/%F0%9F%98%80", "/a%20b", "/%00", "/a?b", "/%e2%80%a4",
	} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if sign.CheckPath(p) != nil {
			return
		}
		decoded, err := url.PathUnescape(p)
		if err != nil {
			t.Fatalf("%q passes and does not decode: %v", p, err)
		}
		cleaned := path.Clean(decoded)
		if strings.HasSuffix(decoded, "/") && cleaned != "/" {
			cleaned += "/"
		}
		if cleaned != decoded {
			t.Errorf("%q passes, decodes to %q and cleans to %q", p, decoded, cleaned)
		}
		if strings.Count(p, "/") != strings.Count(decoded, "/") || strings.ContainsAny(decoded, "\\%?#;\x00\x7f") || !utf8.ValidString(decoded) {
			t.Errorf("%q passes and decodes to %q", p, decoded)
		}
		for i := range len(decoded) {
			if decoded[i] < ' ' {
				t.Errorf("%q passes and hides a control byte", p)
			}
		}
		u, err := url.ParseRequestURI(p)
		if err != nil || u.EscapedPath() != p || u.Path != decoded {
			t.Errorf("%q passes, and net/url makes it %+v, %v", p, u, err)
		}
	})
}

// FuzzUpbitBody: the flat reader agrees with encoding/json, and under the strict rules the hashed text can be taken apart into
// exactly the members of the body, so no other body has it.
func FuzzUpbitBody(f *testing.F) {
	for _, text := range []string{
		`{"market":"KRW-BTC","amount":0.05,"t":true}`, `{}`, `{"a":"x&b=1"}`, `{"a":"\ud83d\ude00","b":"\ud800"}`, `{"a":{"b":1}}`, `{"a":null}`,
		`{"a":1,"a":2}`, `{"a":1e5,"b":-0,"c":01}`, ` { "a" : "" } `, `a=1&b=%ED%95%9C`, `a=x%26y&c%3Dd=1`, `[1]`, "{\"\xff\":1}", `{"a":"\u0000"}`, `{"a":1,}`,
	} {
		f.Add([]byte(text), uint8(0))
		f.Add([]byte(text), uint8(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, form uint8) {
		pairs, err := sign.FlatObject(body)
		oracle, ok := tokens(body)
		if err == nil && !ok {
			t.Fatalf("read, and encoding/json does not: %q", body)
		}
		if err == nil && !cmp.Equal(pairs, oracle) {
			t.Fatalf("read as %q, by encoding/json as %q", pairs, oracle)
		}
		// encoding/json repairs invalid UTF-8 and half surrogates into U+FFFD; what it need not repair is read here too.
		if err != nil && ok && !duplicates(oracle) && !bytes.ContainsRune(body, utf8.RuneError) && !bytes.Contains(body, []byte(`\u`)) && utf8.Valid(body) {
			t.Fatalf("refused (%v), and encoding/json reads %q", err, oracle)
		}
		forms := sign.Settings{Body: sign.BodyForm(form % 3)}
		r := sign.Request{Method: "POST", Target: "/", Body: body}
		hashed, err := forms.Hashed(&r)
		if err != nil || hashed == "" {
			return
		}
		wanted := pairs
		if body[0] != '{' {
			wanted = formPairs(t, string(body))
		}
		if got := takenApart(t, hashed, forms.Body, body[0] == '{'); !cmp.Equal(got, wanted) {
			t.Errorf("body %q hashes %q, which also means %q", body, hashed, got)
		}
	})
}

// tokens reads a flat object by encoding/json: not ok when it is none or holds what has no flat spelling.
func tokens(text []byte) ([]sign.FlatPair, bool) {
	pairs := []sign.FlatPair{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		value, err := d.Token()
		if err != nil {
			return nil, false
		}
		switch v := value.(type) {
		case string:
			pairs = append(pairs, sign.FlatPair{Name: name.(string), Text: v})
		case json.Number:
			pairs = append(pairs, sign.FlatPair{Name: name.(string), Text: v.String()})
		case bool:
			pairs = append(pairs, sign.FlatPair{Name: name.(string), Text: map[bool]string{true: "true", false: "false"}[v]})
		default:
			return nil, false
		}
	}
	return pairs, json.Valid(text)
}

func duplicates(pairs []sign.FlatPair) bool {
	names := map[string]bool{}
	for _, p := range pairs {
		names[p.Name] = true
	}
	return len(names) != len(pairs)
}

func formPairs(t *testing.T, body string) (pairs []sign.FlatPair) {
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		n, errName := url.PathUnescape(name)
		v, errValue := url.PathUnescape(value)
		if errName != nil || errValue != nil {
			t.Fatalf("form %q is taken and does not decode", body)
		}
		pairs = append(pairs, sign.FlatPair{Name: n, Text: v})
	}
	return pairs
}

// takenApart reads a hashed text as a server would that only knows k=v&k=v.
func takenApart(t *testing.T, hashed string, form sign.BodyForm, isJSON bool) (pairs []sign.FlatPair) {
	decode := func(s string) string { return s }
	if isJSON && form == sign.BodyRFC3986 {
		decode = func(s string) string { return must(url.PathUnescape(s)) }
	} else if isJSON && form == sign.BodyURLEncoded {
		decode = func(s string) string { return must(url.QueryUnescape(s)) }
	}
	for pair := range strings.SplitSeq(hashed, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			t.Fatalf("hashed text %q holds half a pair", hashed)
		}
		pairs = append(pairs, sign.FlatPair{Name: decode(name), Text: decode(value)})
	}
	return pairs
}

// FuzzUpbitQuery: under the strict rules two queries have one hashed text only if they mean the same parameters.
func FuzzUpbitQuery(f *testing.F) {
	f.Add("a=1&b=2", "a=1&b=%32")
	f.Add("a=x%26b=1", "a=x&b=1")
	f.Add("a%3Db=1", "a=b=1")
	f.Add("a=x%2By", "a=x+y")
	f.Add("states[]=a", "states%5B%5D=a")
	f.Add("a=1;b=2", "a=1%3Bb=2")
	f.Fuzz(func(t *testing.T, one, two string) {
		texts := [2]string{}
		for i, query := range []string{one, two} {
			r := sign.Request{Method: "GET", Target: "/?" + query}
			if sign.CheckTarget(r.Target) != nil {
				return
			}
			hashed, err := sign.Settings{}.Hashed(&r)
			if err != nil {
				return
			}
			texts[i] = hashed
		}
		if texts[0] != texts[1] {
			return
		}
		first, errFirst := url.ParseQuery(one)
		second, errSecond := url.ParseQuery(two)
		if errFirst != nil || errSecond != nil || !cmp.Equal(first, second) {
			t.Errorf("%q and %q both hash %q and mean %v and %v", one, two, texts[0], first, second)
		}
	})
}
