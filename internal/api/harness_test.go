package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-21c57000/sallyport/internal/agent"
	"github.com/seed-21c57000/sallyport/internal/api"
	"github.com/seed-21c57000/sallyport/internal/dbsc"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
	"github.com/seed-21c57000/sallyport/sign"
)

// words stands for package agent, as server wires it.
type words struct{}

func (words) Device(header, lang string) string { return agent.Describe(header).Words(lang) }
func (words) Place(string, string) string       { return "" }
func (words) Country(string) string             { return "" }

// door is the JSON door over the rooms of a whole stack. Every answer is held against the description, and what it left in the log against the
// route's line.
type door struct {
	*authtest.Stack
	t       *testing.T
	clock   *storetest.Clock
	api     *api.API
	mux     *route.Mux
	handler http.Handler
	last    httpx.Record // of the last request, as the chain heard it
}

func open(t *testing.T) *door {
	t.Helper()
	return openWith(t, authtest.Options{})
}

func openWith(t *testing.T, o authtest.Options) *door {
	t.Helper()
	clock := storetest.NewClock()
	o.Now = clock.Now
	d := &door{t: t, clock: clock, Stack: authtest.StartWith(t, o)}
	d.api = newAPI(t, d)
	d.mux = route.NewMux()
	d.api.Mount(d.mux)
	if err := d.mux.Check(); err != nil {
		t.Fatal(err)
	}
	chain := httpx.Chain{Now: clock.Now, Log: storetest.Quiet(t), Pages: authtest.Origin, Done: func(r *httpx.Record, _ int, _ time.Duration) { d.last = *r }}
	d.handler = chain.Wrap("dashboard", d.mux)
	return d
}

func newAPI(t *testing.T, d *door) *api.API {
	t.Helper()
	a, err := api.New(deps(d))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func deps(d *door) api.Deps {
	return api.Deps{
		Now: d.clock.Now, Origin: authtest.Origin, FormKey: httpx.FormKey(bytes.Repeat([]byte{9}, 32)), Decide: d.Policy, Verifier: d.Verifier,
		Describe: words{}, Binding: dbsc.New(dbsc.Place{}, d.Bindings, d.Sessions), Tally: d.Tally, Lab: d.Lab, Accounts: d.Accounts, Sessions: d.Sessions, SignUps: d.SignUps, SignIns: d.SignIns, Factors: d.Factors,
		StepUps: d.StepUps, Keys: d.APIKeys, Log: d.Log, Reports: d.Reports, Confirmations: d.Confirmations, Holds: d.Holds, Notices: d.Notices, Locks: d.Locks, Contacts: d.Contacts,
		Recoveries: d.Recoveries, Privacy: d.Privacy, CheckUps: d.CheckUps, Dossiers: d.Dossiers, Tiers: d.Tiers, Members: d.Members, Subaccounts: d.Subaccounts, Demands: d.Demands,
	}
}

// browser is a browser on one of our pages, with its cookies and the form token of the page.
type browser struct {
	d       *door
	cookies map[string]string
	form    string
}

// fresh is a browser that has never been here.
func (d *door) fresh() *browser { return &browser{d: d, cookies: map[string]string{}} }

// visitor is a fresh browser with the page of a sign-up or sign-in open.
func (d *door) visitor() *browser {
	b := d.fresh()
	b.form = b.get("/v1/form-token").text("form_token")
	return b
}

// of is a browser with a session.
func (d *door) of(bearer, device secret.Value) *browser {
	d.t.Helper()
	b := d.fresh()
	b.cookies[httpx.SessionCookie] = string(bearer.Reveal())
	if !device.IsEmpty() {
		b.cookies[httpx.DeviceCookie] = string(device.Reveal())
	}
	b.form = b.get("/v1/form-token").text("form_token")
	return b
}

// person is a user with a password and a session in a browser.
func (d *door) person(mail string) (*authtest.Person, *browser) {
	d.t.Helper()
	p := d.SignUp(mail)
	return p, d.of(p.Bearer, p.Device)
}

// member is a user of the role in an account, with a session that was proven an hour ago; they have a password and nothing else.
func (d *door) member(in *authtest.Person, role principal.Role) *browser {
	d.t.Helper()
	who := in.Principal()
	var bearer secret.Value
	ctx := d.t.Context()
	password, err := d.Factors.NewPassword(ctx, secret.FromString("password", authtest.Password), true, in.Mail, in.User.Name)
	if err != nil {
		d.t.Fatal(err)
	}
	err = store.Of[session.Tx](d.Store).Update(ctx, func(tx session.Tx) (audit.Event, error) {
		now := d.clock.Now()
		people := txn.As[account.Tx](tx)
		u := account.User{ID: id.New[id.UserKind](now), Name: role.String(), Lang: "en", Handle: account.MintHandle(), Born: now}
		u.Mail = u.ID.String() + "@example.com"
		if err := people.InsertUser(ctx, u); err != nil {
			return audit.Event{}, err
		}
		if err := people.InsertMember(ctx, who.Account, u.ID, role, now); err != nil {
			return audit.Event{}, err
		}
		if err := txn.As[factor.Tx](tx).InsertPassword(ctx, u.ID, password); err != nil {
			return audit.Event{}, err
		}
		minted, err := d.Sessions.Mint(ctx, tx, session.Mint{
			User: u.ID, Account: who.Account, Subaccount: who.Subaccount, From: authtest.PersonOrigin(),
			Proof: assurance.Proof{Factors: assurance.Password, At: now.Add(-time.Hour)},
		})
		bearer = minted.Bearer
		return audit.Quiet(audit.SessionTouched), err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.of(bearer, secret.Value{})
}

// request is what the browser sends from a page of ours; a test changes what it must not be.
func (b *browser) request(method, target string, body any) *http.Request {
	b.d.t.Helper()
	r := httptest.NewRequest(method, authtest.Origin+target, read(b.d.t, body)).WithContext(b.d.t.Context())
	r.RequestURI = target
	r.RemoteAddr = "203.0.113.7:40000"
	h := r.Header
	h.Set("User-Agent", authtest.PersonOrigin().Agent)
	h.Set("Sec-Fetch-Site", "same-origin")
	if method != http.MethodGet {
		h.Set("Origin", authtest.Origin)
		h.Set("Content-Type", "application/json")
		h.Set(httpx.FormTokenHeader, b.form)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func read(t *testing.T, body any) io.Reader {
	t.Helper()
	switch body := body.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(body)
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

// do sends and keeps what the answer left: cookies, and the form token that belongs to a new session.
func (b *browser) do(r *http.Request) answer {
	b.d.t.Helper()
	a := b.d.send(r)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	if token := a.header.Get(httpx.FormTokenHeader); token != "" {
		b.form = token
	}
	return a
}

func (b *browser) call(method, target string, body any) answer {
	b.d.t.Helper()
	return b.do(b.request(method, target, body))
}

func (b *browser) get(target string) answer {
	b.d.t.Helper()
	return b.call(http.MethodGet, target, nil)
}

func (b *browser) post(target string, body any) answer {
	b.d.t.Helper()
	return b.call(http.MethodPost, target, body)
}

// signed is a request of a key's holder.
func (d *door) signed(k authtest.Key, method, target string, body any) *http.Request {
	d.t.Helper()
	raw, err := io.ReadAll(read(d.t, body))
	if err != nil {
		d.t.Fatal(err)
	}
	r := httptest.NewRequest(method, authtest.Origin+target, bytes.NewReader(raw)).WithContext(d.t.Context())
	r.RequestURI = target
	r.RemoteAddr = "203.0.113.7:40000"
	if len(raw) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	out := sign.Request{Method: method, Authority: r.Host, Target: target, Header: r.Header, Body: raw}
	headers, err := k.Signer.Headers(&out, d.clock.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	maps.Copy(r.Header, headers)
	return r
}

// answer is what came back. code is that of a refusal.
type answer struct {
	t      *testing.T
	status int
	code   string
	header http.Header
	body   map[string]any
}

func (a answer) text(name string) string {
	a.t.Helper()
	s, ok := a.body[name].(string)
	if !ok {
		a.t.Fatalf("the answer %d %v has no %s", a.status, a.body, name)
	}
	return s
}

// field is a fact of a refusal.
func (a answer) field(name string) string {
	fields, _ := a.body["fields"].(map[string]any)
	s, _ := fields[name].(string)
	return s
}

// want fails unless the answer is this one; code is empty for a success.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.status != status || a.code != code {
		a.t.Fatalf("answer %d %q %v, want %d %q", a.status, a.code, a.body, status, code)
	}
	return a
}

// send takes a request to the door and holds what happened against description and table.
func (d *door) send(r *http.Request) answer {
	d.t.Helper()
	before := len(d.events(0))
	w := httptest.NewRecorder()
	d.last = httpx.Record{}
	d.handler.ServeHTTP(w, r)
	a := answer{t: d.t, status: w.Code, header: w.Header()}
	if w.Body.Len() > 0 && r.Method != http.MethodHead {
		if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
			d.t.Fatalf("%s %s: %d %q: %v", r.Method, r.URL, w.Code, w.Body, err)
		}
	}
	if a.header.Get("Content-Type") == "application/problem+json" {
		a.code, _ = a.body["code"].(string)
	}
	d.checkHeaders(r, a)
	if method, pattern, ok := strings.Cut(d.last.Route, " "); ok {
		line, _ := route.Lookup("api", method, pattern)
		d.checkDescription(line, a)
		for _, e := range d.events(before) {
			if !slices.Contains(line.Actions, string(e.Action)) {
				d.t.Errorf("%s left %s in the log; its line does not say so", d.last.Route, e.Action)
			}
		}
	}
	return a
}

// events are those of the log after the first n.
func (d *door) events(n int) (list []audit.Told) {
	d.t.Helper()
	ctx := context.WithoutCancel(d.t.Context())
	err := store.Of[audit.Tx](d.Store).View(ctx, func(tx audit.Tx) (err error) {
		list, err = tx.ReadLog(ctx, int64(n), 10_000)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func (d *door) checkHeaders(r *http.Request, a answer) {
	d.t.Helper()
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			d.t.Errorf("%s %s: CORS header %s", r.Method, r.URL, name)
		}
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Request-Id") == "" {
		d.t.Errorf("%s %s: Cache-Control %q, request %q", r.Method, r.URL, a.header.Get("Cache-Control"), a.header.Get("X-Request-Id"))
	}
	if a.code != "" && a.body["instance"] != a.header.Get("X-Request-Id") {
		d.t.Errorf("the problem names request %v", a.body["instance"])
	}
}

// checkDescription fails when an answer is not among those that the description shows for its operation.
func (d *door) checkDescription(line route.Line, a answer) {
	d.t.Helper()
	o := d.api.Description()
	described := operationOf(o, line).Responses[strconv.Itoa(a.status)]
	if described == nil {
		d.t.Errorf("%s: the description has no %d (%s)", line.Name(), a.status, a.code)
		return
	}
	kind := "application/json"
	if a.code != "" {
		kind = "application/problem+json"
	}
	media := described.Content[kind]
	switch {
	case media == nil && a.body == nil:
		return
	case media == nil || a.body == nil:
		d.t.Errorf("%s: %d with body %v; the description says %v", line.Name(), a.status, a.body, described.Content)
		return
	case a.code != "" && media.Examples[a.code] == nil:
		d.t.Errorf("%s: the description has no %s", line.Name(), a.code)
	}
	var found huma.ValidateResult
	huma.Validate(o.Components.Schemas, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, a.body, &found)
	for _, problem := range found.Errors {
		d.t.Errorf("%s: %d is not as described: %v", line.Name(), a.status, problem)
	}
}

func operationOf(o *huma.OpenAPI, line route.Line) *huma.Operation {
	item := o.Paths[line.Pattern]
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[line.Method]
}

// outcome is one way a call can end.
type outcome struct {
	name   string
	do     func() answer
	status int
	code   string
}

// run checks outcomes in order: a later one may rest on what an earlier one left.
func run(t *testing.T, d *door, outcomes []outcome) {
	t.Helper()
	for _, o := range outcomes {
		t.Run(o.name, func(t *testing.T) {
			outer := d.t
			d.t = t
			defer func() { d.t = outer }()
			a := o.do()
			a.t = t
			a.want(o.status, o.code)
		})
	}
}
