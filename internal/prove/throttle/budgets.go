package throttle

import (
	"net/netip"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Budgets counts failures by source in memory, where a try costs too little to write a row for it; hammering costs the one who hammers. k is
// zero for the source as a whole.
type Budgets interface {
	// Left says whether the source may still fail.
	Left(k id.Key, addr netip.Addr, now time.Time) bool
	Fail(k id.Key, addr netip.Addr, now time.Time)
}

// sourceRetry is when a source that has used up its failures may try again.
const sourceRetry = time.Second

// Admit refuses a source that has used up its failures. Errors: rate_limited.
func Admit(b Budgets, addr netip.Addr, now time.Time) error {
	if b.Left(id.Key{}, addr, now) {
		return nil
	}
	return fault.New(fault.RateLimited).After(sourceRetry)
}
