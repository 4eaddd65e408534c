package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
)

// confirmations is what waits for a passkey, and what keeps it waiting.
type confirmations struct {
	room interface {
		List(ctx context.Context, p principal.Principal) ([]confirm.Asked, error)
		Of(ctx context.Context, p principal.Principal, which id.Confirmation) (confirm.Asked, error)
		Cancel(ctx context.Context, p principal.Principal, which id.Confirmation) error
	}
	holds interface {
		For(ctx context.Context, p principal.Principal) (hold.Standing, error)
	}
	now func() time.Time
}

func (c *confirmations) mount(a *API) {
	register(a, operation{
		id: "listConfirmations", method: http.MethodGet, path: "/v1/confirmations", summary: "Confirmations that are open",
		about: "The oldest first. Give them at their url, with a passkey.",
	}, c.list)
	register(a, operation{
		id: "getConfirmation", method: http.MethodGet, path: "/v1/confirmations/{id}", summary: "How far a confirmation is",
		about: "Poll it while its owner is asked. Once it is approved, send the refused request again, unchanged, with the header Sallyport-Confirmation.",
		codes: []fault.Code{fault.ConfirmationNotFound},
	}, c.show)
	register(a, operation{
		id: "cancelConfirmation", method: http.MethodDelete, path: "/v1/confirmations/{id}", summary: "Cancel a confirmation",
		about: "For good, and from the moment of the answer.", codes: []fault.Code{fault.ConfirmationNotFound, fault.ConfirmationVoid},
	}, c.cancel)
	register(a, operation{
		id: "listHolds", method: http.MethodGet, path: "/v1/holds", summary: "What holds your money",
		about: "While one runs, withdrawals and new destinations wait; everything else goes on.",
	}, c.held)
}

type confirmationPath struct {
	ID id.Confirmation `path:"id" doc:"The confirmation" example:"cnf_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type confirmationShown struct {
	ID          id.Confirmation `json:"id" example:"cnf_069g9r2kt0f7s8w3a5q1z7y6xc"`
	State       string          `json:"state" enum:"open,approved,executed,cancelled,expired"`
	URL         string          `json:"url" doc:"Where it is given"`
	Action      string          `json:"action" enum:"withdraw,destination"`
	Exchange    string          `json:"exchange" example:"paper"`
	Environment string          `json:"environment" enum:"live,test"`
	Asset       string          `json:"asset,omitempty" example:"BTC"`
	Network     string          `json:"network,omitempty" example:"BTC"`
	Address     string          `json:"address" example:"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"`
	Memo        string          `json:"memo,omitempty" example:"123456"`
	Amount      string          `json:"amount,omitempty" doc:"A decimal" example:"0.5"`
	FeeMax      string          `json:"fee_max,omitempty" doc:"The most that may be charged, a decimal" example:"0.0002"`
	CreatedAt   time.Time       `json:"created_at"`
	ExpiresAt   time.Time       `json:"expires_at" doc:"A hold moves it: an hour beyond its end"`
	Held        bool            `json:"held" doc:"Whether money waits"`
	HeldUntil   time.Time       `json:"held_until,omitzero" doc:"Missing while nothing is held, and while the end is not known"`
	Reasons     []string        `json:"reasons,omitempty" doc:"What holds it, in the words of listHolds" example:"password_changed"`
	WaitsFor    string          `json:"waits_for,omitempty" doc:"end: held_until. notice: its owner is still to be told by mail. unlock: its owner has locked the account" enum:"end,notice,unlock"`
}

func confirmationAs(a confirm.Asked, now time.Time) confirmationShown {
	return confirmationShown{
		ID: a.ID, State: a.State(now), URL: a.URL, Action: a.Action.String(), Exchange: a.Upstream, Environment: a.Environment.String(),
		Asset: a.Asset, Network: a.Network, Address: a.Address, Memo: a.Memo, Amount: a.Amount, FeeMax: a.Fee, CreatedAt: a.Created, ExpiresAt: a.Ends,
		Held: a.Stand.Held, HeldUntil: a.Stand.Until, Reasons: a.Stand.Reasons(), WaitsFor: string(a.Stand.WaitsFor()),
	}
}

type confirmationOut struct{ Body confirmationShown }

func (c *confirmations) show(ctx context.Context, p principal.Principal, in *confirmationPath) (*confirmationOut, error) {
	a, err := c.room.Of(ctx, p, in.ID)
	return &confirmationOut{confirmationAs(a, c.now())}, err
}

type confirmationList struct {
	Confirmations []confirmationShown `json:"confirmations"`
}

type confirmationsOut struct{ Body confirmationList }

func (c *confirmations) list(ctx context.Context, p principal.Principal, _ *struct{}) (*confirmationsOut, error) {
	open, err := c.room.List(ctx, p)
	list := make([]confirmationShown, 0, len(open))
	for _, a := range open {
		list = append(list, confirmationAs(a, c.now()))
	}
	return &confirmationsOut{confirmationList{list}}, err
}

func (c *confirmations) cancel(ctx context.Context, p principal.Principal, in *confirmationPath) (*struct{}, error) {
	return nil, c.room.Cancel(ctx, p, in.ID)
}

type holdShown struct {
	ID       id.Hold   `json:"id" example:"hld_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Reason   string    `json:"reason" doc:"What happened; new ones may come" example:"password_changed"`
	PlacedAt time.Time `json:"placed_at"`
	EndsAt   time.Time `json:"ends_at,omitzero" doc:"Missing until you have been told by mail"`
}

type holdList struct {
	Held  bool        `json:"held" doc:"Whether money waits"`
	Until time.Time   `json:"until,omitzero" doc:"When the last one ends; missing while that is not known"`
	Holds []holdShown `json:"holds"`
}

type holdsOut struct{ Body holdList }

func (c *confirmations) held(ctx context.Context, p principal.Principal, _ *struct{}) (*holdsOut, error) {
	s, err := c.holds.For(ctx, p)
	out := holdList{Held: s.Held, Until: s.Until, Holds: make([]holdShown, 0, len(s.Holds))}
	for _, h := range s.Holds {
		out.Holds = append(out.Holds, holdShown{ID: h.ID, Reason: string(h.Reason), PlacedAt: h.Placed, EndsAt: h.Ends})
	}
	return &holdsOut{out}, err
}
