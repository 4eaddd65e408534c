package sign_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

type nativeCapture struct {
	Signer      string `json:"signer"`
	Op          string `json:"op"`
	Credentials struct {
		KeyID     string `json:"keyid"`
		Algorithm string `json:"algorithm"`
		PublicKey []byte `json:"public_key"`
		Secret    string `json:"secret"`
	} `json:"credentials"`
	ClockMS int64  `json:"clock_ms"`
	Raw     []byte `json:"raw_base64"`
	Expect  string `json:"expect"`
}

// Requests that two independent libraries signed and sent, as they arrived on a socket.
func TestNativeCaptures(t *testing.T) {
	var file struct {
		Captures []nativeCapture `json:"captures"`
	}
	readVector(t, "native-captures.json", &file)
	signers, accepted := map[string]int{}, 0
	for _, c := range file.Captures {
		signers[c.Signer]++
		t.Run(c.Signer+"/"+c.Op, func(t *testing.T) {
			k := sign.Key{Dialect: sign.Native, Algorithm: must(sign.ParseAlgorithm(c.Credentials.Algorithm)), Material: c.Credentials.PublicKey}
			if k.Algorithm == sign.HMACSHA256 {
				k.Material = []byte(c.Credentials.Secret)
			}
			r := received(t, c.Raw)
			now := time.UnixMilli(c.ClockMS)
			reason := sign.Reason(c.Expect)
			if c.Expect == "accepted" {
				accepted++
				reason = ""
			}
			want(t, verify(&r, k, sign.Settings{}, now), reason)
			if reason != "" {
				return
			}
			if s := must(sign.Parse(&r)); s.KeyID != c.Credentials.KeyID {
				t.Errorf("key id %q, want %q", s.KeyID, c.Credentials.KeyID)
			}
			want(t, verify(&r, k, sign.Settings{}, now.Add(24*time.Hour)), sign.TooOld)
			want(t, verify(&r, k, sign.Settings{}, now.Add(-24*time.Hour)), sign.Ahead)
		})
	}
	if len(signers) != 2 || accepted < 14 {
		t.Errorf("%d signers and %d accepted requests, want 2 and at least 14", len(signers), accepted)
	}
}

type clientCapture struct {
	Exchange    string            `json:"exchange"`
	Variant     string            `json:"variant"`
	Op          string            `json:"op"`
	Credentials map[string]string `json:"credentials"`
	ClockMS     [2]int64          `json:"client_clock_ms"`
	Raw         []byte            `json:"raw_base64"`
}

// key is what a verifier keeps of the client's credentials.
func (c clientCapture) key() (k sign.Key) {
	k.Dialect = must(sign.ParseDialect(c.Exchange))
	k.Algorithm = k.Dialect.Algorithms()[0]
	switch {
	case strings.HasSuffix(c.Variant, "ed25519"), strings.HasSuffix(c.Variant, "eddsa"):
		k.Algorithm = sign.Ed25519
	case c.Variant == "hmac":
		k.Algorithm = sign.HMACSHA256
	}
	if k.Algorithm.KeepsPublicHalf() {
		k.Material = must(sign.PublicKeyFor(k.Algorithm, c.Credentials["public_pem"]))
	} else {
		k.Material = must(sign.MaterialOf(k.Dialect, []byte(c.Credentials["secret"]), c.Credentials["password"]))
	}
	return k
}

// strictly refused: their signatures are right. Upbit's order has an identifier with "&", and {"identifier":"a&f":…} has the hash of
// {"identifier":"a","f":…}; Binance's withdrawal was sent without being percent-encoded.
var strictlyRefused = map[string]sign.Reason{
	"upbit createOrder limit buy, clientOrderId with reserved chars": sign.Ambiguous,
	"binance withdraw": sign.Ambiguous,
}

// What ccxt sent, byte for byte, to an exchange of each dialect.
func TestClientCaptures(t *testing.T) {
	var file struct {
		Captures []clientCapture `json:"captures"`
	}
	readVector(t, "client-captures.json", &file)
	seen, refused := map[sign.Dialect]int{}, 0
	for _, c := range file.Captures {
		t.Run(c.Exchange+"/"+c.Variant+"/"+c.Op, func(t *testing.T) {
			k, r := c.key(), received(t, c.Raw)
			seen[k.Dialect]++
			now := time.UnixMilli(c.ClockMS[1])
			strict, lenient := must(k.Dialect.ParseSettings(nil)), must(k.Dialect.ParseSettings(nil))
			lenient.Lenient = true
			reason := strictlyRefused[c.Exchange+" "+c.Op]
			if reason != "" {
				refused++
			}
			want(t, verify(&r, k, strict, now), reason)
			want(t, verify(&r, k, lenient, now), "")
			later := sign.TooOld
			if k.Dialect == sign.Upbit || k.Dialect == sign.Kraken {
				later = "" // no time is signed: its nonce is kept as long as the key instead
			}
			want(t, verify(&r, k, lenient, now.Add(24*time.Hour)), later)

			s, again := must(sign.Parse(&r)), must(sign.Parse(&r))
			if s.KeyID != c.Credentials["apiKey"] || s.Timed() == (later == "") {
				t.Errorf("key %q, made at %v", s.KeyID, s.Created)
			}
			if s.SingleUse(&r) == "" || s.SingleUse(&r) != again.SingleUse(&r) {
				t.Error("a second use has another value to claim")
			}
			k.Material = bytes.Clone(k.Material)
			k.Material[1] ^= 1
			want(t, verify(&r, k, lenient, now), sign.BadSignature)
		})
	}
	counts := map[sign.Dialect]int{
		sign.Upbit: 3, sign.Bithumb: 3, sign.Binance: 5, sign.Kraken: 3, sign.OKX: 3, sign.Bybit: 3, sign.Coinbase: 6, sign.KuCoin: 3,
	}
	if diff := cmp.Diff(counts, seen); diff != "" || refused != len(strictlyRefused) {
		t.Errorf("%d refused by the strict rules; captures (-want +got):\n%s", refused, diff)
	}
}
