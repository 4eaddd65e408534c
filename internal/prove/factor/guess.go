package factor

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/prove/totp"
)

// codeBudget bounds how many wrong codes one user's app may be sent, whoever sends them and however often the server starts in between. It
// stands behind the delays of a single browser, which can be had anew.
//
// A code is one of 10⁶, and the codes of two steps are good at a time, so a guess is right with p ≤ 2·10⁻⁶. A bucket takes 8 wrong ones
// and forgives one every 3 h: at most 8 + 24/3 = 16 in any 24 h. Three groups have one each, so that none uses up anything of another's: browsers
// that the user has not signed in with, those that they have, and sessions, of which a thief may ride one to keep the user from signing in and
// ending it.
//
//	3 buckets × 16 guesses × 2·10⁻⁶ = 9.6·10⁻⁵ ≤ 10⁻⁴ a day
//
// A right code costs nothing of it and forgives nothing either: otherwise each sign-in of the user would buy the guesser eight more.
var codeBudget = throttle.Limits{Free: 8, FirstDelay: 3 * time.Hour, MaxDelay: 3 * time.Hour, Memory: 24 * time.Hour, Leak: 3 * time.Hour}

const (
	// maxFailures wrong codes in a row from browsers that the user has not signed in with, and no such browser's code is taken any more, also
	// no right one (SP 800-63B-4 §3.2.2: at most 100). Over all that time a guesser was right with 100 × 2·10⁻⁶ = 2·10⁻⁴. A passkey, a
	// code from a known browser or a new password starts the count anew; the first two are never refused for it.
	maxFailures = 100
	// tellFailures wrong codes in a row are told to the user, because somebody who gets that far knows the password. They are as many as come
	// through before the first wait: the user hears of it within minutes.
	tellFailures = 8
)

// Guess is who is said to prove with a code, and from where.
type Guess struct {
	User id.User
	// Browser counts what this very browser, or all strangers, try.
	Browser throttle.Bucket
	// Known: the user has signed in with this browser before.
	Known bool
	// Within: it is typed in a session of the user's.
	Within bool
}

// GuessWithin is a guess of who is signed in.
func GuessWithin(p principal.Principal) Guess {
	return Guess{User: p.User, Browser: throttle.OfDevice(throttle.TOTPWithin, p.User, p.Origin.Device), Known: true, Within: true}
}

// shared is the bucket of everybody in the same group.
func (g Guess) shared() throttle.Bucket {
	if g.Within {
		return throttle.OfUser(throttle.TOTPWithin, g.User, true)
	}
	return throttle.OfUser(throttle.TOTP, g.User, g.Known)
}

// ProveTOTP checks a code in the caller's transaction: count a try, match, spend the step, forget the tries. refused is what the user is
// told and must be committed with the try; err rolls back. Refusals: totp.not_enrolled, totp.code_refused, totp.resting. Errors:
// sign_in.throttled.
func (f *Factors) ProveTOTP(ctx context.Context, tx Tx, g Guess, code string) (proof assurance.Proof, refused, err error) {
	stored, found, err := tx.TOTPOf(ctx, g.User)
	if err != nil {
		return proof, nil, fmt.Errorf("read authenticator app: %w", err)
	}
	if !found || stored.ConfirmedAt.IsZero() {
		return proof, fault.New(fault.TOTPNotEnrolled), nil
	}
	if refused, err = f.spendCode(ctx, tx, stored, g, code); err != nil || refused != nil {
		return proof, refused, err
	}
	return assurance.Proof{Factors: assurance.TOTP, At: f.Now()}, nil, nil
}

func (f *Factors) spendCode(ctx context.Context, tx Tx, stored StoredTOTP, g Guess, code string) (refused, err error) {
	now := f.Now()
	if err := throttle.Count(ctx, tx, g.Browser, f.Limits, now); err != nil {
		return nil, err
	}
	taken, err := throttle.Take(ctx, tx, g.shared(), codeBudget, now)
	if err != nil {
		return nil, err
	}
	if stored.Failures >= maxFailures && !g.Known {
		return fault.New(fault.TOTPResting), nil
	}
	won, err := f.matches(ctx, tx, stored, g.User, code, now)
	if err != nil {
		return nil, err
	}
	if !won {
		return fault.New(fault.TOTPCodeRefused, "server_time", now.UTC().Format(time.RFC3339)), f.countFailure(ctx, tx, g)
	}
	if err := taken.Return(ctx, tx); err != nil {
		return nil, err
	}
	if err := tx.ForgetTries(ctx, g.Browser); err != nil {
		return nil, fmt.Errorf("forget tries: %w", err)
	}
	return nil, forgetFailures(ctx, tx, g.User)
}

// matches says whether the code is of a step that is good now, and uses that step up.
func (f *Factors) matches(ctx context.Context, tx Tx, stored StoredTOTP, u id.User, code string, now time.Time) (won bool, err error) {
	plain, err := f.Sealer.Open(totpPlace(u), stored.Sealed)
	if err != nil {
		return false, fmt.Errorf("open authenticator secret: %w", err)
	}
	step, ok := totp.Match(secret.New("authenticator secret", plain), code, now)
	if !ok {
		return false, nil
	}
	if won, err = tx.SpendTOTPStep(ctx, u, step); err != nil {
		return false, fmt.Errorf("spend step: %w", err)
	}
	return won, nil
}

// countFailure counts a stranger's wrong code, and tells the user at the two numbers that mean something to them.
func (f *Factors) countFailure(ctx context.Context, tx Tx, g Guess) error {
	if g.Known {
		return nil
	}
	failures, err := tx.CountTOTPFailure(ctx, g.User)
	if err != nil {
		return fmt.Errorf("count wrong code: %w", err)
	}
	if failures != tellFailures && failures != maxFailures {
		return nil
	}
	facts := map[string]string{"count": strconv.FormatInt(failures, 10)}
	if failures == maxFailures {
		facts["resting"] = "yes"
	}
	return f.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.CodesGuessed, User: g.User, Facts: facts})
}

// forgetFailures starts the count of wrong codes in a row anew: the user has proven to be there.
func forgetFailures(ctx context.Context, tx Tx, u id.User) error {
	if err := tx.ForgetTOTPFailures(ctx, u); err != nil {
		return fmt.Errorf("forget wrong codes: %w", err)
	}
	return nil
}
