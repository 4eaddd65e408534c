package sign

import (
	"strconv"
	"strings"
)

// Settings say how the clients of a key write what they sign. They belong to the key and exactly one reading is tried: a signature that may
// fit in two ways fits two requests. The zero value is what most clients of Upbit do, with the strict rules on; see Dialect.ParseSettings
// for those of other dialects.
type Settings struct {
	// Query and Body are forms under the query_hash of Upbit and Bithumb.
	Query QueryForm
	Body  BodyForm
	// Lenient switches the strict rules off: those that answer Ambiguous and Misplaced, where the dialect has such (Upbit, Bithumb,
	// Binance). The owner then trusts that nobody between client and gate rearranges parameters.
	Lenient bool
	// NonceWindow is how far below the highest nonce another may be that was not used yet (Kraken). Clients that send several requests at
	// once need some; 0 takes only rising ones.
	NonceWindow uint64
}

// QueryForm is the spelling of a query, or of a form-encoded body, under the hash.
type QueryForm uint8

// The spellings of a query.
const (
	// QueryDecoded: percent escapes decoded, "+" left as it is (ccxt, Upbit's Python sample).
	QueryDecoded QueryForm = iota
	// QueryAsSent: as it stands in the request (Upbit's Node sample, Bithumb's clients).
	QueryAsSent
)

// BodyForm is the spelling of the members of a JSON body under the hash, joined as k=v&k=v in body order.
type BodyForm uint8

// The spellings of a JSON body.
const (
	// BodyPlain: strings decoded, numbers and booleans as they stand.
	BodyPlain BodyForm = iota
	// BodyRFC3986: the same, everything but A-Z a-z 0-9 - . _ ~ percent-encoded in names and values, a space as %20 (Bithumb's clients).
	BodyRFC3986
	// BodyURLEncoded: the same with a space as "+".
	BodyURLEncoded
)

var (
	queryForms = []string{QueryDecoded: "decoded", QueryAsSent: "as-sent"}
	bodyForms  = []string{BodyPlain: "plain", BodyRFC3986: "rfc3986", BodyURLEncoded: "form"}
)

// String is the word of the form, as a key's settings show it.
func (q QueryForm) String() string { return nameOf(queryForms, q) }

// String is the word of the form, as a key's settings show it.
func (b BodyForm) String() string { return nameOf(bodyForms, b) }

// ParseQueryForm reads what String wrote. Errors: ErrUnknownName.
func ParseQueryForm(s string) (QueryForm, error) { return valueOf[QueryForm](queryForms, s) }

// ParseBodyForm reads what String wrote. Errors: ErrUnknownName.
func ParseBodyForm(s string) (BodyForm, error) { return valueOf[BodyForm](bodyForms, s) }

const (
	lenientWord     = "lenient"
	nonceWindowWord = "nonce-window:"
	nonceDigits     = 18
)

// ParseSettings reads the words of a key's settings over what the dialect's clients usually do: a QueryForm and a BodyForm of Upbit and
// Bithumb, "lenient" of these and of Binance, "nonce-window:N" of Kraken, each at most once.
// Errors: ErrUnknownName, for a word of another dialect too.
func (d Dialect) ParseSettings(words []string) (Settings, error) {
	var s Settings
	if d == Bithumb {
		s.Query, s.Body = QueryAsSent, BodyRFC3986
	}
	hashes := d == Upbit || d == Bithumb
	seen := map[string]bool{}
	for _, word := range words {
		kind := word
		query, noQuery := ParseQueryForm(word)
		body, noBody := ParseBodyForm(word)
		digits, isWindow := strings.CutPrefix(word, nonceWindowWord)
		window, isNumber := parseDecimal(digits, nonceDigits)
		switch {
		case hashes && noQuery == nil:
			s.Query, kind = query, "query"
		case hashes && noBody == nil:
			s.Body, kind = body, "body"
		case (hashes || d == Binance) && word == lenientWord:
			s.Lenient = true
		case d == Kraken && isWindow && isNumber:
			s.NonceWindow, kind = uint64(window), nonceWindowWord
		default:
			return Settings{}, ErrUnknownName
		}
		if seen[kind] {
			return Settings{}, ErrUnknownName
		}
		seen[kind] = true
	}
	return s, nil
}

// HasSettings says whether ParseSettings knows any word of the dialect.
func (d Dialect) HasSettings() bool {
	return d == Upbit || d == Bithumb || d == Binance || d == Kraken
}

// SettingsWords are the words that ParseSettings reads as s, as few as can be.
func (d Dialect) SettingsWords(s Settings) (words []string) {
	usual, _ := d.ParseSettings(nil)
	if s.Query != usual.Query {
		words = append(words, s.Query.String())
	}
	if s.Body != usual.Body {
		words = append(words, s.Body.String())
	}
	if s.Lenient {
		words = append(words, lenientWord)
	}
	if s.NonceWindow > 0 {
		words = append(words, nonceWindowWord+strconv.FormatUint(s.NonceWindow, 10))
	}
	return words
}
