package sign

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
)

// KuCoin's dialect (key version 2):
//
//	KC-API-KEY: …
//	KC-API-KEY-VERSION: 2
//	KC-API-TIMESTAMP: 1795292456706
//	KC-API-PASSPHRASE: base64 of HMAC-SHA256(secret, passphrase)
//	KC-API-SIGN: base64 of HMAC-SHA256(secret, timestamp ‖ method ‖ target ‖ body)

const (
	kucoinKey        = "Kc-Api-Key"
	kucoinSign       = "Kc-Api-Sign"
	kucoinTime       = "Kc-Api-Timestamp"
	kucoinPassphrase = "Kc-Api-Passphrase" //nolint:gosec // the name of a header
	kucoinVersion    = "Kc-Api-Key-Version"
)

func parseKuCoin(r *Request) (Signature, error) {
	h := headers{lines: r.Header}
	s := Signature{Dialect: KuCoin, KeyID: h.one(kucoinKey, maxKeyID)}
	value := h.one(kucoinSign, maxValue)
	version := h.one(kucoinVersion, 1)
	s.exchange.stamp = h.one(kucoinTime, 13)
	s.exchange.passphrase = h.one(kucoinPassphrase, maxPassphrase)
	if h.err != nil {
		return Signature{}, h.err
	}
	var ok bool
	if s.Created, ok = milliseconds(s.exchange.stamp); !ok {
		return Signature{}, refuse(BadParameter, "timestamp")
	}
	if version != "2" {
		return Signature{}, refuse(BadParameter, "key version")
	}
	if err := checkKeyID(s.KeyID); err != nil {
		return Signature{}, err
	}
	if err := checkBorder(r); err != nil {
		return Signature{}, err
	}
	return s, s.setValue(stdBase64, value)
}

// milliseconds reads 13 digits, or 12 as before September 2001; seconds have fewer.
func milliseconds(text string) (time.Time, bool) {
	n, ok := parseDecimal(text, 13)
	return time.UnixMilli(n).UTC(), ok && len(text) >= 12
}

func (e *ExchangeSigner) signKuCoin(r *Request, now time.Time) (http.Header, error) {
	if err := checkBorder(r); err != nil {
		return nil, err
	}
	x := exchangeInput{stamp: strconv.FormatInt(now.UnixMilli(), 10)}
	value, err := e.value(x.appendWhole(nil, r), base64.StdEncoding.EncodeToString)
	mac := PassphraseMAC(e.key.Secret, e.key.Passphrase)
	return http.Header{
		kucoinKey: {e.key.KeyID}, kucoinVersion: {"2"}, kucoinTime: {x.stamp}, kucoinSign: {value},
		kucoinPassphrase: {base64.StdEncoding.EncodeToString(mac)},
	}, err
}

var kucoinProblems = problems{
	badSignature: {word: "400005"}, badClock: {word: "400002"}, spentNonce: {word: "400002"}, badKey: {word: "400003"},
	badAddress: {word: "400006"}, badScope: {word: "400007"}, badPayload: {word: "400100"}, unsigned: {word: "400001"},
	tooMany: {"429000", "Too many requests: Exceeded the access frequency."}, // clients wait at this text, and do not know the number
}
