// Package drain_test tells the server to stop while it works. It ends within ten seconds, and nothing that it had begun or counted is lost.
package drain_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/kit/relay"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/sign"
)

func TestMain(m *testing.M) { program.Main(m) }

// limit is what the server promises.
const limit = 10 * time.Second

// bot is an installation whose upstream the test holds in its hand, and a key that calls it.
type bot struct {
	*program.Installation
	t        *testing.T
	http     *http.Client
	signer   sign.Signer
	bearer   []byte
	upstream *httptest.Server
	arrived  chan struct{} // one for each request that has reached the upstream
	released chan struct{} // closed when the upstream may answer
}

func newBot(t *testing.T, o program.InstallOptions) *bot {
	t.Helper()
	b := &bot{t: t, arrived: make(chan struct{}, 1000), released: make(chan struct{})}
	b.upstream = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != probe {
			b.arrived <- struct{}{}
			select {
			case <-b.released:
			case <-r.Context().Done():
			}
		}
		_, _ = io.WriteString(w, "[]")
	}))
	t.Cleanup(b.upstream.Close)
	o.Upstream = b.upstream.URL
	b.Installation = program.Install(t, o)
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	b.http = &http.Client{Transport: transport, Timeout: time.Minute}
	rooms, closed := b.Rooms(t)
	defer closed()
	ada := program.SignUp(t, rooms, "ada@example.com")
	b.bearer = ada.Bearer.Reveal()
	key := ada.Key(t, rooms, sign.Native, sign.HMACSHA256)
	var err error
	if b.signer, err = sign.NewHMACSigner(key.Text(), key.Secret.Reveal()); err != nil {
		t.Fatal(err)
	}
	return b
}

// probe is a query that the upstream answers at once.
const probe = "probe=1"

// warm waits until the server takes the key's signatures: for a moment after its start it cannot know which were used before.
func (b *bot) warm() {
	b.t.Helper()
	waitFor(b.t, func() bool {
		status, err := b.call("?"+probe, false)
		return status == http.StatusOK && err == nil
	})
}

// call sends a signed request and gives the status of its answer.
func (b *bot) call(query string, spoil bool) (int, error) {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, "http://"+b.Gateway+"/v1/accounts"+query, nil)
	if err != nil {
		return 0, err
	}
	if err := sign.Sign(r, nil, b.signer, time.Now()); err != nil {
		return 0, err
	}
	if spoil {
		mark := []byte(r.Header.Get("Signature"))
		// Another letter of base64, so that it is the signature that is wrong and not its form.
		mark[10] = map[bool]byte{true: 'B', false: 'A'}[mark[10] == 'A']
		r.Header.Set("Signature", string(mark))
	}
	answer, err := b.http.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, errors.Join(err, answer.Body.Close())
}

// end tells the server to stop, waits for its end and holds it to its promise.
func end(t *testing.T, p *program.Process, want int) {
	t.Helper()
	begun := time.Now()
	p.Signal(syscall.SIGTERM)
	code := p.Wait()
	if took := time.Since(begun); took > limit || code != want {
		t.Errorf("the server ended after %s with exit code %d, want at most %s and %d", took, code, limit, want)
	}
}

// refuses waits until nobody listens at an address.
func refuses(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", address) //nolint:noctx // bounded by the loop
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	t.Errorf("%s still takes connections", address)
}

func TestRequestsUnderWayAreAnswered(t *testing.T) {
	b := newBot(t, program.InstallOptions{})
	p := b.Serve(t)
	b.warm()
	const open = 50
	answers := make(chan string, open)
	for range open {
		go func() {
			status, err := b.call("", false)
			answers <- strconv.Itoa(status) + " " + text(err)
		}()
	}
	for range open {
		select {
		case <-b.arrived:
		case got := <-answers:
			t.Fatalf("a request did not reach the upstream: %s", got)
		}
	}
	p.Signal(syscall.SIGTERM)
	// Both doors close at once, while requests are still open behind one of them.
	refuses(t, b.Dashboard)
	refuses(t, b.Gateway)
	close(b.released)
	for range open {
		if got := <-answers; got != "200 " {
			t.Errorf("a request that was under way was answered %s", got)
		}
	}
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestARequestWithoutEndDoesNotHoldTheServer: it is cut off, and the server says so.
func TestARequestWithoutEndDoesNotHoldTheServer(t *testing.T) {
	b := newBot(t, program.InstallOptions{})
	p := b.Serve(t)
	b.warm()
	cut := make(chan error, 1)
	go func() {
		_, err := b.call("", false)
		cut <- err
	}()
	select {
	case <-b.arrived:
	case err := <-cut:
		t.Fatalf("the request did not reach the upstream: %v", err)
	}
	end(t, p, 1)
	if !strings.Contains(p.Stderr(), "drain") {
		t.Errorf("the server does not say that it cut something off: %s", p.Stderr())
	}
	if <-cut == nil {
		t.Error("a request that never ended was answered")
	}
}

// TestWhatWasCountedIsWritten: refusals are counted by the minute and times of use are written behind; neither is lost by a stop.
func TestWhatWasCountedIsWritten(t *testing.T) {
	b := newBot(t, program.InstallOptions{})
	close(b.released)
	p := b.Serve(t)
	b.warm()
	if status, err := b.call("", false); status != http.StatusOK || err != nil {
		t.Fatal(status, err)
	}
	refused := func() {
		if status, err := b.call("", true); status != http.StatusUnauthorized || err != nil {
			t.Fatal(status, err)
		}
	}
	refused()
	// The first is told at once. The others of its minute are only counted.
	rooms, closed := b.Rooms(t)
	waitFor(t, func() bool { return b.refusals(rooms) == 1 })
	const more = 12
	for range more {
		refused()
	}
	end(t, p, 0)
	if n := b.refusals(rooms); n != 1+more {
		t.Errorf("Activity tells of %d refusals, want %d", n, 1+more)
	}
	closed()
	again, _ := b.Rooms(t)
	who, err := again.Sessions.Authenticate(b.bearer, "", principal.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := again.APIKeys.List(t.Context(), who)
	if err != nil || len(keys) != 1 || keys[0].LastUsedAt.IsZero() {
		t.Errorf("the use of the key is forgotten: %+v %v", keys, err)
	}
}

// refusals sums up what Activity tells the key's owner of spoilt signatures.
func (b *bot) refusals(rooms *server.Rooms) (sum int) {
	b.t.Helper()
	who, err := rooms.Sessions.Authenticate(b.bearer, "", principal.Origin{})
	if err != nil {
		b.t.Fatal(err)
	}
	page, err := rooms.Log.Activity(b.t.Context(), who, 0, 100)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range page {
		if e.Readable.Facts["reason"] == "signature.mismatch" {
			n, err := strconv.Atoi(e.Readable.Facts["count"])
			if err != nil {
				b.t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

// TestALetterUnderWayIsSentAfterTheNextStart: the relay hangs, the server stops, and the letter does not count as being sent meanwhile.
func TestALetterUnderWayIsSentAfterTheNextStart(t *testing.T) {
	letters := relay.NewSilent(t)
	in := program.Install(t, program.InstallOptions{YAML: "mail: {smtp: {addr: '" + letters.Address + "', tls: none}, from: gate@exchange.example}\n"})
	rooms, _ := in.Rooms(t)
	p := in.Serve(t)
	program.SignUp(t, rooms, "ada@example.com")
	select {
	case <-letters.Began:
	case <-time.After(30 * time.Second):
		t.Fatal("no letter was sent")
	}
	end(t, p, 0)
	letters.Heal()
	in.Serve(t)
	waitFor(t, func() bool { return len(letters.Letters()) >= 2 }) // the code, and the welcome
}

// TestNothingRunsOnAfterTheEnd serves in this process, on both engines, and looks for what was left behind.
func TestNothingRunsOnAfterTheEnd(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := program.InstallOptions{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			b := newBot(t, o)
			close(b.released)
			before := goleak.IgnoreCurrent()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			srv, err := server.New(ctx, b.Parsed(t), server.Options{Now: time.Now, Log: storetest.Quiet(t)})
			if err != nil {
				t.Fatal(err)
			}
			listeners, err := server.Listen(ctx, b.Parsed(t))
			if err != nil {
				t.Fatal(err)
			}
			ready, ended := make(chan struct{}), make(chan error, 1)
			go func() { ended <- srv.Run(ctx, listeners, func() { close(ready) }) }()
			<-ready
			b.warm()
			for range 20 {
				if status, err := b.call("", false); status != http.StatusOK || err != nil {
					t.Error(status, err)
				}
			}
			stop()
			if err := errors.Join(<-ended, srv.Close()); err != nil {
				t.Error(err)
			}
			b.http.CloseIdleConnections()
			b.upstream.CloseClientConnections()
			goleak.VerifyNone(t, before)
		})
	}
}
