package ledger_test

import (
	"errors"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
)

// Money moves between the books of one account and environment, whole or not at all, and a book that was opened before it said whose it is takes
// part once its owner has changed something.
func TestMove(t *testing.T) {
	d := openDesk(t)
	mine := ledger.Owner{Environment: "test", Account: "acc_1", Subaccount: "sub_1"}
	makers := ledger.Owner{Environment: "test", Account: "acc_1", Subaccount: "sub_2"}
	old := ledger.Owner{Environment: "test", Subaccount: "sub_old"}
	for _, o := range []ledger.Owner{mine, makers, old, {Environment: "test", Account: "acc_2", Subaccount: "sub_3"}, {Environment: "live", Account: "acc_1", Subaccount: "sub_4"}} {
		if _, err := d.Balances(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for name, row := range map[string]struct {
		to, currency, amount string
		want                 error
	}{
		"another account's":       {"sub_3", "BTC", "0.1", ledger.ErrBookNotFound},
		"another environment's":   {"sub_4", "BTC", "0.1", ledger.ErrBookNotFound},
		"itself":                  {"sub_1", "BTC", "0.1", ledger.ErrBookNotFound},
		"nobody's":                {"sub_9", "BTC", "0.1", ledger.ErrBookNotFound},
		"one that does not say":   {"sub_old", "BTC", "0.1", ledger.ErrBookNotFound},
		"more than there is":      {"sub_2", "BTC", "0.6", ledger.ErrShortWithdraw},
		"nothing":                 {"sub_2", "BTC", "0", ledger.ErrAmountInvalid},
		"what there is none of":   {"sub_2", "XRP", "1", ledger.ErrShortWithdraw},
		"no currency of this one": {"sub_2", "DOGE", "1", ledger.ErrCurrencyNotFound},
		"to the other":            {"sub_2", "BTC", "0.2", nil},
		"won to the other":        {"sub_2", "KRW", "1000", nil},
	} {
		if _, err := d.Move(t.Context(), mine, row.to, ledger.Funds{Currency: row.currency, Amount: amount(row.amount)}); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
	for o, want := range map[ledger.Owner]string{mine: "0.3", makers: "0.7"} {
		list, err := d.Balances(t.Context(), o)
		if err != nil || len(list) != 2 || list[1].Currency != "BTC" || list[1].Free != amount(want) || list[1].Locked != 0 {
			t.Errorf("%s has %+v, %v; want %s BTC", o.Subaccount, list, err, want)
		}
	}
	old.Account = "acc_1"
	if _, err := d.Deposit(t.Context(), old, ledger.Funds{Currency: "KRW", Amount: amount("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Move(t.Context(), mine, old.Subaccount, ledger.Funds{Currency: "BTC", Amount: amount("0.1")}); err != nil {
		t.Errorf("to one that says so now: %v", err)
	}
}
