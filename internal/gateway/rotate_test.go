package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// rotating is a stack with a key that places orders, and a way to ask with any of its secrets.
type rotating struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	key   authtest.Key
}

func newRotating(t *testing.T, o authtest.Options) *rotating {
	r := &rotating{t: t, clock: storetest.NewClock()}
	o.Now = r.clock.Now
	r.Stack = authtest.StartWith(t, o)
	r.key = r.IssueKey(r.SignUp("ada@example.com"), apikey.IssueInput{
		Algorithm: sign.HMACSHA256, Scopes: []string{"balances:read", "orders:read", "orders:write", "orders:cancel"},
	})
	r.clock.Advance(3 * time.Second)
	return r
}

// with is the key with another secret.
func (r *rotating) with(secret string) authtest.Key {
	r.t.Helper()
	k := r.key
	var err error
	if k.Signer, err = sign.NewHMACSigner(k.Text(), []byte(secret)); err != nil {
		r.t.Fatal(err)
	}
	k.Secret = secret
	return k
}

func (r *rotating) ask(k authtest.Key) authtest.Reply {
	r.t.Helper()
	return r.Browser("203.0.113.7").Do(r.Signed(k, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
}

// skewed asks with a clock that is ahead of the server's, or behind it.
func (r *rotating) skewed(k authtest.Key, by time.Duration) authtest.Reply {
	r.t.Helper()
	looks := plain(r.t, http.MethodGet, authtest.APIHost, "/v1/accounts")
	if err := sign.Sign(looks, nil, k.Signer, r.clock.Now().Add(by)); err != nil {
		r.t.Fatal(err)
	}
	return r.Browser("203.0.113.7").Do(looks)
}

func (r *rotating) rotate(overlap time.Duration) authtest.Key {
	r.t.Helper()
	out, err := r.APIKeys.Rotate(r.t.Context(), principal.Host("tests"), apikey.RotateInput{Key: r.key.ID, Overlap: overlap, Sure: overlap == 0})
	if err != nil {
		r.t.Fatal(err)
	}
	return r.with(string(out.Secret.Reveal()))
}

// self is the key giving itself its next secret, over /v1.
func (r *rotating) self(k authtest.Key) (authtest.Key, authtest.Reply) {
	r.t.Helper()
	got := r.Browser("203.0.113.7").Do(r.Signed(k, http.MethodPost, "localhost:8080", "/v1/keys/self/rotate", `{"overlap_seconds":3600}`))
	var out struct{ Secret string }
	_ = json.Unmarshal([]byte(got.Text), &out) // a refusal has no secret, and is the caller's to look at
	if out.Secret == "" {
		return k, got
	}
	return r.with(out.Secret), got
}

// Two secrets verify inside the overlap and at no other time. Nothing tells the snapshot when the overlap ends: it holds the moment itself.
func TestTwoSecretsOnlyInsideTheOverlap(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			r := newRotating(t, o)
			old := r.key
			next := r.rotate(time.Hour)
			for _, k := range []authtest.Key{old, next} {
				if got := r.ask(k); got.Status != http.StatusOK {
					t.Fatalf("inside the overlap: %d %s", got.Status, got.Text)
				}
			}
			since := r.clock.Now()
			ends := since.Add(time.Hour).UTC().Format(http.TimeFormat)
			warns := map[string]string{"Sallyport-Key-Retires": ends, "Sunset": ends, "Deprecation": "@" + strconv.FormatInt(since.Unix(), 10)}
			told, untold := r.ask(old).Header, r.ask(next).Header
			for name, want := range warns {
				if got := told.Get(name); got != want {
					t.Errorf("an answer to the old secret says %s %q, want %q", name, got, want)
				}
				if got := untold.Get(name); got != "" {
					t.Errorf("an answer to the new secret warns: %s %s", name, got)
				}
			}
			view := r.APIKeys.Cutover(r.key.ID)
			if len(view) != 2 || view[0].LastMinute != 2 || view[1].LastMinute != 2 || view[1].LastUsedFrom != "203.0.113.7" {
				t.Errorf("the view of the rotation: %+v", view)
			}
			r.clock.Advance(time.Hour - time.Second)
			late := r.Signed(old, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
			r.clock.Advance(900 * time.Millisecond)
			if got := r.skewed(old, time.Second); got.Status != http.StatusOK {
				t.Errorf("asked before the end by a clock that is past it: %d %s", got.Status, got.Text)
			}
			r.clock.Advance(100 * time.Millisecond)
			if got := r.Browser("203.0.113.7").Do(late); got.Code != fault.KeySecretRetired {
				t.Errorf("signed before the end and arrived at it: %d %s", got.Status, got.Code)
			}
			if got := r.skewed(old, -4*time.Second); got.Code != fault.KeySecretRetired {
				t.Errorf("signed after the end by a clock that is behind: %d %s", got.Status, got.Code)
			}
			if got := r.ask(old); got.Code != fault.KeySecretRetired {
				t.Errorf("the old secret after the overlap: %d %s", got.Status, got.Code)
			}
			if got := r.ask(next); got.Status != http.StatusOK {
				t.Errorf("the new secret after the overlap: %d %s", got.Status, got.Text)
			}
		})
	}
}

// What an upstream says of its own address stands, and our own header says the rest.
func TestTheUpstreamsOwnSunsetStands(t *testing.T) {
	const theirs = "Fri, 31 Dec 2027 23:59:59 GMT"
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Sunset", theirs)
		w.Header().Set("Sallyport-Key-Retires", theirs)
	}))
	defer upstream.Close()
	r := newRotating(t, authtest.Options{Upstream: upstream.URL})
	old := r.key
	r.rotate(time.Hour)
	got := r.ask(old).Header
	if diff := cmp.Diff([]string{theirs}, got.Values("Sunset")); diff != "" {
		t.Errorf("Sunset (-want +got):\n%s", diff)
	}
	if ours := got.Values("Sallyport-Key-Retires"); len(ours) != 1 || ours[0] == theirs || got.Get("Deprecation") == "" {
		t.Errorf("ours: %q %q", ours, got.Get("Deprecation"))
	}
}

// A bot that lost the answer asks again with the secret that it has; one whose owner rotated the key cannot take the new secret away.
func TestAKeyRotatesItself(t *testing.T) {
	r := newRotating(t, authtest.Options{})
	ends := r.key.ExpiresAt
	lost, got := r.self(r.key)
	if got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Text)
	}
	next, got := r.self(r.key)
	if got.Status != http.StatusOK {
		t.Fatalf("asked again: %d %s", got.Status, got.Text)
	}
	if got := r.ask(lost); got.Status != http.StatusUnauthorized {
		t.Errorf("the secret that was lost: %d", got.Status)
	}
	if got := r.ask(next); got.Status != http.StatusOK {
		t.Errorf("the next secret: %d %s", got.Status, got.Text)
	}
	if _, got := r.self(r.key); got.Code != fault.KeyRotating {
		t.Errorf("the old secret after the new one was used: %d %s", got.Status, got.Code)
	}
	if now := r.KeyNow(r.key.ID).ExpiresAt; !now.Equal(ends) {
		t.Errorf("a key moved the end of its life from %s to %s", ends, now)
	}
	r.clock.Advance(2 * time.Hour)
	owners := r.rotate(time.Hour)
	if _, got := r.self(next); got.Code != fault.KeyRotating {
		t.Errorf("the secret that its owner replaced took the new one: %d %s", got.Status, got.Code)
	}
	if got := r.ask(owners); got.Status != http.StatusOK {
		t.Errorf("the owner's secret: %d %s", got.Status, got.Text)
	}
}

// Nobody is there to confirm that the old secret of a key that rotates itself dies at once, so it never does.
func TestAKeyThatRotatesItselfKeepsAnOverlap(t *testing.T) {
	r := newRotating(t, authtest.Options{})
	for body, want := range map[string]fault.Code{
		`{"overlap_seconds":0}`:             fault.RequestInvalid,
		`{"overlap_seconds":0,"sure":true}`: fault.RequestInvalid,
		`{"overlap_seconds":59}`:            fault.RequestInvalid,
		`{"overlap_seconds":60}`:            "",
	} {
		if got := r.Browser("203.0.113.7").Do(r.Signed(r.key, http.MethodPost, "localhost:8080", "/v1/keys/self/rotate", body)); got.Code != want {
			t.Errorf("%s: %d %s, want %q", body, got.Status, got.Code, want)
		}
	}
}

// The old secret dies before the new one was seen only if somebody says so.
func TestNothingRetiresUnseen(t *testing.T) {
	r := newRotating(t, authtest.Options{})
	host := principal.Host("tests")
	if _, err := r.APIKeys.Rotate(t.Context(), host, apikey.RotateInput{Key: r.key.ID}); fault.CodeOf(err) != fault.KeyUnseen {
		t.Errorf("no overlap, unsaid: %v", err)
	}
	if err := r.APIKeys.Retire(t.Context(), host, r.key.ID, true); fault.CodeOf(err) != fault.KeyNotRotating {
		t.Errorf("nothing to retire: %v", err)
	}
	old, next := r.key, r.rotate(time.Hour)
	if err := r.APIKeys.Retire(t.Context(), host, r.key.ID, false); fault.CodeOf(err) != fault.KeyUnseen {
		t.Errorf("retired unseen: %v", err)
	}
	r.ask(next)
	if err := r.APIKeys.Retire(t.Context(), host, r.key.ID, false); err != nil {
		t.Error(err)
	}
	if got := r.ask(old); got.Code != fault.KeySecretRetired {
		t.Errorf("retired: %d %s", got.Status, got.Code)
	}
}

// A frozen key looks and does not trade, a blocked one does nothing, and both come back.
func TestFreezeAndBlock(t *testing.T) {
	r := newRotating(t, authtest.Options{})
	host, ctx := principal.Host("tests"), t.Context()
	order := func() authtest.Reply {
		return r.Browser("203.0.113.7").Do(r.Signed(r.key, http.MethodPost, authtest.APIHost, "/v1/orders",
			`{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}`))
	}
	for _, step := range []struct {
		name        string
		do          func() error
		look, trade fault.Code
	}{
		{"frozen", func() error { return r.APIKeys.Stop(ctx, host, r.key.ID, apikey.Freeze) }, "", fault.KeyFrozen},
		{"blocked too", func() error { return r.APIKeys.Stop(ctx, host, r.key.ID, apikey.Block) }, fault.KeyBlocked, fault.KeyBlocked},
		{"unblocked", func() error { return r.APIKeys.Resume(ctx, host, r.key.ID, apikey.Block) }, "", fault.KeyFrozen},
		{"unfrozen", func() error { return r.APIKeys.Resume(ctx, host, r.key.ID, apikey.Freeze) }, "", ""},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := r.ask(r.key); got.Code != step.look {
			t.Errorf("%s: a look: %d %s", step.name, got.Status, got.Code)
		}
		if got := order(); got.Code != step.trade {
			t.Errorf("%s: an order: %d %s %s", step.name, got.Status, got.Code, got.Text)
		}
		if err := step.do(); fault.CodeOf(err) != fault.KeyNotFound {
			t.Errorf("%s twice: %v", step.name, err)
		}
	}
}

// A leaked key is dead at once with both of its secrets, and its owner sees what it did and which other keys were used from there.
func TestLeaked(t *testing.T) {
	r := newRotating(t, authtest.Options{})
	beside := r.IssueKeyTo(r.key.Account, r.key.Owner, apikey.IssueInput{Name: "beside", Purpose: "tests"})
	r.clock.Advance(3 * time.Second)
	next := r.rotate(time.Hour)
	for _, k := range []authtest.Key{r.key, next, beside} {
		if got := r.ask(k); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Text)
		}
	}
	leak, err := r.APIKeys.Leaked(t.Context(), principal.Host("tests"), r.key.ID, r.clock.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if len(leak.Uses) != 1 || leak.Uses[0].Calls != 2 || leak.Uses[0].Route != "GET /v1/accounts" || leak.Uses[0].Addr != "203.0.113.7" {
		t.Errorf("uses: %+v", leak.Uses)
	}
	if len(leak.Others) != 1 || leak.Others[0].ID != beside.ID {
		t.Errorf("others: %+v", leak.Others)
	}
	for _, k := range []authtest.Key{r.key, next} {
		if got := r.ask(k); got.Code != fault.KeyRevoked {
			t.Errorf("after the leak: %d %s", got.Status, got.Code)
		}
	}
}
