package httpx

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// Problem is a refusal as JSON (RFC 9457 §3). The members after instance are our extensions.
type Problem struct {
	Type     string         `json:"type" doc:"Address of the dashboard's page about this code"`
	Title    string         `json:"title" doc:"What happened, in the language asked for"`
	Status   int            `json:"status" doc:"Status of the answer"`
	Detail   string         `json:"detail,omitempty" doc:"What to do next"`
	Instance string         `json:"instance,omitempty" doc:"Id of the request"`
	Code     string         `json:"code" doc:"Code of spec/errors.tsv; new ones may come"`
	Fields   map[string]any `json:"fields,omitempty" doc:"Facts: what was seen, what was expected"`
}

// Explain finds what may be told of an error in one language: the registry's entry and its texts with the facts filled in. An error without
// a code is internal and says nothing; a sealed one is the code that stands for it outside. A caller who answers a stranger asks ForStranger
// first.
func Explain(err error, lang string) (e fault.Entry, title, fix string, f *fault.Error) {
	f, e = entryOf(err)
	if e.Sight == fault.Sealed {
		f, e = entryOf(outside(f, e))
	}
	title, fix = e.English, e.EnglishFix
	if lang == "ko" {
		title, fix = e.Korean, e.KoreanFix
	}
	words := i18n.In(lang)
	facts := words.Facts(f.Fields)
	return e, words.Fill(title, facts), words.Fill(fix, facts), f
}

// ForStranger is what somebody who has not proven to be the owner may hear of an error: the same refusal for all that only an owner may tell
// apart.
func ForStranger(err error) error {
	if f, e := entryOf(err); e.Sight != fault.Anyone {
		return outside(f, e)
	}
	return err
}

// entryOf finds the refusal in an error and its line; what has none, or an unknown code, is internal.
func entryOf(err error) (*fault.Error, fault.Entry) {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		if e, known := fault.Lookup(f.Code); known {
			return f, e
		}
	}
	e, _ := fault.Lookup(fault.Internal)
	return fault.New(fault.Internal), e
}

// outside replaces a refusal by the code that stands for it, without its facts. The log keeps the refusal.
func outside(f *fault.Error, e fault.Entry) *fault.Error {
	return fault.New(e.Outside).After(f.RetryAfter).Because(f)
}

// ProblemOf is a refusal in its JSON form, its type relative to the dashboard's origin, and how long to wait before trying again.
func ProblemOf(err error, lang string) (Problem, time.Duration) {
	e, title, fix, f := Explain(err, lang)
	return Problem{
		Type: "/errors/" + string(e.Code), Title: title, Status: e.Status, Detail: fix, Code: string(e.Code), Fields: f.Fields,
	}, f.RetryAfter
}

// RefusalHeader is on every refusal that is JSON, in whichever shape, and holds its code. It is for proxies that ask and then write an answer of
// their own (nginx): they can hand a header on where they cannot hand on a body.
const RefusalHeader = "Sallyport-Refusal"

// WriteProblem answers with a refusal as JSON and notes it in the record. Every answer carries the server's time in Date.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	rec := RecordOf(r.Context())
	p, wait := ProblemOf(err, Language(r))
	p.Type, p.Instance = rec.pages+p.Type, rec.ID.String()
	rec.Code, rec.err = fault.Code(p.Code), err
	body, failed := json.Marshal(p)
	if failed != nil {
		body = []byte(`{"type":"` + rec.pages + `/errors/internal","status":500,"code":"internal"}`)
		p.Status = http.StatusInternalServerError
	}
	h := w.Header()
	h.Set(RefusalHeader, p.Code)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	SetRetryAfter(h, wait)
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}

// Note puts a refusal into the record, for writers of other shapes.
func Note(r *http.Request, code fault.Code, err error) {
	rec := RecordOf(r.Context())
	rec.Code, rec.err = code, err
}

// SetRetryAfter tells when to try again, in whole seconds, rounded up (RFC 9110 §10.2.3).
func SetRetryAfter(h http.Header, d time.Duration) {
	if d > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
	}
}

// Language is the language of the answer, of every door: the choice that was made in this browser (the lang cookie), else that of the user who
// is signed in, else the first of en and ko that the browser asks for.
func Language(r *http.Request) string {
	if c, err := r.Cookie(LangCookie); err == nil && (c.Value == "ko" || c.Value == "en") {
		return c.Value
	}
	if lang := RecordOf(r.Context()).Lang; lang != "" {
		return lang
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		switch tag, _, _ := strings.Cut(strings.TrimSpace(part), ";"); {
		case tag == "ko" || strings.HasPrefix(tag, "ko-"):
			return "ko"
		case tag == "en" || strings.HasPrefix(tag, "en-"):
			return "en"
		}
	}
	return "en"
}

// WriteJSON answers with a value of ours. Errors: a value that cannot be encoded.
func WriteJSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
	return nil
}
