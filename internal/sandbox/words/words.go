// Package words owns every sentence of the paper exchange, in English and Korean: its page, and the messages of its API.
//
// It does not know what the sentences are about. A page names a field of Words, so that a text which does not exist does not
// compile; the tests hold that both languages have all of them, with the same placeholders.
package words

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

// Words are the texts of one language. Placeholders are names in braces, filled by With.
type Words struct {
	// Lang is the language's code, for the lang attribute.
	Lang string `json:"lang"`
	// DateTime is the layout of a date in a table, for time.Format.
	DateTime string `json:"date_time"`
	// Clock is the layout of a time of day.
	Clock string `json:"clock"`

	Title    string `json:"title"`
	Skip     string `json:"skip"`
	Live     string `json:"live"`
	Test     string `json:"test"`
	Nobody   string `json:"nobody"`
	Footer   string `json:"footer"`
	AsOf     string `json:"as_of"`
	Refresh  string `json:"refresh"`
	BackHome string `json:"back_home"`

	LookingOnly    string `json:"looking_only"`
	NoTradeScope   string `json:"no_trade_scope"`
	NoCancelScope  string `json:"no_cancel_scope"`
	NoMoneyScope   string `json:"no_money_scope"`
	PasskeyAsked   string `json:"passkey_asked"`
	ConfirmedAt    string `json:"confirmed_at"`
	AddPasskey     string `json:"add_passkey"`
	ToGate         string `json:"to_gate"`
	SendHeld       string `json:"send_held"`
	SendHeldOpen   string `json:"send_held_open"`
	SendHeldLocked string `json:"send_held_locked"`
	SendVoid       string `json:"send_void"`
	SendWaiting    string `json:"send_waiting"`
	SendCancel     string `json:"send_cancel"`
	SendUnlock     string `json:"send_unlock"`
	NothingChanged string `json:"nothing_changed"`

	Markets    string `json:"markets"`
	Last       string `json:"last"`
	Up         string `json:"up"`
	Down       string `json:"down"`
	Even       string `json:"even"`
	OneDay     string `json:"one_day"`
	High       string `json:"high"`
	Low        string `json:"low"`
	Turnover   string `json:"turnover"`
	ChartTitle string `json:"chart_title"`
	ChartTable string `json:"chart_table"`
	Book       string `json:"book"`
	BookNote   string `json:"book_note"`
	Spread     string `json:"spread"`

	NewOrder    string `json:"new_order"`
	Side        string `json:"side"`
	Buy         string `json:"buy"`
	Sell        string `json:"sell"`
	Type        string `json:"type"`
	Limit       string `json:"limit"`
	AtMarket    string `json:"at_market"`
	Price       string `json:"price"`
	PriceUnit   string `json:"price_unit"`
	Quantity    string `json:"quantity"`
	Volume      string `json:"volume"`
	Spend       string `json:"spend"`
	Available   string `json:"available"`
	FeeNote     string `json:"fee_note"`
	PlaceOrder  string `json:"place_order"`
	Balances    string `json:"balances"`
	Worth       string `json:"worth"`
	Asset       string `json:"asset"`
	Free        string `json:"free"`
	Locked      string `json:"locked"`
	AvgPrice    string `json:"avg_price"`
	Value       string `json:"value"`
	OpenOrders  string `json:"open_orders"`
	NoOrders    string `json:"no_orders"`
	Time        string `json:"time"`
	Market      string `json:"market"`
	Filled      string `json:"filled"`
	PlacedBy    string `json:"placed_by"`
	You         string `json:"you"`
	Key         string `json:"key"`
	CancelOrder string `json:"cancel_order"`
	CancelAll   string `json:"cancel_all"`
	Fills       string `json:"fills"`
	NoFills     string `json:"no_fills"`
	Fee         string `json:"fee"`

	Transfers   string `json:"transfers"`
	NoTransfers string `json:"no_transfers"`
	Kind        string `json:"kind"`
	Amount      string `json:"amount"`
	Destination string `json:"destination"`
	Deposit     string `json:"deposit"`
	Withdrawal  string `json:"withdrawal"`
	Arrived     string `json:"arrived"`
	Processing  string `json:"processing"`
	Sent        string `json:"sent"`
	DepositForm string `json:"deposit_form"`
	DepositNote string `json:"deposit_note"`
	Add         string `json:"add"`
	SendForm    string `json:"send_form"`
	Address     string `json:"address"`
	Tag         string `json:"tag"`
	TagNote     string `json:"tag_note"`
	SendFees    string `json:"send_fees"`
	Send        string `json:"send"`
	SendScript  string `json:"send_script"`

	// Done: what happened, by the code in the page's address.
	Done map[string]string `json:"done"`
	// HoldReasons: why the gate holds withdrawals, by its word for it; "other" for one that came later.
	HoldReasons map[string]string `json:"hold_reasons"`
	// Refusals: why something was refused, by Upbit's name for it.
	Refusals map[string]string `json:"refusals"`
}

//go:embed en.json ko.json
var files embed.FS

var languages = map[string]*Words{"en": load("en"), "ko": load("ko")}

// load panics on a catalogue that does not fit: it is embedded, so only a mistake of ours can break it.
func load(lang string) *Words {
	raw, err := files.ReadFile(lang + ".json")
	if err != nil {
		panic(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	w := &Words{}
	if err := decoder.Decode(w); err != nil {
		panic(fmt.Sprintf("words: %s: %v", lang, err))
	}
	return w
}

// In gives the texts of a language, English for one we do not speak. Nobody may change them.
func In(lang string) *Words {
	if w, ok := languages[lang]; ok {
		return w
	}
	return languages["en"]
}

// With fills the placeholders of a text: With("{a} of {b}", "a", "1", "b", "2").
func With(text string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Refusal is the sentence for a refusal; an unknown one is called by its name.
func (w *Words) Refusal(name string) string {
	if text, ok := w.Refusals[name]; ok {
		return text
	}
	return name
}
