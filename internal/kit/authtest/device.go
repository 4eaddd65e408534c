package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
)

// Device is what a browser that binds sessions (DBSC) keeps of one on the dashboard: a key, and the challenge to sign next. The bound cookie
// lies with the browser's others.
type Device struct {
	*Browser
	Session   id.Session
	Key       *ecdsa.PrivateKey
	Challenge string
}

// Bind binds the browser's session on the dashboard, which began less than a minute ago.
func (b *Browser) Bind() *Device {
	b.s.t.Helper()
	d := b.Device()
	d.take(b.must(d.Register()))
	return d
}

// Device is a key of this browser for its session, which nobody knows of yet.
func (b *Browser) Device() *Device {
	b.s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return &Device{Browser: b, Session: b.Principal().Session, Key: key}
}

// Register sends the key for the offer that the session got.
func (d *Device) Register() Reply {
	d.s.t.Helper()
	offer := d.s.Bindings.Offer(d.Session)
	return d.Prove("register", d.Sign(offer.Challenge, map[string]any{"authorization": offer.Authorization}, d.JWK()))
}

// Refresh proves the key and keeps what it brings. It gives the first refusal.
func (d *Device) Refresh() Reply {
	d.s.t.Helper()
	r := d.Prove("refresh", d.Sign(d.Challenge, nil, nil))
	if r.Status == http.StatusOK {
		d.take(r)
	}
	return r
}

func (d *Device) take(r Reply) {
	d.Challenge = ChallengeOf(r)
}

// ChallengeOf is the challenge that an answer wants signed.
func ChallengeOf(r Reply) string {
	challenge, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Secure-Session-Challenge"), `"`), `"`)
	return challenge
}

// Prove sends a proof to an endpoint, as browsers do; an empty one is none.
func (d *Device) Prove(endpoint, proof string) Reply {
	d.s.t.Helper()
	r := d.Request(http.MethodPost, Origin+"/dbsc/"+endpoint, "")
	if endpoint == "refresh" {
		r.Header.Set("Sec-Secure-Session-Id", d.Session.String())
	}
	if proof != "" {
		r.Header.Set("Secure-Session-Response", proof)
	}
	return d.Do(r)
}

// BoundCookie is the one that the browser holds now.
func (d *Device) BoundCookie() string { return d.Cookies[dashboardHost][httpx.BoundCookie] }

// JWK is the public key, as a registration brings it.
func (d *Device) JWK() map[string]any {
	point, err := d.Key.PublicKey.Bytes()
	if err != nil {
		d.s.t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return map[string]any{"kty": "EC", "crv": "P-256", "x": text(point[1:33]), "y": text(point[33:])}
}

// Sign makes a proof over a challenge, with more claims and the key if there are any.
func (d *Device) Sign(challenge string, claims, jwk map[string]any) string {
	head, body := map[string]any{"alg": string(binding.ES256), "typ": "dbsc+jwt"}, map[string]any{"jti": challenge}
	if jwk != nil {
		head["jwk"] = jwk
	}
	maps.Copy(body, claims)
	return d.SignParts(head, body)
}

// SignParts signs any header and claims.
func (d *Device) SignParts(head, body map[string]any) string {
	part := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			d.s.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(head) + "." + part(body)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, d.Key, sum[:])
	if err != nil {
		d.s.t.Fatal(err)
	}
	var raw [64]byte
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(raw[:])
}
