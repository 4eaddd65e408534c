package ledger

// Refusal is why the ledger did not do what it was asked; nothing has changed. The words are Upbit's, because bots know them.
type Refusal string

// Error is the word.
func (r Refusal) Error() string { return string(r) }

// The refusals.
const (
	// MarketNotFound: no such market.
	MarketNotFound Refusal = "notfoundmarket"
	// Invalid: a value that is not among the allowed ones, or one too many or too few.
	Invalid Refusal = "validation_error"
	// BadBid, BadAsk: price and volume do not fit the type of order.
	BadBid Refusal = "create_bid_error"
	BadAsk Refusal = "create_ask_error"
	// PriceBid, PriceAsk: the price is not a multiple of the price unit.
	PriceBid Refusal = "invalid_price_bid"
	PriceAsk Refusal = "invalid_price_ask"
	// VolumeBid, VolumeAsk: the volume is not positive.
	VolumeBid Refusal = "invalid_volume_bid"
	VolumeAsk Refusal = "invalid_volume_ask"
	// TooSmallBid, TooSmallAsk: worth less than LeastTotal.
	TooSmallBid Refusal = "under_min_total_bid"
	TooSmallAsk Refusal = "under_min_total_ask"
	// TooLargeBid, TooLargeAsk: worth more than MostTotal.
	TooLargeBid Refusal = "over_krw_funds_bid"
	TooLargeAsk Refusal = "over_krw_funds_ask"
	// TimeInForce: unknown, or not for this type of order.
	TimeInForce Refusal = "invalid_time_in_force"
	// IdentifierUsed: an identifier names one order of a book for ever.
	IdentifierUsed Refusal = "duplicated_identifier"
	// ShortBid, ShortAsk: the free balance does not cover the order.
	ShortBid Refusal = "insufficient_funds_bid"
	ShortAsk Refusal = "insufficient_funds_ask"
	// TooManyOrders: MaxOpen orders are open.
	TooManyOrders Refusal = "too_many_orders"
	// OrderNotFound: no such order in this book, or none that is still open.
	OrderNotFound Refusal = "order_not_found"

	// CurrencyNotFound: nothing of that name can be moved that way.
	CurrencyNotFound Refusal = "currency_not_found"
	// AmountInvalid: an amount that is not positive, or above what a paper deposit may bring.
	AmountInvalid Refusal = "invalid_amount"
	// WithdrawTooSmall: below the least amount of the currency.
	WithdrawTooSmall Refusal = "under_min_amount_withdraw"
	// AddressInvalid: no address can look like that, or it is for another network.
	AddressInvalid Refusal = "invalid_withdraw_address"
	// ShortWithdraw: the free balance does not cover amount and fee.
	ShortWithdraw Refusal = "insufficient_funds_withdraw"
	// DepositNotFound, WithdrawNotFound: no such transfer in this book.
	DepositNotFound  Refusal = "deposit_not_found"
	WithdrawNotFound Refusal = "withdraw_not_found"
)

// bySide picks the refusal of the order's side.
func (o *Order) bySide(bid, ask Refusal) Refusal {
	if o.buys() {
		return bid
	}
	return ask
}
