// Package outsider_test stands before the doors without a credential, and looks for whatever tells which addresses have a user.
package outsider_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
)

// memory of one hash: so much that the number of hashes in an answer can be told from what it allocates.
const memory = 8 << 20

// town is a stack, and addresses of every kind that a stranger could want to tell apart.
type town struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	// mails maps kind → address.
	mails map[string]string
	// statements are the names of those that ran since they were last cleared.
	statements []string
	strangers  int
}

var statementName = regexp.MustCompile(`-- name: (\w+)`)

func newTown(t *testing.T, cost password.Cost) *town {
	t.Helper()
	w := &town{t: t, clock: storetest.NewClock()}
	w.Stack = authtest.StartWith(t, authtest.Options{Now: w.clock.Now, HashCost: cost, Watch: func(s string) {
		if m := statementName.FindStringSubmatch(s); m != nil {
			w.statements = append(w.statements, m[1])
		}
	}})
	w.mails = map[string]string{
		"existing": "ada@example.com", "with an app": "bea@example.com", "passkey only": "cho@example.com", "disabled": "dan@example.com",
		"unknown": "eve@example.com", "locked": "fay@example.com",
	}
	w.SignUp(w.mails["existing"])
	w.SignUp(w.mails["with an app"]).EnrolTOTP()
	w.passkeyOnly(w.mails["passkey only"])
	if err := w.Accounts.Disable(t.Context(), principal.Host("tests"), w.SignUp(w.mails["disabled"]).User.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.Locks.Lock(t.Context(), principal.Host("tests"), w.SignUp(w.mails["locked"]).User.ID); err != nil {
		t.Fatal(err)
	}
	return w
}

// passkeyOnly signs somebody up who has no password.
func (w *town) passkeyOnly(mail string) {
	w.t.Helper()
	b := w.stranger()
	var up struct {
		SignUp string `json:"sign_up"`
	}
	b.Into(b.Call(http.MethodPost, "/v1/sign-up", map[string]string{"mail": mail, "name": "Test", "lang": "en"}), &up)
	w.Settle()
	at := "/v1/sign-up/" + up.SignUp
	b.Call(http.MethodPost, at+"/code", map[string]string{"code": w.Mailbox.Letters(mail)[0].Code})
	var begun struct {
		State   string
		Options json.RawMessage
	}
	b.Into(b.Call(http.MethodPost, at+"/passkey/begin", nil), &begun)
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	if err != nil {
		w.t.Fatal(err)
	}
	answer := virtualwebauthn.CreateAttestationResponse(virtualwebauthn.RelyingParty{ID: "localhost", Origin: authtest.Origin},
		virtualwebauthn.NewAuthenticator(), authtest.NewCredential(), *options)
	made := b.Call(http.MethodPost, at+"/passkey", map[string]any{"state": begun.State, "response": json.RawMessage(answer)})
	if made.Status != http.StatusCreated {
		w.t.Fatalf("sign-up with a passkey: %d %s", made.Status, made.Text)
	}
}

// stranger is a browser from a network of its own, whose page is open.
func (w *town) stranger() *authtest.Browser {
	w.strangers++
	b := w.Browser(fmt.Sprintf("198.%d.%d.7", 18+w.strangers/250, w.strangers%250))
	b.Call(http.MethodGet, "/v1/form-token", nil)
	return b
}

// knocks are what a stranger can ask of an address.
var knocks = map[string]func(b *authtest.Browser, mail string) authtest.Reply{
	"sign-in": func(b *authtest.Browser, mail string) authtest.Reply {
		return b.Call(http.MethodPost, "/v1/sign-in", map[string]string{"mail": mail, "password": "a guess that is wrong"})
	},
	"sign-in, again and again": func(b *authtest.Browser, mail string) (last authtest.Reply) {
		for range 9 {
			last = b.Call(http.MethodPost, "/v1/sign-in", map[string]string{"mail": mail, "password": "a guess that is wrong"})
		}
		return last
	},
	"sign-up": func(b *authtest.Browser, mail string) authtest.Reply {
		return b.Call(http.MethodPost, "/v1/sign-up", map[string]string{"mail": mail, "name": "Somebody", "lang": "en"})
	},
	"sign-up with a wrong code": func(b *authtest.Browser, mail string) authtest.Reply {
		var up struct {
			SignUp string `json:"sign_up"`
		}
		b.Into(b.Call(http.MethodPost, "/v1/sign-up", map[string]string{"mail": mail, "name": "Somebody", "lang": "en"}), &up)
		return b.Call(http.MethodPost, "/v1/sign-up/"+up.SignUp+"/code", map[string]string{"code": "00000000"})
	},
	"recovery": func(b *authtest.Browser, mail string) authtest.Reply {
		return b.Call(http.MethodPost, "/v1/recoveries", map[string]string{"mail": mail})
	},
	"recovery with a wrong code": func(b *authtest.Browser, mail string) authtest.Reply {
		var begun struct{ Recovery string }
		b.Into(b.Call(http.MethodPost, "/v1/recoveries", map[string]string{"mail": mail}), &begun)
		return b.Call(http.MethodPost, "/v1/recoveries/"+begun.Recovery+"/mail", map[string]string{"code": "00000000"})
	},
	"sign-in by page": func(b *authtest.Browser, mail string) authtest.Reply {
		return read(b, "/sign-in").send(b, "/sign-in", "mail", mail, "password", "a guess that is wrong", "return_to", "/")
	},
	"sign-up by page": func(b *authtest.Browser, mail string) authtest.Reply {
		return read(b, "/sign-up").send(b, "/sign-up", "mail", mail, "name", "Somebody", "lang", "en")
	},
	"sign-up by page with a wrong code": func(b *authtest.Browser, mail string) authtest.Reply {
		asked := read(b, "/sign-up").send(b, "/sign-up", "mail", mail, "name", "Somebody", "lang", "en")
		return page(asked).send(b, "/sign-up/code", "code", "00000000")
	},
	"recovery by page": func(b *authtest.Browser, mail string) authtest.Reply {
		return read(b, "/recover").send(b, "/recover", "mail", mail)
	},
	"recovery by page with a wrong code": func(b *authtest.Browser, mail string) authtest.Reply {
		asked := read(b, "/recover").send(b, "/recover", "mail", mail)
		return page(asked).send(b, "/recover/code", "code", "00000000")
	},
}

// page is one of ours, as a browser without script shows it.
type page authtest.Reply

func read(b *authtest.Browser, path string) page {
	return page(b.Do(b.Request(http.MethodGet, authtest.Origin+path, "")))
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

// send fills in the form of the page that goes to action, and follows where the answer leads.
func (p page) send(b *authtest.Browser, action string, typed ...string) authtest.Reply {
	_, form, _ := strings.Cut(p.Text, `action="`+action+`"`)
	form, _, _ = strings.Cut(form, "</form>")
	fields := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(form, -1) {
		fields.Set(field[1], html.UnescapeString(field[2]))
	}
	for i := 0; i < len(typed); i += 2 {
		fields.Set(typed[i], typed[i+1])
	}
	r := b.Request(http.MethodPost, authtest.Origin+action, fields.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := b.Do(r)
	if answer.Status != http.StatusSeeOther {
		return answer
	}
	return authtest.Reply(read(b, answer.Header.Get("Location")))
}

// fresh is what is made anew for each request, and tells of nobody: ids, the code of a case, tokens of forms, times.
var fresh = regexp.MustCompile(`\b(?:req|sup|rcv)_[0-9a-z]{26}\b|"case_code":"[^"]*"|<code id="case-code">[^<]*|form[-_]token"?(?: value)?="[^"]*"|<time [^<]*</time>`)

// seen is everything that an answer shows, but for what is new each time.
type seen struct {
	Status     int
	Text       string
	Headers    []string
	Statements []string
	Hashes     int
}

// knock asks once and gives what it showed and cost.
func (w *town) knock(ask func(b *authtest.Browser, mail string) authtest.Reply, mail string) seen {
	w.t.Helper()
	b := w.stranger()
	w.statements = nil
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := ask(b, mail)
	runtime.ReadMemStats(&after)
	headers := []string{}
	for name, values := range got.Header {
		for _, v := range values {
			if v = fresh.ReplaceAllString(v, "*"); strings.EqualFold(name, "Set-Cookie") {
				v, _, _ = strings.Cut(v, "=")
			}
			headers = append(headers, name+": "+v)
		}
	}
	slices.Sort(headers)
	return seen{
		Status: got.Status, Headers: headers, Statements: w.statements,
		Text:   strings.ReplaceAll(fresh.ReplaceAllString(got.Text, "*"), mail, "the address"), // which a page shows to who typed it
		Hashes: int((after.TotalAlloc - before.TotalAlloc + memory/2) / memory),
	}
}

// TestAddressesCannotBeToldApart: the same bytes, the same statements in the same order and as many password hashes, whoever lives there.
func TestAddressesCannotBeToldApart(t *testing.T) {
	w := newTown(t, password.Cost{MemoryKiB: memory >> 10, Passes: 1, Lanes: 1})
	for _, name := range slices.Sorted(maps.Keys(knocks)) {
		t.Run(name, func(t *testing.T) {
			w.t = t
			for _, mail := range w.mails { // what is counted against an address has a row from here on
				w.knock(knocks[name], mail)
			}
			w.clock.Advance(25 * time.Hour)
			want := w.knock(knocks[name], w.mails["unknown"])
			if len(want.Statements) == 0 || strings.HasPrefix(name, "sign-in") && want.Hashes == 0 {
				t.Fatalf("nothing was counted: %+v", want)
			}
			for kind, mail := range w.mails {
				w.clock.Advance(25 * time.Hour) // no wait is left over
				got := w.knock(knocks[name], mail)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("an address that is %s (-unknown +it):\n%s", kind, diff)
				}
			}
		})
	}
}

// samples of how long an answer takes, by kind of address: taken in turn, so that whatever else the machine does hits all alike.
func (w *town) samples(ask func(b *authtest.Browser, mail string) authtest.Reply, n int) map[string][]time.Duration {
	taken := map[string][]time.Duration{}
	for range n {
		w.clock.Advance(25 * time.Hour)
		for kind, mail := range w.mails {
			b := w.stranger()
			begun := time.Now()
			ask(b, mail)
			taken[kind] = append(taken[kind], time.Since(begun))
		}
	}
	return taken
}

func median(list []time.Duration) time.Duration {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// TestTimesOfAnswers takes 300 samples of each kind, and records them. What is asserted is coarse, because other programs share the machine:
// make timing has the statistics.
func TestTimesOfAnswers(t *testing.T) {
	w := newTown(t, authtest.CheapHash)
	for _, name := range []string{"sign-in", "sign-up", "recovery", "sign-in by page", "sign-up by page", "recovery by page"} {
		taken := w.samples(knocks[name], 300)
		unknown := median(taken["unknown"])
		for _, kind := range slices.Sorted(maps.Keys(taken)) {
			m := median(taken[kind])
			t.Logf("%s, %s: median of %d is %s", name, kind, len(taken[kind]), m)
			if m > 3*unknown || 3*m < unknown {
				t.Errorf("%s: an address that is %s takes %s, an unknown one %s", name, kind, m, unknown)
			}
		}
	}
}
