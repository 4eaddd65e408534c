package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
)

// sessions is who is there, and where else they are signed in.
type sessions struct {
	room interface {
		Ends(p principal.Principal) (idle, absolute time.Time)
		List(ctx context.Context, p principal.Principal) ([]session.Listed, error)
		IfStolen(decide decision.Decider, l session.Listed) []session.Danger
		SignOut(ctx context.Context, p principal.Principal) error
		Revoke(ctx context.Context, p principal.Principal, s id.Session) error
		Disown(ctx context.Context, p principal.Principal, s id.Session) error
		RevokeSelected(ctx context.Context, p principal.Principal, selected []id.Session) (count int, err error)
		SignOutOthers(ctx context.Context, p principal.Principal, bots session.Bots) (count int, err error)
		SignOutEverywhere(ctx context.Context, p principal.Principal, bots session.Bots) (count int, err error)
	}
	keys interface {
		standings
		Self(ctx context.Context, p principal.Principal) (apikey.Key, error)
	}
	factors interface {
		Restore(ctx context.Context, p principal.Principal) error
	}
	describe Describer
	decide   decision.Decider
	now      func() time.Time
}

func (s *sessions) mount(a *API) {
	register(a, operation{
		id: "getSession", method: http.MethodGet, path: "/v1/session", summary: "Who am I?",
		about: "For a session: its user, power and both ends. For an API key: the key itself, whatever its scopes.",
	}, s.whoami)
	register(a, operation{
		id: "askSession", method: http.MethodPost, path: "/v1/session", summary: "Who am I, asked by POST?",
		about: "The same answer, for keys whose dialect signs nothing but POST (kraken). Nothing is changed by it.",
	}, s.whoami)
	register(a, operation{
		id: "signOut", method: http.MethodDelete, path: "/v1/session", summary: "Sign out", about: "This session and those on gateway hosts that it opened.",
	}, s.signOut)
	register(a, operation{
		id: "listSessions", method: http.MethodGet, path: "/v1/sessions", summary: "Where I am signed in", about: "The newest first.",
	}, s.list)
	register(a, operation{
		id: "endSession", method: http.MethodDelete, path: "/v1/sessions/{id}", summary: "Sign one session out",
		about: "It is refused from the moment of the answer.", codes: []fault.Code{fault.SessionNotFound},
	}, s.end)
	register(a, operation{
		id: "disownSession", method: http.MethodPost, path: "/v1/sessions/{id}/not-me", summary: "This session was not me",
		about: "Ends it, makes its browser a stranger, and holds withdrawals. API keys stay. Change the password next.", codes: []fault.Code{fault.SessionNotFound},
	}, s.disown)
	register(a, operation{
		id: "restoreSession", method: http.MethodPost, path: "/v1/session/restore", summary: "Give this session its full power again",
		about: "Answers the challenge of a session, whatever its reason, for a proof with the best factor that its user has.",
	}, s.restore)
	register(a, operation{
		id: "signOutSelected", method: http.MethodPost, path: "/v1/sessions/sign-out-selected", summary: "Sign some sessions out",
		about: "All of them or none; never the one that asks. Those that ended meanwhile are passed over.", codes: []fault.Code{fault.SessionNotFound},
	}, s.signOutSelected)
	register(a, operation{
		id: "signOutOthers", method: http.MethodPost, path: "/v1/sessions/sign-out-others", summary: "Sign out everywhere else",
		about: "API keys stay and your bots keep running, unless the body asks for them to freeze.",
	}, s.signOutOthers)
	register(a, operation{
		id: "signOutEverywhere", method: http.MethodPost, path: "/v1/sessions/sign-out-everywhere", summary: "Sign out everywhere, here too",
		about: "API keys stay and your bots keep running, unless the body asks for them to freeze.",
	}, s.signOutEverywhere)
}

type whoami struct {
	Kind       string        `json:"kind" enum:"user,key" doc:"What proved itself"`
	User       id.User       `json:"user" doc:"The person, or the owner of the key" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name       string        `json:"name,omitempty" doc:"How the person wants to be called" example:"Min"`
	Lang       string        `json:"language,omitempty" enum:"en,ko" doc:"With kind user: the language of mails" example:"en"`
	Account    id.Account    `json:"account" example:"acc_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Subaccount id.Subaccount `json:"subaccount" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Role       string        `json:"role" enum:"viewer,trader,owner" doc:"The person's role in the account today"`
	Scopes     []string      `json:"scopes" doc:"What is allowed at most, today" example:"[\"balances:read\",\"orders:read\"]"`

	Session  id.Session `json:"session,omitzero" doc:"With kind user" example:"ses_069g9r2kt0f7s8w3a5q1z7y6xc"`
	ACR      string     `json:"acr,omitempty" enum:"none,pwd,mfa,phr,phrh" doc:"How strongly the session is proven now"`
	IdleAt   time.Time  `json:"idle_expires_at,omitzero" doc:"When the session may only look and cancel, unless its user does something"`
	ExpireAt time.Time  `json:"absolute_expires_at,omitzero" doc:"When the session ends for good"`

	Challenge *owedShown `json:"challenge,omitempty" doc:"Why the session may only look and cancel, if it may"`

	BoundAt time.Time `json:"bound_proven_at,omitzero" doc:"When the device that the session is bound to last proved its key, if it is bound"`

	Key *keyShown `json:"key,omitempty" doc:"With kind key"`
}

// owedShown is what a session has to show before it has full power.
type owedShown struct {
	Why   string    `json:"why" enum:"stranger,idle,two_agents,program,elsewhere,unrenewed" doc:"stranger: a browser that is not known, with less than its user can show. idle: no human act for too long. two_agents, program: shown by something else than signed in. elsewhere: shown from another network and country at once. unrenewed: a fault of ours kept the device from proving itself"`
	Needs string    `json:"needs" enum:"none,pwd,mfa,phr,phrh" doc:"The acr that lifts it"`
	Until time.Time `json:"until,omitzero" doc:"When it lapses by itself, if it does"`
}

type whoamiOut struct{ Body whoami }

func (s *sessions) whoami(ctx context.Context, p principal.Principal, _ *struct{}) (*whoamiOut, error) {
	w := whoami{
		Kind: p.Kind.String(), User: p.User, Account: p.Account, Subaccount: p.Subaccount, Role: p.Role.String(), Scopes: p.Scopes.Words(),
	}
	if p.Kind == principal.KindKey {
		key, err := s.keys.Self(ctx, p)
		if err != nil {
			return nil, err
		}
		shown := keyAs(s.keys, key)
		w.Key = &shown
		return &whoamiOut{w}, nil
	}
	w.Name, w.Lang, w.Session, w.ACR = p.Name, p.Lang, p.Session, p.Level().String()
	w.IdleAt, w.ExpireAt = s.room.Ends(p)
	w.BoundAt = p.Proof.BoundAt
	if c := p.Challenge; c.Why != "" {
		w.Challenge = &owedShown{string(c.Why), c.Needs.String(), c.Until}
	}
	return &whoamiOut{w}, nil
}

type signedOutOut struct{ kept }

func (s *sessions) signOut(ctx context.Context, p principal.Principal, _ *struct{}) (*signedOutOut, error) {
	return &signedOutOut{kept{signedOut: true}}, s.room.SignOut(ctx, p)
}

type sessionShown struct {
	ID        id.Session `json:"id" example:"ses_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Current   bool       `json:"current" doc:"Whether it is the one that asks"`
	Device    string     `json:"device" doc:"Browser and system in words; the sender chose what they rest on" example:"Chrome on Windows"`
	Addr      string     `json:"addr" doc:"Address at sign-in" example:"203.0.113.7"`
	Place     string     `json:"place,omitempty" doc:"Where that is, as far as the installation's file of places knows" example:"near Seoul, KR"`
	ACR       string     `json:"acr" enum:"none,pwd,mfa,phr,phrh" doc:"How strongly it was proven"`
	CreatedAt time.Time  `json:"created_at"`
	ActedAt   time.Time  `json:"acted_at" doc:"Last time a human did something"`
	ExpiresAt time.Time  `json:"expires_at" doc:"When it ends for good"`
	Limited   bool       `json:"limited" doc:"Whether it may only look and cancel until its user confirms who they are"`
	Shared    bool       `json:"shared" doc:"Whether its user said that the computer is not their own"`

	Bound   bool      `json:"bound" doc:"Whether it is bound to its device, so that a copy of its cookie is of no use elsewhere"`
	BoundAt time.Time `json:"bound_proven_at,omitzero" doc:"When that device last proved its key"`
	Skipped string    `json:"bound_skipped,omitempty" enum:"quota_exceeded,server_error,unreachable" doc:"What its browser last said about a proof that it did not make; its word, and since the last restart"`

	Odd    *oddShown    `json:"shown_oddly,omitempty" doc:"The last time in 24 hours that it was shown by something else than signed in"`
	Copied *copiedShown `json:"shown_unbound,omitempty" doc:"That it was shown without its device and refused, where that was in the last 24 hours"`

	Could []danger `json:"could" doc:"What somebody could do now who has a copy of its cookie and nothing else, and what would stop them"`

	Hosts []hostShown `json:"hosts" doc:"Gateway hosts that were opened from it, and end with it"`
}

type oddShown struct {
	Why string    `json:"why" enum:"two_agents,program,elsewhere" doc:"As in challenge"`
	At  time.Time `json:"at"`
}

type copiedShown struct {
	Times int       `json:"times" doc:"How often, since this process started"`
	At    time.Time `json:"last_at"`
}

// hostShown is a gateway host that a session has open.
type hostShown struct {
	Host      string    `json:"host" doc:"Its authority" example:"exchange.example.com"`
	CreatedAt time.Time `json:"created_at"`
}

type sessionList struct {
	Sessions []sessionShown `json:"sessions"`
}

type sessionsOut struct{ Body sessionList }

func (s *sessions) list(ctx context.Context, p principal.Principal, _ *struct{}) (*sessionsOut, error) {
	rows, err := s.room.List(ctx, p)
	list := make([]sessionShown, 0, len(rows))
	for _, row := range rows {
		hosts := make([]hostShown, 0, len(row.Children))
		for _, child := range row.Children {
			hosts = append(hosts, hostShown{child.Host, child.Born})
		}
		shown := sessionShown{
			ID: row.ID, Current: row.ID == p.Session, Device: s.describe.Device(row.Agent, p.Lang), Addr: row.Addr, Place: s.describe.Place(row.Addr, p.Lang),
			ACR: row.Proof.Level().String(), CreatedAt: row.Born, ActedAt: row.ActedAt, ExpiresAt: row.ExpiresAt,
			Limited: row.Challenge.Open(s.now()), Shared: row.Shared, Hosts: hosts,
			Bound: row.Bound.Holds(), BoundAt: row.Bound.ProvenAt, Skipped: row.Skipped,
		}
		for _, one := range s.room.IfStolen(s.decide, row) {
			shown.Could = append(shown.Could, danger{one.What, i18n.In(p.Lang).Danger(one.What, one.Facts), one.Facts, one.Bounds})
		}
		if row.Odd.Fresh(s.now()) {
			shown.Odd = &oddShown{string(row.Odd.Why), row.Odd.Last}
		}
		if row.Copied.Fresh(s.now()) {
			shown.Copied = &copiedShown{row.Copied.Times, row.Copied.Last}
		}
		list = append(list, shown)
	}
	return &sessionsOut{sessionList{list}}, err
}

type sessionPath struct {
	ID id.Session `path:"id" doc:"The session" example:"ses_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

func (s *sessions) end(ctx context.Context, p principal.Principal, in *sessionPath) (*signedOutOut, error) {
	return &signedOutOut{kept{signedOut: in.ID == p.Session}}, s.room.Revoke(ctx, p, in.ID)
}

func (s *sessions) disown(ctx context.Context, p principal.Principal, in *sessionPath) (*struct{}, error) {
	return nil, s.room.Disown(ctx, p, in.ID)
}

func (s *sessions) restore(ctx context.Context, p principal.Principal, _ *struct{}) (*struct{}, error) {
	return nil, s.factors.Restore(ctx, p)
}

type endedCount struct {
	Ended int `json:"ended" doc:"How many sessions were signed out"`
}

type endedOut struct {
	kept
	Body endedCount
}

type selectedIn struct {
	Body struct {
		Sessions []id.Session `json:"sessions" minItems:"1" maxItems:"50" doc:"Which ones" example:"[\"ses_069g9r2kt0f7s8w3a5q1z7y6xc\"]"`
	}
}

func (s *sessions) signOutSelected(ctx context.Context, p principal.Principal, in *selectedIn) (*endedOut, error) {
	count, err := s.room.RevokeSelected(ctx, p, in.Body.Sessions)
	return &endedOut{Body: endedCount{count}}, err
}

type signOutIn struct {
	Body *struct {
		Keys string `json:"keys,omitempty" enum:"keep,freeze" doc:"freeze: your API keys look and cancel only, until you unfreeze them"`
	}
}

func (in *signOutIn) bots() session.Bots {
	return session.Bots(in.Body != nil && in.Body.Keys == "freeze")
}

func (s *sessions) signOutOthers(ctx context.Context, p principal.Principal, in *signOutIn) (*endedOut, error) {
	count, err := s.room.SignOutOthers(ctx, p, in.bots())
	return &endedOut{Body: endedCount{count}}, err
}

func (s *sessions) signOutEverywhere(ctx context.Context, p principal.Principal, in *signOutIn) (*endedOut, error) {
	count, err := s.room.SignOutEverywhere(ctx, p, in.bots())
	return &endedOut{kept{signedOut: true}, endedCount{count}}, err
}
