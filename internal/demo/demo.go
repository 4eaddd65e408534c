// Package demo runs a whole installation on one machine: dashboard, gateway, the paper exchange behind it, and a catcher for its mails.
//
// It differs from production in configuration alone (environment test, plain HTTP on loopback, a lifted dialect ceiling) and seeds its users
// and keys through the operations that everybody uses.
package demo

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
	"github.com/seed-21c57000/sallyport/internal/server"
)

//go:embed style.css
var stylesheet []byte

// Options say where the demo runs.
type Options struct {
	// Addr and GatewayAddr are where the two doors listen; port 0 takes a free one.
	Addr, GatewayAddr string
	// Folder keeps the data; it must exist.
	Folder string
	Now    func() time.Time
	Log    *slog.Logger
	// Version goes into the audit log.
	Version string
}

func (o Options) database() string { return filepath.Join(o.Folder, "sallyport.db") }

// upstream is what the gateway calls the paper exchange.
const upstream = "paper"

// mailAddr is where the mails are shown, unless somebody is there: one address to remember.
const mailAddr = "127.0.0.1:8025"

// ConfigFile is the name of the configuration in Options.Folder, for the host's command line.
const ConfigFile = "sallyport.yaml"

// Run starts the demo and calls ready with what a script or a newcomer needs; it serves until ctx ends, or ready fails.
func Run(ctx context.Context, o Options, ready func(Facts) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Before anything is written: the folder may be that of a demo that runs.
	claim, err := server.Claim(ctx, config.Config{Store: config.Store{Engine: config.SQLite, SQLite: config.SQLiteStore{Path: o.database()}}})
	if err != nil {
		return err
	}
	defer func() { _ = claim.Close() }()
	places, err := openPlaces(ctx, o)
	if err != nil {
		return err
	}
	defer places.close()
	cfg, err := places.configure()
	if err != nil {
		return err
	}
	exchange, err := places.exchange(o)
	if err != nil {
		return err
	}
	defer func() { _ = exchange.Close() }()
	catcher := newCatcher(o.Now)
	defer func() { _ = catcher.close() }()
	srv, err := server.New(ctx, cfg, server.Options{Now: o.Now, Log: o.Log})
	if err != nil {
		return err
	}
	defer func() { _ = srv.Close() }()
	facts, err := seed(ctx, srv.Rooms, places.facts(), o)
	if err != nil {
		return fmt.Errorf("seed the demo: %w", err)
	}
	if err := srv.Started(ctx, o.Version); err != nil {
		return err
	}
	failed := make(chan error, 6)
	start(failed, func() error { return catcher.serve(places.smtp) })
	start(failed, func() error { return plain(catcher.pages(facts.Users)).Serve(places.mail) })
	start(failed, func() error { return plain(exchange.Handler()).Serve(places.paper) })
	start(failed, func() error { return plain(srv.Dashboard).Serve(places.confirm) })
	go exchange.Run(ctx)
	go func() {
		failed <- srv.Run(ctx, server.Listeners{Dashboard: places.dashboard, Gateway: places.gateway}, func() {
			if err := ready(facts); err != nil {
				failed <- err
			}
		})
		stop()
	}()
	err = <-failed
	if ctx.Err() == nil {
		stop()
		return errors.Join(err, errors.New("a part of the demo ended"))
	}
	return err
}

// start runs one part; an orderly end is no failure.
func start(failed chan<- error, serve func() error) {
	go func() {
		if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			failed <- err
		}
	}()
}

func plain(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
}

// places are the demo's listeners and files.
type places struct {
	dashboard, confirm, gateway, paper, mail, smtp net.Listener
	folder                                         string
	shared                                         []byte // the assertion key of the exchange
}

func openPlaces(ctx context.Context, o Options) (p places, err error) {
	var lc net.ListenConfig
	open := func(addr string) net.Listener {
		if err != nil {
			return nil
		}
		var l net.Listener
		l, err = lc.Listen(ctx, "tcp", addr)
		return l
	}
	p = places{
		dashboard: open(o.Addr), gateway: open(o.GatewayAddr), paper: open("127.0.0.1:0"), smtp: open("127.0.0.1:0"),
		folder: o.Folder,
	}
	// either listens where it did before, so that addresses in mails, tabs and bookmarks stay good, and else where it is free.
	either := func(addr string) net.Listener {
		if l, taken := lc.Listen(ctx, "tcp", addr); taken == nil {
			return l
		}
		return open("127.0.0.1:0")
	}
	p.mail = either(mailAddr)
	before, _ := os.ReadFile(p.confirmAddr())
	p.confirm = either(cmp.Or(string(before), "127.0.0.1:0"))
	if err == nil {
		err = os.WriteFile(p.confirmAddr(), []byte(p.confirm.Addr().String()), 0o600) //nolint:gosec // in the folder that whoever starts the demo named
	}
	if err != nil {
		p.close()
		return p, err
	}
	p.shared, err = assertionKey(filepath.Join(o.Folder, "paper.key"))
	return p, err
}

// confirmAddr is the file that remembers where confirmations are given.
func (p places) confirmAddr() string { return filepath.Join(p.folder, "confirm.addr") }

func (p places) close() {
	for _, l := range []net.Listener{p.dashboard, p.confirm, p.gateway, p.paper, p.mail, p.smtp} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// assertionKey reads the key that gateway and exchange share, or makes it.
func assertionKey(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		raw = []byte(base64.StdEncoding.EncodeToString(random32()))
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("assertion key: %w", err)
	}
	return base64.StdEncoding.DecodeString(string(raw))
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (p places) origin() string { return "http://localhost:" + port(p.dashboard) }

// confirmOrigin differs from the dashboard's by its port: an RP ID of one label, as localhost, has no names below it.
func (p places) confirmOrigin() string { return "http://localhost:" + port(p.confirm) }

func (p places) facts() Facts {
	return Facts{
		Dashboard: p.origin(), Gateway: "http://127.0.0.1:" + port(p.gateway), Live: "http://live.localhost:" + port(p.gateway),
		Exchange: "http://exchange.localhost:" + port(p.gateway), Mail: "http://127.0.0.1:" + port(p.mail), Confirmations: p.confirmOrigin(),
	}
}

// configure writes the demo's configuration file, as an operator would, and loads it: sallyport serve could run from it.
func (p places) configure() (config.Config, error) {
	routes := filepath.Join(p.folder, "routes.yaml")
	if err := os.WriteFile(routes, sandbox.Routes(), 0o600); err != nil {
		return config.Config{}, err
	}
	path := filepath.Join(p.folder, ConfigFile)
	if err := os.WriteFile(path, []byte(p.yaml(routes)), 0o600); err != nil {
		return config.Config{}, err
	}
	cfg, err := config.Load(path, nil)
	if err != nil {
		return cfg, fmt.Errorf("configuration of the demo: %w", err)
	}
	return cfg, nil
}

func (p places) yaml(routes string) string {
	gatewayPort := port(p.gateway)
	page := "exchange.localhost:" + gatewayPort
	return fmt.Sprintf(`environment: test
dashboard:
  origin: %q
  listen: %q
  confirmation_origin: %[12]q
gateway:
  listen: %[3]q
  hosts:
    - {authority: "127.0.0.1:%[5]s", environment: test, kind: api, upstream: paper}
    - {authority: "localhost:%[5]s", environment: test, kind: api, upstream: paper}
    - {authority: "live.localhost:%[5]s", environment: live, kind: api, upstream: paper}
    - {authority: %[6]q, environment: test, kind: page, upstream: paper, origin: "http://%[6]s", name: Paper Exchange}
  upstreams:
    - {name: paper, url: "http://%[7]s", assertion: hmac, key_file: %[8]q, routes_file: %[4]q, keys_path: /keys/ended, prices_path: /prices}
metrics: {listen: ""}
store: {sqlite: {path: %[9]q}}
keyring: {file: {path: %[10]q}}
mail: {smtp: {addr: %[11]q, tls: none}, from: "gate@sallyport.example", from_name: "Sallyport demo"}
holds: {credential: 2m, contact: 5m, recovery: 5m}
confirmations: {passkey_age: 5s, passkey_age_new_device: 10s}
keys: {destination_wait: 2m}
dialects: {upbit: {ceiling: trade}}
log: {level: warn, format: text}
`, p.origin(), p.dashboard.Addr().String(), p.gateway.Addr().String(), routes, gatewayPort, page, p.paper.Addr().String(),
		filepath.Join(p.folder, "paper.key"), Options{Folder: p.folder}.database(), filepath.Join(p.folder, "keys"), p.smtp.Addr().String(),
		p.confirmOrigin())
}

func (p places) exchange(o Options) (*sandbox.Exchange, error) {
	key, err := gate.HS256(server.AssertionKeyID(p.shared), p.shared)
	if err != nil {
		return nil, err
	}
	return sandbox.Open(filepath.Join(p.folder, "exchange.db"), sandbox.Config{
		Seed: 1, Now: o.Now, Log: o.Log, Gate: gate.Config{Issuer: p.origin(), Audience: upstream, Keys: []gate.Key{key}, Now: o.Now},
		Dashboard: p.origin(), Confirmations: p.confirmOrigin(),
	})
}
