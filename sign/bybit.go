package sign

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

// Bybit's dialect (API v5):
//
//	X-BAPI-API-KEY: …
//	X-BAPI-TIMESTAMP: 1795292456052
//	X-BAPI-RECV-WINDOW: 5000
//	X-BAPI-SIGN: lower-case hexadecimal of HMAC-SHA256 over timestamp ‖ key ‖ window ‖ (query of a GET, body of all others)

const (
	bybitKey    = "X-Bapi-Api-Key"
	bybitSign   = "X-Bapi-Sign"
	bybitTime   = "X-Bapi-Timestamp"
	bybitWindow = "X-Bapi-Recv-Window"
)

func parseBybit(r *Request) (Signature, error) {
	h := headers{lines: r.Header}
	s := Signature{Dialect: Bybit, KeyID: h.one(bybitKey, maxKeyID)}
	value := h.one(bybitSign, maxValue)
	s.exchange.stamp = h.one(bybitTime, 13)
	s.exchange.window = h.one(bybitWindow, 5)
	if h.err != nil {
		return Signature{}, h.err
	}
	var ok bool
	if s.Created, ok = milliseconds(s.exchange.stamp); !ok {
		return Signature{}, refuse(BadParameter, "timestamp")
	}
	if s.Window, ok = recvWindow(s.exchange.window); !ok {
		return Signature{}, refuse(BadParameter, "recv window")
	}
	if err := checkKeyID(s.KeyID); err != nil {
		return Signature{}, err
	}
	if err := checkBybitParts(r); err != nil {
		return Signature{}, err
	}
	return s, s.setHex(value)
}

// checkBybitParts: what is not signed must not be there. And the window's digits are followed by the query or body with nothing between,
// so neither begins with one.
func checkBybitParts(r *Request) error {
	_, query := r.split()
	switch get := r.Method == http.MethodGet || r.Method == http.MethodHead; {
	case get && len(r.Body) > 0, !get && query != "":
		return refuse(Misplaced, r.Method)
	case len(r.Body) > 0 && r.Body[0] != '{' && r.Body[0] != '[':
		return refuse(JSONMalformed, "body")
	case query != "" && ('0' <= query[0] && query[0] <= '9' || query[0] == '.'):
		return refuse(Ambiguous, "query")
	default:
		return nil
	}
}

func (s *Signature) appendBybit(dst []byte, r *Request) []byte {
	dst = append(append(append(dst, s.exchange.stamp...), s.KeyID...), s.exchange.window...)
	_, query := r.split()
	return append(append(dst, query...), r.Body...) // one of the two is empty
}

func (e *ExchangeSigner) signBybit(r *Request, now time.Time) (http.Header, error) {
	if err := checkBybitParts(r); err != nil {
		return nil, err
	}
	s := Signature{KeyID: e.key.KeyID}
	s.exchange.stamp = strconv.FormatInt(now.UnixMilli(), 10)
	s.exchange.window = strconv.FormatInt(exchangeWindow.Milliseconds(), 10)
	value, err := e.value(s.appendBybit(nil, r), hex.EncodeToString)
	return http.Header{
		bybitKey: {e.key.KeyID}, bybitTime: {s.exchange.stamp}, bybitWindow: {s.exchange.window}, bybitSign: {value},
	}, err
}

var bybitProblems = problems{
	badSignature: {word: "10004"}, badClock: {word: "10002"}, spentNonce: {word: "10002"}, badKey: {word: "33004"},
	badAddress: {word: "10010"}, badScope: {word: "10005"}, badPayload: {word: "10001"}, unsigned: {word: "10003"}, tooMany: {word: "10006"},
}
