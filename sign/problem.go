package sign

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Reasons that a verifier finds around this package and that clients of a dialect expect in the dialect's own words.
const (
	// NonceReused: the nonce, or the signed string in dialects without one, has been claimed before.
	NonceReused Reason = "nonce_reused"
	// KeyExpired: the key's life is over.
	KeyExpired Reason = "key_expired"
	// KeyGone: the key was revoked or used up, or its owner may no longer act.
	KeyGone Reason = "key_gone"
	// AddressNotAllowed: the client's address is not on the key's list.
	AddressNotAllowed Reason = "address_not_allowed"
	// OutOfScope: the key may not do this.
	OutOfScope Reason = "out_of_scope"
	// TooMany: the client failed or asked too often.
	TooMany Reason = "too_many"
)

// trouble is a kind of refusal that clients tell apart.
type trouble uint8

const (
	badSignature trouble = iota // and whatever has no kind of its own
	badClock
	spentNonce
	badKey
	goneKey // told as badKey where a dialect has no word for it
	badAddress
	badScope
	badPayload
	unsigned
	tooMany
	troubles
)

// troubleOf maps a reason to its kind.
var troubleOf = map[Reason]trouble{
	TooOld: badClock, Ahead: badClock, Expired: badClock,
	NonceReused: spentNonce, KeyExpired: badKey, KeyGone: goneKey, AddressNotAllowed: badAddress, OutOfScope: badScope, TooMany: tooMany,
	Unsigned: unsigned, MissingHeader: unsigned,
	QueryClaim: badPayload, HashAlg: badPayload, HashMissing: badPayload, HashUnexpected: badPayload, HashMismatch: badPayload,
	JSONMalformed: badPayload, JSONNested: badPayload, JSONDuplicate: badPayload, FormMalformed: badPayload, ControlByte: badPayload,
	Ambiguous: badPayload, Misplaced: badPayload, PartsDiffer: badPayload, DuplicateParameter: badPayload,
}

// problems are a dialect's words for each kind, with the venue's own text where its clients compare texts.
type problems [troubles]struct{ word, text string }

// problemsOf is the table of a dialect, nil for one without a shape of its own.
func problemsOf(d Dialect) *problems {
	switch d {
	case Upbit:
		return &upbitProblems
	case Bithumb:
		return &bithumbProblems
	case Binance:
		return &binanceProblems
	case Kraken:
		return &krakenProblems
	case OKX:
		return &okxProblems
	case Bybit:
		return &bybitProblems
	case Coinbase:
		return &coinbaseProblems
	case KuCoin:
		return &kucoinProblems
	default:
		return nil
	}
}

// Refusal is a refusal as clients of the dialect read it: the status and the body, JSON with text as its explanation where the dialect has
// room for one. ok is false for a dialect without a shape of its own. The status is never below 400, although some venues answer 200.
func (d Dialect) Refusal(why Reason, text string, now time.Time) (status int, body []byte, ok bool) {
	table := problemsOf(d)
	if table == nil {
		return 0, nil, false
	}
	kind := troubleOf[why]
	line := table[kind]
	if kind == goneKey && line.word == "" {
		line = table[badKey]
	}
	if line.text != "" {
		text = line.text
	}
	body, err := json.Marshal(d.shape(kind, line.word, text, now))
	return statusOf(kind), body, err == nil
}

func statusOf(kind trouble) int {
	switch kind {
	case badScope:
		return http.StatusForbidden
	case tooMany:
		return http.StatusTooManyRequests
	default:
		return http.StatusUnauthorized
	}
}

// shape is the body of a refusal. Clients of Upbit and Bithumb that find a name inside "error" look no further, and would not see from the
// status that they should wait.
func (d Dialect) shape(kind trouble, word, text string, now time.Time) any {
	type object map[string]any
	number, _ := strconv.Atoi(word)
	switch d {
	case Binance:
		return object{"code": number, "msg": text}
	case Kraken:
		return object{"error": []string{word}}
	case OKX:
		return object{"code": word, "data": []any{}, "msg": text}
	case Bybit:
		return object{"retCode": number, "retMsg": text, "result": object{}, "retExtInfo": object{}, "time": now.UnixMilli()}
	case Coinbase:
		return object{"error": word, "error_details": text, "message": text}
	case KuCoin:
		return object{"code": word, "msg": text}
	default:
		if kind == tooMany {
			return object{"name": word, "message": text}
		}
		return object{"error": object{"name": word, "message": text}}
	}
}

// ClockRefused says whether the body of an answer is a refusal in the dialect of an exchange that is about the client's clock.
func ClockRefused(body []byte) bool {
	var seen struct {
		Code    any `json:"code"`
		RetCode any `json:"retCode"`
		Error   any `json:"error"`
	}
	if json.Unmarshal(body, &seen) != nil { //nolint:forbidigo // a client reads a server's answer
		return false
	}
	word := seen.Error
	if named, ok := seen.Error.(map[string]any); ok {
		word = named["name"]
	}
	for _, d := range AllDialects() {
		table := problemsOf(d)
		if table == nil || d == Kraken { // whose nonce says nothing of a clock
			continue
		}
		for _, have := range []any{seen.Code, seen.RetCode, word} {
			if number, ok := have.(float64); ok {
				have = strconv.FormatFloat(number, 'f', -1, 64)
			}
			if have == table[badClock].word {
				return true
			}
		}
	}
	return false
}
