package apikey_test

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/geotest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/sign"
)

const day = 24 * time.Hour

var trading = []string{"balances:read", "orders:read", "orders:cancel", "orders:write"}

// life is a stack with one owner, on which time passes.
type life struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	owner principal.Principal
	born  time.Time
}

func newLife(t *testing.T, o authtest.Options) *life {
	l := &life{t: t, clock: storetest.NewClock()}
	o.Now = l.clock.Now
	l.Stack = authtest.StartWith(t, o)
	l.owner, l.born = l.SignUp("ada@example.com").Principal(), l.clock.Now()
	return l
}

// days lets days pass, and the server do each day what time asks for; it gives the letters of that time with the day they were written on.
// Keys in use are called each day.
func (l *life) days(n int, inUse ...authtest.Key) (letters map[int][]notify.Letter) {
	l.t.Helper()
	letters = map[int][]notify.Letter{}
	for range n {
		l.clock.Advance(day)
		for _, k := range inUse {
			l.APIKeys.Used(l.APIKeys.Find(k.ID), l.clock.Now(), authtest.PersonOrigin().Addr)
		}
		before := len(l.Mailbox.Letters("ada@example.com"))
		if err := l.Sweep(l.t.Context()); err != nil {
			l.t.Fatal(err)
		}
		l.Settle()
		for _, letter := range l.Mailbox.Letters("ada@example.com")[before:] {
			on := int(l.clock.Now().Sub(l.born) / day)
			letters[on] = append(letters[on], letter.Notice)
		}
	}
	return letters
}

func (l *life) issue(in apikey.IssueInput) authtest.Key {
	l.t.Helper()
	return l.IssueKeyTo(l.owner.Account, l.owner.User, in)
}

// codeOf is the code of a refusal; empty for none.
func codeOf(err error) fault.Code {
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}

func (l *life) ask(k authtest.Key, method, path, body string) fault.Code {
	l.t.Helper()
	return l.Browser(authtest.PersonOrigin().Addr.String()).Do(l.Signed(k, method, authtest.APIHost, path, body)).Code
}

func (l *life) order(k authtest.Key) fault.Code {
	if err := l.FetchPrices(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	l.t.Helper()
	return l.ask(k, http.MethodPost, "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"1","price":"1"}`)
}

func (l *life) edit(k authtest.Key, in apikey.EditInput) error {
	l.t.Helper()
	in.Key = k.ID
	_, err := l.APIKeys.Edit(l.t.Context(), principal.Host("tests"), in)
	return err
}

var host = principal.Host("tests")

// What time does to keys: notices before their end, the end of trading from everywhere, and sleep where nobody uses them.
func TestTimeAndKeys(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			l := newLife(t, o)
			home := authtest.PersonOrigin().Addr.String()
			for _, tt := range []struct {
				name  string
				in    apikey.IssueInput
				used  bool
				days  int
				wants map[int][]notify.Letter
				order fault.Code // of an order on the last day
				look  fault.Code
			}{
				{
					"its end is told 30, 14, 7 and 1 days before",
					apikey.IssueInput{Scopes: trading, Allowlist: []string{home}},
					true, 90,
					map[int][]notify.Letter{60: {notify.KeyExpiring}, 76: {notify.KeyExpiring}, 83: {notify.KeyExpiring}, 89: {notify.KeyExpiring}, 90: {notify.KeyExpired}},
					fault.KeyExpired, fault.KeyExpired,
				},
				{
					"a short life is not told before it began",
					apikey.IssueInput{Life: 10 * day},
					true, 10,
					map[int][]notify.Letter{3: {notify.KeyExpiring}, 9: {notify.KeyExpiring}, 10: {notify.KeyExpired}},
					fault.KeyExpired, fault.KeyExpired,
				},
				{
					"from everywhere it trades for 30 days",
					apikey.IssueInput{Scopes: trading},
					true, 31,
					map[int][]notify.Letter{16: {notify.KeyLapsing}, 23: {notify.KeyLapsing}, 29: {notify.KeyLapsing}, 30: {notify.KeyLapsed}},
					fault.KeyLapsed, "",
				},
				{
					"held to its network with a ceiling it goes on",
					apikey.IssueInput{Scopes: trading, Pin: "first", Bounds: apikey.Bounds{DayMost: "1000000000000"}},
					true, 31,
					map[int][]notify.Letter{},
					"", "",
				},
				{
					"held to its network without a ceiling it trades for 30 days",
					apikey.IssueInput{Scopes: trading, Pin: "first"},
					true, 31,
					map[int][]notify.Letter{16: {notify.KeyLapsing}, 23: {notify.KeyLapsing}, 29: {notify.KeyLapsing}, 30: {notify.KeyLapsed}},
					fault.KeyLapsed, "",
				},
				{
					"nobody uses it",
					apikey.IssueInput{Scopes: trading, Allowlist: []string{home}, Life: 200 * day},
					false, 95,
					map[int][]notify.Letter{30: {notify.KeyUnused}, 60: {notify.KeyNarrowed}, 90: {notify.KeyDisabled}},
					fault.KeyUnused, fault.KeyUnused,
				},
				{
					"nobody uses it yet",
					apikey.IssueInput{Scopes: trading, Allowlist: []string{home}, Life: 200 * day, Standby: true},
					false, 95,
					map[int][]notify.Letter{},
					"", "",
				},
			} {
				t.Run(tt.name, func(t *testing.T) {
					l.t, l.born = t, l.clock.Now()
					key := l.issue(tt.in)
					l.Settle()
					var used []authtest.Key
					if tt.used {
						used = append(used, key)
					}
					if diff := cmp.Diff(tt.wants, l.days(tt.days, used...)); diff != "" {
						t.Errorf("letters by day (-want +got):\n%s", diff)
					}
					if got := l.order(key); got != tt.order {
						t.Errorf("an order on day %d: %q, want %q", tt.days, got, tt.order)
					}
					if got := l.ask(key, http.MethodGet, "/v1/accounts", ""); got != tt.look {
						t.Errorf("a look on day %d: %q, want %q", tt.days, got, tt.look)
					}
					if err := l.APIKeys.Revoke(t.Context(), host, key.ID); err != nil {
						t.Fatal(err)
					}
					l.Settle()
				})
			}
		})
	}
}

// A key that fell asleep wakes with all that it was given, and is not asleep again the next day.
func TestASleepingKeyWakes(t *testing.T) {
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{Scopes: trading, Allowlist: []string{authtest.PersonOrigin().Addr.String()}, Life: 200 * day})
	l.days(61)
	if got := l.order(key); got != fault.KeyAsleep {
		t.Errorf("an order after 61 days: %q", got)
	}
	if got := l.ask(key, http.MethodGet, "/v1/accounts", ""); got != "" {
		t.Errorf("a look after 61 days: %q", got)
	}
	if err := l.APIKeys.Wake(t.Context(), host, key.ID); err != nil {
		t.Fatal(err)
	}
	l.days(1)
	if got := l.order(key); got != "" {
		t.Errorf("an order of a key that was woken: %q", got)
	}
	if err := l.APIKeys.Wake(t.Context(), host, key.ID); codeOf(err) != fault.KeyNotFound {
		t.Errorf("to wake one that is awake: %v", err)
	}
}

// No call reaches beyond the caps, and nothing that lets a key do more passes for narrowing.
func TestWhatAnEditMay(t *testing.T) {
	l := newLife(t, authtest.Options{})
	narrow := []string{"203.0.113.0/25"}
	wide, none, other := []string{"203.0.0.0/16"}, []string{}, []string{"198.51.100.7"}
	look, more := []string{"balances:read"}, append([]string{"transfers:read"}, trading...)
	money := []string{"withdrawals:write"}
	yes, name, first, cancel, bad := true, "grid 2", apikey.PinFirst, apikey.CancelOrders, apikey.OnEnd("sell")
	at := func(d time.Duration) *time.Time { end := l.clock.Now().Add(d); return &end }
	person := l.owner
	for _, tt := range []struct {
		name string
		in   apikey.EditInput
		want fault.Code // of a person without a step-up; the host needs none
	}{
		{"another name", apikey.EditInput{Name: &name}, ""},
		{"fewer scopes", apikey.EditInput{Scopes: &look}, ""},
		{"more scopes", apikey.EditInput{Scopes: &more}, fault.StepUpRequired},
		{"a narrower list", apikey.EditInput{Allowlist: &narrow}, ""},
		{"a wider list", apikey.EditInput{Allowlist: &wide}, fault.StepUpRequired},
		{"another list", apikey.EditInput{Allowlist: &other}, fault.StepUpRequired},
		{"no list", apikey.EditInput{Allowlist: &none}, fault.StepUpRequired},
		{"a shorter life", apikey.EditInput{ExpiresAt: at(day)}, ""},
		{"a longer life", apikey.EditInput{ExpiresAt: at(100 * day)}, fault.StepUpRequired},
		{"a life beyond the cap", apikey.EditInput{ExpiresAt: at(366 * day)}, fault.RequestInvalid},
		{"a life that is over", apikey.EditInput{ExpiresAt: at(-day)}, fault.RequestInvalid},
		{"to be held to a network", apikey.EditInput{Pin: &first}, ""},
		{"to lie unused", apikey.EditInput{Standby: &yes}, fault.StepUpRequired},
		{"to cancel its orders at the end", apikey.EditInput{OnEnd: &cancel}, ""},
		{"to do what is no end", apikey.EditInput{OnEnd: &bad}, fault.RequestInvalid},
		{"money without a list", apikey.EditInput{Scopes: &money, Allowlist: &none}, fault.KeyNeedsAllowlist},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := l.issue(apikey.IssueInput{Scopes: trading, Allowlist: []string{"203.0.113.0/24"}})
			tt.in.Key = key.ID
			got := key.Key
			_, err := l.APIKeys.Edit(t.Context(), person, tt.in)
			if code := codeOf(err); code != tt.want && (tt.want != fault.StepUpRequired || code != fault.AssuranceTooLow) {
				t.Errorf("a person: %q, want %q", code, tt.want)
			}
			if now := l.KeyNow(key.ID); tt.want != "" && !cmp.Equal(now.Scopes, got.Scopes) {
				t.Errorf("refused, and yet changed: %v", now.Scopes)
			}
		})
	}
}

// A list that is added to a key whose time for trading from everywhere is over lets it trade again, so it is no narrowing.
func TestAListThatBringsTradingBackWidens(t *testing.T) {
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{Scopes: trading})
	l.days(31, key)
	list := []string{authtest.PersonOrigin().Addr.String()}
	person := l.owner
	_, err := l.APIKeys.Edit(t.Context(), person, apikey.EditInput{Key: key.ID, Allowlist: &list})
	if code := codeOf(err); code != fault.StepUpRequired && code != fault.AssuranceTooLow {
		t.Errorf("%v", err)
	}
	if err := l.edit(key, apikey.EditInput{Allowlist: &list}); err != nil {
		t.Fatal(err)
	}
	if got := l.order(key); got != "" {
		t.Errorf("an order with the list: %q", got)
	}
}

// Who moves a bot asks for a first network once more, and that of before is forgotten.
func TestAPinnedKeyThatMoves(t *testing.T) {
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{Scopes: trading, Pin: apikey.PinFirst})
	first := apikey.PinFirst
	for _, addr := range []string{"203.0.113.7", "198.51.100.9"} {
		if err := l.edit(key, apikey.EditInput{Pin: &first}); err != nil {
			t.Fatal(err)
		}
		l.clock.Advance(3 * time.Second)
		got := l.Browser(addr).Do(l.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
		if err := l.APIKeys.SaveUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now := l.KeyNow(key.ID); got.Code != "" || now.Frozen() || !netip.MustParsePrefix(now.Pin).Contains(netip.MustParseAddr(addr)) {
			t.Errorf("from %s: %q, pin %q, frozen %t", addr, got.Code, now.Pin, now.Frozen())
		}
	}
}

// A key that is held to the network of its first use is refused in another one, frozen, and its owner is told.
func TestAPinnedKeyThatStrays(t *testing.T) {
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{Scopes: trading, Pin: apikey.PinFirst})
	l.clock.Advance(3 * time.Second)
	from := func(addr string) fault.Code {
		t.Helper()
		return l.Browser(addr).Do(l.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")).Code
	}
	for _, tt := range []struct {
		addr string
		want fault.Code
	}{{"203.0.113.7", ""}, {"203.0.113.250", ""}, {"203.0.112.7", fault.KeyOtherNetwork}} {
		if got := from(tt.addr); got != tt.want {
			t.Errorf("from %s: %q, want %q", tt.addr, got, tt.want)
		}
	}
	if err := l.APIKeys.SaveUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := l.KeyNow(key.ID); now.Pin != "203.0.113.0/24" || !now.Frozen() {
		t.Errorf("after the save: pin %q, frozen %t", now.Pin, now.Frozen())
	}
	if got := l.order(key); got != fault.KeyFrozen && got != fault.KeyOtherNetwork {
		t.Errorf("an order of a key that strayed: %q", got)
	}
	l.Settle()
	letters := l.Mailbox.Letters("ada@example.com")
	if last := letters[len(letters)-1]; last.Notice != notify.KeyStrayed || last.Facts["seen"] != "203.0.112.7" {
		t.Errorf("the newest letter: %+v", last)
	}
	hmac := apikey.IssueInput{Account: l.owner.Account, Owner: l.owner.User, Name: "n", Purpose: "p", Environment: id.Test, Dialect: sign.Native, Algorithm: sign.HMACSHA256, Pin: apikey.PinFirst}
	if _, err := l.APIKeys.Issue(t.Context(), host, hmac); codeOf(err) != fault.RequestInvalid {
		t.Errorf("a secret that can be copied was held to a network: %v", err)
	}
}

// A key that is held to an autonomous system works from all of its addresses, and is frozen by a use from another. Where the file knows nothing
// it is refused, and nothing more.
func TestAKeyIsHeldToAnAutonomousSystem(t *testing.T) {
	file := geotest.File(t, map[string]geotest.Record{
		"203.0.112.0/23": geotest.System(64500), "198.51.100.0/24": geotest.System(64501), "192.0.2.0/24": geotest.Flat("KR"),
	})
	l := newLife(t, authtest.Options{YAML: "geo: {networks_file: " + file + "}\n"})
	for name, pin := range map[string]string{"named": "AS64500", "of its first use": apikey.PinFirstSystem} {
		t.Run(name, func(t *testing.T) {
			key := l.issue(apikey.IssueInput{Scopes: trading, Pin: pin})
			l.clock.Advance(3 * time.Second)
			for _, tt := range []struct {
				addr   string
				want   fault.Code
				frozen bool
			}{
				{"203.0.113.7", "", false},
				{"203.0.112.250", "", false},
				{"192.0.2.7", fault.KeyOtherNetwork, false},
				{"198.51.100.7", fault.KeyOtherNetwork, true},
			} {
				got := l.Browser(tt.addr).Do(l.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
				if err := l.APIKeys.SaveUses(t.Context()); err != nil {
					t.Fatal(err)
				}
				if now := l.KeyNow(key.ID); got.Code != tt.want || now.Frozen() != tt.frozen || now.Pin != "AS64500" {
					t.Errorf("from %s: %q, frozen %t, pin %q", tt.addr, got.Code, now.Frozen(), now.Pin)
				}
			}
			l.Settle()
			told, _, err := l.Log.Search(t.Context(), l.owner, audit.Filter{Code: string(fault.KeyOtherNetwork)}, 0, 10)
			// Refusals of one moment come in no order.
			named := slices.ContainsFunc(told, func(e audit.Told) bool { return e.Readable.Facts["as"] == "AS64501" })
			if err != nil || !named {
				t.Errorf("a refusal does not say of which autonomous system its sender was: %+v %v", told, err)
			}
			letters := l.Mailbox.Letters("ada@example.com")
			if last := letters[len(letters)-1]; last.Notice != notify.KeyStrayed || last.Facts["seen"] != "198.51.100.7" {
				t.Errorf("the newest letter: %+v", last)
			}
		})
	}
	// An address of its first use that the file does not know pins it to the narrower network around it.
	key := l.issue(apikey.IssueInput{Pin: apikey.PinFirstSystem})
	l.Browser("192.0.2.7").Do(l.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
	if err := l.APIKeys.SaveUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := l.KeyNow(key.ID); now.Pin != "192.0.2.0/24" {
		t.Errorf("first used from nowhere: %q", now.Pin)
	}
}

// Without a file of autonomous systems nobody is offered one, and none is taken.
func TestWithoutAFileThereAreNoAutonomousSystems(t *testing.T) {
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{})
	for _, pin := range []string{apikey.PinFirstSystem, "AS64500", "AS0", "AS064500", "AS4294967296"} {
		if err := l.edit(key, apikey.EditInput{Pin: &pin}); codeOf(err) != fault.RequestInvalid {
			t.Errorf("%s: %v", pin, err)
		}
	}
	if got := l.APIKeys.SystemAround(authtest.PersonOrigin().Addr); got != "" {
		t.Errorf("offered: %q", got)
	}
}

// What may withdraw is made and released with a passkey: released in another session than the one that made it, by a passkey that is old enough.
func TestAMoneyKeyIsReleasedElsewhereByAnOldPasskey(t *testing.T) {
	l := newLife(t, authtest.Options{})
	ada := l.SignUp("bob@example.com")
	in := apikey.IssueInput{
		Name: "n", Purpose: "p", Environment: id.Test, Dialect: sign.Native, Algorithm: sign.HMACSHA256, Scopes: []string{"withdrawals:write"},
		Allowlist: []string{authtest.PersonOrigin().Addr.String()}, Destinations: *destinations(t, "BTC BTC bc1qexample"),
	}
	app := l.SignUp("carol@example.com")
	app.EnrolTOTP()
	if _, err := l.APIKeys.Issue(t.Context(), app.Principal(), in); codeOf(err) != fault.AssuranceTooLow {
		t.Errorf("made with an app: %v", err)
	}
	hers := l.IssueKey(app, apikey.IssueInput{})
	toMoney := apikey.EditInput{Key: hers.ID, Scopes: &in.Scopes, Allowlist: &in.Allowlist, Destinations: &in.Destinations}
	if _, err := l.APIKeys.Edit(t.Context(), host, toMoney); err != nil {
		t.Fatal(err)
	}
	if err := l.APIKeys.Release(t.Context(), app.Principal(), hers.ID); codeOf(err) != fault.AssuranceTooLow {
		t.Errorf("released with an app: %v", err)
	}
	old := ada.EnrolPasskey()
	_, asked := l.APIKeys.Issue(t.Context(), ada.Principal(), in)
	if err := ada.StepUp(asked, old); err != nil {
		t.Fatal(err)
	}
	key, err := l.APIKeys.Issue(t.Context(), ada.Principal(), in)
	if err != nil {
		t.Fatal(err)
	}
	release := func() error { return l.APIKeys.Release(t.Context(), ada.Principal(), key.ID) }
	if err := release(); codeOf(err) != fault.KeySameSession {
		t.Errorf("in the session that made it: %v", err)
	}
	ada.SignIn()
	l.clock.Advance(time.Hour)
	if err := release(); codeOf(err) != fault.PasskeyYoung {
		t.Errorf("by a passkey of an hour: %v", err)
	}
	l.clock.Advance(3 * day)
	ada.SignIn()
	asked = release()
	if f, _ := errors.AsType[*fault.Error](asked); f == nil || f.Code != fault.StepUpRequired || f.Fields["needs"] != "phr" {
		t.Fatalf("in another session: %v", asked)
	}
	young := ada.EnrolPasskeyWith(old)
	asked = release()
	if err := ada.StepUp(asked, young); codeOf(err) != fault.PasskeyYoung {
		t.Errorf("with a passkey of this minute: %v", err)
	}
	if err := ada.StepUp(asked, old); err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Errorf("in another session, with an old passkey: %v", err)
	}
	if l.KeyNow(key.ID).ReleasedAt.IsZero() {
		t.Error("it was not released")
	}
}

// A pin that is moved or lifted lets the key be used from elsewhere, so it is no narrowing.
func TestAPinThatMovesWidens(t *testing.T) {
	l := newLife(t, authtest.Options{})
	for _, pin := range []string{"198.51.100.9", ""} {
		key := l.issue(apikey.IssueInput{Pin: "203.0.113.7"})
		_, err := l.APIKeys.Edit(t.Context(), l.owner, apikey.EditInput{Key: key.ID, Pin: &pin})
		if code := codeOf(err); code != fault.StepUpRequired && code != fault.AssuranceTooLow {
			t.Errorf("to %q: %v", pin, err)
		}
		if now := l.KeyNow(key.ID).Pin; now != "203.0.113.0/24" {
			t.Errorf("to %q: it is held to %q", pin, now)
		}
	}
}

// A rotation begins a life as long as the one before, and never one beyond the cap, which may have been lowered since.
func TestARotatedKeyLivesAsLongAsBefore(t *testing.T) {
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{Algorithm: sign.HMACSHA256, Life: 90 * day})
	if _, err := l.APIKeys.Rotate(t.Context(), host, apikey.RotateInput{Key: key.ID, Overlap: 7*day + time.Second}); codeOf(err) != fault.RequestInvalid {
		t.Errorf("an overlap of more than seven days: %v", err)
	}
	for _, tt := range []struct{ most, want time.Duration }{{365 * day, 90 * day}, {60 * day, 60 * day}} {
		l.clock.Advance(80 * day)
		l.APIKeys.Limits.MaxLife = tt.most
		l.rotate(key, 7*day)
		if got := l.KeyNow(key.ID).ExpiresAt.Sub(l.clock.Now()); got != tt.want {
			t.Errorf("with a cap of %s: %s, want %s", tt.most, got, tt.want)
		}
	}
}

// The scope to withdraw does nothing before the owner gave it free, with a passkey and in another session than the one it was made in.
func TestMoneyWaitsForItsRelease(t *testing.T) {
	l := newLife(t, authtest.Options{})
	who := l.owner
	in := apikey.IssueInput{Account: who.Account, Owner: who.User, Name: "n", Purpose: "p", Environment: id.Test, Dialect: sign.Native, Algorithm: sign.HMACSHA256, Scopes: []string{"withdrawals:write"}}
	if _, err := l.APIKeys.Issue(t.Context(), host, in); codeOf(err) != fault.KeyNeedsAllowlist {
		t.Errorf("without a list: %v", err)
	}
	in.Allowlist, in.Destinations = []string{authtest.PersonOrigin().Addr.String()}, *destinations(t, "BTC BTC bc1qexample")
	issued, err := l.APIKeys.Issue(t.Context(), host, in)
	if err != nil {
		t.Fatal(err)
	}
	if life := issued.ExpiresAt.Sub(issued.Born); life != 30*day {
		t.Errorf("it lives for %s", life)
	}
	l.clock.Advance(3 * time.Second)
	signer, err := sign.NewHMACSigner(issued.Text(), issued.Secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	key := authtest.Key{Key: issued.Key, Signer: signer}
	withdraw := func() fault.Code {
		t.Helper()
		return l.ask(key, http.MethodPost, "/v1/withdraws/coin", `{"currency":"BTC","amount":"0.1","address":"bc1qexample","net_type":"BTC"}`)
	}
	if got := withdraw(); got != fault.KeyNotReleased {
		t.Errorf("before its release: %q", got)
	}
	if err := l.APIKeys.Release(t.Context(), who, issued.ID); codeOf(err) != fault.AssuranceTooLow {
		t.Errorf("released without a passkey: %v", err)
	}
	if err := l.APIKeys.Release(t.Context(), host, issued.ID); err != nil {
		t.Fatal(err)
	}
	if got := withdraw(); got != fault.KeyDestinationCooling {
		t.Errorf("on the day of its making: %q", got)
	}
	l.clock.Advance(day)
	if got := withdraw(); got != fault.ConfirmationNoPasskey {
		t.Errorf("after its release: %q", got)
	}
	if err := l.APIKeys.Release(t.Context(), host, issued.ID); codeOf(err) != fault.KeyNotFound {
		t.Errorf("released twice: %v", err)
	}
}

// When a key ends that nobody chose an end for follows from what it may do and whose it is.
func TestDueDatesFollowThePolicy(t *testing.T) {
	l := newLife(t, authtest.Options{})
	rich := l.SignUp("eve@example.com").Principal()
	if err := l.Tiers.Raise(t.Context(), principal.Host("tests"), rich.User); err != nil {
		t.Fatal(err)
	}
	home := []string{authtest.PersonOrigin().Addr.String()}
	money := append([]string{"withdrawals:write"}, trading...)
	for _, each := range []struct {
		name string
		of   principal.Principal
		in   apikey.IssueInput
		want time.Duration
	}{
		{"looks", l.owner, apikey.IssueInput{Scopes: []string{"orders:read"}}, 180 * day},
		{"trades", l.owner, apikey.IssueInput{Scopes: trading, Allowlist: home}, 90 * day},
		{"trades, from anywhere", l.owner, apikey.IssueInput{Scopes: trading}, 90 * day},
		{"withdraws", l.owner, apikey.IssueInput{Scopes: money, Allowlist: home}, 30 * day},
		{"looks, of high value", rich, apikey.IssueInput{Scopes: []string{"orders:read"}}, 180 * day},
		{"trades, of high value", rich, apikey.IssueInput{Scopes: trading, Allowlist: home}, 30 * day},
		{"trades, of high value, with an end of its own", rich, apikey.IssueInput{Scopes: trading, Allowlist: home, Life: 60 * day}, 60 * day},
	} {
		t.Run(each.name, func(t *testing.T) {
			key := l.IssueKeyTo(each.of.Account, each.of.User, each.in)
			if got := key.ExpiresAt.Sub(key.Born); got != each.want {
				t.Errorf("it lives for %v, not %v", got, each.want)
			}
		})
	}
}
