package httpx

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// ReadBody reads a request's body, of at most limit bytes, and waits for it at most as long as within.
// Errors: request.too_large, request.malformed.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64, within time.Duration) ([]byte, error) {
	tooLarge := fault.New(fault.RequestTooLarge, "limit", limit)
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	conn := http.NewResponseController(w)
	// A deadline in the past ends a read that waits, and needs no clock.
	timer := time.AfterFunc(within, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer timer.Stop()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge
	}
	if err != nil {
		return nil, fault.New(fault.RequestMalformed, "problem", "body_lost").Because(err)
	}
	return body, nil
}

// Pace is the least that a sender has to bring in each stretch of time.
type Pace struct {
	Bytes int64
	Every time.Duration
}

// Upload is the pace of a file: what comes more slowly would not be whole within a minute.
var Upload = Pace{Bytes: 64 << 10, Every: 5 * time.Second}

// ReadSteadily is ReadBody for bodies that may take long: who falls behind the pace is cut off, so that a sender of a byte a second does not hold
// for a minute what others wait for. Errors: request.too_large, request.malformed.
func ReadSteadily(w http.ResponseWriter, r *http.Request, limit int64, within time.Duration, p Pace) ([]byte, error) {
	body := &counted{ReadCloser: r.Body}
	r.Body = body
	done := make(chan struct{})
	defer close(done)
	conn := http.NewResponseController(w)
	go func() {
		beat := time.NewTicker(p.Every)
		defer beat.Stop()
		for had := int64(0); ; had = body.read.Load() {
			select {
			case <-done:
				return
			case <-beat.C:
			}
			if body.read.Load()-had < p.Bytes {
				_ = conn.SetReadDeadline(time.Unix(1, 0))
				return
			}
		}
	}()
	return ReadBody(w, r, limit, within)
}

// counted is a body that says how much of it came.
type counted struct {
	io.ReadCloser
	read atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.read.Add(int64(n))
	return n, err
}

// CheckJSON refuses a request whose body is not said to be JSON, in UTF-8 if it says a charset. Errors: request.media_type.
func CheckJSON(r *http.Request) error {
	lines := r.Header["Content-Type"]
	if len(lines) == 1 {
		kind, params, err := mime.ParseMediaType(lines[0])
		charset, more := params["charset"], len(params)
		if err == nil && kind == "application/json" && (more == 0 || more == 1 && strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return fault.New(fault.RequestMediaType, "want", "application/json")
}
