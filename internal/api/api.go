// Package api owns the JSON door: /v1, for our own pages and for the programs of people.
//
// It has no rules of its own. A request enters (visit), one operation of a room is called, and its answer or refusal is written; what a route
// demands is its line in spec/routes.tsv. It does not know pages, and never sends a CORS header.
//
//	one credential → arrived body → proven sender → same origin → permitted sender → operation
//
// Invariant: a cookie counts only together with same-origin Fetch metadata, a form token and JSON; a signed request only without a cookie.
package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
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
	"github.com/seed-21c57000/sallyport/internal/respond/dossier"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/official"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
)

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

// Deps are what the door is made of. All are needed.
type Deps struct {
	Now func() time.Time
	// Origin of the dashboard as it is configured, scheme://host[:port]: what cookies and signatures must have been made for.
	Origin  string
	FormKey httpx.FormKey

	Decide   decision.Decider
	Verifier Verifier
	Describe Describer
	// Map says that there is a file of places.
	Map bool
	// Binding is offered to a browser that has just signed in.
	Binding Binder
	// Tally counts refusals for the owners of keys and sessions.
	Tally *audit.Tally
	// Lab explains signatures of test keys.
	Lab *lab.Lab

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
	// Confirmations and Holds are what waits, and why.
	Confirmations *confirm.Confirmations
	Holds         *hold.Holds
	Locks         *lock.Locks
	// Members is who belongs to accounts.
	Members *member.Members
	// Subaccounts are the boundaries inside of accounts.
	Subaccounts *subaccount.Subaccounts
	Privacy     *privacy.Privacy
	// Tiers say who is of high value.
	Tiers *tier.Tiers
	// Demands are what users demand of themselves.
	Demands *demand.Demands
	// Recoveries are the ways back.
	Recoveries *recovery.Recoveries
	// Notices is the message centre, Contacts how people are reached.
	Notices  *notify.Notices
	Contacts *contact.Contacts
	// CheckUps are how well accounts are guarded.
	CheckUps *checkup.CheckUps
	// Dossiers are what is told about single keys.
	Dossiers *dossier.Dossiers
	// Official is what is ours.
	Official official.Places
}

// API is the door. It is safe for concurrent use once it is mounted.
type API struct {
	Deps
	authority string
	huma      huma.API
	document  []byte // the OpenAPI description, written once by Mount
}

// New makes an API, or names what is missing.
func New(d Deps) (*API, error) {
	origin, err := url.Parse(d.Origin)
	if err != nil || origin.Host == "" {
		return nil, fmt.Errorf("api.New: %q is no origin", d.Origin)
	}
	missing := map[string]bool{
		"Now": d.Now == nil, "FormKey": len(d.FormKey) != 32, "Decide": d.Decide == nil, "Verifier": d.Verifier == nil,
		"Describe": d.Describe == nil, "Binding": d.Binding == nil, "Tally": d.Tally == nil, "Lab": d.Lab == nil, "Accounts": d.Accounts == nil, "Sessions": d.Sessions == nil,
		"SignUps": d.SignUps == nil, "SignIns": d.SignIns == nil, "Factors": d.Factors == nil, "StepUps": d.StepUps == nil,
		"Keys": d.Keys == nil, "Log": d.Log == nil, "Reports": d.Reports == nil, "Confirmations": d.Confirmations == nil, "Holds": d.Holds == nil, "Notices": d.Notices == nil,
		"Contacts": d.Contacts == nil, "Locks": d.Locks == nil, "Tiers": d.Tiers == nil, "Demands": d.Demands == nil, "Privacy": d.Privacy == nil, "Recoveries": d.Recoveries == nil, "Members": d.Members == nil, "Subaccounts": d.Subaccounts == nil, "CheckUps": d.CheckUps == nil, "Dossiers": d.Dossiers == nil,
	}
	var problems []error
	for name, is := range missing {
		if is {
			problems = append(problems, fmt.Errorf("api.New: no %s", name))
		}
	}
	return &API{Deps: d, authority: origin.Host}, errors.Join(problems...)
}

// Mount puts every route of the door on the mux. The mux knows afterwards which of them have no line in spec/routes.tsv.
func (a *API) Mount(mux *route.Mux) {
	a.open(mux)
	(&clock{a.Now}).mount(a)
	(&signUps{a.SignUps}).mount(a)
	(&signIns{a.SignIns}).mount(a)
	(&remembered{a.SignIns, a.Describe}).mount(a)
	(&sessions{a.Sessions, a.Keys, a.Factors, a.Describe, a.Decide, a.Now}).mount(a)
	(&methods{a.Factors, a.Tiers, a.Demands}).mount(a)
	(&passkeys{a.Factors}).mount(a)
	(&recoveries{a.Recoveries, a.Now}).mount(a)
	(&recoveryPlan{a.Recoveries, a.Now}).mount(a)
	(&lost{a.Recoveries, a.Describe}).mount(a)
	(&stepUps{a.StepUps, a.Factors}).mount(a)
	(&locks{a.Locks}).mount(a)
	(&privacies{a.Privacy}).mount(a)
	(&keys{a.Keys}).mount(a)
	(&keyLife{a.Keys}).mount(a)
	(&accounts{a.Accounts}).mount(a)
	(&members{a.Members}).mount(a)
	(&subaccounts{a.Accounts, a.Subaccounts}).mount(a)
	(&confirmations{a.Confirmations, a.Holds, a.Now}).mount(a)
	(&messages{a.Notices, a.CheckUps, a.Now}).mount(a)
	(&contacts{a.Contacts}).mount(a)
	(&genuine{a.Official}).mount(a)
	(&activity{a.Log, a.Reports, a.Keys, a.Describe}).mount(a)
	(&explains{a.Lab, a.Tally, a.Keys}).mount(a)
	(&dossiers{a.Dossiers, a.Keys, a.Describe, a.Now}).mount(a)
	(&overview{a.CheckUps, a.Log, a.Describe, a.Map, a.Now, a.Recoveries, a.Factors}).mount(a)
	a.describePlatform()
	a.describeItself()
}
