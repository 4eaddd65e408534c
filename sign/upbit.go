package sign

import (
	"strconv"
	"time"
)

// Upbit's dialect: a JWT, HS256 or HS512 over one secret.
//
//	header   {"alg":"HS256","typ":"JWT"}
//	claims   {"access_key":"…","nonce":"…","query_hash":"128 hex digits","query_hash_alg":"SHA512"}
//
// query_hash and query_hash_alg are there exactly when the request has parameters. Our extension, in the manner of Bithumb: the
// claim timestamp (milliseconds), or the iat (seconds) that some JWT libraries add by themselves, gives the token a window.

const hashHexLength = 128

func parseUpbit(token string) (Signature, error) {
	return parseToken(Upbit, token, (*Signature).upbitClaims)
}

func (s *Signature) upbitClaims(members []member) error {
	var hashAlg string
	var issued time.Time
	for _, m := range members {
		ok := m.kind == kindString
		switch m.name {
		case "access_key":
			s.KeyID = m.text
		case "nonce":
			s.Nonce = m.text
			ok = ok || m.kind == kindNumber
		case "query_hash":
			s.exchange.queryHash = m.text
			ok = ok && isHash(m.text)
		case "query_hash_alg":
			hashAlg = m.text
		case "timestamp":
			s.Created, ok = m.time(time.Millisecond)
			s.exchange.stamp = m.text
		case "iat":
			issued, ok = m.time(time.Second)
		case "query":
			return refuse(QueryClaim, "")
		default:
			return refuse(UnknownClaim, m.name)
		}
		if !ok {
			return refuse(BadParameter, m.name)
		}
	}
	if s.Created.IsZero() { // the finer of the two counts when a library adds its iat to the client's timestamp
		s.Created = issued
	}
	return s.completeClaims(hashAlg)
}

func (s *Signature) completeClaims(hashAlg string) error {
	switch {
	case s.KeyID == "":
		return refuse(MissingClaim, "access_key")
	case s.Nonce == "":
		return refuse(MissingClaim, "nonce")
	case (s.exchange.queryHash == "") != (hashAlg == ""), hashAlg != "" && hashAlg != "SHA512":
		return refuse(HashAlg, hashAlg)
	}
	if err := checkKeyID(s.KeyID); err != nil {
		return err
	}
	return checkNonce(s.Nonce, minTokenNonce)
}

func isHash(s string) bool {
	for i := range len(s) {
		if hexValue(s[i]) > 15 || s[i] < '0' || 'A' <= s[i] && s[i] <= 'F' {
			return false
		}
	}
	return len(s) == hashHexLength
}

// signUpbit makes the token of Upbit's and of Bithumb's dialect.
func (e *ExchangeSigner) signUpbit(r *Request, now time.Time) (string, error) {
	hashed, err := e.key.Settings.hashed(r)
	if err != nil {
		return "", err
	}
	claims := `{"access_key":"` + e.key.KeyID + `","nonce":"` + newUUID() + `"`
	if hashed != "" {
		claims += `,"query_hash":"` + queryHash(hashed) + `","query_hash_alg":"SHA512"`
	}
	if !e.key.Untimed || e.key.Dialect == Bithumb {
		claims += `,"timestamp":` + strconv.FormatInt(now.UnixMilli(), 10)
	}
	return e.token(`{"alg":"HS256","typ":"JWT"}`, claims+"}")
}

// upbitProblems are the names of Upbit's refusals. A token with a time is Bithumb's way, and so is the name of its refusal.
var upbitProblems = problems{
	badSignature: {word: "jwt_verification"}, badClock: {word: "expired_jwt"}, spentNonce: {word: "nonce_used"},
	badKey: {"expired_access_key", "This key has expired."}, goneKey: {word: "invalid_access_key"},
	badAddress: {word: "no_authorization_ip"}, badScope: {word: "out_of_scope"},
	badPayload: {word: "invalid_query_payload"}, unsigned: {word: "no_authorization_token"}, tooMany: {word: "too_many_requests"},
}
