package api_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/sign"
)

// platform sends what platforms send to the door that serves it, and holds each answer against the description.
type platform struct {
	*door
	reporter *ecdsa.PrivateKey
}

func openPlatform(t *testing.T) platform {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]any{"public_keys": []map[string]string{{
		"key_identifier": "scanner", "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	d := openWith(t, authtest.Options{YAML: "leaks: {public_keys_file: " + path + "}\nhigh_value: {value: \"50000000\"}\n"})
	d.clock.Advance(3 * time.Second) // what was signed as the server started it refuses
	return platform{d, private}
}

func (p platform) request(method, target string, body any) (*http.Request, []byte) {
	p.t.Helper()
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			p.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, authtest.Origin+target, bytes.NewReader(raw)).WithContext(p.t.Context())
	r.RequestURI = target
	return r, raw
}

// backend sends a call of the paper exchange's backend, signed with secret.
func (p platform) backend(secret byte, method, pattern, which string, body any) answer {
	p.t.Helper()
	r, raw := p.request(method, strings.Replace(pattern, "{id}", which, 1), body)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	signer, err := sign.NewHMACSigner("paper", bytes.Repeat([]byte{secret}, 32))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := sign.Sign(r, raw, signer, p.clock.Now()); err != nil {
		p.t.Fatal(err)
	}
	p.clock.Advance(time.Second)
	return p.sent(r, pattern)
}

func (p platform) report(name string, body any) answer {
	p.t.Helper()
	r, raw := p.request(http.MethodPost, "/v1/leaks", body)
	digest := sha256.Sum256(raw)
	signature, err := ecdsa.SignASN1(rand.Reader, p.reporter, digest[:])
	if err != nil {
		p.t.Fatal(err)
	}
	schemes := p.api.Description().Components.SecuritySchemes
	r.Header.Set(schemes["scanner_key"].Name, name)
	r.Header.Set(schemes["scanner"].Name, base64.StdEncoding.EncodeToString(signature))
	return p.sent(r, "/v1/leaks")
}

func (p platform) sent(r *http.Request, pattern string) answer {
	p.t.Helper()
	got := p.Do(r)
	a := answer{t: p.t, status: got.StatusCode, header: got.Header}
	if text := authtest.Body(p.t, got); text != "" {
		if err := json.Unmarshal([]byte(text), &a.body); err != nil {
			p.t.Fatalf("%d %q: %v", got.StatusCode, text, err)
		}
	}
	if a.header.Get("Content-Type") == "application/problem+json" {
		a.code, _ = a.body["code"].(string)
	}
	line, ok := route.Lookup("server", r.Method, pattern)
	if !ok {
		p.t.Fatalf("no line for %s %s", r.Method, pattern)
	}
	p.checkDescription(line, a)
	return a
}

// example is the body that the description shows, member by member.
func (p platform) example(method, pattern string) map[string]any {
	p.t.Helper()
	line, _ := route.Lookup("server", method, pattern)
	schema := operationOf(p.api.Description(), line).RequestBody.Content["application/json"].Schema
	if schema.Type == huma.TypeArray {
		schema = schema.Items
	}
	members := map[string]any{}
	for name, member := range p.api.Description().Components.Schemas.SchemaFromRef(schema.Ref).Properties {
		members[name] = member.Examples[0]
	}
	return members
}

// What the description shows of the calls of platforms is taken by those who serve them, and answered as it says.
func TestPlatformsAreAnsweredAsDescribed(t *testing.T) {
	p := openPlatform(t)
	ada := p.SignUp("ada@example.com")
	who := ada.Principal()
	const confirmations, posted, high = "/v1/confirmations", "/v1/confirmations/{id}/posted", "/v1/high-value"
	post := func(secret byte, change map[string]any) answer {
		body := p.example(http.MethodPost, confirmations)
		maps.Copy(body, map[string]any{
			"user": who.User.String(), "account": who.Account.String(), "subaccount": who.Subaccount.String(), "environment": "test",
			"return_to": authtest.PageOrigin + "/wallet",
		})
		maps.Copy(body, change)
		return p.backend(secret, http.MethodPost, confirmations, "", body)
	}
	post(7, nil).want(403, "confirmation.no_passkey")
	ada.EnrolPasskey()
	taken := post(7, nil).want(201, "").text("confirmation")
	post(8, nil).want(401, "unauthorized")
	post(7, map[string]any{"amount": "1e3"}).want(422, "request.invalid")
	post(7, map[string]any{"fee": "1"}).want(400, "request.malformed")
	post(7, map[string]any{"account": "acc_069g9r2kt0f7s8w3a5q1z7y6xc"}).want(403, "forbidden")
	post(7, map[string]any{"memo": strings.Repeat("x", 16<<10)}).want(413, "request.too_large")

	p.backend(7, http.MethodGet, posted, taken, nil).want(200, "")
	p.backend(8, http.MethodGet, posted, taken, nil).want(401, "unauthorized")
	p.backend(7, http.MethodGet, posted, "cnf_069g9r2kt0f7s8w3a5q1z7y6xc", nil).want(404, "confirmation.not_found")
	p.backend(7, http.MethodDelete, posted, taken, nil).want(204, "")
	p.backend(7, http.MethodDelete, posted, taken, nil).want(403, "confirmation.void")

	told := p.example(http.MethodPost, high)
	p.backend(7, http.MethodPost, high, "", told).want(422, "request.invalid")
	told["user"] = who.User.String()
	p.backend(7, http.MethodPost, high, "", told).want(200, "")

	found := p.example(http.MethodPost, "/v1/leaks")
	p.report("scanner", []any{found}).want(204, "")
	found["more"] = "that a reporter adds"
	p.report("scanner", []any{found}).want(204, "")
	p.report("nobody", []any{found}).want(401, "unauthorized")
	p.report("scanner", found).want(400, "request.malformed")
}
