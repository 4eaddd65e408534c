package gate_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/gate"
)

// token signs any header and payload, well formed or not, so that only what the row breaks is broken.
func token(header, payload string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + b64(mac.Sum(nil))
}

const goodHeader = `{"alg":"HS256","typ":"sallyport-assertion+jwt","kid":"k1"}`

func goodPayload(t testing.TB) string {
	t.Helper()
	raw, err := json.Marshal(claimsFor("GET", "/", ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestHeader(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	shared, _ := gate.HS256("k1", secret)
	own, _ := gate.EdDSA("ed", public)
	// The classic confusion: the public key, which anybody knows, used as an HMAC secret.
	confused := gate.SignHS256("ed", public, claimsFor("GET", "/", ""))
	g := newGate(t, func(c *gate.Config) { c.Keys = []gate.Key{shared, own} })
	payload := goodPayload(t)
	for name, row := range map[string]struct {
		token string
		want  error
	}{
		"good":               {token(goodHeader, payload), nil},
		"good, other order":  {token(`{"kid":"k1","typ":"sallyport-assertion+jwt","alg":"HS256"}`, payload), nil},
		"good EdDSA":         {gate.SignEdDSA("ed", private, claimsFor("GET", "/", "")), nil},
		"alg none":           {token(`{"alg":"none","typ":"sallyport-assertion+jwt","kid":"k1"}`, payload), gate.ErrKey},
		"alg of other key":   {token(`{"alg":"EdDSA","typ":"sallyport-assertion+jwt","kid":"k1"}`, payload), gate.ErrKey},
		"alg in lower case":  {token(`{"alg":"hs256","typ":"sallyport-assertion+jwt","kid":"k1"}`, payload), gate.ErrKey},
		"confused algorithm": {confused, gate.ErrKey},
		"typ JWT":            {token(`{"alg":"HS256","typ":"JWT","kid":"k1"}`, payload), gate.ErrKey},
		"no typ":             {token(`{"alg":"HS256","kid":"k1"}`, payload), gate.ErrKey},
		"unknown kid":        {token(`{"alg":"HS256","typ":"sallyport-assertion+jwt","kid":"k2"}`, payload), gate.ErrKey},
		"no kid":             {token(`{"alg":"HS256","typ":"sallyport-assertion+jwt"}`, payload), gate.ErrKey},
		"crit":               {token(`{"alg":"HS256","typ":"sallyport-assertion+jwt","kid":"k1","crit":"b64"}`, payload), gate.ErrMalformed},
		"jwk":                {token(`{"alg":"HS256","typ":"sallyport-assertion+jwt","kid":"k1","jwk":"{}"}`, payload), gate.ErrMalformed},
		"alg twice":          {token(`{"alg":"HS256","alg":"HS256","typ":"sallyport-assertion+jwt","kid":"k1"}`, payload), gate.ErrMalformed},
		"kid as a number":    {token(`{"alg":"HS256","typ":"sallyport-assertion+jwt","kid":1}`, payload), gate.ErrMalformed},
		"empty object":       {token(`{}`, payload), gate.ErrKey},
		"no object":          {token(`"k1"`, payload), gate.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := g.Parse(row.token); !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

func TestCompactForm(t *testing.T) {
	g := newGate(t, nil)
	good := gate.SignHS256("k1", secret, claimsFor("GET", "/", ""))
	parts := strings.Split(good, ".")
	// 32 bytes are 43 characters whose last holds only four bits: three more spellings decode alike in a lax decoder.
	respelled := good[:len(good)-1] + string(good[len(good)-1]+1)
	long := claimsFor("GET", "/"+strings.Repeat("x", 16<<10), "")
	for name, row := range map[string]struct {
		token string
		want  error
	}{
		"empty":                  {"", gate.ErrMalformed},
		"dots":                   {"..", gate.ErrMalformed},
		"one part":               {parts[0], gate.ErrMalformed},
		"two parts":              {parts[0] + "." + parts[1], gate.ErrMalformed},
		"four parts":             {good + "." + parts[2], gate.ErrSignature},
		"no signature":           {parts[0] + "." + parts[1] + ".", gate.ErrSignature},
		"half a signature":       {good[:len(good)-23], gate.ErrSignature},
		"other signature":        {parts[0] + "." + parts[1] + "." + gate.BodyDigest(nil), gate.ErrSignature},
		"respelled signature":    {respelled, gate.ErrMalformed},
		"padding":                {good + "=", gate.ErrMalformed},
		"line break":             {parts[0] + "\n." + parts[1] + "." + parts[2], gate.ErrMalformed},
		"line break in the mark": {good + "\r\n", gate.ErrMalformed},
		"standard alphabet":      {good[:len(good)-3] + "+/A", gate.ErrMalformed},
		"too long":               {gate.SignHS256("k1", secret, long), gate.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := g.Parse(row.token); !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

// The payload is signed by a good key here: what is refused is JSON that two readers could read differently.
func TestStrictPayload(t *testing.T) {
	good := goodPayload(t)
	with := func(members string) string { return strings.TrimSuffix(good, "}") + members + "}" }
	for name, row := range map[string]struct {
		payload string
		ok      bool
	}{
		"good":                   {good, true},
		"unknown members":        {with(`,"new":"x","n":-1.5e+3,"b":false,"z":null`), true},
		"escapes":                {strings.Replace(good, `"usr_1"`, `"\u0075sr_1"`, 1), true},
		"doubled claim":          {with(`,"sub":"usr_2"`), false},
		"doubled unknown":        {with(`,"a":1,"a":1`), false},
		"doubled by an escape":   {with(`,"s\u0075b":"usr_2"`), false},
		"other case is another":  {with(`,"SUB":"usr_2"`), true},
		"white space":            {strings.Replace(good, ":", ": ", 1), false},
		"leading space":          {" " + good, false},
		"text behind":            {good + "{}", false},
		"line break behind":      {good + "\n", false},
		"nested object":          {with(`,"cnf":{"jkt":"x"}`), false},
		"array":                  {with(`,"aud2":["x"]`), false},
		"array as audience":      {strings.Replace(good, `"exchange"`, `["exchange"]`, 1), false},
		"number as a string":     {strings.Replace(good, `"sub":"usr_1"`, `"sub":1`, 1), false},
		"null as a string":       {strings.Replace(good, `"sub":"usr_1"`, `"sub":null`, 1), false},
		"string as a time":       {strings.Replace(good, `"exp":`, `"exp":"1","x":`, 1), false},
		"time with exponent":     {strings.Replace(good, `"exp":`, `"exp":1e9,"x":`, 1), false},
		"negative time":          {strings.Replace(good, `"exp":`, `"exp":-1,"x":`, 1), false},
		"seven decimals":         {strings.Replace(good, `"exp":`, `"exp":1.1234567,"x":`, 1), false},
		"leading zero":           {with(`,"n":01`), false},
		"bare fraction":          {with(`,"n":1.`), false},
		"bare sign":              {with(`,"n":-`), false},
		"plus sign":              {with(`,"n":+1`), false},
		"bad literal":            {with(`,"n":nul`), false},
		"trailing comma":         {with(`,`), false},
		"control character":      {with(",\"n\":\"\x01\""), false},
		"bad escape":             {with(`,"n":"\x41"`), false},
		"cut escape":             {with(`,"n":"\u12"`), false},
		"lone surrogate":         {with(`,"n":"\ud800"`), false},
		"two high surrogates":    {with(`,"n":"\ud800\ud800"`), false},
		"half a pair, then text": {with(`,"n":"\ud83dude00"`), false},
		"pair":                   {with(`,"n":"\ud83d\ude00"`), true},
		"invalid UTF-8":          {with(",\"n\":\"\xff\""), false},
		"too many members":       {with(manyMembers(40)), false},
		"empty":                  {"", false},
		"array outside":          {"[" + good + "]", false},
		"unclosed":               {strings.TrimSuffix(good, "}"), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newGate(t, nil).Parse(token(goodHeader, row.payload))
			if row.ok && err != nil || !row.ok && !errors.Is(err, gate.ErrMalformed) {
				t.Errorf("%v, want ok %v", err, row.ok)
			}
		})
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"m` + string(rune('a'+i/26)) + string(rune('a'+i%26)) + `":1`)
	}
	return b.String()
}

func TestClaimsRoundTrip(t *testing.T) {
	want := claimsFor("POST", "/v1/orders?a=<b>&c=\"d\"\\", "x")
	want.Name = "tab\there \u2028 😀 <&>"
	got, err := newGate(t, nil).Parse(gate.SignHS256("k1", secret, want))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestKeysRefuse(t *testing.T) {
	if _, err := gate.HS256("k", secret[:31]); err == nil {
		t.Error("31 bytes for HS256")
	}
	if _, err := gate.HS256("", secret); err == nil {
		t.Error("no id for HS256")
	}
	if _, err := gate.EdDSA("k", make([]byte, 33)); err == nil {
		t.Error("33 bytes for EdDSA")
	}
	mutable := append([]byte(nil), secret...)
	key, _ := gate.HS256("k1", mutable)
	mutable[0]++
	g := newGate(t, func(c *gate.Config) { c.Keys = []gate.Key{key} })
	if _, err := g.Parse(gate.SignHS256("k1", secret, claimsFor("GET", "/", ""))); err != nil {
		t.Errorf("the key follows its caller's slice: %v", err)
	}
}

func TestParseJWKS(t *testing.T) {
	// The public key of RFC 8037 appendix A.2.
	const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	for name, row := range map[string]struct {
		set  string
		want []string
	}{
		"one":            {`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"` + x + `","use":"sig"}]}`, []string{"a"}},
		"two":            {`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"` + x + `","alg":"EdDSA"},{"kty":"OKP","crv":"Ed25519","kid":"b","x":"` + x + `"}]}`, []string{"a", "b"}},
		"none":           {`{"keys":[]}`, nil},
		"no kid":         {`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + x + `"}]}`, nil},
		"other alg":      {`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","alg":"HS256","x":"` + x + `"}]}`, nil},
		"other curve":    {`{"keys":[{"kty":"OKP","crv":"X25519","kid":"a","x":"` + x + `"}]}`, nil},
		"private":        {`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"` + x + `","d":"x"}]}`, nil},
		"secret":         {`{"keys":[{"kty":"oct","kid":"a","k":"` + x + `"}]}`, nil},
		"short":          {`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"AAAA"}]}`, nil},
		"bad base64":     {`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"??"}]}`, nil},
		"not a document": {`keys`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := gate.ParseJWKS([]byte(row.set))
			var ids []string
			for _, k := range keys {
				ids = append(ids, k.ID())
			}
			if diff := cmp.Diff(row.want, ids); diff != "" || (err == nil) != (row.want != nil) {
				t.Errorf("%v, %v", ids, err)
			}
		})
	}
}

func TestOrders(t *testing.T) {
	t.Run("class", func(t *testing.T) {
		for _, row := range []struct {
			have, need gate.Class
			want       bool
		}{
			{gate.ClassOrder, gate.ClassOrder, true},
			{gate.ClassWithdraw, gate.ClassLook, true},
			{gate.ClassCancel, gate.ClassOrder, false},
			{gate.ClassPublic, gate.ClassPublic, true},
			{"tomorrow", gate.ClassPublic, false},
			{gate.ClassWithdraw, "tomorrow", false},
			{"", "", false},
		} {
			if row.have.Covers(row.need) != row.want {
				t.Errorf("%q covers %q: want %v", row.have, row.need, row.want)
			}
		}
	})
	t.Run("assurance", func(t *testing.T) {
		for _, row := range []struct {
			have, floor gate.Assurance
			want        bool
		}{
			{gate.AssurancePhrh, gate.AssuranceMfa, true},
			{gate.AssuranceMfa, gate.AssuranceMfa, true},
			{gate.AssurancePwd, gate.AssuranceMfa, false},
			{"tomorrow", gate.AssurancePwd, false},
			{"tomorrow", gate.AssuranceNone, true},
			{gate.AssurancePhrh, "tomorrow", false},
		} {
			if row.have.AtLeast(row.floor) != row.want {
				t.Errorf("%q at least %q: want %v", row.have, row.floor, row.want)
			}
		}
	})
	t.Run("scope", func(t *testing.T) {
		scopes := gate.Scopes("orders:read orders:cancel")
		for scope, want := range map[string]bool{"orders:read": true, "orders:cancel": true, "orders": false, "": false, "orders:read orders:cancel": false} {
			if scopes.Has(scope) != want {
				t.Errorf("has %q: want %v", scope, want)
			}
		}
		if gate.Scopes("").Has("") {
			t.Error("no scopes hold the empty scope")
		}
	})
}
