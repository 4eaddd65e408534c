package gateway

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/sign"
)

// orderPlaces says in which parameters an order says what it orders.
type orderPlaces struct {
	// Market is which one it is for.
	Market string `yaml:"market"`
	// Quantity is how much of what is traded there, Price at which price, in the market's own currency; without one the order is a market order.
	Quantity string `yaml:"quantity"`
	Price    string `yaml:"price"`
	// Amount is how much of the market's own currency is spent, in orders without a quantity. Where it is the parameter of the price, Type is
	// that of the order's type, and Priced the types in which the parameter is a price; in every other it may be spent.
	Amount string   `yaml:"amount"`
	Type   string   `yaml:"type"`
	Priced []string `yaml:"priced"`
}

// named gives field → parameter, for the fields that have a place.
func (o *orderPlaces) named() map[string]string {
	list := map[string]string{"market": o.Market, "quantity": o.Quantity, "price": o.Price, "amount": o.Amount, "type": o.Type}
	maps.DeleteFunc(list, func(_, name string) bool { return name == "" })
	return list
}

// check wants of a route that says it that a market and a size are there, and that nothing is left to guess. Routes of other classes say nothing.
func (o *orderPlaces) check(class scope.Class) error {
	switch {
	case o == nil:
		return nil
	case class != scope.Order:
		return errors.New("an order is for the class order")
	case o.Market == "" || o.Quantity == "" && o.Amount == "":
		return errors.New("order: where the market, and a quantity or amount, is found is not said")
	}
	for field, name := range o.named() {
		if !plainName.MatchString(name) {
			return fmt.Errorf("order: %s: %q is no place of a field", field, name)
		}
	}
	double, told := o.Amount != "" && o.Amount == o.Price, o.Type != "" && len(o.Priced) > 0 && !slices.Contains(o.Priced, "")
	switch {
	case double && !told:
		return fmt.Errorf("order: %s is price and amount: say which parameter is the type, and which types are priced", o.Price)
	case !double && (o.Type != "" || len(o.Priced) > 0):
		return errors.New("order: type and priced are for one parameter that is price and amount")
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
	case v.route.order == nil:
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
func (o *orderPlaces) fields(h http.Header, target string, body []byte) (map[string]string, error) {
	if err := oneForm(h); err != nil {
		return nil, err
	}
	_, query, _ := strings.Cut(target, "?")
	given, beside, err := parametersOf(h["Content-Type"], query, body)
	if err != nil {
		return nil, err
	}
	said := map[string]string{}
	for field, name := range o.named() {
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
		if field != "market" && field != "type" {
			if _, ok := apikey.Decimal(text); !ok {
				return nil, fault.New(fault.RequestMalformed, "problem", "order_number", "seen", name)
			}
		}
		said[field] = text
	}
	return said, nil
}

// read finds the market of an order and what it is worth, as two readers must read it alike: a quantity at its own price or at that of the
// moment, whichever is more, because an order to sell far below the price is one at the price; or the amount, if that is more, because an
// exchange may pass over a crumb of volume and spend the amount beside it. worth is nil where nobody knows the price. A number that is nothing
// says nothing.
// Errors: request.malformed, request.media_type.
func (o *orderPlaces) read(h http.Header, target string, body []byte, priceOf func(market string) (Price, bool)) (market string, worth *big.Rat, err error) {
	texts, err := o.fields(h, target, body)
	if err != nil {
		return "", nil, err
	}
	said := o.numbers(texts)
	market = texts["market"]
	if market == "" || said["quantity"] == nil && said["amount"] == nil {
		return market, nil, fault.New(fault.RequestMalformed, "problem", "order_size")
	}
	price, known := priceOf(market)
	if !known {
		return market, nil, nil
	}
	return market, price.worth(said), nil
}

// numbers are what an order of these fields is weighed by: those above zero, the price only beside a quantity.
func (o *orderPlaces) numbers(texts map[string]string) map[string]*big.Rat {
	said := map[string]*big.Rat{}
	for _, field := range []string{"quantity", "price", "amount"} {
		if n, ok := apikey.Decimal(texts[field]); ok && n.Sign() > 0 {
			said[field] = n
		}
	}
	switch {
	case said["quantity"] == nil:
		delete(said, "price")
	case slices.Contains(o.Priced, texts["type"]):
		delete(said, "amount") // it is the price of one unit; of a type that nobody named it may be what is spent
	}
	return said
}

// Weighed names the fields, of those that Routes.Read found, that an order of the route is weighed by; nothing on other routes.
func (r *Route) Weighed(fields map[string]string) []string {
	if r.order == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(r.order.numbers(fields)))
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
