package gateway

import (
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// What the body of somebody who has proven nothing may cost: so many are held at once, of so many bytes, for so long.
const (
	strangerBodies  = 64
	strangerBodyCap = 64 << 10
	strangerWait    = 5 * time.Second
)

// readStrangersBody buffers the body of a public route. Where a body has no meaning (RFC 9110 §9.3) none is taken. Whatever is refused ends
// its connection, so that nobody waits for the rest of a body that nobody wants.
// Errors: request.malformed, request.too_large, busy.
func (v *visit) readStrangersBody() (err error) {
	if v.r.ContentLength == 0 {
		v.read = true
		return nil
	}
	defer func() {
		if err != nil {
			v.w.Header().Set("Connection", "close")
		}
	}()
	switch v.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodDelete, http.MethodOptions:
		return fault.New(fault.RequestMalformed, "problem", "body_refused")
	}
	select {
	case v.g.strangers <- struct{}{}:
		v.held = true
	default:
		return fault.New(fault.Busy).After(time.Second)
	}
	if v.body, err = httpx.ReadBody(v.w, v.r, min(v.g.BodyCap, strangerBodyCap), strangerWait); err != nil {
		return err
	}
	v.read = true
	return nil
}

// release gives back the place of a stranger's body.
func (v *visit) release() {
	if v.held {
		<-v.g.strangers
	}
}
