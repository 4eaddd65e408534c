package member_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
)

// A lock of an owner whom the operator only disabled stays: nobody has judged yet whose hand it was. The operator ends it.
func TestALockOutlivesDisabling(t *testing.T) {
	onBoth(t, func(d *desk) {
		bribed := d.joined("bribed@example.com", "owner")
		d.ok(bribed.Call(http.MethodPost, "/v1/lock", nil))
		u, _, err := d.Accounts.ByMail(d.t.Context(), "bribed@example.com")
		d.none(err)
		d.none(d.Accounts.Disable(d.t.Context(), d.host, u.ID))
		if !d.ada.Principal().Frozen {
			d.t.Error("the lock went with the disabled owner")
		}
		d.none(d.Locks.Unlock(d.t.Context(), d.host, u.ID))
		if got := d.ada.Principal(); got.Frozen || got.Scopes.Highest() < scope.Order {
			d.t.Errorf("the operator unlocked it, and the other owner may %s", got.Scopes)
		}
	})
}

// A lock reaches others for as long as whoever made it owns the account: the platform ends a siege by a bribed co-owner by taking the role from them, in whatever
// way, and the others go on in the sessions and with the keys that they have.
func TestALockEndsWithItsOwner(t *testing.T) {
	onBoth(t, func(d *desk) {
		ctx := d.t.Context()
		key := d.IssueKeyTo(d.host.Account, d.ada.Principal().User, apikey.IssueInput{Scopes: trading})
		for how, end := range map[string]func(u id.User) error{
			"demoted": func(u id.User) error { return d.Members.SetRole(ctx, d.host, u, principal.Trader) },
			"removed": func(u id.User) error { return d.Members.Remove(ctx, d.host, member.RemoveInput{User: u}) },
			"erased": func(u id.User) error {
				d.none(d.Accounts.Disable(ctx, d.host, u))
				return d.Accounts.Erase(ctx, d.host, u)
			},
		} {
			bribed := d.joined(how+"@example.com", "owner")
			d.ok(bribed.Call(http.MethodPost, "/v1/lock", nil))
			if diff := cmp.Diff([2]fault.Code{"", fault.KeyAccountLocked}, d.may(key)); diff != "" || !d.ada.Principal().Frozen {
				d.t.Errorf("before they are %s:\n%s", how, diff)
			}
			u, _, err := d.Accounts.ByMail(ctx, how+"@example.com")
			d.none(err)
			d.none(end(u.ID))
			if got := d.ada.Principal(); got.Frozen || got.Scopes.Highest() < scope.Order {
				d.t.Errorf("after they were %s the other owner may %s", how, got.Scopes)
			}
			if got := d.may(key); got != [2]fault.Code{} {
				d.t.Errorf("after they were %s the other's key: %v", how, got)
			}
		}
	})
}
