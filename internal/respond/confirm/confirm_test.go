package confirm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/rawsql"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// scene is a trader with a passkey that is old enough, and a bot whose key may ask for withdrawals.
type scene struct {
	*authtest.Stack
	t       *testing.T
	ahead   *atomic.Int64
	ada     *authtest.Person
	who     principal.Principal
	passkey *authtest.Passkey
	bot     authtest.Key
	live    authtest.Key
}

func (s *scene) later(d time.Duration) { s.ahead.Add(int64(d)) }

func onBothEngines(t *testing.T, run func(*testing.T, *scene)) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			var o authtest.Options
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			run(t, sceneOf(t, o))
		})
	}
}

func sceneOf(t *testing.T, o authtest.Options) *scene {
	t.Helper()
	ahead := new(atomic.Int64)
	o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := &scene{Stack: authtest.StartWith(t, o), t: t, ahead: ahead}
	s.ada = s.SignUp("ada@example.com")
	s.passkey = s.ada.EnrolPasskey()
	s.bot = s.IssueKey(s.ada, apikey.IssueInput{Scopes: []string{"withdrawals:write", "transfers:read", "balances:read"}})
	s.live = s.IssueKey(s.ada, apikey.IssueInput{Scopes: []string{"withdrawals:write"}, Environment: id.Live})
	s.later(24 * time.Hour)
	from := signin.From{Origin: authtest.PersonOrigin(), Browser: [32]byte{1}, Device: s.ada.Device}
	in, err := s.SignIns.WithPassword(t.Context(), from, s.ada.Mail, secret.FromString("password", authtest.Password))
	if err != nil {
		t.Fatal(err)
	}
	s.ada.Bearer = in.Bearer
	s.who = s.ada.Principal()
	return s
}

// withdrawal is what the bot sends; the keys are those of the exchange.
func withdrawal() map[string]string {
	return map[string]string{"currency": "BTC", "net_type": "BTC", "address": "paper1qexampleaddress", "amount": "0.01", "fee_max": "0.001"}
}

// answer is how the gateway answered.
type answer struct {
	status int
	Code   fault.Code
	Fields struct {
		Confirmation id.Confirmation
		URL          string
		CancelURL    string    `json:"cancel_url"`
		Reasons      []string  `json:"reasons"`
		WaitsFor     string    `json:"waits_for"`
		HeldUntil    time.Time `json:"held_until"`
		ExpiresAt    time.Time `json:"expires_at"`
		Missing      []string
	}
}

func (a answer) address() string { return a.Fields.URL[strings.LastIndex(a.Fields.URL, "/")+1:] }

// send asks the exchange for a withdrawal with the bot's key, under a confirmation if there is one.
func (s *scene) send(key authtest.Key, body map[string]string, under string) (a answer) {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/withdraws/coin", string(text))
	if under != "" {
		r.Header.Set("Sallyport-Confirmation", under)
	}
	got := s.Do(r)
	a.status = got.StatusCode
	if a.status >= http.StatusBadRequest {
		if err := json.Unmarshal([]byte(authtest.Body(s.t, got)), &a); err != nil {
			s.t.Fatal(err)
		}
	}
	return a
}

// withdrawals counts what has left the bot's book.
func (s *scene) withdrawals() int {
	s.t.Helper()
	var list []json.RawMessage
	body := authtest.Body(s.t, s.Do(s.Signed(s.bot, http.MethodGet, authtest.APIHost, "/v1/withdraws", "")))
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		s.t.Fatal(body)
	}
	return len(list)
}

// approved asks for the withdrawal and confirms it.
func (s *scene) approved() answer {
	s.t.Helper()
	asked := s.send(s.bot, withdrawal(), "")
	if asked.status != http.StatusForbidden || asked.Code != fault.ConfirmationRequired {
		s.t.Fatalf("asked: %+v", asked)
	}
	if err := s.passkey.Approve(asked.address()); err != nil {
		s.t.Fatal(err)
	}
	return asked
}

func TestTheWholeRoad(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		asked := s.send(s.bot, withdrawal(), "")
		if again := s.send(s.bot, withdrawal(), ""); again.Fields.Confirmation != asked.Fields.Confirmation {
			t.Errorf("a client that repeats itself was asked twice: %+v %+v", asked, again)
		}
		if early := s.send(s.bot, withdrawal(), asked.Fields.Confirmation.String()); early.Code != fault.ConfirmationRequired {
			t.Errorf("before it was confirmed: %+v", early)
		}
		asked = s.approved()
		if done := s.send(s.bot, withdrawal(), asked.Fields.Confirmation.String()); done.status != http.StatusCreated || s.withdrawals() != 1 {
			t.Fatalf("confirmed: %+v, %d withdrawals", done, s.withdrawals())
		}
		if twice := s.send(s.bot, withdrawal(), asked.Fields.Confirmation.String()); twice.Code != fault.ConfirmationVoid || s.withdrawals() != 1 {
			t.Errorf("twice: %+v, %d withdrawals", twice, s.withdrawals())
		}
		s.Settle()
		told := false
		for _, l := range s.Mailbox.Letters("ada@example.com") {
			told = told || l.Notice == "money_confirmed" && strings.Contains(l.Facts["what"], "paper1qexampleaddress")
		}
		if !told {
			t.Error("nobody told the owner")
		}
	})
}

// TestAnyChangeMakesItWorthless: after the challenge was shown, no field can be another one, in the request or in the row.
func TestAnyChangeMakesItWorthless(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		confirmed := s.approved()
		under := confirmed.Fields.Confirmation.String()
		for name, change := range map[string][2]string{
			"one character of the address": {"address", "paper1qexampleaddresz"}, "its case": {"address", "Paper1qexampleaddress"},
			"amount": {"amount", "0.02"}, "the same amount, written otherwise": {"amount", "0.010"}, "network": {"net_type", "ETH"},
			"asset": {"currency", "ETH"}, "memo": {"secondary_address", "7"}, "fee": {"fee_max", "0.002"}, "no fee": {"fee_max", ""},
			"what nobody was shown": {"transaction_type", "internal"},
		} {
			body := maps.Clone(withdrawal())
			body[change[0]] = change[1]
			if got := s.send(s.bot, body, under); got.Code != fault.ConfirmationVoid {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if s.withdrawals() != 0 {
			t.Fatal("money left")
		}
		if got := s.send(s.bot, withdrawal(), under); got.status != http.StatusCreated {
			t.Errorf("as it was confirmed: %+v", got)
		}
	})
}

// TestARowThatWasChangedIsWorthless: somebody has the database in their hands, and sends what they have written into it.
func TestARowThatWasChangedIsWorthless(t *testing.T) {
	folder := t.TempDir()
	s := sceneOf(t, authtest.Options{Folder: folder})
	under := s.approved().Fields.Confirmation.String()
	change := func(statement string) {
		t.Helper()
		if err := rawsql.Exec(filepath.Join(folder, "sallyport.db"), "UPDATE confirmation SET "+statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct{ statement, undo, parameter, value string }{
		{"address = 'paper1qexampleaddresz'", "address = 'paper1qexampleaddress'", "address", "paper1qexampleaddresz"},
		{"amount = '0.02'", "amount = '0.01'", "amount", "0.02"},
		{"network = 'ETH'", "network = 'BTC'", "net_type", "ETH"},
		{"memo = '7'", "memo = ''", "secondary_address", "7"},
		{"fee = '1'", "fee = '0.001'", "fee_max", "1"},
		{"created_at = created_at + 1", "created_at = created_at - 1", "", ""},
		{"expires_at = expires_at + 1", "expires_at = expires_at - 1", "", ""},
		{"nonce = tx_hash, tx_hash = nonce", "nonce = tx_hash, tx_hash = nonce", "", ""},
		{"assertion = replace(assertion, 'signature', 'other')", "assertion = replace(assertion, 'other', 'signature')", "", ""},
	} {
		body := withdrawal()
		body[row.parameter] = row.value
		delete(body, "")
		change(row.statement + ", request_digest = NULL") // as if the backend had posted it, which compares less
		if got := s.send(s.bot, body, under); got.Code != fault.ConfirmationVoid {
			t.Errorf("%s: %+v", row.statement, got)
		}
		change(row.undo)
	}
	if s.withdrawals() != 0 {
		t.Fatal("money left")
	}
	if got := s.send(s.bot, withdrawal(), under); got.status != http.StatusCreated {
		t.Errorf("the row as it was: %+v", got)
	}
}

func TestItBelongsToOneUserAndOneAction(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		under := s.approved().Fields.Confirmation.String()
		bob := s.SignUp("bob@example.com")
		bob.EnrolPasskey()
		thief := s.IssueKey(bob, apikey.IssueInput{Scopes: []string{"withdrawals:write"}})
		if got := s.send(thief, withdrawal(), under); got.Code != fault.ConfirmationNotFound {
			t.Errorf("another user: %+v", got)
		}
		text, _ := json.Marshal(withdrawal())
		r := s.Signed(s.live, http.MethodPost, authtest.LiveHost, "/v1/withdraws/coin", string(text))
		r.Header.Set("Sallyport-Confirmation", under)
		if body := authtest.Body(t, s.Do(r)); !strings.Contains(body, string(fault.ConfirmationVoid)) {
			t.Errorf("a proof for play money, brought to live money: %s", body)
		}
		if err := s.Confirmations.Cancel(t.Context(), bob.Principal(), s.parse(under)); fault.CodeOf(err) != fault.ConfirmationNotFound {
			t.Errorf("another user cancels: %v", err)
		}
	})
}

// TestWhatIsShownIsWhatIsDone: no request is shown as one transaction and read as another by an exchange that decodes its body its own way.
func TestWhatIsShownIsWhatIsDone(t *testing.T) {
	done := 0
	exchange := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var taken struct{ Address string }
		if json.NewDecoder(r.Body).Decode(&taken) == nil && taken.Address == "paper1qother" {
			done++
		}
		w.WriteHeader(http.StatusCreated)
	}))
	defer exchange.Close()
	s := sceneOf(t, authtest.Options{Upstream: exchange.URL})
	const target = "/v1/withdraws/coin?currency=BTC&net_type=BTC&address=paper1qshown&amount=0.01"
	const body = `{"currency":"BTC","net_type":"BTC","address":"paper1qother","amount":"99"}`
	send := func(body, kind, connection, under string) (a answer) {
		r := s.Signed(s.bot, http.MethodPost, authtest.APIHost, target, body)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Connection", connection)
		if under != "" {
			r.Header.Set("Sallyport-Confirmation", under)
		}
		got := s.Do(r)
		a.status = got.StatusCode
		_ = json.Unmarshal([]byte(authtest.Body(t, got)), &a)
		return a
	}
	for _, kind := range []string{"application/x-www-form-urlencoded", "application/json", "text/plain"} {
		for _, connection := range []string{"close", "Content-Type"} {
			if got := send(body, kind, connection, ""); got.Code != fault.RequestMalformed && got.Code != fault.RequestMediaType {
				t.Errorf("%s, Connection: %s: %+v", kind, connection, got)
			}
		}
	}
	asked := send("", "application/json", "close", "")
	if err := s.passkey.Approve(asked.address()); err != nil {
		t.Fatal(err)
	}
	if got := send("", "application/x-www-form-urlencoded", "close", asked.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
		t.Errorf("under another content type: %+v", got)
	}
	if got := send("", "application/json", "close", asked.Fields.Confirmation.String()); got.status != http.StatusCreated || done != 0 {
		t.Errorf("as it was confirmed: %+v, %d others", got, done)
	}
}

func TestCancelledAndExpiredAreOver(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		cancelled := s.approved()
		if err := s.Confirmations.Cancel(t.Context(), s.who, cancelled.Fields.Confirmation); err != nil {
			t.Fatal(err)
		}
		if got := s.send(s.bot, withdrawal(), cancelled.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
			t.Errorf("after the owner's cancel: %+v", got)
		}
		declined := s.send(s.bot, withdrawal(), "")
		if err := s.Confirmations.Decline(t.Context(), authtest.PersonOrigin(), declined.address()); err != nil {
			t.Fatal(err)
		}
		if err := s.passkey.Approve(declined.address()); fault.CodeOf(err) != fault.ConfirmationVoid {
			t.Errorf("confirmed after it was declined: %v", err)
		}
		late, unused := s.approved(), s.send(s.bot, map[string]string{"currency": "BTC", "net_type": "BTC", "address": "paper1qotheraddress", "amount": "1"}, "")
		s.later(time.Hour)
		if got := s.send(s.bot, withdrawal(), late.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
			t.Errorf("after an hour: %+v", got)
		}
		if err := s.passkey.Approve(unused.address()); fault.CodeOf(err) != fault.ConfirmationVoid {
			t.Errorf("confirmed after an hour: %v", err)
		}
		if s.withdrawals() != 0 {
			t.Error("money left")
		}
	})
}

// Whoever answers wrongly is slowed down by their source; what can only stop money is refused to nobody. Addresses that we never wrote cost nothing,
// because any page can make its reader's browser ask for them.
func TestWrongAnswersAreCounted(t *testing.T) {
	s := sceneOf(t, authtest.Options{})
	asked := s.send(s.bot, withdrawal(), "")
	thief := principal.Origin{Addr: netip.MustParseAddr("198.51.100.66")}
	forged := asked.address()[:len(asked.address())-1] + "_"
	for range 300 {
		if _, err := s.Confirmations.Show(t.Context(), thief.Addr, forged); fault.CodeOf(err) != fault.ConfirmationNotFound {
			t.Fatal(err)
		}
	}
	slowed := 0
	for range 300 {
		if _, err := s.Confirmations.Approve(t.Context(), thief, asked.address(), []byte("{}")); fault.CodeOf(err) == fault.RateLimited {
			slowed++
		}
	}
	if slowed < 50 || slowed > 100 {
		t.Errorf("%d of 300 wrong answers were slowed down", slowed)
	}
	if _, err := s.Confirmations.Show(t.Context(), thief.Addr, asked.address()); fault.CodeOf(err) != fault.RateLimited {
		t.Errorf("then the page: %v", err)
	}
	if _, err := s.Confirmations.Show(t.Context(), authtest.PersonOrigin().Addr, asked.address()); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	if err := s.Confirmations.Decline(t.Context(), thief, asked.address()); err != nil {
		t.Errorf("declining from there: %v", err)
	}
}

// An app of ours may sign in; money is confirmed on its own page alone.
func TestNoAppConfirmsMoney(t *testing.T) {
	const sum = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"
	s := sceneOf(t, authtest.Options{YAML: "passkeys: {apps: [{android: com.example.exchange, fingerprints: [\"" + sum + "\"]}, {apple: ABCDE12345.com.example.exchange}]}\n"})
	asked := s.send(s.bot, withdrawal(), "")
	for _, origin := range []string{"android:apk-key-hash:FG3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU", "https://localhost"} {
		options, err := s.Confirmations.Begin(t.Context(), authtest.PersonOrigin().Addr, asked.address())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Confirmations.Approve(t.Context(), authtest.PersonOrigin(), asked.address(), s.passkey.Sign(origin, options)); fault.CodeOf(err) != fault.PasskeyRefused {
			t.Errorf("a confirmation by %s: %v", origin, err)
		}
	}
	if err := s.passkey.Approve(asked.address()); err != nil {
		t.Errorf("on its own page: %v", err)
	}
}

func TestAssertionsFromElsewhereAreRefused(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		asked := s.send(s.bot, withdrawal(), "")
		other := s.send(s.bot, map[string]string{"currency": "BTC", "net_type": "BTC", "address": "paper1qotheraddress", "amount": "1"}, "")
		options := func(address string) []byte {
			o, err := s.Confirmations.Begin(t.Context(), authtest.PersonOrigin().Addr, address)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		signIn, err := s.Factors.BeginProof(t.Context(), s.who)
		if err != nil {
			t.Fatal(err)
		}
		bob := s.SignUp("bob@example.com").EnrolPasskey()
		for name, response := range map[string][]byte{
			"of a step-up":                 s.passkey.Sign(authtest.Origin, signIn.Options),
			"of a step-up, on this origin": s.passkey.Sign(authtest.ConfirmOrigin, signIn.Options),
			"made on the dashboard":        s.passkey.Sign(authtest.Origin, options(asked.address())),
			"of another transaction":       s.passkey.Sign(authtest.ConfirmOrigin, options(other.address())),
			"of another user":              bob.Sign(authtest.ConfirmOrigin, options(asked.address())),
			"nothing":                      []byte("{}"),
		} {
			if _, err := s.Confirmations.Approve(t.Context(), authtest.PersonOrigin(), asked.address(), response); fault.CodeOf(err) != fault.PasskeyRefused {
				t.Errorf("assertion %s: %v", name, err)
			}
		}
		for name, address := range map[string]string{
			"another MAC": asked.address()[:len(asked.address())-2] + "AA", "no MAC": asked.Fields.Confirmation.String(), "nothing": "",
		} {
			if _, err := s.Confirmations.Show(t.Context(), authtest.PersonOrigin().Addr, address); fault.CodeOf(err) != fault.ConfirmationNotFound {
				t.Errorf("address with %s: %v", name, err)
			}
		}
	})
}

// TestAYoungPasskeyCannotApprove, while an older one of the same user can; an app's code never could.
func TestAYoungPasskeyCannotApprove(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		carol := s.SignUp("carol@example.com")
		bot := s.IssueKey(carol, apikey.IssueInput{Scopes: []string{"withdrawals:write"}})
		if got := s.send(bot, withdrawal(), ""); got.Code != fault.ConfirmationNoPasskey {
			t.Errorf("without a passkey: %+v", got)
		}
		first := carol.EnrolPasskey()
		asked := s.send(bot, withdrawal(), "")
		if err := first.Approve(asked.address()); fault.CodeOf(err) != fault.ConfirmationPasskeyYoung {
			t.Errorf("a passkey of this minute: %v", err)
		}
		s.later(24*time.Hour - time.Minute)
		asked = s.send(bot, withdrawal(), "")
		if err := first.Approve(asked.address()); fault.CodeOf(err) != fault.ConfirmationPasskeyYoung {
			t.Errorf("a minute before it is old enough: %v", err)
		}
		s.later(time.Minute)
		shown, err := s.Confirmations.Show(t.Context(), authtest.PersonOrigin().Addr, asked.address())
		if err != nil || !shown.Ready {
			t.Errorf("old enough: %+v %v", shown.Ready, err)
		}
		if err := first.Approve(asked.address()); err != nil {
			t.Errorf("old enough: %v", err)
		}
	})
}

// TestAPasskeyFromANewDeviceWaitsLonger: for three days it approves nothing, while the older one beside it goes on.
func TestAPasskeyFromANewDeviceWaitsLonger(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		from := signin.From{Origin: authtest.PersonOrigin(), Browser: [32]byte{2}}
		in, err := s.SignIns.WithPassword(t.Context(), from, s.ada.Mail, secret.FromString("password", authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		s.ada.Bearer = in.Bearer
		young := s.ada.EnrolPasskeyWith(s.passkey)
		for i, row := range []struct {
			after time.Duration
			want  fault.Code
		}{{0, fault.PasskeyRefused}, {72*time.Hour - time.Minute, fault.PasskeyRefused}, {time.Minute, ""}} {
			s.later(row.after)
			body := withdrawal()
			if err := young.Approve(s.send(s.bot, body, "").address()); (err != nil) != (row.want != "") || err != nil && fault.CodeOf(err) != row.want {
				t.Errorf("%v later the young one: %v, want %q", row.after, err, row.want)
			}
			body["amount"] = fmt.Sprintf("0.%d1", i)
			if err := s.passkey.Approve(s.send(s.bot, body, "").address()); err != nil {
				t.Errorf("%v later the old one: %v", row.after, err)
			}
		}
	})
}

// between does something after an execution has looked for holds, and before it commits.
type between struct {
	*hold.Holds
	do func()
}

func (b *between) Standing(ctx context.Context, tx any, u id.User) (hold.Standing, error) {
	st, err := b.Holds.Standing(ctx, tx, u)
	if do := b.do; do != nil {
		b.do = nil
		do()
	}
	return st, err
}

// TestNothingIsAcknowledgedThatAnExecutionOverlooks: on PostgreSQL two transactions run at once. A hold, and the end of a key or of a user,
// waits for an execution that is under way; nobody is told that money waits while it still leaves.
func TestNothingIsAcknowledgedThatAnExecutionOverlooks(t *testing.T) {
	for name, stop := range map[string]func(*scene) error{
		"a hold": func(s *scene) error {
			return store.Of[any](s.Store).Update(t.Context(), func(tx any) (audit.Event, error) {
				changed := happening.Happening{Kind: happening.PasswordChanged, User: s.ada.User.ID, Session: s.who.Session}
				return audit.Quiet(audit.Housekeeping), s.Consequences.Apply(t.Context(), tx, changed)
			})
		},
		"a key's end":  func(s *scene) error { return s.APIKeys.Revoke(t.Context(), principal.Host("tests"), s.bot.ID) },
		"a user's end": func(s *scene) error { return s.Accounts.Disable(t.Context(), principal.Host("tests"), s.ada.User.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			s := sceneOf(t, authtest.Options{PostgresDSN: storetest.Postgres.New(t)})
			before := s.approved()
			acknowledged := make(chan error, 1)
			s.Confirmations.Holds = &between{s.Holds, func() {
				go func() { acknowledged <- stop(s) }()
				select {
				case err := <-acknowledged:
					acknowledged <- err
					t.Errorf("acknowledged while the execution was under way: %v", err)
				case <-time.After(300 * time.Millisecond): // it waits
				}
			}}
			got := s.send(s.bot, withdrawal(), before.Fields.Confirmation.String())
			if err := <-acknowledged; err != nil || got.status != http.StatusCreated {
				t.Errorf("%v; the execution that came first: %+v", err, got)
			}
			if again := s.send(s.bot, withdrawal(), before.Fields.Confirmation.String()); again.status == http.StatusCreated {
				t.Errorf("afterwards: %+v", again)
			}
		})
	}
}

// TestWhatIsKeptOfOne: it is evidence for a time, and goes with its user at once.
func TestWhatIsKeptOfOne(t *testing.T) {
	folder := t.TempDir()
	s := sceneOf(t, authtest.Options{Folder: folder})
	left := func() bool {
		return rawsql.Exec(filepath.Join(folder, "sallyport.db"), "UPDATE confirmation SET memo = memo") == nil
	}
	s.approved()
	s.later(confirm.Kept)
	if err := s.Sweep(t.Context()); err != nil || !left() {
		t.Errorf("gone too early: %v", err)
	}
	s.later(2 * time.Hour)
	if err := s.Sweep(t.Context()); err != nil || left() {
		t.Errorf("kept too long: %v", err)
	}
	s.later(-confirm.Kept - 2*time.Hour)
	s.approved()
	for _, end := range []func(context.Context, principal.Principal, id.User) error{s.Accounts.Disable, s.Accounts.Erase} {
		if err := end(t.Context(), principal.Host("tests"), s.ada.User.ID); err != nil {
			t.Fatal(err)
		}
	}
	if left() {
		t.Error("an erased user's is still there")
	}
}

func TestOpenOnesAreBounded(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		body := withdrawal()
		for n := range 21 {
			body["amount"] = fmt.Sprintf("0.%d1", n)
			got := s.send(s.bot, body, "")
			if want := map[bool]fault.Code{true: fault.ConfirmationRequired, false: fault.ConfirmationTooMany}[n < 20]; got.Code != want {
				t.Errorf("number %d: %+v", n+1, got)
			}
		}
		list, err := s.Confirmations.List(t.Context(), s.who)
		if err != nil || len(list) != 20 {
			t.Fatalf("%d open, %v", len(list), err)
		}
		if err := s.Confirmations.Cancel(t.Context(), s.who, list[0].ID); err != nil {
			t.Fatal(err)
		}
		all, err := s.Confirmations.All(t.Context(), s.who)
		if err != nil || len(all) != 20 || all[19].ID != list[0].ID || all[19].State(all[19].Cancelled) != "cancelled" {
			t.Errorf("a copy holds %d, %v", len(all), err)
		}
	})
}

func (s *scene) parse(text string) id.Confirmation {
	s.t.Helper()
	which, err := id.Parse[id.ConfirmationKind](text)
	if err != nil {
		s.t.Fatal(err)
	}
	return which
}
