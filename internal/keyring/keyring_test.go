package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/keyring"
)

// rows are data keys in memory, with the conditions that the store's statements have.
type rows struct {
	mu   sync.Mutex
	keys []keyring.DataKey // guarded by mu
}

func (r *rows) ListDataKeys(context.Context) ([]keyring.DataKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.keys), nil
}

func (r *rows) InsertDataKey(_ context.Context, k keyring.DataKey) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(r.keys, func(old keyring.DataKey) bool { return old.Version == k.Version }) {
		return false, nil
	}
	r.keys = append(r.keys, k)
	return true, nil
}

func (r *rows) RewrapDataKey(_ context.Context, k keyring.DataKey, old string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.keys {
		if r.keys[i].Version == k.Version && r.keys[i].KEK == old {
			r.keys[i] = k
			return true, nil
		}
	}
	return false, nil
}

func keyFile(t testing.TB) (*keyring.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	f, err := keyring.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return f, path
}

func open(t testing.TB, kek keyring.KEK, in *rows) *keyring.Ring {
	t.Helper()
	r, err := keyring.Open(t.Context(), kek, in, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var place = secret.Place{Table: "totp", Column: "sealed", Row: "usr", Version: 1}

// Both keys rotate while others seal and open: nobody fails, and a second process that reads the rows again opens all of it.
func TestRotationWhileReadersGoOn(t *testing.T) {
	file, path := keyFile(t)
	in := &rows{}
	ring := open(t, file, in)
	otherFile, err := keyring.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, otherFile, in)
	early := ring.Seal(place, []byte("early"))
	var stop atomic.Bool
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for n := 0; n < 100 || !stop.Load(); n++ {
				if got, err := ring.Open(place, early); err != nil || string(got) != "early" {
					t.Errorf("early: %q, %v", got, err)
					return
				}
				if got, err := ring.Open(place, ring.Seal(place, []byte("now"))); err != nil || string(got) != "now" {
					t.Errorf("now: %q, %v", got, err)
					return
				}
			}
		})
	}
	for n := range 10 {
		if err := errors.Join(ring.Rotate(t.Context()), file.AddKEK()); err != nil {
			t.Error(err)
		}
		if wrapped, err := ring.Rewrap(t.Context()); err != nil || wrapped != n+2 {
			t.Errorf("round %d wrapped %d data keys, %v", n, wrapped, err)
		}
	}
	stop.Store(true)
	all.Wait()
	late := ring.Seal(place, []byte("late"))
	if _, err := other.Open(place, late); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("a process that has not read the rows opens it: %v", err)
	}
	if err := other.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for text, sealed := range map[string][]byte{"early": early, "late": late} {
		if got, err := other.Open(place, sealed); err != nil || string(got) != text {
			t.Errorf("the other process: %q, %v", got, err)
		}
	}
}

// After a rotation and a Rewrap the older key-encryption keys can go; before it they cannot.
func TestOnlyTheCurrentKEKIsNeededAfterRewrap(t *testing.T) {
	file, path := keyFile(t)
	in := &rows{}
	ring := open(t, file, in)
	sealed := ring.Seal(place, []byte("kept"))
	without := func() error {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(l string) bool { return strings.HasPrefix(l, "kek 1 ") })
		cut := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(cut, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		left, err := keyring.OpenFile(cut)
		if err != nil {
			t.Fatal(err)
		}
		again, err := keyring.Open(t.Context(), left, in, time.Now)
		if err != nil {
			return err
		}
		_, err = again.Open(place, sealed)
		return err
	}
	if err := file.AddKEK(); err != nil {
		t.Fatal(err)
	}
	if err := without(); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("without the key that wraps it a data key opens: %v", err)
	}
	if _, err := ring.Rewrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := without(); err != nil {
		t.Errorf("after Rewrap the older key is still needed: %v", err)
	}
}

// What is sealed for one place opens nowhere else, not after a change, and not with another installation's keys.
func TestSealedValuesStayInTheirPlace(t *testing.T) {
	file, _ := keyFile(t)
	ring := open(t, file, &rows{})
	strange, _ := keyFile(t)
	other := open(t, strange, &rows{})
	word := rapid.StringMatching(`[a-z]{1,6}`)
	rapid.Check(t, func(t *rapid.T) {
		at := secret.Place{Table: word.Draw(t, "table"), Column: word.Draw(t, "column"), Row: word.Draw(t, "row"), Version: rapid.Uint32Range(0, 3).Draw(t, "version")}
		plain := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "plain")
		sealed := ring.Seal(at, plain)
		if got, err := ring.Open(at, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("at its place: %x, %v", got, err)
		}
		moved := at
		switch rapid.IntRange(0, 4).Draw(t, "moved") {
		case 0:
			moved.Table += "x"
		case 1:
			moved.Column += "x"
		case 2:
			moved.Row += "x"
		case 3:
			moved.Version++
		case 4: // the same letters, cut elsewhere
			moved.Table, moved.Column = at.Table+at.Column[:1], at.Column[1:]
		}
		if _, err := ring.Open(moved, sealed); !errors.Is(err, keyring.ErrSealed) {
			t.Fatalf("sealed for %+v, opened for %+v: %v", at, moved, err)
		}
		if _, err := other.Open(at, sealed); !errors.Is(err, keyring.ErrSealed) {
			t.Fatalf("opened by another installation: %v", err)
		}
		spoilt := slices.Clone(sealed)
		spoilt[rapid.IntRange(0, len(spoilt)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := ring.Open(at, spoilt); !errors.Is(err, keyring.ErrSealed) {
			t.Fatalf("opened after a change: %v", err)
		}
		if _, err := ring.Open(at, sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "length")]); !errors.Is(err, keyring.ErrSealed) {
			t.Fatalf("opened in part: %v", err)
		}
	})
}

// A data key is bound to its version: rows whose wrapped bytes were exchanged do not open.
func TestExchangedDataKeysAreRefused(t *testing.T) {
	file, _ := keyFile(t)
	in := &rows{}
	ring := open(t, file, in)
	if err := ring.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	in.keys[0].Wrapped, in.keys[1].Wrapped = in.keys[1].Wrapped, in.keys[0].Wrapped
	if _, err := keyring.Open(t.Context(), file, in, time.Now); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("exchanged data keys open: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	t.Run("a missing last line end", func(t *testing.T) {
		file, path := keyFile(t)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.TrimRight(text, "\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(file.AddKEK(), file.AddPepper()); err != nil {
			t.Fatal(err)
		}
		again, err := keyring.OpenFile(path)
		if err != nil || again.Current() != "2" || again.CurrentPepper() != "2" {
			t.Fatalf("after two keys were added: %v", err)
		}
	})
	t.Run("a pepper that another process added", func(t *testing.T) {
		file, path := keyFile(t)
		other, err := keyring.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.AddPepper(); err != nil {
			t.Fatal(err)
		}
		want, err := other.PepperMAC("2", []byte("x"))
		if got, unknown := file.PepperMAC("2", []byte("x")); got != want || errors.Join(err, unknown) != nil {
			t.Errorf("%v %v", err, unknown)
		}
	})
	t.Run("unknown names read an unchanged file once", func(t *testing.T) {
		file, path := keyFile(t)
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		// The same file by size and time, but nothing that could be read again.
		spoil, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = spoil.WriteString("nothing")
		if err := errors.Join(err, spoil.Close(), os.Chtimes(path, before.ModTime(), before.ModTime())); err != nil {
			t.Fatal(err)
		}
		_, err = file.PepperMAC("7", nil)
		_, unwrap := file.Unwrap(t.Context(), "7", nil, nil)
		for _, err := range []error{err, unwrap} {
			if err == nil || !strings.Contains(err.Error(), "has no ") {
				t.Errorf("the file was read again: %v", err)
			}
		}
		if err := os.Chtimes(path, before.ModTime(), before.ModTime().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := file.PepperMAC("7", nil); err == nil || strings.Contains(err.Error(), "has no ") {
			t.Errorf("a changed file was not read: %v", err)
		}
		if _, err := file.PepperMAC("1", nil); err != nil {
			t.Errorf("what was known is lost with a file that cannot be read: %v", err)
		}
	})
	for name, text := range map[string]string{
		"no pepper": "kek 1 " + strings.Repeat("A", 43) + "=\n", "a short key": "kek 1 AAAA\npepper 1 AAAA\n", "a strange kind": "lock 1 AAAA\n",
		"number 01": "kek 01 " + strings.Repeat("A", 43) + "=\n", "two words": "kek 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := keyring.OpenFile(path); err == nil {
				t.Error("was read")
			}
		})
	}
	t.Run("readable by others", func(t *testing.T) {
		_, path := keyFile(t)
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := keyring.OpenFile(path); err == nil || !strings.Contains(err.Error(), "0640") {
			t.Errorf("%v", err)
		}
	})
}
