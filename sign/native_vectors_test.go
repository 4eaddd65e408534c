package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

var update = flag.Bool("update", false, "write what spec/vectors/native.json should hold")

// nativeVectors is spec/vectors/native.json, which the packages of sdk read too.
type nativeVectors struct {
	What           string           `json:"what"`
	Note           string           `json:"note"`
	Keys           []map[string]any `json:"keys"`
	PrivateKeys    []string         `json:"private_keys"`
	BadPrivateKeys []string         `json:"bad_private_keys"`
	Signed         []*signedVector  `json:"signed"`
	Refused        []refusedVector  `json:"refused"`
}

type vectorRequest struct {
	Name      string `json:"name"`
	Method    string `json:"method"`
	Authority string `json:"authority"`
	Target    string `json:"target"`
	Body      string `json:"body,omitempty"`
	Bytes     []byte `json:"body_base64,omitempty"`
}

func (v vectorRequest) request() *sign.Request {
	return &sign.Request{Method: v.Method, Authority: v.Authority, Target: v.Target, Body: append([]byte(v.Body), v.Bytes...)}
}

type signedVector struct {
	vectorRequest
	Created int64  `json:"created"`
	Nonce   string `json:"nonce"`
	signedResult
}

type signedResult struct {
	ContentDigest  string            `json:"content_digest,omitempty"`
	SignatureInput string            `json:"signature_input"`
	Base           string            `json:"base"`
	Signatures     map[string]string `json:"signatures"` // algorithm → value of the header
}

type refusedVector struct {
	vectorRequest
	Reason sign.Reason `json:"reason"`
}

// sign signs with both keys as the package does.
func (v *signedVector) sign(t *testing.T) signedResult {
	t.Helper()
	made := signedResult{Signatures: map[string]string{}}
	for algorithm, signer := range map[string]sign.Signer{"hmac-sha256": hmacSigner(), "ed25519": edSigner()} {
		r := v.request()
		h, err := signer.(*sign.NativeSigner).HeadersWith(r, time.Unix(v.Created, 0), v.Nonce)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = h
		s := must(sign.Parse(r))
		made.ContentDigest, made.SignatureInput = h.Get("Content-Digest"), h.Get("Signature-Input")
		made.Base = string(s.AppendBase(nil, r))
		made.Signatures[algorithm] = h.Get("Signature")
	}
	return made
}

// What the package makes of the vectors' requests is what the file says, the verifier takes it, and a base built by another parser is equal.
func TestNativeVectors(t *testing.T) {
	var file nativeVectors
	readVector(t, "native.json", &file)
	if len(file.Signed) < 20 || len(file.Refused) < 50 {
		t.Fatalf("%d requests to sign and %d to refuse", len(file.Signed), len(file.Refused))
	}
	for _, v := range file.Signed {
		t.Run(v.Name, func(t *testing.T) {
			made := v.sign(t)
			if *update {
				v.signedResult = made
			}
			if diff := cmp.Diff(v.signedResult, made); diff != "" {
				t.Errorf("in the file (-) and made now (+) differ:\n%s", diff)
			}
			r := v.request()
			r.Header = map[string][]string{"Signature-Input": {made.SignatureInput}}
			if made.ContentDigest != "" {
				r.Header["Content-Digest"] = []string{made.ContentDigest}
			}
			canonical := *r
			canonical.Authority = sign.CanonicalAuthority(r.Authority)
			if diff := cmp.Diff(generalBase(canonical, 0, strings.TrimPrefix(made.SignatureInput, "sig1=")), made.Base); diff != "" {
				t.Errorf("a base built otherwise (-want +got):\n%s", diff)
			}
			for _, k := range []sign.Key{hmacKey, edKey} {
				r.Header["Signature"] = []string{made.Signatures[k.Algorithm.String()]}
				want(t, verify(r, k, sign.Settings{}, time.Unix(v.Created, 0)), "")
			}
		})
	}
	for _, v := range file.Refused {
		t.Run("refused/"+v.Name, func(t *testing.T) {
			_, err := hmacSigner().Headers(v.request(), clock)
			want(t, err, v.Reason)
		})
	}
	if *update {
		writeVectors(t, file)
	}
}

func writeVectors(t *testing.T, file nativeVectors) {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("..", "spec", "vectors", "native.json"), text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every spelling of the private key is the key, and nothing else is.
func TestNativeVectorKeys(t *testing.T) {
	var file nativeVectors
	readVector(t, "native.json", &file)
	if len(file.Keys) != 2 || file.Keys[0]["secret"] != secret || file.Keys[0]["key_id"] != keyID || file.Keys[1]["key_id"] != keyID {
		t.Fatalf("keys %v", file.Keys)
	}
	for _, text := range append(file.PrivateKeys, file.Keys[1]["private_key"].(string)) {
		if got, _, err := sign.ParsePrivateKey(text); err != nil || !got.Equal(private) {
			t.Errorf("%q is read as %s: %v", text, base64.StdEncoding.EncodeToString(got), err)
		}
	}
	for _, text := range file.BadPrivateKeys {
		if _, form, err := sign.ParsePrivateKey(text); err == nil {
			t.Errorf("%q is read as %s", text, form)
		}
	}
	if len(file.PrivateKeys) < 10 || len(file.BadPrivateKeys) < 10 {
		t.Error("few spellings")
	}
}
