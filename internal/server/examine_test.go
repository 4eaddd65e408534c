package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/rawsql"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/server"
)

var today = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// site is an installation's folder, as an operator sees it.
type site struct {
	t              *testing.T
	folder, extras string
}

func (s site) path(name string) string { return filepath.Join(s.folder, name) }

func (s site) config() config.Config {
	s.t.Helper()
	cfg, err := config.Parse(fmt.Appendf(nil, `environment: test
dashboard: {origin: "https://gate.example.com"}
store: {sqlite: {path: %q}}
keyring: {file: {path: %q}}
%s`, s.path("sallyport.db"), s.path("keys"), s.extras), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return cfg
}

func (s site) options() server.Options {
	return server.Options{Now: func() time.Time { return today }, Log: slog.New(slog.DiscardHandler), HashCost: authtest.CheapHash}
}

// start makes database and keys, as a first start does.
func (s site) start() {
	s.t.Helper()
	srv, err := server.New(s.t.Context(), s.config(), s.options())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// files are the folder's, with what is in them.
func (s site) files() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		body, err := os.ReadFile(s.path(e.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		all[e.Name()] = string(body)
	}
	return all
}

// certificate writes a pair for the names, good from one time to another.
func (s site) certificate(from, to time.Time, names ...string) {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to, DNSNames: names}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: cert}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(s.path(name), pem.EncodeToMemory(block), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

const day = 24 * time.Hour

func TestExamine(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(s *site)
		// notes and problem are parts of what is said; an empty problem means that the server would start.
		notes   []string
		problem string
	}{
		{"nothing there yet", func(*site) {}, []string{"/keys: there is none; it would be created", "/sallyport.db: there is none; it would be created"}, ""},
		{"started before", func(s *site) { s.start() }, []string{"events hold"}, ""},
		{"a key file that is lost", func(s *site) {
			s.start()
			_ = os.Remove(s.path("keys"))
		}, []string{"/keys: there is none"}, "a new one would not open it"},
		{"a key file of another database", func(s *site) {
			s.start()
			_ = os.Remove(s.path("keys"))
			(&site{t: s.t, folder: s.t.TempDir(), extras: "# " + s.path("keys")}).lend(s)
		}, nil, "unwrap data key 1 with 1"},
		{"a key file that others can read", func(s *site) {
			s.start()
			_ = os.Chmod(s.path("keys"), 0o644)
		}, nil, "lets others read it"},
		{"metadata of authenticators", func(s *site) { s.metadata(authtest.NewMaker(s.t)) }, []string{"authenticator metadata: issue 7, 1 models"}, ""},
		{"metadata that is out of date", func(s *site) {
			m := authtest.NewMaker(s.t)
			m.Due = "2026-11-01"
			s.metadata(m)
		}, nil, "a newer issue than 7 was due on 2026-11-01"},
		{"metadata that somebody else signed", func(s *site) {
			s.metadata(authtest.NewMaker(s.t))
			_ = os.WriteFile(s.path("root.pem"), authtest.NewMaker(s.t).RootPEM(), 0o600)
		}, nil, "passkeys.metadata_file: read metadata: certificate"},
		{"an older schema", func(s *site) {
			s.start()
			s.sql("DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
		}, []string{"it would be brought to"}, ""},
		{"a newer schema", func(s *site) {
			s.start()
			s.sql("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
		}, nil, "the database has schema 99999"},
		{"a log that was changed", func(s *site) {
			s.start()
			s.sql("UPDATE audit_head SET chain = randomblob(32)")
		}, nil, "log"},
		{"no folder for the database", func(s *site) { s.extras = "#"; s.folder += "/none" }, nil, "no such file or directory"},
		{"certificates that are not there", func(s *site) { s.tls() }, nil, "certificate: open"},
		{"a certificate without its key", func(s *site) {
			s.tls()
			s.certificate(today.Add(-day), today.Add(90*day), "gate.example.com")
			_ = os.WriteFile(s.path("tls.key"), nil, 0o600)
		}, nil, "certificate: tls: failed to find any PEM data in key input"},
		{"a good certificate", func(s *site) {
			s.tls()
			s.certificate(today.Add(-day), today.Add(90*day), "gate.example.com")
		}, []string{"good until 2027-02-19T12:00:00Z"}, ""},
		{"a certificate that ends soon, for another name", func(s *site) {
			s.tls()
			s.certificate(today.Add(-day), today.Add(20*day), "www.example.com")
		}, []string{"it ends soon, on 2026-12-11", "browsers refuse it for gate.example.com"}, ""},
		{"a certificate that has ended", func(s *site) {
			s.tls()
			s.certificate(today.Add(-90*day), today.Add(-day), "gate.example.com")
		}, nil, "it ended on 2026-11-20"},
		{"a certificate of tomorrow", func(s *site) {
			s.tls()
			s.certificate(today.Add(day), today.Add(90*day), "gate.example.com")
		}, nil, "it begins only on 2026-11-22"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &site{t: t, folder: t.TempDir()}
			test.arrange(s)
			var before map[string]string
			if _, err := os.Stat(s.folder); err == nil {
				before = s.files()
			}
			notes, err := server.Examine(t.Context(), s.config(), s.options())
			if (err == nil) != (test.problem == "") || (err != nil && !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("the problem is %v, want %q", err, test.problem)
			}
			for _, want := range test.notes {
				if !strings.Contains(strings.Join(notes, "\n"), want) {
					t.Errorf("no note says %q: %q", want, notes)
				}
			}
			if before == nil {
				return
			}
			if diff := cmp.Diff(before, s.files()); diff != "" {
				t.Errorf("the folder was changed:\n%.400s", diff)
			}
		})
	}
}

// sql changes the database behind the server's back, and leaves no log beside it.
func (s site) sql(statement string) {
	s.t.Helper()
	if err := rawsql.Exec(s.path("sallyport.db"), statement); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) tls() {
	s.extras = fmt.Sprintf("tls: {mode: files, cert_file: %q, key_file: %q}\n", s.path("tls.crt"), s.path("tls.key"))
}

// metadata has the installation ask authenticators who made them.
func (s *site) metadata(m *authtest.Maker) {
	s.t.Helper()
	for name, text := range map[string][]byte{"blob.jwt": m.Blob("FIDO_CERTIFIED_L1"), "root.pem": m.RootPEM()} {
		if err := os.WriteFile(s.path(name), text, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	s.extras = fmt.Sprintf("passkeys: {attestation: asked, metadata_file: %q, metadata_root_file: %q}\n", s.path("blob.jwt"), s.path("root.pem"))
}

// lend starts an installation of its own and gives its key file to another.
func (s site) lend(to *site) {
	s.t.Helper()
	s.start()
	if err := os.Rename(s.path("keys"), to.path("keys")); err != nil {
		s.t.Fatal(err)
	}
}

// A database that another process has open is read with what that process has not yet written into the file itself.
func TestExamineBesideARunningServer(t *testing.T) {
	folder := t.TempDir()
	s := authtest.StartWith(t, authtest.Options{Folder: folder})
	s.SignUp("ada@example.com")
	verdict, err := s.Log.VerifyAll(t.Context(), audit.Head{})
	if err != nil {
		t.Fatal(err)
	}
	notes, err := server.Examine(t.Context(), s.Config, server.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), HashCost: authtest.CheapHash})
	if want := fmt.Sprintf("%d events hold", verdict.Events); err != nil || !strings.Contains(strings.Join(notes, "\n"), want) {
		t.Errorf("got %q, %v, want %s", notes, err, want)
	}
}

func TestExaminePostgres(t *testing.T) {
	s := authtest.StartWith(t, authtest.Options{PostgresDSN: storetest.Postgres.New(t)})
	notes, err := server.Examine(t.Context(), s.Config, server.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), HashCost: authtest.CheapHash})
	if err != nil || !strings.Contains(strings.Join(notes, "\n"), "events hold") {
		t.Errorf("got %q, %v", notes, err)
	}
}
