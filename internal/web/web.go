// Package web owns the HTML door: the dashboard's pages, for people.
//
// It has no rules of its own. A request becomes a visit (who is there, in which language, with which form), one operation of a room is
// called, and a view of package page is rendered; what a route takes is its line in spec/routes.tsv. It does not know JSON, which is the
// business of package api, and no domain type reaches a page.
//
//	whole form → known browser or session → same origin → permitted → form token → proof of a step-up → operation → page or redirect
//
// Invariant: nothing changes on a GET; a POST counts only from our own pages and with the form token of the cookie it was shown under; and a
// reader is sent nowhere but to paths that this door's own routes know, or through a page that names the other place.
package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/lab"
	"github.com/seed-21c57000/sallyport/internal/prove/lock"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/subaccount"
	"github.com/seed-21c57000/sallyport/internal/prove/tier"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/checkup"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/consequence"
	"github.com/seed-21c57000/sallyport/internal/respond/dossier"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/official"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// doorName is ours in spec/routes.tsv.
const doorName = "web"

// Host is an exchange behind the gate that people open in a browser.
type Host struct {
	// Authority is the name as configured, port included; Origin is where its pages are.
	Authority, Origin string
	// Name is how the exchange is called on our pages.
	Name        string
	Environment id.Environment
}

// Describer finds words for what a browser says about itself, and for where it is.
type Describer interface {
	// Device names the browser and system of a User-Agent header in "en" or "ko".
	Device(agent, lang string) string
	// Place is about where a network address is, in "en" or "ko"; empty where nothing is known.
	Place(addr, lang string) string
	// Country is the country of that place (ISO 3166-1); empty where nothing is known.
	Country(addr string) string
}

// Binder asks the browser of a new session to bind it to its device.
type Binder interface {
	Offer(w http.ResponseWriter, s id.Session)
}

// Deps are what the door is made of. All are needed, but for Hosts, APIs and Violated, which may be nil.
type Deps struct {
	Now func() time.Time
	// Product is how the product calls itself; Origin is the dashboard's as configured, scheme://host[:port].
	Product, Origin string
	// Environment is what the installation guards; new keys belong to it unless their maker says otherwise.
	Environment id.Environment
	// Hosts are the gateway's that people open, APIs those that programs send signed requests to, without names.
	Hosts, APIs []Host
	FormKey     httpx.FormKey
	Decide      decision.Decider
	Describe    Describer
	// Places is who the places are owed to; empty for nobody.
	Places page.Credit
	// Map says that there is a file of places to draw a map from.
	Map bool
	// Binding is offered to a browser that has just signed in.
	Binding Binder
	// Violated hears what browsers report about our policy, at most a few times a minute.
	Violated func(ctx context.Context, v Violation)

	Accounts *account.Accounts
	Sessions *session.Sessions
	SignUps  *signup.SignUps
	SignIns  *signin.SignIns
	Factors  *factor.Factors
	StepUps  *stepup.StepUps
	Keys     *apikey.Keys
	Log      *audit.Log
	// Reports are what users said was not them.
	Reports *report.Reports
	// Tally knows why requests were refused, Lab explains signatures of test keys.
	Tally *audit.Tally
	Lab   *lab.Lab
	// Confirmations and Holds are what waits, and why.
	Confirmations *confirm.Confirmations
	Holds         *hold.Holds
	Locks         *lock.Locks
	// Members is who belongs to accounts.
	Members *member.Members
	// Subaccounts are the boundaries inside of accounts.
	Subaccounts *subaccount.Subaccounts
	// Tiers say who is of high value.
	Tiers *tier.Tiers
	// Demands are what users demand of themselves.
	Demands *demand.Demands
	// Recoveries are the ways back.
	Recoveries *recovery.Recoveries
	// Notices is the message centre, Contacts how users are reached, Spans how long money waits after what.
	Notices *notify.Notices
	// CheckUps are how well accounts are guarded.
	CheckUps *checkup.CheckUps
	// Dossiers are what is told about single keys.
	Dossiers *dossier.Dossiers
	Contacts *contact.Contacts
	Spans    consequence.Spans
	// Privacy answers for what is kept.
	Privacy *privacy.Privacy
	// Official is what is ours.
	Official official.Places
}

// Web is the door. It is safe for concurrent use once it is mounted.
type Web struct {
	Deps
	files   files
	carrier carrier
	origins *http.CrossOriginProtection
	// pages are the addresses that a reader may be sent back to; Mount fills it.
	pages *http.ServeMux
	// details tell more of a form that waits for a proof than its summary does, by the form's address.
	details map[string]func(*visit, form) []page.Fact
}

// New makes a Web, or names what is missing.
func New(d Deps) (*Web, error) {
	if u, err := url.Parse(d.Origin); err != nil || u.Host == "" {
		return nil, fmt.Errorf("web.New: %q is no origin", d.Origin)
	}
	missing := map[string]bool{
		"Now": d.Now == nil, "Product": d.Product == "", "Environment": d.Environment == 0, "FormKey": len(d.FormKey) != 32,
		"Decide": d.Decide == nil, "Describe": d.Describe == nil, "Binding": d.Binding == nil, "Accounts": d.Accounts == nil, "Sessions": d.Sessions == nil, "SignUps": d.SignUps == nil,
		"SignIns": d.SignIns == nil, "Factors": d.Factors == nil, "StepUps": d.StepUps == nil, "Keys": d.Keys == nil, "Log": d.Log == nil, "Reports": d.Reports == nil, "Tally": d.Tally == nil, "Lab": d.Lab == nil,
		"Confirmations": d.Confirmations == nil, "Holds": d.Holds == nil, "Notices": d.Notices == nil, "Contacts": d.Contacts == nil,
		"Recoveries": d.Recoveries == nil, "Members": d.Members == nil, "Subaccounts": d.Subaccounts == nil, "Privacy": d.Privacy == nil, "Locks": d.Locks == nil, "Tiers": d.Tiers == nil, "Demands": d.Demands == nil, "CheckUps": d.CheckUps == nil, "Dossiers": d.Dossiers == nil,
	}
	var problems []error
	for name, is := range missing {
		if is {
			problems = append(problems, fmt.Errorf("web.New: no %s", name))
		}
	}
	w := &Web{Deps: d, files: embedded(), origins: http.NewCrossOriginProtection(), pages: http.NewServeMux()}
	var err error
	w.carrier, err = newCarrier(d.FormKey)
	return w, errors.Join(append(problems, err)...)
}

// handler answers one kind of visit.
type handler func(v *visit) error

// Mount puts every route of the door on the mux. The mux knows afterwards which of them have no line in spec/routes.tsv.
func (w *Web) Mount(mux *route.Mux) {
	door := mux.Door(doorName, "/", w.refuseUnrouted)
	on := func(method, pattern string, h handler) {
		door.Handle(method, pattern, func(rw http.ResponseWriter, r *http.Request, line route.Line) { w.serve(rw, r, line, h) })
		if method == http.MethodGet {
			w.pages.HandleFunc("GET "+pattern, http.NotFound)
		}
	}
	(&locks{w.Locks}).mount(on)
	log := &activity{w.Log, w.Reports, w.Keys}
	log.mount(on)
	(&overview{w.CheckUps, w.Sessions, w.Accounts, w.Confirmations, w.Notices, log, w.Hosts, apiViews(w.APIs)}).mount(on)
	(&checkUp{w.CheckUps}).mount(on)
	(&pictures{w.Log}).mount(on)
	(&pending{w.Confirmations, w.Holds}).mount(on)
	(&messages{w.Notices, w.CheckUps}).mount(on)
	(&notMe{w.Notices}).mount(on)
	(&contacts{w.Contacts}).mount(on)
	(&genuine{w.Official}).mount(on)
	(&signUps{w.SignUps, w.Binding}).mount(on)
	(&signIns{w.SignIns, w.Origin, w.Binding}).mount(on)
	(&crossing{w.Sessions, w.Factors, w.Hosts}).mount(on)
	(&privacies{w.Privacy, w.Privacy.Wait}).mount(on)
	(&sessions{w.Sessions, w.SignIns, w.Factors, w.Decide, w.Now}).mount(on)
	(&methods{w.Factors, w.Accounts}).mount(on)
	(&recoveryCodes{w.Factors}).mount(on)
	(&recoveryPlan{w.Recoveries}).mount(on)
	(&recoverPages{w.Recoveries, w.Recoveries.Waits}).mount(on)
	(&lost{w.Recoveries, w.Recoveries.Waits}).mount(on)
	(&members{w.Members}).mount(on)
	(&subaccounts{w.Accounts, w.Subaccounts}).mount(on)
	k := &keys{w.Keys, w.Factors, w.Accounts, w.Members, w.Dossiers, log, keyTerms{w.Keys.Limits, w.Environment, w.Origin, apiViews(w.APIs)}}
	k.mount(on)
	w.details = map[string]func(*visit, form) []page.Fact{"/keys": k.details}
	(&laboratory{w.Lab, w.Tally, w.Keys}).mount(on)
	codes{}.mount(on)
	languages{w.Accounts}.mount(on)

	door.Handle(http.MethodGet, "/assets/{name}", w.serveFile)
	door.Handle(http.MethodPost, reportPath, newReports(w.Now, w.Violated).serve)
}

// refuseUnrouted answers what no route takes.
func (w *Web) refuseUnrouted(rw http.ResponseWriter, r *http.Request, err error) {
	w.harden(rw, r)
	v := w.newVisit(rw, r, route.Line{})
	if problem := v.recognise(); problem != nil {
		v.who = principal.Nobody(v.rec.Origin())
	}
	v.refuse(err)
}

// serve takes one request through the steps that all pages share.
func (w *Web) serve(rw http.ResponseWriter, r *http.Request, line route.Line, h handler) {
	w.harden(rw, r)
	v := w.newVisit(rw, r, line)
	defer func() {
		if v.release != nil {
			v.release()
		}
	}()
	for _, step := range []handler{(*visit).receive, (*visit).recognise, (*visit).sameOrigin, (*visit).permitted, (*visit).fill, (*visit).act, (*visit).resume, (*visit).prove, (*visit).advise, h} {
		err := step(v)
		if errors.Is(err, errAnswered) {
			return
		}
		if err != nil {
			v.refuse(err)
			return
		}
	}
}

// sameOrigin refuses what another site's page had the browser send. The library lets requests pass that carry neither Sec-Fetch-Site nor
// Origin, as programs send them; those still lack the form token.
func (v *visit) sameOrigin() error {
	if err := v.web.origins.Check(v.r); err != nil {
		return fault.New(fault.RequestCrossSite).Because(err)
	}
	return nil
}

// permitted asks room decide what the route's line asks of its reader, so that no page offers what its operation would refuse.
func (v *visit) permitted() error {
	class, needed, asked := v.line.Power()
	if !asked {
		return nil
	}
	return v.web.Decide.Decide(decision.Question{Principal: v.who, Class: class, Scope: needed, Reduces: v.line.Reduces()}).Err()
}
