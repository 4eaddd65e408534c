package journey_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// passkey is one that Ada made in a browser.
type passkey struct {
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

var site = virtualwebauthn.RelyingParty{ID: "localhost", Origin: authtest.Origin}

// ceremony is what the server begins one with.
type ceremony struct {
	State   string
	Options json.RawMessage
}

func (l *life) begin(b *authtest.Browser, path string) (c ceremony) {
	l.t.Helper()
	b.Into(l.ok(b.Call(http.MethodPost, path, nil)), &c)
	return c
}

func (l *life) ok(r authtest.Reply) authtest.Reply {
	l.t.Helper()
	if r.Status >= http.StatusBadRequest {
		l.t.Fatalf("refused: %d %s", r.Status, r.Text)
	}
	return r
}

// answer signs what a ceremony asks, as the body of the request that finishes it.
func (l *life) answer(c ceremony, k passkey) map[string]any {
	l.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(c.Options))
	if err != nil {
		l.t.Fatal(err)
	}
	signed := virtualwebauthn.CreateAssertionResponse(site, k.auth, k.cred, *options)
	return map[string]any{"state": c.State, "response": json.RawMessage(signed)}
}

// newPasskey makes one in a browser, confirmed by what prove does.
func (l *life) newPasskey(b *authtest.Browser, name string, prove func(method, path string, body any) authtest.Reply) passkey {
	l.t.Helper()
	begun := l.begin(b, "/v1/passkeys/begin")
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	if err != nil {
		l.t.Fatal(err)
	}
	k := passkey{cred: authtest.NewCredential(), auth: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(options.UserID)})}
	made := virtualwebauthn.CreateAttestationResponse(site, k.auth, k.cred, *options)
	l.ok(prove(http.MethodPost, "/v1/passkeys", map[string]any{"state": begun.State, "response": json.RawMessage(made), "name": name}))
	return k
}

// withPasskey does what asks for a proof, and gives that with a passkey.
func (l *life) withPasskey(b *authtest.Browser, k passkey) func(method, path string, body any) authtest.Reply {
	return func(method, path string, body any) authtest.Reply {
		l.t.Helper()
		refused := b.Call(method, path, body)
		if refused.Code != fault.StepUpRequired {
			l.t.Fatalf("%s %s asks for no proof: %d %s", method, path, refused.Status, refused.Text)
		}
		var asked struct {
			Fields struct {
				StepUp string `json:"step_up"`
			}
		}
		b.Into(refused, &asked)
		at := "/v1/step-ups/" + asked.Fields.StepUp + "/passkey"
		l.ok(b.Call(http.MethodPost, at, l.answer(l.begin(b, at+"/begin"), k)))
		return b.Call(method, path, body)
	}
}

// lostDevice is what one page says of a device.
type lostDevice struct {
	Device struct {
		ID       string
		Sessions int
		Passkeys []string
	}
	Keys []struct {
		Name string
		Made bool `json:"made_there"`
		Used bool `json:"used_nearby"`
	}
}

// other finds the device that is not the one of b.
func (l *life) other(b *authtest.Browser) (d lostDevice) {
	l.t.Helper()
	var list struct {
		Devices []struct {
			ID      string
			Current bool
		}
	}
	b.Into(l.ok(b.Call(http.MethodGet, "/v1/lost-device", nil)), &list)
	for _, one := range list.Devices {
		if !one.Current {
			b.Into(l.ok(b.Call(http.MethodGet, "/v1/lost-device/"+one.ID, nil)), &d)
			return d
		}
	}
	l.t.Fatal("there is no other device")
	return d
}

// TestLostPhoneFromTheLaptop: the old phone was her first passkey and made the laptop's; from the laptop one button, with the laptop's passkey, ends
// everything on it, and the key that was made there is the first to look at.
func TestLostPhoneFromTheLaptop(t *testing.T) {
	inBubble(t, func(l *life) {
		phone := l.Browser("198.51.100.9")
		l.mustSignIn(phone)
		onPhone := l.newPasskey(phone, "phone", func(method, path string, body any) authtest.Reply {
			return phone.StepUp(method, path, body, l.secret)
		})
		l.mustSignIn(l.ada)
		onLaptop := l.newPasskey(l.ada, "laptop", l.withPasskey(l.ada, onPhone))
		wanted := map[string]any{"purpose": "journey", "environment": "test", "dialect": "native", "algorithm": "hmac-sha256", "scopes": []string{"balances:read"}}
		wanted["name"] = "of the laptop"
		l.ok(l.withPasskey(l.ada, onLaptop)(http.MethodPost, "/v1/keys", wanted))
		wanted["name"] = "of the phone"
		l.ok(l.withPasskey(phone, onPhone)(http.MethodPost, "/v1/keys", wanted))
		l.enter(phone)

		lost := l.other(l.ada)
		if diff := cmp.Diff([]string{"phone"}, lost.Device.Passkeys); diff != "" || lost.Device.Sessions != 1 {
			t.Errorf("the phone holds %+v", lost.Device)
		}
		if len(lost.Keys) != 2 || lost.Keys[0].Name != "of the phone" || !lost.Keys[0].Made || lost.Keys[1].Made {
			t.Errorf("keys to look at: %+v", lost.Keys)
		}
		at := "/v1/lost-device/" + lost.Device.ID
		done := l.ok(l.withPasskey(l.ada, onLaptop)(http.MethodPost, at, map[string]any{}))
		l.expect("its session", fault.SessionEnded, phone.Call(http.MethodGet, "/v1/session", nil).Code)
		if got := l.power(phone); got != ended {
			t.Errorf("on the exchange the phone may %+v", got)
		}
		var ended struct {
			Sessions int
			Passkeys []string
		}
		l.ada.Into(done, &ended)
		if diff := cmp.Diff([]string{"phone"}, ended.Passkeys); diff != "" || ended.Sessions != 1 {
			t.Errorf("ended: %+v", ended)
		}
		finder := l.Browser("192.0.2.66")
		tried := finder.Call(http.MethodPost, "/v1/sign-in/passkey", l.answer(l.begin(finder, "/v1/sign-in/passkey/begin"), onPhone))
		if tried.Status < http.StatusBadRequest {
			t.Errorf("the phone's passkey signs in: %d %s", tried.Status, tried.Text)
		}
		l.ok(l.ada.Call(http.MethodGet, "/v1/session", nil))
		l.ok(finder.Call(http.MethodPost, "/v1/sign-in/passkey", l.answer(l.begin(finder, "/v1/sign-in/passkey/begin"), onLaptop)))
		l.work()
		if until := l.heldUntil(); time.Until(until) < 23*time.Hour {
			t.Errorf("money is held until %s", until)
		}
		if l.letters(notify.DeviceLost) != 1 {
			t.Error("nobody was told")
		}
		l.expect("giving it up again", fault.DeviceNotFound, l.ada.Call(http.MethodPost, at, map[string]any{}).Code)
	})
}

// TestNewPhoneFromTheOldPhone: the new phone signs in with the passkey of the old one, gets its own, and then gives the old one up, as the guide says.
func TestNewPhoneFromTheOldPhone(t *testing.T) {
	inBubble(t, func(l *life) {
		old := l.Browser("198.51.100.9")
		l.mustSignIn(old)
		onOld := l.newPasskey(old, "old phone", func(method, path string, body any) authtest.Reply {
			return old.StepUp(method, path, body, l.secret)
		})
		var plan struct {
			Moves []string `json:"new_phone"`
		}
		old.Into(l.ok(old.Call(http.MethodGet, "/v1/recovery", nil)), &plan)
		if diff := cmp.Diff([]string{"hybrid", "passkey", "app", "codes", "clean_up"}, plan.Moves); diff != "" {
			t.Errorf("the guide (-want +got):\n%s", diff)
		}
		fresh := l.Browser("198.51.100.77")
		l.ok(fresh.Call(http.MethodPost, "/v1/sign-in/passkey", l.answer(l.begin(fresh, "/v1/sign-in/passkey/begin"), onOld)))
		onFresh := l.newPasskey(fresh, "new phone", l.withPasskey(fresh, onOld))
		var list struct {
			Devices []struct {
				ID       string
				Passkeys []string
			}
		}
		fresh.Into(l.ok(fresh.Call(http.MethodGet, "/v1/lost-device", nil)), &list)
		given := ""
		for _, d := range list.Devices {
			if len(d.Passkeys) == 1 && d.Passkeys[0] == "old phone" {
				given = d.ID
			}
		}
		if given == "" {
			t.Fatalf("the old phone is not among %+v", list.Devices)
		}
		l.ok(l.withPasskey(fresh, onFresh)(http.MethodPost, "/v1/lost-device/"+given, map[string]any{}))
		l.expect("the old phone's session", fault.SessionEnded, old.Call(http.MethodGet, "/v1/session", nil).Code)
		finder := l.Browser("192.0.2.66")
		if got := finder.Call(http.MethodPost, "/v1/sign-in/passkey", l.answer(l.begin(finder, "/v1/sign-in/passkey/begin"), onOld)); got.Status < http.StatusBadRequest {
			t.Errorf("the old phone's passkey signs in: %d", got.Status)
		}
		l.ok(finder.Call(http.MethodPost, "/v1/sign-in/passkey", l.answer(l.begin(finder, "/v1/sign-in/passkey/begin"), onFresh)))
	})
}

// TestALostPhoneThatHoldsTheOnlyPasskey: without it nobody can prove enough to remove it, a thief at the laptop neither. Everything else ends at once.
func TestALostPhoneThatHoldsTheOnlyPasskey(t *testing.T) {
	inBubble(t, func(l *life) {
		phone := l.Browser("198.51.100.9")
		l.mustSignIn(phone)
		onPhone := l.newPasskey(phone, "phone", func(method, path string, body any) authtest.Reply {
			return phone.StepUp(method, path, body, l.secret)
		})
		l.mustSignIn(l.ada)
		at := "/v1/lost-device/" + l.other(l.ada).Device.ID
		l.expect("removing it", fault.StepUpRequired, l.ada.Call(http.MethodPost, at, map[string]any{}).Code)
		l.ok(phone.Call(http.MethodGet, "/v1/session", nil))
		l.ok(l.ada.Call(http.MethodPost, at, map[string]any{"keep_passkeys": true}))
		l.expect("its session", fault.SessionEnded, phone.Call(http.MethodGet, "/v1/session", nil).Code)
		again := l.Browser("198.51.100.9")
		l.ok(again.Call(http.MethodPost, "/v1/sign-in/passkey", l.answer(l.begin(again, "/v1/sign-in/passkey/begin"), onPhone)))
	})
}

// TestADeviceGivesItselfUp: who reports the very browser they look through is signed out by it.
func TestADeviceGivesItselfUp(t *testing.T) {
	inBubble(t, func(l *life) {
		phone := l.Browser("198.51.100.9")
		l.mustSignIn(phone)
		here := l.other(l.ada).Device.ID
		l.ok(phone.Call(http.MethodPost, "/v1/lost-device/"+here, map[string]any{}))
		if got := phone.Call(http.MethodGet, "/v1/session", nil); got.Status != http.StatusUnauthorized {
			t.Errorf("it is still signed in: %d", got.Status)
		}
		l.ok(l.ada.Call(http.MethodGet, "/v1/session", nil))
		eve := l.Browser("192.0.2.66")
		eve.SignUp("eve@example.net")
		l.expect("somebody else's device", fault.DeviceNotFound, eve.Call(http.MethodPost, "/v1/lost-device/"+here, map[string]any{}).Code)
	})
}

// TestAThiefDoesNotCancel: a thief in the browser with a stolen session cannot stop the owner's own recovery, because that takes a proof as strong as
// the owner's claim.
func TestAThiefDoesNotCancel(t *testing.T) {
	inBubble(t, func(l *life) {
		thief := l.ada // a session that was stolen; the owner lost phone and codes, and knows the password
		w := l.askBack("198.51.100.9")
		w.must(http.MethodPost, w.at+"/claim", map[string]string{"password": authtest.Password})
		l.work()
		var plan struct{ Claims []struct{ ID string } }
		thief.Into(l.ok(thief.Call(http.MethodGet, "/v1/recovery", nil)), &plan)
		path := "/v1/recovery/claims/" + plan.Claims[0].ID + "/cancel"
		l.expect("the thief", fault.StepUpRequired, thief.Call(http.MethodPost, path, nil).Code)
		var asked struct {
			Fields struct {
				StepUp string `json:"step_up"`
			}
		}
		thief.Into(thief.Call(http.MethodPost, path, nil), &asked)
		at := "/v1/step-ups/" + asked.Fields.StepUp
		if got := thief.Call(http.MethodPost, at+"/totp", map[string]string{"code": "000000"}); got.Status < http.StatusBadRequest {
			t.Errorf("a guess is taken: %d", got.Status)
		}
		if got := thief.Call(http.MethodPost, at+"/password", map[string]string{"password": authtest.Password}); got.Status < http.StatusBadRequest {
			t.Errorf("the password alone is taken: %d", got.Status)
		}
		w.is("waiting")
		l.days(3)
		w.is("ready")
		w.must(http.MethodPost, w.at+"/password", map[string]string{"password": newPassword})
		if got := thief.Call(http.MethodGet, "/v1/session", nil); got.Status != http.StatusUnauthorized {
			t.Errorf("the thief is still there: %d", got.Status)
		}
	})
}

// TestRecoveryWithoutPasswords: where nobody may have a password, a recovery goes from a lost passkey to a new one, and no password or app opens anything
// on the way.
func TestRecoveryWithoutPasswords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &life{t: t, born: time.Now()}
		l.Stack = authtest.StartWith(t, authtest.Options{Environ: []string{"SALLYPORT_PASSWORD_ENABLED=false"}})
		l.ada = l.Browser(home)
		var up struct {
			SignUp string `json:"sign_up"`
		}
		l.ada.Into(l.ok(l.ada.Call(http.MethodPost, "/v1/sign-up", map[string]string{"mail": mail, "name": "Ada", "lang": "en"})), &up)
		l.Settle()
		at := "/v1/sign-up/" + up.SignUp
		l.ok(l.ada.Call(http.MethodPost, at+"/code", map[string]string{"code": l.Mailbox.Letters(mail)[0].Code}))
		old := l.madeAt(l.ada, at, nil)
		codes := l.paper()
		time.Sleep(time.Hour)

		w := l.askBack("198.51.100.9")
		for _, with := range []map[string]string{{"password": authtest.Password}, {"app_code": "123456"}} {
			l.expect("a claim with what counts for nothing", fault.PasswordDisabled, w.b.Call(http.MethodPost, w.at+"/claim", with).Code)
		}
		w.is("proven")
		w.must(http.MethodPost, w.at+"/recovery-code", map[string]string{"code": codes[0]})
		l.expect("a new password", fault.PasswordDisabled, w.b.Call(http.MethodPost, w.at+"/password", map[string]string{"password": newPassword}).Code)
		fresh := l.madeAt(w.b, w.at, map[string]any{})
		var methods struct{ Passkeys []struct{ ID string } }
		w.b.Into(l.ok(w.b.Call(http.MethodGet, "/v1/methods", nil)), &methods)
		if len(methods.Passkeys) != 1 {
			t.Errorf("%d passkeys are left", len(methods.Passkeys))
		}
		again := l.Browser("198.51.100.9")
		if got := again.Call(http.MethodPost, "/v1/sign-in/passkey", l.answer(l.begin(again, "/v1/sign-in/passkey/begin"), old)); got.Status < http.StatusBadRequest {
			t.Errorf("the lost passkey signs in: %d", got.Status)
		}
		l.ok(again.Call(http.MethodPost, "/v1/sign-in/passkey", l.answer(l.begin(again, "/v1/sign-in/passkey/begin"), fresh)))
	})
}

// madeAt makes the passkey with which somebody begins, or comes back.
func (l *life) madeAt(b *authtest.Browser, at string, more map[string]any) passkey {
	l.t.Helper()
	begun := l.begin(b, at+"/passkey/begin")
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	if err != nil {
		l.t.Fatal(err)
	}
	k := passkey{cred: authtest.NewCredential(), auth: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(options.UserID)})}
	body := map[string]any{"state": begun.State, "response": json.RawMessage(virtualwebauthn.CreateAttestationResponse(site, k.auth, k.cred, *options))}
	maps.Copy(body, more)
	l.ok(b.Call(http.MethodPost, at+"/passkey", body))
	return k
}

// A phisher's session from an unknown browser may look, and end sessions. It does not take away that the owner's own browser is known, because that is all
// that keeps a flood of guesses from shutting the owner out.
func TestAStrangerLeavesTheOwnersBrowserKnown(t *testing.T) {
	inBubble(t, func(l *life) {
		t := l.t
		l.mustSignIn(l.ada)
		l.newPasskey(l.ada, "laptop", func(method, path string, body any) authtest.Reply {
			return l.ada.StepUp(method, path, body, l.secret)
		})
		phisher := l.Browser("192.0.2.66")
		l.mustSignIn(phisher) // password and code, passed on
		var here struct {
			Devices []struct {
				ID      string
				Current bool
			}
		}
		phisher.Into(l.ok(phisher.Call(http.MethodGet, "/v1/lost-device", nil)), &here)
		for _, d := range here.Devices {
			if d.Current {
				continue
			}
			l.ok(phisher.Call(http.MethodPost, "/v1/lost-device/"+d.ID, map[string]any{"keep_passkeys": true}))
		}
		for n := range 200 {
			from := signin.From{Origin: principal.Origin{Addr: netip.AddrFrom4([4]byte{198, 51, byte(n), 1}), Agent: "Mozilla/5.0 Chrome/156.0"}}
			_, _ = l.SignIns.WithPassword(t.Context(), from, mail, secret.FromString("password", fmt.Sprintf("a wrong guess %d", n)))
		}
		if got := l.ada.SignIn(mail, authtest.Password, ""); got.Code == fault.SignInThrottled {
			t.Errorf("the owner is shut out of their own browser: %d %s", got.Status, got.Text)
		}
	})
}
