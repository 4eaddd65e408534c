package totp_test

import (
	"fmt"
	"image/color"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/totp"
)

const rfcBase32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

// An app reads the key URI as it is meant, whatever the issuer is called.
func TestAppsReadTheKeyURI(t *testing.T) {
	for _, issuer := range []string{"Sallyport", "Kim & Sons = 100% + more", "거래소 문지기", "secret=AAAA&issuer=x"} {
		key, err := totp.NewKey(rfcSecret, issuer, "kim+bot@example.com")
		if err != nil {
			t.Fatalf("%s: %v", issuer, err)
		}
		read, err := otp.NewKeyFromURL(string(key.URI.Reveal()))
		if err != nil {
			t.Fatalf("%s: %v", issuer, err)
		}
		got := fmt.Sprint(read.Type(), read.Issuer(), read.AccountName(), read.Secret(), read.Digits(), read.Period(), read.Algorithm())
		want := fmt.Sprint("totp", issuer, "kim+bot@example.com", rfcBase32, otp.DigitsSix, uint64(30), otp.AlgorithmSHA1)
		if got != want {
			t.Errorf("%s\nread %s\nwant %s", key.URI.Reveal(), got, want)
		}
		if strings.Contains(string(key.URI.Reveal()), "+more") {
			t.Errorf("%s: a space is written + and apps would show it", key.URI.Reveal())
		}
	}
}

func TestKeyIsShownInFours(t *testing.T) {
	key, err := totp.NewKey(rfcSecret, "Sallyport", "kim@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(key.Base32.Reveal()), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if printed := fmt.Sprintf("%v %+v %s", key, key, key.QR); strings.Contains(printed, "GEZD") || strings.Contains(printed, "M4 4") {
		t.Errorf("the key shows when printed: %s", printed)
	}
}

// matrixOf reads a picture's path back: which modules are dark.
func matrixOf(t *testing.T, picture totp.QR) map[[2]int]bool {
	t.Helper()
	dark := map[[2]int]bool{}
	for run := range strings.SplitSeq(strings.TrimSuffix(picture.Path, "z"), "z") {
		var x, y, width, back int
		if n, err := fmt.Sscanf(run, "M%d %dh%dv1h-%d", &x, &y, &width, &back); n != 4 || err != nil || width != back || width < 1 {
			t.Fatalf("run %q: %v", run, err)
		}
		for i := range width {
			if dark[[2]int{x + i, y}] {
				t.Fatalf("run %q is drawn over another", run)
			}
			dark[[2]int{x + i, y}] = true
		}
	}
	return dark
}

func TestPictureIsTheQRCodeWithItsQuietZone(t *testing.T) {
	for _, account := range []string{"kim@example.com", strings.Repeat("k", 242) + "@example.com"} {
		key, err := totp.NewKey(rfcSecret, "Sallyport", account)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qr.Encode(string(key.URI.Reveal()), qr.M, qr.Auto)
		if err != nil {
			t.Fatal(err)
		}
		side := code.Bounds().Dx()
		if key.QR.Size != side+8 {
			t.Fatalf("size %d for %d modules, want a quiet zone of 4 on each side", key.QR.Size, side)
		}
		dark := matrixOf(t, key.QR)
		for y := range key.QR.Size {
			for x := range key.QR.Size {
				inside := x >= 4 && y >= 4 && x < side+4 && y < side+4
				if want := inside && code.At(x-4, y-4) == color.Black; dark[[2]int{x, y}] != want {
					t.Fatalf("module %d,%d: dark %v, want %v", x, y, !want, want)
				}
			}
		}
	}
}

func TestNewKeyRefuses(t *testing.T) {
	long := strings.Repeat("x", 255)
	tests := []struct {
		name            string
		secret          secret.Value
		issuer, account string
	}{
		{"no secret", secret.Value{}, "Sallyport", "kim@example.com"},
		{"short secret", secret.FromString("totp secret", "1234567890"), "Sallyport", "kim@example.com"},
		{"no issuer", rfcSecret, "", "kim@example.com"},
		{"no account", rfcSecret, "Sallyport", ""},
		{"colon in the issuer", rfcSecret, "Sally:port", "kim@example.com"},
		{"long issuer", rfcSecret, long, "kim@example.com"},
		{"long account", rfcSecret, "Sallyport", long},
		{"more than a picture holds", rfcSecret, strings.Repeat("문", 84), strings.Repeat("문", 84)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if key, err := totp.NewKey(test.secret, test.issuer, test.account); err == nil {
				t.Errorf("made %s", key.URI.Reveal())
			}
		})
	}
}
