package throttle

import (
	"context"
	"errors"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// actLimits let a session act 40 times at once and every other minute from then on: more than people do by hand, and too little to bury what matters
// in their Activity.
var actLimits = Limits{Free: 40, FirstDelay: 2 * time.Minute, MaxDelay: 2 * time.Minute, Memory: 2 * time.Hour, Leak: 2 * time.Minute}

// CountAct counts something that takes no proof, can be undone and done again at once, and leaves an event each time. Whatever takes power away is
// none of it: it is never refused for being too much. Errors: rate_limited.
func CountAct(ctx context.Context, tx Tx, p principal.Principal, now time.Time) error {
	if p.Kind != principal.KindUser {
		return nil // operators and keys answer for what they do by name
	}
	err := Count(ctx, tx, bucket("session", "act", string(p.Session[:])), actLimits, now)
	if refused, is := errors.AsType[*fault.Error](err); is && refused.Code == fault.SignInThrottled {
		return fault.New(fault.RateLimited).After(refused.RetryAfter)
	}
	return err
}
