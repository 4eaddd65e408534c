package web

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// subaccounts is the page about the boundaries inside an account.
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

func (s *subaccounts) mount(on mounter) {
	on(http.MethodGet, "/subaccounts", func(v *visit) error { return s.show(v, page.Problem{}, nil) })
	on(http.MethodPost, "/subaccounts", func(v *visit) error {
		return s.change(v, "subaccount_changed", []string{"name"}, func(in map[string]string) error {
			_, err := s.room.Open(v.r.Context(), v.who, in["name"])
			return err
		})
	})
	on(http.MethodPost, "/subaccounts/{id}/rename", func(v *visit) error {
		return s.change(v, "subaccount_changed", []string{"new_name"}, func(in map[string]string) error {
			which, err := subaccountOf(v.r.PathValue("id"))
			if err != nil {
				return err
			}
			return s.room.Rename(v.r.Context(), v.who, which, in["new_name"])
		})
	})
	for path, do := range map[string]func(context.Context, principal.Principal, id.Subaccount) error{
		"/subaccounts/{id}/close": s.room.Close, "/subaccounts/{id}/reopen": s.room.Reopen,
	} {
		on(http.MethodPost, path, func(v *visit) error {
			return s.change(v, "subaccount_changed", nil, func(map[string]string) error {
				which, err := subaccountOf(v.r.PathValue("id"))
				if err != nil {
					return err
				}
				return do(v.r.Context(), v.who, which)
			})
		})
	}
	on(http.MethodPost, "/subaccount", func(v *visit) error {
		return s.change(v, "subaccount_switched", []string{"subaccount"}, func(in map[string]string) error {
			which, err := subaccountOf(in["subaccount"])
			if err != nil {
				return err
			}
			return s.room.Enter(v.r.Context(), v.who, which)
		})
	})
}

func subaccountOf(text string) (id.Subaccount, error) {
	which, err := id.Parse[id.SubaccountKind](text)
	if err != nil {
		return which, fault.New(fault.SubaccountNotFound)
	}
	return which, nil
}

// change does what a form of the page asks for.
func (s *subaccounts) change(v *visit, said string, fields []string, do func(in map[string]string) error) error {
	in, err := v.form.only(fields...)
	if err != nil {
		return err
	}
	if err := do(in); err != nil {
		return v.retry(err, func(p page.Problem) error { return s.show(v, p, in) })
	}
	v.say(said)
	return v.leave("/subaccounts")
}

func (s *subaccounts) show(v *visit, p page.Problem, typed map[string]string) error {
	all, err := s.accounts.Subaccounts(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	view := page.Subaccounts{Problem: p, Owner: v.who.Role == principal.Owner, Typed: typed}
	for _, one := range all {
		view.List = append(view.List, page.Subaccount{
			ID: one.ID.String(), Name: v.subaccount(one), Main: one.Main, Here: one.ID == v.who.Subaccount, Born: v.when(one.Born), Closed: v.when(one.ClosedAt),
		})
	}
	return v.show(page.SubaccountsPage(v.frame("subaccounts.title"), view))
}

// subaccount says the name of one. The main one has a name of ours until its owner gives it another.
func (v *visit) subaccount(s account.Subaccount) string {
	if s.Main && s.Name == "main" {
		return v.words.Say("key.subaccount_main")
	}
	return s.Name
}
