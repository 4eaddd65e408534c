package httpx_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// broken is a body whose sender goes away.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestReadBody(t *testing.T) {
	tests := []struct {
		name   string
		body   io.Reader
		length int64 // as announced
		want   string
		code   fault.Code
	}{
		{name: "none", body: http.NoBody},
		{name: "as long as allowed", body: strings.NewReader("12345678"), length: 8, want: "12345678"},
		{name: "announced as longer", body: broken{}, length: 9, code: fault.RequestTooLarge},
		{name: "longer than announced", body: strings.NewReader("123456789"), length: -1, code: fault.RequestTooLarge},
		{name: "one that breaks off", body: broken{}, length: 8, code: fault.RequestMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", tt.body)
			r.ContentLength = tt.length
			got, err := httpx.ReadBody(httptest.NewRecorder(), r, 8, time.Minute)
			if string(got) != tt.want || (err == nil) != (tt.code == "") || err != nil && fault.CodeOf(err) != tt.code {
				t.Errorf("ReadBody = %q, %v; want %q, %q", got, err, tt.want, tt.code)
			}
		})
	}
}

func TestReadBodyDoesNotWaitForASlowSender(t *testing.T) {
	answered := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := httpx.ReadBody(w, r, 100, 20*time.Millisecond)
		answered <- err
	}))
	defer server.Close()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.Copy(conn, bytes.NewBufferString("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; fault.CodeOf(err) != fault.RequestMalformed {
		t.Errorf("a body that never ends: %v, want request.malformed", err)
	}
}

// Whoever falls behind the pace is cut off long before the whole time is over; whoever brings all of it at once is not.
func TestReadSteadily(t *testing.T) {
	for _, row := range []struct {
		name, sent string
		every      time.Duration
		code       fault.Code
	}{
		{"too little at first", "123", 20 * time.Millisecond, fault.RequestMalformed},
		{"enough at first, and then nothing", "123456", 20 * time.Millisecond, fault.RequestMalformed},
		{"all of it", "1234567890", time.Minute, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			answered := make(chan error, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := httpx.ReadSteadily(w, r, 1<<20, time.Hour, httpx.Pace{Bytes: 4, Every: row.every})
				answered <- err
			}))
			defer server.Close()
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"+row.sent); err != nil {
				t.Fatal(err)
			}
			if err := <-answered; (err == nil) != (row.code == "") || err != nil && fault.CodeOf(err) != row.code {
				t.Errorf("%v, want %q", err, row.code)
			}
		})
	}
}

func TestCheckJSON(t *testing.T) {
	tests := []struct {
		lines []string
		ok    bool
	}{
		{[]string{"application/json"}, true},
		{[]string{"application/json; charset=utf-8"}, true},
		{[]string{"Application/JSON; charset=UTF-8"}, true},
		{nil, false},
		{[]string{""}, false},
		{[]string{"text/plain"}, false},
		{[]string{"application/x-www-form-urlencoded"}, false},
		{[]string{"multipart/form-data; boundary=application/json"}, false},
		{[]string{"application/json; charset=utf-16"}, false},
		{[]string{"application/json; profile=x"}, false},
		{[]string{"application/problem+json"}, false},
		{[]string{"text/plain; application/json"}, false},
		{[]string{"application/json", "text/plain"}, false},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.lines, "|"), func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header["Content-Type"] = tt.lines
			if err := httpx.CheckJSON(r); (err == nil) != tt.ok || err != nil && fault.CodeOf(err) != fault.RequestMediaType {
				t.Errorf("CheckJSON = %v, want ok %t", err, tt.ok)
			}
		})
	}
}
