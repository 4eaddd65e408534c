package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
)

// What the façades refuse, each in its own shape; what they do is driven by the exchanges' own clients (internal/e2e/peers).
func TestFacadesRefuse(t *testing.T) {
	f := openFloor(t, nil)
	const symbol, pair = "symbol=BTCKRW&", "pair=XBTKRW&"
	for _, c := range []struct {
		method, target, body string
		status               int
		word                 string
	}{
		{"POST", "/api/v3/order", symbol + "side=BUY&type=LIMIT&quantity=5&price=50000000", 400, `"code":-2010`},
		{"POST", "/api/v3/order?" + symbol + "side=BUY&type=LIMIT&quantity=0.001", "price=50000001", 400, `PRICE_FILTER`},
		{"POST", "/api/v3/order", symbol + "side=BUY&type=MARKET&quantity=1", 400, `"code":-1102`},
		{"POST", "/api/v3/order", symbol + "side=BUY&side=BUY&type=LIMIT&quantity=1&price=50000000", 400, `"code":-1102`},
		{"POST", "/api/v3/order?" + symbol, symbol + "side=BUY&type=LIMIT&quantity=1&price=50000000", 400, `"code":-1102`},
		{"POST", "/api/v3/order", "symbol=DOGEKRW&side=BUY", 404, `"code":-1121`},
		{"POST", "/api/v3/order", symbol + "side=UP&type=LIMIT&quantity=1&price=50000000", 400, `"code":-1102`},
		{"GET", "/api/v3/order?" + symbol + "orderId=-1", "", 404, `"code":-2013`},
		{"GET", "/api/v3/order?" + symbol, "", 400, `"code":-1102`},
		{"GET", "/api/v3/nothing", "", 404, `"code":`},
		{"POST", "/0/private/AddOrder", pair + "type=buy&ordertype=limit&volume=5&price=50000000", 400, "EOrder:Insufficient funds"},
		{"POST", "/0/private/AddOrder", pair + "type=buy&ordertype=limit&volume=0.001&price=50000001", 400, "EGeneral:Invalid arguments:price"},
		{"POST", "/0/private/AddOrder", pair + "type=buy&ordertype=market&volume=1", 400, "EGeneral:Invalid arguments"},
		{"POST", "/0/private/AddOrder", `{"pair":"XBTKRW","type":"buy","ordertype":"limit","volume":"0.00001","price":"50000000"}`, 400, "EOrder:Order minimum not met"},
		{"POST", "/0/private/AddOrder", "pair=DOGEKRW", 404, "EQuery:Unknown asset pair"},
		{"POST", "/0/private/CancelOrder", "txid=1", 404, "EOrder:Unknown order"},
		{"POST", "/0/private/Nothing", "", 404, "EGeneral:Unknown method"},
	} {
		status, body := f.ask(c.method, c.target, c.body)
		if status != c.status || !strings.Contains(body, c.word) {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.target, c.body, status, body, c.status, c.word)
		}
	}
}

// One book stands behind all shapes: an order placed in one is seen and cancelled in the others.
func TestFacadesShareTheBook(t *testing.T) {
	f := openFloor(t, nil)
	status, placed := f.ask("POST", "/0/private/AddOrder", "pair=XBTKRW&type=buy&ordertype=limit&volume=0.001&price=50000000&cl_ord_id=mine")
	if status != http.StatusOK || !strings.Contains(placed, idOf(t, placed)) {
		t.Fatalf("placed: %d %s", status, placed)
	}
	for target, word := range map[string]string{
		"/v1/orders/open": idOf(t, placed), "/api/v3/openOrders": `"clientOrderId":"mine"`, "/api/v3/order?symbol=BTCKRW&origClientOrderId=mine": `"status":"NEW"`,
	} {
		if status, body := f.ask("GET", target, ""); status != http.StatusOK || !strings.Contains(body, word) {
			t.Errorf("%s: %d %s", target, status, body)
		}
	}
	if status, body := f.ask("DELETE", "/api/v3/order?symbol=ETHKRW&origClientOrderId=mine", ""); status != http.StatusNotFound {
		t.Errorf("cancelled in another market: %d %s", status, body)
	}
	if status, body := f.ask("DELETE", "/api/v3/order?symbol=BTCKRW&origClientOrderId=mine", ""); status != http.StatusOK || !strings.Contains(body, "CANCELED") {
		t.Errorf("cancelled: %d %s", status, body)
	}
	if status, body := f.ask("POST", "/0/private/QueryOrders", "txid="+idOf(t, placed)); status != http.StatusOK || !strings.Contains(body, `"status":"canceled"`) {
		t.Errorf("afterwards: %d %s", status, body)
	}
}
