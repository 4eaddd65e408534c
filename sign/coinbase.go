package sign

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// The dialect of the Coinbase Developer Platform: a JWT, ES256 or EdDSA, that names method, host and path of one request. Query and body
// are not signed.
//
//	header   {"alg":"ES256","typ":"JWT","kid":"key id","nonce":"32 hex digits"}
//	claims   {"sub":"key id","iss":"coinbase-cloud","aud":["retail_rest_api_proxy"],"nbf":…,"exp":nbf+120,"iat":…,"uri":"GET host/path"}
//	         EdDSA: "iss":"cdp","aud":["cdp_service"],"uris":["GET host/path"]

const (
	coinbaseLife     = 120 * time.Second
	minCoinbaseNonce = 16
)

func parseCoinbase(token string, r *Request) (Signature, error) {
	return parseToken(Coinbase, token, func(s *Signature, members []member) error { return s.coinbaseClaims(members, r) })
}

func (s *Signature) coinbaseClaims(members []member, r *Request) error {
	var subject, uri string
	var notBefore time.Time
	for _, m := range members {
		ok := m.kind == kindString
		switch m.name {
		case "sub":
			subject = m.text
		case "iss":
			ok = ok && (m.text == "cdp" || m.text == "coinbase-cloud")
		case "aud":
			ok = (ok || m.kind == kindList) && (m.text == "cdp_service" || m.text == "retail_rest_api_proxy")
		case "uri", "uris":
			if uri != "" {
				return refuse(DuplicateParameter, m.name)
			}
			uri, ok = m.text, m.kind == kindList == (m.name == "uris")
		case "nbf":
			notBefore, ok = m.time(time.Second)
		case "iat":
			s.Created, ok = m.time(time.Second)
		case "exp":
			s.Expires, ok = m.time(time.Second)
		default:
			return refuse(UnknownClaim, m.name)
		}
		if !ok {
			return refuse(BadParameter, m.name)
		}
	}
	if notBefore.IsZero() {
		return refuse(MissingClaim, "nbf")
	}
	if s.Created.IsZero() { // the venue's own libraries leave it out
		s.Created = notBefore
	}
	if life := s.Expires.Sub(notBefore); life <= 0 || life > coinbaseLife || s.Created.Before(notBefore) {
		return refuse(ExpiresRange, "")
	}
	return s.bindCoinbase(subject, uri, r)
}

// bindCoinbase: the token is the key's own, and for this method, host and path.
func (s *Signature) bindCoinbase(subject, uri string, r *Request) error {
	if err := checkKeyID(s.KeyID); err != nil {
		return err
	}
	if err := checkNonce(s.Nonce, minCoinbaseNonce); err != nil {
		return err
	}
	if subject != s.KeyID {
		return refuse(BadParameter, "sub")
	}
	if uri != coinbaseURI(r, "") && (!loopback(r.Authority) || uri != coinbaseURI(r, "http://")) {
		return refuse(URIDiffers, "")
	}
	return nil
}

func coinbaseURI(r *Request, scheme string) string {
	path, _ := r.split()
	return r.Method + " " + scheme + string(appendAuthority(nil, r.Authority)) + path
}

// loopback: ccxt strips "https://" from what it signs and leaves "http://", which only a server on the same host is asked with.
func loopback(authority string) bool {
	host := strings.TrimSuffix(authority, ":"+authority[strings.LastIndexByte(authority, ':')+1:])
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// signCoinbase makes the token for one request.
func (e *ExchangeSigner) signCoinbase(r *Request, now time.Time) (string, error) {
	at := strconv.FormatInt(now.Unix(), 10)
	end := strconv.FormatInt(now.Add(coinbaseLife).Unix(), 10)
	alg, rest := "EdDSA", `"iss":"cdp","aud":["cdp_service"],"uris":["`+coinbaseURI(r, "")+`"]`
	if e.algorithm == ES256 {
		alg, rest = "ES256", `"iss":"coinbase-cloud","aud":["retail_rest_api_proxy"],"uri":"`+coinbaseURI(r, "")+`"`
	}
	header := `{"alg":"` + alg + `","typ":"JWT","kid":"` + e.key.KeyID + `","nonce":"` + strings.ReplaceAll(newUUID(), "-", "") + `"}`
	return e.token(header, `{"sub":"`+e.key.KeyID+`","nbf":`+at+`,"iat":`+at+`,"exp":`+end+`,`+rest+`}`)
}

// coinbaseProblems: of its documented words, those that say most.
var coinbaseProblems = problems{
	badSignature: {word: "unauthorized"}, badClock: {word: "expired_token"}, spentNonce: {word: "invalid_token"},
	badKey: {word: "revoked_token"}, badAddress: {word: "PERMISSION_DENIED"}, badScope: {word: "PERMISSION_DENIED"},
	badPayload: {word: "invalid_request"}, unsigned: {word: "authentication_error"}, tooMany: {word: "rate_limit_exceeded"},
}
