package totp

import (
	"encoding/base32"
	"errors"
	"fmt"
	"image/color"
	"net/url"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Key is what an authenticator app takes over. All of it is as secret as the secret: it is shown once, on a page that no cache
// keeps, and never logged, stored or mailed.
type Key struct {
	// URI is otpauth://totp/… with issuer, account and secret.
	URI secret.Value
	// Base32 is the secret in groups of four, for typing.
	Base32 secret.Value
	// QR is the URI as a picture.
	QR QR
}

// maxLabel is the length of the longest mail address.
const maxLabel = 254

// NewKey writes a secret down for an authenticator app. Issuer and account are what the app shows: the product's name and the user's
// mail address. It refuses empty or long ones, a colon in the issuer (which would end it), what does not fit a QR code, and a secret
// of another length than MintSecret's.
func NewKey(s secret.Value, issuer, account string) (Key, error) {
	if len(s.Reveal()) != secretBytes {
		return Key{}, errors.New("totp key: the secret is not one of ours")
	}
	if issuer == "" || account == "" || len(issuer) > maxLabel || len(account) > maxLabel || strings.Contains(issuer, ":") {
		return Key{}, fmt.Errorf("totp key: issuer and account take 1 to %d bytes, and the issuer no colon", maxLabel)
	}
	uri := keyURI(s, issuer, account)
	picture, err := draw(uri)
	if err != nil {
		return Key{}, err
	}
	return Key{
		URI:    secret.FromString("totp key uri", uri),
		Base32: secret.FromString("totp key in base32", inFours(base32.StdEncoding.EncodeToString(s.Reveal()))),
		QR:     picture,
	}, nil
}

// keyURI is written here because the library's leaves & and = in an issuer as they are. Apps want %20 for a space, not +.
func keyURI(s secret.Value, issuer, account string) string {
	query := url.Values{
		"secret": {base32.StdEncoding.EncodeToString(s.Reveal())}, "issuer": {issuer},
		"algorithm": {"SHA1"}, "digits": {strconv.Itoa(digits)}, "period": {strconv.Itoa(stepSeconds)},
	}
	uri := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account,
		RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20"),
	}
	return uri.String()
}

func inFours(s string) string {
	var groups []string
	for ; len(s) > 4; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(append(groups, s), " ")
}

// QR is a QR code as a page draws it: one path, filled dark on light, in a square of Size units.
//
//	<svg viewBox={ "0 0 Size Size" }><path d={ Path }/></svg>
type QR struct {
	// Size counts modules along one side, the quiet zone of four included.
	Size int
	// Path holds a rectangle for each run of dark modules.
	Path string
}

// String keeps the picture, from which the secret can be read back, out of logs.
func (QR) String() string { return "[totp picture]" }

// quiet is the light border that ISO/IEC 18004 demands around a code.
const quiet = 4

func draw(content string) (QR, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return QR{}, fmt.Errorf("totp picture: %w", err)
	}
	side := code.Bounds().Dx()
	var path strings.Builder
	for y := range side {
		for x := 0; x < side; x++ {
			begin := x
			for x < side && code.At(x, y) == color.Black {
				x++
			}
			if x > begin {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", begin+quiet, y+quiet, x-begin, x-begin)
			}
		}
	}
	return QR{Size: side + 2*quiet, Path: path.String()}, nil
}
