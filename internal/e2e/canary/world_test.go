// Package canary_test plants secrets in requests, of every kind and in every place, and looks for them afterwards wherever the server writes:
// logs at debug level, letters, answers, metrics, the facts of audit events, the database's files and its dump.
package canary_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/kit/relay"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

// world is a whole stack and everything that it writes.
type world struct {
	*authtest.Stack
	t       *testing.T
	dsn     string // of PostgreSQL; empty on SQLite
	folder  string
	ahead   *atomic.Int64
	secrets scanner
	said    *paper
	log     *slog.Logger // on it
	relay   *relay.Relay
	people  []string // addresses of those whose events are read
}

func newWorld(t *testing.T, o authtest.Options) *world {
	t.Helper()
	w := &world{t: t, dsn: o.PostgresDSN, folder: t.TempDir(), ahead: new(atomic.Int64), said: &paper{}, relay: relay.New(t)}
	o.Folder, o.Relay = w.folder, w.relay.Address
	w.log = slog.New(slog.NewJSONHandler(w.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Log = w.log
	o.Now = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	w.Stack = authtest.StartWith(t, o)
	return w
}

func onBothEngines(t *testing.T, test func(*world)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				program.Missing(t, "pg_dump")
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			test(newWorld(t, o))
		})
	}
}

// later moves the clock, so that an app has its next code.
func (w *world) later() { w.ahead.Add(int64(31 * time.Second)) }

// browser is one whose every answer is held against the secrets that were planted before it. What the answer itself gives out is planted
// after.
func (w *world) browser(addr string) *authtest.Browser {
	b := w.Browser(addr)
	b.Heard = w.heard
	return b
}

// atHome are what a page may hold of its own browser: the form token, and the address that the reader asked for, to come back to. No problem
// may.
var atHome = []string{"form token", "query", "path"}

func (w *world) heard(r authtest.Reply) {
	w.t.Helper()
	var head bytes.Buffer
	_ = r.Header.Write(&head)
	text := append(head.Bytes(), r.Text...)
	problem := strings.HasPrefix(r.Header.Get("Content-Type"), "application/problem+json")
	for name, at := range w.secrets.places(text) {
		if problem || !slices.Contains(atHome, name) {
			w.t.Errorf("an answer (%d, %s) holds a secret (%s): %s", r.Status, r.Header.Get("Content-Type"), name, around(text, at))
		}
	}
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if len(c.Value) > 20 {
			w.secrets.plant("cookie "+c.Name, c.Value)
		}
	}
	if token := r.Header.Get("Form-Token"); token != "" {
		w.secrets.plant("form token", token)
	}
	for _, match := range formToken.FindAllStringSubmatch(r.Text, -1) {
		w.secrets.plant("form token", match[1])
	}
}

var formToken = regexp.MustCompile(`form_token"(?:: ?| value=)"([\w-]{20,})"`)

// background does what the server does beside requests.
func (w *world) background() {
	w.t.Helper()
	w.Settle()
	if err := w.Sweep(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// places gives everything that the server has written, by where.
func (w *world) places() map[string][]byte {
	w.t.Helper()
	places := map[string][]byte{"logs": w.said.bytes(), "letters": w.letters(), "metrics": w.metrics(), "audit facts": w.facts()}
	if w.dsn != "" {
		dump, problem, code := program.Output(w.t, program.Missing(w.t, "pg_dump"), w.dsn)
		if code != 0 {
			w.t.Fatalf("pg_dump: %s", problem)
		}
		places["dump"] = []byte(dump)
		return places
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		text, err := os.ReadFile(filepath.Join(w.folder, "sallyport.db"+suffix))
		if err != nil {
			w.t.Fatal(err)
		}
		places["files"] = append(places["files"], text...) // as one: what the log holds now moves into the file when it is folded in
	}
	return places
}

func (w *world) metrics() []byte {
	w.t.Helper()
	answer := httptest.NewRecorder()
	w.Metrics.ServeHTTP(answer, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		w.t.Fatalf("metrics: %d", answer.Code)
	}
	return answer.Body.Bytes()
}

// facts are the readable halves of all events about the people of the test, but for the agent, which is the sender's own word for itself and
// shown as such.
func (w *world) facts() []byte {
	w.t.Helper()
	var all bytes.Buffer
	for _, address := range w.people {
		u, memberships, err := w.Accounts.ByMail(w.t.Context(), address)
		if err != nil {
			w.t.Fatal(err)
		}
		who := principal.Principal{
			Kind: principal.KindUser, User: u.ID, Account: memberships[0].Account, Role: principal.Owner, Scopes: policy.ScopesOf(principal.Owner),
			Proof: assurance.Proof{Factors: assurance.Password},
		}
		for before, more := int64(0), true; more; {
			page, err := w.Log.Activity(w.t.Context(), who, before, 100)
			if err != nil {
				w.t.Fatal(err)
			}
			more = len(page) == 100
			for _, e := range page {
				e.Readable.Agent, before = "", e.Seq
				if err := json.NewEncoder(&all).Encode(e); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
	return all.Bytes()
}

// paper keeps what is written on it.
type paper struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *paper) bytes() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.text.Bytes())
}

var mailCode = regexp.MustCompile(`\b\d{8}\b`)

// lastCode reads the code from the letter that came last.
func (w *world) lastCode() string {
	w.t.Helper()
	w.Settle()
	letters := w.relay.Letters()
	code := mailCode.Find(letters[len(letters)-1].Text)
	if code == nil {
		w.t.Fatalf("no code in %s", letters[len(letters)-1].Text)
	}
	return string(code)
}

// letters are all of them, as they came and as they are read, without the code in the letter of that code.
func (w *world) letters() (all []byte) {
	for _, letter := range w.relay.Letters() {
		text := slices.Concat(letter.Raw, letter.Text)
		if code := mailCode.Find(letter.Text); code != nil {
			text = bytes.ReplaceAll(text, bytes.Clone(code), nil)
		}
		all = append(all, text...)
	}
	return all
}
