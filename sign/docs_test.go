package sign_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

// The example of docs/signing.md: its request gives its base, its keys give its signatures, and the whole is accepted.
func TestDocsExample(t *testing.T) {
	text := string(must(os.ReadFile(filepath.Join("..", "docs", "signing.md"))))
	block := func(kind string) string {
		found := regexp.MustCompile("(?s)```" + kind + "\n(.*?)\n```").FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no %s block", kind)
		}
		return found[1]
	}
	keys := regexp.MustCompile("(?m)^\\| (HMAC|Ed25519), .*`([^`]+)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(text, -1)
	if len(keys) != 2 {
		t.Fatalf("found %d keys in the table", len(keys))
	}
	head, body, _ := strings.Cut(block("http"), "\n\n")
	r := received(t, []byte(strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body))
	now := time.Unix(1795292455, 0)
	s := must(sign.Parse(&r))
	base := string(s.AppendBase(nil, &r))
	if diff := cmp.Diff(block("text"), base); diff != "" {
		t.Errorf("base (-docs +got):\n%s", diff)
	}
	for _, line := range keys {
		t.Run(line[1], func(t *testing.T) {
			k := sign.Key{Dialect: sign.Native, Algorithm: sign.HMACSHA256, Material: []byte(line[2])}
			if line[1] == "Ed25519" {
				seeded, form, err := sign.ParsePrivateKey(line[2])
				if err != nil || form != sign.FormBase64 {
					t.Fatalf("read as %v, %v", form, err)
				}
				k.Algorithm, k.Material = sign.Ed25519, seeded[32:]
			}
			if !sign.Holds(k.Algorithm, k.Material, []byte(base), must(base64.StdEncoding.DecodeString(line[3]))) {
				t.Error("the signature in the table does not hold over the base")
			}
			signed := r
			signed.Header = r.Header.Clone()
			signed.Header.Set("Signature", "sig1=:"+line[3]+":")
			want(t, verify(&signed, k, sign.Settings{}, now), "")
		})
	}
	want(t, verify(&r, hmacKey, sign.Settings{}, now), "")
}

// The examples for proxies take away every header that a gateway takes away. Caddy's wildcards are tested with Caddy (internal/e2e/peers).
func TestExamplesTakeEveryCredentialAway(t *testing.T) {
	for file, line := range map[string]func(name string) string{
		"nginx/nginx.conf":      func(name string) string { return "\n      proxy_set_header " + name + " \"\";\n" },
		"haproxy/sallyport.lua": func(name string) string { return "\"" + strings.ToLower(name) + "\"," },
		"traefik/dynamic.yaml":  func(name string) string { return "\n          " + name + ": \"\"\n" },
	} {
		text := string(must(os.ReadFile(filepath.Join("..", "examples", filepath.FromSlash(file)))))
		for _, d := range sign.AllDialects() {
			for _, name := range d.Headers() {
				if !strings.Contains(text, line(name)) {
					t.Errorf("%s: %s of %s stays", file, name, d)
				}
			}
		}
	}
}
