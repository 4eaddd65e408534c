package httpx

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
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
