package web

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/lab"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// laboratory is the signing lab, and the page that says why a request was refused. What somebody pastes is sent as a form, so that it stands in
// no address.
type laboratory struct {
	lab interface {
		Explain(p principal.Principal, in lab.Input) (lab.Explanation, error)
	}
	tally interface {
		Why(p principal.Principal, r id.Request) (audit.Kept, bool)
	}
	keys interface{ Find(k id.Key) *apikey.Live }
}

func (l *laboratory) mount(on mounter) {
	on(http.MethodGet, "/lab", func(v *visit) error { return l.show(v, page.Lab{}) })
	on(http.MethodPost, "/lab", l.explain)
	on(http.MethodGet, "/requests", l.why)
}

func (l *laboratory) show(v *visit, view page.Lab) error {
	return v.show(page.LabPage(v.frame("lab.title"), view))
}

// asTyped takes back what browsers do to the line ends of a text field.
func asTyped(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

func (l *laboratory) explain(v *visit) error {
	in, err := v.form.only("request", "base")
	if err != nil {
		return err
	}
	view := page.Lab{Request: asTyped(in["request"]), Signed: asTyped(in["base"])}
	x, err := l.lab.Explain(v.who, lab.Input{Request: view.Request, Yours: view.Signed})
	if err != nil {
		return l.unread(v, view, err)
	}
	view.Asked, view.Holds = true, len(x.Problems) == 0
	for _, problem := range x.Problems {
		view.Problems = append(view.Problems, v.problemOf(problem))
	}
	if x.KeyID != "" {
		view.Facts = append(view.Facts, page.Fact{Name: v.words.Say("lab.key"), Value: x.KeyID}, page.Fact{Name: v.words.Say("seen.dialect"), Value: v.words.Say("fact.dialect." + x.Dialect.String())})
	}
	if !x.SignedAt.IsZero() {
		view.SignedAt = v.when(x.SignedAt)
	}
	view.Ours, view.Hashed = x.ToSign, x.Hashed
	if x.Compared {
		view.Compared, view.Same = true, x.Differs < 0
		view.Marked, view.MarkedYours = around(x.ToSign, x.Differs), around(x.Yours, x.Differs)
		view.At = v.words.Say("lab.differs_at", "n", strconv.Itoa(x.Differs+1), "line", strconv.Itoa(1+strings.Count(x.ToSign[:max(x.Differs, 0)], "\n")))
	}
	return l.show(v, view)
}

// unread shows the form again: what was pasted cannot be read, or names no test key.
func (l *laboratory) unread(v *visit, view page.Lab, err error) error {
	if code := fault.CodeOf(err); code != fault.RequestMalformed && code != fault.LabNoTestKey {
		return err
	}
	view.Problem = v.problem(err)
	view.Problem.Field = "request"
	return l.show(v, view)
}

// problemOf says what is wrong with a signature.
func (v *visit) problemOf(p lab.Problem) string {
	key := "lab.why." + string(p.Reason)
	if !v.words.Has(key) {
		key = "fact.problem." + string(p.Reason)
	}
	return v.words.Say(key, "seen", p.Seen)
}

// around parts a text at the character that the byte at belongs to.
func around(text string, at int) page.Marked {
	if at < 0 {
		return page.Marked{Before: text}
	}
	if at >= len(text) {
		return page.Marked{Before: text, Mark: "∎"}
	}
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	_, size := utf8.DecodeRuneInString(text[at:])
	m := page.Marked{Before: text[:at], Mark: text[at : at+size], After: text[at+size:]}
	if m.Mark == "\n" {
		m.Mark = "↵\n"
	}
	return m
}

// why says why a request was refused, to whom it may concern.
func (l *laboratory) why(v *visit) error {
	view := page.Why{ID: strings.TrimSpace(v.r.URL.Query().Get("id"))}
	if view.ID != "" {
		view.Asked = true
		if request, err := id.Parse[id.RequestKind](view.ID); err == nil {
			var k audit.Kept
			if k, view.Found = l.tally.Why(v.who, request); view.Found {
				l.tell(v, &view, k)
			}
		}
	}
	return v.show(page.WhyPage(v.frame("why.title"), view))
}

func (l *laboratory) tell(v *visit, view *page.Why, k audit.Kept) {
	view.Twin = "/v1/requests/" + k.Request.String()
	facts := map[string]string{"reason": k.Reason, "route": k.Route}
	maps.Copy(facts, k.Facts)
	v.explain(&view.Entry, facts)
	view.Entry.At, view.Entry.Refused, view.ToSign, view.Proven = v.when(k.At), true, k.ToSign, k.Proven
	if live := l.keys.Find(k.Key); live != nil {
		view.Entry.Who = v.words.Say("who.key", "name", live.Name)
	}
	if k.Addr.IsValid() {
		view.Entry.From = v.words.Say("from.addr", "addr", k.Addr.String())
	}
}
