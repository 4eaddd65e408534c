package notify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/sign"
)

const phone = "+821012345678"

// texted is what the operator's gateway got.
type texted struct{ ID, To, Text string }

// gateway is an operator's: it takes what is signed with the shared secret, and refuses while down.
type gateway struct {
	t      *testing.T
	shared []byte
	mu     sync.Mutex
	got    []texted // guarded by mu
	down   bool     // guarded by mu
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
	}
	call := sign.Received(r)
	call.Body = body
	signature, err := sign.Parse(&call)
	if err == nil {
		err = signature.Verify(&call, sign.Key{Dialect: sign.Native, Algorithm: sign.HMACSHA256, Material: g.shared})
	}
	if err == nil {
		err = signature.CheckBody(&call, sign.Settings{})
	}
	if err != nil || signature.KeyID != "sallyport" {
		g.t.Errorf("a call that we did not sign: %q %v", signature.KeyID, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var m texted
	if err := json.Unmarshal(body, &m); err != nil {
		g.t.Error(err)
	}
	g.got = append(g.got, m)
}

// take gives what arrived since the last time.
func (g *gateway) take() []texted {
	g.mu.Lock()
	defer g.mu.Unlock()
	got := g.got
	g.got = nil
	return got
}

func (g *gateway) turn(down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
}

// phones is a stack that sends text messages, with one user and her clock.
type phones struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	ada   *authtest.Person
	air   *gateway
}

func openPhones(t *testing.T) *phones {
	t.Helper()
	return openPhonesWith(t, "")
}

// openPhonesWith adds settings to those of the gateway.
func openPhonesWith(t *testing.T, more string) *phones {
	t.Helper()
	air := &gateway{t: t, shared: bytes.Repeat([]byte{9}, 32)}
	server := httptest.NewServer(air)
	t.Cleanup(server.Close)
	key := filepath.Join(t.TempDir(), "texts.key")
	if err := os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString(air.shared)), 0o600); err != nil {
		t.Fatal(err)
	}
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{
		Now: clock.Now, YAML: fmt.Sprintf("notices: {text_messages: {url: %q, key_file: %q%s}}\n", server.URL+"/texts", key, more),
	})
	return &phones{s, t, clock, s.SignUp(address), air}
}

var digits = regexp.MustCompile(`[0-9]{8}`)

// add gives ada a number, with the code that it was texted.
func (p *phones) add(number string) {
	p.t.Helper()
	change, err := p.Contacts.Begin(p.t.Context(), p.ada.Principal(), contact.Phone, number)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Settle()
	got := p.air.take()
	if len(got) != 1 || got[0].To != number {
		p.t.Fatalf("texted %+v, want one code to %s", got, number)
	}
	p.ada.Bearer, err = p.Contacts.Finish(p.t.Context(), p.ada.Principal(), change, digits.FindString(got[0].Text))
	if err != nil {
		p.t.Fatal(err)
	}
	p.Settle()
}

// signsIn gives ada a session of now.
func (p *phones) signsIn(mail string) {
	p.t.Helper()
	b := p.Browser("203.0.113.7")
	if got := b.SignIn(mail, authtest.Password, ""); got.Status != http.StatusOK {
		p.t.Fatalf("%s: %d %s", mail, got.Status, got.Text)
	}
	p.ada.Bearer = secret.FromString("session", b.Cookies["localhost:8080"][httpx.SessionCookie])
}

func TestTextMessagesAreOffUnlessTheyAreConfigured(t *testing.T) {
	s := authtest.Start(t)
	ada := s.Browser("203.0.113.7")
	ada.SignUp(address)
	if got := ada.Call(http.MethodPost, "/v1/contact/changes", map[string]string{"place": "phone", "number": phone}); got.Code != fault.ContactTextsOff {
		t.Errorf("%d %s", got.Status, got.Code)
	}
	if got := ada.Call(http.MethodGet, "/v1/contact", nil); !strings.Contains(got.Text, `"text_messages":false`) {
		t.Errorf("%s", got.Text)
	}
	if got := ada.Do(ada.Request(http.MethodGet, authtest.Origin+"/contact", "")); got.Status != http.StatusOK || strings.Contains(got.Text, "/contact/phone") {
		t.Errorf("the page offers a number: %d", got.Status)
	}
}

// A number takes its place with the code that it was texted, and from then on each notice reaches it once: one sentence, and where to read the rest.
func TestANumberIsTextedEachNoticeOnce(t *testing.T) {
	p := openPhones(t)
	p.add(phone)
	told := p.air.take()
	if len(told) != 1 || told[0].To != phone || told[0].Text != "Sallyport: How we reach you was changed. See your messages on localhost." {
		t.Fatalf("of its own place it was told %+v", told)
	}
	if r, err := p.Contacts.Of(t.Context(), p.ada.Principal()); err != nil || r.Phone != phone || !r.PhoneSince.Equal(p.clock.Now()) {
		t.Errorf("reached at %+v, %v", r, err)
	}
	p.clock.Advance(time.Second)
	p.air.turn(true)
	if err := p.Contacts.SetPhrase(t.Context(), p.ada.Principal(), "blue heron at noon"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Store.DrainDue(t.Context(), p.Handlers()); err == nil {
		t.Error("a text that was not taken counts as sent")
	}
	if got := p.air.take(); len(got) > 0 {
		t.Fatalf("while the gateway was down it took %+v", got)
	}
	p.air.turn(false)
	p.clock.Advance(time.Hour)
	p.Settle()
	p.Settle()
	got := p.air.take()
	if len(got) != 1 || !strings.Contains(got[0].Text, "Your mail phrase was changed.") || strings.Contains(got[0].Text, "/") || strings.Contains(got[0].Text, "heron") {
		t.Errorf("texted %+v, want the phrase's change once, without a link", got)
	}
	list, err := p.Notices.Messages(t.Context(), p.ada.Principal(), id.Message{})
	if err != nil || !strings.HasPrefix(got[0].ID, list[0].ID.String()) {
		t.Errorf("its id %s is not that of the message %s, %v", got[0].ID, list[0].ID, err)
	}
}

func TestWhatIsNoNumber(t *testing.T) {
	p := openPhones(t)
	for _, bad := range []string{
		"", "01012345678", "+0101234567", "+8210 1234 5678", "+82-10-1234-5678", "+8210123", "+8210123456789012", "821012345678", "+82101234567a", "+８２1012345678", phone + "\n",
		"+97912345678", "+881612345678", "+88312345678", "+87012345678", "+80812345678", // no country's
	} {
		if _, err := p.Contacts.Begin(t.Context(), p.ada.Principal(), contact.Phone, bad); fault.CodeOf(err) != fault.ContactNumberMalformed {
			t.Errorf("%q: %v", bad, err)
		}
	}
	p.Settle()
	if got := p.air.take(); len(got) > 0 {
		t.Errorf("texted %+v", got)
	}
}

// Nobody makes the platform pay for as many texts as they like, or writes to a stranger's phone all day.
func TestCodesByTextAreFew(t *testing.T) {
	p := openPhones(t)
	begin := func(who *authtest.Person, addr string, n int) fault.Code {
		t.Helper()
		from := who.Principal()
		from.Origin = authtest.PersonOrigin()
		from.Origin.Addr = netip.MustParseAddr(addr)
		_, err := p.Contacts.Begin(t.Context(), from, contact.Phone, fmt.Sprintf("+8210%08d", n))
		if err == nil {
			return ""
		}
		return fault.CodeOf(err)
	}
	others := []*authtest.Person{p.ada}
	for n := range 4 {
		others = append(others, p.SignUp(fmt.Sprintf("user%d@example.com", n)))
	}
	for n := range 3 {
		if got := begin(others[n], fmt.Sprintf("203.0.113.%d", 20+n), 1); got != "" {
			t.Fatalf("code %d to one number: %s", n, got)
		}
	}
	if got := begin(others[3], "203.0.113.30", 1); got != fault.SignInThrottled {
		t.Errorf("a fourth code to one number: %q", got)
	}
	for n := range 4 { // and the one above
		if got := begin(p.ada, fmt.Sprintf("203.0.113.%d", 40+n), 10+n); got != "" {
			t.Fatalf("code %d of one user: %s", n, got)
		}
	}
	if got := begin(p.ada, "203.0.113.50", 20); got != fault.SignInThrottled {
		t.Errorf("a sixth code of one user: %q", got)
	}
	for n := range 10 {
		if got := begin(others[1+n%4], "198.51.100.9", 30+n); got != "" {
			t.Fatalf("code %d from one address: %s", n, got)
		}
	}
	if got := begin(others[4], "198.51.100.9", 50); got != fault.SignInThrottled {
		t.Errorf("an eleventh code from one address: %q", got)
	}
	p.clock.Advance(25 * time.Hour)
	p.signsIn(address)
	if got := begin(p.ada, "203.0.113.50", 1); got != "" {
		t.Errorf("a day later: %s", got)
	}
}

// Accounts, numbers and addresses of a network are cheap to whoever earns by the texts that we send; all together are bounded, and come back by and by.
func TestAllTheCodesOfADayAreFew(t *testing.T) {
	p := openPhonesWith(t, ", codes_a_day: 6")
	sent := 0
	try := func(n int) fault.Code {
		t.Helper()
		from := p.SignUp(fmt.Sprintf("pump%d@example.com", n)).Principal()
		from.Origin = authtest.PersonOrigin()
		from.Origin.Addr = netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%d::1", n))
		_, err := p.Contacts.Begin(t.Context(), from, contact.Phone, fmt.Sprintf("+8210%08d", n))
		if err == nil {
			sent++
			return ""
		}
		return fault.CodeOf(err)
	}
	for n := range 8 {
		if got := try(n + 1); (n < 6) != (got == "") || n >= 6 && got != fault.SignInThrottled {
			t.Errorf("code %d: %q", n, got)
		}
	}
	p.Settle()
	if got := p.air.take(); len(got) != 6 || sent != 6 {
		t.Errorf("%d texts left, of %d", len(got), sent)
	}
	p.clock.Advance(5 * time.Hour) // a sixth of a day, and more
	if got := try(20); got != "" {
		t.Errorf("hours later: %s", got)
	}
	if got := try(21); got != fault.SignInThrottled {
		t.Errorf("one more: %q", got)
	}
}

func TestACodeByTextHasFiveTriesAndTenMinutes(t *testing.T) {
	p := openPhones(t)
	begin := func() (id.ContactChange, string) {
		change, err := p.Contacts.Begin(t.Context(), p.ada.Principal(), contact.Phone, phone)
		if err != nil {
			t.Fatal(err)
		}
		p.Settle()
		return change, digits.FindString(p.air.take()[0].Text)
	}
	change, code := begin()
	for range 5 {
		if _, err := p.Contacts.Finish(t.Context(), p.ada.Principal(), change, "00000000"); fault.CodeOf(err) != fault.ContactCodeRefused {
			t.Errorf("a wrong code: %v", err)
		}
	}
	if _, err := p.Contacts.Finish(t.Context(), p.ada.Principal(), change, code); fault.CodeOf(err) != fault.ContactCodeRefused {
		t.Errorf("the right code after five wrong ones: %v", err)
	}
	change, code = begin()
	p.clock.Advance(contact.CodeLife)
	if _, err := p.Contacts.Finish(t.Context(), p.ada.Principal(), change, code); fault.CodeOf(err) != fault.ContactCodeRefused {
		t.Errorf("after ten minutes: %v", err)
	}
}

// Whoever causes notices all day has so many of them texted and no more; the mails go on.
func TestNoticesByTextAreBounded(t *testing.T) {
	p := openPhones(t)
	p.add(phone)
	p.air.take()
	for n := range 30 {
		if err := p.Contacts.SetPhrase(t.Context(), p.ada.Principal(), fmt.Sprintf("blue heron %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	p.Settle()
	if got := len(p.air.take()); got != 19 { // the twentieth was that of the number
		t.Errorf("%d of 30 notices were texted, want 19", got)
	}
	mails := slices.DeleteFunc(p.Mailbox.Letters(address), func(l authtest.Letter) bool { return l.Notice != notify.PhraseChanged })
	if len(mails) != 30 {
		t.Errorf("%d of 30 notices were mailed", len(mails))
	}
}

// A number that goes is told, and the link in the mail puts it back.
func TestANumberThatGoesIsToldAndPutBack(t *testing.T) {
	p := openPhones(t)
	p.add(phone)
	p.air.take()
	var err error
	if p.ada.Bearer, err = p.Contacts.Remove(t.Context(), p.ada.Principal(), contact.Phone); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Contacts.Remove(t.Context(), p.ada.Principal(), contact.Phone); fault.CodeOf(err) != fault.ContactNoNumber {
		t.Errorf("removed twice: %v", err)
	}
	p.Settle()
	if got := p.air.take(); len(got) != 1 || got[0].To != phone {
		t.Errorf("the number that went was told %+v", got)
	}
	letters := p.Mailbox.Letters(address)
	last := letters[len(letters)-1]
	if last.Notice != notify.ContactChanged || last.Link == "" {
		t.Fatalf("mailed %+v", last)
	}
	if r, err := p.Notices.Contain(t.Context(), authtest.PersonOrigin(), "en", strings.TrimPrefix(last.Link, "/not-me/")); err != nil || !r.Undone {
		t.Fatalf("%+v %v", r, err)
	}
	r, err := p.Contacts.Of(t.Context(), principal.Principal{Kind: principal.KindUser, User: p.ada.User.ID})
	if err != nil || r.Phone != phone {
		t.Errorf("reached at %+v, %v", r, err)
	}
}

// Who has somebody's number has nothing: it raises no level, is no way back, and a text starts no clock, however long the number has been there.
func TestANumberProvesNothing(t *testing.T) {
	p := openPhones(t)
	before, err := p.Factors.Of(t.Context(), p.ada.Principal())
	if err != nil {
		t.Fatal(err)
	}
	p.add(phone)
	p.air.take()
	after, err := p.Factors.Of(t.Context(), p.ada.Principal())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a number changed how she signs in (-before +after):\n%s", diff)
	}
	from := recovery.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte("a browser"))}
	if _, err := p.Recoveries.Begin(t.Context(), from, phone, "en"); err == nil {
		t.Error("a recovery began with a number")
	}
	p.clock.Advance(8 * 24 * time.Hour)
	p.signsIn(address)
	change, err := p.Contacts.Begin(t.Context(), p.ada.Principal(), contact.Mail, "ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	p.Settle()
	letters := p.Mailbox.Letters("ada@example.org")
	if p.ada.Bearer, err = p.Contacts.Finish(t.Context(), p.ada.Principal(), change, letters[len(letters)-1].Code); err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(4 * 24 * time.Hour) // the old address is told of it no more, the new one is not settled; the number is
	p.Settle()
	p.air.take()
	c, err := p.Recoveries.Begin(t.Context(), from, "ada@example.org", "en")
	if err != nil {
		t.Fatal(err)
	}
	p.Settle()
	letters = p.Mailbox.Letters("ada@example.org")
	if err := p.Recoveries.ShowMailbox(t.Context(), from, c.ID, letters[len(letters)-1].Code); err != nil {
		t.Fatal(err)
	}
	if err := p.Recoveries.ClaimWithPassword(t.Context(), from, c.ID, secret.FromString("password", authtest.Password)); err != nil {
		t.Fatal(err)
	}
	p.Settle()
	if got := p.air.take(); len(got) != 1 || !strings.Contains(got[0].Text, "Somebody is recovering your account.") {
		t.Errorf("texted %+v", got)
	}
	claims, err := p.Recoveries.Claims(t.Context(), principal.Principal{Kind: principal.KindUser, User: p.ada.User.ID})
	if err != nil || len(claims) != 1 || !claims[0].Begun.IsZero() {
		t.Errorf("the clock of a recovery runs from a text: %+v %v", claims, err)
	}
}
