// Package page renders the paper exchange's one page, on the server, for a reader without script; only a withdrawal needs some, as the passkey does that confirms it.
//
// It is handed finished texts and knows no rule: what may be done was decided before, and here only decides which form is
// shown. It draws no text of its own but numbers.
//
// Invariant: nothing it writes needs more than the policy in CSP: no inline style or script, no handler, no foreign origin.
package page

import "github.com/seed-21c57000/sallyport/internal/sandbox/words"

// CSP is the policy under which every page is sent. Assets and forms come from and go to the page's own origin only.
const CSP = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// View is everything the page shows.
type View struct {
	*words.Words
	// Environment is the words for it, Name whose books these are.
	Environment, Name string
	// Whose tells apart, in the browser, what the user of these books has waiting there.
	Whose string
	// Dashboard is the gate's origin; empty where it is not known.
	Dashboard string
	Live      bool
	// AsOf is the time of day of the prices.
	AsOf Moment
	// Done is what has just happened, Problem what was refused; at most one is set.
	Done, Problem string
	// Missing are the reasons why something cannot be done in this session.
	Missing []string
	// CanTrade, CanCancel and CanSend say which forms are there.
	CanTrade, CanCancel, CanSend bool

	Markets []Card
	Market  Detail
	Order   OrderForm
	Deposit TransferForm
	Send    TransferForm

	Balances  []Holding
	Worth     string
	Open      []OpenOrder
	Fills     []Trade
	Transfers []Movement
}

// Moment is a time for readers, with the same for machines.
type Moment struct{ Text, Machine string }

// Move is how a price changed over a day: the sign picks colour, icon and word.
type Move struct {
	Sign int
	Rate string
}

// Card is a market in the list.
type Card struct {
	ID, Name, Price string
	Move            Move
	Spark           Spark
	Current         bool
}

// Detail is the chosen market.
type Detail struct {
	ID, Asset, Name           string
	Last, High, Low, Turnover string
	Move                      Move
	Chart                     Spark
	ChartTitle                string
	ChartRows                 []ChartRow
	Asks, Bids                []Level // both from high to low
	Spread                    string
}

// ChartRow is a point of the chart in numbers.
type ChartRow struct {
	At    Moment
	Price string
}

// Level is one line of the order book; Share is its size in percent of the largest one shown.
type Level struct{ Price, Size, Share string }

// OrderForm is the form for an order, as it was last sent.
type OrderForm struct {
	Sell, AtMarket         bool
	Price, Quantity, Spend string
	PriceUnit, Available   string
	// Wrong is the name of the field that caused the page's problem, empty for none.
	Wrong string
}

// TransferForm is the form for a deposit or withdrawal, as it was last sent.
type TransferForm struct {
	Currency, Amount, Address, Tag string
	Choices                        []Choice
	// Place says where a withdrawal is confirmed; it may be empty.
	Place string
	// Wrong is the name of the field that caused the page's problem, empty for none.
	Wrong string
}

// Choice is one currency of a form, with its terms; Network and Fee are what a withdrawal of it says, Least and Free its bounds.
type Choice struct{ Code, Terms, Network, Fee, Least, Free string }

// Field is one text input of a form.
type Field struct {
	ID, Name, Label, Value, Hint string
	// Wrong is the name of the form's field that caused the problem.
	Wrong string
	// Decimal asks for a keypad of digits.
	Decimal bool
}

// Holding is what is held of one currency.
type Holding struct{ Currency, Free, Locked, AvgPrice, Value string }

// OpenOrder is an order that waits.
type OpenOrder struct {
	ID               string
	At               Moment
	Market           string
	Sell             bool
	Price, Quantity  string
	Filled, PlacedBy string
}

// Trade is a fill.
type Trade struct {
	At                   Moment
	Market               string
	Sell                 bool
	Price, Quantity, Fee string
}

// Movement is a deposit or withdrawal; only a withdrawal has a destination.
type Movement struct {
	At                               Moment
	Kind, Amount, State, Destination string
}

// ProblemView is a page that says only why there is no other.
type ProblemView struct {
	*words.Words
	Text string
}
