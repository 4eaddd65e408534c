package tls_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
)

// guarded is the name that certificates are asked for. A DNS server of the test says that it is this machine.
const guarded = "gate.exchange.example"

// issuer is a running ACME server: Debian's pebble, which validates by TLS-ALPN-01 at one port of loopback.
type issuer struct {
	t         *testing.T
	pebble    *program.Process
	directory string
	roots     *x509.CertPool // under which it issues
}

// newIssuer starts pebble. Its own certificate is ca's, whose root lies in folder as ca.pem.
func newIssuer(t *testing.T, folder, validates string) *issuer {
	t.Helper()
	pebble, names := program.Missing(t, "pebble"), program.Missing(t, "pebble-challtestsrv")
	dns, api, management := program.FreeAddress(t), program.FreeAddress(t), program.FreeAddress(t)
	quiet(t, names, "-dns01", dns, "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", program.FreeAddress(t), "-defaultIPv6", "")
	ca := newAuthority(t)
	ca.write(folder, 2)
	ca.file(filepath.Join(folder, "ca.pem"), "CERTIFICATE", ca.cert.Raw)
	_, port, _ := net.SplitHostPort(validates)
	settings := fmt.Sprintf(`{"pebble": {"listenAddress": %q, "managementListenAddress": %q, "certificate": %q, "privateKey": %q,
		"httpPort": 9, "tlsPort": %s, "ocspResponderURL": "", "externalAccountBindingRequired": false}}`,
		api, management, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), port)
	file := filepath.Join(folder, "pebble.json")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, directory: "https://" + api + "/dir"}
	i.pebble = quiet(t, "/usr/bin/env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20", "PEBBLE_AUTHZREUSE=0", pebble, "-config", file, "-dnsserver", dns)
	i.roots = i.fetchRoots(ca, "https://"+management+"/roots/0")
	return i
}

// quiet starts a program that talks much, and lets it.
func quiet(t *testing.T, path string, arguments ...string) *program.Process {
	t.Helper()
	return program.Start(t, "/bin/sh", append([]string{"-c", `exec "$0" "$@" >&2`, path}, arguments...)...)
}

// fetchRoots waits until pebble answers and gives the root that it has made for itself.
func (i *issuer) fetchRoots(ca *authority, address string) *x509.CertPool {
	i.t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool()}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		answer, err := client.Get(address) //nolint:noctx // it has a timeout
		if err != nil {
			continue
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if block, _ := pem.Decode(text); err == nil && block != nil {
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(text)
			return pool
		}
	}
	i.t.Fatalf("pebble does not answer: %s", i.pebble.Stderr())
	return nil
}

// issued counts the certificates that pebble has made for somebody.
func (i *issuer) issued() int { return strings.Count(i.pebble.Stderr(), "Issued certificate serial") }

// settings are the lines of the configuration that make a server ask this issuer.
func (i *issuer) settings() string {
	return fmt.Sprintf("tls: {mode: acme, acme: {directory_url: %q, email: gate@exchange.example, hosts: [%s], ca_file: '{folder}/ca.pem', agree_terms: true}}\n",
		i.directory, guarded)
}

// certificate waits until a door has one, and gives its number.
func (i *issuer) certificate(address string) string {
	i.t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var state tls.ConnectionState
		if state, err = shake(i.t, address, &tls.Config{RootCAs: i.roots, ServerName: guarded}); err == nil {
			return state.PeerCertificates[0].SerialNumber.String()
		}
	}
	i.t.Fatalf("%s has no certificate: %v\n%s", address, err, i.pebble.Stderr())
	return ""
}

// withACME makes an installation and the issuer it asks, which validates at the address.
func withACME(t *testing.T, o program.InstallOptions, validates func(*program.Installation) string) (*program.Installation, *issuer) {
	t.Helper()
	o.Scheme, o.YAML = "https", "\n{acme}"
	in := program.Install(t, o)
	i := newIssuer(t, in.Folder, validates(in))
	text, err := os.ReadFile(in.Config)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.ReplaceAll(i.settings(), "{folder}", in.Folder)
	if err := os.WriteFile(in.Config, []byte(strings.Replace(string(text), "{acme}", lines, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return in, i
}

func ownDoor(in *program.Installation) string { return in.Dashboard }

// TestACertificateIsHadOnceAndKept: the server gets a certificate by answering the challenge on its own door, serves both doors with it, and
// has it again after a restart at which nobody could issue one.
func TestACertificateIsHadOnceAndKept(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := program.InstallOptions{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			in, ca := withACME(t, o, ownDoor)
			var said log
			stop := run(t, in.Parsed(t), time.Now, said.logger())
			first := ca.certificate(in.Dashboard)
			if other := ca.certificate(in.Gateway); other != first {
				t.Errorf("the doors have certificates %s and %s", first, other)
			}
			serves(t, ca, in)
			stop()
			if n := ca.issued(); n != 1 {
				t.Errorf("%d certificates were issued, want 1", n)
			}
			if !strings.Contains(said.String(), "a certificate was issued") {
				t.Errorf("the log does not say so:\n%s", said.String())
			}
			ca.pebble.Kill()
			run(t, in.Parsed(t), time.Now, storetest.Quiet(t))
			if again := ca.certificate(in.Dashboard); again != first {
				t.Errorf("after the restart the certificate is %s, was %s", again, first)
			}
		})
	}
}

// serves: requests pass, over HTTP/2, under the name that was asked for.
func serves(t *testing.T, ca *issuer, in *program.Installation) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.roots, ServerName: guarded}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Get("https://" + in.Dashboard + "/healthz") //nolint:noctx // it has a timeout
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
		t.Errorf("%s %s", answer.Proto, answer.Status)
	}
}

// TestTwoNodesGetOneCertificate: both begin with an empty database and one issues. The challenge reaches the other node, which answers it from
// what the first left in the database: that node starts only when the issuer knocks.
func TestTwoNodesGetOneCertificate(t *testing.T) {
	knocked := make(chan struct{})
	var second string // the door of the node that is asked
	in, ca := withACME(t, program.InstallOptions{PostgresDSN: storetest.Postgres.New(t)}, func(*program.Installation) string {
		second = program.FreeAddress(t)
		return forward(t, second, knocked)
	})
	first := in.Parsed(t)
	run(t, first, time.Now, storetest.Quiet(t))
	<-knocked
	other := first
	other.Dashboard.Listen, other.Gateway.Listen = config.Listen(second), config.Listen(program.FreeAddress(t))
	run(t, other, time.Now, storetest.Quiet(t))
	if one, two := ca.certificate(in.Dashboard), ca.certificate(second); one != two {
		t.Errorf("the nodes have certificates %s and %s", one, two)
	}
	if n := ca.issued(); n != 1 {
		t.Errorf("%d certificates were issued, want 1", n)
	}
}

// forward passes connections on to an address as soon as somebody listens there, and tells of the first.
func forward(t *testing.T, to string, first chan struct{}) (address string) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	once := sync.OnceFunc(func() { close(first) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			once()
			go pass(conn, to)
		}
	}()
	return l.Addr().String()
}

func pass(from net.Conn, address string) {
	defer func() { _ = from.Close() }()
	var to net.Conn
	err := io.ErrUnexpectedEOF
	for deadline := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		to, err = net.Dial("tcp", address) //nolint:noctx // bounded by the loop
	}
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}

// TestWithoutAnIssuerTheServerRunsAndSaysWhy: the doors are open, the handshake fails, the log has the reason and no other voice than ours.
func TestWithoutAnIssuerTheServerRunsAndSaysWhy(t *testing.T) {
	in, ca := withACME(t, program.InstallOptions{}, ownDoor)
	ca.pebble.Kill()
	p := program.Start(t, program.Build(t, program.Sallyport), "serve", "--config", in.Config)
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.Stderr(), "no certificate could be had"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing about the certificate in the log:\n%s", p.Stderr())
		}
	}
	if _, err := shake(t, in.Dashboard, &tls.Config{RootCAs: ca.roots, ServerName: guarded}); err == nil {
		t.Error("a handshake without a certificate succeeds")
	}
	for line := range strings.Lines(p.Stderr()) {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Msg == "" {
			t.Errorf("a line of the log is not ours: %s", line)
		}
	}
}
