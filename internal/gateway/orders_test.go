package gateway_test

import (
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
)

// ordering is the route of the paper exchange that places orders.
func ordering(t testing.TB, path string) *gateway.Route {
	t.Helper()
	routes, err := gateway.ParseRoutes(sandbox.Routes())
	if err != nil {
		t.Fatal(err)
	}
	return routes.Match(gateway.Place{}, http.MethodPost, path)
}

// An order is weighed by the most that an exchange may take it for, where a unit of what is traded is worth 100.
func TestAnOrderWeighsTheMost(t *testing.T) {
	const upbit, binance, kraken = "/v1/orders", "/api/v3/order", "/0/private/AddOrder"
	for name, row := range map[string]struct {
		path, form, want string
		weighed          []string
	}{
		"a limit order":                          {upbit, "market=M&ord_type=limit&volume=2&price=150", "300", []string{"price", "quantity"}},
		"a limit order below the price":          {upbit, "market=M&ord_type=limit&volume=2&price=1", "200", []string{"price", "quantity"}},
		"a limit order without a volume":         {upbit, "market=M&ord_type=limit&volume=0&price=150", "150", []string{"amount"}},
		"a sale at the market":                   {upbit, "market=M&ord_type=market&volume=2", "200", []string{"quantity"}},
		"a sum to spend":                         {upbit, "market=M&ord_type=price&price=5000", "5000", []string{"amount"}},
		"a sum to spend, and a crumb":            {upbit, "market=M&ord_type=price&price=5000&volume=0.00000001", "5000", []string{"amount", "price", "quantity"}},
		"a crumb beside the best price":          {upbit, "market=M&ord_type=best&price=5000&volume=0.00000001", "5000", []string{"amount", "price", "quantity"}},
		"a type nobody named":                    {upbit, "market=M&ord_type=next&price=5000&volume=0.00000001", "5000", []string{"amount", "price", "quantity"}},
		"a type in another case":                 {upbit, "market=M&ord_type=LIMIT&price=5000&volume=0.00000001", "5000", []string{"amount", "price", "quantity"}},
		"no type":                                {upbit, "market=M&price=5000&volume=0.00000001", "5000", []string{"amount", "price", "quantity"}},
		"a volume and an empty type":             {upbit, "market=M&ord_type=&price=5000&volume=0.00000001", "5000", []string{"amount", "price", "quantity"}},
		"Binance, a limit order":                 {binance, "symbol=M&type=LIMIT&quantity=2&price=150", "300", []string{"price", "quantity"}},
		"Binance, a sum and a crumb":             {binance, "symbol=M&type=MARKET&quoteOrderQty=5000&quantity=0.00000001", "5000", []string{"amount", "quantity"}},
		"Binance, a sum beside a limit order":    {binance, "symbol=M&type=LIMIT&quoteOrderQty=5000&quantity=2&price=150", "5000", []string{"amount", "price", "quantity"}},
		"Kraken, a volume":                       {kraken, "pair=M&ordertype=market&volume=2", "200", []string{"amount", "quantity"}},
		"Kraken, a volume that is what is spent": {kraken, "pair=M&ordertype=market&oflags=viqc&volume=2", "200", []string{"amount", "quantity"}},
	} {
		t.Run(name, func(t *testing.T) {
			route := ordering(t, row.path)
			worth, err := gateway.ReadOrder(route, http.Header{"Content-Type": {asForm}}, row.path, []byte(row.form), big.NewRat(100, 1))
			if err != nil || worth.RatString() != row.want {
				t.Errorf("%v %v, want %s", worth, err, row.want)
			}
			routes, err := gateway.ParseRoutes(sandbox.Routes())
			if err != nil {
				t.Fatal(err)
			}
			_, said, err := routes.Read(gateway.Example{Method: http.MethodPost, Target: row.path, Body: row.form})
			if diff := cmp.Diff(row.weighed, route.Weighed(said)); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// A type that readers could find in two places is none.
func TestTheTypeOfAnOrderHasOneReading(t *testing.T) {
	route := ordering(t, "/v1/orders")
	for name, row := range map[string]struct{ kind, query, body string }{
		"twice":           {asForm, "", "market=M&ord_type=limit&ord_type=price&volume=1&price=5"},
		"in another case": {asJSON, "", `{"market":"M","ord_type":"limit","Ord_Type":"price","volume":"1","price":"5"}`},
		"in the query":    {asJSON, "?ord_type=price", `{"market":"M","ord_type":"limit","volume":"1","price":"5"}`},
		"a list":          {asJSON, "", `{"market":"M","ord_type":["limit"],"volume":"1","price":"5"}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gateway.ReadOrder(route, http.Header{"Content-Type": {row.kind}}, "/v1/orders"+row.query, []byte(row.body), big.NewRat(1, 1))
			if fault.CodeOf(err) != fault.RequestMalformed {
				t.Errorf("%v, want %s", err, fault.RequestMalformed)
			}
		})
	}
}

// FuzzReadOrder: whatever an order says, no exchange that reads it as Upbit does, strictly or with the volume of a spend passed over, trades
// for more than it weighs.
func FuzzReadOrder(f *testing.F) {
	route := ordering(f, "/v1/orders")
	f.Add(asForm, "", "market=M&ord_type=limit&volume=2&price=150")
	f.Add(asForm, "", "market=M&ord_type=price&volume=0.00000001&price=1000000000")
	f.Add(asJSON, "", `{"market":"M","ord_type":"best","volume":"0.1","price":"100"}`)
	f.Add(asJSON, "ord_type=price", `{"market":"M","ord_type":null,"volume":1,"price":100}`)
	f.Add("", "market=M&ord_type=market&volume=7", "")
	f.Fuzz(func(t *testing.T, kind, query, body string) {
		each := big.NewRat(100, 1)
		worth, err := gateway.ReadOrder(route, http.Header{"Content-Type": {kind}}, "/v1/orders?"+query, []byte(body), each)
		if err != nil {
			return
		}
		said := map[string]string{}
		if body == "" {
			body, kind = query, asForm
		}
		if strings.HasPrefix(strings.ToLower(kind), asJSON) {
			var loose map[string]any
			decoder := json.NewDecoder(strings.NewReader(body))
			decoder.UseNumber()
			_ = decoder.Decode(&loose)
			for name, value := range loose {
				switch value := value.(type) {
				case string:
					said[name] = value
				case json.Number:
					said[name] = value.String()
				}
			}
		} else {
			values, _ := url.ParseQuery(body)
			for name := range values {
				said[name] = values.Get(name)
			}
		}
		number := func(name string) *big.Rat {
			if n, ok := apikey.Decimal(said[name]); ok {
				return n
			}
			return new(big.Rat)
		}
		trades := []*big.Rat{new(big.Rat).Mul(number("volume"), each)}
		if said["ord_type"] == "limit" {
			trades = append(trades, new(big.Rat).Mul(number("volume"), number("price")))
		} else {
			trades = append(trades, number("price"))
		}
		for _, most := range trades {
			if worth.Cmp(most) < 0 {
				t.Errorf("%q %q %q weighs %s, and trades for %s", kind, query, body, worth.RatString(), most.RatString())
			}
		}
	})
}
