package peers_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/client"
)

// venues lets ccxt's unmodified classes for Binance and Kraken trade for a morning.
func (h *hall) venues(t *testing.T) {
	for _, venue := range []string{"binance", "kraken"} {
		t.Run(venue, func(t *testing.T) {
			const trade = "balances:read,orders:read,orders:write,orders:cancel"
			keyOf := func(name string, more ...string) client.KeyFile {
				return h.make(t, append([]string{"--name", venue + " " + name, "--dialect", venue}, more...)...)
			}
			revoked := keyOf("revoked")
			h.revoke(t, revoked)
			input := map[string]any{
				"venue": venue, "gateway": h.Gateway, "key": credentials(keyOf("trades", "--scopes", trade)), "look": credentials(keyOf("looks")),
				"elsewhere": credentials(keyOf("elsewhere", "--allow", "203.0.113.7")), "revoked": credentials(revoked),
			}
			var said map[string]json.RawMessage
			node(t, "ccxt-venues.mjs", input, &said)
			venueTrades(t, venue, said)
			venueRefuses(t, venue, said)
		})
	}
}

func credentials(k client.KeyFile) map[string]string {
	return map[string]string{"key": k.KeyID, "secret": k.Secret}
}

func venueTrades(t *testing.T, venue string, said map[string]json.RawMessage) {
	if diff := cmp.Diff([]string{"BTC/KRW", "ETH/KRW", "SOL/KRW", "XRP/KRW"}, read[[]string](t, said, "markets")); diff != "" {
		t.Errorf("markets (-want +got):\n%s", diff)
	}
	type held struct{ Free, Used, Total float64 }
	if balance := read[struct{ KRW, BTC held }](t, said, "balance"); balance.KRW.Free <= 0 || balance.BTC.Total <= 0 {
		t.Errorf("balance %+v", balance)
	}
	placed := read[order](t, said, "limit")
	if placed.ID == "" || placed.Error != "" {
		t.Fatalf("placed %s", said["limit"])
	}
	has := func(step string) bool {
		for _, o := range read[[]order](t, said, step) {
			if o.ID == placed.ID {
				return true
			}
		}
		return false
	}
	if !has("open") || has("open afterwards") {
		t.Errorf("open orders %s, after the cancel %s", said["open"], said["open afterwards"])
	}
	seen := read[order](t, said, "order")
	want := order{ID: placed.ID, Symbol: "BTC/KRW", Type: "limit", Side: "buy", Status: "open", Price: seen.Price, Amount: 0.001}
	if diff := cmp.Diff(want, seen); diff != "" || seen.Price <= 0 {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
	if locked := read[float64](t, said, "locked"); locked < seen.Price*seen.Amount {
		t.Errorf("locked %v for %v × %v", locked, seen.Amount, seen.Price)
	}
	want.Status = "canceled"
	if diff := cmp.Diff(want, read[order](t, said, "cancelled")); diff != "" {
		t.Errorf("cancelled (-want +got):\n%s", diff)
	}
	for _, step := range []string{"bought", "sold"} {
		if o := read[order](t, said, step); o.Type != "market" || o.Status != "closed" || o.Amount <= 0 {
			t.Errorf("%s %s at the market: %s", venue, step, said[step])
		}
	}
}

// venueRefuses: the typed error that ccxt's mapping has for each fault. A nonce that does not rise is all that Kraken knows of a clock; and
// Binance has one code for a key that is unknown, used from elsewhere or no more.
func venueRefuses(t *testing.T, venue string, said map[string]json.RawMessage) {
	elsewhere := map[string]string{"binance": "AuthenticationError", "kraken": "PermissionDenied"}[venue]
	for step, class := range map[string]string{
		"wrong secret": "AuthenticationError", "unknown key": "AuthenticationError", "revoked": "AuthenticationError", "other address": elsewhere,
		"late clock": "InvalidNonce", "stopped clock again": "InvalidNonce", "stopped clock": "OrderNotFound",
		"no scope": "PermissionDenied", "no funds": "InsufficientFunds", "cancelled twice": "OrderNotFound",
		"no such order": map[string]string{"binance": "OrderNotFound", "kraken": "InvalidOrder"}[venue],
		"too small":     map[string]string{"binance": "BadRequest", "kraken": "InvalidOrder"}[venue],
		"nobody there":  "NetworkError",
	} {
		if got := read[order](t, said, step); got.Error != class || got.Message == "" {
			t.Errorf("%s: %s (%s), want %s", step, got.Error, got.Message, class)
		}
	}
	if wrong, unknown := read[order](t, said, "wrong secret").Message, read[order](t, said, "unknown key").Message; wrong != unknown {
		t.Errorf("a wrong secret is told apart from an unknown key: %s, %s", wrong, unknown)
	}
}
