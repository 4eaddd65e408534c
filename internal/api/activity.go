package api

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
)

// activity is what happened to a person and in their account.
type activity struct {
	log interface {
		Search(ctx context.Context, p principal.Principal, f audit.Filter, before int64, limit int) (list []audit.Told, next int64, err error)
	}
	reports interface {
		DisownSignIn(ctx context.Context, p principal.Principal, number int64) error
	}
	keys interface {
		Find(k id.Key) *apikey.Live
	}
	describe Describer
}

func (l *activity) mount(a *API) {
	register(a, operation{
		id: "listActivity", method: http.MethodGet, path: "/v1/activity", summary: "What happened",
		about: "The newest first, a page at a time. With code, key_id or since only what they find: one look goes through a thousand entries, so that a page may be empty and next not missing.",
	}, l.page)
	register(a, operation{
		id: "disownSignIn", method: http.MethodPost, path: "/v1/activity/{number}/not-me", summary: "This sign-in was not me",
		about: "For an entry that says may_disown, however old: what it opened ends, its browser is a stranger, withdrawals are held, and the operators have a case. A second time in the same session changes nothing. Change the password next.",
		codes: []fault.Code{fault.SignInEntryUnknown},
	}, l.disown)
}

type activityIn struct {
	Before int64 `query:"before" minimum:"1" doc:"Number of an entry: the page begins after it, with older ones" example:"4711"`
	Limit  int   `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many entries" example:"20"`

	Code  string    `query:"code" maxLength:"100" doc:"Why something was refused" example:"key.ip_not_allowed"`
	KeyID string    `query:"key_id" maxLength:"100" doc:"What was done with this key, or to it" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Since time.Time `query:"since" doc:"Nothing from before" example:"2026-11-21T09:00:00Z"`
}

type entryShown struct {
	Number  int64             `json:"number" doc:"Its place in the log; it has gaps, which are other people's"`
	At      time.Time         `json:"at"`
	Action  string            `json:"action" doc:"Code of spec/actions.tsv; new ones may come" example:"key.created"`
	Text    string            `json:"text" doc:"What happened, in the language asked for"`
	Actor   string            `json:"actor" doc:"What acted: user, key, nobody (not proven), system, host" example:"user"`
	ACR     string            `json:"acr,omitempty" doc:"How strongly it was proven, with a session" example:"phr"`
	Session id.Session        `json:"session,omitzero" example:"ses_069g9r2kt0f7s8w3a5q1z7y6xc"`
	KeyID   string            `json:"key_id,omitempty" doc:"With a key" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Addr    string            `json:"addr,omitempty" example:"203.0.113.7"`
	Place   string            `json:"place,omitempty" doc:"Where the address is, as far as the installation's file of places knows" example:"near Seoul, KR"`
	Device  string            `json:"device,omitempty" doc:"Browser and system in words" example:"Chrome on Windows"`
	Request id.Request        `json:"request,omitzero" doc:"Id of the request that did it" example:"req_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Facts   map[string]string `json:"facts,omitempty" doc:"Names, counts, reasons"`
	Own     bool              `json:"may_disown,omitempty" doc:"It is a sign-in of which you can say that it was not you"`
	Erased  bool              `json:"erased,omitempty" doc:"The person was erased; only time and action are left"`
	Broken  bool              `json:"broken,omitempty" doc:"The entry was changed in the database behind our back; what it said is not shown"`
}

type activityPage struct {
	Entries []entryShown `json:"entries"`
	Next    int64        `json:"next,omitempty" doc:"What to ask for as before; missing at the end"`
}

type activityOut struct{ Body activityPage }

func (l *activity) page(ctx context.Context, p principal.Principal, in *activityIn) (*activityOut, error) {
	f := audit.Filter{Code: in.Code, KeyText: in.KeyID, Since: in.Since}
	if in.KeyID != "" {
		var err error
		if f.Key, _, err = id.ParseKey(in.KeyID); err != nil {
			return nil, fault.New(fault.RequestInvalid, "field", "key_id")
		}
	}
	told, next, err := l.log.Search(ctx, p, f, in.Before, in.Limit)
	page := activityPage{Entries: make([]entryShown, 0, len(told)), Next: next}
	for _, t := range told {
		page.Entries = append(page.Entries, l.entry(p, t))
	}
	return &activityOut{page}, err
}

type entryPath struct {
	Number int64 `path:"number" minimum:"1" doc:"Number of the entry" example:"4711"`
}

func (l *activity) disown(ctx context.Context, p principal.Principal, in *entryPath) (*struct{}, error) {
	return nil, l.reports.DisownSignIn(ctx, p, in.Number)
}

func (l *activity) entry(p principal.Principal, t audit.Told) entryShown {
	lang := p.Lang
	if t.Broken != nil {
		return entryShown{Number: t.Seq, At: t.At, Action: string(t.Action), Text: i18n.In(lang).Say("activity.broken"), Broken: true}
	}
	r := t.Readable
	e := entryShown{
		Number: t.Seq, At: t.At, Action: string(t.Action), Actor: r.Kind, Session: r.Session, Addr: r.Addr, Request: r.Request, Facts: r.Facts,
		Erased: t.Erased, Place: l.describe.Place(r.Addr, lang), Own: report.Disownable(p, t),
	}
	if !r.Session.IsZero() {
		e.ACR = r.Level.String()
	}
	if r.Agent != "" {
		e.Device = l.describe.Device(r.Agent, lang)
	}
	if live := l.keys.Find(r.Key); live != nil {
		e.KeyID = live.Text()
	}
	facts := maps.Clone(r.Facts)
	if agent, ok := facts["device"]; ok {
		facts["device"] = l.describe.Device(agent, lang)
	}
	e.Text = i18n.In(lang).Happened(t.Action, facts)
	return e
}
