package demand_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// owner has a password, an app and a passkey that is old enough, in a browser that is known.
type owner struct {
	*authtest.Person
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	key   *authtest.Passkey
}

func newOwner(t *testing.T) *owner {
	t.Helper()
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	o := &owner{Person: s.SignUp("ada@example.com"), Stack: s, t: t, clock: clock}
	o.key = o.EnrolPasskey()
	asked := o.enrolApp()
	o.prove(asked)
	if err := o.enrolApp(); err != nil {
		t.Fatal(err)
	}
	clock.Advance(25 * time.Hour)
	o.touch()
	return o
}

func (o *owner) enrolApp() (err error) {
	if o.TOTP == "" {
		key, err := o.Factors.BeginTOTP(o.t.Context(), o.Principal())
		if err != nil {
			o.t.Fatal(err)
		}
		o.TOTP = strings.ReplaceAll(string(key.Base32.Reveal()), " ", "")
	}
	bearer, err := o.Factors.ConfirmTOTP(o.t.Context(), o.Principal(), o.Code())
	if err == nil {
		o.Bearer = bearer
	}
	return err
}

// prove satisfies what a refusal asks for with the passkey.
func (o *owner) prove(asked error) {
	o.t.Helper()
	f, _ := errors.AsType[*fault.Error](asked)
	if f == nil || f.Code != fault.StepUpRequired {
		o.t.Fatalf("no step-up is asked for: %v", asked)
	}
	step, err := id.Parse[id.StepUpKind](fmt.Sprint(f.Fields["step_up"]))
	if err != nil {
		o.t.Fatal(err)
	}
	begun, err := o.Factors.BeginProof(o.t.Context(), o.Principal())
	if err != nil {
		o.t.Fatal(err)
	}
	o.Bearer, err = o.Factors.SatisfyWithPasskey(o.t.Context(), o.Principal(), step, begun.State, o.key.Sign(authtest.Origin, begun.Options))
	if err != nil {
		o.t.Fatal(err)
	}
}

// proven does something that asks for the passkey.
func (o *owner) proven(do func() error) error {
	o.t.Helper()
	err := do()
	if fault.CodeOf(err) != fault.StepUpRequired {
		return err
	}
	o.prove(err)
	return do()
}

func (o *owner) make(a demand.Area) error {
	return o.proven(func() error { return o.Demands.Make(o.t.Context(), o.Principal(), a) })
}

func (o *owner) drop(a demand.Area) error {
	return o.proven(func() error { return o.Demands.Drop(o.t.Context(), o.Principal(), a) })
}

func (o *owner) from() signin.From {
	return signin.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte("browser")), Device: o.Device}
}

// touch signs in with the passkey.
func (o *owner) touch() {
	o.t.Helper()
	begun, err := o.SignIns.BeginPasskey(o.from())
	if err != nil {
		o.t.Fatal(err)
	}
	in, err := o.SignIns.WithPasskey(o.t.Context(), o.from(), begun.State, o.key.Sign(authtest.Origin, begun.Options))
	if err != nil {
		o.t.Fatal(err)
	}
	o.Bearer = in.Bearer
}

// code signs in with the password and the app, and gives the session.
func (o *owner) code() secret.Value {
	o.t.Helper()
	o.clock.Advance(30 * time.Second)
	half, err := o.SignIns.WithPassword(o.t.Context(), o.from(), o.Mail, secret.FromString("password", authtest.Password))
	if err != nil {
		o.t.Fatal(err)
	}
	in, err := o.SignIns.WithCode(o.t.Context(), o.from(), half.Half, o.Code())
	if err != nil {
		o.t.Fatal(err)
	}
	return in.Bearer
}

func (o *owner) who(bearer secret.Value) principal.Principal {
	o.t.Helper()
	who, err := o.Sessions.Authenticate(bearer.Reveal(), "", authtest.PersonOrigin())
	if err != nil {
		o.t.Fatal(err)
	}
	return who
}

// at asks the exchange behind the gateway for something as the holder of a session: how it is refused, if it is.
func (o *owner) at(bearer secret.Value, method, path, form string) fault.Code {
	o.t.Helper()
	who := o.who(bearer)
	code, way := o.Crossing(o.t, who, authtest.PageHost, "/")
	_, child, _, err := o.Sessions.RedeemChildCode(o.t.Context(), code, way, authtest.PageHost, who.Origin)
	if err != nil {
		o.t.Fatal(err)
	}
	b := o.Browser(who.Origin.Addr.String())
	b.Agent = who.Origin.Agent
	b.Cookies[authtest.PageHost] = map[string]string{"__Host-sid": string(child.Reveal())}
	r := b.Request(method, authtest.PageOrigin+path, form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got := b.Do(r)
	if got.Code != fault.StepUpRequired {
		return got.Code
	}
	var why struct{ Fields struct{ Reason fault.Code } } // one answer at every door, which says what for
	b.Into(got, &why)
	return why.Fields.Reason
}

const order = "market=KRW-BTC&side=bid&type=limit&price=50000000&quantity=0.001"

func (o *owner) trade(bearer secret.Value) fault.Code {
	return o.at(bearer, http.MethodPost, "/orders", order)
}

// A passkey for trading, an app for looking: so it is asked from the moment on in which the owner wants it, of sessions that are open too.
func TestAPasskeyForTradingAnAppForLooking(t *testing.T) {
	o := newOwner(t)
	app := o.code()
	if got := o.trade(app); got != "" {
		t.Fatalf("before: %s", got)
	}
	if err := o.make(demand.Trading); err != nil {
		t.Fatal(err)
	}
	for name, bearer := range map[string]secret.Value{"open before": app, "opened after": o.code()} {
		if got := o.trade(bearer); got != fault.SessionDemanded {
			t.Errorf("%s: an order is answered with %q", name, got)
		}
		if got := o.at(bearer, http.MethodGet, "/", ""); got != "" {
			t.Errorf("%s: looking is answered with %q", name, got)
		}
		if c := o.who(bearer).Challenge; c.Needs != assurance.Phr || !c.Until.IsZero() {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if got := o.trade(o.Bearer); got != "" {
		t.Errorf("where the passkey was shown: %s", got)
	}
	o.touch()
	if got := o.trade(o.Bearer); got != "" {
		t.Errorf("after a sign-in with the passkey: %s", got)
	}
	if err := o.make(demand.Trading); fault.CodeOf(err) != fault.DemandUnchanged {
		t.Errorf("demanded again: %v", err)
	}
}

// Whoever has only the app left changes nothing that a passkey was demanded for, although the policy would let them.
func TestAPasskeyForSettings(t *testing.T) {
	o := newOwner(t)
	if err := o.make(demand.Settings); err != nil {
		t.Fatal(err)
	}
	methods, err := o.Factors.Of(t.Context(), o.Principal())
	if err != nil {
		t.Fatal(err)
	}
	err = o.proven(func() error {
		_, err := o.Factors.RemovePasskey(t.Context(), o.Principal(), methods.Passkeys[0].ID)
		return err
	})
	if fault.CodeOf(err) != fault.SessionEnded && err != nil { // the session has a new bearer
		t.Fatal(err)
	}
	who := o.who(o.code())
	_, err = o.Factors.RemoveTOTP(t.Context(), who)
	f, _ := errors.AsType[*fault.Error](err)
	if f == nil || f.Code != fault.AssuranceTooLow || f.Fields["needs"] != "phr" {
		t.Errorf("with an app alone: %v", err)
	}
	if err := o.Demands.Drop(t.Context(), who, demand.Settings); fault.CodeOf(err) != fault.AssuranceTooLow {
		t.Errorf("giving it up with an app alone: %v", err)
	}
}

// Giving a demand up takes the passkey and a week, of which the owner is told; in it they can keep it, by the mail's link too.
func TestGivingADemandUp(t *testing.T) {
	o := newOwner(t)
	if err := o.make(demand.Trading); err != nil {
		t.Fatal(err)
	}
	if err := o.Demands.Drop(t.Context(), o.who(o.code()), demand.Trading); fault.CodeOf(err) != fault.StepUpRequired {
		t.Fatalf("without a proof: %v", err)
	}
	o.touch()
	if err := o.drop(demand.Trading); err != nil {
		t.Fatal(err)
	}
	end := o.clock.Now().Add(7 * 24 * time.Hour)
	list, err := o.Demands.Of(t.Context(), o.Principal())
	if err != nil || len(list) != 1 || !list[0].Until.Equal(end) {
		t.Fatalf("%+v, %v; want the end %s", list, err, end)
	}
	if err := o.drop(demand.Trading); fault.CodeOf(err) != fault.DemandUnchanged {
		t.Errorf("given up again: %v", err)
	}
	o.Settle()
	letters := o.Mailbox.Letters(o.Mail)
	last := letters[len(letters)-1]
	if last.Notice != notify.DemandDropped || last.Link == "" {
		t.Fatalf("the newest letter is %+v", last)
	}
	if got := o.trade(o.code()); got != fault.SessionDemanded {
		t.Errorf("in the wait: %q", got)
	}
	o.clock.Advance(5 * 24 * time.Hour)
	if got := o.Browser("203.0.113.7").Call(http.MethodPost, "/v1"+last.Link, nil); got.Status != http.StatusOK {
		t.Fatalf("the link: %d %s", got.Status, got.Text)
	}
	o.clock.Advance(3 * 24 * time.Hour)
	if got := o.trade(o.code()); got != fault.SessionDemanded {
		t.Errorf("kept by the link: %q", got)
	}
	o.touch()
	if err := o.drop(demand.Trading); err != nil {
		t.Fatal(err)
	}
	o.clock.Advance(7 * 24 * time.Hour)
	if got := o.trade(o.code()); got != "" {
		t.Errorf("after the wait: %q", got)
	}
	o.touch()
	list, err = o.Demands.Of(t.Context(), o.Principal())
	if diff := cmp.Diff([]demand.Demand{}, list); diff != "" || err != nil {
		t.Errorf("left (-want +got):\n%s%v", diff, err)
	}
}

// Who has no passkey, or one that was made a moment ago, cannot demand one: the one would shut themselves out, the other may be a thief.
func TestWhoCannotDemand(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	bare := &owner{Person: s.SignUp("bare@example.com"), Stack: s, t: t, clock: clock}
	for _, a := range demand.Areas {
		if err := s.Demands.Make(t.Context(), bare.Principal(), a); fault.CodeOf(err) != fault.AssuranceTooLow {
			t.Errorf("%s without a passkey: %v", a, err)
		}
	}
	bare.key = bare.EnrolPasskey()
	if err := bare.make(demand.Trading); fault.CodeOf(err) != fault.PasskeyYoung {
		t.Errorf("with a young one: %v", err)
	}
	if err := s.Demands.Make(t.Context(), bare.Principal(), "sleeping"); fault.CodeOf(err) != fault.RequestInvalid {
		t.Errorf("what there is not: %v", err)
	}
}

// A label is a name and no power: it is written, told apart by user, and opens or closes nothing.
func TestLabels(t *testing.T) {
	o := newOwner(t)
	marks := func() (passkey, app bool) {
		t.Helper()
		m, err := o.Factors.Of(t.Context(), o.Principal())
		if err != nil {
			t.Fatal(err)
		}
		return m.Passkeys[0].Backup, m.TOTP.Backup
	}
	m, err := o.Factors.Of(t.Context(), o.Principal())
	if err != nil {
		t.Fatal(err)
	}
	key := m.Passkeys[0].ID
	if err := o.Factors.LabelTOTP(t.Context(), o.Principal(), factor.Backup); err != nil {
		t.Fatal(err)
	}
	if err := o.Factors.LabelPasskey(t.Context(), o.Principal(), key, "spare"); fault.CodeOf(err) != fault.RequestInvalid {
		t.Errorf("a label that there is not: %v", err)
	}
	if passkey, app := marks(); passkey || !app {
		t.Errorf("backups: passkey %t, app %t", passkey, app)
	}
	stranger := o.SignUp("eve@example.com")
	if err := o.Factors.LabelPasskey(t.Context(), stranger.Principal(), key, factor.Backup); fault.CodeOf(err) != fault.PasskeyNotFound {
		t.Errorf("somebody else's: %v", err)
	}
	if err := o.Factors.LabelTOTP(t.Context(), stranger.Principal(), factor.Backup); fault.CodeOf(err) != fault.TOTPNotEnrolled {
		t.Errorf("an app that is not there: %v", err)
	}
	if err := o.Factors.LabelPasskey(t.Context(), o.Principal(), key, factor.Backup); err != nil {
		t.Fatal(err)
	}
	if err := o.Factors.LabelTOTP(t.Context(), o.Principal(), factor.Primary); err != nil {
		t.Fatal(err)
	}
	if passkey, app := marks(); !passkey || app {
		t.Errorf("turned around, backups are: passkey %t, app %t", passkey, app)
	}
}
