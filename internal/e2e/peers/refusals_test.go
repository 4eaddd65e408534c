package peers_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

// By the class that ccxt throws a bot decides whether to give up, to wait, to set its clock or to ask its owner. Where a row says
// AuthenticationError of a clock, or ExchangeError, ccxt has no better class for that exchange's own code; docs/signing.md says so.
func TestWhatCCXTMakesOfRefusals(t *testing.T) {
	reasons := map[string]sign.Reason{
		"signature": sign.BadSignature, "clock": sign.TooOld, "ahead": sign.Ahead, "nonce": sign.NonceReused, "expired key": sign.KeyExpired,
		"revoked key": sign.KeyGone, "address": sign.AddressNotAllowed, "permission": sign.OutOfScope, "payload": sign.DuplicateParameter,
		"unsigned": sign.Unsigned, "rate": sign.TooMany,
	}
	type classes = map[string]string
	const refused, permission, nonce = "AuthenticationError", "PermissionDenied", "InvalidNonce"
	const other, request, limit = "ExchangeError", "BadRequest", "RateLimitExceeded"
	want := map[string]classes{}
	for venue, row := range map[sign.Dialect][9]string{
		// signature, expired and revoked key, clock, nonce, address, permission, payload, unsigned, rate
		sign.Upbit:    {refused, refused, other, other, other, permission, other, other, limit},
		sign.Bithumb:  {refused, refused, other, other, permission, permission, request, refused, limit},
		sign.Binance:  {refused, refused, nonce, nonce, refused, permission, request, refused, "DDoSProtection"},
		sign.Kraken:   {refused, refused, nonce, nonce, permission, permission, request, refused, "DDoSProtection"},
		sign.OKX:      {refused, refused, nonce, nonce, permission, other, refused, refused, limit},
		sign.Bybit:    {refused, refused, nonce, nonce, permission, permission, request, refused, limit},
		sign.Coinbase: {refused, refused, refused, refused, permission, permission, other, refused, limit},
		sign.KuCoin:   {refused, refused, nonce, nonce, refused, refused, request, refused, limit},
	} {
		want[venue.String()] = classes{
			"signature": row[0], "expired key": row[1], "revoked key": row[1], "clock": row[2], "ahead": row[2], "nonce": row[3], "address": row[4],
			"permission": row[5], "payload": row[6], "unsigned": row[7], "rate": row[8],
		}
	}
	type answer struct {
		Status int    `json:"status"`
		Body   string `json:"body"`
	}
	refusals := map[string]map[string]answer{}
	for _, d := range sign.AllDialects() {
		for name, why := range reasons {
			status, body, ok := d.Refusal(why, "A sentence of ours.", time.Now())
			if !ok {
				continue
			}
			if refusals[d.String()] == nil {
				refusals[d.String()] = map[string]answer{}
			}
			refusals[d.String()][name] = answer{status, string(body)}
		}
	}
	var got map[string]classes
	node(t, "ccxt-refusals.mjs", refusals, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what ccxt throws (-want +got):\n%s", diff)
	}
}
