package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/sign"
)

// Refusals of the transport itself. The request has not been sent.
var (
	// ErrOtherOrigin: the request goes elsewhere than to Origin. A redirect to a stranger must not carry a signature along.
	ErrOtherOrigin = errors.New("client: request to another origin than the key's")
	// ErrBodyTooLarge: the body is longer than MaxBody.
	ErrBodyTooLarge = errors.New("client: body too large to sign")
)

const (
	// DefaultMaxBody bounds a body when MaxBody is zero: 1 MiB.
	DefaultMaxBody = 1 << 20
	// DefaultMaxWait bounds a wait when MaxWait is zero.
	DefaultMaxWait = 5 * time.Second
)

const (
	// maxRefusal bounds how much of a refusal is read to see what it is about.
	maxRefusal = 16 << 10
	// maxCorrection bounds what the server can make of our clock. A time zone mistaken for UTC is 14 hours.
	maxCorrection = 24 * time.Hour
)

// Transport signs each request and sends it. In three cases it signs once more, with a fresh nonce and time, and sends once more; whatever
// is answered then is handed to the caller.
//
//   - The server refuses the time of a signature. It takes the server's clock, and keeps the difference for later requests.
//   - The server refuses a signature from before its own start (signature.sign_again). It waits as long as Retry-After says.
//   - The server is busy (429 or 503) and says in Retry-After when to come back, and the method is GET, HEAD or OPTIONS. Anything else may
//     have been carried out before the 503 (RFC 9110 §9.2.2), and only its caller knows what a second one would do.
//
// The first two were refused before anything was done, so every method is sent again. It never waits longer than MaxWait. The request given
// to it is not changed. Its fields are set before the first request; after that it is safe for concurrent use.
type Transport struct {
	// Signer makes the signatures.
	Signer sign.Signer
	// Origin is the only place that gets signed requests: scheme://host[:port].
	Origin string
	// Next sends; nil means http.DefaultTransport.
	Next http.RoundTripper
	// Now is the local clock; nil means the system's.
	Now func() time.Time
	// MaxBody bounds a body in bytes, because a body is held in memory to be signed; 0 means DefaultMaxBody.
	MaxBody int64
	// MaxWait bounds how long an answer's Retry-After is waited for; a longer one is handed to the caller. 0 means DefaultMaxWait, below 0
	// never waits.
	MaxWait time.Duration

	offset atomic.Int64 // nanoseconds that the server's clock is ahead of ours
}

// RoundTrip implements http.RoundTripper. Errors: ErrOtherOrigin, ErrBodyTooLarge, *sign.Error, those of Next, and that of the request's
// context when it ends during a wait.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := t.readBody(req)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(req.URL.Scheme+"://"+req.URL.Host, t.Origin) || req.Host != "" && req.Host != req.URL.Host {
		return nil, ErrOtherOrigin
	}
	res, err := t.send(req, body)
	if err != nil {
		return nil, err
	}
	wait, again := t.again(req.Method, res)
	if !again {
		return res, nil
	}
	_ = res.Body.Close()
	if err := pause(req.Context(), wait); err != nil {
		return nil, err
	}
	return t.send(req, body)
}

// pause waits, but no longer than the request lives.
func pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *Transport) readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer func() { _ = req.Body.Close() }() // RoundTrip must close it, on errors too
	limit := t.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("client: read body: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, ErrBodyTooLarge
	}
	return body, nil
}

func (t *Transport) send(req *http.Request, body []byte) (*http.Response, error) {
	signed := req.Clone(req.Context())
	signed.Body, signed.GetBody, signed.ContentLength = nil, nil, int64(len(body))
	if len(body) > 0 {
		signed.Body = io.NopCloser(bytes.NewReader(body))
		signed.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	if err := sign.Sign(signed, body, t.Signer, t.serverNow()); err != nil {
		return nil, err
	}
	next := t.Next
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(signed)
}

func (t *Transport) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now() //nolint:forbidigo // a client library owns its own clock
}

// again says whether to sign and send once more, and after what wait. The answer's body stays readable.
func (t *Transport) again(method string, res *http.Response) (wait time.Duration, again bool) {
	switch res.StatusCode {
	case http.StatusUnauthorized:
		r := readRefusal(res)
		if r.Code == "signature.sign_again" {
			return t.retryAfter(res.Header)
		}
		return 0, r.aboutTime && t.correctClock(r, res.Header)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
			return t.retryAfter(res.Header)
		}
	}
	return 0, false
}

// retryAfter reads when to come back (RFC 9110 §10.2.3); ok is false if nothing is said or it is later than we wait for.
func (t *Transport) retryAfter(h http.Header) (wait time.Duration, ok bool) {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = max(0, at.Sub(t.serverNow()))
	} else {
		return 0, false
	}
	return wait, wait <= cmp.Or(t.MaxWait, DefaultMaxWait)
}

// refusal is what a refused signature is answered with, as far as it matters here: a problem, or an exchange's shape.
type refusal struct {
	Code   any            `json:"code"` // text in a problem; exchanges have numbers too
	Fields map[string]any `json:"fields"`

	aboutTime bool // it is the time of the signature that was refused
}

// readRefusal looks at the head and the beginning of an answer. One that cannot be read is no refusal that we know.
func readRefusal(res *http.Response) (r refusal) {
	start, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), res.Body), res.Body}
	if err != nil || json.Unmarshal(start, &r) != nil {
		r = refusal{}
	}
	if code := res.Header.Get("Sallyport-Refusal"); code != "" {
		r.Code = code // which stands also where a proxy wrote the body
	}
	r.aboutTime = r.Code == "signature.too_old" || r.Code == "signature.ahead" || sign.ClockRefused(start)
	return r
}

// correctClock takes the server's clock from its refusal: the field server_time (RFC 3339), or else the Date header, because an exchange's
// shape has only that. It says whether there was one that makes sense.
func (t *Transport) correctClock(r refusal, h http.Header) bool {
	text, _ := r.Fields["server_time"].(string)
	server, err := time.Parse(time.RFC3339, text)
	if err != nil {
		server, err = http.ParseTime(h.Get("Date"))
	}
	offset := server.Sub(t.now())
	if err != nil || offset.Abs() > maxCorrection {
		return false
	}
	t.offset.Store(int64(offset))
	return true
}

// serverNow is the server's clock, as far as we know it.
func (t *Transport) serverNow() time.Time { return t.now().Add(time.Duration(t.offset.Load())) }
