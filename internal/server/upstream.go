package server

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/sign"
)

func newUpstream(cfg config.Config, u config.Upstream, keys *assertionKeys) (*gateway.Upstream, error) {
	target, err := url.Parse(string(u.URL))
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", u.Name, err)
	}
	text, err := os.ReadFile(u.Routes)
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", u.Name, err)
	}
	routes, err := gateway.ParseRoutes(text)
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", u.Name, err)
	}
	up := &gateway.Upstream{Name: u.Name, URL: target, KeysPath: u.KeysPath, PricesPath: u.PricesPath}
	up.Routes.Store(routes)
	issuer := string(cfg.Dashboard.Issuer)
	if u.Assertion == config.AssertEdDSA {
		up.Assert = gateway.NewEdDSAAsserter(issuer, u.Name, keys.id, keys.private)
		up.Posts, err = backendKey(u)
		return up, err
	}
	shared, err := readSecretFile(u.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", u.Name, err)
	}
	raw, err := base64.StdEncoding.DecodeString(string(shared.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %s is not base64", u.Name, u.KeyFile)
	}
	up.Posts = signed.BackendKey{Algorithm: sign.HMACSHA256, Material: secret.New("assertion key", raw)}
	up.Assert, err = gateway.NewHMACAsserter(issuer, u.Name, AssertionKeyID(raw), raw)
	return up, err
}

// backendKey reads the public key of a backend that shares no key with us; empty if it has none.
func backendKey(u config.Upstream) (k signed.BackendKey, err error) {
	if u.BackendKeyFile == "" {
		return k, nil
	}
	text, err := os.ReadFile(u.BackendKeyFile)
	if err != nil {
		return k, fmt.Errorf("upstream %s: %w", u.Name, err)
	}
	public, err := sign.PublicKeyFor(sign.Ed25519, string(text))
	if err != nil {
		return k, fmt.Errorf("upstream %s: %s holds no Ed25519 public key: %w", u.Name, u.BackendKeyFile, err)
	}
	return signed.BackendKey{Algorithm: sign.Ed25519, Material: secret.New("backend key", public)}, nil
}

// AssertionKeyID names a shared assertion key: the beginning of its hash, so that both sides agree without being told.
func AssertionKeyID(key []byte) string {
	sum := sha256.Sum256(key)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// thumbprint names a public key (RFC 7638 §3 over the members of RFC 8037 §2).
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// serveJWKS lets upstreams that hold no shared key verify assertions (RFC 7517 §5).
func (k *assertionKeys) serveJWKS(w http.ResponseWriter, _ *http.Request) {
	public, _ := k.private.Public().(ed25519.PublicKey)
	set := map[string]any{"keys": []map[string]string{{
		"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": k.id, "x": base64.RawURLEncoding.EncodeToString(public),
	}}}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_ = json.NewEncoder(w).Encode(set)
}

func splitRemote(r config.Remote) (string, int, error) {
	host, port, err := net.SplitHostPort(string(r))
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.Atoi(port)
	return host, n, err
}
