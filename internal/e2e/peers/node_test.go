package peers_test

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/client"
)

// order is an order as ccxt shows it, or the class of what ccxt threw.
type order struct {
	ID, Symbol, Type, Side, Status string
	Price, Amount                  float64
	Error, Message                 string
}

// ccxt lets the unmodified class for Upbit trade for a day.
func (h *hall) ccxt(t *testing.T) {
	bot := h.key(t, "upbit", "hmac-sha2")
	look := h.make(t, "--name", "ccxt look", "--dialect", "upbit")
	revoked := h.make(t, "--name", "ccxt revoked", "--dialect", "upbit")
	h.revoke(t, revoked)
	credentials := func(k client.KeyFile) map[string]string { return map[string]string{"key": k.KeyID, "secret": k.Secret} }
	var said map[string]json.RawMessage
	node(t, "ccxt-upbit.mjs", map[string]any{
		"gateway": h.Gateway, "key": bot.KeyID, "secret": bot.Secret, "look": credentials(look), "revoked": credentials(revoked),
	}, &said)
	t.Run("market", func(t *testing.T) { ccxtMarket(t, said) })
	t.Run("orders", func(t *testing.T) { ccxtOrders(t, said) })
	t.Run("refusals", func(t *testing.T) { ccxtRefusals(t, said) })
}

func read[T any](t *testing.T, said map[string]json.RawMessage, step string) (v T) {
	t.Helper()
	if err := json.Unmarshal(said[step], &v); err != nil {
		t.Fatalf("%s: ccxt gave %s: %v", step, said[step], err)
	}
	return v
}

func ccxtMarket(t *testing.T, said map[string]json.RawMessage) {
	if diff := cmp.Diff([]string{"BTC/KRW", "ETH/KRW", "SOL/KRW", "XRP/KRW"}, read[[]string](t, said, "markets")); diff != "" {
		t.Errorf("markets (-want +got):\n%s", diff)
	}
	ticker := read[struct {
		Symbol            string
		Last, QuoteVolume float64
	}](t, said, "ticker")
	book := read[struct{ Bid, Ask float64 }](t, said, "book")
	if ticker.Symbol != "BTC/KRW" || ticker.QuoteVolume <= 0 || book.Bid <= 0 || book.Bid >= book.Ask || ticker.Last < book.Bid*0.9 || ticker.Last > book.Ask*1.1 {
		t.Errorf("ticker %+v, book %+v", ticker, book)
	}
	type held struct{ Free, Used, Total float64 }
	balance := read[struct{ KRW, BTC held }](t, said, "balance")
	if balance.KRW.Free <= 0 || balance.BTC.Total <= 0 || math.Abs(balance.KRW.Free+balance.KRW.Used-balance.KRW.Total) > 1e-6 {
		t.Errorf("balance %+v", balance)
	}
}

func ccxtOrders(t *testing.T, said map[string]json.RawMessage) {
	placed := read[order](t, said, "limit")
	want := order{ID: placed.ID, Symbol: "BTC/KRW", Type: "limit", Side: "buy", Status: "open", Price: placed.Price, Amount: 0.001}
	if diff := cmp.Diff(want, placed); diff != "" || placed.ID == "" || placed.Price <= 0 {
		t.Fatalf("placed (-want +got):\n%s", diff)
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
	if locked := read[float64](t, said, "locked"); locked < placed.Price*placed.Amount {
		t.Errorf("locked %v for %v × %v", locked, placed.Amount, placed.Price)
	}
	if diff := cmp.Diff(want, read[order](t, said, "order")); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
	want.Status = "canceled"
	for _, step := range []string{"cancel", "cancelled"} {
		if diff := cmp.Diff(want, read[order](t, said, step)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	bought, sold := read[order](t, said, "bought"), read[order](t, said, "sold")
	for _, o := range []order{bought, sold} {
		if o.Type != "market" || o.Status != "closed" || o.Amount <= 0 || o.Price <= 0 {
			t.Errorf("at the market: %+v", o)
		}
	}
	// ccxt sorts by times of whole seconds, so which of the two comes first is chance.
	if closed := read[[]string](t, said, "closed"); !slices.Contains(closed, bought.ID) || !slices.Contains(closed, sold.ID) {
		t.Errorf("closed %q, want %s and %s among them", closed, bought.ID, sold.ID)
	}
}

// ccxtRefusals: by these classes a bot decides whether to give up, to wait or to ask its owner. ExchangeError is what ccxt throws for every
// name of Upbit's that it does not know.
func ccxtRefusals(t *testing.T, said map[string]json.RawMessage) {
	for step, class := range map[string]string{
		"wrong secret": "AuthenticationError", "unknown key": "AuthenticationError",
		"no funds": "InsufficientFunds", "no coins": "InsufficientFunds",
		"no such order": "OrderNotFound", "cancelled twice": "OrderNotFound",
		"no scope": "PermissionDenied", "withdraw": "PermissionDenied",
		"too small": "ExchangeError", "revoked": "AuthenticationError", "nonce again": "ExchangeError", "hammering": "RateLimitExceeded",
		"nobody there": "NetworkError",
	} {
		if got := read[order](t, said, step); got.Error != class || got.Message == "" {
			t.Errorf("%s: %s (%s), want %s", step, got.Error, got.Message, class)
		}
	}
	if again := read[order](t, said, "nonce again"); !strings.Contains(again.Message, "nonce_used") {
		t.Errorf("a nonce used twice: %s", again.Message)
	}
	if wrong, unknown := read[order](t, said, "wrong secret").Message, read[order](t, said, "unknown key").Message; wrong != unknown {
		t.Errorf("a wrong secret is told apart from an unknown key: %s, %s", wrong, unknown)
	}
}

// httpMessageSignatures sends what npm's library signed in the native profile, with both algorithms.
func (h *hall) httpMessageSignatures(t *testing.T) {
	type answer struct {
		Status int
		Body   json.RawMessage
	}
	var said map[string]map[string]answer
	node(t, "call-native.mjs", h.Facts, &said)
	for _, algorithm := range []string{"ed25519", "hmac-sha256"} {
		for step, want := range map[string]struct {
			status int
			word   string // code of the refusal, or the order's state
		}{
			"balances": {http.StatusOK, ""}, "placed": {http.StatusCreated, "wait"}, "cancelled": {http.StatusOK, "cancel"},
			"replayed":     {http.StatusUnauthorized, "signature.nonce_reused"},
			"changed body": {http.StatusUnauthorized, "signature.body_mismatch"},
			"defaults":     {http.StatusUnauthorized, "signature.malformed"},
		} {
			got := said[algorithm][step]
			var body struct{ Code, State string }
			if step != "balances" {
				if err := json.Unmarshal(got.Body, &body); err != nil {
					t.Errorf("%s, %s: %s", algorithm, step, got.Body)
				}
			}
			if got.Status != want.status || body.Code+body.State != want.word {
				t.Errorf("%s, %s: %d %s", algorithm, step, got.Status, got.Body)
			}
		}
	}
}
