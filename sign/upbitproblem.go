package sign

import "net/http"

// Reasons that a verifier finds around this package and that clients of a dialect expect in the dialect's own words.
const (
	// NonceReused: the nonce has been claimed before.
	NonceReused Reason = "nonce_reused"
	// KeyExpired: the key's life is over.
	KeyExpired Reason = "key_expired"
	// KeyGone: the key was revoked or used up, or its owner may no longer act.
	KeyGone Reason = "key_gone"
	// TooMany: too many requests, or failures, in a short time.
	TooMany Reason = "too_many"
	// AddressNotAllowed: the client's address is not on the key's list.
	AddressNotAllowed Reason = "address_not_allowed"
	// OutOfScope: the key may not do this.
	OutOfScope Reason = "out_of_scope"
)

// UpbitProblem is how Upbit's clients are told: the answer {"error":{"name":Name,"message":…}} with Status. With status 429 the two members
// stand alone, as {"name":Name,"message":…}: clients that find a name inside "error" look no further and miss that they should wait.
type UpbitProblem struct {
	Name   string
	Status int
	// Message is the one text by which clients know this refusal; empty leaves the words free.
	Message string
}

// upbitNames maps reasons to the names of Upbit's refusals. Everything else is about the token: jwt_verification.
var upbitNames = map[Reason]string{
	Unsigned: "no_authorization_token",
	// The claim that gives a token a window is Bithumb's, and so is the name of its refusal.
	TooOld: "expired_jwt", Ahead: "expired_jwt",
	QueryClaim: upbitPayload, HashAlg: upbitPayload, HashMissing: upbitPayload, HashUnexpected: upbitPayload, HashMismatch: upbitPayload,
	JSONMalformed: upbitPayload, JSONNested: upbitPayload, JSONDuplicate: upbitPayload, FormMalformed: upbitPayload,
	ControlByte: upbitPayload, Ambiguous: upbitPayload, Misplaced: upbitPayload, PartsDiffer: upbitPayload,
	NonceReused:       "nonce_used",
	KeyExpired:        "expired_access_key",
	KeyGone:           "invalid_access_key",
	TooMany:           "too_many_requests",
	AddressNotAllowed: "no_authorization_ip",
	OutOfScope:        "out_of_scope",
}

const upbitPayload = "invalid_query_payload"

// upbitRest maps the reasons whose refusal is more than a name and 401.
var upbitRest = map[Reason]UpbitProblem{
	OutOfScope: {Status: http.StatusForbidden},
	TooMany:    {Status: http.StatusTooManyRequests},
	KeyExpired: {Status: http.StatusUnauthorized, Message: "This key has expired."},
}

// UpbitProblemOf gives a reason the name that Upbit's clients know and its status, which is 401 but for OutOfScope and TooMany.
func UpbitProblemOf(r Reason) UpbitProblem {
	p, ok := upbitRest[r]
	if !ok {
		p.Status = http.StatusUnauthorized
	}
	if p.Name, ok = upbitNames[r]; !ok {
		p.Name = "jwt_verification"
	}
	return p
}
