package sign_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/sign"
)

// native verifies with the HMAC key at the usual clock.
func native(r sign.Request) error { return verify(&r, hmacKey, sign.Settings{}, clock) }

// inner refuses a GET that is properly signed over the given list and parameters.
func inner(text string) func() error {
	return func() error { return native(signedAs(balances(), text)) }
}

// input replaces the whole Signature-Input of a signed GET.
func input(lines ...string) func() error {
	return func() error {
		r := signedAs(balances(), usualParts+usualParams())
		r.Header["Signature-Input"] = lines
		return native(r)
	}
}

// value replaces the whole Signature of a signed GET.
func value(lines ...string) func() error {
	return func() error {
		r := signedAs(balances(), usualParts+usualParams())
		r.Header["Signature"] = lines
		return native(r)
	}
}

// digested signs an order with the given Content-Digest lines.
func digested(lines ...string) func() error {
	return func() error {
		r := order()
		r.Header["Content-Digest"] = lines
		return native(signedAs(r, digestParts+usualParams()))
	}
}

func params(old, replacement string) func() error {
	return inner(usualParts + strings.Replace(usualParams(), old, replacement, 1))
}

// nativeRefusals are those of the reference, each one with a signature that would hold where one can be made.
func nativeRefusals() []refusal {
	good := "sig1=" + usualParts + usualParams()
	goodValue := signedAs(balances(), usualParts+usualParams()).Header["Signature"][0]
	body := order().Body
	created := fmt.Sprintf("created=%d", clock.Unix())
	at := func(offset time.Duration) func() error {
		return func() error {
			r := signedAs(balances(), usualParts+usualParams())
			return verify(&r, hmacKey, sign.Settings{}, clock.Add(offset))
		}
	}
	key := func(k sign.Key) func() error {
		return func() error {
			r := signedAs(balances(), usualParts+usualParams())
			return verify(&r, k, sign.Settings{}, clock)
		}
	}
	return []refusal{
		{"no signature", func() error { return native(balances()) }, sign.Unsigned},
		{"signature and authorization", func() error {
			r := signedAs(balances(), usualParts+usualParams())
			r.Header.Set("Authorization", "Bearer x")
			return native(r)
		}, sign.TwoSchemes},
		{"signature without input", func() error {
			r := signedAs(balances(), usualParts+usualParams())
			delete(r.Header, "Signature-Input")
			return native(r)
		}, sign.MissingHeader},
		{"input without signature", func() error {
			r := signedAs(balances(), usualParts+usualParams())
			delete(r.Header, "Signature")
			return native(r)
		}, sign.MissingHeader},
		{"digest covered, not sent", inner(digestParts + usualParams()), sign.MissingHeader},
		{"two input lines", input(good, good), sign.TwoLines},
		{"two signature lines", value(goodValue, goodValue), sign.TwoLines},
		{"two labels", input(good + ", " + strings.Replace(good, "sig1", "sig2", 1)), sign.TwoLabels},
		{"two labels without space", input(good + "," + strings.Replace(good, "sig1", "sig2", 1)), sign.TwoLabels},
		{"two values", value(goodValue + ", " + strings.Replace(goodValue, "sig1", "sig2", 1)), sign.TwoLabels},
		{"other label", value(strings.Replace(goodValue, "sig1", "sig2", 1)), sign.LabelDiffers},
		{"long input", input(good + strings.Repeat("x", 1024)), sign.TooLarge},
		{"long signature", value(goodValue + strings.Repeat("x", 256)), sign.TooLarge},
		{"long digest", digested(digest("sha-256", body), strings.Repeat("x", 500)+"=:AA==:"), sign.TooLarge},

		{"empty input", input(""), sign.Malformed},
		{"label only", input("sig1"), sign.Malformed},
		{"upper-case label", input(strings.Replace(good, "sig1", "Sig1", 1)), sign.Malformed},
		{"no list", input("sig1=" + usualParams()), sign.Malformed},
		{"open list", input(`sig1=("@method" "@authority"`), sign.Malformed},
		{"open string", input(`sig1=("@method`), sign.Malformed},
		{"token for string", input(strings.Replace(good, `"@method"`, `@method`, 1)), sign.Malformed},
		{"escape in a component", input(strings.Replace(good, `@method`, `\@method`, 1)), sign.UnknownComponent},
		{"escape in a value", params(keyID, `a\\b`), sign.BadParameter},
		{"trailing text", input(good + "x"), sign.Malformed},
		{"value is no byte sequence", value(`sig1="abc"`), sign.Malformed},
		{"open byte sequence", value(strings.TrimSuffix(goodValue, ":")), sign.Malformed},
		{"list without space", input(strings.Replace(good, `" "`, `""`, 1)), sign.Malformed},

		{"space at the front", input(" " + good), sign.NonCanonical},
		{"space at the end", input(good + " "), sign.NonCanonical},
		{"space before the list", input(strings.Replace(good, "=(", "= (", 1)), sign.NonCanonical},
		{"space in the list", input(strings.Replace(good, `("`, `( "`, 1)), sign.NonCanonical},
		{"space at the list's end", input(strings.Replace(good, `")`, `" )`, 1)), sign.NonCanonical},
		{"two spaces in the list", input(strings.Replace(good, `" "`, `"  "`, 1)), sign.NonCanonical},
		{"tab in the list", input(strings.Replace(good, `" "`, "\"\t\"", 1)), sign.NonCanonical},
		{"space before a parameter", input(strings.Replace(good, ";created", "; created", 1)), sign.NonCanonical},
		{"space before a semicolon", input(strings.Replace(good, ";created", " ;created", 1)), sign.NonCanonical},
		{"base64 without padding", value(strings.TrimSuffix(goodValue, "=:") + ":"), sign.NonCanonical},
		{"base64 with bits left over", value("sig1=:" + strings.Repeat("A", 42) + "B=:"), sign.NonCanonical},
		{"base64 of the other alphabet", value("sig1=:" + strings.Repeat("_", 42) + "8=:"), sign.NonCanonical},
		{"base64 with a line end", value("sig1=:" + strings.Repeat("A", 40) + "\n" + "AAA=:"), sign.NonCanonical},
		{"long base64", value("sig1=:" + strings.Repeat("A", 92) + ":"), sign.NonCanonical},
		{"signature of 33 bytes", value("sig1=:" + strings.Repeat("A", 44) + ":"), sign.BadParameter},
		{"signature of 65 bytes", value("sig1=:" + strings.Repeat("A", 87) + "=:"), sign.BadParameter},
		{"parameter of the value", value(goodValue + ";x=1"), sign.UnknownParameter},

		{"unknown component", inner(strings.Replace(usualParts, `)`, ` "date")`, 1) + usualParams()), sign.UnknownComponent},
		{"unknown derived component", inner(strings.Replace(usualParts, `)`, ` "@scheme")`, 1) + usualParams()), sign.UnknownComponent},
		{"upper-case component", inner(strings.Replace(usualParts, `@path`, `@Path`, 1) + usualParams()), sign.UnknownComponent},
		{"component twice", inner(strings.Replace(usualParts, `)`, ` "@path")`, 1) + usualParams()), sign.DuplicateComponent},
		{"no components", inner(`()` + usualParams()), sign.MissingComponent},
		{"method not covered", inner(strings.Replace(usualParts, `"@method" `, ``, 1) + usualParams()), sign.MissingComponent},
		{"authority not covered", inner(strings.Replace(usualParts, `"@authority" `, ``, 1) + usualParams()), sign.MissingComponent},
		{"path not covered", inner(strings.Replace(usualParts, `"@path" `, ``, 1) + usualParams()), sign.MissingComponent},
		{"query not covered", inner(strings.Replace(usualParts, ` "@query"`, ``, 1) + usualParams()), sign.MissingComponent},
		{"component with parameter", inner(strings.Replace(usualParts, `"@path"`, `"@path";req`, 1) + usualParams()), sign.ComponentParameter},
		{"digest with sf", inner(strings.Replace(digestParts, `digest"`, `digest";sf`, 1) + usualParams()), sign.ComponentParameter},

		{"unknown parameter", inner(usualParts + usualParams() + `;x=1`), sign.UnknownParameter},
		{"parameter twice", inner(usualParts + usualParams() + `;` + created), sign.DuplicateParameter},
		{"no parameters", inner(usualParts), sign.MissingParameter},
		{"no created", params(";"+created, ""), sign.MissingParameter},
		{"no keyid", params(`;keyid="`+keyID+`"`, ""), sign.MissingParameter},
		{"no nonce", params(`;nonce="`+nonce+`"`, ""), sign.MissingParameter},
		{"no tag", params(`;tag="sallyport-v1"`, ""), sign.MissingParameter},
		{"parameter without a name", params(";tag", ";=1;tag"), sign.Malformed},
		{"created as text", params(created, `created="1795292455"`), sign.BadParameter},
		{"created with a sign", params("created=", "created=-"), sign.BadParameter},
		{"created with a leading zero", params("created=", "created=0"), sign.BadParameter},
		{"created of eleven digits", params(created, created+"0"), sign.BadParameter},
		{"created without value", params(created, "created"), sign.BadParameter},
		{"created with a fraction", params(created, created+".5"), sign.Malformed},
		{"keyid as token", params(`keyid="`+keyID+`"`, "keyid="+keyID), sign.BadParameter},
		{"keyid empty", params(keyID, ""), sign.BadParameter},
		{"keyid with a space", params(keyID, "a b"), sign.BadParameter},
		{"keyid too long", params(keyID, strings.Repeat("k", 256)), sign.BadParameter},
		{"nonce too short", params(nonce, strings.Repeat("n", 15)), sign.BadParameter},
		{"nonce too long", params(nonce, strings.Repeat("n", 65)), sign.BadParameter},
		{"nonce with a colon", params(nonce, strings.Repeat("n", 15)+":"), sign.BadParameter},
		{"other tag", params("sallyport-v1", "sallyport-v2"), sign.WrongTag},
		{"expires before created", inner(usualParts + usualParams() + `;expires=1795292454`), sign.ExpiresRange},
		{"expires with created", inner(usualParts + usualParams() + `;expires=1795292455`), sign.ExpiresRange},
		{"expires after 301 s", inner(usualParts + usualParams() + `;expires=1795292756`), sign.ExpiresRange},
		{"alg unknown", inner(usualParts + usualParams() + `;alg="hmac-sha1"`), sign.AlgUnknown},
		{"alg of another dialect", inner(usualParts + usualParams() + `;alg="hmac-sha512"`), sign.AlgUnknown},
		{"alg of another key", inner(usualParts + usualParams() + `;alg="ed25519"`), sign.AlgMismatch},

		{"too old", at(10*time.Second + time.Microsecond), sign.TooOld},
		{"ahead", at(-time.Second - time.Microsecond), sign.Ahead},
		{"expired", inner(usualParts + strings.Replace(usualParams(), created, "created=1795292450;expires=1795292455", 1)), sign.Expired},
		{"other secret", key(sign.Key{Dialect: sign.Native, Algorithm: sign.HMACSHA256, Material: []byte(secret + "x")}), sign.BadSignature},
		{"empty secret", key(sign.Key{Dialect: sign.Native, Algorithm: sign.HMACSHA256}), sign.BadSignature},
		{"public key as secret's place", key(edKey), sign.BadSignature},
		{"public key cut short", key(sign.Key{Dialect: sign.Native, Algorithm: sign.Ed25519, Material: []byte("short")}), sign.BadSignature},
		{"no algorithm pinned", key(sign.Key{Dialect: sign.Native, Material: []byte(secret)}), sign.BadSignature},
		{"key of another dialect", key(upbitKey), sign.WrongDialect},
		{"empty message's MAC", func() error {
			r := signedAs(balances(), usualParts+usualParams())
			r.Header["Signature"] = []string{"sig1=:" + base64.StdEncoding.EncodeToString(sign.MAC(sign.HMACSHA256, []byte(secret), nil)) + ":"}
			return native(r)
		}, sign.BadSignature},

		{"body, digest not covered", func() error { return native(signedAs(order(), usualParts+usualParams())) }, sign.DigestUncovered},
		{"digest, no body", func() error {
			r := balances()
			r.Header.Set("Content-Digest", digest("sha-256", nil))
			return native(signedAs(r, digestParts+usualParams()))
		}, sign.DigestWithoutBody},
		{"unknown digest only", digested("md5=:AAAA:"), sign.DigestUnknown},
		{"line end in the digest", func() error { // before it can become part of a base
			r := order()
			r.Header.Set("Content-Digest", digest("sha-256", body)+"\n\"@path\": /other")
			r = signedAs(r, digestParts+usualParams())
			_, err := sign.Parse(&r)
			return err
		}, sign.Malformed},
		{"empty digest line", digested(""), sign.Malformed},
		{"digest as text", digested(`sha-256="x"`), sign.Malformed},
		{"digest with parameter", digested(digest("sha-256", body) + ";x=1"), sign.Malformed},
		{"digest of another body", digested(digest("sha-256", nil)), sign.DigestMismatch},
		{"right sha-256, wrong sha-512", digested(digest("sha-256", body) + ", " + digest("sha-512", nil)), sign.DigestMismatch},
		{"wrong sha-256 and then right", digested(digest("sha-256", nil) + ", " + digest("sha-256", body)), sign.DigestMismatch},
		{"wrong on the second line", digested(digest("sha-512", body), digest("sha-256", nil)), sign.DigestMismatch},
		{"digest cut off", digested(strings.TrimSuffix(digest("sha-256", body), ":")), sign.Malformed},
		{"digest with bits left over", digested(respelled(digest("sha-256", body))), sign.DigestMismatch},
	}
}

// respelled changes only bits that base64 throws away: a loose decoder reads the same digest.
func respelled(digest string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := len(digest) - len("x=:")
	return replaced(digest, at, alphabet[strings.IndexByte(alphabet, digest[at])+1])
}

func TestNativeRefusals(t *testing.T) { runRefusals(t, nativeRefusals()) }

func TestNativeAccepts(t *testing.T) {
	body := order().Body
	cases := map[string]func() error{
		"plain":                inner(usualParts + usualParams()),
		"alg sent":             inner(usualParts + usualParams() + `;alg="hmac-sha256"`),
		"expires after 300 s":  inner(usualParts + usualParams() + `;expires=1795292755`),
		"shortest nonce":       params(nonce, strings.Repeat("n", 16)),
		"longest nonce":        params(nonce, strings.Repeat(".", 64)),
		"nonce characters":     params(nonce, "AZaz09._~+/=-AZaz"),
		"longest keyid":        params(keyID, strings.Repeat("k", 255)),
		"sha-512":              digested(digest("sha-512", body)),
		"both digests":         digested(digest("sha-512", body) + ", " + digest("sha-256", body)),
		"two digest lines":     digested(digest("sha-512", body), digest("sha-256", body)),
		"unknown beside":       digested("md5=:AAAA:, " + digest("sha-256", body)),
		"commas without space": digested("md5=:AAAA:," + digest("sha-256", body)),
		"DELETE with a body": func() error {
			r := order()
			r.Method = "DELETE"
			return native(signedAs(r, digestParts+usualParams()))
		},
		"JSON array as body": func() error {
			r := order()
			r.Body = []byte(`[{"market":"KRW-BTC"}]`)
			return native(signedAs(r, digestParts+usualParams()))
		},
		"empty query": func() error {
			r := balances()
			r.Target += "?"
			return native(signedAs(r, usualParts+usualParams()))
		},
		"port in the authority": func() error {
			r := balances()
			r.Authority = "[2001:db8::1]:8443"
			return native(signedAs(r, usualParts+usualParams()))
		},
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { want(t, run(), "") })
	}
}

// Orders of components and parameters are the client's: the received bytes count.
func TestNativeOrders(t *testing.T) {
	for _, list := range permutations([]string{`"@method"`, `"@authority"`, `"@path"`, `"@query"`, `"content-digest"`}) {
		want(t, native(signedAs(order(), "("+strings.Join(list, " ")+")"+usualParams())), "")
	}
	parameters := []string{"created=1795292455", "expires=1795292755", `keyid="` + keyID + `"`, `nonce="` + nonce + `"`, `alg="hmac-sha256"`, `tag="sallyport-v1"`}
	for _, list := range permutations(parameters) {
		want(t, native(signedAs(balances(), usualParts+";"+strings.Join(list, ";"))), "")
	}
}

func TestNativeWindow(t *testing.T) {
	r := with(balances(), hmacSigner(), clock)
	s := must(sign.Parse(&r))
	for _, c := range []struct {
		now    time.Duration
		reason sign.Reason
		skew   time.Duration
	}{
		{10 * time.Second, "", -10 * time.Second},
		{10*time.Second + 1, sign.TooOld, -10*time.Second - 1},
		{-time.Second, "", time.Second},
		{-time.Second - 1, sign.Ahead, time.Second + 1},
	} {
		want(t, s.Fresh(clock.Add(c.now), past, future), c.reason)
		if got := s.Skew(clock.Add(c.now)); got != c.skew {
			t.Errorf("skew %v, want %v", got, c.skew)
		}
	}
	want(t, s.Fresh(clock.Add(time.Minute), time.Minute, future), "")
}

// The body is not looked at before the signature holds: a bad signature costs no hashing of a large body, and a door that gets no
// body can verify the rest.
func TestNativeVerifyLeavesTheBodyAlone(t *testing.T) {
	r := with(order(), hmacSigner(), clock)
	body := r.Body
	r.Body = nil
	s := must(sign.Parse(&r))
	want(t, s.Verify(&r, hmacKey), "")
	want(t, sign.CheckDigest(r.Header["Content-Digest"], body), "")
	want(t, sign.CheckDigest(nil, body), sign.MissingHeader)
	want(t, sign.CheckDigest([]string{strings.Repeat("x", 513)}, body), sign.TooLarge)
}

// A signature for one path, method or query never verifies another (found in the wild: the decoded path was signed and not compared).
func TestNativeSwaps(t *testing.T) {
	r := order()
	r.Target = "/v1/orders?x=1"
	r = with(r, hmacSigner(), clock)
	for name, swap := range map[string]func(*sign.Request){
		"path":      func(r *sign.Request) { r.Target = "/v1/withdraws/coin?x=1" },
		"query":     func(r *sign.Request) { r.Target = "/v1/orders?x=2" },
		"no query":  func(r *sign.Request) { r.Target = "/v1/orders" },
		"border":    func(r *sign.Request) { r.Target = "/v1/orders/?x=1" },
		"escape":    func(r *sign.Request) { r.Target = "/v1/orders?%78=1" },
		"method":    func(r *sign.Request) { r.Method = "DELETE" },
		"authority": func(r *sign.Request) { r.Authority = "api.example.org" },
	} {
		t.Run(name, func(t *testing.T) {
			swapped := r
			swap(&swapped)
			want(t, native(swapped), sign.BadSignature)
		})
	}
}

// Two requests that differ in a covered part never share a signature base, so a MAC cannot cover both.
func TestNativeBasesDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := func(label string) ([4]string, string) {
			r := sign.Request{
				Header:    http.Header{},
				Method:    rapid.StringMatching(`[A-Z]{1,4}`).Draw(t, label+"method"),
				Authority: rapid.StringMatching(`[a-z]{1,3}(:1)?`).Draw(t, label+"authority"),
				Target: rapid.StringMatching(`/[a-z"@:]{0,3}`).Filter(func(s string) bool { return sign.CheckPath(s) == nil }).Draw(t, label+"path") +
					"?" + rapid.StringMatching(`[a-z"@:?/ ]{0,3}`).Filter(func(s string) bool { return !strings.Contains(s, " ") }).Draw(t, label+"query"),
			}
			r = signedAs(r, usualParts+usualParams())
			s, err := sign.Parse(&r)
			if err != nil {
				t.Skip(err)
			}
			path, query, _ := strings.Cut(r.Target, "?")
			return [4]string{r.Method, r.Authority, path, query}, string(s.AppendBase(nil, &r))
		}
		one, oneBase := base("one ")
		two, twoBase := base("two ")
		if (one == two) != (oneBase == twoBase) {
			t.Fatalf("%q and %q have the bases\n%s\n\n%s", one, two, oneBase, twoBase)
		}
	})
}

func TestDecoy(t *testing.T) {
	upbit := with(balances(), upbitSigner(), clock)
	for name, c := range map[string]struct {
		r    sign.Request
		kind sign.Algorithm
	}{
		"native HMAC":    {with(balances(), hmacSigner(), clock), sign.HMACSHA256},
		"native Ed25519": {with(balances(), edSigner(), clock), sign.Ed25519},
		"upbit":          {upbit, sign.HMACSHA2},
	} {
		t.Run(name, func(t *testing.T) {
			s := must(sign.Parse(&c.r))
			decoy := s.Decoy()
			if decoy.Algorithm != c.kind || decoy.Dialect != s.Dialect {
				t.Errorf("the decoy is a %v", decoy)
			}
			want(t, s.Verify(&c.r, decoy), sign.BadSignature)
			// Even signed with the decoy's own bytes, nothing verifies under it.
			if c.kind == sign.HMACSHA256 {
				r := with(balances(), must(sign.NewHMACSigner(keyID, decoy.Material)), clock)
				s := must(sign.Parse(&r))
				want(t, s.Verify(&r, sign.Key{Dialect: sign.Native, Algorithm: c.kind, Material: decoy.Material}), "")
				want(t, s.Verify(&r, decoy), sign.BadSignature)
			}
		})
	}
}
