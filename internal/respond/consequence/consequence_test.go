package consequence_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/respond/consequence"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// TestWhatDiesWhen makes each thing of the table happen, through each door where it can, and asks every door at the moment of the
// acknowledgement what is left of each session, child and key. What should be left is read from the table.
func TestWhatDiesWhen(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			o := authtest.Options{Now: clock.Now, Convention: "x-forwarded"}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			s := authtest.StartWith(t, o)
			for _, kind := range slices.Sorted(maps.Keys(consequence.Table())) {
				for door, cause := range causes[kind] {
					t.Run(string(kind)+"/"+door, func(t *testing.T) {
						w := newWorld(t, s, clock, cause)
						if diff := cmp.Diff(wanted(consequence.Row{}), w.left()); diff != "" {
							t.Fatalf("before it happens (-open +doors):\n%s", diff)
						}
						before := len(w.letters())
						cause.happens(w)
						row := consequence.Table()[kind]
						if letters := w.letters(); !told(letters[before:], row) {
							t.Errorf("its user was told %q, and the table says %q", letters[before:], row.Notice)
						}
						if cause.ticks {
							row.Keys = consequence.Frozen
						}
						if diff := cmp.Diff(wanted(row), w.left()); diff != "" {
							t.Errorf("(-table +doors):\n%s", diff)
						}
					})
				}
			}
		})
	}
}

// told says whether the letter of a row is among those that were written, and that of a wish to leave where the row ends it. Where the row is silent there
// is none but these and what package recovery writes by itself. A cause may do more than one thing.
func told(letters []notify.Letter, row consequence.Row) bool {
	if slices.Contains(letters, notify.DepartureStopped) != (row.Leaving == consequence.Dies) {
		return false
	}
	if row.Notice != "" {
		return slices.Contains(letters, row.Notice)
	}
	apart := []notify.Letter{notify.DepartureStopped, notify.RecoveryCode, notify.RecoveryWaiting}
	return !slices.ContainsFunc(letters, func(l notify.Letter) bool { return !slices.Contains(apart, l) })
}

// TestEveryRowHappens: a row without a cause would be believed unseen.
func TestEveryRowHappens(t *testing.T) {
	apart := map[happening.Kind]bool{
		happening.SignedUp: true, happening.UserEnabled: true, happening.OwnerUnlocked: true, // they have nothing yet, or nothing any more
		happening.DepartureBegun: true, happening.DepartureNear: true, happening.DepartureStopped: true, happening.RecoveryRejected: true,
		happening.CodesGuessed: true, happening.MoneyConfirmed: true, happening.PasskeyCloned: true, happening.KeyExpiring: true, happening.KeyExpired: true, happening.KeyLapsing: true,
		happening.KeyLapsed: true, happening.KeyUnused: true, happening.KeyUnneeded: true, happening.KeyRetiring: true, happening.KeyUnseen: true, happening.KeyExtended: true, happening.KeyNarrowed: true, happening.KeyDisabled: true, happening.KeyWoken: true, happening.KeyOrphaned: true, happening.MemberFrozen: true, happening.SessionCopied: true, // they only tell, and that is tried where they happen
	}
	for kind := range consequence.Table() {
		if len(causes[kind]) == 0 && !apart[kind] {
			t.Errorf("%s: no test makes it happen", kind)
		}
	}
	for kind := range causes {
		if _, ok := consequence.Table()[kind]; !ok {
			t.Errorf("%s has no row", kind)
		}
	}
}

// TestNothingComesBackWithTheUser: who is enabled again finds keys that work and sessions that have ended.
func TestNothingComesBackWithTheUser(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now, Convention: "x-forwarded"})
	w := newWorld(t, s, clock, cause{})
	host := principal.Host("tests")
	for _, change := range []error{s.Accounts.Disable(t.Context(), host, w.user), s.Accounts.Enable(t.Context(), host, w.user)} {
		if change != nil {
			t.Fatal(change)
		}
	}
	if diff := cmp.Diff(wanted(consequence.Row{Leaving: consequence.Dies, This: consequence.Dies, Others: consequence.Dies, Asked: consequence.Dies}), w.left()); diff != "" {
		t.Errorf("(-want +doors):\n%s", diff)
	}
}

// Each notice that somebody gets says what its link stops, or is known to have nothing to stop.
func TestEveryNoticeHasItsContainment(t *testing.T) {
	nothing := map[notify.Letter]bool{
		notify.Welcome: true, notify.Contained: true, notify.ContainedOther: true, notify.DepartureStopped: true,
		notify.UserRaised: true, notify.UserLowered: true, // the operator did
		notify.MembershipChanged: true, notify.MemberFrozen: true, notify.KeysLeft: true, notify.SponsorsChanged: true, // an owner of the account did, or somebody left
		notify.RecoveryRejected: true, notify.RecoveryOpened: true, // the owner stops it under Recovery, with a proof
		// The key that it is about is blocked already.
		notify.KeyFound: true,
		// Time did these.
		notify.KeyExpiring: true, notify.KeyExpired: true, notify.KeyLapsing: true, notify.KeyLapsed: true, notify.KeyUnused: true,
		notify.KeyNarrowed: true, notify.KeyDisabled: true, notify.KeyOrphaned: true, notify.KeyUnneeded: true, notify.KeyRetiring: true, notify.KeyUnseen: true,
	}
	for kind, row := range consequence.Table() {
		plan, stops := notify.ContainmentOf(row.Notice)
		if row.Notice != "" && stops == nothing[row.Notice] {
			t.Errorf("%s: its notice %s has a containment: %t", kind, row.Notice, stops)
		}
		if stops && plan.Kind != happening.ReportedSession && plan.Kind != happening.ReportedChange {
			t.Errorf("%s: %s follows", row.Notice, plan.Kind)
		}
	}
}

// answers maps thing → door → how it was answered: "open", or the code of the refusal.
type answers map[string]map[string]fault.Code

// dashboard is the host of the pages and of /v1.
const dashboard = "localhost:8080"

const (
	open          fault.Code = "open"
	forgotten     fault.Code = "forgotten"
	untilUnlocked fault.Code = "until unlocked"
	nobodyTold    fault.Code = "nobody is told"
)

// spans are what the configuration of every test stack says.
var spans = map[consequence.Span]time.Duration{
	consequence.CredentialHold: 24 * time.Hour, consequence.AccountHold: 24 * time.Hour, consequence.ContactHold: 72 * time.Hour, consequence.RecoveryHold: 72 * time.Hour,
}

// wanted is what a row leaves of each thing.
func wanted(row consequence.Row) answers {
	session := func(answer fault.Code) map[string]fault.Code {
		return map[string]fault.Code{"pages": answer, "/v1": answer, "page host": answer, "forward-auth": answer, "ext_authz": answer, "stream": answer}
	}
	renewed := session(open)
	for _, door := range []string{"page host", "forward-auth", "ext_authz", "stream"} {
		renewed[door] = fault.SessionEnded // its browser crosses over again
	}
	ofFate := map[consequence.Fate]map[string]fault.Code{
		consequence.Stays: session(open), consequence.Renewed: renewed, consequence.Dies: session(fault.SessionEnded),
		consequence.Within: session(fault.SessionEnded), // there is one account
		consequence.Lost:   session(fault.SessionEnded), // the other session is in the browser that is lost
	}
	looks := map[consequence.Fate]fault.Code{consequence.Stays: open, consequence.Frozen: open, consequence.Locked: open, consequence.Blocked: fault.KeyOwnerDisabled}[row.Keys]
	orders := map[consequence.Fate]fault.Code{
		consequence.Stays: open, consequence.Frozen: fault.KeyFrozen, consequence.Locked: fault.KeyAccountLocked, consequence.Blocked: fault.KeyOwnerDisabled,
	}[row.Keys]
	remembered := open
	if row.Others == consequence.Dies || row.Others == consequence.Lost {
		remembered = forgotten
	}
	this, another := maps.Clone(ofFate[row.This]), maps.Clone(ofFate[row.Others])
	this["refresh"], another["refresh"] = this["/v1"], another["/v1"] // a new bearer is bound as the old one was
	bearer := session(open)
	if row.This != consequence.Stays {
		bearer = session(fault.SessionEnded)
	}
	money := fault.Code(spans[row.Hold].String())
	if row.Hold == consequence.UntilUnlocked {
		money = untilUnlocked
	}
	told := nobodyTold
	if row.Case {
		told = open
	}
	return answers{
		"operators":    {"case": told},
		"this session": this, "its bearer from before": bearer, "another session": another,
		"a key":                {"gateway": looks, "/v1": looks, "forward-auth": looks, "ext_authz": looks, "stream": looks, "orders": orders},
		"a remembered browser": {"sign-in": remembered}, "money": {"holds": money},
		"what was asked for": {"row": map[consequence.Fate]fault.Code{consequence.Stays: open, consequence.Dies: fault.ConfirmationVoid, consequence.Within: fault.ConfirmationVoid}[row.Asked]},
		"leaving":            {"row": map[consequence.Fate]fault.Code{consequence.Stays: open, consequence.Dies: fault.AccountNotLeaving}[row.Leaving]},
	}
}

// left asks every door about everything.
func (w *world) left() answers {
	w.t.Helper()
	refreshed := map[*authtest.Browser]fault.Code{w.here: w.refresh(w.here), w.there: w.refresh(w.there)}
	w.before.Cookies[dashboard][httpx.BoundCookie] = w.here.Cookies[dashboard][httpx.BoundCookie] // so that it lacks the new bearer alone
	before, this, another := w.session(w.before), w.session(w.here), w.session(w.there)
	this["refresh"], another["refresh"] = refreshed[w.here], refreshed[w.there]
	return answers{
		"this session": this, "its bearer from before": before, "another session": another,
		"a key": {
			"gateway":      outcome(w.Browser(home).Do(w.Signed(w.key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))),
			"/v1":          outcome(w.Browser(home).Do(w.Signed(w.key, http.MethodGet, "localhost:8080", "/v1/session", ""))),
			"forward-auth": w.asked(w.Signed(w.key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")),
			"ext_authz":    w.envoy(w.Signed(w.key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")),
			"stream":       w.keyStream(),
			"orders":       outcome(w.Browser(home).Do(w.Signed(w.key, http.MethodPost, authtest.APIHost, "/v1/orders", order))),
		},
		"a remembered browser": {"sign-in": w.remembered()},
		"money":                {"holds": w.held()},
		"what was asked for":   {"row": w.waiting()},
		"leaving":              {"row": w.leaving()},
		"operators":            {"case": w.cased()},
	}
}

// leaving says whether the person is still going to be erased.
func (w *world) leaving() fault.Code {
	w.t.Helper()
	who := principal.Principal{User: w.user}
	_, found, err := w.Privacy.Of(w.t.Context(), who)
	if err != nil {
		w.t.Fatal(err)
	}
	if !found {
		return fault.AccountNotLeaving
	}
	return open
}

// cased says whether operators have a case to read.
func (w *world) cased() fault.Code {
	w.t.Helper()
	list, err := w.Reports.List(w.t.Context(), principal.Host("tests"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range list {
		if r.User == w.user {
			return open
		}
	}
	return nobodyTold
}

// waiting says whether the withdrawal that waits may still be confirmed and carried out.
func (w *world) waiting() fault.Code {
	w.t.Helper()
	list, err := w.Confirmations.List(w.t.Context(), principal.Principal{Kind: principal.KindUser, User: w.user})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(list) == 0 {
		return fault.ConfirmationVoid
	}
	return open
}

// held says how long money waits.
func (w *world) held() fault.Code {
	w.t.Helper()
	standing, err := w.Holds.Of(w.t.Context(), w.user)
	if err != nil {
		w.t.Fatal(err)
	}
	var span time.Duration
	for _, hold := range standing.Holds {
		if hold.Reason == happening.OwnerLocked {
			return untilUnlocked
		}
		span = max(span, hold.Span)
	}
	return fault.Code(span.String())
}

// session asks every door as a browser does, and leaves the browser as it was.
func (w *world) session(b *authtest.Browser) map[string]fault.Code {
	w.t.Helper()
	pages, v1, child := w.copied(b), w.copied(b), w.copied(b)
	overTo := child.Request(http.MethodGet, authtest.PageOrigin+"/", "")
	overTo.Header.Set("Sec-Fetch-Mode", "cors") // a script asks, so that the answer is a refusal and not the way to the sign-in
	return map[string]fault.Code{
		"pages": outcome(pages.Do(pages.Request(http.MethodGet, authtest.Origin+"/sessions", ""))),
		"/v1":   outcome(v1.Call(http.MethodGet, "/v1/session", nil)), "page host": outcome(child.Do(overTo)),
		"forward-auth": w.asked(w.atPageHost(b)), "ext_authz": w.envoy(w.atPageHost(b)), "stream": w.stream(b),
	}
}

// atPageHost is what a script of the exchange's own page sends.
func (w *world) atPageHost(b *authtest.Browser) *http.Request {
	w.t.Helper()
	r := w.Browser(home).Request(http.MethodGet, authtest.PageOrigin+"/v1/accounts", "")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("User-Agent", b.Agent)
	for name, value := range b.Cookies[authtest.PageHost] {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// asked lets a proxy ask about a request.
func (w *world) asked(about *http.Request) fault.Code {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, gateway.CheckPath, nil)
	r.RemoteAddr, r.Host, r.Header = "127.0.0.1:50000", "sallyport.internal:8082", about.Header.Clone()
	for name, value := range map[string]string{"For": home, "Method": about.Method, "Uri": about.URL.RequestURI(), "Host": about.Host} {
		r.Header.Set("X-Forwarded-"+name, value)
	}
	answer := httptest.NewRecorder()
	w.Forward.ServeHTTP(answer, r)
	if answer.Code == http.StatusNoContent {
		return open
	}
	var problem struct{ Code fault.Code }
	_ = json.Unmarshal(answer.Body.Bytes(), &problem)
	return outcome(authtest.Reply{Status: answer.Code, Code: problem.Code})
}

// stream is what a stream that the browser opened on the page host asks, to know whether it may go on.
func (w *world) stream(b *authtest.Browser) fault.Code {
	from := authtest.PersonOrigin()
	from.Agent = b.Agent
	_, err := w.Sessions.Still([]byte(b.Cookies[authtest.PageHost]["__Host-sid"]), authtest.PageHost, from)
	if err == nil {
		return open
	}
	return fault.SessionEnded
}

// keyStream is the same for one that the key opened.
func (w *world) keyStream() fault.Code {
	from := authtest.PersonOrigin()
	if _, err := w.Verifier.Again(principal.Principal{Kind: principal.KindKey, Key: w.key.ID, Environment: w.key.Environment, Secret: 1, Origin: from}); err != nil {
		return fault.CodeOf(err)
	}
	return open
}

// remembered says whether the browser of the session there still shows the account where people sign in.
func (w *world) remembered() fault.Code {
	w.t.Helper()
	var shown struct{ Accounts []struct{ User id.User } }
	w.there.Into(w.must(w.copied(w.there).Call(http.MethodGet, "/v1/remembered", nil)), &shown)
	for _, account := range shown.Accounts {
		if account.User == w.user {
			return open
		}
	}
	return forgotten
}

// outcome is open, or why not: a page that leads to the sign-in says that the session has ended, and so does who took the cookie away.
func outcome(r authtest.Reply) fault.Code {
	switch {
	case r.Status == http.StatusOK, r.Status == http.StatusCreated:
		return open
	case r.Status == http.StatusSeeOther, r.Code == fault.Unauthorized:
		return fault.SessionEnded
	}
	return r.Code
}
