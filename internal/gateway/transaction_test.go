package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
)

func withdrawing(t testing.TB) *gateway.Route {
	t.Helper()
	routes, err := gateway.ParseRoutes([]byte(`routes:
  - {method: POST, path: /w, class: withdraw, scope: "withdrawals:write", transaction: {asset: currency, network: net_type, address: address, amount: amount}}
`))
	if err != nil {
		t.Fatal(err)
	}
	return routes.List()[0]
}

const (
	asForm = "application/x-www-form-urlencoded"
	asJSON = "application/json"
	inForm = "currency=BTC&net_type=BTC&address=good&amount=0.01"
	inJSON = `{"currency": "BTC", "net_type": "BTC", "address": "good", "amount": 0.01}`
)

// A request is read if every reader finds the same in it, and is refused otherwise.
func TestOneReadingOrNone(t *testing.T) {
	route := withdrawing(t)
	member := func(more string) string { return strings.TrimSuffix(inJSON, "}") + ", " + more + "}" }
	for name, row := range map[string]struct {
		header, target, body string
		want                 fault.Code
	}{
		"a form":                            {asForm, "/w", inForm, ""},
		"a form of a browser":               {"application/x-www-form-urlencoded;charset=UTF-8", "/w", inForm, ""},
		"JSON":                              {asJSON, "/w", inJSON, ""},
		"JSON with more":                    {asJSON + "; charset=utf-8", "/w?recvWindow=5000", member(`"tags": ["a", {"b": 1}], "memo.x": null`), ""},
		"a query":                           {"", "/w?" + inForm, "", ""},
		"a query of a client with its type": {asJSON, "/w?" + inForm, "", ""},

		"JSON that calls itself a form":       {asForm, "/w?" + inForm, inJSON, fault.RequestMalformed},
		"a form that calls itself JSON":       {asJSON, "/w?" + inForm, inForm, fault.RequestMalformed},
		"a list that calls itself a form":     {asForm, "/w?" + inForm, `[1]=`, fault.RequestMalformed},
		"pairs within JSON":                   {asJSON, "/w", member(`"x": "&address=evil&"`), fault.RequestMalformed},
		"fields in the query and the body":    {asForm, "/w?" + inForm, inForm, fault.RequestMalformed},
		"one field in the query":              {asJSON, "/w?address=evil", inJSON, fault.RequestMalformed},
		"one field in the query, folded":      {asJSON, "/w?net-type=evil", inJSON, fault.RequestMalformed},
		"a body without a type":               {"", "/w", inJSON, fault.RequestMediaType},
		"a body of another type":              {"text/plain", "/w", inJSON, fault.RequestMediaType},
		"another charset":                     {asJSON + "; charset=utf-7", "/w", inJSON, fault.RequestMediaType},
		"another parameter of the type":       {asForm + "; boundary=x", "/w", inForm, fault.RequestMediaType},
		"a space before the name":             {"", "/w?" + inForm + "&%20address=evil", "", fault.RequestMalformed},
		"a zero byte within the name":         {"", "/w?" + inForm + "&address%00x=evil", "", fault.RequestMalformed},
		"a point that PHP folds":              {"", "/w?" + inForm + "&net.type=TRX", "", fault.RequestMalformed},
		"brackets around the name":            {"", "/w?" + inForm + "&%5Baddress%5D=evil", "", fault.RequestMalformed},
		"a list":                              {"", "/w?" + inForm + "&address[]=evil", "", fault.RequestMalformed},
		"a path":                              {"", "/w?" + inForm + "&address.x=evil", "", fault.RequestMalformed},
		"twice":                               {"", "/w?" + inForm + "&address=evil", "", fault.RequestMalformed},
		"in another case":                     {"", "/w?" + inForm + "&Address=evil", "", fault.RequestMalformed},
		"no name":                             {"", "/w?" + inForm + "&=evil", "", fault.RequestMalformed},
		"a pair without =":                    {"", "/w?" + inForm + "&address", "", fault.RequestMalformed},
		"a semicolon":                         {asForm, "/w", inForm + ";address=evil", fault.RequestMalformed},
		"a member twice":                      {asJSON, "/w", member(`"address": "evil"`), fault.RequestMalformed},
		"a member in another case":            {asJSON, "/w", member(`"ADDRESS": "evil"`), fault.RequestMalformed},
		"a member folded by Go's decoder":     {asJSON, "/w", member(`"addreſs": "evil"`), fault.RequestMalformed},
		"a member that PHP folds":             {asJSON, "/w", member(`"net-type": "evil"`), fault.RequestMalformed},
		"a member deeper":                     {asJSON, "/w", member(`"data": [{"x": {"address": "evil"}}]`), fault.RequestMalformed},
		"a member that is a list":             {asJSON, "/w", strings.Replace(inJSON, `"good"`, `["good"]`, 1), fault.RequestMalformed},
		"a member that is an object":          {asJSON, "/w", strings.Replace(inJSON, `"good"`, `{}`, 1), fault.RequestMalformed},
		"a member that is a truth":            {asJSON, "/w", strings.Replace(inJSON, `"good"`, `true`, 1), fault.RequestMalformed},
		"a second value":                      {asJSON, "/w", inJSON + inJSON, fault.RequestMalformed},
		"Connection: Content-Type":            {asJSON + "\nConnection: close, Content-Type", "/w", inJSON, fault.RequestMalformed},
		"Connection: keep-alive":              {asJSON + "\nConnection: keep-alive", "/w", inJSON, ""},
		"Content-Encoding":                    {asJSON + "\nContent-Encoding: identity", "/w", inJSON, fault.RequestMediaType},
		"two content types":                   {asJSON + "\nContent-Type: " + asForm, "/w", inJSON, fault.RequestMediaType},
		"two content types, and a lone query": {asJSON + "\nContent-Type: " + asForm, "/w?" + inForm, "", fault.RequestMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			kind, more, found := strings.Cut(row.header, "\n")
			if kind != "" {
				h.Set("Content-Type", kind)
			}
			if name, value, _ := strings.Cut(more, ": "); found {
				h.Add(name, value)
			}
			got, err := gateway.ReadTransaction(route, h, row.target, []byte(row.body))
			if row.want != "" {
				if code := fault.CodeOf(err); code != row.want {
					t.Errorf("%v, want %q", err, row.want)
				}
				return
			}
			want := confirm.Content{Asset: "BTC", Network: "BTC", Address: "good", Amount: "0.01"}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// FuzzReadTransaction: whatever is shown of a request, no reader that somebody may have written finds anything else in it: not one that decodes
// JSON whatever the type, not one that takes every body for a form, not one that reads query and body together and folds names as PHP does.
func FuzzReadTransaction(f *testing.F) {
	route := withdrawing(f)
	f.Add(asForm, "", inForm)
	f.Add(asJSON, "", inJSON)
	f.Add("", inForm, "")
	f.Add(asForm, inForm, inJSON)
	f.Add(asJSON, "recvWindow=1", `{"x": "&address=evil&", "address": "good", "currency": "B", "amount": "1", "data": {"address": 1}}`)
	f.Add(asForm+"; charset=utf-8", "", "%20address=evil&address=good&amount=1&currency=B&net.type=x&address%5B%5D=y")
	f.Fuzz(func(t *testing.T, kind, query, body string) {
		h := http.Header{"Content-Type": {kind}}
		c, err := gateway.ReadTransaction(route, h, "/w?"+query, []byte(body))
		if err != nil {
			return
		}
		shown := map[string]string{"currency": c.Asset, "net_type": c.Network, "address": c.Address, "amount": c.Amount}
		found := func(reader, name, value string) {
			if want, field := shown[strings.ToLower(name)]; field && value != "" && value != want {
				t.Errorf("%q %q %q: %s finds %s = %q, shown is %q", kind, query, body, reader, name, value, want)
			}
		}
		var lenient struct {
			Currency, Address, Amount string
			NetType                   string `json:"net_type"`
		}
		_ = json.NewDecoder(strings.NewReader(body)).Decode(&lenient)
		found("JSON", "currency", lenient.Currency)
		found("JSON", "net_type", lenient.NetType)
		found("JSON", "address", lenient.Address)
		found("JSON", "amount", lenient.Amount)
		for reader, text := range map[string]string{"a reader of forms": body, "a reader of queries": query} {
			values, _ := url.ParseQuery(text)
			for name, all := range values {
				for _, value := range all {
					found(reader, phpName(name), value)
				}
			}
		}
	})
}

// phpName is the name under which PHP keeps a parameter.
func phpName(name string) string {
	name = strings.TrimLeft(name, " ")
	name, _, _ = strings.Cut(name, "\x00")
	if inner, list := strings.CutPrefix(name, "["); list {
		name = "_" + inner
	}
	name, _, _ = strings.Cut(name, "[")
	return strings.NewReplacer(".", "_", " ", "_").Replace(name)
}
