package program

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// Installation is what sallyport serve finds on disk: a folder with its configuration, on two addresses of loopback.
type Installation struct {
	// Folder holds everything; Config is the path of the configuration file, Database that of SQLite's.
	Folder, Config, Database string
	// Dashboard and Gateway are where the doors listen, host and port. API and Page are what the gateway's hosts are called: one for keys, one
	// for people.
	Dashboard, Gateway, API, Page string
}

// InstallOptions choose what differs from the usual. The zero value is the usual, on SQLite, with no upstream that would answer.
type InstallOptions struct {
	// PostgresDSN puts it on PostgreSQL.
	PostgresDSN string
	// Upstream is the address of what stands behind the gateway.
	Upstream string
	// Scheme of the dashboard's origin; empty means http.
	Scheme string
	// YAML is appended to the configuration. {folder} stands for the folder.
	YAML string
}

// Routes are those of every installation's upstream: a page, one that looks, one that orders.
const Routes = `routes:
  - {method: GET, path: /, scope: balances:read, class: look}
  - {method: GET, path: /v1/accounts, scope: balances:read, class: look}
  - {method: POST, path: /v1/orders, scope: orders:write, class: order}
`

// Install writes an installation into a folder of its own.
func Install(t testing.TB, o InstallOptions) *Installation {
	t.Helper()
	in := &Installation{Folder: t.TempDir(), Dashboard: FreeAddress(t), Gateway: FreeAddress(t)}
	in.Config, in.Database = filepath.Join(in.Folder, "sallyport.yaml"), filepath.Join(in.Folder, "sallyport.db")
	if o.Upstream == "" {
		o.Upstream = "http://127.0.0.1:9"
	}
	if o.Scheme == "" {
		o.Scheme = "http"
	}
	store := "{sqlite: {path: '{folder}/sallyport.db'}}"
	if o.PostgresDSN != "" {
		in.write(t, "dsn", o.PostgresDSN)
		store = "{engine: postgres, postgres: {dsn_file: '{folder}/dsn'}}"
	}
	in.write(t, "routes.yaml", Routes)
	in.write(t, "upstream.key", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	_, port, _ := net.SplitHostPort(in.Dashboard)
	_, gatewayPort, _ := net.SplitHostPort(in.Gateway)
	in.API, in.Page = in.Gateway, "exchange.localhost:"+gatewayPort
	text := fmt.Sprintf(`environment: test
dashboard: {origin: "%[1]s://localhost:%[2]s", listen: %[3]q}
gateway:
  listen: %[4]q
  hosts:
    - {authority: %[4]q, environment: test, upstream: paper}
    - {authority: %[7]q, environment: test, kind: page, origin: "%[1]s://%[7]s", upstream: paper}
  upstreams: [{name: paper, url: %[5]q, key_file: '{folder}/upstream.key', routes_file: '{folder}/routes.yaml'}]
metrics: {listen: ""}
keyring: {file: {path: '{folder}/keys'}}
store: %[6]s
`, o.Scheme, port, in.Dashboard, in.Gateway, o.Upstream, store, in.Page)
	in.write(t, "sallyport.yaml", strings.ReplaceAll(text+o.YAML, "{folder}", in.Folder))
	return in
}

func (in *Installation) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(in.Folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Parsed is the installation's configuration.
func (in *Installation) Parsed(t testing.TB) config.Config {
	t.Helper()
	cfg, err := config.Load(in.Config, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Rooms opens the installation's rooms in this process, as the host's command line does, and closes them when the test ends or by the
// function that it gives. The installation's server may run meanwhile.
func (in *Installation) Rooms(t testing.TB) (rooms *server.Rooms, closed func()) {
	t.Helper()
	rooms, err := server.OpenRooms(context.WithoutCancel(t.Context()), in.Parsed(t), server.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	closed = func() { _ = rooms.Store.Close() }
	t.Cleanup(closed)
	return rooms, closed
}

// Serve starts the installation's server and waits until its dashboard answers.
func (in *Installation) Serve(t testing.TB) *Process {
	t.Helper()
	p := Start(t, Build(t, Sallyport), "serve", "--config", in.Config)
	in.WaitReady(t, p)
	return p
}

// WaitReady waits until the dashboard of a running server answers over plain HTTP.
func (in *Installation) WaitReady(t testing.TB, p *Process) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case <-p.Ended():
			t.Fatalf("the server ended: %s", p.Stderr())
		case <-tick.C:
		}
		answer, err := http.Get("http://" + in.Dashboard + "/healthz") //nolint:noctx // bounded by the loop
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("the server does not answer")
}

// FreeAddress is an address of loopback on which nobody listens now. It lies below the ports that systems give to outgoing connections, so
// that none takes it before its server does.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))) //nolint:noctx // closed at once
		if err == nil {
			_ = l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}
