// Package journey_test lives with the whole stack for thirty days, in a bubble whose time passes as fast as the work in it is done.
package journey_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

const (
	mail  = "ada@example.com"
	home  = "203.0.113.7"
	order = `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}`
)

// life is a stack and the person whose days are told.
type life struct {
	*authtest.Stack
	t      *testing.T
	born   time.Time
	folder string
	ada    *authtest.Browser // the browser that she signed up with
	secret string            // of her app
}

func inBubble(t *testing.T, test func(*life)) {
	t.Helper()
	begun := time.Now()
	days := 0
	synctest.Test(t, func(t *testing.T) {
		l := &life{t: t, born: time.Now(), folder: t.TempDir()}
		l.Stack = authtest.StartWith(t, authtest.Options{Folder: l.folder})
		time.Sleep(time.Hour)
		l.ada = l.Browser(home)
		l.ada.SignUp(mail)
		l.secret = l.ada.EnrolTOTP()
		test(l)
		days = int(time.Since(l.born).Hours() / 24)
	})
	t.Logf("%d simulated days took %s", days, time.Since(begun).Round(time.Millisecond))
}

// until sleeps to a time after the beginning.
func (l *life) until(d time.Duration) { time.Sleep(time.Until(l.born.Add(d))) }

// work does what the server's background does in an hour.
func (l *life) work() {
	l.t.Helper()
	l.Settle()
	if err := l.Sweep(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// signIn signs Ada in from a browser; the code's step must be a fresh one.
func (l *life) signIn(b *authtest.Browser) authtest.Reply {
	l.t.Helper()
	time.Sleep(30 * time.Second)
	return b.SignIn(mail, authtest.Password, l.secret)
}

func (l *life) mustSignIn(b *authtest.Browser) {
	l.t.Helper()
	if got := l.signIn(b); got.Status != http.StatusOK {
		l.t.Fatalf("after %s: sign-in gives %d %s", time.Since(l.born), got.Status, got.Text)
	}
}

// newKey makes a key the way people do: on the page, with a proof for exactly this key.
func (l *life) newKey(wanted map[string]any) authtest.Key {
	l.t.Helper()
	body := map[string]any{"purpose": "journey", "environment": "test", "dialect": "native", "algorithm": "hmac-sha256"}
	maps.Copy(body, wanted)
	made := l.ada.StepUp(http.MethodPost, "/v1/keys", body, l.secret)
	if made.Status != http.StatusCreated {
		l.t.Fatalf("new key: %d %s", made.Status, made.Text)
	}
	var issued struct {
		Key struct {
			KeyID string `json:"key_id"`
		}
		Secret string
	}
	l.ada.Into(made, &issued)
	kid, _, err := id.ParseKey(issued.Key.KeyID)
	if err != nil {
		l.t.Fatal(err)
	}
	signer, err := sign.NewHMACSigner(issued.Key.KeyID, []byte(issued.Secret))
	if err != nil {
		l.t.Fatal(err)
	}
	return authtest.Key{Key: l.KeyNow(kid), Signer: signer}
}

// call sends a signed request of a key from home.
func (l *life) call(k authtest.Key, method, target, body string) authtest.Reply {
	l.t.Helper()
	return l.Browser(home).Do(l.Signed(k, method, authtest.APIHost, target, body))
}

// enter brings a browser over to the exchange's page.
func (l *life) enter(b *authtest.Browser) {
	l.t.Helper()
	if got := b.Enter(); got.Status != http.StatusSeeOther {
		l.t.Fatalf("enter: %d %s", got.Status, got.Text)
	}
}

// What somebody may do on the exchange's page at a moment: each is passed by the gate, or names what is missing.
type power struct{ Look, Cancel, Trade fault.Code }

const passed fault.Code = "passed"

var (
	full  = power{passed, passed, passed}
	idle  = power{passed, passed, fault.SessionIdle}
	ended = power{fault.SessionEnded, fault.SessionEnded, fault.SessionEnded}
)

// power tries all three. Looking comes last: it is a human act and would keep the session awake. Cancelling is one too, so it comes after
// trading; where trading passes, it was the act.
func (l *life) power(b *authtest.Browser) (p power) {
	l.t.Helper()
	form := func(path string, fields url.Values) fault.Code {
		r := b.Request(http.MethodPost, authtest.PageOrigin+path, fields.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return outcome(b.Do(r))
	}
	p.Trade = form("/orders", url.Values{"market": {"KRW-BTC"}, "side": {"bid"}, "type": {"limit"}, "price": {"50000000"}, "quantity": {"0.0001"}})
	p.Cancel = form("/orders/cancel", url.Values{"uuid": {"00000000-0000-4000-8000-000000000000"}})
	r := b.Request(http.MethodGet, authtest.PageOrigin+"/", "")
	r.Header.Set("Sec-Fetch-Mode", "cors") // a script asks, so that the answer is a refusal and not the way to the sign-in
	p.Look = outcome(b.Do(r))
	return p
}

// outcome is what the gate said; an answer of the exchange itself means that the gate let it pass.
func outcome(r authtest.Reply) fault.Code {
	var asked struct{ Fields struct{ Reason fault.Code } }
	if r.Code == fault.StepUpRequired && json.Unmarshal([]byte(r.Text), &asked) == nil {
		return asked.Fields.Reason
	}
	if r.Code != "" {
		return r.Code
	}
	return passed
}

func (l *life) expect(what string, want, got any) {
	l.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("%s, after %s (-want +got):\n%s", what, time.Since(l.born), diff)
	}
}

func TestSessionsEndToTheSecond(t *testing.T) {
	inBubble(t, func(l *life) {
		l.mustSignIn(l.ada)
		signedIn := time.Since(l.born)
		l.enter(l.ada)
		entered := time.Since(l.born)

		// One human act after another keeps it awake; each idle limit runs from the last of them.
		l.until(entered + 30*time.Minute - time.Second)
		l.expect("a second before the idle limit", full, l.power(l.ada))
		acted := time.Since(l.born)
		l.tells(acted+30*time.Minute, signedIn+12*time.Hour)
		l.until(acted + 30*time.Minute - time.Microsecond)
		l.expect("a microsecond before the idle limit, by the poll of a bot's owner", fault.Code(""), l.ada.Call(http.MethodGet, "/v1/session", nil).Code)
		l.until(acted + 30*time.Minute)
		l.expect("at the idle limit", idle, l.power(l.ada))
		l.until(acted + 45*time.Minute)
		l.expect("looking and cancelling do not wake it", idle, l.power(l.ada))

		// One proof does. The page's session is the dashboard's child, so it wakes with it.
		if got := l.ada.StepUp(http.MethodPost, "/v1/keys", map[string]any{
			"name": "any", "purpose": "to be asked for a proof", "environment": "test", "dialect": "native", "algorithm": "hmac-sha256",
		}, l.secret); got.Status != http.StatusCreated {
			l.t.Fatalf("step-up of an idle session: %d %s", got.Status, got.Text)
		}
		l.expect("after a proof", full, l.power(l.ada))

		for time.Since(l.born) < signedIn+12*time.Hour-20*time.Minute {
			time.Sleep(15 * time.Minute)
			l.expect("with an act every quarter of an hour", full, l.power(l.ada))
		}
		l.until(signedIn + 12*time.Hour - time.Microsecond)
		l.expect("a microsecond before the absolute limit", full, l.power(l.ada))
		l.until(signedIn + 12*time.Hour)
		l.expect("at the absolute limit", ended, l.power(l.ada))
		l.expect("on the dashboard", fault.SessionEnded, l.ada.Call(http.MethodGet, "/v1/session", nil).Code)
	})
}

// TestAnOperatorsSessionEndsToTheSecond: at its idle limit it does not rest but ends, and nothing wakes it.
func TestAnOperatorsSessionEndsToTheSecond(t *testing.T) {
	inBubble(t, func(l *life) {
		l.mustSignIn(l.ada)
		user, _, err := l.Accounts.ByMail(l.t.Context(), mail)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := l.Accounts.MakeStaff(l.t.Context(), principal.Host("tests"), user.ID); err != nil {
			l.t.Fatal(err)
		}
		l.expect("what was open before", fault.SessionEnded, l.ada.Call(http.MethodGet, "/v1/session", nil).Code)

		l.mustSignIn(l.ada)
		l.enter(l.ada)
		entered := time.Since(l.born)
		l.until(entered + 15*time.Minute - time.Second)
		l.expect("a second before the idle limit", full, l.power(l.ada))
		acted := time.Since(l.born)
		l.until(acted + 15*time.Minute - time.Microsecond)
		l.expect("a microsecond before it, by a poll", fault.Code(""), l.ada.Call(http.MethodGet, "/v1/session", nil).Code)
		l.until(acted + 15*time.Minute)
		l.expect("at the idle limit", ended, l.power(l.ada))
		l.expect("on the dashboard", fault.SessionEnded, l.ada.Call(http.MethodGet, "/v1/session", nil).Code)

		l.mustSignIn(l.ada)
		signedIn := time.Since(l.born)
		l.enter(l.ada)
		acted = time.Since(l.born)
		l.expect("an act", full, l.power(l.ada))
		l.tells(acted+15*time.Minute, signedIn+8*time.Hour)
		for time.Since(l.born) < signedIn+8*time.Hour-14*time.Minute {
			time.Sleep(10 * time.Minute)
			l.expect("with an act every ten minutes", full, l.power(l.ada))
		}
		l.until(signedIn + 8*time.Hour - time.Microsecond)
		l.expect("a microsecond before the absolute limit", full, l.power(l.ada))
		l.until(signedIn + 8*time.Hour)
		l.expect("at the absolute limit", ended, l.power(l.ada))
	})
}

// tells: GET /v1/session names the very times that are enforced.
func (l *life) tells(idleAt, endsAt time.Duration) {
	l.t.Helper()
	var told struct {
		Idle     time.Time `json:"idle_expires_at"`
		Absolute time.Time `json:"absolute_expires_at"`
	}
	l.ada.Into(l.ada.Call(http.MethodGet, "/v1/session", nil), &told)
	l.expect("what the session says of itself", []time.Time{l.born.Add(idleAt).UTC(), l.born.Add(endsAt).UTC()}, []time.Time{told.Idle, told.Absolute})
}

func TestKeysEndToTheSecond(t *testing.T) {
	inBubble(t, func(l *life) {
		l.mustSignIn(l.ada)
		trade := []string{"balances:read", "orders:read", "orders:cancel", "orders:write"}
		free := l.newKey(map[string]any{"name": "free", "scopes": trade})
		pinned := l.newKey(map[string]any{"name": "pinned", "scopes": trade, "allowlist": []string{home}})
		short := l.newKey(map[string]any{"name": "short", "scopes": trade, "life_seconds": 7 * 24 * 3600})
		look := l.newKey(map[string]any{"name": "look"})
		for _, step := range []struct {
			key    authtest.Key
			name   string
			at     time.Time
			before power // until a second before; and from then on
			after  power
		}{
			{short, "a key of seven days expires", short.ExpiresAt, full, all(fault.KeyExpired)},
			{free, "a key without an allowlist loses the right to trade", free.Born.Add(30 * 24 * time.Hour), full, power{passed, passed, fault.KeyLapsed}},
			{free, "and lives for ninety days", free.Born.Add(90 * 24 * time.Hour), power{passed, passed, fault.KeyLapsed}, all(fault.KeyExpired)},
			{pinned, "a key with one trades for ninety", pinned.Born.Add(90 * 24 * time.Hour), full, all(fault.KeyExpired)},
			{look, "one that looks lives for a hundred and eighty", look.Born.Add(180 * 24 * time.Hour), power{passed, fault.KeyScopeMissing, fault.KeyScopeMissing}, all(fault.KeyExpired)},
		} {
			time.Sleep(time.Until(step.at.Add(-time.Second)))
			l.expect(step.name+": a second before", step.before, l.keyPower(step.key))
			time.Sleep(time.Until(step.at))
			l.expect(step.name+": then", step.after, l.keyPower(step.key))
		}
	})
}

func all(c fault.Code) power { return power{c, c, c} }

func (l *life) keyPower(k authtest.Key) power {
	l.t.Helper()
	return power{
		Look:   outcome(l.call(k, http.MethodGet, "/v1/accounts", "")),
		Cancel: outcome(l.call(k, http.MethodDelete, "/v1/order?uuid=00000000-0000-4000-8000-000000000000", "")),
		Trade:  outcome(l.call(k, http.MethodPost, "/v1/orders/test", order)),
	}
}

// TestThirtyDays: two sign-ins a day, a bot that trades every hour, a night of attack, and the server's background work each hour.
func TestThirtyDays(t *testing.T) {
	inBubble(t, func(l *life) {
		l.mustSignIn(l.ada)
		trade := []string{"balances:read", "orders:read", "orders:write"}
		bot := l.newKey(map[string]any{"name": "bot", "scopes": trade, "allowlist": []string{home}})
		free := l.newKey(map[string]any{"name": "free", "scopes": trade})
		database := filepath.Join(l.folder, "sallyport.db")
		for hour := 3; hour < 31*24; hour++ {
			l.until(time.Duration(hour) * time.Hour)
			switch hour % 24 {
			case 8, 16:
				l.mustSignIn(l.ada)
			case 9, 17:
				if got := l.ada.Call(http.MethodGet, "/v1/session", nil); got.Status != http.StatusOK {
					l.t.Errorf("hour %d: session gives %d %s", hour, got.Status, got.Text)
				}
			case 12: // a visit from a browser that is new each day
				l.mustSignIn(l.Browser(fmt.Sprintf("198.51.100.%d", hour/24+1)))
			}
			l.expect("the bot trades", passed, outcome(l.call(bot, http.MethodPost, "/v1/orders/test", order)))
			want := passed
			if !time.Now().Before(free.Born.Add(30 * 24 * time.Hour)) {
				want = fault.KeyLapsed
			}
			l.expect("the other bot trades for thirty days", want, outcome(l.call(free, http.MethodPost, "/v1/orders/test", order)))
			if hour == 10*24+2 {
				l.attack()
			}
			l.work()
		}
		// Two quiet days later nothing is left of what has an end.
		time.Sleep(48 * time.Hour)
		l.work()
		rows := storetest.CountRows(l.t, database)
		for _, table := range []string{"throttle", "spent", "sign_up", "child_code", "step_up", "session", "feed", "river_job", "key_nonce"} {
			if n, ok := rows[table]; n != 0 || !ok {
				l.t.Errorf("table %s (there: %t) has %d rows after everything in it has expired", table, ok, n)
			}
		}
		if _, waiting, err := l.Store.NextJob(l.t.Context()); waiting || err != nil {
			l.t.Errorf("a job is left: %t %v", waiting, err)
		}
		found, err := l.Log.VerifyAll(l.t.Context(), audit.Head{})
		if err != nil || found.Events < 90 {
			l.t.Errorf("the log holds %d events: %v", found.Events, err)
		}
		l.told()
	})
}

// told: Ada got a letter for every browser that was new, for her keys and her app, about the key that stops trading after thirty days, and about
// what neither of the keys needs.
func (l *life) told() {
	l.t.Helper()
	letters := map[string]int{}
	for _, letter := range l.Mailbox.Letters(mail) {
		letters[string(letter.Notice)]++
	}
	l.expect("letters", map[string]int{"sign_up_code": 1, "welcome": 1, "factor_added": 1, "key_created": 2, "key_lapsing": 3, "key_lapsed": 1, "key_unneeded": 2, "new_device": 31}, letters)
}

// attack is a night in which 10,000 wrong passwords come from a thousand addresses, and as many from Ada's own network. Her browser gets in
// all the time.
func (l *life) attack() {
	l.t.Helper()
	for i := range 10_000 {
		stranger := l.Browser(fmt.Sprintf("192.0.2.%d", i%250))
		if i%10 == 0 {
			stranger.Addr = home
		}
		got := stranger.SignIn(mail, "a wrong guess", "")
		if got.Code != fault.SignInRefused && got.Code != fault.SignInThrottled {
			l.t.Fatalf("guess %d: %d %s", i, got.Status, got.Text)
		}
		if i%500 == 0 {
			l.mustSignIn(l.ada)
		}
	}
}
