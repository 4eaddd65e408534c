package closed_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// wire stands between a server and its PostgreSQL and breaks one connection at a chosen step. Every exchange of the protocol is two steps: the
// connection breaks before the database has heard of it, or after the database has done it and before the server hears so.
type wire struct {
	dsn      string // of the database, by way of the wire
	database string // host and port

	mu    sync.Mutex
	left  int  // steps until the break; negative is never. Guarded by mu
	broke bool // guarded by mu
}

func newWire(t *testing.T, dsn string) *wire {
	t.Helper()
	place, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &wire{database: place.Host, left: -1}
	place.Host = l.Addr().String()
	w.dsn = place.String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(conn)
		}
	}()
	return w
}

// arm breaks the wire at the nth step from now, counted from 0.
func (w *wire) arm(_ *testing.T, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left, w.broke = n, false
}

// disarm mends the wire and says whether it broke.
func (w *wire) disarm(*testing.T) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = -1
	return w.broke
}

// step says whether the wire breaks here.
func (w *wire) step() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left < 0 {
		return false
	}
	w.left--
	w.broke = w.broke || w.left < 0
	return w.left < 0
}

func (w *wire) carry(server net.Conn) {
	defer func() { _ = server.Close() }()
	database, err := net.Dial("tcp", w.database) //nolint:noctx // ends with its connections
	if err != nil {
		return
	}
	defer func() { _ = database.Close() }()
	back := &answers{to: server}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(back, database)
		_ = server.Close()
	}()
	for first := true; ; first = false {
		message, err := read(server, first)
		if err != nil {
			return
		}
		ends := !first && (message[0] == 'S' || message[0] == 'Q') // Sync or a simple query: what the database now does and answers
		if ends && w.step() {
			return
		}
		after := ends && w.step()
		if after {
			back.silent.Store(true)
		}
		if _, err := database.Write(message); err != nil {
			return
		}
		if after {
			_ = database.(*net.TCPConn).CloseWrite()
			<-answered
			return
		}
	}
}

// answers are given to the server, until nothing is to be heard any more.
type answers struct {
	to     net.Conn
	silent atomic.Bool
}

func (a *answers) Write(b []byte) (int, error) {
	if a.silent.Load() {
		return len(b), nil
	}
	return a.to.Write(b)
}

// read reads one message of a client: a type, but for the first of a connection, a length that counts itself, and the rest.
func read(conn net.Conn, first bool) ([]byte, error) {
	head := make([]byte, 5)
	if first {
		head = head[:4]
	}
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[len(head)-4:])
	if length < 4 || length > 1<<24 {
		return nil, errors.New("not a message")
	}
	rest := make([]byte, length-4)
	_, err := io.ReadFull(conn, rest)
	return slices.Concat(head, rest), err
}
