package sign

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
)

// marks are the header lines by which a request of a dialect is recognised. The dialects of tokens share Authorization, and what they
// hold tells them apart.
var marks = [...]struct {
	header  string
	dialect Dialect
}{
	{"X-Mbx-Apikey", Binance},
	{"Api-Sign", Kraken},
	{"Ok-Access-Sign", OKX},
	{"X-Bapi-Sign", Bybit},
	{"Kc-Api-Sign", KuCoin},
}

// NeedsBody says whether the signature of r stands in its body or can only be read together with it, so that Body must be whole before
// Parse. It looks at header names alone and proves nothing: the caller asks HeadKeyID and bounds what a stranger can make it read.
func NeedsBody(r *Request) bool {
	if len(r.Header["Signature-Input"]) > 0 {
		return false
	}
	for _, mark := range marks {
		if len(r.Header[mark.header]) > 0 {
			return dialects[mark.dialect].bodyFirst
		}
	}
	return false
}

// HeadKeyID is the id of the key that r names, of a request of which NeedsBody says so: what can be known before a byte of the body is read.
// Every line of the dialect stands once. It proves nothing; Parse says the rest.
// Refusals: TwoSchemes, MissingHeader, TwoLines, TooLarge, BadParameter, and those of a request that has no one meaning.
func HeadKeyID(r *Request) (string, error) {
	d, _, err := recognise(r.Header)
	if err != nil {
		return "", err
	}
	if err := r.check(); err != nil {
		return "", err
	}
	h := headers{lines: r.Header}
	var key string
	for i, name := range dialects[d].headers {
		if line := h.one(name, maxValue); i == 0 {
			key = line
		}
	}
	if h.err != nil {
		return "", h.err
	}
	return key, checkKeyID(key)
}

// Spoken is the dialect whose header lines are there, whatever else is wrong with them; zero if there are none, or those of two.
func Spoken(h http.Header) Dialect {
	d, _, _ := recognise(h)
	return d
}

// recognise finds the one dialect whose header lines are there, and the token of those that have one. Upbit and Bithumb are not told apart
// here: that the key decides (Verify).
// Refusals: Unsigned, TwoSchemes.
func recognise(h http.Header) (d Dialect, token string, err error) {
	if len(h["Signature-Input"])+len(h["Signature"]) > 0 {
		d = Native
	}
	for _, mark := range marks {
		if len(h[mark.header]) == 0 {
			continue
		}
		if d != 0 {
			return 0, "", refuse(TwoSchemes, mark.header)
		}
		d = mark.dialect
	}
	if credentials := h["Authorization"]; len(credentials) > 0 {
		if d != 0 {
			return 0, "", refuse(TwoSchemes, "Authorization")
		}
		d, token = exchangeToken(credentials)
	}
	if d == 0 {
		return 0, "", refuse(Unsigned, "")
	}
	return d, token, nil
}

// exchangeToken finds a token of an exchange's dialect in the lines of Authorization: Upbit's and Bithumb's has the claim access_key,
// Coinbase's names its key and its nonce in the token's header. Any other Bearer token belongs to OAuth and is left alone.
func exchangeToken(lines []string) (d Dialect, token string) {
	for _, line := range lines {
		if len(line) < len(bearerPrefix) || !strings.EqualFold(line[:len(bearerPrefix)], bearerPrefix) {
			continue
		}
		text := line[len(bearerPrefix):]
		header, claims, _ := splitToken(text)
		head := looseBase64(header)
		switch {
		case bytes.Contains(looseBase64(claims), []byte(accessKeyClaim)):
			d, token = Upbit, text
		case bytes.Contains(head, []byte(`"kid"`)) && bytes.Contains(head, []byte(`"nonce"`)):
			d, token = Coinbase, text
		}
	}
	return d, token
}

// looseBase64 decodes as far as it gets, only to see whose token it is; canonicalBase64 decides afterwards.
func looseBase64(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(s[:min(len(s), maxToken)], "="))
	return b
}

// headers reads header lines of an exchange's dialect, each of which must stand exactly once.
type headers struct {
	lines http.Header
	err   error
}

// one is the line of a name, of at most longest bytes.
func (h *headers) one(name string, longest int) string {
	line, err := oneLine(h.lines[name], name, longest)
	if h.err == nil {
		h.err = err
	}
	return line
}
