package api

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// locks is the lever that stops everything.
type locks struct {
	room interface {
		Lock(ctx context.Context, p principal.Principal, u id.User) error
		Unlock(ctx context.Context, p principal.Principal, u id.User) error
	}
}

func (l *locks) mount(a *API) {
	register(a, operation{
		id: "lockAccount", method: http.MethodPost, path: "/v1/lock", summary: "Lock my account",
		about: "Every session ends, this one too; API keys look and cancel only; withdrawals wait. From the moment of the answer until it is unlocked.",
		codes: []fault.Code{fault.AccountLocked},
	}, func(ctx context.Context, p principal.Principal, _ *struct{}) (*struct{}, error) {
		return nil, l.room.Lock(ctx, p, p.User)
	})
	register(a, operation{
		id: "unlockAccount", method: http.MethodDelete, path: "/v1/lock", summary: "Unlock my account",
		about: "Keys and withdrawals go on as before; no session comes back. That an account is locked, GET /v1/holds says.",
		codes: []fault.Code{fault.AccountNotLocked},
	}, func(ctx context.Context, p principal.Principal, _ *struct{}) (*struct{}, error) {
		return nil, l.room.Unlock(ctx, p, p.User)
	})
}
