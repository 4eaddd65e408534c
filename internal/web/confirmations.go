package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

type holdsOf interface {
	For(ctx context.Context, p principal.Principal) (hold.Standing, error)
}

// pending is what waits for its owner: confirmations that are open, and what holds them.
type pending struct {
	room interface {
		List(ctx context.Context, p principal.Principal) ([]confirm.Asked, error)
		Cancel(ctx context.Context, p principal.Principal, which id.Confirmation) error
		exchanges
	}
	holds holdsOf
}

func (c *pending) mount(on mounter) {
	on(http.MethodGet, "/confirmations", c.show)
	on(http.MethodPost, "/confirmations/{id}/cancel", c.cancel)
}

func (c *pending) show(v *visit) error {
	list, err := c.room.List(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	stand, err := c.holds.For(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	view := page.Confirmations{Held: heldView(v.words, v.now, stand)}
	for _, a := range list {
		one := page.Pending{Transaction: transactionView(c.room, a.Content), ID: a.ID.String(), State: a.State(v.now), Expires: v.when(a.Ends)}
		if a.Approved.IsZero() {
			one.URL = a.URL
		}
		view.List = append(view.List, one)
	}
	return v.show(page.ConfirmationsPage(v.frame("confirmations.title"), view))
}

func (c *pending) cancel(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	which, err := id.Parse[id.ConfirmationKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.ConfirmationNotFound)
	}
	if err := c.room.Cancel(v.r.Context(), v.who, which); err != nil {
		return err
	}
	v.say("confirmation_cancelled")
	return v.leave("/confirmations")
}

// heldView says in words what holds somebody's money.
func heldView(words i18n.Words, now time.Time, s hold.Standing) page.Held {
	view := page.Held{Running: s.Held}
	if !s.Until.IsZero() {
		view.Until = words.Moment(s.Until, now)
	}
	for _, h := range s.Holds {
		view.Locked = view.Locked || h.Reason == happening.OwnerLocked
		key := "hold.reason." + string(h.Reason)
		if !words.Has(key) {
			key = "hold.reason.other"
		}
		if text := words.Say(key); !slices.Contains(view.Reasons, text) {
			view.Reasons = append(view.Reasons, text)
		}
	}
	return view
}
