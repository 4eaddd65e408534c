// Package throttle owns how many wrong proofs somebody may give before waiting, and how long.
//
// It slows down and never locks out: what strangers do fills the stranger's bucket, and a browser that has signed the user in before
// has a bucket of its own. Password and second factor are counted apart.
//
// Invariant: a try is counted before it is checked, by one conditional write, so that 100 at once get no more tries than one after
// another. A proof that holds empties its bucket.
package throttle

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Tx is what this package asks of a transaction.
type Tx interface {
	// TriesOf reads a bucket; one that was never touched is all zero.
	TriesOf(ctx context.Context, bucket [32]byte) (failures int64, next, updated time.Time, err error)
	// CountTry writes the bucket if it is still as it was read (seen, seenAt); won is false otherwise.
	CountTry(ctx context.Context, bucket [32]byte, seen, failures int64, seenAt, next, now time.Time) (won bool, err error)
	ForgetTries(ctx context.Context, bucket [32]byte) error
}

// Limits are the numbers of the policy.
type Limits struct {
	// Free tries in a row cost no waiting.
	Free int
	// FirstDelay after the first try beyond Free; it doubles with each further one up to MaxDelay.
	FirstDelay, MaxDelay time.Duration
	// Memory is how long without a try a bucket lasts.
	Memory time.Duration
	// Leak forgives one try each time it passes; zero forgives none. It is for buckets that many honest people share.
	Leak time.Duration
}

// Factor says what is guessed at. Each has counters of its own.
type Factor string

// The factors that can be guessed.
const (
	Password Factor = "password"
	TOTP     Factor = "totp"
	MailCode Factor = "mail_code"
	// RecoveryCode is also the code of a case.
	RecoveryCode Factor = "recovery_code"
	// TOTPWithin is a code that is typed in a session, PasswordWithin a password: they use up nothing of what their user signs in with.
	TOTPWithin     Factor = "totp_within"
	PasswordWithin Factor = "password_within"
	// RecoveryMail is a letter that somebody has us send.
	RecoveryMail Factor = "recovery_mail"
	// RehearsalMail is a letter that somebody has us send to themselves.
	RehearsalMail Factor = "rehearsal_mail"
	// Invitation is a letter that somebody has us send into another mailbox.
	Invitation Factor = "invitation"
	// TextCode is a code that somebody has us send to a phone, TextNotice a notice.
	TextCode   Factor = "text_code"
	TextNotice Factor = "text_notice"
)

// Bucket is what tries are counted under: a hash, which the store keeps under a key of its own, so that rows tell nothing.
type Bucket [32]byte

// OfStranger counts what unknown browsers try against one subject: a user, or an address that has none, in its canonical form.
func OfStranger(f Factor, subject string) Bucket { return bucket("stranger", string(f), subject) }

// OfDevice counts what one known browser tries against one user.
func OfDevice(f Factor, u id.User, d id.Device) Bucket {
	return bucket("device", string(f), string(u[:]), string(d[:]))
}

// OfUser counts what is tried against one user from everywhere: from browsers that they have used before, or from all others.
func OfUser(f Factor, u id.User, known bool) Bucket {
	if known {
		return bucket("user", string(f), string(u[:]), "known")
	}
	return bucket("user", string(f), string(u[:]), "unknown")
}

// OfSource counts what comes from one network: an IPv4 address, or the /64 of an IPv6 one, because a host owns all of it.
func OfSource(f Factor, addr netip.Addr) Bucket {
	addr = addr.Unmap()
	if addr.Is6() {
		addr = netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return bucket("source", string(f), addr.String())
}

// bucket hashes parts each led by its length, so that no two lists of parts meet in one bucket.
func bucket(parts ...string) Bucket {
	h := sha256.New()
	var length [4]byte
	for _, part := range parts {
		binary.BigEndian.PutUint32(length[:], uint32(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return Bucket(h.Sum(nil))
}

// Delay is how long after the nth try in a row the next one has to wait.
func (l Limits) Delay(n int64) time.Duration {
	beyond := n - int64(l.Free)
	if beyond < 0 {
		return 0
	}
	delay := l.FirstDelay
	for ; beyond > 0 && delay < l.MaxDelay; beyond-- {
		delay *= 2
	}
	return min(delay, l.MaxDelay)
}

// maxRaces bounds how often a count is tried again that lost to another. Losing more often means a flood, which waits.
const maxRaces = 8

// Count takes one try from the bucket, or says how long to wait. Errors: sign_in.throttled.
func Count(ctx context.Context, tx Tx, b Bucket, l Limits, now time.Time) error {
	_, err := Take(ctx, tx, b, l, now)
	return err
}

// Taken is a try that was counted, with what the bucket held before it.
type Taken struct {
	bucket        Bucket
	before, after int64
	next, updated time.Time
	at            time.Time
}

// Return gives a try back that was none, in the transaction that took it: the bucket is as it was. Unlike ForgetTries it forgives nothing
// that somebody else has tried.
func (t Taken) Return(ctx context.Context, tx Tx) error {
	if t.updated.IsZero() {
		return tx.ForgetTries(ctx, t.bucket)
	}
	if won, err := tx.CountTry(ctx, t.bucket, t.after, t.before, t.at, t.next, t.updated); err != nil || !won {
		return fmt.Errorf("return try: won %t: %w", won, err)
	}
	return nil
}

// Take is Count for a try that may be given back.
func Take(ctx context.Context, tx Tx, b Bucket, l Limits, now time.Time) (Taken, error) {
	for range maxRaces {
		failures, next, updated, err := tx.TriesOf(ctx, b)
		if err != nil {
			return Taken{}, fmt.Errorf("read tries: %w", err)
		}
		seen, until := failures, next
		if !updated.IsZero() && now.Sub(updated) > l.Memory {
			failures = 0
			next = time.Time{}
		}
		if l.Leak > 0 && !updated.IsZero() {
			failures = max(0, failures-int64(now.Sub(updated)/l.Leak))
		}
		if now.Before(next) {
			return Taken{}, fault.New(fault.SignInThrottled).After(next.Sub(now))
		}
		failures++
		won, err := tx.CountTry(ctx, b, seen, failures, updated, now.Add(l.Delay(failures)), now)
		if err != nil {
			return Taken{}, fmt.Errorf("count try: %w", err)
		}
		if won {
			return Taken{b, seen, failures, until, updated, now}, nil
		}
	}
	return Taken{}, fault.New(fault.SignInThrottled).After(l.FirstDelay)
}
