package gateway_test

import (
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/sign"
)

const onePublic = "routes:\n  - {method: GET, path: /a, class: public}\n"

func limited(class, scope, limits string) string { return only(class, scope, "limits: {"+limits+"}") }

// only is one route with one member more.
func only(class, scope, member string) string {
	return "routes:\n  - {method: GET, path: /a, class: " + class + ", scope: \"" + scope + "\", " + member + "}\n"
}

func ordered(places string) string {
	return "routes:\n  - {method: POST, path: /a, class: order, scope: \"orders:write\", order: {" + places + "}}\n"
}

func TestRoutesFilesThatAreRefused(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"a second document":                       {onePublic + "---\n" + onePublic, "second document"},
		"an empty second document with a problem": {onePublic + "---\n{\n", "second document"},
		"a segment with a second spelling":        {"routes:\n  - {method: GET, path: \"/v1/withdrawals:approve\", class: public}\n", "one spelling"},
		"letters beyond ASCII":                    {"routes:\n  - {method: GET, path: /v1/주문, class: public}\n", "one spelling"},
		"a limit on a cancel":                     {limited("cancel", "orders:cancel", "per_second: 1"), "only reduces risk"},
		"two limits":                              {limited("look", "orders:read", "per_second: 1, per_minute: 1"), "either"},
		"a burst alone":                           {limited("look", "orders:read", "burst: 1"), "either"},
		"a limit below nothing":                   {limited("look", "orders:read", "per_minute: -1"), "not between"},
		"a limit that is no number":               {limited("look", "orders:read", "per_second: many"), "cannot unmarshal"},
		"a limit with a word of its own":          {limited("look", "orders:read", "per_hour: 1"), "not found"},
		"an order without a size":                 {ordered("market: m"), "quantity or amount"},
		"an order with nothing":                   {ordered(""), "quantity or amount"},
		"an order with a field of its own":        {ordered("market: m, quantity: q, side: s"), "not found"},
		"an order's place that is none":           {ordered("market: m, quantity: \"q[]\""), "no place"},
		"a price that may be spent":               {ordered("market: m, quantity: q, price: p, amount: p"), "which types are priced"},
		"a type without what is priced":           {ordered("market: m, quantity: q, price: p, amount: p, type: t"), "which types are priced"},
		"what is priced without a type":           {ordered("market: m, quantity: q, price: p, amount: p, priced: [limit]"), "which types are priced"},
		"no type that is priced":                  {ordered("market: m, quantity: q, price: p, amount: p, type: t, priced: [\"\"]"), "which types are priced"},
		"a type that decides nothing":             {ordered("market: m, quantity: q, price: p, amount: s, type: t, priced: [limit]"), "one parameter"},
		"an escape":                               {"routes:\n  - {method: GET, path: /v1/a%3Ab, class: public}\n", "stands for another"},
		"an assurance below the class":            {only("order", "orders:write", "assurance: pwd"), "needs mfa at least"},
		"an assurance of no name":                 {only("order", "orders:write", "assurance: strong"), "want pwd, mfa, phr or phrh"},
		"a property of no name":                   {only("order", "orders:write", "needs: [hardware]"), "want phishing_resistant, user_verified, device_bound or fresh"},
		"a property twice":                        {only("order", "orders:write", "needs: [fresh, fresh]"), "needs fresh twice"},
		"properties of nobody":                    {"routes:\n  - {method: GET, path: /a, class: public, needs: [fresh]}\n", "nobody"},
		"an assurance of nobody":                  {"routes:\n  - {method: GET, path: /a, class: public, assurance: pwd}\n", "nobody"},
		"a host with a default port":              {only("look", "orders:read", "host: \"a.example:443\""), "as clients name it"},
		"a host in capitals":                      {only("look", "orders:read", "host: A.example"), "as clients name it"},
		"an origin for a host":                    {only("look", "orders:read", "host: \"https://a.example\""), "as clients name it"},
		"an environment of no name":               {only("look", "orders:read", "environment: prod"), "want live or test"},
		"two routes at one place":                 {onePublic + "  - {method: GET, path: /a, class: public, host: a.example}\n", "stands twice"},
		"two routes that may meet": {
			"routes:\n  - {method: GET, path: /a, class: public, host: a.example}\n  - {method: GET, path: /a, class: public, environment: live}\n", "stands twice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := gateway.ParseRoutes([]byte(row.text)); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
	if _, err := gateway.ParseRoutes([]byte(onePublic)); err != nil {
		t.Errorf("one document: %v", err)
	}
}

// A path that names a fixed route in a second spelling matches neither it nor a {name} beside it: no request gets there.
func TestAFixedRouteHasOneSpelling(t *testing.T) {
	routes, err := gateway.ParseRoutes([]byte(`routes:
  - {method: POST, path: "/v1/a-B_c.d~0", class: withdraw, scope: "withdrawals:write", transaction: {asset: a, address: b, amount: c}}
  - {method: POST, path: "/v1/{book}", class: order, scope: "orders:write"}
`))
	if err != nil {
		t.Fatal(err)
	}
	fixed := "a-B_c.d~0"
	for i := range len(fixed) {
		const digits = "0123456789ABCDEF"
		path := "/v1/" + fixed[:i] + "%" + string(digits[fixed[i]>>4]) + string(digits[fixed[i]&15]) + fixed[i+1:]
		if sign.CheckPath(path) == nil {
			t.Errorf("%s is let through, and goes to %s", path, routes.Match(gateway.Place{}, "POST", path).Template)
		}
	}
}
