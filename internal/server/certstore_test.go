package server_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// onBothEngines hands a test two nodes that share one database.
func onBothEngines(t *testing.T, test func(t *testing.T, one, two certmagic.Storage)) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			cfg := store.Config{SQLitePath: filepath.Join(t.TempDir(), "certificates.db")}
			if engine == "postgres" {
				cfg = store.Config{PostgresDSN: storetest.Postgres.New(t)}
			}
			db := storetest.NewPlace(t, cfg).Open(t)
			test(t, server.NewCertStore(db, time.Now), server.NewCertStore(db, time.Now))
		})
	}
}

// TestOneAtATimeHoldsALock: of two nodes, and of two of one node.
func TestOneAtATimeHoldsALock(t *testing.T) {
	onBothEngines(t, func(t *testing.T, one, two certmagic.Storage) {
		holders := 0 // only the lock guards it, and the race detector looks
		var all sync.WaitGroup
		for _, s := range []certmagic.Storage{one, one, two} {
			all.Go(func() {
				if err := s.Lock(t.Context(), "issue"); err != nil {
					t.Error(err)
					return
				}
				if holders++; holders != 1 {
					t.Errorf("%d hold the lock", holders)
				}
				holders--
				if err := s.Unlock(t.Context(), "issue"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := one.Unlock(t.Context(), "issue"); err == nil {
			t.Error("a lock that is not held can be given back")
		}
	})
}

func TestWhoWaitsForALockMayGiveUp(t *testing.T) {
	onBothEngines(t, func(t *testing.T, one, two certmagic.Storage) {
		if err := one.Lock(t.Context(), "issue"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := two.Lock(ctx, "issue"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a held lock gives %v", err)
		}
		if err := two.Lock(t.Context(), "another"); err != nil {
			t.Errorf("another lock gives %v", err)
		}
		if err := errors.Join(one.Unlock(t.Context(), "issue"), two.Unlock(t.Context(), "another")); err != nil {
			t.Error(err)
		}
	})
}

// TestALockLivesAsLongAsItsHolder: it is renewed for as long as the work takes, and free soon after its node was killed.
func TestALockLivesAsLongAsItsHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		place := storetest.NewPlace(t, store.Config{SQLitePath: filepath.Join(t.TempDir(), "certificates.db")})
		place.Config.Now = time.Now
		db := place.Open(t)
		one, two := server.NewCertStore(db, time.Now), server.NewCertStore(db, time.Now)
		if err := one.Lock(t.Context(), "issue"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := two.Lock(ctx, "issue"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after an hour of work the lock gives %v", err)
		}
		server.Abandon(one, "issue")
		died := time.Now()
		if err := two.Lock(t.Context(), "issue"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(died); waited > server.LockLife+2*time.Second {
			t.Errorf("the lock of a dead node is free after %s, want at most %s", waited, server.LockLife)
		}
		if err := two.Unlock(t.Context(), "issue"); err != nil {
			t.Error(err)
		}
	})
}

// TestItStoresAsItsContractSays holds the storage against the contract of certmagic.Storage, which is that of a map whose names are paths:
// folders exist only by what lies in them.
func TestItStoresAsItsContractSays(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s, _ certmagic.Storage) {
		folders := rapid.SampledFrom([]string{"acme", "acme/a", "acme/a.b", "acme/a-b", "acme/a+b", "acme/a/a"})
		files := rapid.SampledFrom([]string{"a.crt", "b.crt", "a.key"})
		rapid.Check(t, func(r *rapid.T) {
			if err := s.Delete(t.Context(), "acme"); err != nil {
				r.Fatal(err)
			}
			kept := map[string]string{} // name → value
			for n := range rapid.IntRange(1, 6).Draw(r, "operations") {
				name := path.Join(folders.Draw(r, "folder"), files.Draw(r, "file"))
				kept[name] = fmt.Sprint(name, n)
				err := s.Store(t.Context(), name, []byte(kept[name]))
				if gone := rapid.SampledFrom([]string{"", name, path.Dir(name)}).Draw(r, "gone"); gone != "" {
					err = errors.Join(err, s.Delete(t.Context(), gone))
					maps.DeleteFunc(kept, func(one, _ string) bool { return one == gone || strings.HasPrefix(one, gone+"/") })
				}
				if err != nil {
					r.Fatal(err)
				}
				for _, asked := range []string{name, path.Dir(name), "acme", "acme/a"} {
					if diff := cmp.Diff(expected(kept, asked), seen(t, s, asked)); diff != "" {
						r.Fatalf("%s (-want +got):\n%s", asked, diff)
					}
				}
			}
		})
	})
}

// sight is what a storage tells of one name. Names are sorted.
type sight struct {
	Exists, Terminal bool
	Value            string
	Children, All    []string
}

func expected(kept map[string]string, name string) (v sight) {
	v.Value, v.Terminal = kept[name]
	for _, one := range slices.Sorted(maps.Keys(kept)) {
		rest, below := strings.CutPrefix(one, name+"/")
		if !below {
			continue
		}
		child, _, _ := strings.Cut(rest, "/")
		v.All, v.Children = append(v.All, one), append(v.Children, path.Join(name, child))
	}
	slices.Sort(v.Children)
	v.Children = slices.Compact(v.Children)
	v.Exists = v.Terminal || len(v.All) > 0
	return v
}

func seen(t *testing.T, s certmagic.Storage, name string) (v sight) {
	t.Helper()
	check := func(err error) bool {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return err == nil
	}
	v.Exists = s.Exists(t.Context(), name)
	told, err := s.Stat(t.Context(), name)
	if check(err) != v.Exists || told.Key != name && v.Exists {
		t.Errorf("%s: exists %t, yet Stat says %+v, %v", name, v.Exists, told, err)
	}
	v.Terminal = told.IsTerminal
	value, err := s.Load(t.Context(), name)
	if check(err) != v.Terminal || v.Terminal && told.Size != int64(len(value)) {
		t.Errorf("%s: Stat says %+v, Load gives %q, %v", name, told, value, err)
	}
	v.Value = string(value)
	v.Children, err = s.List(t.Context(), name, false)
	check(err)
	v.All, err = s.List(t.Context(), name, true)
	check(err)
	slices.Sort(v.Children)
	slices.Sort(v.All)
	return v
}
