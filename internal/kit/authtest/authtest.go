// Package authtest is the whole stack for tests: the real graph on a SQLite file, with the paper exchange behind the gateway, reached by
// recorders instead of sockets so that it runs inside a synctest bubble.
//
// What it replaces is said here and nowhere else: password hashes are cheap and have a long queue, letters end in a mailbox instead of a relay, and upstreams are
// called in process. Every check is the real one.
package authtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// The places of every test stack. Keys of environment test belong to APIHost, those of live to LiveHost; people open PageHost.
const (
	Origin     = "http://localhost:8080"
	APIHost    = "api.localhost:8081"
	LiveHost   = "live.localhost:8081"
	PageHost   = "exchange.localhost:8081"
	PageOrigin = "http://" + PageHost
	// ConfirmOrigin is where money is confirmed.
	ConfirmOrigin = "http://localhost:8082"

	dashboardHost = "localhost:8080"
)

// Stack is a running installation.
type Stack struct {
	*server.Server
	Exchange *sandbox.Exchange
	Config   config.Config
	Mailbox  *Mailbox
	Now      func() time.Time
	t        testing.TB
}

// Options choose what differs from the usual. The zero value is the usual.
type Options struct {
	// Now is the clock; nil means time.Now, which a bubble owns.
	Now func() time.Time
	// PostgresDSN puts the stack on PostgreSQL.
	PostgresDSN string
	// Upstreams are further entries of gateway.upstreams, each a line of YAML.
	Upstreams []string
	// YAML is appended to the configuration.
	YAML string
	// Environ sets single settings as the environment does: "SALLYPORT_DASHBOARD_RP_ID=…". They win over the configuration.
	Environ []string
	// Convention lets proxies on loopback ask the forward-auth door, in these headers; empty leaves nobody who may ask.
	Convention string
	// Upstream is the address of a real upstream; empty calls the paper exchange in process.
	Upstream string
	// APIHost and PageHost replace the usual places.
	APIHost, PageHost string
	// Folder keeps data between two stacks of one test; empty means a fresh one.
	Folder string
	// Log takes what the server logs; nil shows warnings of a test that failed.
	Log *slog.Logger
	// HashCost is what a password hash costs; zero is CheapHash.
	HashCost password.Cost
	// Watch hears every statement of a room; nil is not called.
	Watch func(statement string)
	// Relay is the address of a mail server that letters leave by, written out; empty ends them in the Mailbox.
	Relay string
}

// CheapHash is what password hashes cost in tests.
var CheapHash = password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

// Start builds a stack with the usual options.
func Start(t testing.TB) *Stack { return StartWith(t, Options{}) }

// StartWith builds a stack and closes it when the test ends. Background work is not started: Settle does what is due.
func StartWith(t testing.TB, o Options) *Stack {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	if o.APIHost == "" {
		o.APIHost, o.PageHost = APIHost, PageHost
	}
	shared := bytes.Repeat([]byte{7}, 32)
	exchange := openExchange(t, o, shared)
	mailbox := &Mailbox{}
	opts := server.Options{Now: o.Now, Log: o.Log, Post: mailbox, HashCost: o.HashCost, Watch: o.Watch}
	if opts.HashCost == (password.Cost{}) {
		opts.HashCost = CheapHash
	}
	if o.Log == nil {
		opts.Log = storetest.Quiet(t)
	}
	if o.Relay != "" {
		opts.Post = nil
		o.YAML += "mail: {smtp: {addr: '" + o.Relay + "', tls: none}, from: gate@exchange.example}\n"
	}
	if o.Upstream == "" {
		o.Upstream, opts.Transport = "http://paper.invalid", inProcess{exchange.Handler()}
	}
	cfg, err := config.Parse(configText(t, o, shared), o.Environ)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &Stack{Server: s, Exchange: exchange, Config: cfg, Mailbox: mailbox, Now: o.Now, t: t}
}

func configText(t testing.TB, o Options, shared []byte) []byte {
	t.Helper()
	file := func(name, body string) string {
		path := filepath.Join(o.Folder, name)
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	routes := file("routes.yaml", string(sandbox.Routes()))
	key := file("paper.key", base64.StdEncoding.EncodeToString(shared))
	database := filepath.Join(o.Folder, "sallyport.db")
	engine := "store: {sqlite: {path: " + database + "}}\n"
	if o.PostgresDSN == "" {
		storetest.PutSchema(t, database)
	} else {
		engine = "store: {engine: postgres, postgres: {dsn_file: " + file("dsn", o.PostgresDSN) + "}}\n"
	}
	var others strings.Builder
	for _, entry := range o.Upstreams {
		others.WriteString("    - " + entry + "\n")
	}
	forward := ""
	if o.Convention != "" {
		forward = "  forward: {convention: " + o.Convention + "}\n"
		engine += "proxies: {trusted: [127.0.0.0/8]}\n"
	}
	return fmt.Appendf(nil, `environment: test
dashboard: {origin: %q, confirmation_origin: %q}
gateway:
  hosts:
    - {authority: %q, environment: test, kind: api, upstream: paper}
    - {authority: %q, environment: live, kind: api, upstream: paper}
    - {authority: %q, environment: test, kind: page, upstream: paper, origin: %q}
%s  upstreams:
    - {name: paper, url: %q, assertion: hmac, key_file: %s, routes_file: %s, keys_path: /keys/ended, prices_path: /prices}
%skeyring: {file: {path: %s}}
password: {queue: 1024}
%s%s`, Origin, ConfirmOrigin, o.APIHost, LiveHost, o.PageHost, "http://"+o.PageHost, forward, o.Upstream, key, routes, others.String(), filepath.Join(o.Folder, "keys"), engine, o.YAML)
}

func openExchange(t testing.TB, o Options, shared []byte) *sandbox.Exchange {
	t.Helper()
	key, err := gate.HS256(server.AssertionKeyID(shared), shared)
	if err != nil {
		t.Fatal(err)
	}
	x, err := sandbox.Open(filepath.Join(o.Folder, "exchange.db"), sandbox.Config{
		Seed: 1, Now: o.Now, Gate: gate.Config{Issuer: Origin, Audience: "paper", Keys: []gate.Key{key}, Now: o.Now},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// Settle does what background work would have done by now: jobs that are due, counted refusals, times of use.
func (s *Stack) Settle() {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	if _, err := s.Store.DrainDue(ctx, s.Handlers()); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Flush(ctx); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Save(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// inProcess calls an upstream's handler as its HTTP server would.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, in)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// Letter is what a user was sent.
type Letter struct {
	To     notify.To
	Notice notify.Letter
	Facts  map[string]string
	// Message is its id in the message centre, and Link the path by which its reader says that this was not them.
	Message id.Message
	Link    string
	// Code of a sign-up, a recovery or a new address, and whether the address had a user already.
	Code     string
	Existing bool
	// Nobody: the address of a recovery has no account.
	Nobody bool
	// Invitation into an account.
	Invitation id.Invitation
}

// Mailbox receives all letters.
type Mailbox struct {
	mu      sync.Mutex
	letters []Letter // guarded by mu
	refused string   // guarded by mu
}

// Refuse takes no notice to an address from now on; empty takes all again.
func (m *Mailbox) Refuse(mail string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = mail
}

func (m *Mailbox) takes(mail string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if mail == m.refused {
		return fmt.Errorf("the mailbox of %s refuses", mail)
	}
	return nil
}

// SendNotice keeps a notice.
func (m *Mailbox) SendNotice(_ context.Context, to notify.To, n notify.Message, link string) error {
	if err := m.takes(to.Mail); err != nil {
		return err
	}
	m.add(Letter{To: to, Notice: n.Letter, Facts: n.Facts, Message: n.ID, Link: link})
	return nil
}

// SendContactCode keeps the code of a new address.
func (m *Mailbox) SendContactCode(_ context.Context, to notify.To, n notify.Message, code secret.Value) error {
	l := Letter{To: to, Notice: n.Letter, Message: n.ID}
	if n.Letter == notify.ContactCode {
		l.Code = string(code.Reveal())
	}
	m.add(l)
	return nil
}

// SendCode keeps the letter of a sign-up.
func (m *Mailbox) SendCode(_ context.Context, to notify.To, n notify.Message, code secret.Value, _ time.Duration) error {
	l := Letter{To: to, Notice: n.Letter, Message: n.ID, Existing: n.Letter == notify.SignUpTried}
	if !l.Existing {
		l.Code = string(code.Reveal())
	}
	m.add(l)
	return nil
}

// SendRecoveryCode keeps the letter of a recovery.
func (m *Mailbox) SendRecoveryCode(_ context.Context, to notify.To, n notify.Message, code secret.Value, _ time.Duration) error {
	l := Letter{To: to, Notice: n.Letter, Facts: n.Facts, Message: n.ID, Nobody: n.Letter == notify.RecoveryNobody}
	if !l.Nobody {
		l.Code = string(code.Reveal())
	}
	m.add(l)
	return nil
}

// SendInvitation keeps an invitation.
func (m *Mailbox) SendInvitation(_ context.Context, i member.Invitation) error {
	m.add(Letter{To: notify.To{Mail: i.Mail, Lang: i.Lang}, Invitation: i.ID})
	return nil
}

func (m *Mailbox) add(l Letter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letters = append(m.letters, l)
}

// Letters gives all letters to an address, the oldest first.
func (m *Mailbox) Letters(mail string) (list []Letter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters {
		if l.To.Mail == mail {
			list = append(list, l)
		}
	}
	return list
}

// Do sends a request to a door of the stack and gives the answer. host picks the door: the dashboard's, or one of the gateway's.
func (s *Stack) Do(r *http.Request) *http.Response {
	if r.RemoteAddr == "" || r.RemoteAddr == "192.0.2.1:1234" {
		r.RemoteAddr = "203.0.113.7:40000"
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", PersonOrigin().Agent) // what shows no agent to a session is asked who it is
	}
	if r.RequestURI == "" {
		r.RequestURI = r.URL.RequestURI()
	}
	w := httptest.NewRecorder()
	if strings.HasSuffix(r.Host, ":8081") {
		s.Gateway.ServeHTTP(w, r)
	} else {
		s.Dashboard.ServeHTTP(w, r)
	}
	return w.Result()
}

// Held is a body that trickles in: half of it is there, then meanwhile happens, then the rest comes.
func Held(body string, meanwhile func()) io.Reader {
	half := len(body) / 2
	return io.MultiReader(strings.NewReader(body[:half]), &pause{meanwhile}, strings.NewReader(body[half:]))
}

type pause struct{ meanwhile func() }

func (p *pause) Read([]byte) (int, error) {
	p.meanwhile()
	return 0, io.EOF
}

// Body reads an answer's body as text.
func Body(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
