package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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

// DefaultMaxBody bounds a body when MaxBody is zero: 1 MiB.
const DefaultMaxBody = 1 << 20

const (
	// maxRefusal bounds how much of a refusal is read to see whether it is about the clock.
	maxRefusal = 16 << 10
	// maxCorrection bounds what the server can make of our clock. A time zone mistaken for UTC is 14 hours.
	maxCorrection = 24 * time.Hour
)

// Transport signs each request and sends it. When the server refuses the time of a signature, it takes the server's clock, keeps the
// difference for later requests, signs once more and sends once more; a second refusal is handed to the caller. The request given to
// it is not changed. Its fields are set before the first request; after that it is safe for concurrent use.
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

	offset atomic.Int64 // nanoseconds that the server's clock is ahead of ours
}

// RoundTrip implements http.RoundTripper. Errors: ErrOtherOrigin, ErrBodyTooLarge, *sign.Error, and those of Next.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := t.readBody(req)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(req.URL.Scheme+"://"+req.URL.Host, t.Origin) || req.Host != "" && req.Host != req.URL.Host {
		return nil, ErrOtherOrigin
	}
	res, err := t.send(req, body)
	if err != nil || !t.correctClock(res) {
		return res, err
	}
	_ = res.Body.Close()
	return t.send(req, body)
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
	if err := sign.Sign(signed, body, t.Signer, t.now().Add(time.Duration(t.offset.Load()))); err != nil {
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

// correctClock says whether res refuses the time of a signature and the server's clock is now known. The body stays readable.
func (t *Transport) correctClock(res *http.Response) bool {
	if res.StatusCode != http.StatusUnauthorized {
		return false
	}
	start, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), res.Body), res.Body}
	if err != nil {
		return false
	}
	server, ok := serverTime(start, res.Header)
	if !ok {
		return false
	}
	offset := server.Sub(t.now())
	if offset.Abs() > maxCorrection {
		return false
	}
	t.offset.Store(int64(offset))
	return true
}

// serverTime reads the server's clock from a refusal that is about time: the field server_time (RFC 3339) of a problem with one of
// the two codes, or else the Date header; a refusal in an exchange's shape has only that.
func serverTime(body []byte, h http.Header) (time.Time, bool) {
	var problem struct {
		Code   any            `json:"code"`
		Fields map[string]any `json:"fields"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return time.Time{}, false
	}
	if problem.Code != "signature.too_old" && problem.Code != "signature.ahead" && !sign.ClockRefused(body) {
		return time.Time{}, false
	}
	text, _ := problem.Fields["server_time"].(string)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	at, err := http.ParseTime(h.Get("Date"))
	return at, err == nil
}
