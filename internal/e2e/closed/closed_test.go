// Package closed_test breaks what the server stands on, step by step, and asks for things: each is either done as a whole, with its event, or
// not at all, nothing that failed is called done, and nothing is let through because something is broken.
package closed_test

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/rawsql"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// breaker makes a database fail at the nth step from now, and works again when it is disarmed. disarm says whether it failed.
type breaker interface {
	arm(t *testing.T, n int)
	disarm(t *testing.T) bool
}

// rows lets a SQLite file take n more rows and refuse every one after them.
type rows struct{ path string }

func (r rows) arm(t *testing.T, n int) {
	t.Helper()
	if err := rawsql.Exec(r.path, "UPDATE room SET rows = "+strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
}

func (r rows) disarm(t *testing.T) bool {
	t.Helper()
	r.arm(t, 1<<40)
	return false // its count is rolled back with the change that failed
}

// world is a stack whose database can be broken.
type world struct {
	*authtest.Stack
	breaker
	t                *testing.T
	people, browsers int
	ahead            atomic.Int64 // of the real time
}

func onBothEngines(t *testing.T, test func(*world)) {
	t.Helper()
	start := func(t *testing.T, dsn string) *world {
		w := &world{t: t}
		w.Stack = authtest.StartWith(t, authtest.Options{
			PostgresDSN: dsn, Log: slog.New(slog.DiscardHandler), // what fails here is meant to
			Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
		})
		return w
	}
	t.Run("sqlite", func(t *testing.T) {
		w := start(t, "")
		path := w.Config.Store.SQLite.Path
		if err := rawsql.LimitRows(path); err != nil {
			t.Fatal(err)
		}
		w.breaker = rows{path}
		test(w)
	})
	t.Run("postgres", func(t *testing.T) {
		line := newWire(t, storetest.Postgres.New(t))
		w := start(t, line.dsn)
		w.breaker = line
		test(w)
	})
}

// person is somebody new, in a browser of theirs.
func (w *world) person() (*authtest.Person, *authtest.Browser) {
	w.t.Helper()
	w.people++
	w.ahead.Add(int64(10 * time.Second)) // all of them come from one network, which may sign up so often
	p := w.SignUp("person" + strconv.Itoa(w.people) + "@example.com")
	b := w.browser()
	b.Cookies["localhost:8080"] = map[string]string{"__Host-sid": string(p.Bearer.Reveal()), "__Host-dev": string(p.Device.Reveal())}
	return p, b
}

// browser is one that has never been here, in a network of its own.
func (w *world) browser() *authtest.Browser {
	w.browsers++
	return w.Browser(netip.AddrFrom4([4]byte{198, 18, byte(w.browsers >> 8), byte(w.browsers)}).String())
}

// events counts those of a kind about a person that came after one, and names the last.
func (w *world) events(p *authtest.Person, action audit.Action, after int64) (count int, last int64) {
	w.t.Helper()
	who := principal.Principal{
		Kind: principal.KindUser, User: p.User.ID, Role: principal.Owner, Scopes: policy.ScopesOf(principal.Owner),
		Proof: assurance.Proof{Factors: assurance.Password},
	}
	if _, memberships, err := w.Accounts.ByMail(w.t.Context(), p.Mail); err != nil {
		w.t.Fatal(err)
	} else {
		who.Account = memberships[0].Account
	}
	page, err := w.Log.Activity(w.t.Context(), who, 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range page {
		if e.Action == action && e.Seq > after {
			count++
		}
	}
	return count, page[0].Seq
}

// try is something that somebody wants done: do asks for it once, and done says of each of its parts, which are more than one, whether it is.
type try struct {
	who  *authtest.Person
	do   func() (status int)
	done func() []bool
}

const another = "five other words in another row"

var changes = []struct {
	name    string
	action  audit.Action
	prepare func(w *world) try // for each step anew
}{
	{"revoke a key", "key.revoked", func(w *world) try {
		p, b := w.person()
		key := w.IssueKey(p, apikey.IssueInput{Algorithm: sign.HMACSHA256})
		return try{p, func() int { return b.Call(http.MethodDelete, "/v1/keys/"+key.Text(), nil).Status }, func() []bool {
			return []bool{w.Do(w.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")).StatusCode != http.StatusOK}
		}}
	}},
	{"end the other sessions", "session.others_revoked", func(w *world) try {
		p, b := w.person()
		other := w.elsewhere(p)
		return try{p, func() int { return b.Call(http.MethodPost, "/v1/sessions/sign-out-others", nil).Status }, func() []bool {
			return []bool{!alive(other)}
		}}
	}},
	{"give an app", "totp.enrolled", func(w *world) try {
		p, b := w.person()
		var shown struct{ Secret string }
		b.Into(b.Call(http.MethodPost, "/v1/totp", nil), &shown)
		code := map[string]string{"code": authtest.CodeAt(strings.ReplaceAll(shown.Secret, " ", ""), w.Now())}
		return try{p, func() int { return b.Call(http.MethodPost, "/v1/totp/confirm", code).Status }, func() []bool {
			half := w.browser().SignIn(p.Mail, authtest.Password, "")
			return []bool{strings.Contains(half.Text, `"half"`)}
		}}
	}},
	{"change the password", "password.changed", func(w *world) try {
		p, b := w.person()
		other := w.elsewhere(p)
		return try{p, func() int {
			return b.Call(http.MethodPut, "/v1/password", map[string]string{"password": another}).Status
		}, func() []bool {
			return []bool{
				!alive(other),
				w.browser().SignIn(p.Mail, authtest.Password, "").Status != http.StatusOK,
				w.browser().SignIn(p.Mail, another, "").Status == http.StatusOK,
			}
		}}
	}},
	{"sign in", "session.signed_in", func(w *world) try {
		p, _ := w.person()
		fresh, had := w.browser(), w.sessions(p)
		status := 0
		return try{p, func() int {
			status = fresh.Call(http.MethodPost, "/v1/sign-in", map[string]string{"mail": p.Mail, "password": authtest.Password}).Status
			return status
		}, func() []bool {
			if alive(fresh) != (status < http.StatusBadRequest) {
				w.t.Errorf("answered %d, and the browser has a session: %t", status, alive(fresh))
			}
			return []bool{w.sessions(p) == had+1}
		}}
	}},
}

// elsewhere signs a person in from another browser.
func (w *world) elsewhere(p *authtest.Person) *authtest.Browser {
	w.t.Helper()
	b := w.browser()
	if got := b.SignIn(p.Mail, authtest.Password, ""); got.Status != http.StatusOK {
		w.t.Fatalf("sign-in: %d %s", got.Status, got.Text)
	}
	return b
}

func (w *world) sessions(p *authtest.Person) int {
	w.t.Helper()
	list, err := w.Sessions.List(w.t.Context(), p.Principal())
	if err != nil {
		w.t.Fatal(err)
	}
	return len(list)
}

func alive(b *authtest.Browser) bool {
	return b.Call(http.MethodGet, "/v1/session", nil).Status == http.StatusOK
}

func TestAChangeIsDoneWithItsEventOrNotAtAll(t *testing.T) {
	onBothEngines(t, func(w *world) {
		for _, c := range changes {
			failed, undone := 0, 0
			for n := 0; ; n++ {
				try := c.prepare(w)
				_, before := w.events(try.who, c.action, 0)
				w.arm(w.t, n)
				status := try.do()
				broke := w.disarm(w.t)
				if err := w.Store.CatchUp(w.t.Context()); err != nil {
					w.t.Fatal(err)
				}
				told, _ := w.events(try.who, c.action, before)
				for part, done := range try.done() {
					if done != (told == 1) || told > 1 {
						w.t.Errorf("%s, broken at step %d (%d): part %d is done: %t, with %d events", c.name, n, status, part, done, told)
					}
				}
				if status < http.StatusBadRequest {
					if told != 1 {
						w.t.Errorf("%s, broken at step %d: answered %d with %d events", c.name, n, status, told)
					}
					if !broke {
						break
					}
					continue
				}
				failed++
				if told == 0 {
					undone++
				}
				if failed == 200 { // no change has so many steps
					w.t.Fatalf("%s: never done, lately answered %d", c.name, status)
				}
				if status != http.StatusInternalServerError && status != http.StatusServiceUnavailable {
					w.t.Errorf("%s, broken at step %d: answered %d", c.name, n, status)
				}
			}
			if failed < 3 || undone < 3 {
				w.t.Errorf("%s: of %d failures %d left it undone, so little was broken", c.name, failed, undone)
			}
		}
	})
}

// TestABrokenStoreLetsNoTokenThrough: a token without a time is good once, and its nonce lies in a row.
func TestABrokenStoreLetsNoTokenThrough(t *testing.T) {
	onBothEngines(t, func(w *world) {
		p, _ := w.person()
		key := w.IssueKey(p, apikey.IssueInput{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
		failed := 0
		for n := 0; ; n++ {
			first := w.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			w.arm(w.t, n)
			got := w.Do(first.Clone(w.t.Context())).StatusCode
			broke := w.disarm(w.t)
			passed := 0
			for _, status := range []int{got, w.Do(first.Clone(w.t.Context())).StatusCode, w.Do(first.Clone(w.t.Context())).StatusCode} {
				if status == http.StatusOK {
					passed++
				}
			}
			if passed > 1 {
				w.t.Errorf("broken at step %d: one token passed %d times", n, passed)
			}
			if got == http.StatusOK && !broke {
				break
			}
			failed++
		}
		if failed == 0 {
			w.t.Error("nothing was broken")
		}
	})
}

// TestNoHeaderGrantsAccess sends what proxies, probes and other gateways trust to every route that needs somebody (X51).
func TestNoHeaderGrantsAccess(t *testing.T) {
	s := authtest.Start(t)
	s.SignUp("ada@example.com")
	header := map[string]string{
		"User-Agent": "kube-probe/1.30 GoogleHC/1.0 ELB-HealthChecker/2.0", "X-Forwarded-User": "ada@example.com", "X-Forwarded-Email": "ada@example.com",
		"X-Auth-Request-User": "ada@example.com", "Remote-User": "ada@example.com", "X-Remote-User": "ada@example.com", "X-Original-Url": "/healthz",
		"X-Original-Uri": "/healthz", "X-Rewrite-Url": "/healthz", "X-Forwarded-Uri": "/healthz", "X-Http-Method-Override": "GET", "X-Forwarded-For": "127.0.0.1",
		"X-Forwarded-Host": "localhost", "Sallyport-Assertion": "e30.e30.", "Authorization": "Basic YWRhOg==", "X-Api-Key": "sp", "Cookie": "__Host-sid=; admin=true",
	}
	ask := func(method, host, path string) int {
		r := s.Browser("203.0.113.7").Request(method, "http://"+host+path, "{}")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", authtest.Origin)
		for name, value := range header {
			r.Header.Set(name, value)
		}
		return s.Do(r).StatusCode
	}
	asked := 0
	for _, line := range append(route.Of("api"), route.Of("web")...) {
		if line.Needs == route.Public || line.Needs == route.Pre {
			continue
		}
		asked++
		path := strings.NewReplacer("{$}", "", "{", "", "}", "").Replace(line.Pattern)
		if got := ask(line.Method, "localhost:8080", path); got < http.StatusMultipleChoices {
			t.Errorf("%s: %d", line.Name(), got)
		}
	}
	for _, host := range []string{authtest.APIHost, authtest.LiveHost, authtest.PageHost} {
		if got := ask(http.MethodGet, host, "/v1/accounts"); got < http.StatusMultipleChoices {
			t.Errorf("%s: %d", host, got)
		}
	}
	if asked < 30 {
		t.Errorf("only %d routes were asked", asked)
	}
}
