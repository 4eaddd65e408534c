package tls_test

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// log keeps what a server writes.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// everywhere is an address with all of the machine's interfaces.
func everywhere(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return "0.0.0.0:" + port
}

// TestTheServerDoesNotSpeakInTheClearToTheNetwork starts the real program on all interfaces.
func TestTheServerDoesNotSpeakInTheClearToTheNetwork(t *testing.T) {
	binary := program.Build(t, program.Sallyport)
	for _, door := range []string{"DASHBOARD", "GATEWAY"} {
		in := program.Install(t, program.InstallOptions{})
		address := map[string]string{"DASHBOARD": in.Dashboard, "GATEWAY": in.Gateway}[door]
		_, said, code := program.Output(t, "/usr/bin/env", "SALLYPORT_"+door+"_LISTEN="+everywhere(address), binary, "serve", "--config", in.Config)
		if code != 2 {
			t.Errorf("%s on all interfaces: exit code %d, want 2", door, code)
		}
		for _, word := range []string{strings.ToLower(door) + ".listen", everywhere(address), "plain HTTP", "tls.mode", "proxies.trusted"} {
			if !strings.Contains(said, word) {
				t.Errorf("%s on all interfaces: the refusal does not name %s:\n%s", door, word, said)
			}
		}
	}
}

// TestADeclaredProxyMayCarryTheClear: the same start with the proxy declared, which is then believed, in the one header it writes.
func TestADeclaredProxyMayCarryTheClear(t *testing.T) {
	for header, lines := range map[string]string{
		"X-Forwarded-For": "proxies: {trusted: [127.0.0.0/8]}\n",
		"Forwarded":       "proxies: {trusted: [127.0.0.0/8], header: Forwarded}\n",
	} {
		t.Run(header, func(t *testing.T) {
			in := program.Install(t, program.InstallOptions{YAML: lines})
			p := program.Start(t, "/usr/bin/env", "SALLYPORT_DASHBOARD_LISTEN="+everywhere(in.Dashboard), program.Build(t, program.Sallyport), "serve", "--config", in.Config)
			in.WaitReady(t, p)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+in.Dashboard+"/healthz", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Forwarded-For", "198.51.100.1")
			r.Header.Set("Forwarded", "for=198.51.100.2")
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			want := map[string]string{"X-Forwarded-For": "198.51.100.1", "Forwarded": "198.51.100.2"}[header]
			for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.Stderr(), `"addr":"`+want+`"`); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("no request from %s in the log:\n%s", want, p.Stderr())
				}
			}
		})
	}
}

// TestAServerWithoutItsCertificateDoesNotStart: a file that is not there, and one that is no certificate.
func TestAServerWithoutItsCertificateDoesNotStart(t *testing.T) {
	in := program.Install(t, program.InstallOptions{Scheme: "https", YAML: withFiles})
	_, said, code := program.Output(t, program.Build(t, program.Sallyport), "serve", "--config", in.Config)
	if code != 1 || !strings.Contains(said, "cert.pem") {
		t.Errorf("exit code %d, want 1 and the name of the file: %s", code, said)
	}
}
