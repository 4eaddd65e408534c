package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// messages is the message centre, and the link by which the reader of a mail says that it was not them.
type messages struct {
	room interface {
		Messages(ctx context.Context, p principal.Principal, before id.Message) ([]notify.Shown, error)
		Message(ctx context.Context, p principal.Principal, which id.Message) (notify.Shown, error)
		Read(ctx context.Context, p principal.Principal, which id.Message) error
		Contacted(ctx context.Context, p principal.Principal) (notify.Contacting, []notify.Shown, error)
		Report(ctx context.Context, lang, address string) (notify.Reported, error)
		Contain(ctx context.Context, from principal.Origin, lang, address string) (notify.Reported, error)
	}
	checkUps interface {
		Due(ctx context.Context, p principal.Principal) (bool, error)
	}
	now func() time.Time
}

func (m *messages) mount(a *API) {
	register(a, operation{
		id: "listMessages", method: http.MethodGet, path: "/v1/messages", summary: "What we told you",
		about: "Every mail and notice, the newest first. A mail that says it is from us, and is not here, is not from us.",
	}, m.list)
	register(a, operation{
		id: "getMessage", method: http.MethodGet, path: "/v1/messages/{id}", summary: "One message", about: "By the id at the end of its mail.",
		codes: []fault.Code{fault.MessageNotFound},
	}, m.show)
	register(a, operation{
		id: "readMessage", method: http.MethodPost, path: "/v1/messages/{id}/read", summary: "I have read this message",
		about: "A waiting time that the message reports begins, unless its mail has begun it already.", codes: []fault.Code{fault.MessageNotFound},
	}, m.read)
	register(a, operation{
		id: "getContacted", method: http.MethodGet, path: "/v1/contacted", summary: "Are you contacting me?",
		about: "We never call, and never chat. What we write is here, and nothing else is from us.",
	}, m.contacted)
	handle(a, operation{
		id: "getReported", method: http.MethodGet, path: "/v1/not-me/{at}", summary: "What the link of a mail would stop", about: "It changes nothing.",
		codes: []fault.Code{fault.NoticeLinkUnknown},
	}, func(ctx context.Context, v *visit, in *linkPath) (*reportedOut, error) {
		r, err := m.room.Report(ctx, v.who.Lang, in.At)
		return m.reported(r), err
	})
	handle(a, operation{
		id: "containReported", method: http.MethodPost, path: "/v1/not-me/{at}", summary: "This was not me",
		about: "Stops what the mail of the link reports, before it answers: sessions end, what was confirmed is cancelled, withdrawals are held. Once, and within the life of the link. It needs no session and can do nothing else.",
		codes: []fault.Code{fault.NoticeLinkUnknown, fault.NoticeLinkOver},
	}, func(ctx context.Context, v *visit, in *linkPath) (*reportedOut, error) {
		r, err := m.room.Contain(ctx, v.rec.Origin(), v.who.Lang, in.At)
		return m.reported(r), err
	})
}

type messageShown struct {
	ID          id.Message `json:"id" example:"msg_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Kind        string     `json:"kind" doc:"What it tells; new ones may come" example:"new_device"`
	Subject     string     `json:"subject" doc:"In the language asked for"`
	Text        string     `json:"text" doc:"What the mail said, without its link"`
	To          []string   `json:"to" doc:"The addresses it was mailed to"`
	CreatedAt   time.Time  `json:"created_at"`
	MailedAt    time.Time  `json:"mailed_at,omitzero" doc:"When our relay took the mail; missing until then"`
	ReadAt      time.Time  `json:"read_at,omitzero" doc:"When you said that you have read it"`
	ContainedAt time.Time  `json:"contained_at,omitzero" doc:"When the link of the mail was used"`
}

func messageAs(s notify.Shown) messageShown {
	shown := messageShown{
		ID: s.ID, Kind: string(s.Letter), Subject: s.Subject, Text: s.Body, To: make([]string, len(s.To)), CreatedAt: s.Born, MailedAt: s.Mailed,
		ReadAt: s.Read, ContainedAt: s.Contained,
	}
	for i, to := range s.To {
		shown.To[i] = to.Mail + to.Phone
	}
	return shown
}

type messageList struct {
	Messages []messageShown `json:"messages"`
	Next     id.Message     `json:"next,omitzero" doc:"Where the next page begins; missing at the end"`
	Due      bool           `json:"check_up_due" doc:"Whether a month has passed since you went through the check-up; it is not mailed"`
}

type messagesIn struct {
	Before id.Message `query:"before" doc:"The id that next named"`
}

type messagesOut struct{ Body messageList }

func (m *messages) list(ctx context.Context, p principal.Principal, in *messagesIn) (*messagesOut, error) {
	rows, err := m.room.Messages(ctx, p, in.Before)
	out := messageList{Messages: make([]messageShown, 0, len(rows))}
	for _, s := range rows {
		out.Messages = append(out.Messages, messageAs(s))
	}
	if len(rows) == notify.PageSize {
		out.Next = rows[len(rows)-1].ID
	}
	if err != nil {
		return nil, err
	}
	out.Due, err = m.checkUps.Due(ctx, p)
	return &messagesOut{out}, err
}

type messagePath struct {
	ID id.Message `path:"id" doc:"The message" example:"msg_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type messageOut struct{ Body messageShown }

func (m *messages) show(ctx context.Context, p principal.Principal, in *messagePath) (*messageOut, error) {
	s, err := m.room.Message(ctx, p, in.ID)
	return &messageOut{messageAs(s)}, err
}

func (m *messages) read(ctx context.Context, p principal.Principal, in *messagePath) (*struct{}, error) {
	return nil, m.room.Read(ctx, p, in.ID)
}

type contactedShown struct {
	State    string         `json:"state" enum:"silent,writing,wrote" doc:"silent: not in the last 24 hours. writing: a mail is on its way. wrote: a mail left"`
	Messages []messageShown `json:"messages" doc:"Those of the last 24 hours"`
}

type contactedOut struct{ Body contactedShown }

func (m *messages) contacted(ctx context.Context, p principal.Principal, _ *struct{}) (*contactedOut, error) {
	state, list, err := m.room.Contacted(ctx, p)
	out := contactedShown{State: string(state), Messages: make([]messageShown, 0, len(list))}
	for _, s := range list {
		out.Messages = append(out.Messages, messageAs(s))
	}
	return &contactedOut{out}, err
}

type linkPath struct {
	At string `path:"at" maxLength:"128" doc:"The last part of the link" example:"msg_069g9r2kt0f7s8w3a5q1z7y6xc.q8_-"`
}

type reportedShown struct {
	Subject     string    `json:"subject" doc:"What the mail said, in one line"`
	CreatedAt   time.Time `json:"created_at"`
	State       string    `json:"state" enum:"open,used,over"`
	Until       time.Time `json:"until,omitzero" doc:"How long the link works"`
	ContainedAt time.Time `json:"contained_at,omitzero"`
	Stops       []string  `json:"stops" doc:"session: the reported one. sessions: all. key: the reported API key is blocked. address: the one from before is put back. member: the reported invitation, and whoever came by it. doer: somebody else did it, whose sessions, requests and money in that account stop; nothing of the reader's does" enum:"session,sessions,key,address,confirmations,withdrawals,member,doer"`
	PutBack     bool      `json:"address_put_back,omitempty" doc:"Whether the address from before was put back"`
}

type reportedOut struct{ Body reportedShown }

func (m *messages) reported(r notify.Reported) *reportedOut {
	shown := reportedShown{
		Subject: r.Subject, CreatedAt: r.Born, State: "over", Until: r.Until, ContainedAt: r.Contained, PutBack: r.Undone,
		Stops: stopsOf(r),
	}
	switch {
	case r.Open(m.now()):
		shown.State = "open"
	case !r.Contained.IsZero():
		shown.State = "used"
	}
	return &reportedOut{shown}
}

// stopsOf says in words what a link stops.
func stopsOf(r notify.Reported) []string {
	stops := []string{"confirmations", "withdrawals"}
	switch {
	case r.Other:
		stops = []string{}
	case r.Plan.Kind == happening.ReportedChange:
		stops = append(stops, "sessions")
	case r.Session:
		stops = append(stops, "session")
	}
	if r.Plan.Key {
		stops = append(stops, "key")
	}
	if r.Plan.Undo {
		stops = append(stops, "address")
	}
	if r.Questions {
		if r.Plan.Member {
			stops = append(stops, "member")
		}
		stops = append(stops, "doer")
	}
	return stops
}
