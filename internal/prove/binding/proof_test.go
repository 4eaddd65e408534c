package binding_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/prove/binding"
)

// captures are what a real browser said to a server that was written for the purpose.
type captures struct {
	Origin string
	Cases  []struct {
		Case      string
		Exchanges []struct {
			Path, Method string
			Req, Res     map[string][]string
			Status       int
			Payload      struct{ Jti, Authorization, Aud string } `json:"proof_payload"`
		}
	}
}

func readCaptures(t testing.TB) (c captures) {
	t.Helper()
	text, err := os.ReadFile("testdata/dbsc-captures.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestProofsOfARealBrowser reads each captured proof, bare as it came and quoted as the draft has it.
func TestProofsOfARealBrowser(t *testing.T) {
	c, proofs := readCaptures(t), 0
	for _, one := range c.Cases {
		t.Run(one.Case, func(t *testing.T) {
			var key *binding.Key
			for _, x := range one.Exchanges {
				for _, header := range x.Req["Secure-Session-Response"] {
					proofs++
					for _, form := range []string{header, `"` + header + `"`} {
						p, err := binding.ParseProof(form)
						if err != nil {
							t.Fatal(err)
						}
						if p.Key != nil {
							key = p.Key
						}
						got := []string{p.Challenge, p.Authorization, p.Audience}
						if diff := cmp.Diff([]string{x.Payload.Jti, x.Payload.Authorization, x.Payload.Aud}, got); diff != "" {
							t.Errorf("claims (-recorded +read):\n%s", diff)
						}
						if !p.SignedBy(*key) {
							t.Errorf("%s: the browser's own signature does not hold", x.Path)
						}
						if registers := strings.HasSuffix(x.Path, "/register"); registers != (p.Key != nil) {
							t.Errorf("%s brings a key: %t", x.Path, p.Key != nil)
						}
						if p.Audience != "" && p.Audience != c.Origin+x.Path {
							t.Errorf("audience %q at %s", p.Audience, x.Path)
						}
					}
				}
			}
		})
	}
	if proofs != 11 {
		t.Errorf("%d proofs, want 11", proofs)
	}
}

// first is the first captured proof: a registration.
func first(t testing.TB) (header string, key binding.Key) {
	t.Helper()
	for _, x := range readCaptures(t).Cases[0].Exchanges {
		if lines := x.Req["Secure-Session-Response"]; len(lines) == 1 {
			p, err := binding.ParseProof(lines[0])
			if err != nil {
				t.Fatal(err)
			}
			return lines[0], *p.Key
		}
	}
	t.Fatal("no proof was captured")
	return "", binding.Key{}
}

// with replaces parts of a proof's header or claims; nil takes a member away.
func with(t testing.TB, proof string, part int, members map[string]any) string {
	t.Helper()
	parts := strings.Split(proof, ".")
	plain, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(plain, &m); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	if plain, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	parts[part] = base64.RawURLEncoding.EncodeToString(plain)
	return strings.Join(parts, ".")
}

// TestWhatIsNoProof: none of these is read.
func TestWhatIsNoProof(t *testing.T) {
	good, _ := first(t)
	parts := strings.Split(good, ".")
	rsaOf := func(bits int) map[string]any {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return map[string]any{"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(n.SetBit(n, 0, 1).Bytes()), "e": "AQAB"}
	}
	for name, header := range map[string]string{
		"empty":                        "",
		"only dots":                    "..",
		"four parts":                   good + ".AA",
		"no signature":                 parts[0] + "." + parts[1],
		"one quote":                    `"` + good,
		"padding":                      good + "=",
		"line break":                   good[:len(good)-4] + "\n" + good[len(good)-4:],
		"too long":                     good + strings.Repeat("A", 4<<10),
		"alg none":                     with(t, good, 0, map[string]any{"alg": "none"}),
		"alg HS256":                    with(t, good, 0, map[string]any{"alg": "HS256"}),
		"no alg":                       with(t, good, 0, map[string]any{"alg": nil}),
		"typ JWT":                      with(t, good, 0, map[string]any{"typ": "JWT"}),
		"a critical member":            with(t, good, 0, map[string]any{"crit": []string{"x"}}),
		"an EC key for RS256":          with(t, good, 0, map[string]any{"alg": "RS256"}),
		"an RSA key for ES256":         with(t, good, 0, map[string]any{"jwk": rsaOf(2048)}),
		"a short RSA key":              with(t, good, 0, map[string]any{"alg": "RS256", "jwk": rsaOf(2047)}),
		"a huge RSA key":               with(t, good, 0, map[string]any{"alg": "RS256", "jwk": rsaOf(4097)}),
		"a key that is text":           with(t, good, 0, map[string]any{"jwk": "AA"}),
		"a point off the curve":        with(t, good, 0, map[string]any{"jwk": map[string]any{"kty": "EC", "crv": "P-256", "x": strings.Repeat("A", 42) + "E", "y": strings.Repeat("A", 42) + "E"}}),
		"a short coordinate":           with(t, good, 0, map[string]any{"jwk": map[string]any{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}}),
		"another curve":                with(t, good, 0, map[string]any{"jwk": map[string]any{"kty": "EC", "crv": "P-384", "x": "AQ", "y": "AQ"}}),
		"no challenge":                 with(t, good, 1, map[string]any{"jti": nil}),
		"a challenge that is a number": with(t, good, 1, map[string]any{"jti": 7}),
		"JTI in capitals":              with(t, good, 1, map[string]any{"jti": nil, "JTI": "x"}),
		"two audiences":                with(t, good, 1, map[string]any{"aud": []string{"a", "b"}}),
		"claims that are a list":       parts[0] + ".W10." + parts[2],
		"claims that are null":         parts[0] + ".bnVsbA." + parts[2],
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := binding.ParseProof(header); err == nil {
				t.Errorf("read as %+v", p)
			}
		})
	}
}

// TestWhoseSignature: each is read, and is not the key's.
func TestWhoseSignature(t *testing.T) {
	good, key := first(t)
	parts := strings.Split(good, ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	swapped := append(append([]byte{}, signature[32:]...), signature[:32]...)
	strange, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	resigned := func(head map[string]any) string {
		proof := with(t, good, 0, head)
		signed := proof[:strings.LastIndexByte(proof, '.')]
		sum := sha256.Sum256([]byte(signed))
		s, err := rsa.SignPKCS1v15(rand.Reader, strange, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + base64.RawURLEncoding.EncodeToString(s)
	}
	own := map[string]any{"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(strange.N.Bytes()), "e": "AQAB"}
	for name, header := range map[string]string{
		"another challenge":           with(t, good, 1, map[string]any{"jti": "another"}),
		"another header":              with(t, good, 0, map[string]any{"x": 1}),
		"R and S swapped":             parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(swapped),
		"R and S as zero":             parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86),
		"a short signature":           parts[0] + "." + parts[1] + ".AAAA",
		"no bytes of signature":       parts[0] + "." + parts[1] + ".",
		"RS256 with a key of its own": resigned(map[string]any{"alg": "RS256", "jwk": own}),
		"RS256 without a key":         resigned(map[string]any{"alg": "RS256", "jwk": nil}),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := binding.ParseProof(header)
			if err != nil {
				t.Fatal(err)
			}
			if p.SignedBy(key) {
				t.Error("it counts as signed by the key")
			}
			if p.Key != nil && p.Key.Algorithm == binding.RS256 && !p.SignedBy(*p.Key) {
				t.Error("an RSA key of its own does not count")
			}
		})
	}
}

// FuzzParseProof: whatever comes, it is read or refused, in one way quoted and bare, and only what a key signed is signed by it.
func FuzzParseProof(f *testing.F) {
	for _, one := range readCaptures(f).Cases {
		for _, x := range one.Exchanges {
			for _, header := range x.Req["Secure-Session-Response"] {
				f.Add(header)
			}
		}
	}
	f.Add("..")
	f.Add(`"e30.e30."`)
	genuine := map[string]bool{}
	for _, one := range readCaptures(f).Cases {
		for _, x := range one.Exchanges {
			for _, header := range x.Req["Secure-Session-Response"] {
				genuine[header] = true
			}
		}
	}
	_, key := first(f)
	f.Fuzz(func(t *testing.T, header string) {
		p, err := binding.ParseProof(header)
		if err != nil {
			return
		}
		if p.Challenge == "" || len(header) > 4<<10 {
			t.Errorf("read as %+v", p)
		}
		if p.SignedBy(key) && !genuine[strings.Trim(header, `"`)] {
			t.Error("a forged signature holds")
		}
		if p.Key != nil {
			_ = p.SignedBy(*p.Key)
		}
	})
}
