package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

const address = "bc1qpaperpaperpaperpaper"

func TestWithdraw(t *testing.T) {
	d := openDesk(t)
	sent, err := d.Withdraw(t.Context(), me, ledger.Funds{Currency: "BTC", Amount: amount("0.1")}, ledger.Destination{Network: "BTC", Address: address})
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.Transfer{
		ID: sent.ID, Kind: ledger.Withdraw, Currency: "BTC", Network: "BTC", Address: address,
		Amount: amount("0.1"), Fee: amount("0.0002"), Price: d.bid(), CreatedAt: start,
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantBalances(t, d, map[string]string{"KRW": "10000000+0", "BTC": "0.3998+0.1002"})

	for _, step := range []struct {
		after    time.Duration
		progress ledger.Progress
		btc      string
	}{
		{5*time.Second - time.Microsecond, ledger.Processing, "0.3998+0.1002"},
		{5 * time.Second, ledger.Finished, "0.3998+0"},
		{10 * time.Second, ledger.Finished, "0.3998+0"},
	} {
		d.now = start.Add(step.after)
		d.advance(t)
		list, err := d.Transfers(t.Context(), me, ledger.TransferFilter{Kind: ledger.Withdraw, Limit: 10})
		if err != nil || len(list) != 1 || list[0].Progress() != step.progress {
			t.Errorf("after %v: %+v, %v", step.after, list, err)
		}
		wantBalances(t, d, map[string]string{"KRW": "10000000+0", "BTC": step.btc})
	}
}

func TestWithdrawRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		currency, amount, network, address, tag string
		want                                    ledger.RefusalError
	}{
		"won":                {"KRW", "10000", "", address, "", ledger.ErrCurrencyNotFound},
		"unknown":            {"DOGE", "1", "DOGE", address, "", ledger.ErrCurrencyNotFound},
		"nothing":            {"BTC", "0", "BTC", address, "", ledger.ErrAmountInvalid},
		"beyond bounds":      {"BTC", "92233720368", "BTC", address, "", ledger.ErrAmountInvalid},
		"too little":         {"BTC", "0.00099999", "BTC", address, "", ledger.ErrWithdrawTooSmall},
		"other network":      {"BTC", "0.1", "ETH", address, "", ledger.ErrAddressInvalid},
		"short address":      {"BTC", "0.1", "BTC", "bc1", "", ledger.ErrAddressInvalid},
		"space inside":       {"BTC", "0.1", "BTC", "bc1q paper paper", "", ledger.ErrAddressInvalid},
		"Cyrillic а":         {"BTC", "0.1", "BTC", "bc1qpаper", "", ledger.ErrAddressInvalid},
		"line break":         {"BTC", "0.1", "BTC", address, "1\n2", ledger.ErrAddressInvalid},
		"more than there is": {"BTC", "0.5", "BTC", address, "", ledger.ErrShortWithdraw},
		"none of it":         {"SOL", "1", "SOL", address, "", ledger.ErrShortWithdraw},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t)
			before := balances(t, d, me)
			_, err := d.Withdraw(t.Context(), me, ledger.Funds{Currency: row.currency, Amount: amount(row.amount)},
				ledger.Destination{Network: row.network, Address: row.address, Tag: row.tag})
			if !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
			wantBalances(t, d, before)
		})
	}
}

func TestDeposit(t *testing.T) {
	d := openDesk(t)
	deposit := func(currency, text string) error {
		_, err := d.Deposit(t.Context(), me, ledger.Funds{Currency: currency, Amount: amount(text)})
		return err
	}
	for _, row := range []struct {
		currency, amount string
		want             error
	}{
		{"XRP", "10", nil},
		{"KRW", "9990000000", nil},
		{"KRW", "0.00000001", ledger.ErrAmountInvalid}, // at the bound
		{"BTC", "0", ledger.ErrAmountInvalid},
		{"BTC", "90000000000", ledger.ErrAmountInvalid},
		{"DOGE", "1", ledger.ErrCurrencyNotFound},
	} {
		if err := deposit(row.currency, row.amount); !errors.Is(err, row.want) {
			t.Errorf("%s %s: %v, want %v", row.amount, row.currency, err, row.want)
		}
	}
	wantBalances(t, d, map[string]string{"KRW": "10000000000+0", "BTC": "0.5+0", "XRP": "10+0"})
}

func TestTransfersFilter(t *testing.T) {
	d := openDesk(t)
	deposited, err := d.Deposit(t.Context(), me, ledger.Funds{Currency: "XRP", Amount: amount("100")})
	if err != nil {
		t.Fatal(err)
	}
	var sent []ledger.ID
	for range 2 {
		w, err := d.Withdraw(t.Context(), me, ledger.Funds{Currency: "XRP", Amount: amount("20")}, ledger.Destination{Network: "XRP", Address: address, Tag: "7"})
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, w.ID)
		d.now = d.now.Add(3 * time.Second)
	}
	d.advance(t)
	for name, row := range map[string]struct {
		filter ledger.TransferFilter
		want   []ledger.ID
	}{
		"newest first":    {ledger.TransferFilter{Kind: ledger.Withdraw}, []ledger.ID{sent[1], sent[0]}},
		"oldest first":    {ledger.TransferFilter{Kind: ledger.Withdraw, OldestFirst: true}, sent},
		"processing":      {ledger.TransferFilter{Kind: ledger.Withdraw, Progress: ledger.Processing}, sent[1:]},
		"finished":        {ledger.TransferFilter{Kind: ledger.Withdraw, Progress: ledger.Finished}, sent[:1]},
		"currency":        {ledger.TransferFilter{Kind: ledger.Deposit, Currency: "XRP"}, []ledger.ID{deposited.ID}},
		"id":              {ledger.TransferFilter{Kind: ledger.Withdraw, ID: sent[0]}, sent[:1]},
		"id of a deposit": {ledger.TransferFilter{Kind: ledger.Withdraw, ID: deposited.ID}, nil},
		"second page":     {ledger.TransferFilter{Kind: ledger.Withdraw, Skip: 1}, sent[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			row.filter.Limit = 10
			list, err := d.Transfers(t.Context(), me, row.filter)
			var got []ledger.ID
			for _, transfer := range list {
				got = append(got, transfer.ID)
			}
			if diff := cmp.Diff(row.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// What was answered is in the file: whoever opens it then, without the first having closed it, sees everything.
func TestDurability(t *testing.T) {
	d := openDesk(t)
	rested, err := d.Place(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: amount("100000000"), Volume: amount("0.001"), Identifier: "mine", PlacedBy: "spk_1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = d.Place(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Ask, Type: ledger.Sell, Volume: amount("0.2")}); err != nil {
		t.Fatal(err)
	}
	if _, err = d.Withdraw(t.Context(), me, ledger.Funds{Currency: "BTC", Amount: amount("0.1")}, ledger.Destination{Network: "BTC", Address: address}); err != nil {
		t.Fatal(err)
	}
	before := balances(t, d, me)

	again := newDesk(t, d.path)
	wantBalances(t, again, before)
	got, err := again.Order(t.Context(), me, ledger.Ref{Identifier: "mine"})
	if diff := cmp.Diff(rested, got, cmp.AllowUnexported(ledger.Order{}, market.Market{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	again.now = start.Add(time.Minute)
	again.advance(t)
	wantBalances(t, again, map[string]string{"KRW": before["KRW"], "BTC": "0.1998+0"})
}

// An acknowledged commit survives a power cut only with these two settings (WAL alone syncs at checkpoints).
func TestSettingsOfTheFile(t *testing.T) {
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "paper.db"), ledger.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "user_version": "2"} {
		if got, err := ledger.Pragma(l, pragma); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name?#%.db")
	d := newDesk(t, path)
	wantBalances(t, d, map[string]string{"KRW": "10000000+0", "BTC": "0.5+0"})
	stat, err := os.Stat(path)
	if err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", stat, err)
	}
	if err := ledger.SetVersion(d.Ledger, 99); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Open(t.Context(), path, ledger.Config{Now: time.Now}); err == nil {
		t.Error("a file of a newer release was opened")
	}
	if _, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "none", "x.db"), ledger.Config{Now: time.Now}); err == nil {
		t.Error("a folder that is not there")
	}
	if _, err := ledger.Open(t.Context(), path, ledger.Config{}); err == nil {
		t.Error("no clock")
	}
}

// A hundred at once: the money is spent once, the book is opened once, the identifier is taken once, the order ends once.
func TestRaces(t *testing.T) {
	d := openDesk(t)
	race := func(name string, want int, fn func() error) {
		t.Helper()
		var (
			wg  sync.WaitGroup
			mu  sync.Mutex
			won int
		)
		for range 100 {
			wg.Go(func() {
				err := fn()
				var refusal ledger.RefusalError
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case !errors.As(err, &refusal):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		if won != want {
			t.Errorf("%s: %d of 100, want %d", name, won, want)
		}
	}
	race("first sight", 100, func() error { _, err := d.Balances(t.Context(), me); return err })
	wantBalances(t, d, map[string]string{"KRW": "10000000+0", "BTC": "0.5+0"})

	sell := ledger.Ticket{Market: "KRW-BTC", Side: market.Ask, Type: ledger.Sell, Volume: amount("0.05")}
	race("ten sales", 10, func() error { _, err := d.Place(t.Context(), me, sell); return err })

	rest := ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: amount("100000000"), Volume: amount("0.001"), Identifier: "one"}
	race("one identifier", 1, func() error { _, err := d.Place(t.Context(), me, rest); return err })
	race("one end", 1, func() error { _, err := d.Cancel(t.Context(), me, ledger.Ref{Identifier: "one"}); return err })

	if got := balances(t, d, me)["BTC"]; got != "" {
		t.Errorf("all bitcoin was sold, left %q", got)
	}
}

// What is too large for the market's offers is filled second by second, and never beyond its volume.
func TestRestIsFilledInParts(t *testing.T) {
	d := openDesk(t)
	if _, err := d.Deposit(t.Context(), me, ledger.Funds{Currency: "KRW", Amount: amount("1000000000")}); err != nil {
		t.Fatal(err)
	}
	bid := walk.Ask(xrp, market.StepAt(d.now)) + 20*money.One
	o, err := d.Place(t.Context(), me, ledger.Ticket{Market: "KRW-XRP", Side: market.Bid, Type: ledger.Limit, Price: bid, Volume: amount("300000")})
	if err != nil || o.State != ledger.Wait || o.ExecutedVolume == 0 {
		t.Fatalf("%+v, %v", o, err)
	}
	first := len(o.Fills)
	for o.State == ledger.Wait && d.now.Before(start.Add(time.Minute)) {
		d.now = d.now.Add(time.Second)
		d.advance(t)
		if o, err = d.Order(t.Context(), me, ledger.Ref{ID: o.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if o.State != ledger.Done || o.ExecutedVolume != o.Volume || len(o.Fills) < first+1 || o.Fills[len(o.Fills)-1].Price != bid {
		t.Errorf("%+v", o)
	}
}

// An order does not meet a market from before it was placed, however late the ledger learns of that market.
func TestOrderDoesNotMeetThePast(t *testing.T) {
	d := openDesk(t)
	now, lowest := market.StepAt(d.now), d.ask()
	for s := now; s < now+300; s++ {
		if a := walk.Ask(btc, s); a < lowest {
			lowest = a
		} else if a > lowest+20*market.Unit(lowest) {
			d.now = s.Time() // the market was lower since the last Advance, and is not now
			break
		}
	}
	o, err := d.Place(t.Context(), me, ledger.Ticket{Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: lowest, Volume: amount("0.01")})
	if err != nil || o.State != ledger.Wait || market.StepAt(d.now) == now {
		t.Fatalf("%+v, %v", o, err)
	}
	d.advance(t)
	if o, err = d.Order(t.Context(), me, ledger.Ref{ID: o.ID}); err != nil || o.State != ledger.Wait {
		t.Errorf("%+v, %v", o, err)
	}
}

// Late or on time, in one call or in many: Advance gives the same fills.
func TestAdvanceLate(t *testing.T) {
	prompt, late := openDesk(t), openDesk(t)
	for _, d := range []*desk{prompt, late} {
		for i := range money.Amount(20) {
			_, err := d.Place(t.Context(), me, ledger.Ticket{
				Market: "KRW-BTC", Side: market.Bid, Type: ledger.Limit, Price: d.bid() - i*20*market.Unit(d.bid()), Volume: amount("0.002"),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 600 {
		prompt.now = prompt.now.Add(time.Second)
		prompt.advance(t)
	}
	late.now = late.now.Add(600 * time.Second)
	late.advance(t)
	type fill struct {
		Price, Volume money.Amount
		At            time.Time
	}
	fills := func(d *desk) (list []fill) {
		recent, err := d.RecentFills(t.Context(), me, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range recent {
			list = append(list, fill{f.Price, f.Volume, f.CreatedAt})
		}
		return list
	}
	if diff := cmp.Diff(fills(prompt), fills(late), cmp.Transformer("set", asSet[fill])); diff != "" {
		t.Errorf("(-prompt +late):\n%s", diff)
	}
	if len(fills(prompt)) == 0 {
		t.Error("the market met no order: the test shows nothing")
	}
}

func asSet[T comparable](list []T) map[T]int {
	set := map[T]int{}
	for _, v := range list {
		set[v]++
	}
	return set
}
