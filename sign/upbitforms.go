package sign

// UpbitForms says how the clients of a key spell what they hash. It is a setting of the key and exactly one form is tried: a hash that
// may fit in two ways fits two requests. The zero value is what most clients do, with the strict rules on.
type UpbitForms struct {
	Query QueryForm
	Body  BodyForm
	// Lenient switches the strict rules off: those that answer Ambiguous and Misplaced. The owner then trusts that nobody between
	// client and gate rearranges parameters.
	Lenient bool
}

// QueryForm is the spelling of a query, or of a form-encoded body, under the hash.
type QueryForm uint8

// The spellings of a query.
const (
	// QueryDecoded: percent escapes decoded, "+" left as it is (ccxt, Upbit's Python sample).
	QueryDecoded QueryForm = iota
	// QueryAsSent: as it stands in the request (Upbit's Node sample).
	QueryAsSent
)

// BodyForm is the spelling of the members of a JSON body under the hash, joined as k=v&k=v in body order.
type BodyForm uint8

// The spellings of a JSON body.
const (
	// BodyPlain: strings decoded, numbers and booleans as they stand.
	BodyPlain BodyForm = iota
	// BodyRFC3986: the same, everything but A-Z a-z 0-9 - . _ ~ percent-encoded in names and values, a space as %20.
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
