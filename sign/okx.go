package sign

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// OKX's dialect (API v5):
//
//	OK-ACCESS-KEY: …
//	OK-ACCESS-PASSPHRASE: the passphrase in clear
//	OK-ACCESS-TIMESTAMP: 2026-11-21T20:20:55.925Z
//	OK-ACCESS-SIGN: base64 of HMAC-SHA256 over timestamp ‖ method ‖ target ‖ body

const (
	okxKey        = "Ok-Access-Key"
	okxSign       = "Ok-Access-Sign"
	okxTime       = "Ok-Access-Timestamp"
	okxPassphrase = "Ok-Access-Passphrase"
	okxLayout     = "2006-01-02T15:04:05.000Z"
	maxPassphrase = 128
)

func parseOKX(r *Request) (Signature, error) {
	h := headers{lines: r.Header}
	s := Signature{Dialect: OKX, KeyID: h.one(okxKey, maxKeyID)}
	value := h.one(okxSign, maxValue)
	s.exchange.stamp = h.one(okxTime, len(okxLayout))
	s.exchange.passphrase = h.one(okxPassphrase, maxPassphrase)
	if h.err != nil {
		return Signature{}, h.err
	}
	var err error
	if s.Created, err = time.Parse(okxLayout, s.exchange.stamp); err != nil || s.Created.Format(okxLayout) != s.exchange.stamp {
		return Signature{}, refuse(BadParameter, "timestamp")
	}
	if err := checkKeyID(s.KeyID); err != nil {
		return Signature{}, err
	}
	if err := checkBorder(r); err != nil {
		return Signature{}, err
	}
	return s, s.setValue(stdBase64, value)
}

// checkBorder: target and body are signed without anything between them. A body begins with "{" or "[", and a target has neither, so there
// is one place where the border can be.
func checkBorder(r *Request) error {
	if len(r.Body) > 0 && r.Body[0] != '{' && r.Body[0] != '[' {
		return refuse(JSONMalformed, "body")
	}
	if strings.ContainsAny(r.Target, "{[") {
		return refuse(QueryByte, "")
	}
	return nil
}

// appendWhole appends time ‖ method ‖ target ‖ body, as OKX and KuCoin sign.
func (x *exchangeInput) appendWhole(dst []byte, r *Request) []byte {
	dst = append(append(dst, x.stamp...), r.Method...)
	return append(append(dst, r.Target...), r.Body...)
}

func (e *ExchangeSigner) signOKX(r *Request, now time.Time) (http.Header, error) {
	if err := checkBorder(r); err != nil {
		return nil, err
	}
	x := exchangeInput{stamp: now.UTC().Format(okxLayout)}
	value, err := e.value(x.appendWhole(nil, r), base64.StdEncoding.EncodeToString)
	return http.Header{
		okxKey: {e.key.KeyID}, okxSign: {value}, okxTime: {x.stamp}, okxPassphrase: {e.key.Passphrase},
	}, err
}

var okxProblems = problems{
	badSignature: {word: "50113"}, badClock: {word: "50102"}, spentNonce: {word: "50102"}, badKey: {word: "50111"},
	badAddress: {word: "50110"}, badScope: {word: "50120"}, badPayload: {word: "50114"}, unsigned: {word: "50103"}, tooMany: {word: "50011"},
}
