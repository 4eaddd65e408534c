package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// call is a request of the API, read: who, and with which parameters.
type call struct {
	*http.Request
	who gate.Principal
	in  params
}

// endpoint answers a call with a value for encoding/json.
type endpoint func(c call) (any, error)

// createdBody marks an answer that Upbit gives with 201.
type createdBody struct{ body any }

func created(e endpoint) endpoint {
	return func(c call) (any, error) {
		body, err := e(c)
		return createdBody{body}, err
	}
}

// api turns an endpoint in Upbit's shape into a handler.
func (x *Exchange) api(e endpoint) http.Handler { return x.answer(readParams, e) }

// answer turns an endpoint into a handler whose parameters are read as the shape of its API has them.
func (x *Exchange) answer(read func(*http.Request) (params, error), e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := gate.From(r.Context())
		in, err := read(r)
		var body any
		if err == nil {
			body, err = e(call{r, who, in})
		}
		if err != nil {
			refusal := refusalOf(err)
			if refusal == errServerError {
				x.log.ErrorContext(r.Context(), "paper exchange failed", "request", who.Request, "error", err)
			}
			writeRefusal(w, r, refusal)
			return
		}
		status := http.StatusOK
		if marked, ok := body.(createdBody); ok {
			status, body = http.StatusCreated, marked.body
		}
		writeJSON(w, status, body)
	})
}

// params are the parameters of a call: name → value. They come from the query of a GET or DELETE, or from the JSON body of a
// POST. Numbers keep their text: a client may send "0.05" or 0.05 (package sign treats the two alike, so must an exchange).
type params map[string]string

func readParams(r *http.Request) (params, error) {
	if r.Method == http.MethodPost {
		return bodyParams(r)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, ledger.ErrInvalid
	}
	in := params{}
	for name, list := range values {
		for i, value := range list {
			if strings.HasSuffix(name, "[]") {
				in[strings.TrimSuffix(name, "]")+strconv.Itoa(i)+"]"] = value
			} else if i > 0 {
				return nil, ledger.ErrInvalid
			} else {
				in[name] = value
			}
		}
	}
	return in, nil
}

// bodyParams reads one flat JSON object: no member twice, nothing nested, nothing behind it.
func bodyParams(r *http.Request) (params, error) {
	if r.URL.RawQuery != "" {
		return nil, ledger.ErrInvalid // parameters in two places would be two truths
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return nil, errWrongMediaType
	}
	raw, err := io.ReadAll(r.Body) // the gate has bounded it
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, ledger.ErrInvalid
	}
	in := params{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, ledger.ErrInvalid
		}
		value, err := decoder.Token()
		if err != nil || !in.put(name.(string), value) {
			return nil, ledger.ErrInvalid
		}
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return nil, ledger.ErrInvalid
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, ledger.ErrInvalid
	}
	return in, nil
}

func (in params) put(name string, value json.Token) bool {
	if _, double := in[name]; double {
		return false
	}
	switch v := value.(type) {
	case string:
		in[name] = v
	case json.Number:
		in[name] = v.String()
	case bool:
		in[name] = strconv.FormatBool(v)
	case nil: // null: absent, but not a second time
		in[name] = ""
	default:
		return false
	}
	return true
}

// list gives the values of a repeated parameter, states[]=a&states[]=b or states[0]=a&states[1]=b, or of one joined by commas.
func (in params) list(name string) []string {
	if joined := in[name]; joined != "" {
		return strings.Split(joined, ",")
	}
	var values []string
	for i := 0; ; i++ {
		value, ok := in[name+"["+strconv.Itoa(i)+"]"]
		if !ok {
			return values
		}
		values = append(values, value)
	}
}

// amount reads a decimal; an absent one is zero. What is malformed is refused under the given name.
func (in params) amount(name string, refusal ledger.RefusalError) (money.Amount, error) {
	if in[name] == "" {
		return 0, nil
	}
	a, err := money.Parse(in[name])
	if err != nil {
		return 0, refusal
	}
	return a, nil
}

// count reads a whole number from 1 to most; an absent one is fallback.
func (in params) count(name string, fallback, most int) (int, error) {
	if in[name] == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(in[name])
	if err != nil || n < 1 || n > most {
		return 0, ledger.ErrInvalid
	}
	return n, nil
}

// maxPages bounds how far a list can be leafed through.
const maxPages = 10_000

// window is the part of a list that limit, page and order_by ask for.
func (in params) window(fallback, most int) (limit, skip int, oldestFirst bool, err error) {
	limit, err = in.count("limit", fallback, most)
	if err != nil {
		return 0, 0, false, err
	}
	page, err := in.count("page", 1, maxPages)
	if err != nil {
		return 0, 0, false, err
	}
	order := in["order_by"]
	if order != "" && order != "asc" && order != "desc" {
		return 0, 0, false, ledger.ErrInvalid
	}
	return limit, (page - 1) * limit, order == "asc", nil
}

// layouts are the ways in which clients write times; one without a zone is UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// moment reads a time, as a date or in milliseconds since 1970; an absent one is zero.
func (in params) moment(name string) (time.Time, error) {
	text := in[name]
	if text == "" {
		return time.Time{}, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return inRange(time.UnixMilli(ms))
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return inRange(t)
		}
	}
	return time.Time{}, ledger.ErrInvalid
}

// inRange keeps out years in which nothing here makes sense.
func inRange(t time.Time) (time.Time, error) {
	if year := t.UTC().Year(); year < 1971 || year > 2200 {
		return time.Time{}, ledger.ErrInvalid
	}
	return t, nil
}

// market finds the market that a parameter names.
func (in params) market(name string) (market.Market, error) {
	m, ok := market.ByID(in[name])
	switch {
	case in[name] == "":
		return m, ledger.ErrInvalid
	case !ok:
		return m, ledger.ErrMarketNotFound
	}
	return m, nil
}
