package gateway

import (
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/sign"
)

// orderPlaces says where an order says what it orders: field → name of a parameter.
//
//	market    which one it is for
//	quantity  how much of what is traded there
//	price     at which price, in the market's own currency; without one the order is a market order
//	amount    how much of the market's own currency is spent, in orders without a quantity
type orderPlaces map[string]string

var orderFields = map[string]bool{"market": true, "quantity": true, "price": true, "amount": true}

// check wants of a route that says it that a market and a size are there. Routes of other classes say nothing.
func (o orderPlaces) check(class scope.Class) error {
	if len(o) == 0 {
		return nil
	}
	if class != scope.Order {
		return errors.New("an order is for the class order")
	}
	for field, name := range o {
		if !orderFields[field] || !plainName.MatchString(name) {
			return fmt.Errorf("order: %s: %q is no place of a field", field, name)
		}
	}
	if o["market"] == "" || o["quantity"] == "" && o["amount"] == "" {
		return errors.New("order: where the market, and a quantity or amount, is found is not said")
	}
	return nil
}

// bound holds an order to what its key may order at most. It comes last, because an order that is counted goes on.
// Errors: key.order_unreadable, and those of apikey.Live.Order.
func (v *visit) bound() error {
	if v.key == nil || v.route.Class != scope.Order || !v.key.Bounded() {
		return nil
	}
	switch {
	case v.unseen:
		return beyond(v.key, fault.New(fault.KeyOrderUnreadable, "problem", "order_unseen"))
	case len(v.route.order) == 0:
		return beyond(v.key, fault.New(fault.KeyOrderUnreadable, "problem", "order_route"))
	}
	market, worth, err := v.route.order.read(v.r.Header, v.raw.Target, v.body, v.host.Upstream.price)
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return beyond(v.key, unreadable(f))
	}
	if err != nil {
		return err
	}
	if wrong := v.key.Order(market, worth, v.now); wrong != nil {
		return beyond(v.key, wrong)
	}
	return nil
}

// beyond refuses what the holder of a key may not do with it, in the words of the dialect that its bot speaks.
func beyond(l *apikey.Live, f *fault.Error) error {
	return &signed.RefusalError{Fault: f, Live: l, Proven: true, Reason: sign.OutOfScope, Dialect: l.Dialect}
}

// unreadable keeps the word of what is wrong with a request, for the owner of the key.
func unreadable(f *fault.Error) *fault.Error {
	word, _ := f.Fields["problem"].(string)
	if word == "" {
		word = "form"
	}
	told := fault.New(fault.KeyOrderUnreadable, "problem", word)
	if seen, ok := f.Fields["seen"]; ok {
		told.Fields["seen"] = seen
	}
	return told
}

// Price is what one unit of what is traded in a market is worth, and one unit of the currency in which its orders name prices and amounts; both
// in the one currency of all ceilings.
type Price struct{ Traded, Unit *big.Rat }

// fields finds what an order says: field → its text, those that are not there left out. Every reader must find the same.
// Errors: request.malformed, request.media_type.
func (o orderPlaces) fields(h http.Header, target string, body []byte) (map[string]string, error) {
	if err := oneForm(h); err != nil {
		return nil, err
	}
	_, query, _ := strings.Cut(target, "?")
	given, beside, err := parametersOf(h["Content-Type"], query, body)
	if err != nil {
		return nil, err
	}
	said := map[string]string{}
	for field, name := range o {
		text, err := given.one(name)
		if err == nil && len(body) > 0 {
			err = beside.none(name)
		}
		if err != nil {
			return nil, err
		}
		if text == "" {
			continue
		}
		if field != "market" {
			if _, ok := apikey.Decimal(text); !ok {
				return nil, fault.New(fault.RequestMalformed, "problem", "order_number", "seen", name)
			}
		}
		said[field] = text
	}
	return said, nil
}

// read finds the market of an order and what it is worth, as two readers must read it alike: a quantity at its own price or at that of the
// moment, whichever is more, because an order to sell far below the price is one at the price; without a quantity the amount. worth is nil
// where nobody knows the price. A number that is nothing says nothing: an exchange may pass over a volume of 0 and spend the amount beside it.
// Errors: request.malformed, request.media_type.
func (o orderPlaces) read(h http.Header, target string, body []byte, priceOf func(market string) (Price, bool)) (market string, worth *big.Rat, err error) {
	texts, err := o.fields(h, target, body)
	if err != nil {
		return "", nil, err
	}
	said := map[string]*big.Rat{}
	for field, text := range texts {
		if n, ok := apikey.Decimal(text); field != "market" && ok && n.Sign() > 0 {
			said[field] = n
		}
	}
	market = texts["market"]
	if market == "" || said["quantity"] == nil && said["amount"] == nil {
		return market, nil, fault.New(fault.RequestMalformed, "problem", "order_size")
	}
	price, known := priceOf(market)
	if !known {
		return market, nil, nil
	}
	if said["quantity"] != nil && o["amount"] == o["price"] {
		delete(said, "amount") // one parameter is the price of an order with a quantity, and the amount of one without
	}
	return market, price.worth(said), nil
}

// worth is the most that an order can be taken for.
func (p Price) worth(said map[string]*big.Rat) *big.Rat {
	worth := new(big.Rat)
	if amount := said["amount"]; amount != nil {
		worth.Mul(amount, p.Unit)
	}
	if said["quantity"] == nil {
		return worth
	}
	each := new(big.Rat).Set(p.Traded)
	if limit := said["price"]; limit != nil {
		if own := new(big.Rat).Mul(limit, p.Unit); own.Cmp(each) > 0 {
			each = own
		}
	}
	if whole := each.Mul(said["quantity"], each); whole.Cmp(worth) > 0 {
		return whole
	}
	return worth
}
