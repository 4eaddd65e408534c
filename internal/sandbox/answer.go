package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
	"github.com/seed-21c57000/sallyport/internal/sandbox/page"
	"github.com/seed-21c57000/sallyport/internal/sandbox/words"
)

// The refusals of the doors; those of the books are in package ledger.
const (
	errOutOfScope       ledger.RefusalError = "out_of_scope"
	errNotFound         ledger.RefusalError = "not_found"
	errMethodNotAllowed ledger.RefusalError = "method_not_allowed"
	errWrongMediaType   ledger.RefusalError = "unsupported_media_type"
	errCrossSite        ledger.RefusalError = "cross_site"
	errServerError      ledger.RefusalError = "server_error"
)

// statusOf is the status of a refusal. Upbit answers 400 to whatever is wrong with a request itself.
func statusOf(name ledger.RefusalError) int {
	switch name {
	case errOutOfScope, errCrossSite:
		return http.StatusForbidden
	case errNotFound, ledger.ErrMarketNotFound, ledger.ErrOrderNotFound, ledger.ErrDepositNotFound, ledger.ErrWithdrawNotFound, ledger.ErrCurrencyNotFound, ledger.ErrBookNotFound:
		return http.StatusNotFound
	case errMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case errWrongMediaType:
		return http.StatusUnsupportedMediaType
	case errServerError:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// refusalOf finds the refusal in an error. What is none is our own failure, and its text is nobody's business.
func refusalOf(err error) ledger.RefusalError {
	if refusal, ok := errors.AsType[ledger.RefusalError](err); ok {
		return refusal
	}
	if errors.Is(err, money.ErrRange) {
		return ledger.ErrAmountInvalid
	}
	return errServerError
}

// wordsFor are the texts in the language of whoever asks.
func wordsFor(r *http.Request) *words.Words {
	who, _ := gate.From(r.Context())
	return words.In(who.Language)
}

// writeRefusal is the one place that answers with an error: in the shape of the API below its path, as a page everywhere else.
func writeRefusal(w http.ResponseWriter, r *http.Request, name ledger.RefusalError) {
	text := wordsFor(r)
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		var body errorBody
		body.Error.Name, body.Error.Message = string(name), text.Refusal(string(name))
		writeJSON(w, statusOf(name), body)
		return
	}
	for _, f := range facades {
		if strings.HasPrefix(r.URL.Path, f.path) {
			writeJSON(w, statusOf(name), f.refuse(name, text.Refusal(string(name))))
			return
		}
	}
	writePage(w, r, statusOf(name), page.Problem(page.ProblemView{Words: text, Text: text.Refusal(string(name))}))
}

// errorBody is Upbit's error.
type errorBody struct {
	Error struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	} `json:"error"`
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own types: a mistake of ours
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
}
