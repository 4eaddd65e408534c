package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// ConfirmPrefix is where everything of the confirmation pages lies, their files too.
const ConfirmPrefix = "/c/"

// Confirming are the pages on the origin of confirmations. They look at no cookie but the language: who opens an address proves with a
// passkey, and the challenge follows from what the page shows. The only script there is their own.
type Confirming struct {
	now     func() time.Time
	product string
	origin  string // of the dashboard
	room    confirmations
	files   files
	origins *http.CrossOriginProtection
}

type confirmations interface {
	exchanges
	Show(ctx context.Context, from netip.Addr, address string) (confirm.Shown, error)
	Begin(ctx context.Context, from netip.Addr, address string) (json.RawMessage, error)
	Approve(ctx context.Context, from principal.Origin, address string, response []byte) (confirm.Asked, error)
	Decline(ctx context.Context, from principal.Origin, address string) error
}

// NewConfirming makes a Confirming. dashboard is the origin whose pages it names.
func NewConfirming(now func() time.Time, product, dashboard string, room confirmations) *Confirming {
	own := files{}
	for name, body := range embedded() {
		if !strings.HasPrefix(name, "app-") || strings.HasSuffix(name, ".css") {
			own[name] = body
		}
	}
	return &Confirming{now, product, dashboard, room, own, http.NewCrossOriginProtection()}
}

// Mount puts the pages on a mux.
func (c *Confirming) Mount(mux *route.Mux) {
	door := mux.Door("confirm", "/", func(w http.ResponseWriter, r *http.Request, err error) { c.refuse(w, r, err) })
	on := func(method, pattern string, h func(http.ResponseWriter, *http.Request) error, refuse func(http.ResponseWriter, *http.Request, error)) {
		door.Handle(method, pattern, func(w http.ResponseWriter, r *http.Request, _ route.Line) {
			w.Header().Set("Referrer-Policy", "no-referrer") // the address opens the page
			w.Header().Set("Cache-Control", "no-store")
			err := c.origins.Check(r)
			if err != nil {
				err = fault.New(fault.RequestCrossSite).Because(err)
			} else {
				err = h(w, r)
			}
			if err != nil {
				refuse(w, r, err)
			}
		})
	}
	on(http.MethodGet, "/c/{at}", c.show, c.refuse)
	on(http.MethodPost, "/c/{at}/begin", c.begin, httpx.WriteProblem)
	on(http.MethodPost, "/c/{at}", c.approve, httpx.WriteProblem)
	on(http.MethodPost, "/c/{at}/decline", c.decline, c.refuse)
	door.Handle(http.MethodGet, "/c/assets/{name}", func(w http.ResponseWriter, r *http.Request, _ route.Line) { c.files.serve(w, r.PathValue("name")) })
}

func (c *Confirming) show(w http.ResponseWriter, r *http.Request) error {
	s, err := c.room.Show(r.Context(), httpx.RecordOf(r.Context()).Addr, r.PathValue("at"))
	if err != nil {
		return err
	}
	words := i18n.In(s.Lang)
	if cookie, err := r.Cookie(httpx.LangCookie); err == nil && (cookie.Value == "en" || cookie.Value == "ko") {
		words = i18n.In(cookie.Value)
	}
	now := c.now()
	moment := func(t time.Time) i18n.Moment { return words.Moment(t, now) }
	view := page.Confirm{
		Transaction: transactionView(c.room, s.Content), State: s.State(now), Held: heldView(words, now, s.Stand), Expires: moment(s.Ends),
		Ready: s.Ready, Unbound: s.Unbound, Post: ConfirmPrefix + r.PathValue("at"), Back: backOf(s.Confirmation),
		Methods: c.origin + "/methods", Sessions: c.origin + "/sessions",
	}
	if !s.Young.IsZero() {
		view.Young = moment(s.Young)
	}
	return c.write(w, r, http.StatusOK, page.ConfirmPage(c.frame(words, words.Say(view.Heading())), view))
}

func (c *Confirming) frame(words i18n.Words, title string) page.Frame {
	href := func(name string) string { return strings.Replace(c.files.href(name), "/", ConfirmPrefix, 1) }
	return page.Frame{
		Words: words, Product: c.product, Title: title,
		Assets: page.Assets{Script: href("confirm.js"), Style: href("app.css"), Icon: href("icon.svg")},
	}
}

func (c *Confirming) write(w http.ResponseWriter, r *http.Request, status int, shown templ.Component) error {
	var html bytes.Buffer
	if err := shown.Render(r.Context(), &html); err != nil {
		return fmt.Errorf("render confirmation: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes())
	return nil
}

// exchanges knows what people call an exchange.
type exchanges interface {
	Exchange(of confirm.Content) string
}

func transactionView(room exchanges, c confirm.Content) page.Transaction {
	return page.Transaction{
		Action: c.Action.String(), Asset: c.Asset, Network: c.Network, Address: c.Address, Memo: c.Memo, Amount: c.Amount, Fee: c.Fee,
		Exchange: room.Exchange(c), Test: c.Environment == id.Test,
	}
}

// backOf is where the exchange waits, with the confirmation to go on with.
func backOf(c confirm.Confirmation) string {
	if c.BackTo == "" {
		return ""
	}
	return c.BackTo + "?" + url.Values{"confirmation": {c.ID.String()}}.Encode()
}

// maxAnswer is larger than any authenticator's answer.
const maxAnswer = 32 << 10

func (c *Confirming) begin(w http.ResponseWriter, r *http.Request) error {
	options, err := c.room.Begin(r.Context(), httpx.RecordOf(r.Context()).Addr, r.PathValue("at"))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"options": options, "state": ""})
}

func (c *Confirming) approve(w http.ResponseWriter, r *http.Request) error {
	if err := httpx.CheckJSON(r); err != nil {
		return err
	}
	body, err := httpx.ReadBody(w, r, maxAnswer, formTime)
	if err != nil {
		return err
	}
	var given struct {
		State    string          `json:"state"`
		Response json.RawMessage `json:"response"`
	}
	if err := httpx.DecodeJSON(body, &given); err != nil {
		return fault.New(fault.RequestMalformed, "problem", "not_json").Because(err) // a stranger hears nothing back of what they sent
	}
	asked, err := c.room.Approve(r.Context(), httpx.RecordOf(r.Context()).Origin(), r.PathValue("at"), given.Response)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"back": backOf(asked.Confirmation)})
}

func (c *Confirming) decline(w http.ResponseWriter, r *http.Request) error {
	if err := c.room.Decline(r.Context(), httpx.RecordOf(r.Context()).Origin(), r.PathValue("at")); err != nil {
		return err
	}
	w.Header().Set("Location", ConfirmPrefix+r.PathValue("at"))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (c *Confirming) refuse(w http.ResponseWriter, r *http.Request, err error) {
	words := i18n.In(httpx.Language(r))
	e, title, fix, f := httpx.Explain(httpx.ForStranger(err), words.Lang())
	httpx.Note(r, e.Code, err)
	httpx.SetRetryAfter(w.Header(), f.RetryAfter)
	view := page.Refusal{
		Title: title, Fix: fix, Status: strconv.Itoa(e.Status) + " " + http.StatusText(e.Status), Request: httpx.RecordOf(r.Context()).ID.String(),
	}
	if failed := c.write(w, r, e.Status, page.ConfirmRefusalPage(c.frame(words, title), view)); failed != nil {
		httpx.WriteProblem(w, r, errors.Join(err, failed))
	}
}
