package web

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// visit is one request on its way to a page.
type visit struct {
	web  *Web
	w    http.ResponseWriter
	r    *http.Request
	rec  *httpx.Record
	line route.Line
	now  time.Time

	words i18n.Words
	// who is there; nobody on pages that strangers may read.
	who principal.Principal
	// before is the session whose cookie the browser holds, even if it does not prove that the session is its own; gone is why nobody is there.
	before id.Session
	gone   error
	// shown is the cookie under which forms are shown: the session's, or the browser's before it has one.
	shown secret.Value
	// browser is the cookie that binds what happens before a session.
	browser secret.Value
	// body is the form's bytes, or bodyErr why they did not arrive.
	body    []byte
	bodyErr error
	form    form
	// file came with the form, where that has one.
	file []byte
	// release gives back the room for it; nil for none.
	release func()
	// sent is the form as it came, for a handler that has to be asked again.
	sent url.Values
	// owner is to whom the page of the form was shown; zero for pages that strangers may read.
	owner reader
	// tip is the word of advice of the page, unless its reader put it away.
	tip string
	// status of the page; zero is 200.
	status int
}

func (w *Web) newVisit(rw http.ResponseWriter, r *http.Request, line route.Line) *visit {
	rec := httpx.RecordOf(r.Context())
	return &visit{
		web: w, w: rw, r: r, rec: rec, line: line, now: w.Now(), words: i18n.In(httpx.Language(r)), who: principal.Nobody(rec.Origin()),
	}
}

// recognise finds out who is there and demands what the route's line asks for.
func (v *visit) recognise() (err error) {
	bearer, err := httpx.Cookie(v.r, httpx.SessionCookie)
	if err != nil {
		return err
	}
	if !bearer.IsEmpty() {
		v.enter(bearer)
	}
	if v.line.Needs == route.Session {
		if v.who.Kind != principal.KindUser {
			if fault.CodeOf(v.gone) == fault.SessionUnproven {
				return v.gone
			}
			return fault.New(fault.SessionEnded)
		}
	} else if v.browser, err = httpx.Browser(v.w, v.r); err != nil {
		return err
	}
	if v.shown.IsEmpty() {
		v.shown = v.browser
	}
	return nil
}

// enter makes the visitor the user of a session, if it lives.
func (v *visit) enter(bearer secret.Value) {
	v.before = v.web.Sessions.Holder(bearer, "")
	var who principal.Principal
	if who, v.gone = v.web.Sessions.Authenticate(bearer.Reveal(), "", v.rec.Origin()); v.gone != nil {
		return
	}
	v.who, v.shown, v.rec.User, v.rec.Lang = who, bearer, who.User, who.Lang
	v.words = i18n.In(httpx.Language(v.r))
}

// act notes a human act: a form that was sent, or a page that was opened, but not what script fetches by itself. It comes after the form's
// token, so that no other site keeps a session awake with forms.
func (v *visit) act() error {
	mode := v.r.Header.Get("Sec-Fetch-Mode")
	if v.who.Kind == principal.KindUser && (v.r.Method == http.MethodPost || mode == "navigate" || mode == "") {
		v.web.Sessions.Act(v.who)
	}
	return nil
}

// maxForm is larger than any form of ours, the answer of an authenticator included.
const (
	maxForm  = 64 << 10
	formTime = 5 * time.Second
)

// receive reads the form of a POST before anybody is asked who they are: a form may take its time, and its session may end meanwhile. What is
// wrong with it is told by fill, to a reader who is known by then.
func (v *visit) receive() error {
	if v.r.Method == http.MethodPost && v.line.Pattern != evidenceAt {
		v.body, v.bodyErr = httpx.ReadBody(v.w, v.r, maxForm, formTime)
	}
	return nil
}

// fill takes the form of a POST and checks its token.
func (v *visit) fill() (err error) {
	if v.r.Method != http.MethodPost {
		return nil
	}
	if v.bodyErr != nil {
		return v.bodyErr
	}
	if v.line.Pattern == evidenceAt {
		err = v.receiveEvidence()
	} else {
		v.form, err = parseForm(v.r.Header["Content-Type"], v.body)
	}
	if err != nil {
		return err
	}
	token := v.form.take("form_token")
	v.owner = v.web.carrier.owner(v.form.take("form_owner"))
	v.sent = maps.Clone(v.form.values)
	if err := v.web.FormKey.Check(v.shown, token); err != nil {
		return err
	}
	return v.elsewhere()
}

// elsewhere refuses the form of one account's page in another: another tab went over meanwhile. What concerns its user alone counts anywhere.
func (v *visit) elsewhere() error {
	class, _, asked := v.line.Power()
	within := asked && class == scope.Setting || strings.HasPrefix(v.line.Pattern, "/members/")
	if within && v.owner.user == v.who.User && v.owner.account != v.who.Account {
		return fault.New(fault.RequestFormExpired)
	}
	return nil
}

// renew keeps the session's new bearer: in the browser, and for what this visit still does.
func (v *visit) renew(bearer secret.Value) {
	if bearer.IsEmpty() {
		return
	}
	httpx.KeepSession(v.w, bearer)
	v.shown = bearer
}

// frame is what all pages have in common, under a title of the catalogue.
func (v *visit) frame(title string, pairs ...string) page.Frame {
	f := page.Frame{
		Words: v.words, Product: v.web.Product, Title: v.words.Say(title, pairs...), Path: v.r.URL.Path, FormToken: v.web.FormKey.Token(v.shown),
		Origin: v.web.Origin, Test: v.web.Environment == id.Test, Notice: v.takeNotice(), Tip: v.tip,
		Waits:  v.waits(),
		Assets: page.Assets{Script: v.web.files.href("app.js"), Style: v.web.files.href("app.css"), Icon: v.web.files.href("icon.svg")},
	}
	if f.Asked = v.r.Method == http.MethodGet; f.Asked {
		f.Path = v.r.URL.RequestURI()
	}
	if v.who.Kind == principal.KindUser {
		f.Me, f.FormOwner = v.me(), v.web.carrier.owned(readerOf(v.who))
	}
	return f
}

// waits says how long this installation lets money, and people, wait.
func (v *visit) waits() page.Waits {
	return page.Waits{
		Credential: v.words.Span(v.web.Spans.Credential), Contact: v.words.Span(v.web.Spans.Contact),
		WithProof: v.words.Span(v.web.Recoveries.Waits.WithProof), MailAlone: v.words.Span(v.web.Recoveries.Waits.MailAlone),
	}
}

// me says until when the session lasts: the very times that are enforced.
func (v *visit) me() *page.Me {
	idle, ends := v.web.Sessions.Ends(v.who)
	me := &page.Me{Name: v.who.Name, Idle: v.when(idle), Ends: v.when(ends), Challenge: challenges[v.who.Challenge.Why]}
	if until := v.who.Challenge.Until; !until.IsZero() {
		me.Until = v.when(until)
	}
	return me
}

// challenges names the challenges as pages word them.
var challenges = map[assurance.Why]string{
	assurance.Stranger: "stranger", assurance.Idle: "idle", assurance.TwoAgents: "unusual", assurance.Program: "unusual", assurance.Elsewhere: "elsewhere", assurance.Unrenewed: "unrenewed",
	assurance.Demanded: "demanded",
}

func (v *visit) when(t time.Time) i18n.Moment { return v.words.Moment(t, v.now) }

// show renders a page. No page of ours may be kept: each carries a form token or what one person alone may read.
func (v *visit) show(c templ.Component) error {
	var html bytes.Buffer
	if err := c.Render(v.r.Context(), &html); err != nil {
		return fmt.Errorf("render %s: %w", v.line.Name(), err)
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	v.w.WriteHeader(max(v.status, http.StatusOK))
	_, _ = v.w.Write(html.Bytes()) // a reader who went away can be told nothing more
	return nil
}

// leave sends the reader to another page of ours, after a form.
func (v *visit) leave(path string) error {
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.Header().Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// retry shows a form again with what was wrong with it, and passes on what the reader cannot mend there: a step-up, an ended session, a form
// that was not ours, our own failures.
func (v *visit) retry(err error, again func(page.Problem) error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	entry, _ := fault.Lookup(f.Code)
	switch {
	case f.Code == fault.StepUpRequired, f.Code == fault.SessionEnded, f.Code == fault.RequestMalformed:
		return err
	case entry.Status >= http.StatusInternalServerError && f.Code != fault.Busy:
		return err
	}
	return again(v.problem(err))
}
