package web

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// locks is the lever on the first page.
type locks struct {
	room interface {
		Lock(ctx context.Context, p principal.Principal, u id.User) error
		Unlock(ctx context.Context, p principal.Principal, u id.User) error
	}
}

func (l *locks) mount(on mounter) {
	on(http.MethodPost, "/lock", l.lock)
	on(http.MethodPost, "/unlock", l.unlock)
}

func (l *locks) lock(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := l.room.Lock(v.r.Context(), v.who, v.who.User); err != nil {
		return err
	}
	return goodbye(v, "account_locked", 0)
}

func (l *locks) unlock(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := l.room.Unlock(v.r.Context(), v.who, v.who.User); err != nil {
		return err
	}
	v.say("account_unlocked")
	return v.leave("/")
}
