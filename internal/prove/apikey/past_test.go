package apikey_test

import (
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// Calls are added up by day and code, and rights that no call needed for a month are named, on both engines.
func TestThePastOfAKey(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			l := newLife(t, o)
			home := authtest.PersonOrigin().Addr
			key := l.issue(apikey.IssueInput{Scopes: append([]string{"keys:read"}, trading...), Allowlist: []string{home.String()}, Life: 200 * day})
			since := l.clock.Now().Add(-day)
			past := func() apikey.Past {
				t.Helper()
				if err := l.APIKeys.SaveUses(t.Context()); err != nil {
					t.Fatal(err)
				}
				past, err := l.APIKeys.Past(t.Context(), l.KeyNow(key.ID), since)
				if err != nil {
					t.Fatal(err)
				}
				return past
			}
			if got := past(); got.Latest != nil || len(got.Days)+len(got.Refused) > 0 || got.Unneeded != 0 {
				t.Errorf("before the first call: %+v", got)
			}
			for range 31 {
				l.clock.Advance(day)
				if code := l.ask(key, http.MethodGet, "/v1/accounts", ""); code != "" {
					t.Fatal(code)
				}
			}
			if code := l.ask(key, http.MethodPost, "/v1/withdraws/coin", `{}`); code != fault.KeyScopeMissing {
				t.Fatal(code)
			}
			if code := l.Browser(home.String()).Do(l.Signed(key, http.MethodGet, "localhost:8080", "/v1/keys", "")).Code; code != "" {
				t.Fatal(code)
			}
			got := past()
			if len(got.Days) != 31 || got.Days[30].Passed != 2 || got.Days[30].Refused != 1 || got.Days[0].Passed != 1 || !got.Days[0].Day.Before(got.Days[1].Day) {
				t.Errorf("days: %+v", got.Days)
			}
			if len(got.Refused) != 1 || got.Refused[0].Code != fault.KeyScopeMissing || got.Refused[0].Calls != 1 || !got.Refused[0].Last.Equal(l.clock.Now()) {
				t.Errorf("refused: %+v", got.Refused)
			}
			if got.Latest == nil || got.Latest.Addr != home.String() || !got.Latest.Last.Equal(l.clock.Now()) {
				t.Errorf("latest: %+v", got.Latest)
			}
			if is, err := l.APIKeys.AnyUnneeded(t.Context(), []apikey.Key{l.KeyNow(key.ID)}); err != nil || !is {
				t.Errorf("unneeded: %t, %v", is, err)
			}
			if diff := cmp.Diff([]string{"orders:read", "orders:cancel", "orders:write"}, got.Unneeded.Words()); diff != "" {
				t.Errorf("unneeded (-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever holds a key cannot fill the table with addresses: beyond the first places of an hour none is told apart, and no call is lost.
func TestPlacesOfAnHourAreBounded(t *testing.T) {
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{})
	live := l.APIKeys.Find(key.ID)
	for i := range 400 {
		l.APIKeys.Count(live, netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), "GET /x", scope.BalancesRead, "", l.clock.Now())
		if i%100 == 0 {
			if err := l.APIKeys.SaveUses(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.APIKeys.SaveUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	uses, cut, err := l.APIKeys.Uses(t.Context(), l.KeyNow(key.ID), l.clock.Now().Add(-time.Hour))
	if err != nil || cut || len(uses) != 33 {
		t.Fatalf("%d rows, cut %t, %v", len(uses), cut, err)
	}
	var calls, elsewhere int64
	for _, u := range uses {
		calls += u.Calls
		if u.Addr == "" {
			elsewhere += u.Calls
		}
	}
	if calls != 400 || elsewhere != 400-32 {
		t.Errorf("%d calls, %d of them without a place", calls, elsewhere)
	}
}

// What a thief could do follows from the key: its rights today, its bounds, where from and until when.
func TestIfStolen(t *testing.T) {
	l := newLife(t, authtest.Options{})
	now := l.clock.Now()
	usual := func() apikey.Key {
		return apikey.Key{
			Environment: id.Test, Dialect: sign.Native, Algorithm: sign.Ed25519, Scopes: scope.Of(scope.BalancesRead, scope.OrdersCancel, scope.OrdersWrite),
			Born: now, ExpiresAt: now.Add(90 * day), OwnerRole: l.owner.Role,
		}
	}
	for name, row := range map[string]struct {
		change func(*apikey.Key)
		want   []string
	}{
		"trades from everywhere": {func(*apikey.Key) {}, []string{"look", "cancel", "trade", "no_day_most", "no_withdraw!", "rotate", "anywhere", "lapses!", "expires!"}},
		"bounded and tied": {func(k *apikey.Key) {
			k.Bounds = apikey.Bounds{Markets: []string{"KRW-BTC"}, OrderMost: "1", DayMost: "2", PerSecond: 3}
			k.Allowlist = []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}
		}, []string{"look", "cancel", "trade", "markets!", "order_most!", "day_most!", "no_withdraw!", "per_second!", "rotate", "allowlist!", "expires!"}},
		"lapsed": {func(k *apikey.Key) { k.Born = now.Add(-31 * day) }, []string{"look", "cancel", "no_withdraw!", "rotate", "resting!", "anywhere", "expires!"}},
		"frozen": {func(k *apikey.Key) { k.FrozenAt = now }, []string{"look", "cancel", "no_withdraw!", "resting!", "anywhere", "expires!"}},
		"may withdraw": {func(k *apikey.Key) {
			k.Scopes, k.ReleasedAt, k.Pin = scope.Of(scope.WithdrawalsWrite), now, "203.0.113.0/24"
		}, []string{"withdraw", "destinations!", "confirm!", "rotate", "pinned!", "expires!"}},
		"not released":      {func(k *apikey.Key) { k.Scopes, k.Pin = scope.Of(scope.WithdrawalsWrite), apikey.PinFirst }, []string{"unreleased!", "rotate", "pin_first", "expires!"}},
		"too little signed": {func(k *apikey.Key) { k.Dialect = sign.Upbit }, []string{"look", "no_withdraw!", "resting!", "anywhere", "expires!"}},
		"blocked":           {func(k *apikey.Key) { k.BlockedAt = now }, []string{"blocked!"}},
		"revoked":           {func(k *apikey.Key) { k.RevokedAt = now }, []string{"ended!"}},
		"without owner":     {func(k *apikey.Key) { k.OwnerRole = 0 }, []string{"orphan!"}},
		"asleep":            {func(k *apikey.Key) { k.Dormancy = apikey.DisabledUnused }, []string{"disabled!"}},
	} {
		t.Run(name, func(t *testing.T) {
			key := usual()
			row.change(&key)
			var got []string
			for _, d := range l.APIKeys.IfStolen(key) {
				if d.Bounds {
					d.What += "!"
				}
				got = append(got, d.What)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}

// What asks for no scope is a use too, and so is what a key was refused: whoever tries a stolen one begins with GET /v1/session.
func TestUsesWithoutAScopeAreKnown(t *testing.T) {
	const thief = "198.51.100.9"
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{Scopes: trading, Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
	for _, ask := range []struct {
		method, path, body string
		want               fault.Code
	}{
		{http.MethodGet, "/v1/session", "", ""},
		{http.MethodPost, "/v1/keys/self/rotate", `{}`, fault.KeyRotatedByOwner},
		{http.MethodGet, "/v1/keys", "", fault.KeyScopeMissing},
	} {
		l.clock.Advance(time.Second)
		got := l.Browser(thief).Do(l.Signed(key, ask.method, "localhost:8080", ask.path, ask.body))
		if got.Code != ask.want {
			t.Fatalf("%s: %d %s", ask.path, got.Status, got.Text)
		}
	}
	l.Settle()
	past, err := l.APIKeys.Past(t.Context(), l.KeyNow(key.ID), l.born)
	if err != nil {
		t.Fatal(err)
	}
	if past.Latest == nil || past.Latest.Addr != thief || len(past.Days) != 1 || past.Days[0].Passed != 1 || past.Days[0].Refused != 2 {
		t.Errorf("its past: %+v, latest %+v", past, past.Latest)
	}
	leak, err := l.APIKeys.Leaked(t.Context(), host, key.ID, l.born)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, u := range leak.Uses {
		got[u.Addr+" "+u.Route] = u.Code + "/" + u.Scope
	}
	want := map[string]string{
		thief + " GET /v1/session":           "/",
		thief + " POST /v1/keys/self/rotate": string(fault.KeyRotatedByOwner) + "/",
		thief + " GET /v1/keys":              string(fault.KeyScopeMissing) + "/keys:read",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what it did (-want +got):\n%s", diff)
	}
}
