package member_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

const (
	ada = "ada@example.com"
	ben = "ben@example.com"
)

var trading = []string{"balances:read", "orders:read", "orders:cancel", "orders:write"}

// desk is an account with an owner, whom others join.
type desk struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	ada   *authtest.Browser
	// app is the secret of Ada's authenticator app.
	app  string
	host principal.Principal // the host's command line, in Ada's account
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(d *desk)) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			d := &desk{t: t, clock: storetest.NewClock()}
			o := authtest.Options{Now: d.clock.Now}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			d.Stack = authtest.StartWith(t, o)
			d.ada = d.person(ada)
			d.app = d.ada.EnrolTOTP()
			d.host = principal.Host("tests")
			d.host.Account = d.ada.Principal().Account
			test(d)
		})
	}
}

func (d *desk) person(mail string) *authtest.Browser {
	d.t.Helper()
	b := d.Browser("203.0.113.7")
	b.Wait = d.clock.Advance
	b.SignUp(mail)
	return b
}

// joined is somebody whom Ada asked in by /v1, and who accepted.
func (d *desk) joined(mail, role string) *authtest.Browser {
	d.t.Helper()
	var made struct{ Invitation id.Invitation }
	if role == "owner" { // whom the platform alone makes
		which, err := d.Members.Invite(d.t.Context(), d.host, mail, principal.Owner)
		d.none(err)
		made.Invitation = which
	} else {
		d.ada.Into(d.ok(d.ada.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": mail, "role": role}, d.app)), &made)
	}
	d.Settle()
	if letters := d.Mailbox.Letters(mail); len(letters) != 1 || letters[0].Invitation != made.Invitation {
		d.t.Fatalf("letters to somebody who is asked in: %+v", letters)
	}
	b := d.person(mail)
	d.ok(b.Call(http.MethodPost, "/v1/accounts/invitations/"+made.Invitation.String()+"/accept", nil))
	return b
}

func (d *desk) ok(r authtest.Reply) authtest.Reply {
	d.t.Helper()
	if r.Status >= http.StatusBadRequest {
		d.t.Fatalf("%d %s", r.Status, r.Text)
	}
	return r
}

func (d *desk) none(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// may says what a key is answered that looks, and that orders.
func (d *desk) may(k authtest.Key) [2]fault.Code {
	d.t.Helper()
	b := d.Browser("203.0.113.7")
	order := `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"1000"}`
	d.clock.Advance(time.Second)
	look := b.Do(d.Signed(k, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
	placed := b.Do(d.Signed(k, http.MethodPost, authtest.APIHost, "/v1/orders", order))
	return [2]fault.Code{look.Code, placed.Code}
}

func (d *desk) role(u id.User, role principal.Role) {
	d.t.Helper()
	d.none(d.Members.SetRole(d.t.Context(), d.host, u, role))
}

// No key can do more than its owner may today: after a demotion its very next request is refused, and after a promotion let through again.
func TestADemotionNarrowsTheKeysAtOnce(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "trader")
		d.ok(b.Call(http.MethodPut, "/v1/session/account", map[string]string{"account": d.host.Account.String()}))
		who := b.Principal()
		if who.Account != d.host.Account || who.Role != principal.Trader {
			d.t.Fatalf("after going over: %+v", who)
		}
		key := d.IssueKeyTo(d.host.Account, who.User, apikey.IssueInput{Scopes: trading})
		if got := d.may(key); got != [2]fault.Code{} {
			d.t.Fatalf("the key of a trader: %v", got)
		}
		d.ok(d.ada.StepUp(http.MethodPatch, "/v1/members/"+who.User.String(), map[string]string{"role": "viewer"}, d.app))
		if diff := cmp.Diff([2]fault.Code{"", fault.KeyScopeMissing}, d.may(key)); diff != "" {
			d.t.Errorf("the key of a viewer:\n%s", diff)
		}
		if got := b.Call(http.MethodGet, "/v1/session", nil); got.Code != fault.SessionEnded {
			d.t.Errorf("the session of somebody demoted: %d %s", got.Status, got.Code)
		}
		d.Settle()
		letters := d.Mailbox.Letters(ben)
		if last := letters[len(letters)-1]; last.Notice != notify.MembershipChanged || last.Facts["role"] != "viewer" {
			d.t.Errorf("the letter to somebody demoted: %+v", last)
		}
		d.role(who.User, principal.Trader)
		if got := d.may(key); got != [2]fault.Code{} {
			d.t.Errorf("the key of a trader: %v", got)
		}
	})
}

// A leaver stops no bot until the deadline; from then on the keys are refused until somebody has them.
func TestALeaversKeysGoOnUntilTheDeadline(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "trader")
		left, first := b.Principal().User, d.ada.Principal().User
		key := d.IssueKeyTo(d.host.Account, left, apikey.IssueInput{Scopes: trading})
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: left}))
		d.Settle()
		letters := d.Mailbox.Letters(ada)
		if last := letters[len(letters)-1]; last.Notice != notify.KeysLeft || last.Facts["keys"] != "1" {
			d.t.Errorf("the letter to the owner: %+v", last)
		}
		circle, err := d.Members.Of(d.t.Context(), d.ada.Principal())
		d.none(err)
		if len(circle.Members) != 1 || len(circle.Left) != 1 || circle.Left[0].Keys != 1 {
			d.t.Errorf("after somebody left: %+v", circle)
		}
		deadline := d.clock.Now().Add(member.Transfer)
		d.clock.Advance(member.Transfer - time.Minute)
		if got := d.may(key); got != [2]fault.Code{} {
			d.t.Errorf("before the deadline: %v", got)
		}
		d.clock.Advance(deadline.Sub(d.clock.Now()))
		if diff := cmp.Diff([2]fault.Code{fault.KeyOwnerDisabled, fault.KeyOwnerDisabled}, d.may(key)); diff != "" {
			d.t.Errorf("from the deadline on:\n%s", diff)
		}
		orphans, err := d.APIKeys.Orphans(d.t.Context(), d.host)
		d.none(err)
		if len(orphans) != 1 || orphans[0].ID != key.ID {
			d.t.Errorf("orphans: %+v", orphans)
		}
		for range 2 { // told once
			d.none(d.Sweep(d.t.Context()))
		}
		d.Settle()
		told := 0
		for _, l := range d.Mailbox.Letters(ada) {
			if l.Notice == notify.KeyOrphaned {
				told++
			}
		}
		if told != 1 {
			d.t.Errorf("the owner was told %d times that nobody has the key", told)
		}
		_, err = d.APIKeys.Transfer(d.t.Context(), d.host, apikey.TransferInput{Key: key.ID, To: first})
		d.none(err)
		if got := d.may(key); got != [2]fault.Code{} {
			d.t.Errorf("after it has somebody again: %v", got)
		}
	})
}

// Whoever removes somebody may stop their bots at once; keys that they own elsewhere are none of it.
func TestRemovedWithFrozenKeys(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "trader")
		who := b.Principal()
		here := d.IssueKeyTo(d.host.Account, who.User, apikey.IssueInput{Scopes: trading})
		elsewhere := d.IssueKeyTo(who.Account, who.User, apikey.IssueInput{Scopes: trading})
		d.ok(d.ada.StepUp(http.MethodPost, "/v1/members/"+who.User.String()+"/remove", map[string]bool{"freeze": true}, d.app))
		if diff := cmp.Diff([2]fault.Code{"", fault.KeyFrozen}, d.may(here)); diff != "" {
			d.t.Errorf("a key in the account:\n%s", diff)
		}
		if got := d.may(elsewhere); got != [2]fault.Code{} {
			d.t.Errorf("a key in their own account: %v", got)
		}
	})
}

// A service user owns keys that go on whoever leaves, as long as two answer for it; it never moves money and never signs in.
func TestAServiceUserOutlivesItsSponsors(t *testing.T) {
	onBoth(t, func(d *desk) {
		second := d.joined(ben, "viewer").Principal().User
		third := d.joined("cat@example.com", "viewer").Principal().User
		first := d.ada.Principal().User
		var made struct{ User id.User }
		wanted := map[string]any{"name": "bots", "purpose": "grid", "role": "trader", "sponsors": []id.User{first, second}}
		d.ada.Into(d.ok(d.ada.StepUp(http.MethodPost, "/v1/service-users", wanted, d.app)), &made)
		var issued struct {
			Key    struct{ Owner id.User }
			Secret string
		}
		key := map[string]any{
			"name": "grid", "purpose": "bot", "environment": "test", "dialect": "native", "algorithm": "hmac-sha256", "scopes": trading, "service_user": made.User,
		}
		d.ada.Into(d.ok(d.ada.StepUp(http.MethodPost, "/v1/keys", key, d.app)), &issued)
		if issued.Key.Owner != made.User {
			d.t.Errorf("the key belongs to %s", issued.Key.Owner)
		}
		bot := d.IssueKeyTo(d.host.Account, made.User, apikey.IssueInput{Scopes: append([]string{"withdrawals:write"}, trading...)})
		if got := d.may(bot); got != [2]fault.Code{} {
			d.t.Errorf("the key of a service user: %v", got)
		}
		if live := d.APIKeys.Find(bot.ID); live.ScopesAt(d.clock.Now()).String() != "balances:read orders:read orders:cancel orders:write" {
			d.t.Errorf("a service user's key may: %s", live.ScopesAt(d.clock.Now()))
		}
		d.Settle()
		for _, mail := range []string{ada, ben} { // both sponsors hear of it
			letters := d.Mailbox.Letters(mail)
			if last := letters[len(letters)-1]; last.Notice != notify.KeyReleased {
				d.t.Errorf("the last letter to %s: %s", mail, last.Notice)
			}
		}
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: second}))
		d.clock.Advance(member.Transfer)
		if diff := cmp.Diff([2]fault.Code{fault.KeyOwnerDisabled, fault.KeyOwnerDisabled}, d.may(bot)); diff != "" {
			d.t.Errorf("with one sponsor, after the deadline:\n%s", diff)
		}
		d.none(d.Members.SetSponsors(d.t.Context(), d.host, made.User, [2]id.User{first, third}))
		if got := d.may(bot); got != [2]fault.Code{} {
			d.t.Errorf("with two sponsors again: %v", got)
		}
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: made.User}))
		if diff := cmp.Diff([2]fault.Code{fault.KeyOwnerDisabled, fault.KeyOwnerDisabled}, d.may(bot)); diff != "" {
			d.t.Errorf("of a service user that was ended:\n%s", diff)
		}
	})
}

// What somebody asked for who owns nothing any more, or has locked everything, brings nobody in, themselves least of all.
func TestAnInvitationEndsWithItsInviter(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "owner")
		d.ok(b.Call(http.MethodPut, "/v1/session/account", map[string]string{"account": d.host.Account.String()}))
		secret, who := b.EnrolTOTP(), b.Principal()
		asked := func(mail string) id.Invitation {
			var made struct{ Invitation id.Invitation }
			b.Into(d.ok(b.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": mail, "role": "trader"}, secret)), &made)
			return made.Invitation
		}
		locked, removed := asked("eve@example.com"), asked("fay@example.com")
		eve, fay := d.person("eve@example.com").Principal(), d.person("fay@example.com").Principal()
		d.none(d.Locks.Lock(d.t.Context(), d.host, who.User))
		if err := d.Members.Accept(d.t.Context(), eve, locked); fault.CodeOf(err) != fault.InvitationNotFound {
			d.t.Errorf("an invitation of somebody who has locked: %v", err)
		}
		d.none(d.Locks.Unlock(d.t.Context(), d.host, who.User))
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: who.User}))
		if err := d.Members.Accept(d.t.Context(), fay, removed); fault.CodeOf(err) != fault.InvitationNotFound {
			d.t.Errorf("an invitation of somebody who is gone: %v", err)
		}
	})
}

// Each owner hears of everybody who is asked in and who comes, and whoever takes over an owner finds no key that goes on when the owner locks.
func TestNothingIsPlantedUnseen(t *testing.T) {
	onBoth(t, func(d *desk) {
		first := d.ada.Principal().User
		second := d.joined(ben, "viewer").Principal().User
		d.Settle()
		var heard []notify.Letter
		for _, l := range d.Mailbox.Letters(ada) {
			if l.Notice == notify.MemberInvited || l.Notice == notify.MemberJoined {
				heard = append(heard, l.Notice)
			}
		}
		if diff := cmp.Diff([]notify.Letter{notify.MemberInvited, notify.MemberJoined}, heard); diff != "" {
			d.t.Errorf("what the owner heard:\n%s", diff)
		}
		bots, err := d.Members.AddMachine(d.t.Context(), d.host, service(first, second))
		d.none(err)
		key := d.IssueKeyTo(d.host.Account, bots, apikey.IssueInput{Scopes: trading})
		d.none(d.Locks.Lock(d.t.Context(), d.host, first))
		if diff := cmp.Diff([2]fault.Code{"", fault.KeyAccountLocked}, d.may(key)); diff != "" {
			d.t.Errorf("a key of a service user, while its owner has locked:\n%s", diff)
		}
	})
}

// While an owner has locked the account nobody trades in it, by session or key, and what somebody is in it says nothing about their own account.
func TestALockReachesEverybody(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "trader")
		own := b.Principal()
		d.role(own.User, principal.Viewer)
		if got := b.Call(http.MethodGet, "/v1/session", nil); got.Code != "" {
			d.t.Errorf("a session in their own account, after another's owner gave them a role: %s", got.Code)
		}
		d.role(own.User, principal.Trader)
		d.ok(b.Call(http.MethodPut, "/v1/session/account", map[string]string{"account": d.host.Account.String()}))
		key := d.IssueKeyTo(d.host.Account, own.User, apikey.IssueInput{Scopes: trading})
		first := d.ada.Principal().User
		d.none(d.Locks.Lock(d.t.Context(), d.host, first))
		if got := b.Principal().Scopes; got.Highest() > scope.Cancel {
			d.t.Errorf("a trader's session in a locked account may %s", got)
		}
		if diff := cmp.Diff([2]fault.Code{"", fault.KeyAccountLocked}, d.may(key)); diff != "" {
			d.t.Errorf("a trader's key in a locked account:\n%s", diff)
		}
		d.none(d.Locks.Unlock(d.t.Context(), d.host, first))
		if got := b.Principal().Scopes; got.Highest() != scope.Order {
			d.t.Errorf("a trader's session after the lock may %s", got)
		}
		if got := d.may(key); got != [2]fault.Code{} {
			d.t.Errorf("a trader's key after the lock: %v", got)
		}
	})
}

// While one owner has the account locked the others give nothing to anybody in it, with whatever proof, and end what they could end before.
func TestALockReachesCoOwners(t *testing.T) {
	onBoth(t, func(d *desk) {
		other, goes := d.joined(ben, "owner"), d.joined("cat@example.com", "viewer").Principal().User
		app := other.EnrolTOTP()
		d.over(other)
		first := d.ada.Principal().User
		key := d.IssueKeyTo(d.host.Account, first, apikey.IssueInput{Scopes: trading})
		which, err := d.Members.Invite(d.t.Context(), d.host, "fay@example.com", principal.Viewer)
		d.none(err)
		d.none(d.Locks.Lock(d.t.Context(), d.host, first))
		for _, give := range []struct {
			method, at string
			body       any
		}{
			{http.MethodPost, "/v1/members/invitations", map[string]string{"mail": "eve@example.com", "role": "trader"}},
			{http.MethodPatch, "/v1/members/" + goes.String(), map[string]string{"role": "trader"}},
			{http.MethodPost, "/v1/keys/" + key.Text() + "/rotate", map[string]int{"overlap_seconds": 3600}},
			{http.MethodPatch, "/v1/keys/" + key.Text(), map[string]any{"standby": true, "allowlist": []string{}}},
			{http.MethodPost, "/v1/subaccounts", map[string]string{"name": "Bots"}},
		} {
			if got := other.Call(give.method, give.at, give.body); got.Code != fault.AccountFrozen {
				d.t.Errorf("a co-owner at %s in a locked account: %d %s", give.at, got.Status, got.Text)
			}
		}
		d.ok(other.Call(http.MethodPost, "/v1/keys/"+key.Text()+"/freeze", nil))
		d.ok(other.Call(http.MethodDelete, "/v1/keys/"+key.Text(), nil))
		d.ok(other.Call(http.MethodDelete, "/v1/members/invitations/"+which.String(), nil))
		d.ok(other.StepUp(http.MethodPost, "/v1/members/"+goes.String()+"/remove", map[string]bool{"freeze": true}, app))
		d.none(d.Locks.Unlock(d.t.Context(), d.host, first))
		d.ok(other.StepUp(http.MethodPost, "/v1/subaccounts", map[string]string{"name": "Bots"}, app))
	})
}

// The button in the mail takes back what the mail reports.
func TestTheButtonTakesBackWhoCame(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "trader")
		d.Settle()
		for _, l := range d.Mailbox.Letters(ada) {
			if l.Notice == notify.MemberJoined {
				d.ok(d.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+l.Link, nil))
			}
		}
		if err := d.Members.Switch(d.t.Context(), b.Principal(), d.host.Account); fault.CodeOf(err) != fault.MemberNotFound {
			d.t.Errorf("whoever was reported goes over: %v", err)
		}
		which, err := d.Members.Invite(d.t.Context(), d.host, "eve@example.com", principal.Viewer)
		d.none(err)
		eve := d.person("eve@example.com").Principal()
		d.Settle()
		letters := d.Mailbox.Letters(ada)
		d.ok(d.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+letters[len(letters)-1].Link, nil))
		if err := d.Members.Accept(d.t.Context(), eve, which); fault.CodeOf(err) != fault.InvitationNotFound {
			d.t.Errorf("an invitation that was reported: %v", err)
		}
	})
}

// Whoever left moves no money with the keys they left behind, an owner neither.
func TestALeaversKeysMoveNoMoney(t *testing.T) {
	onBoth(t, func(d *desk) {
		who := d.joined(ben, "owner").Principal()
		key := d.IssueKeyTo(d.host.Account, who.User, apikey.IssueInput{Scopes: append([]string{"withdrawals:write"}, trading...)})
		if now := d.APIKeys.Find(key.ID).ScopesAt(d.clock.Now()); now.Highest() != scope.Withdraw {
			d.t.Fatalf("an owner's released key may %s", now)
		}
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: who.User}))
		if now := d.APIKeys.Find(key.ID).ScopesAt(d.clock.Now()); now.Highest() != scope.Order {
			d.t.Errorf("a leaver's key may %s", now)
		}
	})
}

// What nobody may do, with the code they get.
func TestMembersRefuse(t *testing.T) {
	onBoth(t, func(d *desk) {
		ctx := d.t.Context()
		b := d.joined(ben, "trader")
		second, first := b.Principal(), d.ada.Principal()
		stranger := d.person("dan@example.com").Principal()
		d.none(d.Members.Switch(ctx, second, d.host.Account))
		trader := b.Principal()
		other := d.joined("guy@example.com", "owner").Principal()
		for name, c := range map[string]struct {
			err  error
			want fault.Code
		}{
			"a trader asks somebody in":    {failed(d.Members.Invite(ctx, trader, "eve@example.com", principal.Owner)), fault.Forbidden},
			"a trader makes themselves":    {d.Members.SetRole(ctx, trader, trader.User, principal.Owner), fault.Forbidden},
			"a trader removes the owner":   {d.Members.Remove(ctx, trader, member.RemoveInput{User: first.User}), fault.Forbidden},
			"somebody who is there":        {failed(d.Members.Invite(ctx, d.host, ben, principal.Viewer)), fault.MemberAlready},
			"a role that they have":        {d.Members.SetRole(ctx, d.host, second.User, principal.Trader), fault.MemberNotFound},
			"a stranger's role":            {d.Members.SetRole(ctx, d.host, stranger.User, principal.Trader), fault.MemberNotFound},
			"a stranger goes over":         {d.Members.Switch(ctx, stranger, d.host.Account), fault.MemberNotFound},
			"an owner asks in an owner":    {failed(d.Members.Invite(ctx, first, "eve@example.com", principal.Owner)), fault.RequestInvalid},
			"an owner makes an owner":      {d.Members.SetRole(ctx, first, second.User, principal.Owner), fault.RequestInvalid},
			"an owner unmakes another":     {d.Members.SetRole(ctx, first, other.User, principal.Viewer), fault.Forbidden},
			"an owner removes another":     {d.Members.Remove(ctx, first, member.RemoveInput{User: other.User}), fault.Forbidden},
			"no role":                      {d.Members.SetRole(ctx, d.host, second.User, principal.NoRole), fault.RequestInvalid},
			"one sponsor twice":            {failed(d.Members.AddMachine(ctx, d.host, service(first.User, first.User))), fault.RequestInvalid},
			"a stranger sponsors":          {failed(d.Members.AddMachine(ctx, d.host, service(first.User, stranger.User))), fault.MemberNotFound},
			"an invitation that is nobody": {d.Members.Accept(ctx, stranger, id.New[id.InvitationKind](d.clock.Now())), fault.InvitationNotFound},
			"a key to a stranger":          {failed(d.APIKeys.Transfer(ctx, d.host, apikey.TransferInput{Key: d.IssueKeyTo(d.host.Account, first.User, apikey.IssueInput{}).ID, To: stranger.User})), fault.RequestInvalid},
		} {
			if fault.CodeOf(c.err) != c.want {
				d.t.Errorf("%s: %v", name, c.err)
			}
		}
		d.role(other.User, principal.Viewer)
		if err := d.Members.SetRole(ctx, d.host, first.User, principal.Trader); fault.CodeOf(err) != fault.MemberLastOwner {
			d.t.Errorf("the last owner steps down: %v", err)
		}
		if err := d.Members.Remove(ctx, first, member.RemoveInput{User: first.User}); fault.CodeOf(err) != fault.MemberLastOwner {
			d.t.Errorf("the last owner leaves: %v", err)
		}
		which, err := d.Members.Invite(ctx, d.host, "eve@example.com", principal.Viewer)
		d.none(err)
		if err := d.Members.Accept(ctx, stranger, which); fault.CodeOf(err) != fault.InvitationNotFound {
			d.t.Errorf("somebody else's invitation: %v", err)
		}
		d.clock.Advance(member.Life)
		eve := d.person("eve@example.com").Principal()
		if err := d.Members.Accept(ctx, eve, which); fault.CodeOf(err) != fault.InvitationNotFound {
			d.t.Errorf("an invitation that is over: %v", err)
		}
		if _, err := d.Members.Invite(ctx, d.host, "eve@example.com", principal.Viewer); err != nil {
			d.t.Errorf("asked again after a week: %v", err)
		}
		// Ben's own account has nobody else, and an owner who is not there cannot take it from him.
		ownAccount := principal.Host("tests")
		ownAccount.Account = second.Account
		d.none(d.Members.Remove(ctx, d.host, member.RemoveInput{User: second.User}))
		if err := d.Members.Remove(ctx, ownAccount, member.RemoveInput{User: second.User}); fault.CodeOf(err) != fault.MemberLastOwner {
			d.t.Errorf("the only owner of an only account: %v", err)
		}
	})
}

func service(one, two id.User) member.MachineInput {
	return member.MachineInput{Name: "bots", Purpose: "tests", Role: principal.Trader, Sponsors: [2]id.User{one, two}}
}

// failed is the error of a call with an answer.
func failed[T any](_ T, err error) error { return err }

// Of many at once, one accepts; and of two owners who remove each other, one stays.
func TestMembershipsAreSpentOnce(t *testing.T) {
	onBoth(t, func(d *desk) {
		ctx := d.t.Context()
		which, err := d.Members.Invite(ctx, d.host, ben, principal.Owner)
		d.none(err)
		who := d.person(ben).Principal()
		if won := atOnce(20, func(int) error { return d.Members.Accept(ctx, who, which) }); won != 1 {
			d.t.Errorf("%d accepted one invitation", won)
		}
		both := [2]id.User{who.User, d.ada.Principal().User}
		if won := atOnce(2, func(i int) error { return d.Members.SetRole(ctx, d.host, both[i], principal.Viewer) }); won != 1 {
			d.t.Errorf("%d of two owners stepped down", won)
		}
	})
}

// atOnce says how many of n calls at the same time went through.
func atOnce(n int, call func(i int) error) (won int) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wait.Go(func() {
			if call(i) == nil {
				mu.Lock()
				defer mu.Unlock()
				won++
			}
		})
	}
	wait.Wait()
	return won
}

// The owners hear it again 7 days and a day before the deadline, while there is something left to do, and not of somebody who is back.
func TestOwnersAreRemindedOfKeysThatNobodyTook(t *testing.T) {
	onBoth(t, func(d *desk) {
		told := func() (n int) {
			d.Settle()
			for _, l := range d.Mailbox.Letters(ada) {
				if l.Notice == notify.KeysLeft {
					n++
				}
			}
			return n
		}
		b, c, first := d.joined(ben, "trader"), d.joined("cleo@example.com", "trader"), d.ada.Principal().User
		kept := d.IssueKeyTo(d.host.Account, b.Principal().User, apikey.IssueInput{Scopes: trading})
		d.IssueKeyTo(d.host.Account, c.Principal().User, apikey.IssueInput{Scopes: trading})
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: b.Principal().User}))
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: c.Principal().User}))
		steps := []struct {
			until time.Duration // the deadline
			want  int
		}{{8 * 24 * time.Hour, 2}, {7*24*time.Hour - time.Minute, 4}, {2 * 24 * time.Hour, 4}}
		deadline := d.clock.Now().Add(member.Transfer)
		for _, step := range steps {
			d.clock.Advance(deadline.Add(-step.until).Sub(d.clock.Now()))
			if got := told(); got != step.want {
				d.t.Fatalf("letters %s before the deadline: %d, want %d", step.until, got, step.want)
			}
		}
		_, err := d.APIKeys.Transfer(d.t.Context(), d.host, apikey.TransferInput{Key: kept.ID, To: first})
		d.none(err)
		d.clock.Advance(deadline.Add(-time.Hour).Sub(d.clock.Now()))
		if got := told(); got != 5 {
			d.t.Errorf("letters in all, where one of two keys was taken before the last day: %d, want 5", got)
		}
	})
}

// last is the last letter to somebody.
func (d *desk) last(mail string) authtest.Letter {
	d.t.Helper()
	d.Settle()
	letters := d.Mailbox.Letters(mail)
	return letters[len(letters)-1]
}

// Whoever answers for a service user, did, or owns the account hears of it when others are named; nobody else does.
func TestAnotherPairOfSponsorsIsToldToEverybodyConcerned(t *testing.T) {
	onBoth(t, func(d *desk) {
		first, viewer := d.ada.Principal().User, "vi@example.com"
		mails := []string{ben, "cleo@example.com", "dan@example.com", "eve@example.com"}
		var users []id.User
		for _, mail := range mails {
			users = append(users, d.joined(mail, "trader").Principal().User)
		}
		d.joined(viewer, "viewer")
		bots, err := d.Members.AddMachine(d.t.Context(), d.host, service(users[0], users[1]))
		d.none(err)
		d.ok(d.ada.StepUp(http.MethodPut, "/v1/service-users/"+bots.String()+"/sponsors", map[string]any{"sponsors": users[2:]}, d.app))
		for _, mail := range append(mails, ada) {
			if l := d.last(mail); l.Notice != notify.SponsorsChanged || l.Facts["member"] != "bots" {
				d.t.Errorf("the last letter to %s: %+v", mail, l)
			}
		}
		if l := d.last(viewer); l.Notice == notify.SponsorsChanged {
			d.t.Errorf("a letter to a viewer who answers for nobody: %+v", l)
		}
		d.none(d.Members.SetSponsors(d.t.Context(), d.host, bots, [2]id.User{first, users[3]}))
	})
}

// Nobody who is disabled goes on answering for a service user: its keys go on until the deadline, of which the owners hear and are reminded, unless two are named.
func TestADisabledSponsorIsReplaced(t *testing.T) {
	onBoth(t, func(d *desk) {
		first, second := d.ada.Principal().User, d.joined(ben, "trader").Principal().User
		third := d.joined("cleo@example.com", "trader").Principal().User
		var bots [2]id.User
		for i := range bots {
			var err error
			bots[i], err = d.Members.AddMachine(d.t.Context(), d.host, service(first, second))
			d.none(err)
		}
		named := d.IssueKeyTo(d.host.Account, bots[0], apikey.IssueInput{Scopes: trading})
		left := d.IssueKeyTo(d.host.Account, bots[1], apikey.IssueInput{Scopes: trading})
		d.none(d.Accounts.Disable(d.t.Context(), principal.Host("tests"), second))
		deadline := d.clock.Now().Add(member.Transfer)
		l := d.last(ada)
		if l.Notice != notify.KeysLeft || l.Facts["disabled"] == "" || l.Facts["services"] != "2" {
			d.t.Errorf("the letter to the owner: %+v", l)
		}
		d.none(d.Members.SetSponsors(d.t.Context(), d.host, bots[0], [2]id.User{first, third}))
		d.clock.Advance(deadline.Add(-time.Minute).Sub(d.clock.Now()))
		if l := d.last(ada); l.Facts["disabled"] == "" || l.Facts["services"] != "1" {
			d.t.Errorf("the reminder: %+v", l)
		}
		d.clock.Advance(time.Minute)
		for name, c := range map[string]struct {
			key  authtest.Key
			want [2]fault.Code
		}{"two who are named": {named, [2]fault.Code{}}, "nobody named": {left, [2]fault.Code{fault.KeyOwnerDisabled, fault.KeyOwnerDisabled}}} {
			if diff := cmp.Diff(c.want, d.may(c.key)); diff != "" {
				d.t.Errorf("from the deadline on, with %s:\n%s", name, diff)
			}
		}
	})
}

// The operator cannot erase the only owner of an account that others are in: first another owner is made, with the account named by its id, since
// nobody there could.
func TestAnErasureLeavesNoAccountWithoutOwner(t *testing.T) {
	onBoth(t, func(d *desk) {
		ctx, owner := d.t.Context(), d.ada.Principal().User
		viewer := d.joined("eve@example.com", "viewer").Principal()
		eve := viewer.User
		d.none(d.Accounts.Disable(ctx, d.host, owner))
		if err := d.Accounts.Erase(ctx, d.host, owner); fault.CodeOf(err) != fault.AccountLastOwner {
			d.t.Fatalf("the only owner: %v", err)
		}
		d.none(d.Members.SetRole(ctx, d.host, eve, principal.Owner))
		d.none(d.Accounts.Erase(ctx, d.host, owner))
		places, _, err := d.Members.Mine(ctx, viewer)
		if err != nil || !slices.ContainsFunc(places, func(p member.Place) bool { return p.AccountName == "Account" }) {
			d.t.Errorf("the account goes on under the name of who was erased: %+v %v", places, err)
		}
	})
}
