package member_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/store"
	"github.com/seed-21c57000/sallyport/sign"
)

// gives makes a key of Ada's and gives it to somebody, in Ada's session.
func (d *desk) gives(to id.User) authtest.Key {
	d.t.Helper()
	key := d.IssueKeyTo(d.host.Account, d.ada.Principal().User, apikey.IssueInput{Scopes: trading, Allowlist: []string{"203.0.113.0/24"}})
	d.ok(d.ada.StepUp(http.MethodPost, "/v1/keys/"+key.Text()+"/transfer", map[string]any{"to": to}, d.app))
	return key
}

// Whoever acted as the owner keeps no key by giving it away: one that went to an old member, or to somebody who is gone again, looks and cancels only
// until an owner has reviewed it. What was given long before goes on.
func TestAKeyThatWasGivenAwayIsReviewed(t *testing.T) {
	for _, kind := range []happening.Kind{happening.RecoveryCompleted, happening.ReportedChange, happening.UserDisabled} {
		t.Run(string(kind), func(t *testing.T) {
			onBoth(t, func(d *desk) {
				old := d.joined(ben, "trader").Principal().User
				long := d.gives(old)
				d.clock.Advance(member.Suspect)
				d.ok(d.ada.SignIn(ada, authtest.Password, d.app))
				eve := d.joined("eve@example.com", "trader").Principal().User
				lately, left := d.gives(old), d.gives(eve)
				rotated := d.IssueKeyTo(d.host.Account, old, apikey.IssueInput{Scopes: trading, Algorithm: sign.HMACSHA256})
				untouched := d.IssueKeyTo(d.host.Account, old, apikey.IssueInput{Scopes: trading})
				d.ok(d.ada.StepUp(http.MethodPost, "/v1/keys/"+rotated.Text()+"/rotate", map[string]int{"overlap_seconds": 3600}, d.app))
				d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: eve}))
				d.happens(kind, d.ada.Principal().User)
				for name, c := range map[string]struct {
					key  authtest.Key
					want [2]fault.Code
				}{
					"by nobody": {untouched, [2]fault.Code{}}, "a new secret": {rotated, [2]fault.Code{"", fault.KeyFrozen}},
					"long ago": {long, [2]fault.Code{}}, "lately": {lately, [2]fault.Code{"", fault.KeyFrozen}}, "to who is gone": {left, [2]fault.Code{"", fault.KeyFrozen}},
				} {
					if diff := cmp.Diff(c.want, d.may(c.key)); diff != "" {
						d.t.Errorf("a key that was given %s:\n%s", name, diff)
					}
				}
				d.Settle()
				letters := d.Mailbox.Letters(ben)
				if last := letters[len(letters)-1]; last.Notice != notify.KeyFrozen {
					d.t.Errorf("the last letter to who has the key: %s", last.Notice)
				}
			})
		})
	}
}

// A release is one owner's word about one holder of the secret: whoever gets the key gives it anew.
func TestAReleaseEndsWithATransfer(t *testing.T) {
	onBoth(t, func(d *desk) {
		other := d.joined(ben, "owner").Principal().User
		key := d.IssueKeyTo(d.host.Account, d.ada.Principal().User, apikey.IssueInput{Scopes: append([]string{"withdrawals:write"}, trading...)})
		_, err := d.APIKeys.Transfer(d.t.Context(), d.host, apikey.TransferInput{Key: key.ID, To: other})
		d.none(err)
		if now := d.APIKeys.Find(key.ID).ScopesAt(d.clock.Now()); now.Highest() != scope.Order {
			d.t.Errorf("a key that its new owner did not release may %s", now)
		}
	})
}

// The sponsors of a service user are whom its maker names: whoever makes a key for it hears of that too, and can stop it.
func TestWhoMakesAKeyForAServiceUserIsTold(t *testing.T) {
	onBoth(t, func(d *desk) {
		one, two := d.joined(ben, "trader").Principal().User, d.joined("eve@example.com", "trader").Principal().User
		bots, err := d.Members.AddMachine(d.t.Context(), d.host, service(one, two))
		d.none(err)
		wanted := map[string]any{"name": "bot", "purpose": "tests", "environment": "test", "scopes": trading, "dialect": "native", "algorithm": "hmac-sha256", "service_user": bots}
		var made struct {
			Key struct {
				KeyID string `json:"key_id"`
			}
		}
		d.ada.Into(d.ok(d.ada.StepUp(http.MethodPost, "/v1/keys", wanted, d.app)), &made)
		d.Settle()
		letters := d.Mailbox.Letters(ada)
		last := letters[len(letters)-1]
		if last.Notice != notify.KeyCreated {
			d.t.Fatalf("the last letter to who made the key: %s", last.Notice)
		}
		d.ok(d.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+last.Link, nil))
		kid, err := d.APIKeys.Named(made.Key.KeyID)
		d.none(err)
		if now := d.APIKeys.Find(kid).State(d.clock.Now()); fault.CodeOf(now) != fault.KeyBlocked {
			d.t.Errorf("a key that its maker reported: %v", now)
		}
	})
}

// The button of the letter about an invitation works as well once it was accepted.
func TestTheButtonOfAnAnsweredInvitationPutsOut(t *testing.T) {
	onBoth(t, func(d *desk) {
		stays := d.joined("cat@example.com", "viewer").Principal()
		eve := d.joined("eve@example.com", "trader").Principal()
		d.Settle()
		for _, l := range d.Mailbox.Letters(ada) {
			if l.Notice == notify.MemberInvited && l.Facts["mail"] == "eve@example.com" {
				d.ok(d.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+l.Link, nil))
			}
		}
		ctx := d.t.Context()
		if err := d.Members.Switch(ctx, eve, d.host.Account); fault.CodeOf(err) != fault.MemberNotFound {
			d.t.Errorf("whoever came by an invitation that was reported: %v", err)
		}
		d.none(d.Members.Switch(ctx, stays, d.host.Account))
	})
}

// Whoever knows a password and owes the proof may end a session, and freezes nobody by it.
func TestWhoOwesAProofFreezesNobody(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.over(d.joined(ben, "trader"))
		h := happening.Happening{Kind: happening.Disowned, User: d.ada.Principal().User, Owing: true}
		d.none(store.Of[member.Tx](d.Store).Update(d.t.Context(), func(tx member.Tx) (audit.Event, error) {
			return audit.Quiet(audit.SessionTold), d.Consequences.Apply(d.t.Context(), tx, h)
		}))
		if got := b.Principal().Scopes; got.Highest() != scope.Order {
			d.t.Errorf("after a weak session ended another one a trader may %s", got)
		}
	})
}

// Whoever owns the account no more stops nobody in it by what they say of themselves.
func TestAFormerOwnerFreezesNobody(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.joined(ben, "owner")
		who, secret := b.Principal().User, b.EnrolTOTP()
		d.over(b)
		eve := d.joined("eve@example.com", "viewer").Principal().User
		d.ok(b.StepUp(http.MethodPatch, "/v1/members/"+eve.String(), map[string]string{"role": "trader"}, secret))
		hers := d.IssueKeyTo(d.host.Account, eve, apikey.IssueInput{Scopes: trading})
		given := d.IssueKeyTo(d.host.Account, d.ada.Principal().User, apikey.IssueInput{Scopes: trading})
		d.ok(b.StepUp(http.MethodPost, "/v1/keys/"+given.Text()+"/transfer", map[string]any{"to": eve}, secret))
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: who}))
		d.happens(happening.Disowned, who)
		for name, key := range map[string]authtest.Key{"whom they raised": hers, "whom they gave it to": given} {
			if got := d.may(key); got != [2]fault.Code{} {
				d.t.Errorf("the key of %s: %v", name, got)
			}
		}
	})
}

// A try with the right password and a wrong code brought nobody in: its user may say that it was not them, and nobody whom they asked in is frozen by it.
func TestWhoDidNotGetInPlantedNobody(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.over(d.joined(ben, "trader"))
		wrong := d.Browser("198.51.100.9").SignIn(ada, authtest.Password, "JBSWY3DPEHPK3PXP")
		if wrong.Status < http.StatusBadRequest {
			d.t.Fatalf("a sign-in with somebody else's app: %d", wrong.Status)
		}
		d.disownsLast(audit.SignInSecondFactorFailed)
		if told := d.ok(d.ada.Call(http.MethodGet, "/v1/activity", nil)).Text; !strings.Contains(told, "sign_in.try_disowned") || strings.Contains(told, "sign_in.disowned") {
			d.t.Errorf("a try that opened nothing is told as a sign-in that did: %s", told)
		}
		if got := b.Principal().Scopes; got.Highest() != scope.Order {
			d.t.Errorf("after a try that failed was disowned a trader may %s", got)
		}
		d.clock.Advance(time.Minute)
		d.ok(d.Browser("198.51.100.9").SignIn(ada, authtest.Password, d.app))
		d.disownsLast(audit.SessionSignedIn)
		if got := b.Principal().Scopes; got.Highest() != scope.Cancel {
			d.t.Errorf("after a sign-in was disowned a trader may %s", got)
		}
	})
}

// disownsLast says in Ada's session that the newest entry of an action was not her.
func (d *desk) disownsLast(a audit.Action) {
	d.t.Helper()
	var page struct {
		Entries []struct {
			Number int64
			Action string
			May    bool `json:"may_disown"`
		}
	}
	d.ada.Into(d.ok(d.ada.Call(http.MethodGet, "/v1/activity", nil)), &page)
	for _, e := range page.Entries {
		if e.Action == string(a) && e.May {
			d.ok(d.ada.Call(http.MethodPost, "/v1/activity/"+strconv.FormatInt(e.Number, 10)+"/not-me", nil))
			return
		}
	}
	d.t.Fatalf("no %s in %+v", a, page.Entries)
}

// Each thing that the button puts out or freezes is in the log by itself, and the log still verifies.
func TestWhatAButtonStopsIsRecorded(t *testing.T) {
	onBoth(t, func(d *desk) {
		ben := d.joined(ben, "trader").Principal().User
		eve := d.joined("eve@example.com", "viewer").Principal().User
		lately := d.gives(eve)
		d.ok(d.ada.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": "fay@example.com", "role": "viewer"}, d.app))
		hers := d.IssueKeyTo(d.host.Account, ben, apikey.IssueInput{Scopes: trading})
		d.Settle()
		for _, l := range d.Mailbox.Letters(ada) {
			if l.Notice == notify.MemberJoined && l.Facts["mail"] == "ben@example.com" {
				d.ok(d.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+l.Link, nil))
			}
		}
		told, err := d.Log.Activity(d.t.Context(), d.host, 0, audit.MaxPage)
		d.none(err)
		got := map[string]int{}
		for _, e := range told {
			if e.Readable.Kind == "system" {
				got[string(e.Action)+" "+e.Readable.Facts["member"]+e.Readable.Facts["key"]]++
			}
		}
		want := map[string]int{
			"member.removed Test": 1, "key.frozen " + hers.Text(): 1, "member.frozen Test": 1, "key.frozen " + lately.Text(): 1, "invitation.withdrawn ": 1,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			d.t.Errorf("recorded of what the button stopped (-want +got):\n%s", diff)
		}
		_, err = d.Log.VerifyAll(d.t.Context(), audit.Head{})
		d.none(err)
	})
}

// Who waits for an owner's review answers for no service user before.
func TestTheFrozenAreNoSponsors(t *testing.T) {
	onBoth(t, func(d *desk) {
		first, second := d.ada.Principal().User, d.joined(ben, "trader").Principal().User
		d.happens(happening.Disowned, first)
		if _, err := d.Members.AddMachine(d.t.Context(), d.host, service(first, second)); fault.CodeOf(err) != fault.MemberNotFound {
			d.t.Errorf("a service user with a frozen sponsor: %v", err)
		}
		d.none(d.Members.Unfreeze(d.t.Context(), d.host, second))
		d.Settle()
		for _, mail := range []string{ada, ben} {
			letters := d.Mailbox.Letters(mail)
			if last := letters[len(letters)-1]; last.Notice != notify.MemberUnfrozen || last.Facts["mail"] != ben {
				d.t.Errorf("the last letter to %s after an owner's review: %+v", mail, last)
			}
		}
		_, err := d.Members.AddMachine(d.t.Context(), d.host, service(first, second))
		d.none(err)
	})
}

// Whoever left since the letter stops nothing by its button.
func TestAFormerMembersButtonStopsNothing(t *testing.T) {
	onBoth(t, func(d *desk) {
		who := d.joined(ben, "trader").Principal().User
		key := d.IssueKeyTo(d.host.Account, who, apikey.IssueInput{Scopes: trading})
		d.Settle()
		d.none(d.Members.Remove(d.t.Context(), d.host, member.RemoveInput{User: who}))
		pressed := 0
		for _, l := range d.Mailbox.Letters(ben) {
			if l.Notice == notify.KeyCreated {
				d.ok(d.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+l.Link, nil))
				pressed++
			}
		}
		if got := d.may(key); pressed != 1 || got != [2]fault.Code{} {
			d.t.Errorf("after %d presses of somebody who left: %v", pressed, got)
		}
	})
}
