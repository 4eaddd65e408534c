package consequence_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/store"
	"github.com/seed-21c57000/sallyport/sign"
)

const home = "203.0.113.7"

const order = `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}`

// world is one person with everything that can end: a session here, where things happen, and one there, each bound to its device and with a child on the
// page host; and a key.
type world struct {
	*authtest.Stack
	t           *testing.T
	clock       *storetest.Clock
	mail        string
	user        id.User
	here, there *authtest.Browser
	before      *authtest.Browser                      // as here was before it happened
	devices     map[*authtest.Browser]*authtest.Device // browser → the device that its session is bound to
	secret      string                                 // of the authenticator app
	key         authtest.Key
}

// cause is one way in which a thing happens.
type cause struct {
	happens func(w *world)
	// bare people have no authenticator app.
	bare bool
	// ticks says that the keys are ticked too.
	ticks bool
}

// causes maps kind → door → how it happens there.
var causes = map[happening.Kind]map[string]cause{
	happening.SignedOut: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodDelete, "/v1/session", nil) }},
		"pages": {happens: func(w *world) { w.submit("/sign-out") }},
	},
	happening.SignedOutOthers: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodPost, "/v1/sessions/sign-out-others", nil) }},
		"pages": {happens: func(w *world) { w.submit("/sessions/sign-out-others") }},
		"/v1, with keys": {ticks: true, happens: func(w *world) {
			w.call(http.MethodPost, "/v1/sessions/sign-out-others", map[string]string{"keys": "freeze"})
		}},
		"pages, with keys": {ticks: true, happens: func(w *world) { w.submit("/sessions/sign-out-others", "keys", "freeze") }},
	},
	happening.SignedOutSelected: {
		"/v1": {happens: func(w *world) {
			w.call(http.MethodPost, "/v1/sessions/sign-out-selected", map[string]any{"sessions": []string{w.third()}})
		}},
		"pages": {happens: func(w *world) { w.submit("/sessions/sign-out-selected", "session", w.third()) }},
	},
	happening.SignedOutAll: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodPost, "/v1/sessions/sign-out-everywhere", nil) }},
		"pages": {happens: func(w *world) { w.submit("/sessions/sign-out-everywhere") }},
		"/v1, with keys": {ticks: true, happens: func(w *world) {
			w.call(http.MethodPost, "/v1/sessions/sign-out-everywhere", map[string]string{"keys": "freeze"})
		}},
		"pages, with keys": {ticks: true, happens: func(w *world) { w.submit("/sessions/sign-out-everywhere", "keys", "freeze") }},
	},
	happening.PasswordChanged: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodPut, "/v1/password", map[string]string{"password": other}) }},
		"pages": {happens: func(w *world) { w.submit("/methods/password", "password", other) }},
	},
	happening.FactorAdded: {
		"/v1": {bare: true, happens: func(w *world) { w.here.EnrolTOTP() }},
		"pages": {bare: true, happens: func(w *world) {
			shown := w.submit("/methods/totp")
			w.submit("/methods/totp/confirm", "code", authtest.CodeAt(spelt.FindStringSubmatch(shown)[1], w.clock.Now()))
		}},
	},
	happening.FactorRemoved: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodDelete, "/v1/totp", nil) }},
		"pages": {happens: func(w *world) { w.submit("/methods/totp/remove") }},
	},
	happening.NewDevice: {"/v1": {happens: func(w *world) {
		w.clock.Advance(30 * time.Second)
		w.must(w.Browser("198.51.100.4").SignIn(w.mail, authtest.Password, w.secret))
	}}},
	happening.LimitedSignIn: {"sign-in": {happens: func(w *world) { // package signin tries when that is
		err := store.Of[signin.Tx](w.Store).Update(w.t.Context(), func(tx signin.Tx) (audit.Event, error) {
			h := happening.Happening{Kind: happening.LimitedSignIn, User: w.user, Session: w.here.Principal().Session}
			return audit.Quiet(audit.SessionTold), w.Consequences.Apply(w.t.Context(), tx, h)
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}}},
	happening.Disowned: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodPost, "/v1/sessions/"+w.third()+"/not-me", nil) }},
		"pages": {happens: func(w *world) { w.submit("/sessions/" + w.third() + "/not-me") }},
	},
	happening.CookieReplayed: {"dbsc": {happens: func(w *world) {
		w.must(w.here.SignIn(w.mail, authtest.Password, w.code()))
		w.here.Enter()
		w.before = w.copied(w.here)
		honest := w.bind(w.here)
		thief := w.copied(w.here).Device()
		if r := thief.Prove("refresh", thief.Sign(honest.Challenge, nil, nil)); r.Code != fault.BindingRefused {
			w.t.Fatalf("%d %s", r.Status, r.Text)
		}
	}}},
	happening.RecoveryCodesReplaced: {
		"/v1": {happens: func(w *world) {
			w.call(http.MethodPost, "/v1/recovery-codes", nil)
			w.clock.Advance(30 * time.Second)
			w.call(http.MethodPost, "/v1/recovery-codes", nil)
		}},
		"pages": {happens: func(w *world) {
			w.submit("/recovery/codes")
			w.submit("/recovery/codes")
		}},
	},
	happening.RecoveryClaimed: {"/v1": {happens: func(w *world) { w.claimed(w.Browser("198.51.100.66")) }}},
	happening.RecoveryCompleted: {"/v1": {happens: func(w *world) {
		b := w.Browser(home)
		w.must(w.recovered(b))
		w.bind(b)
		w.here = b // the session that did it, and its children
		w.here.Enter()
		w.before = w.copied(b)
		if !w.APIKeys.Find(w.key.ID).Frozen() {
			w.t.Error("the key is not frozen")
		}
	}}},
	happening.RecoveryLengthened: {
		"/v1":   {happens: func(w *world) { w.proven(http.MethodPut, "/v1/recovery/wait", map[string]int{"days": 14}) }},
		"pages": {happens: func(w *world) { w.submitProven("/recovery/wait", "days", "14") }},
	},
	happening.PhraseChanged: {
		"/v1": {happens: func(w *world) {
			w.proven(http.MethodPut, "/v1/contact/phrase", map[string]string{"phrase": "blue whale"})
		}},
		"pages": {happens: func(w *world) { w.submitProven("/contact/phrase", "phrase", "blue whale") }},
	},
	happening.RecoveryShortened: {
		"/v1": {happens: func(w *world) {
			w.call(http.MethodPut, "/v1/recovery/wait", map[string]int{"days": 14})
			w.proven(http.MethodPut, "/v1/recovery/wait", map[string]int{"days": 7})
		}},
		"pages": {happens: func(w *world) {
			w.submit("/recovery/wait", "days", "14")
			w.submitProven("/recovery/wait", "days", "7")
		}},
	},
	happening.RecoveryCancelled: {
		"/v1": {happens: func(w *world) {
			w.claimed(w.Browser("198.51.100.66"))
			w.proven(http.MethodPost, "/v1/recovery/claims/"+w.claim()+"/cancel", nil)
		}},
		"pages": {happens: func(w *world) {
			w.claimed(w.Browser("198.51.100.66"))
			w.submitProven("/recovery/claims/" + w.claim() + "/cancel")
		}},
	},
	happening.RecoveryDisputed: {"/v1": {happens: func(w *world) {
		w.claimed(w.Browser("198.51.100.66"))
		w.claimed(w.Browser("198.51.100.67"))
	}}},
	happening.DeviceLost: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodPost, "/v1/lost-device/"+w.elsewhere(), map[string]any{}) }},
		"pages": {happens: func(w *world) { w.submit("/lost-device/"+w.elsewhere(), "passkeys", "remove") }},
	},
	happening.CodesGuessed: {"elsewhere": {happens: func(w *world) {
		browser := [32]byte{1}
		from := signin.From{Origin: principal.Origin{Addr: netip.MustParseAddr("198.51.100.5")}, Browser: browser}
		for range 10 {
			w.clock.Advance(time.Minute)
			half, err := w.SignIns.WithPassword(w.t.Context(), from, w.mail, secret.FromString("password", authtest.Password))
			if err != nil {
				w.t.Fatal(err)
			}
			if _, err := w.SignIns.WithCode(w.t.Context(), from, half.Half, "no code"); fault.CodeOf(err) != fault.TOTPCodeRefused {
				w.t.Fatal(err)
			}
		}
		w.Settle()
		letters := w.Mailbox.Letters(w.mail)
		if last := letters[len(letters)-1]; last.Notice != notify.CodesGuessed || last.Facts["count"] != "10" {
			w.t.Errorf("the newest letter is %+v", last)
		}
	}}},
	happening.KeyCreated: {
		"host": {happens: func(w *world) { w.anotherKey() }},
		"/v1": {happens: func(w *world) {
			w.proven(http.MethodPost, "/v1/keys", map[string]any{
				"name": "another", "purpose": "tests", "environment": "test", "dialect": "native", "algorithm": "hmac-sha256", "scopes": []string{"balances:read"},
			})
		}},
	},
	happening.KeyRevoked: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodDelete, "/v1/keys/"+w.anotherKey(), nil) }},
		"pages": {happens: func(w *world) { w.submit("/keys/" + w.anotherKey() + "/revoke") }},
	},
	happening.KeyRotated: {
		"host": {happens: func(w *world) {
			key := w.hmacKey()
			_, err := w.APIKeys.Rotate(w.t.Context(), principal.Host("tests"), apikey.RotateInput{Key: key.ID, Overlap: time.Hour})
			w.ok(err)
		}},
		"/v1": {happens: func(w *world) {
			w.proven(http.MethodPost, "/v1/keys/"+w.hmacKey().Text()+"/rotate", map[string]any{"overlap_seconds": 3600})
		}},
		"pages": {happens: func(w *world) { w.submitProven("/keys/"+w.hmacKey().Text()+"/rotate", "overlap", "1") }},
	},
	happening.KeyFrozen: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodPost, "/v1/keys/"+w.anotherKey()+"/freeze", nil) }},
		"pages": {happens: func(w *world) { w.submit("/keys/" + w.anotherKey() + "/freeze") }},
	},
	happening.KeyUnfrozen: {
		"host":  {happens: func(w *world) { w.undone(apikey.Freeze) }},
		"/v1":   {happens: func(w *world) { w.proven(http.MethodPost, "/v1/keys/"+w.stopped(apikey.Freeze)+"/unfreeze", nil) }},
		"pages": {happens: func(w *world) { w.submitProven("/keys/" + w.stopped(apikey.Freeze) + "/unfreeze") }},
	},
	happening.KeyBlocked: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodPost, "/v1/keys/"+w.anotherKey()+"/block", nil) }},
		"pages": {happens: func(w *world) { w.submit("/keys/" + w.anotherKey() + "/block") }},
	},
	happening.KeyUnblocked: {
		"host":  {happens: func(w *world) { w.undone(apikey.Block) }},
		"/v1":   {happens: func(w *world) { w.proven(http.MethodPost, "/v1/keys/"+w.stopped(apikey.Block)+"/unblock", nil) }},
		"pages": {happens: func(w *world) { w.submitProven("/keys/" + w.stopped(apikey.Block) + "/unblock") }},
	},
	happening.KeyLeaked: {
		"/v1": {happens: func(w *world) {
			w.call(http.MethodPost, "/v1/keys/"+w.anotherKey()+"/leaked", map[string]any{"since": w.clock.Now()})
		}},
		"pages": {happens: func(w *world) { w.submit("/keys/" + w.anotherKey() + "/leaked") }},
	},
	happening.KeyFound: {"host": {happens: func(w *world) {
		key := w.hmacKey()
		_, err := w.APIKeys.BlockFound(w.t.Context(), principal.Host("tests"), []apikey.Find{{Secret: secret.FromString("find", key.Secret), URL: "https://gist.github.com/x"}})
		w.ok(err)
	}}},
	happening.MoneyKeyFound: {"host": {happens: func(w *world) {
		who := w.here.Principal()
		key := w.IssueKeyTo(who.Account, who.User, apikey.IssueInput{Scopes: []string{"withdrawals:write"}, Algorithm: sign.HMACSHA256})
		_, err := w.APIKeys.BlockFound(w.t.Context(), principal.Host("tests"), []apikey.Find{{Secret: secret.FromString("find", key.Secret)}})
		w.ok(err)
	}}},
	happening.MoneyKeyLeaked: {
		"/v1": {happens: func(w *world) {
			w.call(http.MethodPost, "/v1/keys/"+w.moneyKey()+"/leaked", map[string]any{"since": w.clock.Now()})
		}},
		"pages": {happens: func(w *world) { w.submit("/keys/" + w.moneyKey() + "/leaked") }},
	},
	happening.ContactChanged: {
		"/v1": {happens: func(w *world) {
			var begun struct{ Change string }
			w.here.Into(w.must(w.here.StepUp(http.MethodPost, "/v1/contact/changes", map[string]string{"place": "mail", "mail": "new-" + w.mail}, w.secret)), &begun)
			w.call(http.MethodPost, "/v1/contact/changes/"+begun.Change+"/code", map[string]string{"code": w.newest("new-" + w.mail).Code})
		}},
		"pages": {happens: func(w *world) {
			w.submit("/contact/second", "second", "second-"+w.mail)
			code := w.newest("second-" + w.mail)
			w.submit("/contact/code", "change", id.ContactChange(code.Message).String(), "code", code.Code)
		}},
	},
	happening.ReportedSession: {
		"/v1":   {happens: func(w *world) { w.report(w.told(happening.NewDevice)) }},
		"pages": {happens: func(w *world) { w.press(w.told(happening.NewDevice)) }},
	},
	happening.ReportedChange: {
		"/v1":   {happens: func(w *world) { w.report(w.told(happening.FactorAdded)) }},
		"pages": {happens: func(w *world) { w.press(w.told(happening.FactorAdded)) }},
	},
	happening.ReportedOther: {"/v1": {happens: func(w *world) {
		b := w.partner()
		secret := b.EnrolTOTP()
		w.must(b.Call(http.MethodPut, "/v1/session/account", map[string]string{"account": w.account().String()}))
		w.must(b.StepUp(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": "asked-" + w.mail, "role": "viewer"}, secret))
		w.report(w.newest(w.mail).Link)
	}}},
	happening.ActQuestioned: {"/v1": {happens: func(w *world) {
		w.partner()
		w.proven(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": "asked-" + w.mail, "role": "viewer"})
		w.report(w.newest("partner-" + w.mail).Link)
	}}},
	happening.KeyWidened: {
		"host": {happens: func(w *world) {
			key, longer := w.keyOf("another"), []string{"balances:read", "orders:write"}
			_, err := w.APIKeys.Edit(w.t.Context(), principal.Host("tests"), apikey.EditInput{Key: key.ID, Scopes: &longer})
			w.ok(err)
		}},
		"/v1": {happens: func(w *world) {
			w.proven(http.MethodPatch, "/v1/keys/"+w.anotherKey(), map[string]any{"scopes": []string{"balances:read", "orders:write"}})
		}},
	},
	happening.KeyReleased: {"host": {happens: func(w *world) { w.moneyKey() }}}, // a person needs a passkey, which package apikey tries
	happening.KeyStrayed: {"gateway": {happens: func(w *world) {
		who := w.here.Principal()
		key := w.IssueKeyTo(who.Account, who.User, apikey.IssueInput{Pin: home})
		w.clock.Advance(3 * time.Second)
		w.Browser("198.51.100.5").Do(w.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
		w.ok(w.APIKeys.SaveUses(w.t.Context()))
	}}},
	happening.OwnerLocked: {
		"/v1":   {happens: func(w *world) { w.call(http.MethodPost, "/v1/lock", nil) }},
		"pages": {happens: func(w *world) { w.submit("/lock") }},
		"host":  {happens: func(w *world) { w.ok(w.Locks.Lock(w.t.Context(), principal.Host("tests"), w.user)) }},
	},
	happening.MembershipChanged: {
		"host": {happens: func(w *world) {
			w.partner()
			w.ok(w.Members.SetRole(w.t.Context(), w.hostHere(), w.user, principal.Trader))
		}},
		"/v1": {happens: func(w *world) {
			w.partner()                                                                                   // who owns the account after this
			w.call(http.MethodPatch, "/v1/members/"+w.user.String(), map[string]string{"role": "trader"}) // a viewer's keys order no more
		}},
	},
	happening.MemberInvited: {
		"/v1": {happens: func(w *world) {
			w.proven(http.MethodPost, "/v1/members/invitations", map[string]string{"mail": "asked-" + w.mail, "role": "viewer"})
		}},
		"pages": {happens: func(w *world) { w.submitProven("/members/invite", "mail", "asked-"+w.mail, "role", "viewer") }},
	},
	happening.MemberJoined: {"/v1": {happens: func(w *world) { w.partner() }}},
	happening.MemberUnfrozen: {"host": {happens: func(w *world) {
		frozen := w.partner().Principal().User
		w.ok(w.Members.SetRole(w.t.Context(), w.hostHere(), frozen, principal.Trader))
		w.ok(store.Of[member.Tx](w.Store).Update(w.t.Context(), func(tx member.Tx) (audit.Event, error) {
			if err := tx.SetGiven(w.t.Context(), w.account(), frozen, w.user, w.clock.Now()); err != nil {
				return audit.Event{}, err
			}
			_, err := tx.FreezeGiven(w.t.Context(), w.user, w.clock.Now().Add(-time.Hour), w.clock.Now())
			return audit.Quiet(audit.Housekeeping), err
		}))
		w.ok(w.Members.Unfreeze(w.t.Context(), w.hostHere(), frozen))
	}}},
	happening.SponsorsChanged: {"host": {happens: func(w *world) {
		host, pair := w.hostHere(), [2]id.User{w.user, w.partner().Principal().User}
		u, err := w.Members.AddMachine(w.t.Context(), host, member.MachineInput{Name: "bots", Purpose: "tests", Role: principal.Trader, Sponsors: pair})
		w.ok(err)
		w.ok(w.Members.SetSponsors(w.t.Context(), host, u, pair))
	}}},
	happening.KeysLeft: {"host": {happens: func(w *world) {
		left := w.partner().Principal().User
		_, err := w.APIKeys.Transfer(w.t.Context(), principal.Host("tests"), apikey.TransferInput{Key: w.keyOf("another").ID, To: left})
		w.ok(err)
		w.ok(w.Members.Remove(w.t.Context(), w.hostHere(), member.RemoveInput{User: left}))
	}}},
	happening.KeyTransferred: {
		"host": {happens: func(w *world) {
			_, err := w.APIKeys.Transfer(w.t.Context(), principal.Host("tests"), apikey.TransferInput{Key: w.keyOf("another").ID, To: w.partner().Principal().User})
			w.ok(err)
		}},
		"/v1": {happens: func(w *world) {
			to := w.partner().Principal().User
			w.proven(http.MethodPost, "/v1/keys/"+w.anotherKey()+"/transfer", map[string]any{"to": to})
		}},
		"pages": {happens: func(w *world) {
			to := w.partner().Principal().User
			w.submitProven("/keys/"+w.anotherKey()+"/transfer", "to", to.String())
		}},
	},
	happening.UserRaised: {"host": {happens: func(w *world) { w.ok(w.Tiers.Raise(w.t.Context(), principal.Host("tests"), w.user)) }}},
	happening.UserLowered: {"host": {happens: func(w *world) {
		w.ok(w.Tiers.Raise(w.t.Context(), principal.Host("tests"), w.user))
		w.ok(w.Tiers.Lower(w.t.Context(), principal.Host("tests"), w.user))
	}}},
	happening.StaffChanged: {"host": {happens: func(w *world) { w.ok(w.Accounts.MakeStaff(w.t.Context(), principal.Host("tests"), w.user)) }}},
	happening.RecoveryOpened: {"host": {happens: func(w *world) {
		_, err := w.Recoveries.Open(w.t.Context(), principal.Host("kim"), w.user, "reach@example.com", "tests")
		w.ok(err)
	}}},
	happening.DemandMade:    {"room": {happens: func(w *world) { w.tell(happening.DemandMade) }}}, // package demand tries it, with a passkey
	happening.DemandDropped: {"room": {happens: func(w *world) { w.tell(happening.DemandDropped, "until", w.clock.Now().Format(time.RFC3339)) }}},
	happening.UserDisabled: {"host": {happens: func(w *world) {
		if err := w.Accounts.Disable(w.t.Context(), principal.Host("tests"), w.user); err != nil {
			w.t.Fatal(err)
		}
	}}},
}
