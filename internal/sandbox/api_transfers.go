package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

type transferJSON struct {
	Type            string  `json:"type"`
	UUID            string  `json:"uuid"`
	Currency        string  `json:"currency"`
	NetType         *string `json:"net_type"`
	TxID            *string `json:"txid"`
	State           string  `json:"state"`
	CreatedAt       string  `json:"created_at"`
	DoneAt          *string `json:"done_at"`
	Amount          string  `json:"amount"`
	Fee             string  `json:"fee"`
	KRWAmount       string  `json:"krw_amount"`
	TransactionType string  `json:"transaction_type"`
}

func transferOf(t ledger.Transfer) transferJSON {
	body := transferJSON{
		Type: string(t.Kind), UUID: t.ID.String(), Currency: t.Currency, State: "ACCEPTED", CreatedAt: kst(t.CreatedAt),
		Amount: t.Amount.String(), Fee: t.Fee.String(), KRWAmount: t.Amount.String(), TransactionType: "default",
	}
	if c, _ := ledger.CurrencyByCode(t.Currency); c.IsCoin() {
		worth, _ := t.Amount.Times(t.Price) // bounded by the currency's Most
		body.NetType, body.KRWAmount = new(c.Network), worth.String()
	}
	switch {
	case t.Progress() == ledger.Processing:
		body.State = "PROCESSING"
		return body
	case t.Kind == ledger.Withdraw:
		body.State = "DONE"
	}
	body.DoneAt, body.TxID = new(kst(t.DoneAt)), new(paperHash("transaction", t.ID.String()))
	return body
}

// paperHash makes what looks like something on a chain and is not: its first letters say so.
func paperHash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "paper" + hex.EncodeToString(sum[:])[5:]
}

func (x *Exchange) deposits(c call) (any, error)  { return x.listTransfers(c, ledger.Deposit) }
func (x *Exchange) withdraws(c call) (any, error) { return x.listTransfers(c, ledger.Withdraw) }

// progressIn is what Upbit's word for a state means here; none for a state that nothing reaches.
func progressIn(kind ledger.Kind, state string) (p ledger.Progress, reached bool) {
	switch strings.ToUpper(state) {
	case "":
		return "", true
	case "PROCESSING":
		return ledger.Processing, true
	case "DONE":
		return ledger.Finished, kind == ledger.Withdraw
	case "ACCEPTED":
		return ledger.Finished, kind == ledger.Deposit
	}
	return "", false
}

func (x *Exchange) listTransfers(c call, kind ledger.Kind) (any, error) {
	f := ledger.TransferFilter{Kind: kind, Currency: c.in["currency"]}
	var err error
	if f.Limit, f.Skip, f.OldestFirst, err = c.in.window(100, 100); err != nil {
		return nil, err
	}
	list := []transferJSON{}
	var reached bool
	if f.Progress, reached = progressIn(kind, c.in["state"]); !reached {
		return list, nil
	}
	transfers, err := x.books.Transfers(c.Context(), ownerOf(c.who), f)
	for _, t := range transfers {
		list = append(list, transferOf(t))
	}
	return list, err
}

func (x *Exchange) deposit(c call) (any, error) {
	return x.oneTransfer(c, ledger.Deposit, ledger.ErrDepositNotFound)
}

func (x *Exchange) withdraw(c call) (any, error) {
	return x.oneTransfer(c, ledger.Withdraw, ledger.ErrWithdrawNotFound)
}

// oneTransfer finds a transfer by its uuid or, without one, the newest of the currency.
func (x *Exchange) oneTransfer(c call, kind ledger.Kind, missing ledger.RefusalError) (any, error) {
	f := ledger.TransferFilter{Kind: kind, Currency: c.in["currency"], Limit: 1}
	if text := c.in["uuid"]; text != "" {
		id, ok := ledger.ParseID(text)
		if !ok {
			return nil, missing
		}
		f.ID = id
	} else if c.in["txid"] != "" {
		return nil, ledger.ErrInvalid
	}
	found, err := x.books.Transfers(c.Context(), ownerOf(c.who), f)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, missing
	}
	return transferOf(found[0]), nil
}

func (c call) funds() (ledger.Funds, error) {
	amount, err := c.in.amount("amount", ledger.ErrAmountInvalid)
	return ledger.Funds{Currency: c.in["currency"], Amount: amount}, err
}

// paperDeposit is this exchange's own: paper money for whoever asks.
func (x *Exchange) paperDeposit(c call) (any, error) {
	f, err := c.funds()
	if err != nil {
		return nil, err
	}
	t, err := x.books.Deposit(c.Context(), ownerOf(c.who), f)
	return transferOf(t), err
}

// feeWithin refuses a withdrawal whose fee is more than its user confirmed; empty text confirmed none in particular.
func feeWithin(most, currency string) error {
	c, _ := ledger.CurrencyByCode(currency)
	if most == "" {
		return nil
	}
	if limit, err := money.Parse(most); err != nil || c.WithdrawFee > limit {
		return ledger.ErrFeeAboveMax
	}
	return nil
}

func (x *Exchange) withdrawCoin(c call) (any, error) {
	f, err := c.funds()
	if err == nil {
		err = feeWithin(c.in["fee_max"], f.Currency)
	}
	if err != nil {
		return nil, err
	}
	t, err := x.books.Withdraw(c.Context(), ownerOf(c.who), f,
		ledger.Destination{Network: c.in["net_type"], Address: c.in["address"], Tag: c.in["secondary_address"]})
	return transferOf(t), err
}

// transfer moves money to another subaccount of the same account.
func (x *Exchange) transfer(c call) (any, error) {
	f, err := c.funds()
	if err != nil {
		return nil, err
	}
	t, err := x.books.Move(c.Context(), ownerOf(c.who), c.in["to_subaccount"], f)
	return transferOf(t), err
}

type addressJSON struct {
	Currency         string  `json:"currency"`
	NetType          string  `json:"net_type"`
	DepositAddress   string  `json:"deposit_address"`
	SecondaryAddress *string `json:"secondary_address"`
}

// addressFor is where a book's coins would arrive if there were a chain. Nobody can send there: it begins with "paper".
func addressFor(o ledger.Owner, c ledger.Currency) addressJSON {
	body := addressJSON{
		Currency: c.Code, NetType: c.Network,
		DepositAddress: paperHash("address", o.Environment, o.Subaccount, c.Code)[:40],
	}
	if c.Code == "XRP" { // a shared address with a number for each book
		sum := sha256.Sum256([]byte(body.DepositAddress))
		body.SecondaryAddress = new(strconv.Itoa(100_000_000 + int(sum[0])<<16 + int(sum[1])<<8 + int(sum[2])))
	}
	return body
}

func (x *Exchange) coinAddresses(c call) (any, error) {
	list := []addressJSON{}
	for _, currency := range ledger.Currencies() {
		if currency.IsCoin() {
			list = append(list, addressFor(ownerOf(c.who), currency))
		}
	}
	return list, nil
}

// coin finds the coin that a parameter names.
func (in params) coin() (ledger.Currency, error) {
	currency, ok := ledger.CurrencyByCode(in["currency"])
	if !ok || !currency.IsCoin() {
		return ledger.Currency{}, ledger.ErrCurrencyNotFound
	}
	return currency, nil
}

func (x *Exchange) coinAddress(c call) (any, error) {
	currency, err := c.in.coin()
	if err != nil {
		return nil, err
	}
	if c.in["net_type"] != currency.Network {
		return nil, ledger.ErrInvalid
	}
	return addressFor(ownerOf(c.who), currency), nil
}

type withdrawChanceJSON struct {
	MemberLevel   memberLevelJSON   `json:"member_level"`
	Currency      currencyJSON      `json:"currency"`
	Account       accountJSON       `json:"account"`
	WithdrawLimit withdrawLimitJSON `json:"withdraw_limit"`
}

type memberLevelJSON struct {
	SecurityLevel int  `json:"security_level"`
	FeeLevel      int  `json:"fee_level"`
	Locked        bool `json:"locked"`
	WalletLocked  bool `json:"wallet_locked"`
}

type currencyJSON struct {
	Code          string   `json:"code"`
	WithdrawFee   string   `json:"withdraw_fee"`
	IsCoin        bool     `json:"is_coin"`
	WalletState   string   `json:"wallet_state"`
	WalletSupport []string `json:"wallet_support"`
}

type withdrawLimitJSON struct {
	Currency    string `json:"currency"`
	Minimum     string `json:"minimum"`
	Onetime     string `json:"onetime"`
	Fixed       int    `json:"fixed"`
	CanWithdraw bool   `json:"can_withdraw"`
}

// decimalPlaces is how exact a withdrawal may be.
const decimalPlaces = 8

func (x *Exchange) withdrawChance(c call) (any, error) {
	currency, err := c.in.coin()
	if err != nil {
		return nil, err
	}
	held, err := x.balanceOf(c, currency.Code)
	if err != nil {
		return nil, err
	}
	return withdrawChanceJSON{
		MemberLevel: memberLevelJSON{SecurityLevel: 4},
		Currency: currencyJSON{
			Code: currency.Code, WithdrawFee: currency.WithdrawFee.String(), IsCoin: true, WalletState: "working",
			WalletSupport: []string{"deposit", "withdraw"},
		},
		Account: accountOf(held),
		WithdrawLimit: withdrawLimitJSON{
			Currency: currency.Code, Minimum: currency.WithdrawLeast.String(), Onetime: currency.Most.String(),
			Fixed: decimalPlaces, CanWithdraw: true,
		},
	}, nil
}
