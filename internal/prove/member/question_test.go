package member_test

import (
	"net/http"
	"slices"
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
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/sign"
)

// letter is the newest of its kind to an address.
func (d *desk) letter(mail string, l notify.Letter) authtest.Letter {
	d.t.Helper()
	d.Settle()
	for _, sent := range slices.Backward(d.Mailbox.Letters(mail)) {
		if sent.Notice == l {
			return sent
		}
	}
	d.t.Fatalf("%s has no letter %s", mail, l)
	return authtest.Letter{}
}

// presses the button in the newest letter of its kind, without a session.
func (d *desk) presses(mail string, l notify.Letter) {
	d.t.Helper()
	d.ok(d.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+d.letter(mail, l).Link, nil))
}

// invites lets Ada ask somebody in, in her session.
func (d *desk) invites(mail string) {
	d.t.Helper()
	d.ok(d.ada.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": mail, "role": "trader"}, d.app))
}

// again is another session of Ada's.
func (d *desk) again() *authtest.Browser {
	d.t.Helper()
	b := d.Browser("203.0.113.7")
	b.Wait = d.clock.Advance
	d.clock.Advance(31 * time.Second) // the next code of the app
	d.ok(b.SignIn(ada, authtest.Password, d.app))
	return b
}

func alive(b *authtest.Browser) bool {
	return b.Call(http.MethodGet, "/v1/session", nil).Status == http.StatusOK
}

// guest lets Ada be a trader in the account of somebody else, and gives that account.
func (d *desk) guest(b *authtest.Browser, host string) id.Account {
	d.t.Helper()
	owner := d.person(host)
	at := d.host
	at.Account = owner.Principal().Account
	which, err := d.Members.Invite(d.t.Context(), at, ada, principal.Trader)
	d.none(err)
	d.ok(b.StepUp(http.MethodPost, "/v1/accounts/invitations/"+which.String()+"/accept", nil, d.app))
	d.ok(b.Call(http.MethodPut, "/v1/session/account", map[string]string{"account": at.Account.String()}))
	return at.Account
}

// held says whether money of somebody waits in an account.
func (d *desk) held(u id.User, a id.Account) bool {
	d.t.Helper()
	stand, err := d.Holds.Of(d.t.Context(), u)
	d.none(err)
	return stand.In(a).Held
}

// What a co-owner did is stopped by the word of another, who loses nothing by it; whoever did it loses what acts in that account, and nothing elsewhere.
func TestAnOwnersWordSendsOutWhoDidIt(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.over(d.joined(ben, "owner"))
		cat := d.over(d.joined("cat@example.com", "trader"))
		away := d.again()
		other := d.guest(away, "eve@example.com")
		here, there := d.ada.Principal(), away.Principal()
		key := d.IssueKeyTo(d.host.Account, here.User, apikey.IssueInput{Scopes: trading})
		d.kept(here)
		own := d.kept(there)
		d.invites("fay@example.com")
		d.presses(ben, notify.MemberInvited)

		fay := d.person("fay@example.com").Principal()
		if _, asked, err := d.Members.Mine(d.t.Context(), fay); err != nil || len(asked) != 0 {
			d.t.Errorf("the invitation stands: %v %v", asked, err)
		}
		reader := b.Principal()
		got := map[string]bool{
			"the reader's session": alive(b), "the reader's money waits": d.held(reader.User, d.host.Account), "the session that did it": alive(d.ada),
			"a session in another account": alive(away), "money here waits": d.held(here.User, d.host.Account), "money elsewhere waits": d.held(here.User, other),
			"who was brought in before orders": cat.Principal().Scopes.Highest() == scope.Order, "keys order": d.may(key) == [2]fault.Code{},
		}
		want := map[string]bool{
			"the reader's session": true, "the reader's money waits": false, "the session that did it": false, "a session in another account": true,
			"money here waits": true, "money elsewhere waits": false, "who was brought in before orders": true, "keys order": true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			d.t.Errorf("(-want +got):\n%s", diff)
		}
		open, err := d.Confirmations.List(d.t.Context(), there)
		if err != nil || len(open) != 1 || open[0].ID != own || open[0].Stand.Held {
			d.t.Errorf("asked for elsewhere: %+v %v", open, err)
		}
		list, err := d.Reports.List(d.t.Context(), d.host)
		if err != nil || len(list) != 1 || list[0].Kind != happening.ReportedOther || list[0].User != reader.User {
			d.t.Errorf("cases: %+v %v", list, err)
		}
		if told := d.letter(ben, notify.ContainedOther); told.Link != "" {
			d.t.Errorf("the letter to the reader has the link %q", told.Link)
		}
		d.presses(ada, notify.ActQuestioned) // by her own word all of hers ends
		if alive(away) || !d.held(here.User, other) {
			d.t.Error("after the word of whoever it was done as, something of theirs goes on")
		}
	})
}

// Whoever did it does not get away by going over to another account before the button is pressed.
func TestGoingOverIsNoWayOut(t *testing.T) {
	onBoth(t, func(d *desk) {
		d.joined(ben, "owner")
		d.invites("fay@example.com")
		d.guest(d.ada, "eve@example.com")
		d.presses(ben, notify.MemberInvited)
		if alive(d.ada) {
			d.t.Error("the session that did it goes on in another account")
		}
	})
}

// A word takes no more than it must: of a trader, of somebody who owns the account no more, and about an owner who has locked it, it sends nobody out.
func TestAWordIsNoWeapon(t *testing.T) {
	for name, c := range map[string]func(d *desk){
		"of a trader about their key": func(d *desk) {
			b := d.joined(ben, "trader")
			key := d.IssueKeyTo(d.host.Account, b.Principal().User, apikey.IssueInput{Scopes: trading, Algorithm: sign.HMACSHA256})
			d.ok(d.ada.StepUp(http.MethodPost, "/v1/keys/"+key.Text()+"/rotate", map[string]int{"overlap_seconds": 3600}, d.app))
			d.presses(ben, notify.KeyRotated)
			if got := d.may(key); got != [2]fault.Code{fault.KeyBlocked, fault.KeyBlocked} {
				d.t.Errorf("the key: %v", got)
			}
			if !alive(b) || d.held(b.Principal().User, d.host.Account) {
				d.t.Error("who said so is contained")
			}
		},
		"of a former owner": func(d *desk) {
			b := d.joined(ben, "owner")
			d.invites("fay@example.com")
			d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: b.Principal().User}))
			d.presses(ben, notify.MemberInvited)
		},
		"about who has locked": func(d *desk) {
			d.joined(ben, "owner")
			d.invites("fay@example.com")
			d.ok(d.ada.Call(http.MethodPost, "/v1/lock", nil))
			d.ada = d.again()
			d.presses(ben, notify.MemberInvited)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(d *desk) {
				c(d)
				stand, err := d.Holds.Of(d.t.Context(), d.ada.Principal().User)
				d.none(err)
				if reasons := stand.Reasons(); !alive(d.ada) || len(reasons) > 0 && reasons[0] != string(happening.OwnerLocked) {
					d.t.Errorf("whoever did it: in %t, money held by %v", alive(d.ada), reasons)
				}
			})
		})
	}
}

// A thief in a co-owner's mailbox who says it first leaves the word of whoever it was done as what it was.
func TestAnothersWordSwallowsNone(t *testing.T) {
	onBoth(t, func(d *desk) {
		d.joined(ben, "owner")
		away := d.again()
		d.guest(away, "eve@example.com")
		d.invites("fay@example.com")
		d.presses(ben, notify.MemberInvited)
		if !alive(away) {
			d.t.Fatal("the word of another ended a session in an account that is not theirs")
		}
		d.presses(ada, notify.MemberInvited)
		if alive(away) {
			d.t.Error("after her own word a session goes on")
		}
		list, err := d.Reports.List(d.t.Context(), d.host)
		if err != nil || len(list) != 2 {
			d.t.Errorf("cases: %+v %v", list, err)
		}
	})
}

// An owner whom the platform brought in is who another does not know of, and not the owner in whose name they were asked.
func TestAnUnknownOwnerIsTheSuspect(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.over(d.joined(ben, "owner"))
		d.presses(ada, notify.MemberJoined)
		if alive(b) || !alive(d.ada) || !d.held(d.user(ben), d.host.Account) {
			d.t.Errorf("the new owner is in: %t, the old: %t", alive(b), alive(d.ada))
		}
	})
}

func (d *desk) user(mail string) id.User {
	d.t.Helper()
	u, _, err := d.Accounts.ByMail(d.t.Context(), mail)
	d.none(err)
	return u.ID
}
