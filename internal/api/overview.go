package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/checkup"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// overview is whether anything is wrong, what is open, and what to do next.
type overview struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (checkup.State, error)
		LookThrough(ctx context.Context, p principal.Principal) error
		Confirm(ctx context.Context, p principal.Principal, item, state string) error
		PutTipAway(ctx context.Context, p principal.Principal, name string) error
	}
	log interface {
		Rhythm(ctx context.Context, p principal.Principal, now time.Time, zone *time.Location) (audit.Rhythm, error)
		Entrances(ctx context.Context, p principal.Principal, now time.Time) (map[string]int, error)
	}
	describe Describer
	places   bool // there is a file of them
	now      func() time.Time
	// recoveries and factors know how long the ways back take, and whether any goes by a password: texts of gaps say so.
	recoveries *recovery.Recoveries
	factors    *factor.Factors
}

func (o *overview) mount(a *API) {
	register(a, operation{
		id: "getOverview", method: http.MethodGet, path: "/v1/overview", summary: "Is anything wrong, what is open, and what next",
		about: "Points over five layers; each gap says what it costs, and the first one is the next best step.",
	}, o.get)
	register(a, operation{
		id: "getCheckUp", method: http.MethodGet, path: "/v1/check-up", summary: "One question about each thing that the account holds",
		about: "What was answered with yes rests until it changes.",
	}, o.questions)
	register(a, operation{
		id: "confirmCheckUp", method: http.MethodPost, path: "/v1/check-up", summary: "Answer a question with yes",
		about: "With the item and the state that the question had. A no is no call: secure the thing where it lies.", codes: []fault.Code{fault.CheckUpChanged, fault.RateLimited},
	}, o.confirm)
	register(a, operation{
		id: "finishCheckUp", method: http.MethodPost, path: "/v1/check-up/done", summary: "I have gone through the check-up",
		about: "It is due again in a month. It answers no question.",
	}, o.done)
	register(a, operation{
		id: "putTipAway", method: http.MethodPost, path: "/v1/tips/{name}/away", summary: "Show a tip no more",
		about: "A word of advice that stands on a page until its reader puts it away.",
	}, o.putAway)
	register(a, operation{
		id: "getRhythm", method: http.MethodGet, path: "/v1/activity/rhythm", summary: "When things happened in the last twelve weeks",
		about: "Sign-ins by weekday and hour, and what happened day by day, in the zone asked for.",
	}, o.rhythm)
}

type gapShown struct {
	Code   string `json:"code" doc:"Its name; new ones may come" example:"codes"`
	Layer  string `json:"layer" enum:"sessions,sign_in,recovery,contact,keys"`
	Points int    `json:"points" doc:"What it costs; a layer cannot lose more than it has" example:"12"`
	Wrong  bool   `json:"wrong" doc:"Whether somebody else may be at work"`
	Title  string `json:"title" doc:"In the language asked for"`
	Text   string `json:"text" doc:"Why it matters"`
}

type layerShown struct {
	Layer  string `json:"layer" enum:"sessions,sign_in,recovery,contact,keys"`
	Points int    `json:"points" minimum:"0" maximum:"20" example:"8"`
}

type overviewShown struct {
	Wrong     bool         `json:"wrong" doc:"Whether somebody else may be at work"`
	Points    int          `json:"points" minimum:"0" maximum:"100" example:"78"`
	Layers    []layerShown `json:"layers"`
	Gaps      []gapShown   `json:"gaps" doc:"The most urgent first: that one is the next best step"`
	Held      bool         `json:"withdrawals_held" doc:"See GET /v1/confirmations for why"`
	HeldUntil time.Time    `json:"held_until,omitzero" doc:"Missing while the end is not known"`
	Young     []waiting    `json:"young_passkeys" doc:"Those that may not approve money yet"`
	Sessions  int          `json:"sessions" doc:"How many are open, this one too"`
	Keys      int          `json:"keys" doc:"How many can be used"`
	Questions int          `json:"questions" doc:"How many questions of the check-up are open"`
}

type waiting struct {
	ID         string    `json:"id" example:"pk_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name       string    `json:"name" doc:"What its owner called it" example:"Phone"`
	ApprovesAt time.Time `json:"approves_money_from"`
}

type overviewOut struct{ Body overviewShown }

func (o *overview) get(ctx context.Context, p principal.Principal, _ *struct{}) (*overviewOut, error) {
	s, err := o.room.Of(ctx, p)
	if err != nil {
		return nil, err
	}
	words := i18n.In(p.Lang)
	out := overviewShown{
		Wrong: s.Posture.Wrong(), Points: s.Posture.Points, Gaps: []gapShown{}, Young: []waiting{}, Held: s.Account.Held.Held, HeldUntil: s.Account.Held.Until,
		Sessions: len(s.Account.Sessions), Keys: len(s.Account.Keys), Questions: s.Open(),
	}
	for _, c := range s.Account.Methods.Young(o.now()) {
		out.Young = append(out.Young, waiting{c.ID.String(), c.Name, c.ApprovesFrom})
	}
	for _, l := range s.Posture.Layers {
		out.Layers = append(out.Layers, layerShown{string(l.Layer), l.Points})
	}
	for _, g := range s.Posture.Gaps {
		waits := o.recoveries.Waits
		title, text := words.Missing(g.Code, o.factors.Passwordless, waits.WithProof, waits.MailAlone)
		out.Gaps = append(out.Gaps, gapShown{g.Code, string(g.Layer), g.Points, g.Wrong, title, text})
	}
	return &overviewOut{out}, nil
}

type questionShown struct {
	Item  string `json:"item" doc:"What it is about, to answer with" example:"passkey pk_069g9r2kt0f7s8w3a5q1z7y6xc"`
	State string `json:"state" doc:"A digest of it as it is now, to answer with" example:"MDEyMzQ1Njc4OWFiY2RlZg"`
	Layer string `json:"layer" enum:"sessions,sign_in,recovery,contact,keys"`
	Kind  string `json:"kind" enum:"session,browser,password,app,passkey,codes,mail,second,number,key"`
	Name  string `json:"name,omitempty" doc:"How its owner knows it: a name, an address, or a browser in words" example:"Phone"`

	Since       time.Time `json:"since,omitzero" doc:"When it came to be what it is"`
	UsedAt      time.Time `json:"used_at,omitzero" doc:"When it was last used"`
	From        string    `json:"from,omitempty" doc:"The network address of that" example:"203.0.113.7"`
	CodesLeft   int       `json:"codes_left,omitempty" doc:"With kind codes: how many nobody has spent"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero" doc:"When it was answered with yes; missing while it is open"`
}

type checkUpShown struct {
	Questions []questionShown `json:"questions"`
	Open      int             `json:"open" doc:"How many wait for an answer"`
	Due       bool            `json:"due" doc:"Whether a month has passed since looked_at"`
	LookedAt  time.Time       `json:"looked_at,omitzero" doc:"When you last went through it, or signed up"`
}

type checkUpOut struct{ Body checkUpShown }

func (o *overview) questions(ctx context.Context, p principal.Principal, _ *struct{}) (*checkUpOut, error) {
	s, err := o.room.Of(ctx, p)
	out := checkUpShown{Questions: []questionShown{}, Open: s.Open(), Due: s.Account.Due(), LookedAt: s.Account.Looked}
	for _, q := range s.Questions {
		name := q.Name
		if q.Kind == checkup.AboutSession || q.Kind == checkup.AboutBrowser {
			name = o.describe.Device(q.Name, p.Lang)
		}
		out.Questions = append(out.Questions, questionShown{
			q.Item(), q.State(), string(q.Layer), string(q.Kind), name, q.Since, q.Used, q.From, q.Left, q.Confirmed,
		})
	}
	return &checkUpOut{out}, err
}

type yes struct {
	Item  string `json:"item" maxLength:"100" example:"passkey pk_069g9r2kt0f7s8w3a5q1z7y6xc"`
	State string `json:"state" maxLength:"32" example:"MDEyMzQ1Njc4OWFiY2RlZg"`
}

type yesIn struct{ Body yes }

func (o *overview) done(ctx context.Context, p principal.Principal, _ *struct{}) (*struct{}, error) {
	return nil, o.room.LookThrough(ctx, p)
}

func (o *overview) confirm(ctx context.Context, p principal.Principal, in *yesIn) (*struct{}, error) {
	return nil, o.room.Confirm(ctx, p, in.Body.Item, in.Body.State)
}

type tipIn struct {
	Name string `path:"name" maxLength:"32" doc:"The tip" example:"keys"`
}

func (o *overview) putAway(ctx context.Context, p principal.Principal, in *tipIn) (*struct{}, error) {
	return nil, o.room.PutTipAway(ctx, p, in.Name)
}

type rhythmIn struct {
	Offset int `query:"offset_minutes" minimum:"-720" maximum:"840" default:"0" doc:"Minutes east of UTC" example:"540"`
}

type dayShown struct {
	Date     string `json:"date" format:"date" example:"2026-11-21"`
	Entries  int    `json:"sign_ins" doc:"How many sessions began"`
	Changes  int    `json:"changes" doc:"How much else happened"`
	Refusals int    `json:"refusals" doc:"What did not succeed"`
}

type countryShown struct {
	Country string `json:"country" doc:"ISO 3166-1" example:"KR"`
	Entries int    `json:"sign_ins" doc:"How many sessions began there"`
}

type rhythmShown struct {
	Hours [][]int    `json:"hours" doc:"Sign-ins: seven weekdays, Monday first, of twenty-four hours"`
	Days  []dayShown `json:"days" doc:"The oldest first"`
	// Places come from the latest entries alone.
	Places []countryShown `json:"places" doc:"Countries from which somebody signed in, by the network addresses of the latest entries; empty without a file of places"`
	Cut    bool           `json:"cut" doc:"Whether there was more than fits, so that only the latest are counted"`
}

type rhythmOut struct{ Body rhythmShown }

func (o *overview) rhythm(ctx context.Context, p principal.Principal, in *rhythmIn) (*rhythmOut, error) {
	r, err := o.log.Rhythm(ctx, p, o.now(), time.FixedZone("", in.Offset*60))
	if err != nil {
		return nil, err
	}
	out := rhythmShown{Cut: r.Cut, Days: make([]dayShown, 0, len(r.Days)), Places: []countryShown{}}
	for _, hours := range r.Hours {
		out.Hours = append(out.Hours, hours[:])
	}
	for _, d := range r.Days {
		out.Days = append(out.Days, dayShown{d.Date.Format(time.DateOnly), d.Entries, d.Changes, d.Refusals})
	}
	if !o.places {
		return &rhythmOut{out}, nil // entries are opened for their addresses alone
	}
	addrs, err := o.log.Entrances(ctx, p, o.now())
	counts := map[string]int{} // country → sign-ins
	for addr, n := range addrs {
		counts[o.describe.Country(addr)] += n
	}
	delete(counts, "")
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		out.Places = append(out.Places, countryShown{code, counts[code]})
	}
	return &rhythmOut{out}, err
}
