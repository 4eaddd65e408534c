package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// clock answers what needs nobody: our time, and the form token of a browser.
type clock struct{ now func() time.Time }

func (c *clock) mount(a *API) {
	register(a, operation{
		id: "getTime", method: http.MethodGet, path: "/v1/time", summary: "Our time",
		about: "For clients that sign: correct your clock by it before you blame your key.",
	}, c.time)
	handle(a, operation{
		id: "getFormToken", method: http.MethodGet, path: "/v1/form-token", summary: "The form token of this browser",
		about: "What a call that changes something carries in its header Form-Token. A browser without a session is given the cookie that its sign-up " +
			"or sign-in will be bound to.",
	}, formToken)
}

type ourTime struct {
	ISO    string `json:"iso" doc:"RFC 3339 with milliseconds, UTC" example:"2026-11-21T09:00:00.123Z"`
	UnixMS int64  `json:"unix_ms" doc:"Milliseconds since 1970" example:"1795252800123"`
}

type timeOut struct{ Body ourTime }

func (c *clock) time(context.Context, principal.Principal, *struct{}) (*timeOut, error) {
	now := c.now().UTC()
	return &timeOut{ourTime{ISO: now.Format("2006-01-02T15:04:05.000Z"), UnixMS: now.UnixMilli()}}, nil
}

type tokenShown struct {
	FormToken string `json:"form_token" doc:"For the header Form-Token"`
}

type formTokenOut struct{ Body tokenShown }

func formToken(_ context.Context, v *visit, _ *struct{}) (*formTokenOut, error) {
	return &formTokenOut{tokenShown{v.FormKey.Token(v.form)}}, nil
}
