package sandbox_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/words"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	uuids  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	hashes = regexp.MustCompile(`"txid": "paper[0-9a-f]{59}"`)
)

// transcript is a conversation with the API, for a golden file: random ids are numbered in the order of their appearance.
type transcript struct {
	bytes.Buffer
	ids map[string]string // uuid → its number
}

func (tr *transcript) ask(t *testing.T, f *floor, method, target, body string) string {
	t.Helper()
	status, answer := f.ask(method, target, body)
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(answer), "", "  "); err != nil {
		t.Fatalf("%s %s: %v\n%s", method, target, err, answer)
	}
	fmt.Fprintf(tr, "%s %s %s\n%d\n%s\n", method, target, body, status, indented.String())
	return answer
}

// String writes the conversation with numbers for ids.
func (tr *transcript) String() string {
	numbered := uuids.ReplaceAllStringFunc(tr.Buffer.String(), func(id string) string {
		if tr.ids[id] == "" {
			tr.ids[id] = fmt.Sprintf("<id %d>", len(tr.ids)+1)
		}
		return tr.ids[id]
	})
	return hashes.ReplaceAllString(numbered, `"txid": "<hash>"`)
}

func (tr *transcript) golden(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got := tr.String()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func newTranscript() *transcript { return &transcript{ids: map[string]string{}} }

// idOf is the uuid in an answer.
func idOf(t *testing.T, answer string) string {
	t.Helper()
	id := uuids.FindString(answer)
	if id == "" {
		t.Fatalf("no uuid in %s", answer)
	}
	return id
}

func TestMarketData(t *testing.T) {
	f, tr := openFloor(t, nil), newTranscript()
	f.claims.Kind, f.claims.Class = gate.KindPublic, gate.ClassPublic
	for _, target := range []string{
		"/v1/market/all", "/v1/ticker?markets=KRW-BTC%2CKRW-XRP", "/v1/ticker/all?quote_currencies=BTC",
		"/v1/orderbook?markets=KRW-ETH&count=3", "/v1/trades/ticks?market=KRW-SOL&count=2",
		"/v1/trades/ticks?market=KRW-SOL&count=1&cursor=1795262399",
		"/v1/candles/minutes/1?market=KRW-BTC&count=2", "/v1/candles/minutes/240?market=KRW-BTC&to=2026-11-20T00%3A00%3A00.000Z",
		"/v1/candles/seconds?market=KRW-BTC", "/v1/candles/days?market=KRW-BTC&count=2&to=2026-11-20%2009%3A00%3A00",
		"/v1/candles/weeks?market=KRW-BTC", "/v1/candles/months?market=KRW-BTC&count=2", "/v1/candles/years?market=KRW-BTC&count=2",
	} {
		tr.ask(t, f, "GET", target, "")
	}
	tr.golden(t, "market")
}

func TestOrders(t *testing.T) {
	f, tr := openFloor(t, nil), newTranscript()
	tr.ask(t, f, "GET", "/v1/accounts", "")
	tr.ask(t, f, "GET", "/v1/orders/chance?market=KRW-BTC", "")
	rests := idOf(t, tr.ask(t, f, "POST", "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"150000000","volume":"0.01","identifier":"grid-1"}`))
	tr.ask(t, f, "POST", "/v1/orders/test", `{"market":"KRW-BTC","side":"ask","ord_type":"limit","price":200000000,"volume":0.1,"time_in_force":"post_only"}`)
	f.now = f.now.Add(time.Second)
	sold := idOf(t, tr.ask(t, f, "POST", "/v1/orders", `{"market":"KRW-BTC","side":"ask","ord_type":"market","volume":"0.2","price":null}`))
	bought := idOf(t, tr.ask(t, f, "POST", "/v1/orders", `{"market":"KRW-XRP","side":"bid","ord_type":"price","price":"100000"}`))
	tr.ask(t, f, "GET", "/v1/order?uuid="+sold, "")
	tr.ask(t, f, "GET", "/v1/order?uuid="+bought, "")
	tr.ask(t, f, "GET", "/v1/order?identifier=grid-1", "")
	tr.ask(t, f, "GET", "/v1/orders/open?market=KRW-BTC&states%5B0%5D=wait&states%5B1%5D=watch", "")
	tr.ask(t, f, "GET", "/v1/orders/open?state=watch", "")
	tr.ask(t, f, "GET", "/v1/orders/closed?state=done&limit=1&page=2&order_by=asc&start_time=1795262401000", "")
	tr.ask(t, f, "DELETE", "/v1/order?uuid="+rests, "")
	tr.ask(t, f, "GET", "/v1/orders/closed?states[]=cancel", "")
	f.ask("POST", "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"150000000","volume":"0.01"}`)
	f.ask("POST", "/v1/orders", `{"market":"KRW-XRP","side":"bid","ord_type":"limit","price":"3000","volume":"10"}`)
	f.ask("POST", "/v1/orders", `{"market":"KRW-XRP","side":"ask","ord_type":"limit","price":"4000","volume":"10"}`)
	tr.ask(t, f, "DELETE", "/v1/orders/open?cancel_side=ask", "")
	tr.ask(t, f, "DELETE", "/v1/orders/open?pairs=KRW-BTC", "")
	tr.ask(t, f, "DELETE", "/v1/orders/open", "")
	tr.ask(t, f, "GET", "/v1/accounts", "")
	tr.golden(t, "orders")
}

func TestMoney(t *testing.T) {
	f, tr := openFloor(t, nil), newTranscript()
	tr.ask(t, f, "POST", "/v1/deposits/paper", `{"currency":"XRP","amount":"100"}`)
	tr.ask(t, f, "GET", "/v1/deposits?limit=2&order_by=desc&state=accepted", "")
	tr.ask(t, f, "GET", "/v1/deposit?currency=KRW", "")
	tr.ask(t, f, "GET", "/v1/deposits/coin_address?currency=XRP&net_type=XRP", "")
	tr.ask(t, f, "GET", "/v1/deposits/coin_addresses", "")
	tr.ask(t, f, "GET", "/v1/withdraws/chance?currency=BTC", "")
	sent := idOf(t, tr.ask(t, f, "POST", "/v1/withdraws/coin", `{"currency":"BTC","net_type":"BTC","amount":0.05,"address":"bc1qpaperpaper"}`))
	tr.ask(t, f, "GET", "/v1/withdraws?currency=BTC&state=processing", "")
	tr.ask(t, f, "GET", "/v1/withdraws?state=rejected", "")
	tr.ask(t, f, "GET", "/v1/withdraw?uuid="+sent, "")
	tr.ask(t, f, "GET", "/v1/accounts", "")
	tr.golden(t, "money")
}

// Every shape of refusal: its status, Upbit's name, and a sentence in the language of the assertion.
func TestRefusals(t *testing.T) {
	f := openFloor(t, nil)
	const order = `"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"150000000","volume":"0.01"`
	for _, row := range []struct {
		method, target, body string
		status               int
		name                 string
	}{
		{"POST", "/v1/orders", `{}`, 404, "notfoundmarket"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC"}`, 400, "validation_error"},
		{"POST", "/v1/orders", `{` + order + `,"volume":"1"}`, 400, "validation_error"},
		{"POST", "/v1/orders", `{` + order + `,"more":{}}`, 400, "validation_error"},
		{"POST", "/v1/orders", `{` + order + `,"more":[1]}`, 400, "validation_error"},
		{"POST", "/v1/orders", `{` + order + `}{}`, 400, "validation_error"},
		{"POST", "/v1/orders", `{` + order, 400, "validation_error"},
		{"POST", "/v1/orders", `{"market"`, 400, "validation_error"},
		{"POST", "/v1/orders?market=KRW-BTC", `{` + order + `}`, 400, "validation_error"},
		{"POST", "/v1/orders", `market=KRW-BTC`, 415, "unsupported_media_type"},
		{"POST", "/v1/orders", ``, 415, "unsupported_media_type"},
		{"POST", "/v1/orders", `{` + order + `,"time_in_force":"gtc"}`, 400, "invalid_time_in_force"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"150000001","volume":"0.01"}`, 400, "invalid_price_bid"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"ask","ord_type":"limit","price":"1e8","volume":"0.01"}`, 400, "invalid_price_ask"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"150000000","volume":"0.000000001"}`, 400, "invalid_volume_bid"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"ask","ord_type":"limit","price":"150000000","volume":"-1"}`, 400, "invalid_volume_ask"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"150000000","volume":"0.00001"}`, 400, "under_min_total_bid"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"ask","ord_type":"market","volume":"0.00001"}`, 400, "under_min_total_ask"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"price","price":"1000000001"}`, 400, "over_krw_funds_bid"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"ask","ord_type":"market","volume":"7"}`, 400, "over_krw_funds_ask"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"150000000","volume":"0.1"}`, 400, "insufficient_funds_bid"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"ask","ord_type":"market","volume":"0.6"}`, 400, "insufficient_funds_ask"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"market","volume":"0.1"}`, 400, "create_bid_error"},
		{"POST", "/v1/orders", `{"market":"KRW-BTC","side":"ask","ord_type":"price","price":"10000"}`, 400, "create_ask_error"},
		{"GET", "/v1/order", ``, 400, "validation_error"},
		{"GET", "/v1/order?uuid=x", ``, 404, "order_not_found"},
		{"GET", "/v1/order?identifier=none", ``, 404, "order_not_found"},
		{"GET", "/v1/order?uuid=a&uuid=b", ``, 400, "validation_error"},
		{"GET", "/v1/order?uuid=%zz", ``, 400, "validation_error"},
		{"DELETE", "/v1/order?uuid=00000000-0000-4000-8000-000000000000", ``, 404, "order_not_found"},
		{"DELETE", "/v1/orders/open?cancel_side=both", ``, 400, "validation_error"},
		{"DELETE", "/v1/orders/open?excluded_pairs=KRW-BTC", ``, 400, "validation_error"},
		{"GET", "/v1/orders/open?state=done", ``, 400, "validation_error"},
		{"GET", "/v1/orders/closed?state=wait", ``, 400, "validation_error"},
		{"GET", "/v1/orders/closed?limit=0", ``, 400, "validation_error"},
		{"GET", "/v1/orders/closed?limit=1001", ``, 400, "validation_error"},
		{"GET", "/v1/orders/closed?page=x", ``, 400, "validation_error"},
		{"GET", "/v1/orders/closed?order_by=random", ``, 400, "validation_error"},
		{"GET", "/v1/orders/closed?start_time=yesterday", ``, 400, "validation_error"},
		{"GET", "/v1/orders/closed?end_time=9999999999999999", ``, 400, "validation_error"},
		{"GET", "/v1/orders/closed?market=KRW-DOGE", ``, 404, "notfoundmarket"},
		{"GET", "/v1/orders/chance", ``, 400, "validation_error"},
		{"GET", "/v1/ticker", ``, 400, "validation_error"},
		{"GET", "/v1/ticker?markets=KRW-BTC,BTC-ETH", ``, 404, "notfoundmarket"},
		{"GET", "/v1/orderbook?markets=KRW-BTC&count=31", ``, 400, "validation_error"},
		{"GET", "/v1/trades/ticks?market=KRW-BTC&count=501", ``, 400, "validation_error"},
		{"GET", "/v1/trades/ticks?market=KRW-BTC&cursor=x", ``, 400, "validation_error"},
		{"GET", "/v1/candles/minutes/2?market=KRW-BTC", ``, 400, "validation_error"},
		{"GET", "/v1/candles/minutes/1?market=KRW-BTC&count=201", ``, 400, "validation_error"},
		{"GET", "/v1/candles/decades?market=KRW-BTC", ``, 404, "not_found"},
		{"POST", "/v1/deposits/paper", `{"currency":"KRW","amount":"x"}`, 400, "invalid_amount"},
		{"POST", "/v1/deposits/paper", `{"currency":"KRW","amount":"99999999999"}`, 400, "invalid_amount"},
		{"POST", "/v1/deposits/paper", `{"currency":"EUR","amount":"1"}`, 404, "currency_not_found"},
		{"GET", "/v1/deposit?uuid=x", ``, 404, "deposit_not_found"},
		{"GET", "/v1/deposit?txid=x", ``, 400, "validation_error"},
		{"GET", "/v1/deposits/coin_address?currency=KRW", ``, 404, "currency_not_found"},
		{"GET", "/v1/deposits/coin_address?currency=BTC&net_type=ETH", ``, 400, "validation_error"},
		{"GET", "/v1/withdraw", ``, 404, "withdraw_not_found"},
		{"GET", "/v1/withdraws/chance?currency=KRW", ``, 404, "currency_not_found"},
		{"GET", "/v1/withdraws?limit=101", ``, 400, "validation_error"},
		{"POST", "/v1/withdraws/coin", `{"currency":"BTC","net_type":"BTC","amount":"0.0001","address":"bc1qpaperpaper"}`, 400, "under_min_amount_withdraw"},
		{"POST", "/v1/withdraws/coin", `{"currency":"BTC","net_type":"ETH","amount":"0.1","address":"bc1qpaperpaper"}`, 400, "invalid_withdraw_address"},
		{"POST", "/v1/withdraws/coin", `{"currency":"BTC","net_type":"BTC","amount":"0.5","address":"bc1qpaperpaper"}`, 400, "insufficient_funds_withdraw"},
		{"POST", "/v1/withdraws/coin", `{"currency":"BTC","net_type":"BTC","amount":1e-8,"address":"bc1qpaperpaper"}`, 400, "invalid_amount"},
		{"POST", "/v1/transfers", `{"currency":"BTC","amount":"0.1","to_subaccount":"sub_of_somebody_else"}`, 404, "subaccount_not_found"},
		{"GET", "/v1/nothing", ``, 404, "not_found"},
		{"PUT", "/v1/orders", `{}`, 405, "method_not_allowed"},
	} {
		for _, lang := range []string{"en", "ko"} {
			f.claims.Language = lang
			status, body := f.ask(row.method, row.target, row.body)
			want := fmt.Sprintf(`{"error":{"name":%q,"message":%q}}`+"\n", row.name, words.In(lang).Refusals[row.name])
			if status != row.status || body != want {
				t.Errorf("%s %s %s: %d %s want %d %s", row.method, row.target, row.body, status, body, row.status, want)
			}
		}
	}
}

func TestMethodNotAllowedSaysWhich(t *testing.T) {
	f := openFloor(t, nil)
	answer := f.send(f.request("PATCH", "/v1/orders/open", ""))
	if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "DELETE, GET, HEAD" {
		t.Errorf("%d, Allow %q", answer.Code, answer.Header().Get("Allow"))
	}
}

// Each refusal has a sentence of its own in both languages, and a status that fits it.
func TestEveryRefusalHasAText(t *testing.T) {
	for name := range words.In("en").Refusals {
		if status := sandbox.StatusOf(ledger.RefusalError(name)); status < 400 || status > 500 {
			t.Errorf("%s: %d", name, status)
		}
	}
	source, err := os.ReadFile(filepath.Join("ledger", "refusal.go"))
	if err != nil {
		t.Fatal(err)
	}
	doors, err := os.ReadFile("answer.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`RefusalError\s+= "(\w+)"`).FindAllStringSubmatch(string(source)+string(doors), -1)
	for _, name := range names {
		if words.In("en").Refusals[name[1]] == "" {
			t.Errorf("%s has no text", name[1])
		}
	}
	if len(names) != len(words.In("en").Refusals) {
		t.Errorf("%d refusals, %d texts", len(names), len(words.In("en").Refusals))
	}
}

// A failure of ours says nothing of its cause, and is logged.
func TestOwnFailure(t *testing.T) {
	f := openFloor(t, nil)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	status, body := f.ask("GET", "/v1/accounts", "")
	if status != 500 || !strings.Contains(body, `"server_error"`) || strings.Contains(body, "closed") {
		t.Errorf("%d %s", status, body)
	}
	if status, page := f.person(nil).ask("GET", "/", ""); status != 500 || !strings.Contains(page, words.In("en").Refusals["server_error"]) {
		t.Errorf("%d %s", status, page)
	}
}
