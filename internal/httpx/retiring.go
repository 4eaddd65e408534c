package httpx

import (
	"net/http"
	"strconv"
	"time"
)

// What is on answers to requests that were signed with a secret which its key has replaced. RetiresHeader says of the secret when it stops to
// work. The other two are those that clients know of addresses, and are ours only where the upstream says nothing with them itself.
const (
	RetiresHeader     = "Sallyport-Key-Retires"
	DeprecationHeader = "Deprecation"
	SunsetHeader      = "Sunset"
)

// WarnRetiring says that a secret was replaced at since and stops to work at retires, if there is a time to tell: as a date of structured
// fields (RFC 9745 §2.1), and twice as an HTTP date (RFC 8594 §3).
func WarnRetiring(w http.ResponseWriter, since, retires time.Time) {
	if retires.IsZero() {
		return
	}
	at := retires.UTC().Format(http.TimeFormat)
	w.Header().Set(RetiresHeader, at)
	w.Header().Set(SunsetHeader, at)
	w.Header().Set(DeprecationHeader, "@"+strconv.FormatInt(since.Unix(), 10))
}
