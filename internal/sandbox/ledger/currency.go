package ledger

import (
	"slices"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Currency is what can be held, and the terms on which it comes and goes.
type Currency struct {
	// Code as Upbit writes it: "KRW", "BTC".
	Code string
	// Network is the one network a coin moves on; empty for won.
	Network string
	// WithdrawFee is paid on top of the amount, WithdrawLeast is the smallest amount.
	WithdrawFee, WithdrawLeast money.Amount
	// Most is how much a deposit of paper money may bring a balance up to.
	Most money.Amount
}

// IsCoin says whether the currency can be withdrawn to an address.
func (c Currency) IsCoin() bool { return c.Network != "" }

// The bounds on deposits keep every book far away from what an Amount can hold: the sum of all of them is below 6·10¹⁰ won.
var currencies = []Currency{
	{Code: "KRW", Most: 10_000_000_000 * money.One},
	{Code: "BTC", Network: "BTC", WithdrawFee: money.One / 5_000, WithdrawLeast: money.One / 1_000, Most: 100 * money.One},
	{Code: "ETH", Network: "ETH", WithdrawFee: money.One / 500, WithdrawLeast: money.One / 100, Most: 2_000 * money.One},
	{Code: "XRP", Network: "XRP", WithdrawFee: money.One / 2, WithdrawLeast: 2 * money.One, Most: 1_000_000 * money.One},
	{Code: "SOL", Network: "SOL", WithdrawFee: money.One / 100, WithdrawLeast: money.One / 20, Most: 20_000 * money.One},
}

// Currencies lists what can be held, won first. The caller owns the slice.
func Currencies() []Currency { return slices.Clone(currencies) }

// CurrencyByCode finds a currency.
func CurrencyByCode(code string) (Currency, bool) {
	i := slices.IndexFunc(currencies, func(c Currency) bool { return c.Code == code })
	if i < 0 {
		return Currency{}, false
	}
	return currencies[i], true
}
