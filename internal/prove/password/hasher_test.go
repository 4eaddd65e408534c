package password_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
)

// peppers is a Pepper whose keys lie in memory.
type peppers struct {
	current string
	keys    map[string]string // key id → key
}

func (p *peppers) Current() string { return p.current }

func (p *peppers) MAC(keyID string, b []byte) ([32]byte, error) {
	key, known := p.keys[keyID]
	if !known {
		return [32]byte{}, errors.New("unknown key")
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(b)
	return [32]byte(mac.Sum(nil)), nil
}

func twoPeppers() *peppers {
	return &peppers{current: "2025-02", keys: map[string]string{"2025-02": "first key", "2026-11": "second key"}}
}

// cheap is a cost for tests: 64 KiB, well under a millisecond.
var cheap = password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func newHasher(t testing.TB, pepper password.Pepper, s password.Settings) *password.Hasher {
	t.Helper()
	if s.Cost == (password.Cost{}) {
		s.Cost = cheap
	}
	h, err := password.New(pepper, s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hash(t testing.TB, h *password.Hasher, s string) string {
	t.Helper()
	stored, err := h.Hash(t.Context(), text(s))
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

type verdict struct{ OK, Rehash bool }

func verify(t testing.TB, h *password.Hasher, stored, s string) verdict {
	t.Helper()
	ok, rehash, err := h.Verify(t.Context(), stored, text(s))
	if err != nil {
		t.Fatalf("%s: %v", stored, err)
	}
	return verdict{ok, rehash}
}

func TestOnlyThePasswordItselfIsVerified(t *testing.T) {
	h := newHasher(t, twoPeppers(), password.Settings{})
	const right = " 문지기 correct Horse "
	stored := hash(t, h, right)
	tests := []struct {
		name, text string
		want       verdict
	}{
		{"the same", right, verdict{OK: true}},
		{"the same, typed as jamo", norm.NFD.String(right), verdict{OK: true}},
		{"trimmed", strings.TrimSpace(right), verdict{}},
		{"other case", strings.ToLower(right), verdict{}},
		{"compatible characters", strings.ReplaceAll(right, "c", "ｃ"), verdict{}},
		{"cut", right[:len(right)-1], verdict{}},
		{"longer", right + "\x00", verdict{}},
		{"empty", "", verdict{}},
		{"no text", "\xff", verdict{}},
		{"too long", strings.Repeat("a", 1025), verdict{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := verify(t, h, stored, test.text); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestLongPasswordsAreNotCut(t *testing.T) {
	h := newHasher(t, twoPeppers(), password.Settings{})
	long := strings.Repeat("a", 1023)
	stored := hash(t, h, long+"b")
	if verify(t, h, stored, long+"b") != (verdict{OK: true}) || verify(t, h, stored, long+"c").OK {
		t.Error("the last of 1024 bytes does not count")
	}
}

func TestStoredFormsOfOnePasswordDiffer(t *testing.T) {
	h := newHasher(t, twoPeppers(), password.Settings{})
	a, b := hash(t, h, "same password here"), hash(t, h, "same password here")
	if a == b {
		t.Error("two hashes are equal: no salt")
	}
	if !strings.HasPrefix(a, "$argon2id$v=19$m=64,t=1,p=1,keyid=2025-02$") || strings.Contains(a, "same") {
		t.Errorf("stored form %s", a)
	}
}

func TestHashRefusesWhatCannotBeAPassword(t *testing.T) {
	h := newHasher(t, twoPeppers(), password.Settings{})
	for s, want := range map[string]fault.Code{"\xff": fault.PasswordNotText, strings.Repeat("a", 1025): fault.PasswordTooLong} {
		if stored, err := h.Hash(t.Context(), text(s)); fault.CodeOf(err) != want || stored != "" {
			t.Errorf("%d bytes: %q, %v, want %s", len(s), stored, err, want)
		}
	}
}

// Stored forms made by the reference implementation of Argon2 (Debian's argon2 20171227): another product's stored form is verified
// as it is, and is stale at once because it has no pepper.
var referenceForms = map[string]string{ // stored form → password
	referenceForm: "password",
	"$argon2id$v=19$m=64,t=3,p=2$c29tZXNhbHQ$x5BLYwHQNnasvU3WV0hsQlCczG0BE/zmSV70tpM5L78":              "password",
	"$argon2id$v=19$m=1024,t=1,p=4$c29tZXNhbHRzb21lc2FsdA$X59RAhrbnPDm6Y37ZHdVBxEpIgRFhBPdana59FR9yOE": "비밀번호 password",
}

const referenceForm = "$argon2id$v=19$m=4096,t=2,p=1$c29tZXNhbHQ$jacJHQ+PoBstB/ZoVNk8re3s1yzVABZujceGiwVNJnk"

func TestForeignHashIsVerifiedAndThenStale(t *testing.T) {
	h := newHasher(t, twoPeppers(), password.Settings{})
	for stored, right := range referenceForms {
		if got := verify(t, h, stored, right); got != (verdict{OK: true, Rehash: true}) {
			t.Errorf("%s: %+v, want a match that is stale", stored, got)
		}
		if got := verify(t, h, stored, "Password"); got != (verdict{}) {
			t.Errorf("%s: %+v for a wrong password", stored, got)
		}
		wrapped, err := h.Rewrap(stored)
		if err != nil {
			t.Fatal(err)
		}
		if wrapped == stored || verify(t, h, wrapped, right) != (verdict{OK: true, Rehash: true}) {
			t.Errorf("%s: wrapped into %s", stored, wrapped)
		}
	}
}

func TestChangedCostMakesStale(t *testing.T) {
	old := newHasher(t, twoPeppers(), password.Settings{})
	stored := hash(t, old, "a password that stays")
	for _, cost := range []password.Cost{
		{MemoryKiB: 128, Passes: 1, Lanes: 1},
		{MemoryKiB: 64, Passes: 2, Lanes: 1},
		{MemoryKiB: 64, Passes: 1, Lanes: 2},
	} {
		h := newHasher(t, twoPeppers(), password.Settings{Cost: cost})
		if got := verify(t, h, stored, "a password that stays"); got != (verdict{OK: true, Rehash: true}) {
			t.Errorf("%+v: %+v, want a match that is stale", cost, got)
		}
		if got := verify(t, h, stored, "a wrong one"); got != (verdict{}) {
			t.Errorf("%+v: %+v for a wrong password: it is nobody's to rehash", cost, got)
		}
		fresh := hash(t, h, "a password that stays")
		if got := verify(t, h, fresh, "a password that stays"); got != (verdict{OK: true}) {
			t.Errorf("%+v: %+v for what it made itself", cost, got)
		}
	}
}

func TestPepperIsReplacedByWrapping(t *testing.T) {
	keys := twoPeppers()
	h := newHasher(t, keys, password.Settings{})
	const right = "a password that stays"
	stored := hash(t, h, right)
	if same, err := h.Rewrap(stored); err != nil || same != stored {
		t.Errorf("wrapping under the current pepper: %s, %v, want no change", same, err)
	}

	keys.current = "2026-11"
	if got := verify(t, h, stored, right); got != (verdict{OK: true, Rehash: true}) {
		t.Errorf("under the old pepper: %+v, want a match that is stale", got)
	}
	wrapped, err := h.Rewrap(stored)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(wrapped, ",keyid=2026-11.2025-02$") {
		t.Errorf("wrapped form %s does not name both peppers, last first", wrapped)
	}
	if got := verify(t, h, wrapped, right); got != (verdict{OK: true, Rehash: true}) {
		t.Errorf("wrapped: %+v, want a match that is stale", got)
	}
	if got := verify(t, h, wrapped, right+"x"); got != (verdict{}) {
		t.Errorf("wrapped: %+v for a wrong password", got)
	}
	again := hash(t, h, right)
	if got := verify(t, h, again, right); got != (verdict{OK: true}) || strings.Contains(again, "2025-02") {
		t.Errorf("rehashed into %s: %+v, want a match without the old pepper", again, got)
	}
}

// Whoever steals the table lacks the pepper: without it, or under another id, nothing verifies.
func TestNothingVerifiesWithoutItsPepper(t *testing.T) {
	h := newHasher(t, twoPeppers(), password.Settings{})
	stored := hash(t, h, "a password that stays")
	for name, changed := range map[string]string{
		"pepper named away":  strings.Replace(stored, ",keyid=2025-02", "", 1),
		"other pepper named": strings.Replace(stored, "2025-02", "2026-11", 1),
		"one pepper more":    strings.Replace(stored, "2025-02", "2026-11.2025-02", 1),
	} {
		if got := verify(t, h, changed, "a password that stays"); got != (verdict{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	unknown := strings.Replace(stored, "2025-02", "1999-01", 1)
	if ok, _, err := h.Verify(t.Context(), unknown, text("a password that stays")); ok || err == nil {
		t.Errorf("unknown pepper: ok %v, %v, want an error", ok, err)
	}
}

func TestRewrapRefuses(t *testing.T) {
	keys := twoPeppers()
	h := newHasher(t, keys, password.Settings{})
	full := strings.Replace(hash(t, h, "a password that stays"), "2025-02", "d.c.b.a", 1)
	for name, stored := range map[string]string{"unreadable": "$argon2id$", "four peppers already": full} {
		if got, err := h.Rewrap(stored); err == nil {
			t.Errorf("%s: wrapped into %s", name, got)
		}
	}
	keys.current = "not.one-name"
	if got, err := h.Rewrap(referenceForm); err == nil {
		t.Errorf("pepper with a dot in its id: wrapped into %s", got)
	}
	if got, err := h.Hash(t.Context(), text("a password that stays")); err == nil {
		t.Errorf("pepper with a dot in its id: hashed into %s", got)
	}
}

// A row cannot make us spend more than Cost allows, and no scheme is guessed.
func TestStoredFormsOutsideTheBoundsAreErrors(t *testing.T) {
	h := newHasher(t, twoPeppers(), password.Settings{})
	const tag = "$c29tZXNhbHQ$jacJHQ+PoBstB/ZoVNk8re3s1yzVABZujceGiwVNJnk"
	for name, stored := range map[string]string{
		"too much memory":    "$argon2id$v=19$m=262145,t=1,p=1" + tag,
		"memory overflows":   "$argon2id$v=19$m=4294967360,t=1,p=1" + tag,
		"too little memory":  "$argon2id$v=19$m=15,t=1,p=2" + tag,
		"too many passes":    "$argon2id$v=19$m=64,t=17,p=1" + tag,
		"no pass":            "$argon2id$v=19$m=64,t=0,p=1" + tag,
		"no lane":            "$argon2id$v=19$m=64,t=1,p=0" + tag,
		"lanes overflow":     "$argon2id$v=19$m=64,t=1,p=257" + tag,
		"leading zero":       "$argon2id$v=19$m=064,t=1,p=1" + tag,
		"other order":        "$argon2id$v=19$t=1,m=64,p=1" + tag,
		"parameter missing":  "$argon2id$v=19$m=64,t=1" + tag,
		"parameter more":     "$argon2id$v=19$m=64,t=1,p=1,x=1" + tag,
		"older version":      "$argon2id$v=16$m=64,t=1,p=1" + tag,
		"no version":         "$argon2id$m=64,t=1,p=1" + tag,
		"short salt":         "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$jacJHQ+PoBstB/ZoVNk8re3s1yzVABZujceGiwVNJnk",
		"short tag":          "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$jacJHQ+PoBstB/ZoVNk8rQ",
		"argon2i":            "$argon2i$v=19$m=64,t=1,p=1" + tag,
		"scheme we lack":     "$scrypt$ln=15,r=8,p=1" + tag,
		"not a stored form":  "password",
		"empty stored form":  "",
		"clear text in a $$": "$password$",
	} {
		t.Run(name, func(t *testing.T) {
			if ok, rehash, err := h.Verify(t.Context(), stored, text("password")); ok || rehash || err == nil {
				t.Errorf("ok %v, stale %v, %v; want an error", ok, rehash, err)
			}
		})
	}
}

func TestNewRefusesSettingsOutsideTheBounds(t *testing.T) {
	for name, s := range map[string]password.Settings{
		"cost":       {Cost: password.Cost{MemoryKiB: 7, Passes: 1, Lanes: 1}},
		"half cost":  {Cost: password.Cost{MemoryKiB: 64}},
		"much cost":  {Cost: password.Cost{MemoryKiB: 1 << 20, Passes: 1, Lanes: 1}},
		"slots":      {Slots: -1},
		"queue":      {Queue: -1},
		"wait":       {Wait: -1},
		"slots only": {Slots: -5, Queue: 3},
	} {
		if _, err := password.New(twoPeppers(), s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := password.New(nil, password.Settings{}); err == nil {
		t.Error("nil pepper: accepted")
	}
}

// countedPeppers counts how often a MAC was asked for.
type countedPeppers struct {
	*peppers
	mu    sync.Mutex
	calls int
}

func (c *countedPeppers) MAC(keyID string, b []byte) ([32]byte, error) {
	c.mu.Lock()
	c.calls++
	c.mu.Unlock()
	return c.peppers.MAC(keyID, b)
}

// The work for a user who does not exist is the work for one who does: as many MACs, and the memory of one Argon2 hash, which is
// nearly all that either allocates.
func TestNobodyCostsAsMuchAsSomebody(t *testing.T) {
	counted := &countedPeppers{peppers: twoPeppers()}
	h := newHasher(t, counted, password.Settings{Cost: password.Cost{MemoryKiB: 8192, Passes: 1, Lanes: 1}})
	stored := hash(t, h, "a password that stays")
	work := func(f func()) (bytes uint64, macs int) {
		var before, after runtime.MemStats
		calls := counted.calls
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, counted.calls - calls
	}
	for name, s := range map[string]string{"wrong": "a wrong password", "no text": "\xff", "too long": strings.Repeat("a", 1025)} {
		somebody, macs := work(func() { verify(t, h, stored, s) })
		nobody, macsOfNobody := work(func() {
			if err := h.VerifyNobody(t.Context(), text(s)); err != nil {
				t.Error(err)
			}
		})
		if macs != macsOfNobody || max(somebody, nobody)-min(somebody, nobody) > 64<<10 {
			t.Errorf("%s: somebody takes %d bytes and %d MACs, nobody %d and %d", name, somebody, macs, nobody, macsOfNobody)
		}
		if name == "wrong" && nobody < 8<<20 {
			t.Errorf("%s: %d bytes for nobody, less than one hash takes", name, nobody)
		}
	}
}

func TestFailingPepperFailsForSomebodyAndNobody(t *testing.T) {
	keys := twoPeppers()
	h := newHasher(t, keys, password.Settings{})
	stored := hash(t, h, "a password that stays")
	keys.keys = nil
	if _, _, err := h.Verify(t.Context(), stored, text("x")); err == nil {
		t.Error("somebody: no error")
	}
	if err := h.VerifyNobody(t.Context(), text("x")); err == nil {
		t.Error("nobody: no error")
	}
	if _, err := h.Hash(t.Context(), text("x")); err == nil {
		t.Error("hash: no error")
	}
}

func BenchmarkHashAtDefaultCost(b *testing.B) {
	h, err := password.New(twoPeppers(), password.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := h.Hash(context.Background(), text("correct horse battery staple")); err != nil {
			b.Fatal(err)
		}
	}
}
