package mail_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/mail"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
)

func address(t *testing.T, s string) mailaddr.Address {
	t.Helper()
	a, err := mailaddr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func settings(t *testing.T, port int) mail.Settings {
	return mail.Settings{
		Host: "localhost", Port: port, From: address(t, "no-reply@example.com"), FromName: "거래소, Sallyport", Hello: "gate.example.net", Timeout: 10 * time.Second,
		Now: func() time.Time { return time.Date(2026, 11, 21, 18, 5, 0, 0, time.FixedZone("KST", 9*3600)) },
	}
}

func message(t *testing.T) mail.Message {
	return mail.Message{
		To: address(t, "kim@example.org"), Subject: "새 로그인: Chrome", MessageID: "01jd-7f3a@mail.example.com",
		Text: "안녕하십니까.\n.\n..dots\nFrom here\n", HTML: "<p>안녕하십니까.</p>" + strings.Repeat("x", 2000),
	}
}

func transport(t *testing.T, s mail.Settings) *mail.Transport {
	t.Helper()
	made, err := mail.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// read takes a mail apart as a mail program does: its headers, decoded, and its parts by content type.
func read(t *testing.T, raw string) (header, parts map[string]string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	header, parts = map[string]string{}, map[string]string{}
	for name, values := range m.Header {
		if header[name], err = new(mime.WordDecoder).DecodeHeader(strings.Join(values, "|")); err != nil {
			t.Fatal(err)
		}
	}
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %s, %v", kind, err)
	}
	reader := multipart.NewReader(m.Body, parameters["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return header, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		if encoding := part.Header.Get("Content-Transfer-Encoding"); encoding != "quoted-printable" {
			t.Fatalf("a part is encoded %s", encoding)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		parts[part.Header.Get("Content-Type")] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func TestMailArrivesAsItWasWritten(t *testing.T) {
	ca := newAuthority(t)
	for _, security := range []mail.Security{mail.StartTLS, mail.ImplicitTLS, mail.ClearText} {
		t.Run(fmt.Sprint(security), func(t *testing.T) {
			var relay sink
			s := settings(t, relay.listen(t, ca.issue(t, "localhost", time.Now().Add(time.Hour)), security == mail.ImplicitTLS))
			s.Security, s.Roots = security, ca.roots()
			m := message(t)
			if err := transport(t, s).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			mails := relay.all()
			if len(mails) != 1 {
				t.Fatalf("%d mails", len(mails))
			}
			header, parts := read(t, mails[0].Text)
			got := mails[0]
			got.Text = ""
			want := received{From: "no-reply@example.com", To: "kim@example.org", TLS: security != mail.ClearText, Greeting: "gate.example.net"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			delete(header, "Content-Type") // holds a random boundary, and was read already
			wantHeader := map[string]string{
				"From": `"거래소, Sallyport" <no-reply@example.com>`, "To": "<kim@example.org>", "Subject": "새 로그인: Chrome",
				"Message-Id": "<01jd-7f3a@mail.example.com>", "Date": "Sat, 21 Nov 2026 18:05:00 +0900",
				"Mime-Version": "1.0", "Auto-Submitted": "auto-generated",
			}
			header["From"] = strings.ReplaceAll(header["From"], `"`, "")
			wantHeader["From"] = strings.ReplaceAll(wantHeader["From"], `"`, "")
			if diff := cmp.Diff(wantHeader, header); diff != "" {
				t.Errorf("headers, of which there are no others:\n%s", diff)
			}
			if diff := cmp.Diff(map[string]string{"text/plain; charset=UTF-8": m.Text, "text/html; charset=UTF-8": m.HTML}, parts); diff != "" {
				t.Error(diff)
			}
			for line := range strings.SplitSeq(mails[0].Text, "\r\n") {
				if len(line) > 998 {
					t.Errorf("a line of %d bytes", len(line))
				}
			}
		})
	}
}

func TestBadCertificatesAreRefused(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	unknown, wrongName, outdated := new(x509.UnknownAuthorityError), new(x509.HostnameError), new(x509.CertificateInvalidError)
	tests := []struct {
		name  string
		issue func(t *testing.T) (ca authority, name string, until time.Time)
		roots *x509.CertPool
		want  any
	}{
		{"unknown authority", func(*testing.T) (authority, string, time.Time) { return stranger, "localhost", later }, ca.roots(), unknown},
		{"not the system's", func(*testing.T) (authority, string, time.Time) { return ca, "localhost", later }, nil, unknown},
		{"other name", func(*testing.T) (authority, string, time.Time) { return ca, "mail.example.org", later }, ca.roots(), wrongName},
		{"expired", func(*testing.T) (authority, string, time.Time) { return ca, "localhost", earlier }, ca.roots(), outdated},
	}
	for _, test := range tests {
		for _, security := range []mail.Security{mail.StartTLS, mail.ImplicitTLS} {
			t.Run(fmt.Sprint(test.name, " ", security), func(t *testing.T) {
				issuer, name, until := test.issue(t)
				var relay sink
				s := settings(t, relay.listen(t, issuer.issue(t, name, until), security == mail.ImplicitTLS))
				s.Security, s.Roots = security, test.roots
				err := transport(t, s).Send(t.Context(), message(t))
				if !errors.As(err, test.want) || errors.Is(err, mail.ErrRefused) {
					t.Errorf("%v, want %T, which may pass", err, test.want)
				}
				if mails := relay.all(); len(mails) != 0 {
					t.Errorf("%d mails went over an unverified connection", len(mails))
				}
			})
		}
	}
}

const (
	greeting = "220 localhost"
	accepted = "250 2.0.0 ok"
)

// A relay that offers no STARTTLS, as one between us and the relay would pretend, hears nothing but our greeting.
func TestNothingFallsBackToClearText(t *testing.T) {
	var script relay
	s := settings(t, script.listen(t, nil, greeting, "250-localhost\r\n250 AUTH PLAIN", accepted, accepted, "354 go", "…"+accepted, accepted, "221 bye"))
	s.User, s.Password = "sallyport", secret.FromString("relay password", "canary-7f3a")
	if err := transport(t, s).Send(t.Context(), message(t)); err == nil {
		t.Error("sent without TLS")
	}
	if heard := script.heard(); heard != "EHLO gate.example.net" {
		t.Errorf("the relay heard %q", heard)
	}
}

func TestPasswordGoesInsideTLS(t *testing.T) {
	ca := newAuthority(t)
	both := map[string][]string{
		"PLAIN": {"250-localhost\r\n250 AUTH PLAIN LOGIN", "235 2.7.0 ok"},
		"LOGIN": {"250-localhost\r\n250 AUTH LOGIN", "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 2.7.0 ok"},
	}
	for name, answers := range both {
		t.Run(name, func(t *testing.T) {
			var script relay
			answers = append(append([]string{greeting}, answers...), accepted, accepted, "354 go", "…"+accepted, accepted, "221 bye")
			s := settings(t, script.listen(t, ca.issue(t, "localhost", time.Now().Add(time.Hour)), answers...))
			s.Security, s.Roots = mail.ImplicitTLS, ca.roots()
			s.User, s.Password = "sallyport", secret.FromString("relay password", "canary-7f3a")
			if err := transport(t, s).Send(t.Context(), message(t)); err != nil {
				t.Fatal(err)
			}
			given := base64.StdEncoding.EncodeToString([]byte("\x00sallyport\x00canary-7f3a"))
			if name == "LOGIN" {
				given = base64.StdEncoding.EncodeToString([]byte("canary-7f3a"))
			}
			if heard := script.heard(); !strings.Contains(heard, given) {
				t.Errorf("the relay heard %s", heard)
			}
		})
	}
}

func TestErrorsSayWhetherAnotherTryCanHelp(t *testing.T) {
	tests := []struct {
		name   string
		relay  sink
		final  bool
		naming string
	}{
		{"recipient unknown", sink{rcpt: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no kim@example.org"}}, true, "550 5.1.1"},
		{"mailbox busy", sink{rcpt: &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later kim@example.org"}}, false, "451 4.7.1"},
		{"text refused", sink{data: &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "spam"}}, true, "554 5.7.1"},
		{"relay full", sink{data: &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "full"}}, false, "452 4.3.1"},
	}
	for i := range tests {
		test := &tests[i]
		t.Run(test.name, func(t *testing.T) {
			s := settings(t, test.relay.listen(t, nil, false))
			s.Security = mail.ClearText
			err := transport(t, s).Send(t.Context(), message(t))
			if err == nil || errors.Is(err, mail.ErrRefused) != test.final || !strings.Contains(err.Error(), test.naming) {
				t.Errorf("%v; want final %v and %s", err, test.final, test.naming)
			}
			if strings.Contains(err.Error(), "kim") || !strings.Contains(err.Error(), "01jd-7f3a@mail.example.com") {
				t.Errorf("%v names the recipient, or does not name the mail", err)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		var relay sink
		s := settings(t, relay.listen(t, nil, false))
		s.Port = 1 // reserved; nothing listens there
		if err := transport(t, s).Send(t.Context(), message(t)); err == nil || errors.Is(err, mail.ErrRefused) {
			t.Errorf("%v, want an error that may pass", err)
		}
	})
}

// Once the relay said 250 to the text the mail is its own: a connection that breaks afterwards must not make us send it twice. One that
// breaks just before must.
func TestAcceptedIsWhatTheRelayAccepted(t *testing.T) {
	opening := []string{greeting, "250 localhost", accepted, accepted, "354 go"}
	tests := []struct {
		name   string
		ending []string
		sent   bool
	}{
		{"hangs up after 250", []string{"…" + accepted}, true},
		{"refuses the farewell", []string{"…" + accepted, "500 5.5.1 what?", "500 5.5.1 what?"}, true},
		{"hangs up instead of 250", nil, false},
		{"answers nonsense", []string{"…hello there"}, false},
		{"defers", []string{"…451 4.3.0 later"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var script relay
			s := settings(t, script.listen(t, nil, slices.Concat(opening, test.ending)...))
			s.Security = mail.ClearText
			if err := transport(t, s).Send(t.Context(), message(t)); (err == nil) != test.sent || errors.Is(err, mail.ErrRefused) {
				t.Errorf("%v, want accepted %v", err, test.sent)
			}
		})
	}
}

// A relay that falls silent, at whatever step, holds a Send no longer than its context.
func TestSendEndsWithItsContext(t *testing.T) {
	ca := newAuthority(t)
	gone := errors.New("shutting down")
	steps := []string{greeting, "250 localhost", accepted, accepted, "354 go"}
	for n := range len(steps) + 1 {
		for _, security := range []mail.Security{mail.ClearText, mail.ImplicitTLS} {
			t.Run(fmt.Sprintf("silent after %d answers, %d", n, security), func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				script := relay{silence: make(chan struct{})}
				config := ca.issue(t, "localhost", time.Now().Add(time.Hour))
				if security == mail.ClearText {
					config = nil
				}
				s := settings(t, script.listen(t, config, append(steps[:n:n], "")...))
				s.Security, s.Roots, s.Timeout = security, ca.roots(), time.Hour
				result := make(chan error)
				made, m := transport(t, s), message(t)
				go func() { result <- made.Send(ctx, m) }()
				<-script.silence
				cancel(gone)
				if err := <-result; !errors.Is(err, gone) {
					t.Errorf("%v, want the cause of the context", err)
				}
			})
		}
	}
}

func TestSilentRelayTimesOut(t *testing.T) {
	script := relay{silence: make(chan struct{})}
	s := settings(t, script.listen(t, nil, ""))
	s.Security, s.Timeout = mail.ClearText, 50*time.Millisecond
	if err := transport(t, s).Send(t.Context(), message(t)); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("%v, want an error that may pass", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(s *mail.Settings){
		"no host":               func(s *mail.Settings) { s.Host = "" },
		"no port":               func(s *mail.Settings) { s.Port = 0 },
		"port too high":         func(s *mail.Settings) { s.Port = 65536 },
		"unknown security":      func(s *mail.Settings) { s.Security = 3 },
		"no sender":             func(s *mail.Settings) { s.From = mailaddr.Address{} },
		"no greeting":           func(s *mail.Settings) { s.Hello = "" },
		"two greetings":         func(s *mail.Settings) { s.Hello = "a.example\r\nMAIL FROM:<x@example.com>" },
		"no timeout":            func(s *mail.Settings) { s.Timeout = 0 },
		"no clock":              func(s *mail.Settings) { s.Now = nil },
		"user without password": func(s *mail.Settings) { s.User = "u" },
		"password without user": func(s *mail.Settings) { s.Password = secret.FromString("relay password", "p") },
		"password over clear text": func(s *mail.Settings) {
			s.User, s.Password, s.Security = "u", secret.FromString("relay password", "p"), mail.ClearText
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := settings(t, 25)
			change(&s)
			if _, err := mail.New(s); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestManySendAtOnce(t *testing.T) {
	ca := newAuthority(t)
	var relay sink
	s := settings(t, relay.listen(t, ca.issue(t, "localhost", time.Now().Add(time.Hour)), false))
	s.Roots = ca.roots()
	made := transport(t, s)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			m := message(t)
			m.MessageID = fmt.Sprintf("%d@example.com", i)
			if err := made.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	ids := map[string]bool{}
	for _, m := range relay.all() {
		header, _ := read(t, m.Text)
		ids[header["Message-Id"]] = true
	}
	if len(ids) != 20 {
		t.Errorf("%d different mails arrived, want 20", len(ids))
	}
}

func TestSettingsPrintWithoutThePassword(t *testing.T) {
	s := settings(t, 25)
	s.User, s.Password = "sallyport", secret.FromString("relay password", "canary-7f3a")
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v", s, s, s)
	if strings.Contains(out.String(), "canary") {
		t.Error(out.String())
	}
}
