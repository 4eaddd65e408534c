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
	outOfScope       ledger.Refusal = "out_of_scope"
	notFound         ledger.Refusal = "not_found"
	methodNotAllowed ledger.Refusal = "method_not_allowed"
	wrongMediaType   ledger.Refusal = "unsupported_media_type"
	crossSite        ledger.Refusal = "cross_site"
	serverError      ledger.Refusal = "server_error"
)

// statusOf is the status of a refusal. Upbit answers 400 to whatever is wrong with a request itself.
func statusOf(name ledger.Refusal) int {
	switch name {
	case outOfScope, crossSite:
		return http.StatusForbidden
	case notFound, ledger.MarketNotFound, ledger.OrderNotFound, ledger.DepositNotFound, ledger.WithdrawNotFound, ledger.CurrencyNotFound:
		return http.StatusNotFound
	case methodNotAllowed:
		return http.StatusMethodNotAllowed
	case wrongMediaType:
		return http.StatusUnsupportedMediaType
	case serverError:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// refusalOf finds the refusal in an error. What is none is our own failure, and its text is nobody's business.
func refusalOf(err error) ledger.Refusal {
	if refusal, ok := errors.AsType[ledger.Refusal](err); ok {
		return refusal
	}
	if errors.Is(err, money.ErrRange) {
		return ledger.AmountInvalid
	}
	return serverError
}

// wordsFor are the texts in the language of whoever asks.
func wordsFor(r *http.Request) *words.Words {
	who, _ := gate.From(r.Context())
	return words.In(who.Language)
}

// writeRefusal is the one place that answers with an error: in Upbit's shape below /v1, as a page everywhere else.
func writeRefusal(w http.ResponseWriter, r *http.Request, name ledger.Refusal) {
	text := wordsFor(r)
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		var body errorBody
		body.Error.Name, body.Error.Message = string(name), text.Refusal(string(name))
		writeJSON(w, statusOf(name), body)
		return
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
