package apikey_test

import (
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
	l := newLife(t, authtest.Options{})
	host := principal.Host("tests")
	tried := l.issue(apikey.IssueInput{
		Algorithm: sign.HMACSHA256, Scopes: trading, Allowlist: []string{"203.0.113.0/24"}, OnEnd: apikey.CancelOrders, Standby: true, Life: 10 * day,
		Bounds: apikey.Bounds{Markets: []string{"KRW-BTC"}, OrderMost: "1000000", PerSecond: 5},
	})
	live, err := l.APIKeys.Promote(t.Context(), host, apikey.PromoteInput{Key: tried.ID})
	if err != nil {
		t.Fatal(err)
	}
	if live.ID == tried.ID || live.Environment != id.Live || string(live.Secret.Reveal()) == tried.Secret || live.Secret.IsEmpty() {
		t.Errorf("promoted to %s of %s", live.Text(), live.Environment)
	}
	chosen := func(k apikey.Key) map[string]any {
		return map[string]any{
			"owner": k.Owner, "name": k.Name, "purpose": k.Purpose, "scopes": k.Scopes.String(), "on_end": k.OnEnd, "standby": k.Standby, "bounds": k.Bounds,
			"life": k.ExpiresAt.Sub(k.Born), "allowlist": k.Allowlist[0].String(), "dialect": k.Dialect, "algorithm": k.Algorithm,
		}
	}
	if diff := cmp.Diff(chosen(l.KeyNow(tried.ID)), chosen(l.KeyNow(live.ID))); diff != "" {
		t.Errorf("(-test +live):\n%s", diff)
	}
	if _, err := l.APIKeys.Promote(t.Context(), host, apikey.PromoteInput{Key: live.ID}); fault.CodeOf(err) != fault.KeyNotTest {
		t.Errorf("a live key: %v", err)
	}
	if got := l.ask(tried, http.MethodGet, "/v1/accounts", ""); got != "" {
		t.Errorf("the test key goes on: %s", got)
	}
}
