// Package relay is a mail server for tests: it takes letters over SMTP from whoever sends, and delivers them nowhere.
//
// It knows nothing of what our letters say.
package relay

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// Relay takes letters until its test ends.
type Relay struct {
	// Address is where it listens, without TLS.
	Address string
	// Began has one for each letter that began to arrive; a hundred at most are waited for.
	Began chan struct{}

	healthy func() // safe to call twice
	works   chan struct{}
	mu      sync.Mutex
	letters []Letter // guarded by mu
}

// Letter is one that was taken.
type Letter struct {
	// Raw is the letter as it came; Text is its subject and its parts, decoded.
	Raw, Text []byte
}

// New starts a relay that works.
func New(t testing.TB) *Relay {
	t.Helper()
	r := NewSilent(t)
	r.Heal()
	return r
}

// NewSilent starts one that lets letters arrive and says nothing about them until it is healed.
func NewSilent(t testing.TB) *Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with its server
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{Address: l.Addr().String(), Began: make(chan struct{}, 100), works: make(chan struct{})}
	r.healthy = sync.OnceFunc(func() { close(r.works) })
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &conversation{r}, nil }))
	s.Domain = "localhost"
	t.Cleanup(func() {
		r.Heal()
		_ = s.Close()
	})
	go func() { _ = s.Serve(l) }()
	return r
}

// Heal lets a silent relay work.
func (r *Relay) Heal() { r.healthy() }

// Letters gives those that were taken, the oldest first.
func (r *Relay) Letters() []Letter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.letters)
}

// conversation is one connection of a sender.
type conversation struct{ relay *Relay }

func (*conversation) Mail(string, *smtp.MailOptions) error { return nil }
func (*conversation) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*conversation) Reset()                               {}
func (*conversation) Logout() error                        { return nil }

func (c *conversation) Data(text io.Reader) error {
	select {
	case c.relay.Began <- struct{}{}:
	default:
	}
	<-c.relay.works
	raw, err := io.ReadAll(text)
	if err != nil {
		return err
	}
	c.relay.mu.Lock()
	defer c.relay.mu.Unlock()
	c.relay.letters = append(c.relay.letters, Letter{raw, readable(raw)})
	return nil
}

func readable(raw []byte) []byte {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	out := []byte(subject + "\n")
	_, parameters, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	for parts := multipart.NewReader(m.Body, parameters["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err != nil {
			return out
		}
		var text io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			text = quotedprintable.NewReader(part)
		}
		read, _ := io.ReadAll(text)
		out = append(append(out, read...), '\n')
	}
}
