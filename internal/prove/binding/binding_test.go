package binding_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

const (
	mail = "ada@example.com"
	home = "203.0.113.7"
)

// office is a stack whose clock the test moves, with one person in front of one browser.
type office struct {
	*authtest.Stack
	*storetest.Clock
	t *testing.T
}

func open(t *testing.T, o authtest.Options) (*office, *authtest.Browser) {
	t.Helper()
	clock := storetest.NewClock()
	o.Now = clock.Now
	of := &office{authtest.StartWith(t, o), clock, t}
	b := of.Browser(home)
	b.Wait = clock.Advance
	b.SignUp(mail)
	return of, b
}

// whoami asks for the session and gives how that was answered: "ok", "limited: why", or the code of the refusal.
func whoami(b *authtest.Browser) string {
	r := b.Call(http.MethodGet, "/v1/session", nil)
	if r.Status != http.StatusOK {
		return string(r.Code)
	}
	var who struct{ Challenge *struct{ Why string } }
	b.Into(r, &who)
	if who.Challenge != nil {
		return "limited: " + who.Challenge.Why
	}
	return "ok"
}

// copied is a thief with all cookies of a browser.
func (o *office) copied(b *authtest.Browser) *authtest.Browser {
	thief := o.Browser(home)
	for host, cookies := range b.Cookies {
		thief.Cookies[host] = maps.Clone(cookies)
	}
	return thief
}

func expect(t *testing.T, what, want, got string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// TestACopyOfTheCookiesLapses: whoever has copied all cookies is out when the bound one lapses, and the device goes on.
func TestACopyOfTheCookiesLapses(t *testing.T) {
	o, b := open(t, authtest.Options{})
	expect(t, "before it is bound", "ok", whoami(b))
	d := b.Bind()
	expect(t, "bound", "ok", whoami(b))
	thief := o.copied(b)
	expect(t, "the copy at once", "ok", whoami(thief))
	o.Advance(9 * time.Minute)
	if r := d.Refresh(); r.Status != http.StatusOK {
		t.Fatalf("refresh: %d %s", r.Status, r.Text)
	}
	expect(t, "the copy a moment after the refresh", "ok", whoami(thief))
	o.Advance(time.Minute + time.Second)
	expect(t, "the copy after its minute", string(fault.Unauthorized), strings.Replace(whoami(thief), string(fault.SessionEnded), string(fault.Unauthorized), 1))
	expect(t, "the device", "ok", whoami(b))
	if err := o.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := b.Call(http.MethodGet, "/v1/activity", nil).Text
	if !strings.Contains(told, "session.unproven") {
		t.Errorf("the owner is not told: %s", told)
	}
	expect(t, "without the bound cookie", string(fault.SessionEnded), whoami(without(o.copied(b))))
}

func without(b *authtest.Browser) *authtest.Browser {
	for _, cookies := range b.Cookies {
		delete(cookies, httpx.BoundCookie)
	}
	return b
}

// TestTheCookieLapsesToTheSecond, counted with the little that it stays good for requests on their way.
func TestTheCookieLapsesToTheSecond(t *testing.T) {
	o, b := open(t, authtest.Options{})
	d := b.Bind()
	o.Advance(10*time.Minute + 10*time.Second - time.Millisecond)
	expect(t, "at its end", "ok", whoami(b))
	o.Advance(time.Millisecond)
	expect(t, "after its end", string(fault.SessionEnded), whoami(b))
	if r := d.Refresh(); r.Status != http.StatusOK {
		t.Fatalf("a late proof: %d %s", r.Status, r.Text)
	}
	expect(t, "after the proof", "ok", whoami(b))
}

// TestAnswers is the table of the wire.
func TestAnswers(t *testing.T) {
	_, b := open(t, authtest.Options{})
	d := b.Device()
	r := d.Register()
	if want, got := `{"session_identifier":"`+d.Session.String()+`","refresh_url":"/dbsc/refresh","scope":{"origin":"http://localhost:8080","include_site":false,`+
		`"scope_specification":[{"type":"exclude","domain":"*","path":"/assets"},{"type":"exclude","domain":"*","path":"/csp-report"},`+
		`{"type":"exclude","domain":"*","path":"/healthz"}]},"credentials":[{"type":"cookie","name":"__Host-bs","attributes":"Path=/; Secure; HttpOnly; SameSite=Lax"}]}`,
		strings.TrimSpace(r.Text); want != got {
		t.Errorf("instructions (-want +got):\n%s", cmp.Diff(want, got))
	}
	set := r.Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "__Host-bs=") || !strings.HasSuffix(set, "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("Set-Cookie: %s", set)
	}
	if got := r.Header.Get("Secure-Session-Challenge"); !strings.HasSuffix(got, `";id="`+d.Session.String()+`"`) || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", r.Header)
	}
	d.Challenge = authtest.ChallengeOf(r)
	asked := d.Prove("refresh", "")
	if asked.Status != http.StatusForbidden || asked.Code != fault.BindingChallenged || authtest.ChallengeOf(asked) != d.Challenge {
		t.Errorf("without a proof: %d %s %v", asked.Status, asked.Code, asked.Header)
	}
	unknown := d.Prove("refresh", d.Sign("of another day", nil, nil))
	if unknown.Status != http.StatusForbidden || authtest.ChallengeOf(unknown) != d.Challenge {
		t.Errorf("an unknown challenge: %d %s", unknown.Status, unknown.Text)
	}
	expect(t, "after both", "ok", whoami(b))
}

// TestWhoMayRegister: once, within a minute, with the session's own offer.
func TestWhoMayRegister(t *testing.T) {
	for name, tt := range map[string]struct {
		late time.Duration
		send func(o *office, d *authtest.Device) authtest.Reply
		want fault.Code
	}{
		"in time": {late: time.Minute, send: func(_ *office, d *authtest.Device) authtest.Reply { return d.Register() }},
		"late":    {late: time.Minute + time.Microsecond, send: func(_ *office, d *authtest.Device) authtest.Reply { return d.Register() }, want: fault.BindingRefused},
		"another challenge": {send: func(o *office, d *authtest.Device) authtest.Reply {
			offer := o.Bindings.Offer(d.Session)
			return d.Prove("register", d.Sign("another", map[string]any{"authorization": offer.Authorization}, d.JWK()))
		}, want: fault.BindingRefused},
		"no authorization": {send: func(o *office, d *authtest.Device) authtest.Reply {
			return d.Prove("register", d.Sign(o.Bindings.Offer(d.Session).Challenge, nil, d.JWK()))
		}, want: fault.BindingRefused},
		"another audience": {send: func(o *office, d *authtest.Device) authtest.Reply {
			offer := o.Bindings.Offer(d.Session)
			claims := map[string]any{"authorization": offer.Authorization, "aud": "https://elsewhere.example/dbsc/register"}
			return d.Prove("register", d.Sign(offer.Challenge, claims, d.JWK()))
		}, want: fault.BindingRefused},
		"this audience": {send: func(o *office, d *authtest.Device) authtest.Reply {
			offer := o.Bindings.Offer(d.Session)
			claims := map[string]any{"authorization": offer.Authorization, "aud": authtest.Origin + "/dbsc/register"}
			return d.Prove("register", d.Sign(offer.Challenge, claims, d.JWK()))
		}},
		"a key that did not sign": {send: func(o *office, d *authtest.Device) authtest.Reply {
			offer := o.Bindings.Offer(d.Session)
			return d.Prove("register", d.Sign(offer.Challenge, map[string]any{"authorization": offer.Authorization}, d.Device().JWK()))
		}, want: fault.BindingRefused},
		"no key": {send: func(o *office, d *authtest.Device) authtest.Reply {
			offer := o.Bindings.Offer(d.Session)
			return d.Prove("register", d.Sign(offer.Challenge, map[string]any{"authorization": offer.Authorization}, nil))
		}, want: fault.BindingRefused},
		"the offer of another session": {send: func(o *office, d *authtest.Device) authtest.Reply {
			other := o.Browser(home)
			other.SignUp("eve@example.com")
			offer := o.Bindings.Offer(d.Session)
			thief := other.Device()
			return thief.Prove("register", thief.Sign(offer.Challenge, map[string]any{"authorization": offer.Authorization}, thief.JWK()))
		}, want: fault.BindingRefused},
		"no session": {send: func(_ *office, d *authtest.Device) authtest.Reply {
			delete(d.Cookies["localhost:8080"], httpx.SessionCookie)
			return d.Register()
		}, want: fault.SessionEnded},
		"a second key": {send: func(o *office, d *authtest.Device) authtest.Reply {
			if r := d.Register(); r.Status != http.StatusOK {
				o.t.Fatal(r.Text)
			}
			return d.Device().Register()
		}, want: fault.BindingRefused},
		"from another site": {send: func(_ *office, d *authtest.Device) authtest.Reply {
			r := d.Request(http.MethodPost, authtest.Origin+"/dbsc/register", "")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return d.Do(r)
		}, want: fault.RequestCrossSite},
	} {
		t.Run(name, func(t *testing.T) {
			o, b := open(t, authtest.Options{})
			d := b.Device()
			o.Advance(tt.late)
			if r := tt.send(o, d); r.Code != tt.want || tt.want == "" && r.Status != http.StatusOK {
				t.Errorf("%d %s, want %q", r.Status, r.Text, tt.want)
			}
		})
	}
}

// TestAWrongSignature: beside the right bearer the session dies and money is held; from anybody else it is nothing.
func TestAWrongSignature(t *testing.T) {
	for name, forge := range map[string]func(d *authtest.Device) string{
		"another key":           func(d *authtest.Device) string { return d.Device().Sign(d.Challenge, nil, nil) },
		"a key brought along":   func(d *authtest.Device) string { other := d.Device(); return other.Sign(d.Challenge, nil, other.JWK()) },
		"the key brought along": func(d *authtest.Device) string { return d.Sign(d.Challenge, nil, d.JWK()) },
		"another algorithm": func(d *authtest.Device) string {
			return d.SignParts(map[string]any{"alg": "RS256", "typ": "dbsc+jwt"}, map[string]any{"jti": d.Challenge})
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, b := open(t, authtest.Options{})
			b.Enter()
			d := b.Bind()
			stranger := o.Browser("198.51.100.4")
			noCookie := authtest.Device{Browser: stranger, Session: d.Session, Key: d.Key, Challenge: d.Challenge}
			forged := forge(d)
			if r := noCookie.Prove("refresh", forged); r.Code != fault.BindingRefused {
				t.Errorf("without the bearer: %d %s", r.Status, r.Text)
			}
			expect(t, "after a stranger's word", "ok", whoami(b))
			for range 2 { // the second time there is nothing left to end
				if r := d.Prove("refresh", forged); r.Code != fault.BindingRefused && r.Status != http.StatusOK {
					t.Errorf("with the bearer: %d %s", r.Status, r.Text)
				}
			}
			expect(t, "after the copy was used", string(fault.SessionEnded), whoami(b))
			page := b.Request(http.MethodGet, authtest.PageOrigin+"/", "")
			page.Header.Set("Sec-Fetch-Mode", "cors")
			if r := b.Do(page); r.Status != http.StatusUnauthorized {
				t.Errorf("its child: %d", r.Status)
			}
			if r := d.Refresh(); r.Status != http.StatusOK || !strings.Contains(r.Text, `"continue":false`) {
				t.Errorf("the device is told: %d %s", r.Status, r.Text)
			}
			o.Settle()
			letters := o.Mailbox.Letters(mail)
			var notices []notify.Letter
			for _, l := range letters {
				notices = append(notices, l.Notice)
			}
			if last := notices[len(notices)-1]; last != notify.CookieReplayed || strings.Count(strings.Join(words(notices), " "), string(notify.CookieReplayed)) != 1 {
				t.Errorf("letters %v", notices)
			}
		})
	}
}

func words(list []notify.Letter) (text []string) {
	for _, l := range list {
		text = append(text, string(l))
	}
	return text
}

// TestAProofThatIsSentTwice gets the same answer for a minute, with the bearer; later, or without it, a challenge.
func TestAProofThatIsSentTwice(t *testing.T) {
	o, b := open(t, authtest.Options{})
	d := b.Bind()
	proof := d.Sign(d.Challenge, nil, nil)
	once := d.Prove("refresh", proof)
	cookie := d.BoundCookie()
	o.Advance(59 * time.Second)
	twice := d.Prove("refresh", proof)
	if twice.Status != http.StatusOK || d.BoundCookie() != cookie || authtest.ChallengeOf(twice) != authtest.ChallengeOf(once) {
		t.Errorf("twice: %d %s", twice.Status, twice.Text)
	}
	bare := authtest.Device{Browser: o.Browser(home), Session: d.Session, Key: d.Key}
	if r := bare.Prove("refresh", proof); r.Code != fault.BindingChallenged {
		t.Errorf("a proof that was overheard: %d %s", r.Status, r.Text)
	}
	o.Advance(time.Second)
	if r := d.Prove("refresh", proof); r.Code != fault.BindingChallenged || authtest.ChallengeOf(r) != authtest.ChallengeOf(once) {
		t.Errorf("after a minute: %d %s", r.Status, r.Text)
	}
	expect(t, "the session", "ok", whoami(b))
}

// broken is storage that does not answer.
type broken struct{}

var errBroken = errors.New("disk I/O error")

func (broken) View(context.Context, func(binding.Tx) error) error { return errBroken }

func (broken) Update(context.Context, func(binding.Tx) (audit.Event, error)) error { return errBroken }

// TestOurOwnFaultDestroysNothing: it is a 503, it alone opens looking and cancelling, to that session alone, and not for long.
func TestOurOwnFaultDestroysNothing(t *testing.T) {
	o, b := open(t, authtest.Options{})
	secretOf := b.EnrolTOTP()
	o.Advance(30 * time.Second)
	if r := b.SignIn(mail, authtest.Password, secretOf); r.Status != http.StatusOK {
		t.Fatal(r.Text)
	}
	d := b.Bind()
	fail := func(bearer string) authtest.Reply {
		r := d.Request(http.MethodPost, authtest.Origin+"/dbsc/refresh", "")
		r.Header.Set("Sec-Secure-Session-Id", d.Session.String())
		r.Header.Set("Secure-Session-Response", d.Sign(d.Challenge, nil, nil))
		other := o.Browser(home)
		other.Cookies["localhost:8080"] = map[string]string{httpx.SessionCookie: bearer}
		storage := o.Bindings.Ledger
		defer func() { o.Bindings.Ledger = storage }()
		o.Bindings.Ledger = broken{}
		return other.Do(r)
	}
	o.Advance(11 * time.Minute)
	expect(t, "nothing failed", string(fault.SessionEnded), whoami(b))
	lying := b.Request(http.MethodGet, authtest.Origin+"/v1/session", "")
	lying.Header.Set("Secure-Session-Skipped", `server_error;session_identifier="`+d.Session.String()+`"`)
	if r := b.Do(lying); r.Status != http.StatusUnauthorized {
		t.Errorf("the browser's word opens it: %d", r.Status)
	}
	if r := fail(string(secret.MintBearer("session").Reveal())); r.Status != http.StatusServiceUnavailable {
		t.Errorf("fault for a stranger: %d %s", r.Status, r.Text)
	}
	expect(t, "a stranger's failure", string(fault.SessionEnded), whoami(b))
	r := fail(b.Cookies["localhost:8080"][httpx.SessionCookie])
	if r.Status != http.StatusServiceUnavailable || r.Code != fault.Unavailable || r.Header.Get("Set-Cookie") != "" {
		t.Errorf("fault: %d %s %v", r.Status, r.Text, r.Header)
	}
	expect(t, "after our fault", "limited: "+string(assurance.Unrenewed), whoami(b))
	var listed struct {
		Sessions []struct {
			Skipped string `json:"bound_skipped"`
		}
	}
	if b.Into(b.Call(http.MethodGet, "/v1/sessions", nil), &listed); len(listed.Sessions) != 1 || listed.Sessions[0].Skipped != "server_error" {
		t.Errorf("what the browser said about it is told as %+v", listed)
	}
	for path, want := range map[string]fault.Code{"/v1/keys": fault.SessionUnrenewed, "/v1/session/restore": ""} {
		if r := b.Call(http.MethodPost, path, map[string]any{}); want != "" && r.Code != want {
			t.Errorf("%s: %d %s, want %s", path, r.Status, r.Text, want)
		}
	}
	expect(t, "still", "limited: "+string(assurance.Unrenewed), whoami(b))
	o.Advance(9*time.Minute - time.Millisecond)
	expect(t, "before the last proof is 20 minutes old", "limited: "+string(assurance.Unrenewed), whoami(b))
	o.Advance(time.Millisecond)
	expect(t, "when it is", string(fault.SessionEnded), whoami(b))
	if r := d.Refresh(); r.Status != http.StatusOK {
		t.Fatalf("the storage is back: %d %s", r.Status, r.Text)
	}
	expect(t, "after a proof", "ok", whoami(b))
	o.Advance(11 * time.Minute)
	expect(t, "a grace is for once", string(fault.SessionEnded), whoami(b))
}

// TestASessionThatIsOver tells its browser to forget the key, whatever it proves.
func TestASessionThatIsOver(t *testing.T) {
	for name, end := range map[string]func(o *office, b *authtest.Browser){
		"signed out": func(_ *office, b *authtest.Browser) { b.Call(http.MethodDelete, "/v1/session", nil) },
		"expired":    func(o *office, _ *authtest.Browser) { o.Advance(12 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			o, b := open(t, authtest.Options{})
			d := b.Bind()
			end(o, b)
			for _, proof := range []string{"", d.Sign(d.Challenge, nil, nil)} {
				r := d.Prove("refresh", proof)
				want := `{"session_identifier":"` + d.Session.String() + `","continue":false}`
				if r.Status != http.StatusOK || strings.TrimSpace(r.Text) != want || r.Header.Get("Set-Cookie") != "" {
					t.Errorf("%d %s %v", r.Status, r.Text, r.Header)
				}
			}
			if r := (&authtest.Device{Browser: b, Session: id.New[id.SessionKind](o.Clock.Now())}).Prove("refresh", ""); r.Status != http.StatusUnauthorized {
				t.Errorf("a session that never was: %d %s", r.Status, r.Text)
			}
		})
	}
}

// TestAHundredProofsOverOneChallenge: one renews, and all who were in time get its cookie.
func TestAHundredProofsOverOneChallenge(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			var o authtest.Options
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			of, b := open(t, o)
			d := b.Bind()
			var all sync.WaitGroup
			var mu sync.Mutex
			outcomes, cookies := map[binding.Outcome]int{}, map[string]int{}
			who := b.Principal()
			for range 100 {
				in := binding.Shown{
					Session: d.Session, Bearer: secret.FromString("session", b.Cookies["localhost:8080"][httpx.SessionCookie]),
					Proof: d.Sign(d.Challenge, nil, nil), URL: authtest.Origin + "/dbsc/refresh", From: who.Origin,
				}
				all.Go(func() {
					answer, err := of.Bindings.Refresh(t.Context(), in)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					outcomes[answer.Outcome]++
					cookies[string(answer.Cookie.Reveal())]++
				})
			}
			all.Wait()
			if diff := cmp.Diff(map[binding.Outcome]int{binding.Renewed: 1, binding.Repeated: 99}, outcomes); diff != "" || len(cookies) != 1 {
				t.Errorf("%d cookies, outcomes (-want +got):\n%s", len(cookies), diff)
			}
			if got := of.Bindings.Counts(); got["renewed"] != 1 || got["repeated"] != 99 || got["registered"] != 1 {
				t.Errorf("counted %v", got)
			}
		})
	}
}
