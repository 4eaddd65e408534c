package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
)

// accounts is the principal's trading account.
type accounts struct {
	room interface {
		Subaccounts(ctx context.Context, p principal.Principal) ([]account.Subaccount, error)
		SetLang(ctx context.Context, p principal.Principal, lang string) error
	}
}

func (s *accounts) mount(a *API) {
	register(a, operation{
		id: "listSubaccounts", method: http.MethodGet, path: "/v1/subaccounts", summary: "The account's subaccounts",
		about: "Boundaries inside an account: a key is pinned to one.",
	}, s.list)
	register(a, operation{
		id: "setLanguage", method: http.MethodPatch, path: "/v1/session", summary: "Choose my language",
		about: "Of mails, and of pages in browsers that chose none.",
	}, s.setLanguage)
}

type languageGiven struct {
	Language string `json:"language" enum:"en,ko" example:"ko"`
}

type languageIn struct{ Body languageGiven }

func (s *accounts) setLanguage(ctx context.Context, p principal.Principal, in *languageIn) (*struct{}, error) {
	return nil, s.room.SetLang(ctx, p, in.Body.Language)
}

type subaccountShown struct {
	ID        id.Subaccount `json:"id" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name      string        `json:"name" example:"main"`
	Main      bool          `json:"main" doc:"Whether it is the one where sessions start"`
	CreatedAt time.Time     `json:"created_at"`
}

type subaccountList struct {
	Subaccounts []subaccountShown `json:"subaccounts"`
}

type subaccountsOut struct{ Body subaccountList }

func (s *accounts) list(ctx context.Context, p principal.Principal, _ *struct{}) (*subaccountsOut, error) {
	all, err := s.room.Subaccounts(ctx, p)
	list := make([]subaccountShown, 0, len(all))
	for _, sub := range all {
		list = append(list, subaccountShown{ID: sub.ID, Name: sub.Name, Main: sub.Main, CreatedAt: sub.Born})
	}
	return &subaccountsOut{subaccountList{list}}, err
}
