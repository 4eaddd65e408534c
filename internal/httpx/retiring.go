package httpx

import (
	"net/http"
	"time"
)

// RetiresHeader is on answers to requests that were signed with a secret which its key has replaced: when it stops to work. It says of a
// secret what Sunset says of an address (RFC 8594 §3), in the same form.
const RetiresHeader = "Sallyport-Key-Retires"

// WarnRetiring sets RetiresHeader, if there is a time to tell.
func WarnRetiring(w http.ResponseWriter, retires time.Time) {
	if !retires.IsZero() {
		w.Header().Set(RetiresHeader, retires.UTC().Format(http.TimeFormat))
	}
}
