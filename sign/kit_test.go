package sign_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/seed-21c57000/sallyport/sign"
)

// The windows of the native profile.
const (
	past   = 10 * time.Second
	future = time.Second
)

const (
	keyID  = "spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp"
	secret = "sps_test_5F3qm6skVUn5VxsuNWpGKFYIYhYkwY7XyZC8lD0ZBNA2iocvj"
	nonce  = "n7Qk2mZ0pX4vT9sWc1yB3A"
)

var (
	clock    = time.Unix(1795292455, 0)
	private  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	hmacKey  = sign.Key{Dialect: sign.Native, Algorithm: sign.HMACSHA256, Material: []byte(secret)}
	edKey    = sign.Key{Dialect: sign.Native, Algorithm: sign.Ed25519, Material: private.Public().(ed25519.PublicKey)}
	upbitKey = sign.Key{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2, Material: []byte(secret)}
)

// verify takes a request through all four steps.
func verify(r *sign.Request, k sign.Key, forms sign.Settings, now time.Time) error {
	return verifyWithin(r, k, forms, now, past)
}

func verifyWithin(r *sign.Request, k sign.Key, forms sign.Settings, now time.Time, past time.Duration) error {
	s, err := sign.Parse(r)
	if err != nil {
		return err
	}
	if err := s.Fresh(now, past, future); err != nil {
		return err
	}
	if err := s.Verify(r, k); err != nil {
		return err
	}
	return s.CheckBody(r, forms)
}

// want checks the outcome of a verification: empty for accepted.
func want(t *testing.T, err error, reason sign.Reason) {
	t.Helper()
	if got := sign.ReasonOf(err); got != reason || (err == nil) != (reason == "") {
		t.Errorf("got %v, want %q", err, reason)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// order is a plain POST of about 300 bytes, not yet signed.
func order() sign.Request {
	return sign.Request{
		Method: "POST", Authority: "api.example.com", Target: "/v1/orders?market=KRW-BTC", Header: http.Header{},
		Body: []byte(`{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"100000000","volume":"0.01","note":"` + strings.Repeat("x", 200) + `"}`),
	}
}

// balances is a GET without query and body, not yet signed.
func balances() sign.Request {
	return sign.Request{Method: "GET", Authority: "api.example.com", Target: "/v1/accounts", Header: http.Header{}}
}

// with signs r by a signer of the package.
func with(r sign.Request, s sign.Signer, now time.Time) sign.Request {
	r.Header = r.Header.Clone()
	maps.Copy(r.Header, must(s.Headers(&r, now)))
	return r
}

func hmacSigner() sign.Signer { return must(sign.NewHMACSigner(keyID, []byte(secret))) }
func edSigner() sign.Signer   { return must(sign.NewEd25519Signer(keyID, private)) }

// The usual pieces of a Signature-Input.
const (
	usualParts  = `("@method" "@authority" "@path" "@query")`
	digestParts = `("@method" "@authority" "@path" "@query" "content-digest")`
)

func usualParams() string {
	return fmt.Sprintf(`;created=%d;keyid="%s";nonce="%s";tag="sallyport-v1"`, clock.Unix(), keyID, nonce)
}

// signedAs signs r with a MAC over whatever inner list and parameters are given, as a client that does not keep to the profile would.
func signedAs(r sign.Request, inner string) sign.Request {
	r.Header = r.Header.Clone()
	if len(r.Body) > 0 && r.Header["Content-Digest"] == nil {
		r.Header.Set("Content-Digest", digest("sha-256", r.Body))
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(generalBase(r, 0, inner)))
	r.Header["Signature-Input"] = []string{"sig1=" + inner}
	r.Header["Signature"] = []string{"sig1=:" + base64.StdEncoding.EncodeToString(mac.Sum(nil)) + ":"}
	return r
}

func digest(alg string, body []byte) string {
	if alg == "sha-512" {
		sum := sha512.Sum512(body)
		return alg + "=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	}
	sum := sha256.Sum256(body)
	return alg + "=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// generalBase builds the signature base of any component that the vectors and tests use, by another parser than the package's: the
// profile itself needs no general builder, so this one lives with the tests.
func generalBase(r sign.Request, status int, inner string) string {
	dictionary, err := httpsfv.UnmarshalDictionary([]string{"x=" + inner})
	if err != nil {
		return `"@signature-params": ` + inner // not readable: the verifier must say so before it compares anything
	}
	member, _ := dictionary.Get("x")
	var b strings.Builder
	for _, item := range member.(httpsfv.InnerList).Items {
		fmt.Fprintf(&b, "%s: %s\n", must(httpsfv.Marshal(item)), generalComponent(r, status, item))
	}
	b.WriteString(`"@signature-params": ` + inner)
	return b.String()
}

func generalComponent(r sign.Request, status int, item httpsfv.Item) string {
	rawPath, rawQuery, _ := strings.Cut(r.Target, "?")
	switch name := item.Value.(string); name {
	case "@method":
		return r.Method
	case "@authority":
		return strings.ToLower(r.Authority)
	case "@path":
		return rawPath
	case "@query":
		return "?" + rawQuery
	case "@target-uri":
		return "https://" + r.Authority + r.Target
	case "@status":
		return strconv.Itoa(status)
	case "@query-param":
		parameter, _ := item.Params.Get("name")
		return must(url.ParseQuery(rawQuery)).Get(parameter.(string))
	default:
		return strings.Join(r.Header[http.CanonicalHeaderKey(name)], ", ")
	}
}

// received reads the bytes of a request as net/http's server would.
func received(t *testing.T, raw []byte) sign.Request {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r := sign.Received(req)
	if r.Body, err = io.ReadAll(req.Body); err != nil {
		t.Fatal(err)
	}
	return r
}

// readVector reads a file of this repository's own vectors.
func readVector(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "spec", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// sharedVector reads a file that lies beside the repository, in shared/vectors of one of the folders above. Without it the test is
// skipped, except in CI, where its absence is an error.
func sharedVector(t *testing.T, name string, into any) {
	t.Helper()
	dir := must(filepath.Abs("."))
	for {
		text, err := os.ReadFile(filepath.Join(dir, "shared", "vectors", name))
		if err == nil {
			if err := json.Unmarshal(text, into); err != nil {
				t.Fatal(err)
			}
			return
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("shared/vectors/%s is ABSENT: it must lie beside the repository in CI", name)
	}
	t.Skipf("shared/vectors/%s is ABSENT beside the repository: this test did not run", name)
}

// replaced is s with one byte changed.
func replaced(s string, at int, c byte) string {
	return s[:at] + string([]byte{c}) + s[at+1:]
}

// permutations gives every order of the texts.
func permutations(texts []string) [][]string {
	if len(texts) < 2 {
		return [][]string{texts}
	}
	var all [][]string
	for i, first := range texts {
		rest := slices.Delete(slices.Clone(texts), i, i+1)
		for _, tail := range permutations(rest) {
			all = append(all, append([]string{first}, tail...))
		}
	}
	return all
}

func sha512Sum(s string) [sha512.Size]byte { return sha512.Sum512([]byte(s)) }
