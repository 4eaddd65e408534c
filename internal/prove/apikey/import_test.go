package apikey_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/sign"
)

// A bot whose key was taken over goes on with the id and the secret that it has; what could not be issued is not imported.
func TestImportKeepsIDAndSecret(t *testing.T) {
	l := newLife(t, authtest.Options{})
	host := principal.Host("tests")
	text := id.FormatSecret([32]byte{7}, id.Test)
	brought := func() apikey.ImportInput {
		return apikey.ImportInput{
			Key: id.New[id.KeyKind](l.clock.Now()), Secret: secret.FromString("api secret", text),
			IssueInput: apikey.IssueInput{
				Account: l.owner.Account, Owner: l.owner.User, Name: "grid", Purpose: "bot", Environment: id.Test, Scopes: []string{"balances:read"},
				Dialect: sign.Native, Algorithm: sign.HMACSHA256,
			},
		}
	}
	in := brought()
	in.Try = true
	if _, err := l.APIKeys.Import(t.Context(), host, in); err != nil || l.APIKeys.Find(in.Key) != nil {
		t.Fatalf("tried: %v, kept: %t", err, l.APIKeys.Find(in.Key) != nil)
	}
	in.Try = false
	key, err := l.APIKeys.Import(t.Context(), host, in)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.KeyNow(in.Key); got.ID != in.Key || !got.ImportedAt.Equal(l.clock.Now().Truncate(time.Microsecond)) {
		t.Errorf("kept as %s, imported at %s", got.Text(), got.ImportedAt)
	}
	signer, err := sign.NewHMACSigner(key.Text(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	l.clock.Advance(time.Second)
	bot := authtest.Key{Key: key, Signer: signer, Secret: text}
	if got := l.ask(bot, http.MethodGet, "/v1/accounts", ""); got != "" {
		t.Errorf("the bot with the secret that it has: %s", got)
	}
	for name, c := range map[string]struct {
		change func(*apikey.ImportInput)
		want   fault.Code
	}{
		"an id that is there":     {func(i *apikey.ImportInput) { i.Key = in.Key }, fault.KeyTaken},
		"a secret to be guessed":  {func(i *apikey.ImportInput) { i.Secret = secret.FromString("api secret", "short") }, fault.RequestInvalid},
		"a passphrase too many":   {func(i *apikey.ImportInput) { i.Passphrase = secret.FromString("p", "x") }, fault.RequestInvalid},
		"money from everywhere":   {func(i *apikey.ImportInput) { i.Scopes = []string{"withdrawals:write"} }, fault.KeyNeedsAllowlist},
		"another's algorithm":     {func(i *apikey.ImportInput) { i.Algorithm = sign.HMACSHA512 }, fault.RequestInvalid},
		"a Kraken secret in text": {func(i *apikey.ImportInput) { i.Dialect, i.Algorithm = sign.Kraken, sign.HMACSHA512 }, fault.RequestInvalid},
		"a key pair without half": {func(i *apikey.ImportInput) { i.Algorithm = sign.Ed25519 }, fault.RequestInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			bad := brought()
			c.change(&bad)
			if _, err := l.APIKeys.Import(t.Context(), host, bad); fault.CodeOf(err) != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	if _, err := l.APIKeys.Import(t.Context(), l.owner, brought()); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("by somebody with a session: %v", err)
	}
}

// A live key like the test key: what its owner chose is the same, id and secret are not.
func TestPromoteMakesALiveKeyAlike(t *testing.T) {
	exchange, err := apikey.ParseDestination("BTC BTC paper1qexampleaddress")
	if err != nil {
		t.Fatal(err)
	}
	allowlist := []string{"203.0.113.0/24"}
	for name, in := range map[string]apikey.IssueInput{
		"bounds": {
			Algorithm: sign.HMACSHA256, Scopes: trading, Allowlist: allowlist, OnEnd: apikey.CancelOrders, Standby: true, Life: 10 * day,
			Bounds: apikey.Bounds{Markets: []string{"KRW-BTC"}, OrderMost: "1000000", DayMost: "5000000", PerSecond: 5}, Window: 3 * time.Second,
		},
		"settings":     {Dialect: sign.Kraken, Settings: []string{"nonce-window:60000"}, Scopes: []string{"balances:read"}, Allowlist: allowlist, Vendor: "Grid Co"},
		"template":     {Algorithm: sign.HMACSHA256, Template: apikey.Templates()[1].Name, Scopes: []string{"balances:read"}, Allowlist: allowlist},
		"destinations": {Algorithm: sign.HMACSHA256, Scopes: []string{"withdrawals:write"}, Allowlist: allowlist, Destinations: []apikey.Destination{exchange}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t, authtest.Options{})
			host := principal.Host("tests")
			host.Account = l.owner.Account
			if in.Subaccount, err = l.Subaccounts.Open(t.Context(), host, "Grid"); err != nil {
				t.Fatal(err)
			}
			tried := l.issue(in)
			live, err := l.APIKeys.Promote(t.Context(), host, apikey.PromoteInput{Key: tried.ID})
			if err != nil {
				t.Fatal(err)
			}
			if live.ID == tried.ID || live.Environment != id.Live || string(live.Secret.Reveal()) == tried.Secret || live.Secret.IsEmpty() {
				t.Errorf("promoted to %s of %s", live.Text(), live.Environment)
			}
			chosen := func(k apikey.Key) map[string]any {
				var sends []string
				for _, d := range k.Destinations {
					sends = append(sends, d.String())
				}
				return map[string]any{
					"owner": k.Owner, "name": k.Name, "purpose": k.Purpose, "scopes": k.Scopes.String(), "on_end": k.OnEnd, "standby": k.Standby, "bounds": k.Bounds,
					"life": k.ExpiresAt.Sub(k.Born), "allowlist": k.Allowlist[0].String(), "dialect": k.Dialect, "algorithm": k.Algorithm, "subaccount": k.Subaccount,
					"window": k.WindowPast, "vendor": k.Vendor, "destinations": sends, "settings": k.Dialect.SettingsWords(k.Settings), "template": k.Template,
				}
			}
			if diff := cmp.Diff(chosen(l.KeyNow(tried.ID)), chosen(l.KeyNow(live.ID))); diff != "" {
				t.Errorf("(-test +live):\n%s", diff)
			}
			if _, err := l.APIKeys.Promote(t.Context(), host, apikey.PromoteInput{Key: live.ID}); fault.CodeOf(err) != fault.KeyNotTest {
				t.Errorf("a live key: %v", err)
			}
			if refused := l.APIKeys.Find(tried.ID).State(l.clock.Now()); refused != nil {
				t.Errorf("the test key goes on: %v", refused)
			}
		})
	}
}

// Where a key pair was held to one place, the live one is held to the first place that it comes from: where the live bot runs is not known yet.
func TestPromoteHoldsAPairToItsFirstPlace(t *testing.T) {
	l := newLife(t, authtest.Options{})
	for pin, want := range map[string]string{"": "", apikey.PinFirst: apikey.PinFirst, "203.0.113.0/24": apikey.PinFirst} {
		tried := l.issue(apikey.IssueInput{Algorithm: sign.Ed25519, Scopes: trading, Pin: pin})
		half := l.issue(apikey.IssueInput{Algorithm: sign.Ed25519})
		live, err := l.APIKeys.Promote(t.Context(), principal.Host("tests"), apikey.PromoteInput{Key: tried.ID, PublicKey: publicHalf(t, half)})
		if err != nil {
			t.Fatal(err)
		}
		if got := l.KeyNow(live.ID).Pin; got != want {
			t.Errorf("pinned to %q, and live to %q, want %q", pin, got, want)
		}
	}
}

func publicHalf(t *testing.T, k authtest.Key) string {
	t.Helper()
	private, err := base64.StdEncoding.DecodeString(k.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(private[ed25519.SeedSize:])
}

// Who is given a key by the platform's operator is told so.
func TestTheNoticeOfANewKeySaysThatTheOperatorMadeIt(t *testing.T) {
	l := newLife(t, authtest.Options{})
	l.issue(apikey.IssueInput{})
	l.Settle()
	letters := l.Mailbox.Letters("ada@example.com")
	if got := letters[len(letters)-1]; got.Notice != notify.KeyCreated || got.Facts[apikey.ByFact] == "" {
		t.Errorf("told %s %v", got.Notice, got.Facts)
	}
}
