package sandbox

import (
	_ "embed"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
)

//go:embed routes.yaml
var routesFile []byte

// Routes is the file that describes this exchange's routes to the gateway: method, path, scope and class of each.
func Routes() []byte { return append([]byte(nil), routesFile...) }

// route is one line of the exchange's own table. It repeats the class of routes.yaml on purpose: the file may be edited where
// the gateway runs, and then the two disagree, and the stricter one wins.
type route struct {
	method, path string
	class        gate.Class
	serve        http.Handler
}

// pattern is the route for http.ServeMux, for which a path that ends in a slash would match everything below.
func (r route) pattern() string {
	path := r.path
	if strings.HasSuffix(path, "/") {
		path += "{$}"
	}
	return r.method + " " + path
}

func (x *Exchange) routes() []route {
	return []route{
		{"GET", "/", gate.ClassLook, x.page(x.showDesk)},
		{"POST", "/orders", gate.ClassOrder, x.page(x.sendOrder)},
		{"POST", "/orders/cancel", gate.ClassCancel, x.page(x.sendCancel)},
		{"POST", "/deposit", gate.ClassOrder, x.page(x.sendDeposit)},
		{"POST", "/withdraw", gate.ClassWithdraw, x.page(x.sendWithdrawal)},
		{"GET", "/assets/{name}", gate.ClassPublic, x.page(x.showAsset)},

		{"GET", "/v1/market/all", gate.ClassPublic, x.api(x.marketAll)},
		{"GET", "/v1/ticker", gate.ClassPublic, x.api(x.ticker)},
		{"GET", "/v1/ticker/all", gate.ClassPublic, x.api(x.tickerAll)},
		{"GET", "/v1/orderbook", gate.ClassPublic, x.api(x.orderbook)},
		{"GET", "/v1/trades/ticks", gate.ClassPublic, x.api(x.tradeTicks)},
		{"GET", "/v1/candles/minutes/{unit}", gate.ClassPublic, x.api(x.minuteCandles)},
		{"GET", "/v1/candles/{timeframe}", gate.ClassPublic, x.api(x.candles)},

		{"GET", "/v1/accounts", gate.ClassLook, x.api(x.accounts)},
		{"GET", "/v1/orders/chance", gate.ClassLook, x.api(x.orderChance)},
		{"GET", "/v1/order", gate.ClassLook, x.api(x.order)},
		{"GET", "/v1/orders/open", gate.ClassLook, x.api(x.openOrders)},
		{"GET", "/v1/orders/closed", gate.ClassLook, x.api(x.closedOrders)},
		{"POST", "/v1/orders", gate.ClassOrder, x.api(created(x.placeOrder))},
		{"POST", "/v1/orders/test", gate.ClassOrder, x.api(created(x.testOrder))},
		{"DELETE", "/v1/order", gate.ClassCancel, x.api(x.cancelOrder)},
		{"DELETE", "/v1/orders/open", gate.ClassCancel, x.api(x.cancelOpenOrders)},

		{"GET", "/v1/deposits", gate.ClassLook, x.api(x.deposits)},
		{"GET", "/v1/deposit", gate.ClassLook, x.api(x.deposit)},
		{"GET", "/v1/deposits/coin_address", gate.ClassLook, x.api(x.coinAddress)},
		{"GET", "/v1/deposits/coin_addresses", gate.ClassLook, x.api(x.coinAddresses)},
		{"POST", "/v1/deposits/paper", gate.ClassOrder, x.api(created(x.paperDeposit))},
		{"GET", "/v1/withdraws", gate.ClassLook, x.api(x.withdraws)},
		{"GET", "/v1/withdraw", gate.ClassLook, x.api(x.withdraw)},
		{"GET", "/v1/withdraws/chance", gate.ClassLook, x.api(x.withdrawChance)},
		{"POST", "/v1/withdraws/coin", gate.ClassWithdraw, x.api(created(x.withdrawCoin))},
		{"POST", "/v1/transfers", gate.ClassWithdraw, x.api(created(x.transfer))},

		{"GET", "/api/v3/time", gate.ClassPublic, x.facade(x.binanceTime)},
		{"GET", "/api/v3/exchangeInfo", gate.ClassPublic, x.facade(x.binanceInfo)},
		{"GET", "/api/v3/depth", gate.ClassPublic, x.facade(x.binanceDepth)},
		{"GET", "/api/v3/account", gate.ClassLook, x.facade(x.binanceAccount)},
		{"GET", "/api/v3/order", gate.ClassLook, x.facade(x.binanceOrder)},
		{"GET", "/api/v3/openOrders", gate.ClassLook, x.facade(x.binanceOpen)},
		{"POST", "/api/v3/order", gate.ClassOrder, x.facade(x.binancePlace)},
		{"DELETE", "/api/v3/order", gate.ClassCancel, x.facade(x.binanceCancel)},

		{"GET", "/0/public/Time", gate.ClassPublic, x.facade(kraken(x.krakenTime))},
		{"GET", "/0/public/Assets", gate.ClassPublic, x.facade(kraken(x.krakenAssets))},
		{"GET", "/0/public/AssetPairs", gate.ClassPublic, x.facade(kraken(x.krakenPairs))},
		{"GET", "/0/public/Depth", gate.ClassPublic, x.facade(kraken(x.krakenDepth))},
		{"POST", "/0/private/Balance", gate.ClassLook, x.facade(kraken(x.krakenBalance))},
		{"POST", "/0/private/BalanceEx", gate.ClassLook, x.facade(kraken(x.krakenBalanceEx))},
		{"POST", "/0/private/OpenOrders", gate.ClassLook, x.facade(kraken(x.krakenOpen))},
		{"POST", "/0/private/QueryOrders", gate.ClassLook, x.facade(kraken(x.krakenQuery))},
		{"POST", "/0/private/AddOrder", gate.ClassOrder, x.facade(kraken(x.krakenPlace))},
		{"POST", "/0/private/CancelOrder", gate.ClassCancel, x.facade(kraken(x.krakenCancel))},
	}
}

// guard lets a request through to a route only if the gateway allowed it as at least the route's class, and, where the route
// is about a book, said whose.
func (x *Exchange) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := gate.From(r.Context())
		private := rt.class != gate.ClassPublic
		if !ok || !who.Class.Covers(rt.class) || private && who.Kind == gate.KindPublic {
			writeRefusal(w, r, errOutOfScope)
			return
		}
		rt.serve.ServeHTTP(w, r)
	})
}

// sameSite refuses state-changing requests that a browser sends from another site. The gateway does so too; here it also
// protects an exchange whose operator forgot. Bots send neither Origin nor Sec-Fetch-Site and pass.
func (x *Exchange) sameSite(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { writeRefusal(w, r, errCrossSite) }))
	return protection.Handler(next)
}

// routed writes the answers 404 and 405 in this exchange's shape; http.ServeMux would write its own.
func routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &statusProbe{header: http.Header{}}
		h.ServeHTTP(probe, r)
		if probe.status == http.StatusMethodNotAllowed {
			w.Header()["Allow"] = probe.header["Allow"]
			writeRefusal(w, r, errMethodNotAllowed)
			return
		}
		writeRefusal(w, r, errNotFound)
	})
}

// statusProbe takes an answer that nobody is to see.
type statusProbe struct {
	header http.Header
	status int
}

func (p *statusProbe) Header() http.Header         { return p.header }
func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }
func (p *statusProbe) WriteHeader(status int)      { p.status = status }

func ownerOf(who gate.Principal) ledger.Owner {
	return ledger.Owner{Environment: string(who.Environment), Account: who.Account, Subaccount: who.Subaccount}
}
