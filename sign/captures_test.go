package sign_test

import (
	"encoding/base64"
	"testing"
	"time"

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
			want(t, verify(&r, k, sign.UpbitForms{}, now), reason)
			if reason != "" {
				return
			}
			if s := must(sign.Parse(&r)); s.KeyID != c.Credentials.KeyID {
				t.Errorf("key id %q, want %q", s.KeyID, c.Credentials.KeyID)
			}
			want(t, verify(&r, k, sign.UpbitForms{}, now.Add(24*time.Hour)), sign.TooOld)
			want(t, verify(&r, k, sign.UpbitForms{}, now.Add(-24*time.Hour)), sign.Ahead)
		})
	}
	if len(signers) != 2 || accepted < 14 {
		t.Errorf("%d signers and %d accepted requests, want 2 and at least 14", len(signers), accepted)
	}
}

type clientCapture struct {
	Exchange    string `json:"exchange"`
	Op          string `json:"op"`
	Credentials struct {
		APIKey string `json:"apiKey"`
		Secret string `json:"secret"`
	} `json:"credentials"`
	ClockMS [2]int64 `json:"client_clock_ms"`
	Raw     string   `json:"raw_base64"`
}

// Requests as ccxt sent them. The order's identifier holds "&": its signature is right, and the strict rules refuse it because
// {"identifier":"a&f":…} and {"identifier":"a","f":…} have one hash.
func TestUpbitCaptures(t *testing.T) {
	var file struct {
		Captures []clientCapture `json:"captures"`
	}
	readVector(t, "client-captures.json", &file)
	strict := map[string]sign.Reason{
		"fetchBalance": "", "withdraw": "",
		"createOrder limit buy, clientOrderId with reserved chars": sign.Ambiguous,
	}
	seen := 0
	for _, c := range file.Captures {
		if c.Exchange != "upbit" {
			continue
		}
		seen++
		t.Run(c.Op, func(t *testing.T) {
			r := received(t, must(base64.StdEncoding.DecodeString(c.Raw)))
			k := sign.Key{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2, Material: []byte(c.Credentials.Secret)}
			now := time.UnixMilli(c.ClockMS[1])
			reason, listed := strict[c.Op]
			if !listed {
				t.Fatal("a capture that this test does not know")
			}
			want(t, verify(&r, k, sign.UpbitForms{}, now), reason)
			lenient := sign.UpbitForms{Lenient: true}
			want(t, verify(&r, k, lenient, now), "")
			want(t, verify(&r, k, lenient, now.Add(24*time.Hour)), "") // no time is signed

			s := must(sign.Parse(&r))
			if s.KeyID != c.Credentials.APIKey || s.Timed() || s.Coverage().Ceiling() != sign.CeilingRead {
				t.Errorf("key %q, timed %v, coverage %+v", s.KeyID, s.Timed(), s.Coverage())
			}
		})
	}
	if seen != 3 {
		t.Errorf("%d captures, want 3", seen)
	}
}
