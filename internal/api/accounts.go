package api

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// accounts is what the principal's user chose.
type accounts struct {
	room interface {
		SetLang(ctx context.Context, p principal.Principal, lang string) error
	}
}

func (s *accounts) mount(a *API) {
	register(a, operation{
		id: "setLanguage", method: http.MethodPatch, path: "/v1/session", summary: "Choose my language",
		about: "Of mails, and of pages in browsers that chose none.", codes: []fault.Code{fault.RateLimited},
	}, s.setLanguage)
}

type languageGiven struct {
	Language string `json:"language" enum:"en,ko" example:"ko"`
}

type languageIn struct{ Body languageGiven }

func (s *accounts) setLanguage(ctx context.Context, p principal.Principal, in *languageIn) (*struct{}, error) {
	return nil, s.room.SetLang(ctx, p, in.Body.Language)
}
