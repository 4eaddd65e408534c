package sign

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kraken's dialect: only POST, without a query, a form or JSON body that holds a nonce which rises for each key.
//
//	API-Key: …
//	API-Sign: base64 of HMAC-SHA512 over path ‖ SHA-256(nonce ‖ body)
//
// The key bytes are the secret decoded from base64. Nothing says when a request was made: one that never arrived stays good until a higher
// nonce was used.

const (
	krakenKey   = "Api-Key"
	krakenSign  = "Api-Sign"
	nonceMember = "nonce"
)

func parseKraken(r *Request) (Signature, error) {
	h := headers{lines: r.Header}
	s := Signature{Dialect: Kraken, KeyID: h.one(krakenKey, maxKeyID)}
	value := h.one(krakenSign, maxValue)
	_, query := r.split()
	switch {
	case h.err != nil:
		return Signature{}, h.err
	case r.Method != http.MethodPost:
		return Signature{}, refuse(MethodRefused, r.Method)
	case query != "":
		return Signature{}, refuse(Misplaced, "query")
	}
	if err := checkKeyID(s.KeyID); err != nil {
		return Signature{}, err
	}
	var err error
	if s.Nonce, err = krakenNonce(r.Body); err != nil {
		return Signature{}, err
	}
	if s.Counter, err = parseCounter(s.Nonce); err != nil {
		return Signature{}, err
	}
	return s, s.setValue(stdBase64, value)
}

// parseCounter reads a decimal of at most 64 bits, without a sign or a leading zero.
func parseCounter(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, refuse(BadParameter, nonceMember)
	}
	return n, nil
}

// krakenNonce finds the one nonce of a body. What begins with "{" is JSON, everything else a form: Content-Type is not signed.
func krakenNonce(body []byte) (string, error) {
	switch {
	case len(body) == 0:
		return "", refuse(MissingParameter, nonceMember)
	case body[0] == '{':
		return jsonNonce(body)
	}
	seen := make(map[string]string)
	if err := readPairs(string(body), seen); err != nil {
		return "", err
	}
	nonce, ok := seen[nonceMember]
	if !ok {
		return "", refuse(MissingParameter, nonceMember)
	}
	return nonce, nil
}

// jsonNonce reads the member of that name of the outermost object, a string or a number, whatever stands beside it.
func jsonNonce(body []byte) (nonce string, err error) {
	if !json.Valid(body) {
		return "", refuse(JSONMalformed, "body")
	}
	d := json.NewDecoder(bytes.NewReader(body)) //nolint:forbidigo // looks for one member; the body was signed as it is, and is checked by whoever reads it
	d.UseNumber()
	_, _ = d.Token() // the opening brace
	found := 0
	for d.More() {
		name, _ := d.Token()
		var value any
		if err := d.Decode(&value); err != nil {
			return "", refuse(JSONMalformed, "body")
		}
		if text, _ := name.(string); !strings.EqualFold(text, nonceMember) {
			continue
		}
		found++
		switch v := value.(type) {
		case string:
			nonce = v
		case json.Number:
			nonce = v.String()
		}
	}
	switch found {
	case 0:
		return "", refuse(MissingParameter, nonceMember)
	case 1:
		return nonce, nil
	default:
		return "", refuse(DuplicateParameter, nonceMember)
	}
}

func (s *Signature) appendKraken(dst []byte, r *Request) []byte {
	path, _ := r.split()
	digest := sha256.New()
	digest.Write([]byte(s.Nonce))
	digest.Write(r.Body)
	return append(append(dst, path...), digest.Sum(nil)...) // not into dst: it would leave its caller's stack
}

// signKraken puts the nonce in front of the body's other parameters.
func (e *ExchangeSigner) signKraken(r *Request, now time.Time) (http.Header, error) {
	counter := strconv.FormatUint(e.rise(uint64(max(now.UnixMilli(), 0))), 10)
	h := http.Header{krakenKey: {e.key.KeyID}}
	switch {
	case len(r.Body) > 0 && r.Body[0] == '{':
		rest := strings.TrimLeft(string(r.Body[1:]), " \t\r\n")
		comma := ","
		if strings.HasPrefix(rest, "}") {
			comma = ""
		}
		r.Body = []byte(`{"nonce":"` + counter + `"` + comma + rest)
	default:
		text := "nonce=" + counter
		if len(r.Body) > 0 {
			text += "&" + string(r.Body)
		}
		r.Body = []byte(text)
		h["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	}
	// The verifier's own reading says what it would refuse.
	signed := Request{Method: r.Method, Authority: r.Authority, Target: r.Target, Body: r.Body, Header: http.Header{
		krakenKey: h[krakenKey], krakenSign: {base64.StdEncoding.EncodeToString(make([]byte, sha512.Size))},
	}}
	s, err := parseKraken(&signed)
	if err != nil {
		return nil, err
	}
	value, err := e.value(s.appendKraken(nil, r), base64.StdEncoding.EncodeToString)
	h[krakenSign] = []string{value}
	return h, err
}

// krakenProblems are the venue's; a clock that is behind shows as a nonce that does not rise.
var krakenProblems = problems{
	badSignature: {word: "EAPI:Invalid key"}, badClock: {word: "EAPI:Invalid nonce"}, spentNonce: {word: "EAPI:Invalid nonce"},
	badKey: {word: "EAPI:Invalid key"}, badAddress: {word: "EGeneral:Permission denied"}, badScope: {word: "EGeneral:Permission denied"},
	badPayload: {word: "EGeneral:Invalid arguments"}, unsigned: {word: "EAPI:Invalid key"}, tooMany: {word: "EAPI:Rate limit exceeded"},
}
