package sandbox

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/sandbox/ledger"
	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
	"github.com/seed-21c57000/sallyport/internal/sandbox/page"
)

// pageHandler serves a part of the page. What it returns becomes a page that says so.
type pageHandler func(w http.ResponseWriter, r *http.Request, who gate.Principal) error

func (x *Exchange) page(serve pageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := gate.From(r.Context())
		err := serve(w, r, who)
		if err == nil {
			return
		}
		refusal := refusalOf(err)
		if refusal == errServerError {
			x.log.ErrorContext(r.Context(), "paper exchange failed", "request", who.Request, "error", err)
		}
		writeRefusal(w, r, refusal)
	})
}

// writePage sends a rendered page under the one policy that all pages have.
func writePage(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var html bytes.Buffer
	if err := c.Render(r.Context(), &html); err != nil {
		panic(err) // a buffer takes everything, and the templates fail on nothing else
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", page.CSP)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes())
}

func (x *Exchange) showAsset(w http.ResponseWriter, r *http.Request, _ gate.Principal) error {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !page.ServeAsset(w, r.PathValue("name")) {
		return errNotFound
	}
	return nil
}

func (x *Exchange) showDesk(w http.ResponseWriter, r *http.Request, who gate.Principal) error {
	query := r.URL.Query()
	d := desk{market: marketOr(query.Get("market")), done: query.Get("done")}
	return x.render(w, r, who, http.StatusOK, d)
}

// marketOr finds the market that a page is about, the first one where there is none of that name.
func marketOr(id string) market.Market {
	if m, ok := market.ByID(id); ok {
		return m
	}
	return market.All()[0]
}

// back sends the browser to the page after something was done, so that reloading it does nothing again. The address is
// always our own: done is one of our codes, and the market one of ours.
func back(w http.ResponseWriter, r *http.Request, m market.Market, done string) error {
	http.Redirect(w, r, "/?"+url.Values{"market": {m.ID}, "done": {done}}.Encode(), http.StatusSeeOther)
	return nil
}

// again shows the page with what was refused and the form as it was sent: the reader loses nothing they typed.
func (x *Exchange) again(w http.ResponseWriter, r *http.Request, who gate.Principal, d desk, err error) error {
	refusal := refusalOf(err)
	if refusal == errServerError {
		return err
	}
	d.problem = refusal
	return x.render(w, r, who, http.StatusUnprocessableEntity, d)
}

// readForm reads a form of the page: in the body only, and in one media type only.
func readForm(r *http.Request) (url.Values, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, errWrongMediaType
	}
	if err := r.ParseForm(); err != nil {
		return nil, ledger.ErrInvalid
	}
	return r.PostForm, nil
}

// typed reads an amount as people type it: with commas or spaces between thousands.
func typed(text string, refusal ledger.RefusalError) (money.Amount, error) {
	a, err := money.Parse(strings.NewReplacer(",", "", " ", "").Replace(text))
	if err != nil {
		return 0, refusal
	}
	return a, nil
}

func (x *Exchange) sendOrder(w http.ResponseWriter, r *http.Request, who gate.Principal) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	d := desk{market: marketOr(form.Get("market")), order: page.OrderForm{
		Sell: form.Get("side") == "ask", AtMarket: form.Get("type") == "market",
		Price: form.Get("price"), Quantity: form.Get("quantity"), Spend: form.Get("spend"),
	}}
	t, err := ticketOf(d.order, form.Get("market"))
	if err != nil {
		return x.again(w, r, who, d, err)
	}
	t.PlacedBy = who.Key
	o, err := x.books.Place(r.Context(), ownerOf(who), t)
	if err != nil {
		return x.again(w, r, who, d, err)
	}
	done := map[ledger.State]string{ledger.Done: "order_filled", ledger.Wait: "order_waits", ledger.Cancel: "order_part"}[o.State]
	return back(w, r, d.market, done)
}

// ticketOf takes from the form what its two choices ask for, and leaves the hidden fields alone.
func ticketOf(f page.OrderForm, marketID string) (t ledger.Ticket, err error) {
	t = ledger.Ticket{Market: marketID, Side: market.Bid, Type: ledger.Limit}
	badPrice, badVolume := ledger.ErrPriceBid, ledger.ErrVolumeBid
	if f.Sell {
		t.Side, badPrice, badVolume = market.Ask, ledger.ErrPriceAsk, ledger.ErrVolumeAsk
	}
	switch {
	case f.AtMarket && f.Sell:
		t.Type = ledger.Sell
		t.Volume, err = typed(f.Quantity, badVolume)
	case f.AtMarket:
		t.Type = ledger.Spend
		t.Price, err = typed(f.Spend, ledger.ErrAmountInvalid)
	default:
		if t.Price, err = typed(f.Price, badPrice); err == nil {
			t.Volume, err = typed(f.Quantity, badVolume)
		}
	}
	return t, err
}

func (x *Exchange) sendCancel(w http.ResponseWriter, r *http.Request, who gate.Principal) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	d := desk{market: marketOr(form.Get("market"))}
	if form.Get("all") == "yes" {
		if _, err := x.books.CancelAll(r.Context(), ownerOf(who), nil); err != nil {
			return err
		}
		return back(w, r, d.market, "orders_cancelled")
	}
	id, ok := ledger.ParseID(form.Get("uuid"))
	if !ok {
		return x.again(w, r, who, d, ledger.ErrOrderNotFound)
	}
	if _, err := x.books.Cancel(r.Context(), ownerOf(who), ledger.Ref{ID: id}); err != nil {
		return x.again(w, r, who, d, err)
	}
	return back(w, r, d.market, "order_cancelled")
}

// transferForm reads the form of a deposit or withdrawal.
func transferForm(form url.Values) (page.TransferForm, ledger.Funds, error) {
	f := page.TransferForm{
		Currency: form.Get("currency"), Amount: form.Get("amount"), Address: form.Get("address"), Tag: form.Get("tag"),
	}
	amount, err := typed(f.Amount, ledger.ErrAmountInvalid)
	return f, ledger.Funds{Currency: f.Currency, Amount: amount}, err
}

func (x *Exchange) sendDeposit(w http.ResponseWriter, r *http.Request, who gate.Principal) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	d := desk{market: marketOr(form.Get("market"))}
	sent, funds, err := transferForm(form)
	d.deposit = sent
	if err == nil {
		_, err = x.books.Deposit(r.Context(), ownerOf(who), funds)
	}
	if err != nil {
		return x.again(w, r, who, d, err)
	}
	return back(w, r, d.market, "deposited")
}

func (x *Exchange) sendWithdrawal(w http.ResponseWriter, r *http.Request, who gate.Principal) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	d := desk{market: marketOr(form.Get("market"))}
	sent, funds, err := transferForm(form)
	d.send = sent
	if err == nil {
		err = feeWithin(form.Get("fee_max"), sent.Currency)
	}
	if err == nil {
		to := ledger.Destination{Address: strings.TrimSpace(sent.Address), Tag: strings.TrimSpace(sent.Tag)}
		if to.Network = form.Get("network"); to.Network == "" { // the page has no choice of it: each coin moves on one
			c, _ := ledger.CurrencyByCode(sent.Currency)
			to.Network = c.Network
		}
		_, err = x.books.Withdraw(r.Context(), ownerOf(who), funds, to)
	}
	if err != nil {
		return x.again(w, r, who, d, err)
	}
	return back(w, r, d.market, "withdrawing")
}
