package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/respond/dossier"
)

// dossiers is what is told about single keys.
type dossiers struct {
	room interface {
		Of(ctx context.Context, p principal.Principal, kid id.Key) (dossier.Dossier, error)
		Timeline(ctx context.Context, p principal.Principal, kid id.Key, since time.Time) (dossier.Signed, error)
	}
	keys interface {
		Find(k id.Key) *apikey.Live
		Named(text string) (id.Key, error)
	}
	describe Describer
	now      func() time.Time
}

func (d *dossiers) mount(a *API) {
	register(a, operation{
		id: "keyPast", method: http.MethodGet, path: "/v1/keys/{key_id}/past", summary: "What a key did, and what it could do if it were stolen",
		about: "Its last use, its calls day by day over twelve weeks, refusals by code, scopes that it could do without, and how it was changed. Only " +
			"requests count that were signed with its secret; up to ten seconds of them are missing.",
		codes: []fault.Code{fault.KeyNotFound, fault.Busy},
	}, d.past)
	register(a, operation{
		id: "keyTimeline", method: http.MethodGet, path: "/v1/keys/{key_id}/timeline", summary: "Everything known of a key since a moment, signed",
		about: "Events and calls, the latest first; calls are kept for 90 days. The signature (EdDSA, key set at " +
			"/.well-known/sallyport-assertion-jwks.json) is over the line sallyport-statement-v1, a newline and the statement in canonical form (RFC 8785); " +
			"sallyport key verify checks it.",
		codes: []fault.Code{fault.KeyNotFound, fault.Busy},
	}, d.timeline)
}

type pastShown struct {
	LastUse *lastUse     `json:"last_use,omitempty" doc:"Missing if it was not used in these weeks"`
	Days    []callDay    `json:"days" doc:"Those with calls, the oldest first"`
	Refused []codeShown  `json:"refused" doc:"The most frequent first"`
	Unused  []string     `json:"unused_scopes" doc:"Held, and not needed by any request of the last 30 days" example:"[\"orders:write\"]"`
	Stolen  []danger     `json:"if_stolen" doc:"What somebody could do now who holds the secret and nothing else, and what would stop them"`
	History []entryShown `json:"history" doc:"What changed it, the latest first; empty for who may not read the account's activity"`
	Cut     bool         `json:"history_cut,omitempty" doc:"There was more"`
}

type lastUse struct {
	At      time.Time `json:"at"`
	Addr    string    `json:"addr,omitempty" doc:"An address; of IPv6 the /64 around it" example:"203.0.113.7"`
	Place   string    `json:"place,omitempty" example:"near Seoul, KR"`
	Route   string    `json:"route" example:"POST /v1/orders"`
	Dialect string    `json:"dialect" example:"native"`
	Code    string    `json:"code,omitempty" doc:"If it was refused" example:"key.ip_not_allowed"`
}

type callDay struct {
	Day     string `json:"day" format:"date" doc:"In UTC" example:"2026-11-21"`
	Passed  int64  `json:"passed" example:"4711"`
	Refused int64  `json:"refused" example:"3"`
}

type codeShown struct {
	Code  string    `json:"code" example:"key.scope_missing"`
	Text  string    `json:"text" doc:"The code in words"`
	Calls int64     `json:"calls" example:"3"`
	Last  time.Time `json:"last_at"`
}

type danger struct {
	What   string            `json:"what" doc:"A word; new ones may come" example:"trade"`
	Text   string            `json:"text" doc:"The sentence of its page"`
	Facts  map[string]string `json:"facts,omitempty" doc:"What is set into the sentence"`
	Bounds bool              `json:"bounds,omitempty" doc:"It stops them"`
}

type pastOut struct{ Body pastShown }

func (d *dossiers) past(ctx context.Context, p principal.Principal, in *keyPath) (*pastOut, error) {
	kid, err := d.keys.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	of, err := d.room.Of(ctx, p, kid)
	if err != nil {
		return nil, err
	}
	words := i18n.In(p.Lang)
	shown := pastShown{Days: []callDay{}, Refused: []codeShown{}, Unused: of.Unneeded.Words(), Stolen: []danger{}, History: []entryShown{}, Cut: of.Cut}
	if u := of.Latest; u != nil {
		shown.LastUse = &lastUse{u.Last, u.Addr, d.describe.Place(u.Addr, p.Lang), u.Route, of.Dialect.String(), u.Code}
	}
	for _, day := range of.Days {
		shown.Days = append(shown.Days, callDay{day.Day.Format(time.DateOnly), day.Passed, day.Refused})
	}
	for _, r := range of.Refused {
		shown.Refused = append(shown.Refused, codeShown{string(r.Code), words.Title(r.Code), r.Calls, r.Last})
	}
	for _, s := range of.Stolen {
		shown.Stolen = append(shown.Stolen, danger{s.What, words.Danger(s.What, s.Facts), s.Facts, s.Bounds})
	}
	entries := &activity{keys: d.keys, describe: d.describe}
	for _, t := range of.History {
		shown.History = append(shown.History, entries.entry(p, t))
	}
	return &pastOut{shown}, nil
}

type timelineIn struct {
	KeyID string    `path:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Since time.Time `query:"since" doc:"Missing: a week ago" example:"2026-11-21T09:00:00Z"`
}

type timelineOut struct {
	Disposition string `header:"Content-Disposition" doc:"A file name, for browsers"`
	Body        dossier.Signed
}

// week is how far a timeline goes back that names no moment.
const week = 7 * 24 * time.Hour

func (d *dossiers) timeline(ctx context.Context, p principal.Principal, in *timelineIn) (*timelineOut, error) {
	kid, err := d.keys.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	if in.Since.IsZero() {
		in.Since = d.now().Add(-week)
	}
	signed, err := d.room.Timeline(ctx, p, kid, in.Since)
	return &timelineOut{`attachment; filename="` + in.KeyID + `-timeline.json"`, signed}, err
}
