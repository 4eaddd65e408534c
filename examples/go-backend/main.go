// Command go-backend is a small exchange behind the gateway, to read and to copy from: it believes nobody but package gate, keeps its books by what
// the assertion says, and asks for a confirmation where money leaves. It is no exchange: orders are noted and nothing is matched.
//
//	go run ./examples/go-backend -listen 127.0.0.1:9000 -issuer https://gate.example.com -audience exchange -key-file exchange.key
//
// Sallyport's side (routes.yaml lies beside this file):
//
//	gateway:
//	  upstreams:
//	    - {name: exchange, url: "http://127.0.0.1:9000", assertion: hmac, key_file: exchange.key, routes_file: routes.yaml}
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "where the gateway finds us; nobody else should reach it")
	issuer := flag.String("issuer", "", "issuer of the gateway: dashboard.issuer, or the dashboard's origin")
	audience := flag.String("audience", "exchange", "our name among the gateway's upstreams")
	keyFile := flag.String("key-file", "", "the key that the gateway shares with us: 32 bytes in base64")
	flag.Parse()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	handler, err := build(*issuer, *audience, *keyFile, log)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	server := &http.Server{Addr: *listen, Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	log.Info("listening", "at", *listen)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Error("ended", "error", err)
		os.Exit(1)
	}
}

// build puts the books behind the gate: a request without a valid assertion does not reach them.
func build(issuer, audience, keyFile string, log *slog.Logger) (http.Handler, error) {
	text, err := os.ReadFile(keyFile) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(secret) // the gateway names the key by the beginning of its hash, so that both sides agree without being told
	key, err := gate.HS256(base64.RawURLEncoding.EncodeToString(sum[:9]), secret)
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Config{
		Issuer: issuer, Audience: audience, Keys: []gate.Key{key}, Now: time.Now, //nolint:forbidigo // a program of its own, whose clock this is
		OnRefuse: func(r *http.Request, reason error) { log.Warn("refused", "target", r.RequestURI, "reason", reason) },
	})
	if err != nil {
		return nil, err
	}
	b := &books{orders: map[book][]order{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/orders", b.list)
	mux.HandleFunc("POST /v1/orders", b.place)
	mux.HandleFunc("POST /v1/withdrawals", b.withdraw)
	return g.Wrap(mux), nil
}

// book is whose orders they are. Live and test never touch.
type book struct {
	environment gate.Environment
	subaccount  string
}

type order struct {
	Market   string `json:"market"`
	Quantity string `json:"quantity"`
	Key      string `json:"key,omitempty"`
	Request  string `json:"request"`
}

type books struct {
	mu     sync.Mutex
	orders map[book][]order // guarded by mu
}

func (b *books) list(w http.ResponseWriter, r *http.Request) {
	who, _ := gate.From(r.Context())
	b.mu.Lock()
	defer b.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"orders": append([]order{}, b.orders[book{who.Environment, who.Subaccount}]...)})
}

// place notes an order. The class is asked again, because our handlers know better than a table of routes what they do.
func (b *books) place(w http.ResponseWriter, r *http.Request) {
	who, _ := gate.From(r.Context())
	if !who.Class.Covers(gate.ClassOrder) {
		answer(w, http.StatusForbidden, map[string]any{"error": "this route is looser in the gateway than here"})
		return
	}
	var in order
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Market == "" || in.Quantity == "" { //nolint:forbidigo // an example of its own: no part of the server
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": "market and quantity are needed"})
		return
	}
	in.Key, in.Request = who.Key, who.Request
	b.mu.Lock()
	defer b.mu.Unlock()
	at := book{who.Environment, who.Subaccount}
	b.orders[at] = append(b.orders[at], in)
	answer(w, http.StatusCreated, in)
}

// withdraw carries nothing out, and would not without the confirmation that the gateway spent for exactly this request.
func (b *books) withdraw(w http.ResponseWriter, r *http.Request) {
	who, _ := gate.From(r.Context())
	if !who.Class.Covers(gate.ClassWithdraw) || who.Confirmation == "" {
		answer(w, http.StatusForbidden, map[string]any{"error": "no confirmation"})
		return
	}
	answer(w, http.StatusAccepted, map[string]any{"confirmation": who.Confirmation})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
