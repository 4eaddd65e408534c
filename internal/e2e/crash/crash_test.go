// Package crash_test kills the real server in the middle of its work and asks afterwards for everything that was acknowledged. The ledger of
// what was acknowledged is kept here, by its client.
//
// A kill alone proves little about a power cut, because what the server wrote stays in the system's memory. trace_test.go proves the rest:
// that what is acknowledged was synced to the disk before.
package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/sign"
)

func TestMain(m *testing.M) { program.Main(m) }

// owner is a person with a session at a real server, who revokes keys through the JSON door and spends tokens at the gateway.
type owner struct {
	*program.Installation
	t      *testing.T
	http   *http.Client
	bearer string
	form   string
	keys   []string // to revoke
	signer sign.Signer

	mu      sync.Mutex
	revoked []string        // acknowledged; guarded by mu
	spent   []*http.Request // acknowledged; guarded by mu
}

// newOwner makes an installation with an upstream that says yes, a person, and as many keys to revoke.
func newOwner(t *testing.T, o program.InstallOptions, keys int) *owner {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") }))
	t.Cleanup(upstream.Close)
	o.Upstream = upstream.URL
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	w := &owner{Installation: program.Install(t, o), t: t, http: &http.Client{Transport: transport, Timeout: 10 * time.Second}}
	rooms, closed := w.Rooms(t)
	defer closed()
	ada := program.SignUp(t, rooms, "ada@example.com")
	w.bearer = string(ada.Bearer.Reveal())
	for range keys {
		w.keys = append(w.keys, ada.Key(t, rooms, sign.Native, sign.HMACSHA256).Text())
	}
	upbit := ada.Key(t, rooms, sign.Upbit, sign.HMACSHA2)
	var err error
	if w.signer, err = sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Upbit, KeyID: upbit.Text(), Secret: upbit.Secret.Reveal(), Untimed: true}); err != nil {
		t.Fatal(err)
	}
	return w
}

// arrive opens the dashboard of a server that has just started.
func (w *owner) arrive() {
	w.t.Helper()
	var page struct {
		FormToken string `json:"form_token"`
	}
	w.read("/v1/form-token", &page)
	w.form = page.FormToken
}

func (w *owner) ask(ctx context.Context, method, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+w.Dashboard+path, nil)
	if err != nil {
		return nil, err
	}
	r.Host = strings.Replace(w.Dashboard, "127.0.0.1", "localhost", 1) // the name of its origin
	r.Header.Set("Cookie", "__Host-sid="+w.bearer)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", "application/json")
	if w.form != "" {
		r.Header.Set("Form-Token", w.form)
	}
	return w.http.Do(r)
}

// read asks for JSON that must come.
func (w *owner) read(path string, into any) {
	w.t.Helper()
	answer, err := w.ask(w.t.Context(), http.MethodGet, path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, json.Unmarshal(body, into)); err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s: %d %s %v", path, answer.StatusCode, body, err)
	}
}

// revoke ends one key and writes it into the ledger when the server has said that it is done.
func (w *owner) revoke(ctx context.Context, key string) error {
	if err := w.end(ctx, "/v1/keys/"+key); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = append(w.revoked, key)
	return nil
}

// end ends what stands at a path: a key, a session.
func (w *owner) end(ctx context.Context, path string) error {
	answer, err := w.ask(ctx, http.MethodDelete, path)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("end %s: %s", path, answer.Status)
	}
	return nil
}

// spend sends a token without a time, whose nonce the server must keep for as long as its key lives.
func (w *owner) spend(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.Gateway+"/v1/accounts", nil)
	if err != nil {
		return err
	}
	if err := sign.Sign(r, nil, w.signer, time.Now()); err != nil {
		return err
	}
	status, body, err := w.send(r)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("spend: %d %s", status, body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spent = append(w.spent, r)
	return nil
}

// sendFrom sends from the nth of 200 addresses: what one address sends again costs it tries, of which it has few.
func (w *owner) sendFrom(n int, r *http.Request) (status int, body string, err error) {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+n%200))}}
	client := &http.Client{Transport: &http.Transport{DialContext: from.DialContext, DisableKeepAlives: true}, Timeout: w.http.Timeout}
	return sendBy(client, r)
}

func (w *owner) send(r *http.Request) (status int, body string, err error) { return sendBy(w.http, r) }

func sendBy(client *http.Client, r *http.Request) (status int, body string, err error) {
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// acknowledged counts the ledger.
func (w *owner) acknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.revoked) + len(w.spent)
}

// work lets four clients revoke the given keys and spend as many tokens, until all is done or ctx ends. A client that is told of a failure
// goes on with the next after a moment, a longer one after each failure, so that an outage costs few writes however long it is.
func (w *owner) work(ctx context.Context, keys []string) {
	todo := make(chan func() error, 2*len(keys))
	for _, key := range keys {
		todo <- func() error { return w.revoke(ctx, key) }
		todo <- func() error { return w.spend(ctx) }
	}
	close(todo)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			moment := 20 * time.Millisecond
			for do := range todo {
				if err := do(); err == nil {
					moment = 20 * time.Millisecond
					continue
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(moment):
					moment = min(2*moment, time.Second)
				}
			}
		})
	}
	clients.Wait()
}

// everythingHolds asks a running server for every line of the ledger, and the stopped installation for its log and its file.
func (w *owner) everythingHolds(p *program.Process) {
	w.t.Helper()
	w.arrive()
	var list struct {
		Keys []struct {
			KeyID     string    `json:"key_id"`
			RevokedAt time.Time `json:"revoked_at"`
		}
	}
	w.read("/v1/keys", &list)
	state := map[string]time.Time{}
	for _, key := range list.Keys {
		state[key.KeyID] = key.RevokedAt
	}
	for _, key := range w.revoked {
		if state[key].IsZero() {
			w.t.Errorf("the revocation of %s was acknowledged and is gone", key)
		}
	}
	for i, r := range w.spent {
		if status, body, err := w.sendFrom(i, r.Clone(w.t.Context())); status != http.StatusUnauthorized || err != nil {
			w.t.Errorf("a token that was spent gives %d %s %v", status, body, err)
		}
	}
	p.Kill()
	if out, problem, code := program.Output(w.t, program.Build(w.t, program.Sallyport), "audit", "verify", "--config", w.Config); code != 0 {
		w.t.Errorf("audit verify: exit code %d: %s%s", code, out, problem)
	}
	w.eventsMatch(state)
}

// eventsMatch: there is an event for each key that is revoked, and none for any other. The server is stopped.
func (w *owner) eventsMatch(state map[string]time.Time) {
	w.t.Helper()
	rooms, closed := w.Rooms(w.t)
	defer closed()
	who, err := rooms.Sessions.Authenticate([]byte(w.bearer), "", principal.Origin{})
	if err != nil {
		w.t.Fatal(err)
	}
	told := map[string]int{}
	for before := int64(0); ; {
		page, err := rooms.Log.Activity(w.t.Context(), who, before, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if e.Action == "key.revoked" {
				told[e.Readable.Facts["key"]]++
			}
			before = e.Seq
		}
	}
	for key, at := range state {
		if want := map[bool]int{true: 0, false: 1}[at.IsZero()]; told[key] != want {
			w.t.Errorf("%s, revoked at %v, has %d events", key, at, told[key])
		}
	}
}
