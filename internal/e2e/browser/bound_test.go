package browser_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp"

	"github.com/seed-21c57000/sallyport/internal/demo"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// secured is an installation over TLS in this process, because browsers bind sessions nowhere else. Its storage can be made to fail where a
// device proves itself, and its clock to run ahead.
type secured struct {
	*server.Server
	at      demo.Facts
	pin     string // base64 of the SHA-256 of its certificate's key
	mailbox *authtest.Mailbox
	ahead   atomic.Int64
	broken  atomic.Bool

	mu    sync.Mutex
	calls []string // "path status" of requests that concern devices
}

const securedRoutes = `routes:
  - {method: GET, path: /, scope: balances:read, class: look}
  - {method: GET, path: /stream, scope: balances:read, class: look, poll: true}
  - {method: POST, path: /withdraw, scope: withdrawals:write, class: withdraw,
     transaction: {asset: currency, network: network, address: address, memo: tag, amount: amount, fee: fee_max}}
`

// startSecured serves with a life of bound cookies that a test can wait for.
func startSecured(t *testing.T, life time.Duration) *secured {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte("data: open\n\n"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>paper</title><h1>paper</h1>"))
	}))
	t.Cleanup(upstream.Close)
	in := program.Install(t, program.InstallOptions{Scheme: "https", Upstream: upstream.URL, YAML: fmt.Sprintf(
		"tls: {mode: files, cert_file: '{folder}/cert.pem', key_file: '{folder}/key.pem'}\nsession: {binding: {cookie_life: %s}}\n", life)})
	if err := os.WriteFile(filepath.Join(in.Folder, "routes.yaml"), []byte(securedRoutes), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &secured{mailbox: &authtest.Mailbox{}, pin: writeCertificate(t, in.Folder)}
	cfg := in.Parsed(t)
	s.at.Dashboard, s.at.Exchange = string(cfg.Dashboard.Origin), "https://"+in.Page
	now := func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	var err error
	s.Server, err = server.New(t.Context(), cfg, server.Options{Now: now, Log: storetest.Quiet(t), Post: s.mailbox, HashCost: authtest.CheapHash})
	if err != nil {
		t.Fatal(err)
	}
	s.Bindings.Ledger = failing{s.Bindings.Ledger, &s.broken}
	s.Dashboard, s.Gateway = s.watch(s.Dashboard), s.watch(s.Gateway)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	listeners, err := server.Listen(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listeners, func() {}) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Log(err) // a browser may hold a connection to the last
		}
	})
	return s
}

// failing is storage that does not answer while it is broken.
type failing struct {
	audit.Ledger[binding.Tx]
	broken *atomic.Bool
}

var errBroken = errors.New("disk I/O error")

func (f failing) View(ctx context.Context, view func(binding.Tx) error) error {
	if f.broken.Load() {
		return errBroken
	}
	return f.Ledger.View(ctx, view)
}

func (f failing) Update(ctx context.Context, update func(binding.Tx) (audit.Event, error)) error {
	if f.broken.Load() {
		return errBroken
	}
	return f.Ledger.Update(ctx, update)
}

// watch notes requests that concern devices.
func (s *secured) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/dbsc/") {
			next.ServeHTTP(w, r)
			return
		}
		seen := &status{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, fmt.Sprintf("%s %d", r.URL.Path, seen.code))
	})
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// count says how often a request that concerns devices was so answered.
func (s *secured) count(call string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c == call {
			n++
		}
	}
	return n
}

// eventually waits for something that the browser does by itself.
func (s *secured) eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("%s: never; the browser asked %q", what, s.calls)
		}
	}
}

func writeCertificate(t *testing.T, folder string) (pin string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost", "exchange.localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256(public)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// newUser makes a user with a password, by way of the mailed code, and gives who they are.
func (s *secured) newUser(t *testing.T, mail string) principal.Principal {
	t.Helper()
	from := principal.Origin{Agent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0", Addr: authtest.PersonOrigin().Addr}
	browser := sha256.Sum256([]byte(mail))
	up, err := s.SignUps.Begin(t.Context(), from, signup.Begin{Mail: mail, Name: "Ada Trader", Lang: "en", Browser: browser})
	if err != nil {
		t.Fatal(err)
	}
	s.eventually(t, "the mailed code", func() bool { return len(s.mailbox.Letters(mail)) > 0 })
	if err := s.SignUps.Verify(t.Context(), up, browser, s.mailbox.Letters(mail)[0].Code); err != nil {
		t.Fatal(err)
	}
	done, err := s.SignUps.FinishWithPassword(t.Context(), signup.From{Origin: from, Browser: browser}, up, secret.FromString("password", authtest.Password))
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.Sessions.Authenticate(done.Bearer.Reveal(), "", from)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// app gives somebody an authenticator app, confirmed with the code before this one.
func (s *secured) app(t *testing.T, who principal.Principal) (base32 string) {
	t.Helper()
	key, err := s.Factors.BeginTOTP(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := otp.NewKeyFromURL(string(key.URI.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	base32 = parsed.Secret()
	if _, err := s.Factors.ConfirmTOTP(t.Context(), who, authtest.CodeAt(base32, time.Now().Add(-30*time.Second))); err != nil {
		t.Fatal(err)
	}
	return base32
}

// newBinder opens a Chromium that binds sessions to software keys and trusts the installation's certificate.
func newBinder(t *testing.T, s *secured) *person {
	t.Helper()
	return newPerson(t, s.at,
		chromedp.Flag("enable-features", "DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting"),
		chromedp.Flag("ignore-certificate-errors-spki-list", s.pin))
}

const binderMail = "ada@example.com"

// signsIn signs in with the password and waits until the session is bound.
func (s *secured) signsIn(t *testing.T, p *person, base32 string) {
	t.Helper()
	before := s.count("/dbsc/register 200")
	p.open(s.at.Dashboard + "/sign-in")
	p.fill("#mail", binderMail)
	p.fill("#password", authtest.Password)
	p.submit("form[action='/sign-in']")
	if base32 != "" {
		p.until("document.querySelector('#code') !== null")
		p.fill("#code", authtest.CodeAt(base32, time.Now()))
		p.submit("form[action='/sign-in/code']")
	}
	p.arrive("/")
	s.eventually(t, "Chromium binds the session (does it know the header Secure-Session-Registration?)", func() bool { return s.count("/dbsc/register 200") > before })
}

// asks fetches an address as a script of the page does and gives the status, and the reason of a challenge.
func (p *person) asks(path string) string {
	p.t.Helper()
	return p.text(fmt.Sprintf("fetch(%q).then(async r => r.status + ' ' + ((await r.json().catch(() => ({}))).challenge?.why ?? ''))", path))
}

// TestACopiedSessionDiesElsewhere: all cookies of a bound session, in a second browser, are worth nothing once the bound one has lapsed; the
// device goes on, and its owner reads of it.
func TestACopiedSessionDiesElsewhere(t *testing.T) {
	const life = 4 * time.Second
	s := startSecured(t, life)
	s.newUser(t, binderMail)
	p := newBinder(t, s)
	s.signsIn(t, p, "")
	p.open(s.at.Dashboard + "/sessions")
	if shown := p.text("document.querySelector('main').innerText"); !strings.Contains(shown, "bound to its device") {
		t.Errorf("the list of sessions does not say so: %s", shown)
	}

	thief, got := p.thief(s.at.Dashboard), ""
	for range 5 { // of a slow machine the bound cookie may lapse before the thief has asked
		p.asks("/v1/session")
		p.robbed(thief, s.at.Dashboard)
		if got = thief.asks("/v1/session"); got == "200 " {
			break
		}
	}
	if got != "200 " {
		t.Errorf("the thief at once: %s", got)
	}
	time.Sleep(life + time.Second)
	if got := thief.asks("/v1/session"); got != "401 " {
		t.Errorf("the thief after %s: %s", life, got)
	}
	renewed := s.count("/dbsc/refresh 200")
	if got := p.asks("/v1/session"); got != "200 " {
		t.Errorf("the device: %s", got)
	}
	if s.count("/dbsc/refresh 200") == renewed {
		t.Error("the device was let through without a proof")
	}
	s.eventually(t, "the refusal in the log", func() bool {
		return strings.Contains(p.text("fetch('/v1/activity').then(r => r.text())"), "session.unproven")
	})

	// A link on another site does not wait for a proof; the page comes again by itself, and does not ask for a sign-in.
	p.text(fmt.Sprintf("(location.href = %q, '')", s.at.Exchange+"/.sallyport/nowhere"))
	p.until(fmt.Sprintf("location.origin === %q", s.at.Exchange))
	time.Sleep(life + time.Second)
	p.text(fmt.Sprintf("(location.href = %q, '')", s.at.Dashboard+"/sessions"))
	p.arrive("/sessions")

	// A server that cannot answer keeps the session, for looking.
	s.broken.Store(true)
	time.Sleep(life + time.Second)
	if got := p.asks("/v1/session"); got != "200 unrenewed" {
		t.Errorf("while our storage is broken: %s", got)
	}
	if got := thief.asks("/v1/session"); got != "200 unrenewed" && got != "401 " {
		t.Errorf("the thief while our storage is broken: %s", got)
	}
	s.broken.Store(false)
	s.eventually(t, "full power again", func() bool { return p.asks("/v1/session") == "200 " })

	// Signed out, the browser is told to forget its key with its next question.
	p.signOut()
	p.open(s.at.Dashboard + "/sign-in")
	time.Sleep(life)
	known := len(s.snapshot())
	p.open(s.at.Dashboard + "/sign-in")
	if after := s.snapshot(); len(after) != known {
		t.Errorf("it still asks: %q", after[known:])
	}
}

func (s *secured) snapshot() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// thief is a second browser context, on a page of the origin.
func (p *person) thief(origin string) *person {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithNewBrowserContext())
	p.t.Cleanup(cancel)
	thief := &person{t: p.t, ctx: ctx, demo: p.demo}
	call(thief, network.Enable, network.EnableParams{})
	thief.do(chromedp.Navigate(origin + "/healthz"))
	return thief
}

// robbed gives the thief all cookies of an origin.
func (p *person) robbed(thief *person, origin string) {
	p.t.Helper()
	jar, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{origin}})
	if err != nil {
		p.t.Fatal(err)
	}
	var names []string
	for _, c := range jar.Cookies {
		names = append(names, c.Name)
		call(thief, network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, URL: origin, Path: "/", Secure: new(true), HTTPOnly: new(true), SameSite: network.CookieSameSiteLax,
		})
	}
	if !slices.Contains(names, httpx.SessionCookie) || !slices.Contains(names, httpx.BoundCookie) {
		p.t.Fatalf("cookies %q", names)
	}
}

// TestADeviceProvesItselfBeforeMoney: the session on the exchange's host is bound by itself, and before a withdrawal its device proves its key once
// more if the last proof is old.
func TestADeviceProvesItselfBeforeMoney(t *testing.T) {
	s := startSecured(t, 10*time.Minute)
	p := newBinder(t, s)
	base32 := s.app(t, s.newUser(t, binderMail))
	s.signsIn(t, p, base32)
	p.open(s.at.Dashboard + "/")
	p.click("a[href*='/.sallyport/enter']")
	p.until(fmt.Sprintf("location.origin === %q && document.querySelector('h1') !== null", s.at.Exchange))
	s.eventually(t, "Chromium binds the child session", func() bool { return s.count("/.sallyport/dbsc/register 200") == 1 })
	withdraw := `fetch('/withdraw', {method: 'POST', headers: {'Content-Type': 'application/x-www-form-urlencoded'},
		body: 'currency=BTC&network=BTC&amount=0.01&address=paper1q'}).then(async r => r.status + ' ' + (await r.json()).code)`
	if got := p.text(withdraw); got != "403 confirmation.no_passkey" || s.count("/.sallyport/dbsc/refresh 200") != 0 {
		t.Errorf("just proven: %s, %q", got, s.snapshot())
	}
	s.ahead.Store(int64(6 * time.Minute))
	s.eventually(t, "the feed at the new time", func() bool { return s.Store.Age() < 500*time.Millisecond })
	if got := p.text(withdraw); got != "403 confirmation.no_passkey" {
		t.Errorf("proven six minutes ago: %s", got)
	}
	if s.count("/.sallyport/dbsc/refresh 200") != 1 {
		t.Errorf("the device did not prove itself once: %q", s.snapshot())
	}
	if got := p.asks("/"); got != "200 " || s.count("/.sallyport/dbsc/refresh 200") != 1 {
		t.Errorf("looking needs no further proof: %s %q", got, s.snapshot())
	}
	// Crossing over takes a proof on the dashboard, which comes without a word.
	proofs := s.count("/dbsc/refresh 200")
	p.open(s.at.Dashboard + "/")
	p.click("a[href*='/.sallyport/enter']")
	p.until(fmt.Sprintf("location.origin === %q && document.querySelector('h1') !== null", s.at.Exchange))
	if s.count("/dbsc/refresh 200") != proofs+1 {
		t.Errorf("the device crossed over without a proof: %q", s.snapshot())
	}
}
