package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// Spend marks something as used; won is false for everybody but the first. The mark is kept until expires and may be forgotten then,
// because what it marks is refused as expired by itself.
func (t *tx) Spend(ctx context.Context, mark [32]byte, expires time.Time) (bool, error) {
	first, err := won(t.SpendMark(ctx, sqlgen.SpendMarkParams{Mark: mark[:], ExpiresAt: micros(expires)}))
	if err != nil {
		return false, fmt.Errorf("spend mark: %w", err)
	}
	return first, nil
}

// kept is the name of a bucket's row. It is keyed: who has a copy of the database could try out every telephone number and address against plain hashes.
func (t *tx) kept(bucket [32]byte) []byte {
	mac := hmac.New(sha256.New, t.db.tryKey)
	mac.Write(bucket[:])
	return mac.Sum(nil)
}

// TriesOf reads a bucket of failed proofs; a bucket that was never touched is zero.
func (t *tx) TriesOf(ctx context.Context, bucket [32]byte) (failures int64, next, updated time.Time, err error) {
	row, err := t.ThrottleByBucket(ctx, sqlgen.ThrottleByBucketParams{Bucket: t.kept(bucket)})
	if errors.Is(notFound(err), ErrNotFound) {
		return 0, time.Time{}, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, time.Time{}, fmt.Errorf("read tries: %w", err)
	}
	return row.Failures, at(row.NextAt), at(row.UpdatedAt), nil
}

// CountTry writes a bucket's new state if it is still as it was read; won is false when another try came between.
func (t *tx) CountTry(ctx context.Context, bucket [32]byte, seen, failures int64, seenAt, next, now time.Time) (bool, error) {
	if seenAt.IsZero() {
		return won(t.InsertThrottle(ctx, sqlgen.InsertThrottleParams{
			Bucket: t.kept(bucket), Failures: failures, NextAt: micros(next), UpdatedAt: micros(now),
		}))
	}
	return won(t.UpdateThrottle(ctx, sqlgen.UpdateThrottleParams{
		Bucket: t.kept(bucket), Failures: failures, NextAt: micros(next), UpdatedAt: micros(now),
		SeenFailures: seen, SeenUpdatedAt: micros(seenAt),
	}))
}

// ForgetTries empties a bucket after a proof held.
func (t *tx) ForgetTries(ctx context.Context, bucket [32]byte) error {
	_, err := t.DeleteThrottle(ctx, sqlgen.DeleteThrottleParams{Bucket: t.kept(bucket)})
	return err
}
