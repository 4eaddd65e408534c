package ledger

// RefusalError is why the ledger did not do what it was asked; nothing has changed. The words are Upbit's, because bots know them.
type RefusalError string

// Error is the word.
func (r RefusalError) Error() string { return string(r) }

// The refusals.
const (
	// ErrMarketNotFound: no such market.
	ErrMarketNotFound RefusalError = "notfoundmarket"
	// ErrInvalid: a value that is not among the allowed ones, or one too many or too few.
	ErrInvalid RefusalError = "validation_error"
	// ErrBadBid, ErrBadAsk: price and volume do not fit the type of order.
	ErrBadBid RefusalError = "create_bid_error"
	ErrBadAsk RefusalError = "create_ask_error"
	// ErrPriceBid, ErrPriceAsk: the price is not a multiple of the price unit.
	ErrPriceBid RefusalError = "invalid_price_bid"
	ErrPriceAsk RefusalError = "invalid_price_ask"
	// ErrVolumeBid, ErrVolumeAsk: the volume is not positive.
	ErrVolumeBid RefusalError = "invalid_volume_bid"
	ErrVolumeAsk RefusalError = "invalid_volume_ask"
	// ErrTooSmallBid, ErrTooSmallAsk: worth less than LeastTotal.
	ErrTooSmallBid RefusalError = "under_min_total_bid"
	ErrTooSmallAsk RefusalError = "under_min_total_ask"
	// ErrTooLargeBid, ErrTooLargeAsk: worth more than MostTotal.
	ErrTooLargeBid RefusalError = "over_krw_funds_bid"
	ErrTooLargeAsk RefusalError = "over_krw_funds_ask"
	// ErrTimeInForce: unknown, or not for this type of order.
	ErrTimeInForce RefusalError = "invalid_time_in_force"
	// ErrIdentifierUsed: an identifier names one order of a book for ever.
	ErrIdentifierUsed RefusalError = "duplicated_identifier"
	// ErrShortBid, ErrShortAsk: the free balance does not cover the order.
	ErrShortBid RefusalError = "insufficient_funds_bid"
	ErrShortAsk RefusalError = "insufficient_funds_ask"
	// ErrTooManyOrders: MaxOpen orders are open.
	ErrTooManyOrders RefusalError = "too_many_orders"
	// ErrOrderNotFound: no such order in this book, or none that is still open.
	ErrOrderNotFound RefusalError = "order_not_found"

	// ErrCurrencyNotFound: nothing of that name can be moved that way.
	ErrCurrencyNotFound RefusalError = "currency_not_found"
	// ErrAmountInvalid: an amount that is not positive, or above what a paper deposit may bring.
	ErrAmountInvalid RefusalError = "invalid_amount"
	// ErrFeeAboveMax: the fee is more than its user confirmed.
	ErrFeeAboveMax RefusalError = "fee_above_max"
	// ErrWithdrawTooSmall: below the least amount of the currency.
	ErrWithdrawTooSmall RefusalError = "under_min_amount_withdraw"
	// ErrAddressInvalid: no address can look like that, or it is for another network.
	ErrAddressInvalid RefusalError = "invalid_withdraw_address"
	// ErrShortWithdraw: the free balance does not cover amount and fee.
	ErrShortWithdraw RefusalError = "insufficient_funds_withdraw"
	// ErrBookNotFound: the account has no other book of that subaccount; one is opened at its first sight.
	ErrBookNotFound RefusalError = "subaccount_not_found"
	// ErrDepositNotFound, ErrWithdrawNotFound: no such transfer in this book.
	ErrDepositNotFound  RefusalError = "deposit_not_found"
	ErrWithdrawNotFound RefusalError = "withdraw_not_found"
)

// bySide picks the refusal of the order's side.
func (o *Order) bySide(bid, ask RefusalError) RefusalError {
	if o.buys() {
		return bid
	}
	return ask
}
