package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
)

// subaccounts are the boundaries inside the principal's account.
type subaccounts struct {
	accounts interface {
		Subaccounts(ctx context.Context, p principal.Principal) ([]account.Subaccount, error)
	}
	room interface {
		Open(ctx context.Context, p principal.Principal, name string) (id.Subaccount, error)
		Rename(ctx context.Context, p principal.Principal, which id.Subaccount, name string) error
		Close(ctx context.Context, p principal.Principal, which id.Subaccount) error
		Reopen(ctx context.Context, p principal.Principal, which id.Subaccount) error
		Enter(ctx context.Context, p principal.Principal, which id.Subaccount) error
	}
}

func (s *subaccounts) mount(a *API) {
	register(a, operation{
		id: "listSubaccounts", method: http.MethodGet, path: "/v1/subaccounts", summary: "The account's subaccounts",
		about: "Boundaries inside an account: a key is pinned to one, and a session acts in one at a time. A key is told of its own alone.",
	}, s.list)
	register(a, operation{
		id: "openSubaccount", method: http.MethodPost, path: "/v1/subaccounts", summary: "Make a subaccount", status: http.StatusCreated,
		about: "Its books are empty, and its own: nobody who acts in another one sees or moves what lies there.",
		codes: []fault.Code{fault.SubaccountNamed, fault.SubaccountTooMany},
	}, s.open)
	register(a, operation{
		id: "renameSubaccount", method: http.MethodPatch, path: "/v1/subaccounts/{id}", summary: "Rename a subaccount",
		about: "Keys stay pinned to it.", codes: []fault.Code{fault.SubaccountNotFound, fault.SubaccountNamed},
	}, func(ctx context.Context, p principal.Principal, in *subaccountNamedIn) (*struct{}, error) {
		return nil, s.room.Rename(ctx, p, in.ID, in.Body.Name)
	})
	register(a, operation{
		id: "closeSubaccount", method: http.MethodDelete, path: "/v1/subaccounts/{id}", summary: "Close a subaccount",
		about: "Revoke its keys and move its money away first. Sessions that act in it end. What still lies there is reached again by opening it again.",
		codes: []fault.Code{fault.SubaccountNotFound, fault.SubaccountMain, fault.SubaccountHasKeys, fault.SubaccountHere},
	}, func(ctx context.Context, p principal.Principal, in *subaccountPath) (*struct{}, error) {
		return nil, s.room.Close(ctx, p, in.ID)
	})
	register(a, operation{
		id: "reopenSubaccount", method: http.MethodPost, path: "/v1/subaccounts/{id}/reopen", summary: "Open a closed subaccount again",
		about: "With the books that it had.", codes: []fault.Code{fault.SubaccountNotFound},
	}, func(ctx context.Context, p principal.Principal, in *subaccountPath) (*struct{}, error) {
		return nil, s.room.Reopen(ctx, p, in.ID)
	})
	register(a, operation{
		id: "switchSubaccount", method: http.MethodPut, path: "/v1/session/subaccount", summary: "Go over to another subaccount",
		about: "The session stays; those on gateway hosts that it opened end.", codes: []fault.Code{fault.SubaccountNotFound, fault.RateLimited},
	}, func(ctx context.Context, p principal.Principal, in *subaccountIn) (*struct{}, error) {
		return nil, s.room.Enter(ctx, p, in.Body.Subaccount)
	})
}

type subaccountShown struct {
	ID        id.Subaccount `json:"id" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name      string        `json:"name" example:"main"`
	Main      bool          `json:"main" doc:"Whether it is the one where sessions start"`
	Here      bool          `json:"here" doc:"Whoever asks acts in it"`
	CreatedAt time.Time     `json:"created_at"`
	ClosedAt  time.Time     `json:"closed_at,omitzero" doc:"Nobody acts in it until it is opened again"`
}

type subaccountList struct {
	Subaccounts []subaccountShown `json:"subaccounts"`
}

type subaccountsOut struct{ Body subaccountList }

func (s *subaccounts) list(ctx context.Context, p principal.Principal, _ *struct{}) (*subaccountsOut, error) {
	all, err := s.accounts.Subaccounts(ctx, p)
	list := make([]subaccountShown, 0, len(all))
	for _, sub := range all {
		list = append(list, subaccountShown{ID: sub.ID, Name: sub.Name, Main: sub.Main, Here: sub.ID == p.Subaccount, CreatedAt: sub.Born, ClosedAt: sub.ClosedAt})
	}
	return &subaccountsOut{subaccountList{list}}, err
}

type subaccountName struct {
	Name string `json:"name" maxLength:"320" doc:"At most 80 characters" example:"Market making"`
}

type openSubaccountIn struct{ Body subaccountName }

type subaccountMade struct {
	Subaccount id.Subaccount `json:"subaccount" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type openSubaccountOut struct{ Body subaccountMade }

func (s *subaccounts) open(ctx context.Context, p principal.Principal, in *openSubaccountIn) (*openSubaccountOut, error) {
	made, err := s.room.Open(ctx, p, in.Body.Name)
	return &openSubaccountOut{subaccountMade{made}}, err
}

type subaccountPath struct {
	ID id.Subaccount `path:"id" doc:"The subaccount" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type subaccountNamedIn struct {
	ID   id.Subaccount `path:"id" doc:"The subaccount" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body subaccountName
}

type subaccountGiven struct {
	Subaccount id.Subaccount `json:"subaccount" pattern:"^sub_[0-9a-z]{26}$" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type subaccountIn struct{ Body subaccountGiven }
