package sign_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

// rfcVectors are the examples of RFC 9421 B.2.1 to B.2.6 and B.3.
type rfcVectors struct {
	Keys map[string]struct {
		PublicPEM    string `json:"public_pem"`
		SharedSecret string `json:"secret_base64"`
	} `json:"keys"`
	Vectors []rfcVector `json:"vectors"`
}

type rfcVector struct {
	ID              string      `json:"id"`
	Label           string      `json:"label"`
	Alg             string      `json:"alg"`
	KeyID           string      `json:"keyid"`
	StartLine       string      `json:"start_line"`
	Headers         [][2]string `json:"headers"`
	Body            string      `json:"body"`
	SignatureBase   string      `json:"signature_base"`
	SignatureParams string      `json:"signature_params"`
	SignatureBase64 string      `json:"signature_base64"`
}

func (v rfcVector) request() sign.Request {
	r := sign.Request{Method: "GET", Target: "/", Authority: "example.com", Header: http.Header{}, Body: []byte(v.Body)}
	if parts := strings.Split(v.StartLine, " "); parts[0] != "HTTP/1.1" {
		r.Method, r.Target = parts[0], parts[1]
	}
	for _, line := range v.Headers {
		if line[0] == "Host" {
			r.Authority = line[1]
			continue
		}
		r.Header.Add(line[0], line[1])
	}
	return r
}

func TestRFC9421Vectors(t *testing.T) {
	var file rfcVectors
	sharedVector(t, "rfc9421-vectors.json", &file)
	if len(file.Vectors) != 7 {
		t.Fatalf("%d vectors, want 7", len(file.Vectors))
	}
	refusals := map[string]sign.Reason{
		"b21": sign.MissingComponent, "b22": sign.ComponentParameter, "b23": sign.UnknownComponent, "b24": sign.UnknownComponent,
		"b25": sign.UnknownComponent, "b26": sign.UnknownComponent, "b3-ttrp": sign.UnknownComponent,
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			r := v.request()
			if diff := cmp.Diff(v.SignatureBase, generalBase(r, 200, v.SignatureParams)); diff != "" {
				t.Errorf("base (-want +got):\n%s", diff)
			}
			_, err := sign.Parse(&r)
			want(t, err, refusals[v.ID])
		})
	}
	for _, id := range []string{"b25", "b26"} {
		t.Run(id+" signature", func(t *testing.T) {
			v := file.Vectors[slices.IndexFunc(file.Vectors, func(v rfcVector) bool { return v.ID == id })]
			alg := must(sign.ParseAlgorithm(v.Alg))
			key := file.Keys[v.KeyID]
			material := must(base64.StdEncoding.DecodeString(key.SharedSecret))
			if alg == sign.Ed25519 {
				block, _ := pem.Decode([]byte(key.PublicPEM))
				material = must(x509.ParsePKIXPublicKey(block.Bytes)).(ed25519.PublicKey)
			}
			value := must(base64.StdEncoding.DecodeString(v.SignatureBase64))
			if !sign.Holds(alg, material, []byte(v.SignatureBase), value) {
				t.Error("the signature of the RFC does not hold")
			}
			if sign.Holds(alg, material, []byte(v.SignatureBase+"x"), value) {
				t.Error("it holds over another base too")
			}
		})
	}
}
