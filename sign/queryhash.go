package sign

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// checkQueryHash compares query_hash with the parameters of the request.
func (x *exchangeInput) checkQueryHash(r *Request, with Settings) error {
	hashed, err := with.hashed(r)
	switch {
	case err != nil:
		return err
	case hashed == "" && x.queryHash != "":
		return refuse(HashUnexpected, "")
	case hashed == "":
		return nil
	case x.queryHash == "":
		return refuse(HashMissing, "")
	case x.queryHash != queryHash(hashed):
		return refuse(HashMismatch, "")
	default:
		return nil
	}
}

// HashedText is the text under query_hash of a request in the dialects of Upbit and Bithumb, as a key with these settings spells it, for those
// who look for where theirs differs; empty in all other dialects, and where there are no parameters.
// Refusals: those of CheckBody about the parameters.
func (s *Signature) HashedText(r *Request, with Settings) (string, error) {
	if s.Dialect != Upbit && s.Dialect != Bithumb {
		return "", nil
	}
	return with.hashed(r)
}

func queryHash(hashed string) string {
	sum := sha512.Sum512([]byte(hashed))
	return hex.EncodeToString(sum[:])
}

// hashed is the text under query_hash; empty when the request has no parameters. With parameters in query and body (ccxt's PUT) the
// query is hashed, and the flattened body must equal it.
func (f Settings) hashed(r *Request) (string, error) {
	_, rawQuery := r.split()
	fromQuery, err := f.flattenQuery(rawQuery)
	if err != nil {
		return "", err
	}
	fromBody, err := f.flattenBody(r.Body)
	switch {
	case err != nil:
		return "", err
	case !f.Lenient && !placed(r.Method, fromQuery, fromBody):
		return "", refuse(Misplaced, r.Method)
	case fromQuery == "":
		return fromBody, nil
	case fromBody != "" && fromBody != fromQuery:
		return "", refuse(PartsDiffer, "")
	default:
		return fromQuery, nil
	}
}

// placed: the border between query and body is not signed, so the same parameters could be moved where an upstream does not look,
// such as the filter of a mass cancel into a body. GET, HEAD and DELETE take a query; the others take a body, with or without its
// copy in the query.
func placed(method, fromQuery, fromBody string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		return fromBody == ""
	default:
		return fromQuery == "" || fromBody != ""
	}
}

// flattenQuery spells a raw query, or a form-encoded body, as it is hashed. Decoded, "%26" and "&", "%3D" in a name and "=", "%2B" and
// "+" give one string; the strict rules refuse the first two and the bare "+".
func (f Settings) flattenQuery(raw string) (string, error) {
	if f.Query == QueryAsSent {
		return raw, nil
	}
	var out []byte
	inName := true
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		escaped := c == '%'
		if escaped { // CheckTarget and flattenBody have seen that it is whole
			c, _ = unescape(raw[i:])
			i += 2
		}
		switch {
		case c < ' ' || c == 0x7f:
			return "", refuse(ControlByte, "")
		case f.Lenient:
		case escaped && (c == '&' || c == '=' && inName), !escaped && c == '+':
			return "", refuse(Ambiguous, "")
		}
		if !escaped && (c == '&' || c == '=') {
			inName = c == '&'
		}
		out = append(out, c)
	}
	return string(out), nil
}

// flattenBody spells a body as it is hashed. What begins with "{" is JSON, everything else form-encoded: Content-Type is not signed
// and decides nothing.
func (f Settings) flattenBody(body []byte) (string, error) {
	switch {
	case len(body) == 0:
		return "", nil
	case body[0] == '{':
		return f.flattenJSON(body)
	case body[0] == '[':
		return "", refuse(JSONNested, "body")
	}
	if checkQuery(string(body)) != nil || !isForm(body) {
		return "", refuse(FormMalformed, "")
	}
	if !f.Lenient && !f.agree() && bytes.ContainsAny(body, "%+") {
		return "", refuse(Ambiguous, "body")
	}
	return f.flattenQuery(string(body))
}

// agree says whether a form and the JSON of the same parameters have one hash, so that who turns one into the other changes nothing. Where
// they do not, {"q":"a%26b"} (plain) and q=a%26b (as sent) are two requests under one.
func (f Settings) agree() bool { return (f.Query == QueryDecoded) == (f.Body == BodyPlain) }

// isForm: complete name=value pairs.
func isForm(body []byte) bool {
	for pair := range bytes.SplitSeq(body, []byte("&")) {
		if bytes.IndexByte(pair, '=') <= 0 {
			return false
		}
	}
	return true
}

func (f Settings) flattenJSON(body []byte) (string, error) {
	members, err := flatObject(body, "body")
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for i, m := range members {
		if strings.ContainsFunc(m.name+m.text, unicode.IsControl) {
			return "", refuse(ControlByte, m.name)
		}
		// Encoded, "&" and "=" cannot be taken for separators; plain they can.
		if f.Body == BodyPlain && !f.Lenient && (m.name == "" || strings.ContainsAny(m.name, "&=") || strings.Contains(m.text, "&")) {
			return "", refuse(Ambiguous, m.name)
		}
		if i > 0 {
			out.WriteByte('&')
		}
		out.WriteString(f.Body.spell(m.name))
		out.WriteByte('=')
		out.WriteString(f.Body.spell(m.text))
	}
	return out.String(), nil
}

func (b BodyForm) spell(s string) string {
	if b == BodyPlain {
		return s
	}
	encoded := url.QueryEscape(s)
	if b == BodyRFC3986 {
		encoded = strings.ReplaceAll(encoded, "+", "%20") // QueryEscape spells "+" itself as %2B
	}
	return encoded
}
