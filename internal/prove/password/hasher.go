package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Pepper is a keyed hash whose keys lie outside the database (SP 800-63B-4 §3.1.1.2 advises one), so that a stolen table of
// passwords cannot be guessed at.
//
// A key id is 1 to 32 of a-z A-Z 0-9 - / +. An id, once current, names the same key for as long as a stored form names it. Both
// methods are safe for concurrent use and are called within a slot of the Hasher.
type Pepper interface {
	// Current names the key for new passwords.
	Current() (keyID string)
	// MAC is HMAC-SHA256 of b under the key of that id. An unknown id is an error.
	MAC(keyID string, b []byte) ([32]byte, error)
}

// ErrPepper says that a stored form could not be computed because the pepper gave no answer for a key that it names: the key is lost, or was
// taken away too early. The work of a check was done all the same.
var ErrPepper = errors.New("pepper")

// Settings bound what hashing may take. A zero field means its default, but for Queue.
type Settings struct {
	Cost Cost
	// Slots is how many passwords are hashed at once; default: as many as there are cores. More is slower and takes memory.
	Slots int
	// Queue is how many callers may wait for a slot; with 0 nobody waits.
	Queue int
	// Wait is how long a caller waits for a slot; default: 2 s.
	Wait time.Duration
}

// Hasher makes and verifies stored passwords. It is safe for concurrent use.
type Hasher struct {
	pepper Pepper
	cost   Cost
	slots  chan struct{} // holds one entry for each hash that runs
	queue  chan struct{} // holds one entry for each caller that waits
	wait   time.Duration
}

// New builds a Hasher; it refuses a nil pepper, a cost outside its bounds, and negative numbers.
func New(pepper Pepper, s Settings) (*Hasher, error) {
	if s.Cost == (Cost{}) {
		s.Cost = DefaultCost
	}
	if s.Slots == 0 {
		s.Slots = runtime.GOMAXPROCS(0)
	}
	if s.Wait == 0 {
		s.Wait = 2 * time.Second
	}
	if pepper == nil || !s.Cost.valid() || s.Slots < 0 || s.Queue < 0 || s.Wait < 0 {
		return nil, errors.New("password.New: nil pepper, or a setting outside its bounds")
	}
	return &Hasher{
		pepper: pepper, cost: s.Cost, wait: s.Wait,
		slots: make(chan struct{}, s.Slots), queue: make(chan struct{}, s.Queue),
	}, nil
}

// Hash makes the stored form of p under the current cost and pepper, with a salt of 128 bits.
// Errors: busy (with RetryAfter), password.too_long, password.not_text, the error of ctx, and what the pepper answers.
func (h *Hasher) Hash(ctx context.Context, p secret.Value) (string, error) {
	text, err := canonical(p)
	if err != nil {
		return "", err
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	fresh := h.fresh()
	rand.Read(fresh.Salt)
	if fresh.Tag, err = h.tag(fresh, text); err != nil {
		return "", err
	}
	return fresh.String(), nil
}

// Verify says whether p is the password of the stored form, and whether that form should be replaced by Hash now that the password
// is at hand: another scheme, cost or pepper than new ones get. Text that no password can be is a wrong password.
// Errors: busy (with RetryAfter), the error of ctx, ErrPepper, and a stored form that cannot be read.
func (h *Hasher) Verify(ctx context.Context, phc string, p secret.Value) (ok, needsRehash bool, err error) {
	stored, err := ParsePHC(phc)
	if err != nil {
		return false, false, err
	}
	text, err := canonical(p)
	if err != nil {
		return false, false, nil // no stored form is of such a text
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()
	tag, err := h.tag(stored, text)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(tag, stored.Tag) == 1
	return ok, ok && h.stale(stored), nil
}

// VerifyNobody does the work of Verify for a user who does not exist, is disabled or has no password, so that the time of an answer
// does not tell users apart. It waits, is refused and fails like Verify; its success says nothing.
func (h *Hasher) VerifyNobody(ctx context.Context, p secret.Value) error {
	nobody := h.fresh()
	_, _, err := h.Verify(ctx, nobody.String(), p)
	return err
}

// Rewrap puts the current pepper around a stored form without knowing the password, so that a pepper can be replaced while its
// owners are away. The older peppers stay needed until each owner's next sign-in. A form that has the current pepper outermost
// comes back as it is. Errors: a stored form that cannot be read or has four peppers already, and what the pepper answers.
func (h *Hasher) Rewrap(phc string) (string, error) {
	p, err := ParsePHC(phc)
	if err != nil {
		return "", err
	}
	current := h.pepper.Current()
	if n := len(p.Peppers); n > 0 && p.Peppers[n-1] == current {
		return phc, nil
	}
	if len(p.Peppers) == maxPeppers {
		return "", fmt.Errorf("%w: has %d peppers already", errStored, maxPeppers)
	}
	p.Peppers = append(p.Peppers, current)
	if p.Tag, err = h.season(p.Peppers[len(p.Peppers)-1:], p.Tag); err != nil {
		return "", err
	}
	return p.String(), nil
}

// fresh is a stored form as new passwords get it, with a salt and a tag of zeros.
func (h *Hasher) fresh() PHC {
	return PHC{
		Scheme: schemeArgon2id, Version: argon2.Version, Params: h.cost.params(),
		Peppers: []string{h.pepper.Current()}, Salt: make([]byte, saltBytes), Tag: make([]byte, tagBytes),
	}
}

// stale says whether a new password would get another form.
func (h *Hasher) stale(p PHC) bool {
	now := h.fresh()
	return p.Scheme != now.Scheme || p.Version != now.Version || !slices.Equal(p.Params, now.Params) ||
		!slices.Equal(p.Peppers, now.Peppers) || len(p.Salt) != saltBytes
}

// tag computes what a stored form's tag must be for the text. The caller holds a slot.
func (h *Hasher) tag(p PHC, text []byte) ([]byte, error) {
	verifier, known := verifiers[p.Scheme]
	if !known {
		return nil, fmt.Errorf("%w: unknown scheme %s", errStored, p.Scheme)
	}
	tag, err := verifier.Derive(p, text)
	if err != nil {
		return nil, err
	}
	return h.season(p.Peppers, tag)
}

// season applies peppers to a tag, one after the other.
func (h *Hasher) season(peppers []string, tag []byte) ([]byte, error) {
	for _, id := range peppers {
		if !isKeyID(id) {
			return nil, fmt.Errorf("pepper %q: not a key id that a stored form can name", id)
		}
		mac, err := h.pepper.MAC(id, tag)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrPepper, id, err)
		}
		tag = mac[:]
	}
	return tag, nil
}

// acquire waits for a slot, in the order of arrival. A caller that finds the queue full is refused at once.
func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	release = func() { <-h.slots }
	select {
	case h.slots <- struct{}{}:
		return release, nil
	default:
	}
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return nil, fault.New(fault.Busy).After(h.wait)
	}
	timeout := time.NewTimer(h.wait)
	defer timeout.Stop()
	select {
	case h.slots <- struct{}{}:
		return release, nil
	case <-timeout.C:
		return nil, fault.New(fault.Busy).After(h.wait)
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a password slot: %w", context.Cause(ctx))
	}
}
