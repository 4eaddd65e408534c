package sign

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Binance's dialect: the key in a header, everything else among the parameters, which stand in the query, in a form body, or in both.
//
//	X-MBX-APIKEY: …
//	symbol=BTCUSDT&…&timestamp=1795292455434[&recvWindow=5000]&signature=…
//
// What is signed is the raw query, then the raw body with nothing between, both without the pair of the signature, as they were sent.
// The signature is an HMAC-SHA256 in hexadecimal of either case, or Ed25519 in base64, percent-encoded in transit.

const (
	binanceKey        = "X-Mbx-Apikey"
	maxParameters     = 256
	maxSignatureText  = 3 * 88 // 64 bytes in base64, every character escaped
	exchangeWindow    = 5 * time.Second
	maxExchangeWindow = time.Minute
)

func parseBinance(r *Request) (Signature, error) {
	h := headers{lines: r.Header}
	s := Signature{Dialect: Binance, KeyID: h.one(binanceKey, maxKeyID), Window: exchangeWindow}
	if h.err != nil {
		return Signature{}, h.err
	}
	if err := checkKeyID(s.KeyID); err != nil {
		return Signature{}, err
	}
	_, query := r.split()
	seen := make(map[string]string)
	for _, part := range []string{query, string(r.Body)} {
		if err := readPairs(part, seen); err != nil {
			return Signature{}, err
		}
	}
	for _, name := range []string{"timestamp", "signature"} {
		if _, ok := seen[name]; !ok {
			return Signature{}, refuse(MissingParameter, name)
		}
	}
	var ok bool
	if s.Created, ok = binanceTime(seen["timestamp"]); !ok {
		return Signature{}, refuse(BadParameter, "timestamp")
	}
	if window, sent := seen["recvWindow"]; sent {
		if s.Window, ok = recvWindow(window); !ok {
			return Signature{}, refuse(BadParameter, "recvWindow")
		}
	}
	return s, s.setBinanceValue(seen["signature"])
}

// readPairs adds name=value pairs, names decoded, values raw. A name that stands twice, however it is spelled, is refused: two readers
// could take a different one.
func readPairs(text string, seen map[string]string) error {
	if text == "" {
		return nil
	}
	for pair := range strings.SplitSeq(text, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return refuse(FormMalformed, "")
		}
		decoded, err := url.QueryUnescape(name)
		if err != nil {
			return refuse(FormMalformed, "")
		}
		if _, twice := seen[decoded]; twice {
			return refuse(DuplicateParameter, decoded)
		}
		if len(seen) == maxParameters {
			return refuse(TooLarge, "parameters")
		}
		seen[decoded] = value
	}
	return nil
}

// binanceTime reads milliseconds or microseconds, which have three digits more.
func binanceTime(text string) (time.Time, bool) {
	if len(text) < 15 {
		return milliseconds(text)
	}
	n, ok := parseDecimal(text, 16)
	return time.UnixMicro(n).UTC(), ok
}

// recvWindow reads milliseconds with up to three decimals, at most a minute.
func recvWindow(text string) (time.Duration, bool) {
	whole, decimals, _ := strings.Cut(text, ".")
	n, ok := parseDecimal(whole, 5)
	micros := int64(0)
	if ok && whole != text {
		scale := map[int]int64{1: 100, 2: 10, 3: 1}[len(decimals)]
		for i := range len(decimals) {
			ok = ok && '0' <= decimals[i] && decimals[i] <= '9'
		}
		fraction, _ := strconv.ParseInt(decimals, 10, 32)
		micros, ok = fraction*scale, ok && scale > 0
	}
	window := time.Duration(n)*time.Millisecond + time.Duration(micros)*time.Microsecond
	return window, ok && window > 0 && window <= maxExchangeWindow
}

func (s *Signature) setBinanceValue(raw string) error {
	text, err := url.PathUnescape(raw)
	if err != nil || len(raw) > maxSignatureText {
		return refuse(NonCanonical, "signature")
	}
	if len(text) == 2*32 {
		return s.setHex(strings.ToLower(text))
	}
	return s.setValue(stdBase64, text)
}

// setHex decodes an HMAC-SHA256 in lower-case hexadecimal.
func (s *Signature) setHex(text string) error {
	n, err := hex.Decode(s.value[:], []byte(text[:min(len(text), 2*len(s.value))]))
	if err != nil || n != 32 || len(text) != 2*n || strings.ToLower(text) != text {
		return refuse(NonCanonical, "signature")
	}
	s.length = n
	return nil
}

// appendBinance appends query and body without the signature's pair.
func appendBinance(dst []byte, r *Request) []byte {
	_, query := r.split()
	dst = appendUnsigned(dst, query)
	return appendUnsigned(dst, string(r.Body))
}

func appendUnsigned(dst []byte, text string) []byte {
	first := len(dst)
	for pair := range strings.SplitSeq(text, "&") {
		if name, _, _ := strings.Cut(pair, "="); isSignatureName(name) {
			continue
		}
		if len(dst) > first {
			dst = append(dst, '&')
		}
		dst = append(dst, pair...)
	}
	return dst
}

func isSignatureName(name string) bool {
	decoded, err := url.QueryUnescape(name)
	return err == nil && decoded == "signature"
}

// checkBinance holds the strict rules. The border between query and body is not signed, so only one of the two may hold parameters beside
// the signature, and a second "=" in a pair, where such a border could have been, is refused; methods that take a query take no body.
// What is not percent-encoded is not what the venue documents since 2026.
func checkBinance(r *Request, with Settings) error {
	if with.Lenient {
		return nil
	}
	_, query := r.split()
	body := string(r.Body)
	signedQuery, signedBody := appendUnsigned(nil, query), appendUnsigned(nil, body)
	switch {
	case checkQuery(body) != nil:
		return refuse(Ambiguous, "body")
	case len(signedQuery) > 0 && len(signedBody) > 0:
		return refuse(Ambiguous, "parameters in query and body")
	case len(r.Body) > 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodDelete):
		return refuse(Misplaced, r.Method)
	}
	for pair := range strings.SplitSeq(string(signedQuery)+string(signedBody), "&") {
		if strings.Count(pair, "=") > 1 {
			return refuse(Ambiguous, "parameter")
		}
	}
	return nil
}

// signBinance adds time and signature to the form body, or to the query where there is no body.
func (e *ExchangeSigner) signBinance(r *Request, now time.Time) (http.Header, error) {
	if len(r.Body) > 0 && (checkQuery(string(r.Body)) != nil || !isForm(r.Body)) {
		return nil, refuse(FormMalformed, "body")
	}
	add := func(pair string) {
		path, query := r.split()
		switch {
		case len(r.Body) > 0:
			r.Body = append(append(slices.Clip(r.Body), '&'), pair...)
		case query == "":
			r.Target = path + "?" + pair
		default:
			r.Target += "&" + pair
		}
	}
	add("timestamp=" + strconv.FormatInt(now.UnixMilli(), 10))
	if err := checkBinance(r, e.key.Settings); err != nil {
		return nil, err
	}
	value, err := e.value(appendBinance(nil, r), hex.EncodeToString)
	if err != nil {
		return nil, err
	}
	add("signature=" + url.QueryEscape(value))
	return http.Header{binanceKey: {e.key.KeyID}}, nil
}

// binanceProblems have the venue's own texts, because clients compare them.
var binanceProblems = problems{
	badSignature: {word: "-1022", text: "Signature for this request is not valid."},
	badClock:     {word: "-1021", text: "Timestamp for this request is outside of the recvWindow."},
	spentNonce:   {word: "-1021", text: "Timestamp for this request was already used; sign again."},
	badKey:       {word: "-2015", text: "Invalid API-key, IP, or permissions for action."},
	badAddress:   {word: "-2015", text: "Invalid API-key, IP, or permissions for action."},
	badScope:     {word: "-1002", text: "You are not authorized to execute this request."},
	badPayload:   {word: "-1101", text: "Duplicate values or ambiguous parameters for this request."},
	unsigned:     {word: "-2014", text: "API-key format invalid."},
	tooMany:      {word: "-1003", text: "Too many requests."},
}
