package consequence_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/store"
	"github.com/seed-21c57000/sallyport/sign"
)

// tell applies the row of what the user did here.
func (w *world) tell(kind happening.Kind, facts ...string) {
	w.t.Helper()
	told := map[string]string{"area": "trading"}
	for i := 0; i < len(facts); i += 2 {
		told[facts[i]] = facts[i+1]
	}
	w.ok(store.Of[demand.Tx](w.Store).Update(w.t.Context(), func(tx demand.Tx) (audit.Event, error) {
		h := happening.Happening{Kind: kind, User: w.user, Session: w.here.Principal().Session, Facts: told}
		return audit.Quiet(audit.SessionTold), w.Consequences.Apply(w.t.Context(), tx, h)
	}))
}

// proven does what asks for a proof and changes nothing of the session beyond that: the proof gave it another bearer.
func (w *world) proven(method, path string, body any) {
	w.t.Helper()
	w.call(method, path, body)
	w.before = w.copied(w.here)
}

// submitProven does the same with a form.
func (w *world) submitProven(path string, pairs ...string) {
	w.t.Helper()
	w.submit(path, pairs...)
	w.before = w.copied(w.here)
}

// stopped is a key that its owner stopped.
func (w *world) stopped(s apikey.Stop) string {
	w.t.Helper()
	key := w.keyOf("another")
	w.ok(w.APIKeys.Stop(w.t.Context(), principal.Host("tests"), key.ID, s))
	return key.Text()
}

// account is the one of the world's person; hostHere is the host's command line in it.
func (w *world) account() id.Account { return w.key.Account }

func (w *world) hostHere() principal.Principal {
	p := principal.Host("tests")
	p.Account = w.account()
	return p
}

// partner is another owner of the account, in a browser of theirs.
func (w *world) partner() *authtest.Browser {
	w.t.Helper()
	mail := "partner-" + w.mail
	which, err := w.Members.Invite(w.t.Context(), w.hostHere(), mail, principal.Owner)
	w.ok(err)
	b := w.Browser(home)
	b.Wait = w.clock.Advance
	b.SignUp(mail)
	w.must(b.Call(http.MethodPost, "/v1/accounts/invitations/"+which.String()+"/accept", nil))
	return b
}

// moneyKey is a key that could withdraw.
func (w *world) moneyKey() string {
	w.t.Helper()
	who := w.here.Principal()
	return w.IssueKeyTo(who.Account, who.User, apikey.IssueInput{Scopes: []string{"withdrawals:write"}}).Text()
}

// elsewhere is the browser of the session there, as its user finds it from here.
func (w *world) elsewhere() string {
	w.t.Helper()
	var shown struct {
		Devices []struct {
			ID       string
			Current  bool
			Sessions int
		}
	}
	w.here.Into(w.must(w.here.Call(http.MethodGet, "/v1/lost-device", nil)), &shown)
	for _, d := range shown.Devices {
		if !d.Current && d.Sessions == 1 {
			return d.ID
		}
	}
	w.t.Fatalf("no other browser: %+v", shown)
	return ""
}

// mailbox begins a recovery and shows the mailbox; it gives the address of the case.
func (w *world) mailbox(b *authtest.Browser) string {
	w.t.Helper()
	var begun struct{ Recovery string }
	b.Into(w.must(b.Call(http.MethodPost, "/v1/recoveries", map[string]string{"mail": w.mail})), &begun)
	w.must(b.Call(http.MethodPost, "/v1/recoveries/"+begun.Recovery+"/mail", map[string]string{"code": w.newest(w.mail).Code}))
	return "/v1/recoveries/" + begun.Recovery
}

// claimed lets somebody who reads the mailbox claim the account.
func (w *world) claimed(b *authtest.Browser) {
	w.t.Helper()
	w.must(b.Call(http.MethodPost, w.mailbox(b)+"/claim", map[string]string{}))
}

// claim is the id of the only claim.
func (w *world) claim() string {
	w.t.Helper()
	var plan struct{ Claims []struct{ ID string } }
	w.here.Into(w.must(w.here.Call(http.MethodGet, "/v1/recovery", nil)), &plan)
	if len(plan.Claims) != 1 {
		w.t.Fatalf("%d claims", len(plan.Claims))
	}
	return plan.Claims[0].ID
}

// newest is the newest letter to an address.
func (w *world) newest(mail string) authtest.Letter {
	w.t.Helper()
	w.Settle()
	letters := w.Mailbox.Letters(mail)
	return letters[len(letters)-1]
}

// letters are those that the user was ever written, the oldest first.
func (w *world) letters() (letters []notify.Letter) {
	w.t.Helper()
	w.ok(store.Of[notify.Tx](w.Store).View(w.t.Context(), func(tx notify.Tx) error {
		messages, err := tx.MessagesOf(w.t.Context(), w.user, id.Message{}, 100)
		letters = letters[:0]
		for _, m := range slices.Backward(messages) {
			letters = append(letters, m.Letter)
		}
		return err
	}))
	return letters
}

// told lets something happen in the session here, of which only the notice counts, and gives the link of its mail.
func (w *world) told(kind happening.Kind) string {
	w.t.Helper()
	h := happening.Happening{Kind: kind, User: w.user, Session: w.here.Principal().Session, Facts: map[string]string{"kind": "totp"}}
	err := store.Of[signin.Tx](w.Store).Update(w.t.Context(), func(tx signin.Tx) (audit.Event, error) {
		return audit.Quiet(audit.SessionTold), w.Consequences.Apply(w.t.Context(), tx, h)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.newest(w.mail).Link
}

// report presses the button of a link as a program would, without a session.
func (w *world) report(link string) {
	w.t.Helper()
	w.must(w.Browser("192.0.2.9").Call(http.MethodPost, "/v1"+link, nil))
}

// press sends the form of a link's page, without a session.
func (w *world) press(link string) {
	w.t.Helper()
	reader := w.Browser("192.0.2.9")
	page := w.must(reader.Do(reader.Request(http.MethodGet, authtest.Origin+link, "")))
	r := reader.Request(http.MethodPost, authtest.Origin+link, fieldsOf(page.Text, link).Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.must(reader.Do(r))
}

const other = "quite another long passphrase"

// spelt is the secret of an app, as the page shows it in the address of its picture's twin.
var spelt = regexp.MustCompile(`secret=([A-Z2-7]{32})`)

func newWorld(t *testing.T, s *authtest.Stack, clock *storetest.Clock, c cause) *world {
	t.Helper()
	clock.Advance(time.Hour) // so that nobody waits for what the world before did
	w := &world{Stack: s, t: t, clock: clock, mail: strings.ToLower(id.New[id.UserKind](clock.Now()).String()) + "@example.com", devices: map[*authtest.Browser]*authtest.Device{}}
	w.here, w.there = s.Browser(home), s.Browser(home)
	w.here.Wait = clock.Advance
	w.here.SignUp(w.mail)
	w.bind(w.here)
	w.user = w.here.Principal().User
	if !c.bare {
		w.secret = w.here.EnrolTOTP()
		clock.Advance(30 * time.Second)
	}
	w.must(w.there.SignIn(w.mail, authtest.Password, w.secret))
	w.bind(w.there)
	w.refresh(w.here)
	w.here.Enter()
	w.there.Enter()
	w.must(w.there.Call(http.MethodPost, "/v1/remembered", nil))
	who := w.here.Principal()
	w.key = w.IssueKeyTo(who.Account, who.User, apikey.IssueInput{
		Name: "bot", Purpose: "tests", Scopes: []string{"balances:read", "orders:read", "orders:write"}, Allowlist: []string{home},
	})
	w.leave()
	w.ask()
	clock.Advance(3 * time.Second)
	w.before = w.copied(w.here)
	return w
}

// bind ties the session of a browser, which has just begun, to its device.
func (w *world) bind(b *authtest.Browser) *authtest.Device {
	w.t.Helper()
	w.devices[b] = b.Bind()
	return w.devices[b]
}

// refresh lets the device of a browser prove itself, which brings the browser the next bound cookie; or why it did not.
func (w *world) refresh(b *authtest.Browser) fault.Code {
	w.t.Helper()
	r := w.devices[b].Refresh()
	if r.Status != http.StatusOK {
		return outcome(r)
	}
	told := struct{ Continue bool }{Continue: true}
	b.Into(r, &told)
	if !told.Continue {
		return fault.SessionEnded
	}
	return open
}

// leave lets the person want to be erased, without the proof for it.
func (w *world) leave() {
	w.t.Helper()
	now := w.clock.Now()
	w.ok(store.Of[privacy.Tx](w.Store).Update(w.t.Context(), func(tx privacy.Tx) (audit.Event, error) {
		_, err := tx.InsertDeparture(w.t.Context(), privacy.Departure{User: w.user, Asked: now, Due: now.Add(365 * 24 * time.Hour)})
		return audit.Quiet(audit.Housekeeping), err
	}))
}

// ask lets a withdrawal of theirs wait, for longer than anything here takes.
func (w *world) ask() {
	w.t.Helper()
	now, who := w.clock.Now(), w.here.Principal()
	row := confirm.Confirmation{Transaction: confirm.Transaction{
		Content: confirm.Content{Action: scope.Withdraw, Environment: id.Test, Upstream: "paper", Asset: "BTC", Address: "paper1qexampleaddress", Amount: "1"},
		ID:      id.New[id.ConfirmationKind](now), User: w.user, Account: who.Account, Subaccount: who.Subaccount,
		Created: now, Expires: now.Add(365 * 24 * time.Hour),
	}}
	w.ok(store.Of[confirm.Tx](w.Store).Update(w.t.Context(), func(tx confirm.Tx) (audit.Event, error) {
		return audit.Quiet(audit.ConfirmationAsked), tx.InsertConfirmation(w.t.Context(), row)
	}))
}

// recovered brings the person back in another browser, with the mailbox and a recovery code.
func (w *world) recovered(b *authtest.Browser) authtest.Reply {
	w.t.Helper()
	host := principal.Host("tests")
	host.User = w.user
	issued, err := w.Factors.IssueCodes(w.t.Context(), host)
	if err != nil {
		w.t.Fatal(err)
	}
	at := w.mailbox(b)
	w.must(b.Call(http.MethodPost, at+"/recovery-code", map[string]string{"code": string(issued.Codes[0].Reveal())}))
	return b.Call(http.MethodPost, at+"/password", map[string]string{"password": other})
}

// keyOf makes the person a key.
func (w *world) keyOf(name string) authtest.Key {
	w.t.Helper()
	who := w.here.Principal()
	return w.IssueKeyTo(who.Account, who.User, apikey.IssueInput{Name: name, Purpose: "tests"})
}

func (w *world) anotherKey() string { return w.keyOf("another").Text() }

// code is the authenticator's secret, once its next code is due.
func (w *world) code() string {
	w.clock.Advance(30 * time.Second)
	return w.secret
}

// hmacKey is a key whose next secret the server makes.
func (w *world) hmacKey() authtest.Key {
	w.t.Helper()
	who := w.here.Principal()
	return w.IssueKeyTo(who.Account, who.User, apikey.IssueInput{Algorithm: sign.HMACSHA256})
}

// undone stops a key and takes that back.
func (w *world) undone(s apikey.Stop) {
	w.t.Helper()
	key, host := w.keyOf("another"), principal.Host("tests")
	w.ok(w.APIKeys.Stop(w.t.Context(), host, key.ID, s))
	w.ok(w.APIKeys.Resume(w.t.Context(), host, key.ID, s))
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// third is a session of somebody else.
func (w *world) third() string {
	w.clock.Advance(30 * time.Second)
	b := w.Browser("198.51.100.4")
	w.must(b.SignIn(w.mail, authtest.Password, w.secret))
	return b.Principal().Session.String()
}

// copied is a browser with the same cookies.
func (w *world) copied(b *authtest.Browser) *authtest.Browser {
	twin := w.Browser(home)
	for host, cookies := range b.Cookies {
		twin.Cookies[host] = maps.Clone(cookies)
	}
	return twin
}

func (w *world) must(r authtest.Reply) authtest.Reply {
	w.t.Helper()
	if r.Status >= http.StatusBadRequest {
		w.t.Fatalf("refused: %d %s", r.Status, r.Text)
	}
	return r
}

// call asks /v1 from here, with a step-up where one is asked for.
func (w *world) call(method, path string, body any) {
	w.t.Helper()
	w.must(w.here.StepUp(method, path, body, w.secret))
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

// submit sends a form of our pages from here, and the proof for it where one is asked for; it gives the page that answers.
func (w *world) submit(path string, pairs ...string) string {
	w.t.Helper()
	opened := w.must(w.here.Do(w.here.Request(http.MethodGet, authtest.Origin+"/sessions", "")))
	form := url.Values{"form_token": {fieldsOf(opened.Text, path).Get("form_token")}}
	if form.Get("form_token") == "" {
		form.Set("form_token", fieldsOf(opened.Text, "/sign-out").Get("form_token"))
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	answer := w.post(path, form)
	if proof := fieldsOf(answer.Text, path); proof.Has("step_up") {
		w.clock.Advance(30 * time.Second)
		proof.Set("proof_code", authtest.CodeAt(w.secret, w.clock.Now()))
		answer = w.post(path, proof)
	}
	return w.must(answer).Text
}

func (w *world) post(path string, form url.Values) authtest.Reply {
	w.t.Helper()
	r := w.here.Request(http.MethodPost, authtest.Origin+path, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.here.Do(r)
}

// fieldsOf are the hidden fields of the form that a page sends to path.
func fieldsOf(page, path string) url.Values {
	fields := url.Values{}
	_, form, _ := strings.Cut(page, `action="`+path+`"`)
	form, _, _ = strings.Cut(form, "</form>")
	for _, field := range hidden.FindAllStringSubmatch(form, -1) {
		fields.Set(field[1], html.UnescapeString(field[2]))
	}
	return fields
}
