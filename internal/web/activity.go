package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// activity is the page about what happened.
type activity struct {
	log interface {
		Activity(ctx context.Context, p principal.Principal, before int64, limit int) ([]audit.Told, error)
		Search(ctx context.Context, p principal.Principal, f audit.Filter, before int64, limit int) (list []audit.Told, next int64, err error)
	}
	reports interface {
		DisownSignIn(ctx context.Context, p principal.Principal, number int64) error
	}
	keys interface{ Find(k id.Key) *apikey.Live }
}

func (a *activity) mount(on mounter) {
	on(http.MethodGet, "/activity", a.show)
	on(http.MethodPost, "/activity/{number}/not-me", a.disown)
	on(http.MethodGet, "/disowned", disowned)
}

// disown takes the word of somebody who finds a sign-in in their log that was not them.
func (a *activity) disown(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	number, err := strconv.ParseInt(v.r.PathValue("number"), 10, 64)
	if err != nil || number < 1 {
		return fault.New(fault.SignInEntryUnknown)
	}
	if err := a.reports.DisownSignIn(v.r.Context(), v.who, number); err != nil {
		return err
	}
	v.say("sign_in_disowned")
	return v.leave("/disowned")
}

// disowned guides somebody on to what a stranger may know or have left behind.
func disowned(v *visit) error { return v.show(page.DisownedPage(v.frame("disowned.title"))) }

const entriesAPage = 30

func (a *activity) show(v *visit) error {
	before, err := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	f, asked, err := searched(v.r.URL.Query())
	if err != nil {
		return err
	}
	told, next, err := a.log.Search(v.r.Context(), v.who, f, before, entriesAPage)
	if err != nil {
		return err
	}
	at := func(query url.Values, before int64) string {
		if query = maps.Clone(query); before > 0 {
			query.Set("before", strconv.FormatInt(before, 10))
		}
		return query.Encode()
	}
	twin := maps.Clone(asked)
	twin.Set("limit", strconv.Itoa(entriesAPage))
	view := page.Activity{Places: v.web.Places, Code: f.Code, KeyID: f.KeyText, Searched: len(asked) > 0, Twin: "/v1/activity?" + at(twin, before)}
	if !f.Since.IsZero() {
		view.Since = f.Since.Format(time.DateOnly)
		twin.Set("since", f.Since.Format(time.RFC3339))
		view.Twin = "/v1/activity?" + at(twin, before)
	}
	if before > 0 {
		view.Newest = strings.TrimSuffix("/activity?"+asked.Encode(), "?")
	}
	if next > 0 {
		view.Older = "/activity?" + at(asked, next)
	}
	for _, t := range told {
		view.Entries = append(view.Entries, a.entry(v, t))
	}
	return v.show(page.ActivityPage(v.frame("nav.activity"), view))
}

// searched reads what is looked for from the address. asked holds what was filled in. Errors: request.invalid.
func searched(query url.Values) (f audit.Filter, asked url.Values, err error) {
	asked = url.Values{}
	for _, name := range []string{"code", "key_id", "since"} {
		if text := strings.TrimSpace(query.Get(name)); text != "" {
			asked.Set(name, text)
		}
	}
	f = audit.Filter{Code: asked.Get("code"), KeyText: asked.Get("key_id")}
	if f.KeyText != "" {
		if f.Key, _, err = id.ParseKey(f.KeyText); err != nil {
			return f, nil, fault.New(fault.RequestInvalid, "field", "key_id")
		}
	}
	if day := asked.Get("since"); day != "" {
		if f.Since, err = time.Parse(time.DateOnly, day); err != nil {
			return f, nil, fault.New(fault.RequestInvalid, "field", "since")
		}
	}
	return f, asked, nil
}

// latestSignIns is how many the overview tells, of what a page of the log holds.
const latestSignIns = 5

// signIns are the latest entries that tell of somebody coming in, or of somebody who did not.
func (a *activity) signIns(v *visit) (list []page.Entry, err error) {
	told, err := a.log.Activity(v.r.Context(), v.who, 0, audit.MaxPage)
	for _, t := range told {
		failed := t.Action == audit.SignInFailed || t.Action == audit.SignInSecondFactorFailed
		if len(list) < latestSignIns && (failed || audit.WeightOf(t.Action) == audit.AsEntry) {
			list = append(list, a.entry(v, t))
		}
	}
	return list, err
}

// refused are the actions that tell of something that did not succeed.
var refused = map[audit.Action]bool{
	audit.SignInFailed: true, audit.SignInSecondFactorFailed: true, audit.StepUpFailed: true, audit.PasskeyCloneRefused: true,
	audit.PasskeyRemovedRefused: true, audit.RequestRefused: true,
}

func (a *activity) entry(v *visit, t audit.Told) page.Entry {
	if t.Broken != nil {
		return page.Entry{At: v.when(t.At), Text: v.words.Say("activity.broken"), Next: v.words.Say("activity.broken_next"), Refused: true}
	}
	r := t.Readable
	facts := map[string]string{}
	for name, value := range r.Facts {
		if name == "device" {
			value = v.device(value)
		}
		facts[name] = value
	}
	e := page.Entry{
		At: v.when(t.At), Text: v.words.Happened(t.Action, facts), Refused: refused[t.Action], Who: a.who(v, t), From: v.place(r),
	}
	if report.Disownable(v.who, t) {
		e.NotMe, e.NotOpened = strconv.FormatInt(t.Seq, 10), report.Refused(t)
	}
	if live := a.keys.Find(r.Key); live != nil && live.Owner == v.who.User {
		e.Key = live.ID.String()
	}
	if !r.Session.IsZero() {
		e.Proven = v.level(r.Level)
	}
	if n, err := strconv.Atoi(facts["count"]); err == nil && n > 1 && refused[t.Action] {
		e.Times = v.words.Count("activity.times", n)
	}
	if t.Action == audit.RequestRefused {
		v.explain(&e, r.Facts)
	}
	if refused[t.Action] && !r.Request.IsZero() {
		e.Seen = append(e.Seen, page.Fact{Name: v.words.Say("refusal.request"), Value: r.Request.String()})
	}
	return e
}

// who says who acted.
func (a *activity) who(v *visit, t audit.Told) string {
	r := t.Readable
	switch {
	case t.Erased:
		return v.words.Say("who.erased")
	case !r.Key.IsZero():
		if live := a.keys.Find(r.Key); live != nil {
			return v.words.Say("who.key", "name", live.Name)
		}
	case r.Kind == principal.KindUser.String() && r.User == v.who.User:
		return v.words.Say("who.you")
	case r.Kind == principal.KindUser.String() && r.Name != "":
		return r.Name
	}
	return v.words.Say("who." + r.Kind)
}

// place says where somebody was, as far as we know: a browser in words, and the network address.
func (v *visit) place(r audit.Readable) string {
	switch {
	case r.Addr == "":
		return ""
	case r.Agent == "":
		return v.words.Say("from.addr", "addr", v.whence(r.Addr))
	}
	return v.words.Say("from.device", "device", v.device(r.Agent), "addr", v.whence(r.Addr))
}

// explain tells the owner of a refused request which check failed, what was seen, and the next step.
func (v *visit) explain(e *page.Entry, facts map[string]string) {
	fields := map[string]any{}
	for name, value := range facts {
		fields[name] = value
	}
	f := fault.New(fault.Code(facts["reason"]))
	f.Fields = fields
	entry, title, fix, _ := v.told(f)
	e.Text = v.words.Say("activity.refused")
	e.Next, e.Code = title+" "+fix, string(entry.Code)
	said := v.factWords(fields)
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		key := "seen." + name
		if value := said[name]; value != "" && v.words.Has(key) {
			e.Seen = append(e.Seen, page.Fact{Name: v.words.Say(key), Value: value})
		}
	}
}
