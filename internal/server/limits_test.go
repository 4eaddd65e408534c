package server_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/server"
)

// sources is a listener whose connections come from where a test says. Each may be closed by either side.
type sources struct{ from []string }

func (s *sources) Accept() (net.Conn, error) {
	if len(s.from) == 0 {
		return nil, net.ErrClosed
	}
	addr := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(s.from[0]), 4000))
	s.from = s.from[1:]
	near, _ := net.Pipe()
	return from{near, addr}, nil
}

func (s *sources) Close() error   { return nil }
func (s *sources) Addr() net.Addr { return &net.TCPAddr{} }

type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

// admitted is who gets in, in order.
func admitted(t *testing.T, l net.Listener) (conns []net.Conn, who []string) {
	t.Helper()
	for {
		conn, err := l.Accept()
		if err != nil {
			return conns, who
		}
		conns = append(conns, conn)
		who = append(who, conn.RemoteAddr().(*net.TCPAddr).IP.String())
	}
}

func TestOneSourceHoldsSoManyConnections(t *testing.T) {
	network := &sources{}
	var refused atomic.Int64
	l := server.NewBounded(network, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, 8, 2, &refused)
	network.from = []string{
		"198.51.100.1", "198.51.100.1", "::ffff:198.51.100.1", "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1",
		"10.0.0.1", "10.0.0.1", "10.0.0.1", "127.0.0.1",
	}
	conns, who := admitted(t, l)
	want := []string{"198.51.100.1", "198.51.100.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "10.0.0.1", "10.0.0.1", "10.0.0.1"}
	if diff := cmp.Diff(want, who); diff != "" || refused.Load() != 3 {
		t.Errorf("%d refused, admitted (-want +got):\n%s", refused.Load(), diff)
	}
	_ = conns[0].Close()
	_ = conns[0].Close() // the second time counts for nothing
	network.from = []string{"198.51.100.1", "198.51.100.1", "203.0.113.5"}
	if _, who := admitted(t, l); len(who) != 1 || who[0] != "198.51.100.1" {
		t.Errorf("after one left, %v came in", who)
	}
}

// A database that is away is told once, then every ten seconds, and once when it is back; not ten times a second.
func TestAnOutageIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	polled := server.NewOutage(func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	for range 250 { // 25 seconds
		polled(errors.New("no database"))
		now = now.Add(100 * time.Millisecond)
	}
	polled(nil)
	polled(nil)
	if lost, back := strings.Count(log.String(), "no database"), strings.Count(log.String(), "heard again"); lost != 3 || back != 1 {
		t.Errorf("told %d times that it is lost and %d times that it is back:\n%s", lost, back, log.String())
	}
}
