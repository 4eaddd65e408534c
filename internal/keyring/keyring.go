// Package keyring owns envelope encryption: data keys in memory, wrapped at rest by a key-encryption key that stays with its provider.
//
//	key provider ── wraps ──▶ data key (one row a version) ── seals ──▶ column of a row
//	     KEK                       AES-256                      AES-256-GCM, AAD = place ‖ version
//
// It knows no table but through Rows, and nothing of what it seals.
//
// Invariant: what was sealed for one place opens at no other, and not after a bit of it changed. Rotation of either key happens
// while values are sealed and opened: no call waits for it and none fails because of it.
package keyring

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// ErrSealed is the answer to everything that does not open: wrong place, changed bytes, unknown data key. It says no more.
var ErrSealed = errors.New("does not open")

// KEK is a key provider: it wraps and unwraps data keys and never gives away the key it does so with.
//
// Wrap uses the current key and names it; Unwrap takes that name back. Both bind aad. A provider that is down answers an error,
// and data keys that are already in memory go on opening what they sealed.
type KEK interface {
	// Current names the key that Wrap uses.
	Current() string
	Wrap(ctx context.Context, dataKey, aad []byte) (wrapped []byte, err error)
	Unwrap(ctx context.Context, name string, wrapped, aad []byte) (dataKey []byte, err error)
}

// DataKey is a row of the data keys.
type DataKey struct {
	Version uint32
	KEK     string
	Wrapped []byte
	Born    time.Time
}

// Rows is where data keys lie. Insert and Rewrap say whether they won: a version is inserted once, and a row is wrapped anew only
// while it is still wrapped by old.
type Rows interface {
	ListDataKeys(ctx context.Context) ([]DataKey, error)
	InsertDataKey(ctx context.Context, k DataKey) (won bool, err error)
	RewrapDataKey(ctx context.Context, k DataKey, old string) (won bool, err error)
}

// Ring seals and opens. It is safe for concurrent use.
type Ring struct {
	kek   KEK
	rows  Rows
	now   func() time.Time
	state atomic.Pointer[state]
}

// state is replaced whole, so that readers take no lock.
type state struct {
	newest uint32
	keys   map[uint32]cipher.AEAD // data key version → its cipher
}

const headerLength = 4

// Open reads the data keys, making the first one if there is none.
func Open(ctx context.Context, kek KEK, rows Rows, now func() time.Time) (*Ring, error) {
	r := &Ring{kek: kek, rows: rows, now: now}
	r.state.Store(&state{keys: map[uint32]cipher.AEAD{}})
	if err := r.Reload(ctx); err != nil {
		return nil, err
	}
	if r.state.Load().newest == 0 {
		return r, r.Rotate(ctx)
	}
	return r, nil
}

// Reload reads the data keys again, after another process rotated them. Keys already in memory are kept as they are.
func (r *Ring) Reload(ctx context.Context) error {
	rows, err := r.rows.ListDataKeys(ctx)
	if err != nil {
		return fmt.Errorf("list data keys: %w", err)
	}
	old := r.state.Load()
	next := &state{keys: make(map[uint32]cipher.AEAD, len(rows))}
	for _, row := range rows {
		aead, known := old.keys[row.Version]
		if !known {
			if aead, err = r.unwrap(ctx, row); err != nil {
				return err
			}
		}
		next.keys[row.Version] = aead
		next.newest = max(next.newest, row.Version)
	}
	r.state.Store(next)
	return nil
}

func (r *Ring) unwrap(ctx context.Context, row DataKey) (cipher.AEAD, error) {
	plain, err := r.kek.Unwrap(ctx, row.KEK, row.Wrapped, dataKeyAAD(row.Version))
	if err != nil {
		return nil, fmt.Errorf("unwrap data key %d with %s: %w", row.Version, row.KEK, err)
	}
	return newAEAD(plain)
}

// Rotate makes a new data key; everything sealed from now on uses it. What older keys sealed goes on opening.
func (r *Ring) Rotate(ctx context.Context) error {
	var plain [32]byte
	rand.Read(plain[:])
	version := r.state.Load().newest + 1
	name := r.kek.Current()
	wrapped, err := r.kek.Wrap(ctx, plain[:], dataKeyAAD(version))
	if err != nil {
		return fmt.Errorf("wrap data key %d: %w", version, err)
	}
	// The loser of a race between two processes takes the winner's key: both read the rows again.
	if _, err := r.rows.InsertDataKey(ctx, DataKey{Version: version, KEK: name, Wrapped: wrapped, Born: r.now()}); err != nil {
		return fmt.Errorf("insert data key %d: %w", version, err)
	}
	return r.Reload(ctx)
}

// Rewrap wraps every data key with the provider's current key and says how many it changed. No sealed value is touched.
func (r *Ring) Rewrap(ctx context.Context) (changed int, err error) {
	rows, err := r.rows.ListDataKeys(ctx)
	if err != nil {
		return 0, fmt.Errorf("list data keys: %w", err)
	}
	current := r.kek.Current()
	for _, row := range rows {
		if row.KEK == current {
			continue
		}
		aad := dataKeyAAD(row.Version)
		plain, err := r.kek.Unwrap(ctx, row.KEK, row.Wrapped, aad)
		if err != nil {
			return changed, fmt.Errorf("unwrap data key %d with %s: %w", row.Version, row.KEK, err)
		}
		old := row.KEK
		row.KEK = current
		if row.Wrapped, err = r.kek.Wrap(ctx, plain, aad); err != nil {
			return changed, fmt.Errorf("wrap data key %d: %w", row.Version, err)
		}
		won, err := r.rows.RewrapDataKey(ctx, row, old)
		if err != nil {
			return changed, fmt.Errorf("rewrap data key %d: %w", row.Version, err)
		}
		if won {
			changed++
		}
	}
	return changed, nil
}

// Seal encrypts plain for one place with the newest data key.
//
//	┌────────────────────┬──────────┬────────────┬────────┐
//	│ 4 data key version │ 12 nonce │ ciphertext │ 16 tag │
//	└────────────────────┴──────────┴────────────┴────────┘
func (r *Ring) Seal(place secret.Place, plain []byte) []byte {
	s := r.state.Load()
	sealed := binary.BigEndian.AppendUint32(make([]byte, 0, headerLength+28+len(plain)), s.newest)
	return s.keys[s.newest].Seal(sealed, nil, plain, place.AAD())
}

// Open decrypts what Seal made for the same place. Errors: ErrSealed.
func (r *Ring) Open(place secret.Place, sealed []byte) ([]byte, error) {
	return r.AppendOpen(nil, place.AAD(), sealed)
}

// AppendOpen is Open for callers that open often: they keep the place's AAD and a buffer of their own, and nothing is allocated.
func (r *Ring) AppendOpen(dst, aad, sealed []byte) ([]byte, error) {
	if len(sealed) < headerLength {
		return nil, ErrSealed
	}
	aead, ok := r.state.Load().keys[binary.BigEndian.Uint32(sealed)]
	if !ok {
		return nil, ErrSealed
	}
	plain, err := aead.Open(dst, nil, sealed[headerLength:], aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func dataKeyAAD(version uint32) []byte {
	return secret.Place{Table: "data_key", Column: "wrapped", Version: version}.AAD()
}

// newAEAD is AES-256-GCM with a random nonce before the ciphertext (SP 800-38D §8.2.2): fewer than 2^32 seals a key, which
// rotation keeps far away.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
