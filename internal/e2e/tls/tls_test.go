// Package tls_test runs the server with certificates: from files, from an ACME server, and the refusals to run without any where the network
// would read along.
package tls_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/server"
)

func TestMain(m *testing.M) { program.Main(m) }

// authority issues certificates to tests.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	a.cert = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root of the test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template *x509.Certificate, holder *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &holder.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// write puts a certificate for localhost with that number, and its key, into a folder as cert.pem and key.pem.
func (a *authority) write(folder string, serial int64) {
	a.t.Helper()
	key := newKey(a.t)
	cert := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.file(filepath.Join(folder, "cert.pem"), "CERTIFICATE", cert.Raw)
	a.file(filepath.Join(folder, "key.pem"), "PRIVATE KEY", der)
}

func (a *authority) file(path, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

const withFiles = "tls: {mode: files, cert_file: '{folder}/cert.pem', key_file: '{folder}/key.pem'}\n"

// run serves a configuration in this process until the function that it gives is called, which waits for the end.
func run(t *testing.T, cfg config.Config, now func() time.Time, log *slog.Logger) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	srv, err := server.New(ctx, cfg, server.Options{Now: now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := server.Listen(ctx, cfg)
	if err != nil {
		t.Fatal(errors.Join(err, srv.Close()))
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- srv.Run(ctx, listeners, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := errors.Join(<-ended, srv.Close()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// shake opens a connection and gives its state.
func shake(t *testing.T, address string, cfg *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", address)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	state := conn.(*tls.Conn).ConnectionState()
	return state, conn.Close()
}

func TestCertificatesAreReadAgainWhenTheirFilesChange(t *testing.T) {
	in := program.Install(t, program.InstallOptions{Scheme: "https", YAML: withFiles})
	ca, clock := newAuthority(t), storetest.NewClock()
	ca.write(in.Folder, 100)
	var said log
	run(t, in.Parsed(t), clock.Now, said.logger())
	number := func() int64 {
		t.Helper()
		state, err := shake(t, in.Dashboard, &tls.Config{RootCAs: ca.pool(), ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].SerialNumber.Int64()
	}
	for _, step := range []struct {
		name   string
		change func()
		want   int64
		warned bool
	}{
		{"as it began", func() {}, 100, false},
		{"replaced", func() { ca.write(in.Folder, 200) }, 200, false},
		{"half replaced: the key belongs to another certificate", func() {
			kept, err := os.ReadFile(filepath.Join(in.Folder, "key.pem"))
			if err != nil {
				t.Fatal(err)
			}
			ca.write(in.Folder, 300)
			if err := os.WriteFile(filepath.Join(in.Folder, "key.pem"), kept, 0o600); err != nil {
				t.Fatal(err)
			}
		}, 200, true},
		{"the other half", func() { ca.write(in.Folder, 400) }, 400, false},
		{"gone", func() { _ = os.Remove(filepath.Join(in.Folder, "cert.pem")) }, 400, true},
		{"back", func() { ca.write(in.Folder, 500) }, 500, false},
	} {
		said.forget()
		step.change()
		clock.Advance(11 * time.Second)
		if got := number(); got != step.want {
			t.Errorf("%s: certificate %d is served, want %d", step.name, got, step.want)
		}
		if warned := strings.Contains(said.String(), "the old one stays in use"); warned != step.warned {
			t.Errorf("%s: the operator was told: %t, want %t", step.name, warned, step.warned)
		}
	}
}

// TestOldProtocolsAreRefused shows for each refusal that the same client gets through to a server that allows everything.
func TestOldProtocolsAreRefused(t *testing.T) {
	in := program.Install(t, program.InstallOptions{Scheme: "https", YAML: withFiles})
	ca := newAuthority(t)
	ca.write(in.Folder, 1)
	run(t, in.Parsed(t), time.Now, storetest.Quiet(t))
	lax := laxServer(t, in.Folder)
	for _, row := range []struct {
		name    string
		client  *tls.Config
		allowed bool
	}{
		{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}, true},
		{"TLS 1.2 with GCM", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, true},
		{"TLS 1.2 with CBC", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		{"TLS 1.2 with CBC and SHA-256", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256}}, false},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"TLS 1.0", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.client.RootCAs, row.client.ServerName = ca.pool(), "localhost"
			if _, err := shake(t, lax, row.client); err != nil {
				t.Fatalf("a server that allows everything refuses: %v", err)
			}
			for _, door := range []string{in.Dashboard, in.Gateway} {
				if _, err := shake(t, door, row.client); (err == nil) != row.allowed {
					t.Errorf("%s answers %v, want it allowed: %t", door, err, row.allowed)
				}
			}
		})
	}
}

// laxServer shakes hands with everybody, with the certificate in folder.
func laxServer(t *testing.T, folder string) (address string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS10}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		cfg.CipherSuites = append(cfg.CipherSuites, suite.ID)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestBothDoorsSpeakHTTP2(t *testing.T) {
	in := program.Install(t, program.InstallOptions{Scheme: "https", YAML: withFiles})
	ca := newAuthority(t)
	ca.write(in.Folder, 1)
	run(t, in.Parsed(t), time.Now, storetest.Quiet(t))
	for _, version := range []int{1, 2} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool()}, ForceAttemptHTTP2: version == 2}
		t.Cleanup(transport.CloseIdleConnections)
		for address, want := range map[string]int{in.Dashboard + "/healthz": http.StatusOK, in.Gateway + "/v1/accounts": http.StatusUnauthorized} {
			answer, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Get("https://" + address) //nolint:noctx // it has a timeout
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != want || answer.ProtoMajor != version {
				t.Errorf("%s over HTTP/%d: %s %s, want %d", address, version, answer.Proto, answer.Status, want)
			}
		}
	}
}
