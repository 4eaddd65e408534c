package subaccount_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/subaccount"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

var trading = []string{"balances:read", "orders:read", "orders:cancel", "orders:write"}

// desk is an account whose owner makes subaccounts.
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
			d.ada = d.Browser("203.0.113.7")
			d.ada.Wait = d.clock.Advance
			d.ada.SignUp("ada@example.com")
			d.app = d.ada.EnrolTOTP()
			d.host = principal.Host("tests")
			d.host.Account = d.ada.Principal().Account
			test(d)
		})
	}
}

func (d *desk) ok(r authtest.Reply) authtest.Reply {
	d.t.Helper()
	if r.Status >= http.StatusBadRequest {
		d.t.Fatalf("%d %s", r.Status, r.Text)
	}
	return r
}

// made is a subaccount that Ada makes by /v1.
func (d *desk) made(name string) id.Subaccount {
	d.t.Helper()
	var out struct{ Subaccount id.Subaccount }
	d.ada.Into(d.ok(d.ada.StepUp(http.MethodPost, "/v1/subaccounts", map[string]string{"name": name}, d.app)), &out)
	return out.Subaccount
}

// ask sends a signed request to the paper exchange, through the gate.
func (d *desk) ask(k authtest.Key, method, target, body string) authtest.Reply {
	d.t.Helper()
	d.clock.Advance(time.Second)
	return d.Browser("203.0.113.7").Do(d.Signed(k, method, authtest.APIHost, target, body))
}

func (d *desk) keyAt(s id.Subaccount) authtest.Key {
	d.t.Helper()
	return d.IssueKeyTo(d.host.Account, d.ada.Principal().User, apikey.IssueInput{Scopes: trading, Subaccount: s})
}

// A key of one subaccount sees neither the orders nor the balances of another, and cannot cancel there; the gate's own lists tell it of its own alone.
func TestAKeySeesItsOwnSubaccountAlone(t *testing.T) {
	onBoth(t, func(d *desk) {
		a, b := d.made("a"), d.made("b")
		one, two := d.keyAt(a), d.keyAt(b)
		fresh := d.ok(d.ask(two, http.MethodGet, "/v1/accounts", "")).Text
		order := `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"1","price":"10000"}`
		var placed struct{ UUID string }
		d.ada.Into(d.ok(d.ask(one, http.MethodPost, "/v1/orders", order)), &placed)
		if own := d.ok(d.ask(one, http.MethodGet, "/v1/orders/open?market=KRW-BTC", "")).Text; !strings.Contains(own, placed.UUID) {
			d.t.Fatalf("its own order is not among %s", own)
		}
		if mine := d.ok(d.ask(one, http.MethodGet, "/v1/accounts", "")).Text; mine == fresh {
			d.t.Error("what is locked for an order shows in its own balances")
		}
		if theirs := d.ok(d.ask(two, http.MethodGet, "/v1/accounts", "")).Text; theirs != fresh {
			d.t.Errorf("an order in another subaccount changed the balances to %s", theirs)
		}
		if open := d.ok(d.ask(two, http.MethodGet, "/v1/orders/open?market=KRW-BTC", "")).Text; strings.Contains(open, placed.UUID) {
			d.t.Errorf("the orders of another subaccount: %s", open)
		}
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if got := d.ask(two, method, "/v1/order?uuid="+placed.UUID, ""); got.Status != http.StatusNotFound {
				d.t.Errorf("%s an order of another subaccount: %d %s", method, got.Status, got.Text)
			}
		}
		d.ok(d.ask(one, http.MethodGet, "/v1/order?uuid="+placed.UUID, ""))
		told := d.ok(d.Browser("203.0.113.7").Do(d.Signed(one, http.MethodGet, strings.TrimPrefix(authtest.Origin, "http://"), "/v1/subaccounts", ""))).Text
		if !strings.Contains(told, a.String()) || strings.Contains(told, b.String()) {
			d.t.Errorf("a key is told of %s", told)
		}
	})
}

// A session acts in one subaccount at a time, and goes over; what it orders lies where it was then.
func TestASessionGoesOver(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.made("b")
		main := d.ada.Principal().Subaccount
		d.ok(d.ada.Enter())
		d.ok(d.ada.Call(http.MethodPut, "/v1/session/subaccount", map[string]any{"subaccount": b}))
		if who := d.ada.Principal(); who.Subaccount != b || who.Account != d.host.Account {
			d.t.Errorf("after going over: %+v", who)
		}
		children, err := d.Sessions.List(d.t.Context(), d.ada.Principal())
		if err != nil || len(children) != 1 || len(children[0].Children) != 0 {
			d.t.Errorf("what the session had open before: %+v %v", children, err)
		}
		d.ok(d.ada.Call(http.MethodPut, "/v1/session/subaccount", map[string]any{"subaccount": main}))
		if who := d.ada.Principal(); who.Subaccount != main {
			d.t.Errorf("after going back: %+v", who)
		}
		strange := d.Browser("203.0.113.9")
		strange.Wait = d.clock.Advance
		strange.SignUp("eve@example.com")
		if got := strange.Call(http.MethodPut, "/v1/session/subaccount", map[string]any{"subaccount": b}); got.Code != fault.SubaccountNotFound {
			d.t.Errorf("somebody else's subaccount: %d %s", got.Status, got.Code)
		}
	})
}

// A subaccount is made, named and closed by an owner with a step-up; it closes with no key left in it, ends the sessions there, and may be opened again.
func TestTheLifeOfASubaccount(t *testing.T) {
	onBoth(t, func(d *desk) {
		b := d.made("bots")
		at := "/v1/subaccounts/" + b.String()
		if got := d.ada.Call(http.MethodDelete, at, nil); got.Code != fault.StepUpRequired {
			d.t.Errorf("without a step-up: %d %s", got.Status, got.Code)
		}
		if _, err := d.Subaccounts.Open(d.t.Context(), d.ada.Principal(), "bots"); fault.CodeOf(err) != fault.SubaccountNamed {
			d.t.Errorf("two of one name: %v", err)
		}
		d.ok(d.ada.StepUp(http.MethodPatch, at, map[string]string{"name": "market making"}, d.app))
		key := d.keyAt(b)
		main := d.ada.Principal().Subaccount
		refused := map[string]struct {
			err  error
			want fault.Code
		}{
			"with a key":    {d.Subaccounts.Close(d.t.Context(), d.host, b), fault.SubaccountHasKeys},
			"the main one":  {d.Subaccounts.Close(d.t.Context(), d.host, main), fault.SubaccountMain},
			"nobody's":      {d.Subaccounts.Close(d.t.Context(), d.host, id.New[id.SubaccountKind](d.clock.Now())), fault.SubaccountNotFound},
			"not closed":    {d.Subaccounts.Reopen(d.t.Context(), d.host, b), fault.SubaccountNotFound},
			"without words": {d.Subaccounts.Rename(d.t.Context(), d.host, b, " "), fault.RequestInvalid},
		}
		for name, r := range refused {
			if fault.CodeOf(r.err) != r.want {
				d.t.Errorf("%s: %v", name, r.err)
			}
		}
		if err := d.APIKeys.Revoke(d.t.Context(), d.host, key.ID); err != nil {
			d.t.Fatal(err)
		}
		other := d.Browser("203.0.113.8")
		other.Wait = d.clock.Advance
		d.clock.Advance(time.Minute)
		d.ok(other.SignIn("ada@example.com", authtest.Password, d.app))
		d.ok(other.Call(http.MethodPut, "/v1/session/subaccount", map[string]any{"subaccount": b}))
		if got := other.Call(http.MethodDelete, at, nil); got.Code != fault.SubaccountHere {
			d.t.Errorf("from inside: %d %s", got.Status, got.Code)
		}
		d.clock.Advance(time.Minute)
		d.ok(d.ada.StepUp(http.MethodDelete, at, nil, d.app))
		if got := other.Call(http.MethodGet, "/v1/session", nil); got.Code != fault.SessionEnded {
			d.t.Errorf("a session in it: %d %s", got.Status, got.Code)
		}
		if got := d.ada.Call(http.MethodPut, "/v1/session/subaccount", map[string]any{"subaccount": b}); got.Code != fault.SubaccountNotFound {
			d.t.Errorf("going over to a closed one: %d %s", got.Status, got.Code)
		}
		wanted := apikey.IssueInput{
			Account: d.host.Account, Owner: d.ada.Principal().User, Name: "late", Purpose: "tests", Environment: id.Test, Dialect: sign.Native,
			Algorithm: sign.HMACSHA256, Scopes: trading, Subaccount: b,
		}
		if _, err := d.APIKeys.Issue(d.t.Context(), d.host, wanted); fault.CodeOf(err) != fault.RequestInvalid {
			d.t.Errorf("a key for a closed one: %v", err)
		}
		if err := d.Subaccounts.Reopen(d.t.Context(), d.host, b); err != nil {
			d.t.Fatal(err)
		}
		if _, err := d.APIKeys.Issue(d.t.Context(), d.host, wanted); err != nil {
			d.t.Errorf("a key for one that was opened again: %v", err)
		}
		d.events(audit.SubaccountReopened, audit.SubaccountClosed, audit.SubaccountRenamed, audit.SubaccountOpened)
	})
}

// events says which actions about subaccounts the owner's Activity shows, the newest first.
func (d *desk) events(want ...audit.Action) {
	d.t.Helper()
	entries, err := d.Log.Activity(d.t.Context(), d.ada.Principal(), 0, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	var got []audit.Action
	for _, e := range entries {
		if strings.HasPrefix(string(e.Action), "subaccount.") {
			got = append(got, e.Action)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("in Activity:\n%s", diff)
	}
}

// An account has at most so many, and two that are made at once do not get the same name.
func TestAnAccountHasSoManySubaccounts(t *testing.T) {
	onBoth(t, func(d *desk) {
		won := make(chan error, 8)
		for range cap(won) {
			go func() {
				_, err := d.Subaccounts.Open(d.t.Context(), d.host, "same")
				won <- err
			}()
		}
		made := 0
		for range cap(won) {
			if err := <-won; err == nil {
				made++
			} else if fault.CodeOf(err) != fault.SubaccountNamed {
				d.t.Error(err)
			}
		}
		if made != 1 {
			d.t.Errorf("%d of one name were made", made)
		}
		for n := 2; n < subaccount.Most; n++ {
			if _, err := d.Subaccounts.Open(d.t.Context(), d.host, fmt.Sprint("s", n)); err != nil {
				d.t.Fatal(err)
			}
		}
		if _, err := d.Subaccounts.Open(d.t.Context(), d.host, "one more"); fault.CodeOf(err) != fault.SubaccountTooMany {
			d.t.Errorf("one more: %v", err)
		}
	})
}

// A key that reads keys is told of those of its own subaccount alone, and its owner of all.
func TestAKeyIsToldOfTheKeysOfItsSubaccountAlone(t *testing.T) {
	onBoth(t, func(d *desk) {
		a, b := d.made("a"), d.made("b")
		scopes := []string{"keys:read", "activity:read"}
		one := d.IssueKeyTo(d.host.Account, d.ada.Principal().User, apikey.IssueInput{Scopes: scopes, Subaccount: a})
		two := d.IssueKeyTo(d.host.Account, d.ada.Principal().User, apikey.IssueInput{Scopes: scopes, Subaccount: b, Name: "the other desk", Purpose: "tests"})
		told := func(path string) authtest.Reply {
			d.clock.Advance(time.Second)
			return d.Browser("203.0.113.7").Do(d.Signed(one, http.MethodGet, strings.TrimPrefix(authtest.Origin, "http://"), path, ""))
		}
		if list := d.ok(told("/v1/keys")).Text; !strings.Contains(list, one.Text()) || strings.Contains(list, two.Text()) {
			d.t.Errorf("a key is told of %s", list)
		}
		for _, of := range []string{"past", "timeline"} {
			d.ok(told("/v1/keys/" + one.Text() + "/" + of))
			if got := told("/v1/keys/" + two.Text() + "/" + of); got.Code != fault.KeyNotFound {
				d.t.Errorf("the %s of a key of another subaccount: %d %s", of, got.Status, got.Text)
			}
		}
		if err := d.APIKeys.Stop(d.t.Context(), d.host, two.ID, apikey.Freeze); err != nil {
			d.t.Fatal(err)
		}
		for _, path := range []string{"/v1/activity", "/v1/activity?since=2026-01-01T00:00:00Z"} {
			list := d.ok(told(path)).Text
			if !strings.Contains(list, one.Text()) || strings.Contains(list, two.Text()) || strings.Contains(list, "subaccount.opened") {
				d.t.Errorf("%s tells a key of %s", path, list)
			}
		}
		refused := func(k authtest.Key) string {
			d.clock.Advance(time.Second)
			spoilt := d.Signed(k, http.MethodGet, strings.TrimPrefix(authtest.Origin, "http://"), "/v1/keys", "")
			spoilt.URL.RawQuery = "a=1"
			return "/v1/requests/" + d.Browser("203.0.113.7").Do(spoilt).Header.Get("X-Request-Id")
		}
		if mine, other := told(refused(one)), told(refused(two)); mine.Status != http.StatusOK || other.Code != fault.RequestNotRefused {
			d.t.Errorf("why a key was refused: %d %s, and why one of another subaccount was: %d %s", mine.Status, mine.Text, other.Status, other.Text)
		}
		if list := d.ok(d.ada.Call(http.MethodGet, "/v1/activity", nil)).Text; !strings.Contains(list, two.Text()) || !strings.Contains(list, "subaccount.opened") {
			d.t.Errorf("activity tells their owner of %s", list)
		}
		if list := d.ok(d.ada.Call(http.MethodGet, "/v1/keys", nil)).Text; !strings.Contains(list, one.Text()) || !strings.Contains(list, two.Text()) {
			d.t.Errorf("their owner is told of %s", list)
		}
	})
}
