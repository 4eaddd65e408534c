package drain_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// relay takes letters, at first without ever saying so.
type relay struct {
	address string
	began   chan struct{} // one for each letter that began to arrive

	mu      sync.Mutex
	letters int           // taken; guarded by mu
	healthy chan struct{} // closed once the relay works
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{began: make(chan struct{}, 100), healthy: make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with its server
	if err != nil {
		t.Fatal(err)
	}
	r.address = l.Addr().String()
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &conversation{r}, nil }))
	s.Domain, s.ReadTimeout, s.WriteTimeout = "localhost", time.Minute, time.Minute
	t.Cleanup(func() {
		r.works()
		_ = s.Close()
	})
	go func() { _ = s.Serve(l) }()
	return r
}

// works heals the relay.
func (r *relay) works() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.healthy:
	default:
		close(r.healthy)
	}
}

func (r *relay) taken() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.letters
}

// conversation is one connection of a sender.
type conversation struct{ relay *relay }

func (*conversation) Mail(string, *smtp.MailOptions) error { return nil }
func (*conversation) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*conversation) Reset()                               {}
func (*conversation) Logout() error                        { return nil }

func (c *conversation) Data(text io.Reader) error {
	c.relay.began <- struct{}{}
	<-c.relay.healthy
	if _, err := io.Copy(io.Discard, text); err != nil {
		return err
	}
	c.relay.mu.Lock()
	defer c.relay.mu.Unlock()
	c.relay.letters++
	return nil
}
