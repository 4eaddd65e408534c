package member_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// over lets somebody's session act in Ada's account.
func (d *desk) over(b *authtest.Browser) *authtest.Browser {
	d.t.Helper()
	d.ok(b.Call(http.MethodPut, "/v1/session/account", map[string]string{"account": d.host.Account.String()}))
	return b
}

// asks is a withdrawal that somebody asks for in the account in which they act.
func (d *desk) asks(who principal.Principal) (confirm.Asked, error) {
	return d.Confirmations.Ask(d.t.Context(), confirm.Asking{
		Content: confirm.Content{
			Action: scope.Withdraw, Environment: id.Test, Upstream: "paper", Asset: "BTC", Network: "BTC", Address: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
			Amount: "1", Fee: "0",
		},
		User: who.User, Account: who.Account, Subaccount: who.Subaccount, Request: []byte("01234567890123456789012345678901"),
	})
}

// kept is an open confirmation of somebody in the account in which they act, as if they had a passkey to ask for it with.
func (d *desk) kept(who principal.Principal) id.Confirmation {
	d.t.Helper()
	now := d.clock.Now()
	c := confirm.Confirmation{Transaction: confirm.Transaction{
		Content: confirm.Content{Action: scope.Withdraw, Environment: id.Test, Upstream: "paper", Asset: "BTC", Network: "BTC", Address: "bc1q", Amount: "1", Fee: "0"},
		ID:      id.New[id.ConfirmationKind](now), User: who.User, Account: who.Account, Subaccount: who.Subaccount, Created: now, Expires: now.Add(time.Hour),
	}}
	d.none(store.Of[confirm.Tx](d.Store).Update(d.t.Context(), func(tx confirm.Tx) (audit.Event, error) {
		return audit.Quiet(audit.SessionTold), tx.InsertConfirmation(d.t.Context(), c)
	}))
	return c.ID
}

// happens lets what follows from a happening follow.
func (d *desk) happens(kind happening.Kind, u id.User) {
	d.t.Helper()
	d.none(store.Of[member.Tx](d.Store).Update(d.t.Context(), func(tx member.Tx) (audit.Event, error) {
		return audit.Quiet(audit.SessionTold), d.Consequences.Apply(d.t.Context(), tx, happening.Happening{Kind: kind, User: u})
	}))
}

// Whoever rides an owner's session with one code can ask in nobody who moves money, and whom they do ask in asks for none.
func TestWhoIsAskedInMovesNoMoney(t *testing.T) {
	onBoth(t, func(d *desk) {
		for _, role := range []string{"owner", ""} {
			got := d.ada.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": "eve@example.com", "role": role}, d.app)
			if got.Code != fault.RequestInvalid {
				d.t.Errorf("asking in %q: %d %s", role, got.Status, got.Code)
			}
		}
		eve := d.over(d.joined("eve@example.com", "trader"))
		if _, err := d.asks(eve.Principal()); fault.CodeOf(err) != fault.Forbidden {
			d.t.Errorf("a trader asks for a withdrawal: %v", err)
		}
	})
}

// What an owner has asked for and not sent off ends with their place in the account, and what they asked for in their own goes on.
func TestARemovedOwnersMoneyStays(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "owner")
		own := d.kept(b.Principal())
		here := d.kept(d.over(b).Principal())
		user := b.Principal().User
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: user}))
		d.none(store.Of[confirm.Tx](d.Store).View(d.t.Context(), func(tx confirm.Tx) error {
			open, err := tx.UnspentConfirmations(d.t.Context(), user, d.clock.Now())
			if len(open) != 1 || open[0].ID != own {
				d.t.Errorf("of %s and %s of somebody who was removed is open: %+v", own, here, open)
			}
			return err
		}))
	})
}

// A session looks; to leave an account for good, and to join one, takes a proof of whoever has one to give.
func TestLeavingTakesMoreThanALook(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "trader")
		secret := b.EnrolTOTP()
		who := d.over(b).Principal()
		d.clock.Advance(10 * time.Minute)
		path := "/v1/members/" + who.User.String() + "/remove"
		if got := b.Call(http.MethodPost, path, map[string]bool{}); got.Code != fault.StepUpRequired {
			d.t.Errorf("leaving with nothing but a session: %d %s", got.Status, got.Code)
		}
		which, err := d.Members.Invite(d.t.Context(), d.host, "cat@example.com", principal.Viewer)
		d.none(err)
		c := d.person("cat@example.com")
		c.EnrolTOTP()
		d.clock.Advance(10 * time.Minute)
		if got := c.Call(http.MethodPost, "/v1/accounts/invitations/"+which.String()+"/accept", nil); got.Code != fault.StepUpRequired {
			d.t.Errorf("joining with nothing but a session: %d %s", got.Status, got.Code)
		}
		d.ok(b.StepUp(http.MethodPost, path, map[string]bool{}, secret))
		if got := b.Call(http.MethodGet, "/v1/session", nil); got.Code != fault.SessionEnded {
			d.t.Errorf("after leaving: %d %s", got.Status, got.Code)
		}
	})
}

// Nobody has us write to any number of strangers: invitations that were taken back count too, and the letters of signing up are counted apart.
func TestInvitationsAreBounded(t *testing.T) {
	onBoth(t, func(d *desk) {
		refused := 0
		for i := range 30 {
			mail := fmt.Sprintf("stranger%d@example.com", i)
			got := d.ada.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": mail, "role": "viewer"}, d.app)
			if got.Code == fault.SignInThrottled {
				refused++
				continue
			}
			var made struct{ Invitation id.Invitation }
			d.ada.Into(d.ok(got), &made)
			d.ok(d.ada.Call(http.MethodDelete, "/v1/members/invitations/"+made.Invitation.String(), nil))
		}
		if refused == 0 {
			d.t.Error("thirty letters in a row to as many strangers")
		}
		d.person("stranger1@example.com") // signs up as if nobody had ever written
	})
}

// The button in the letter about a service user's key stops that key, whichever sponsor presses it.
func TestASponsorsButtonStopsTheKey(t *testing.T) {
	onBoth(t, func(d *desk) {
		second := d.joined(ben, "viewer").Principal().User
		bots, err := d.Members.AddMachine(d.t.Context(), d.host, service(d.ada.Principal().User, second))
		d.none(err)
		key := d.IssueKeyTo(d.host.Account, bots, apikey.IssueInput{Scopes: trading})
		d.Settle()
		letters := d.Mailbox.Letters(ben)
		last := letters[len(letters)-1]
		if last.Notice != notify.KeyCreated {
			d.t.Fatalf("the last letter to a sponsor: %s", last.Notice)
		}
		d.ok(d.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+last.Link, nil))
		if diff := cmp.Diff([2]fault.Code{fault.KeyBlocked, fault.KeyBlocked}, d.may(key)); diff != "" {
			d.t.Errorf("a key that a sponsor reported:\n%s", diff)
		}
	})
}

// Whom an owner asked in is in that owner's log, and not in the one that every member reads.
func TestAddressesAreForOwners(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.over(d.joined(ben, "viewer"))
		d.ok(d.ada.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": "eve@example.com", "role": "viewer"}, d.app))
		for who, c := range map[string]struct {
			b    *authtest.Browser
			want bool
		}{"the owner": {d.ada, true}, "a viewer": {b, false}} {
			for _, path := range []string{"/v1/activity", "/v1/members"} {
				if got := d.ok(c.b.Call(http.MethodGet, path, nil)); strings.Contains(got.Text, "eve@example.com") != c.want {
					d.t.Errorf("%s reads in %s who was asked in: %t", who, path, !c.want)
				}
			}
		}
	})
}

// A request that was begun with a session's former bearer changes nothing in its name, even with a proof that the session has given since.
func TestAFormerBearerChangesNothing(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "trader")
		secret := b.EnrolTOTP()
		stale := d.over(b).Principal()
		d.clock.Advance(10 * time.Minute)
		var asked struct {
			Fields struct {
				StepUp string `json:"step_up"`
			}
		}
		b.Into(b.Call(http.MethodPost, "/v1/members/"+stale.User.String()+"/remove", map[string]bool{}), &asked)
		d.ok(b.Call(http.MethodPost, "/v1/step-ups/"+asked.Fields.StepUp+"/totp", map[string]string{"code": authtest.CodeAt(secret, d.clock.Now())}))
		ctx := d.t.Context()
		for name, err := range map[string]error{
			"leaves":    d.Members.Remove(ctx, stale, member.RemoveInput{User: stale.User}),
			"goes over": d.Members.Switch(ctx, stale, stale.Account),
		} {
			if fault.CodeOf(err) != fault.SessionEnded {
				d.t.Errorf("who shows a former bearer %s: %v", name, err)
			}
		}
		if got := b.Principal(); got.Account != d.host.Account {
			d.t.Errorf("after that the session acts in %s", got.Account)
		}
		d.none(d.Members.Remove(ctx, b.Principal(), member.RemoveInput{User: stale.User}))
	})
}

// Whoever accepts while the account's owners change waits for that change.
func TestAcceptingWaitsForWhoOwnsTheAccount(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.over(d.joined(ben, "owner"))
		secret := b.EnrolTOTP()
		var made struct{ Invitation id.Invitation }
		b.Into(d.ok(b.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": "eve@example.com", "role": "trader"}, secret)), &made)
		eve, inviter := d.person("eve@example.com").Principal(), b.Principal().User
		ctx := d.t.Context()
		answers := make(chan error, 1)
		var began sync.Once
		d.none(store.Of[member.Tx](d.Store).Update(ctx, func(tx member.Tx) (audit.Event, error) {
			d.none(tx.ClaimAccountRow(ctx, d.host.Account))
			if _, err := tx.SetRole(ctx, d.host.Account, inviter, principal.Viewer); err != nil {
				return audit.Event{}, err
			}
			began.Do(func() { go func() { answers <- d.Members.Accept(ctx, eve, made.Invitation) }() })
			soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond) // time enough to get past us
			defer cancel()
			select {
			case err := <-answers:
				answers <- err
			case <-soon.Done():
			}
			return audit.Quiet(audit.SessionTold), nil
		}))
		if err := <-answers; fault.CodeOf(err) != fault.InvitationNotFound {
			d.t.Errorf("joins on the word of somebody who was being unmade: %v", err)
		}
	})
}

// Once somebody else may have been the owner, whoever was brought in lately looks and cancels only, by session and by key, until an owner has reviewed them;
// who came long before, and who came by another hand, goes on.
func TestWhoWasBroughtInIsReviewed(t *testing.T) {
	for _, kind := range []happening.Kind{happening.RecoveryCompleted, happening.ReportedChange, happening.ReportedSession, happening.Disowned} {
		t.Run(string(kind), func(t *testing.T) {
			onBoth(t, func(d *desk) {
				long := d.joined(ben, "trader").Principal().User
				raised := d.joined("cat@example.com", "viewer").Principal().User
				d.clock.Advance(member.Suspect)
				if got := d.ada.SignIn(ada, authtest.Password, d.app); got.Status >= http.StatusBadRequest {
					d.t.Fatal(got.Text)
				}
				d.ok(d.ada.StepUp(http.MethodPatch, "/v1/members/"+raised.String(), map[string]string{"role": "trader"}, d.app))
				eve := d.over(d.joined("eve@example.com", "trader"))
				open, err := d.Members.Invite(d.t.Context(), d.host, "fay@example.com", principal.Viewer)
				d.none(err)
				keys := map[string]authtest.Key{}
				for name, u := range map[string]id.User{"long": long, "raised": raised, "eve": eve.Principal().User} {
					keys[name] = d.IssueKeyTo(d.host.Account, u, apikey.IssueInput{Scopes: trading})
				}
				d.happens(kind, d.ada.Principal().User)
				narrow := [2]fault.Code{"", fault.KeyAccountLocked}
				for name, want := range map[string][2]fault.Code{"long": {}, "raised": narrow, "eve": narrow} {
					if diff := cmp.Diff(want, d.may(keys[name])); diff != "" {
						d.t.Errorf("the key of %s:\n%s", name, diff)
					}
				}
				if got := eve.Principal().Scopes; got.Highest() > scope.Cancel {
					d.t.Errorf("the session of who was brought in may %s", got)
				}
				fay := d.person("fay@example.com").Principal()
				if err := d.Members.Accept(d.t.Context(), fay, open); fault.CodeOf(err) != fault.InvitationNotFound {
					d.t.Errorf("an invitation of the owner's: %v", err)
				}
				d.Settle()
				letters := d.Mailbox.Letters("eve@example.com")
				if last := letters[len(letters)-1]; last.Notice != notify.MemberFrozen {
					d.t.Errorf("the last letter to who was brought in: %s", last.Notice)
				}
				d.none(d.Members.Unfreeze(d.t.Context(), d.host, raised))
				if got := d.may(keys["raised"]); got != [2]fault.Code{} {
					d.t.Errorf("the key of somebody who was reviewed: %v", got)
				}
				if err := d.Members.Unfreeze(d.t.Context(), d.host, long); fault.CodeOf(err) != fault.MemberNotFound {
					d.t.Errorf("reviewing somebody who is not frozen: %v", err)
				}
			})
		})
	}
}
