package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// about is what a reader of the description must know before the first call.
const about = `The JSON door of Sallyport, for its own pages and for the programs of people.

A call carries one credential. **A session**: the cookie __Host-sid, and then only from our own pages: Sec-Fetch-Site: same-origin (or an
Origin header with the dashboard's origin), Content-Type: application/json and the header Form-Token on every call that changes something.
A browser without a session is bound by the cookie __Host-pre instead. GET /v1/form-token gives the token for either; an answer that changes
the session carries the next one in its header Form-Token. **Or an API key**: a signed request, without cookies, on the few routes that say so.

A refusal is a problem (RFC 9457) whose code is the same for ever; there may be new ones. Text is English or Korean, by Accept-Language.
Some changes need a step-up: the refusal step_up_required names one in fields.step_up; satisfy it at /v1/step-ups/{id} and send the very same
request again.`

// The ways to prove who one is, as the description calls them.
const (
	bySession = "session"
	byKey     = "signature"
)

// schemes are all ways in, those of platforms too.
func schemes() map[string]*huma.SecurityScheme {
	all := maps.Clone(platformSchemes)
	all[bySession] = &huma.SecurityScheme{Type: "apiKey", In: "cookie", Name: httpx.SessionCookie, Description: "A signed-in browser."}
	all[byKey] = &huma.SecurityScheme{Type: "apiKey", In: "header", Name: "Signature", Description: "An API key's signature in its dialect; see docs/signing.md."}
	return all
}

// outline is what an operation says of itself.
func (o operation) outline() huma.Operation {
	return huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, Description: o.about, DefaultStatus: o.status,
		Tags: []string{strings.Split(o.path, "/")[2]},
	}
}

// open makes the huma API on the mux.
func (a *API) open(mux *route.Mux) {
	takeOver()
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Sallyport", Version: "1", Description: about},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				Examples:        map[string]*huma.Example{},
				SecuritySchemes: schemes(),
			},
		},
		Formats: map[string]huma.Format{"application/json": strictJSON}, DefaultFormat: "application/json", RejectUnknownQueryParameters: true,
	}
	a.huma = huma.NewAPI(config, adapter{a, mux, mux.Door(doorName, "/v1/", httpx.WriteProblem)})
}

// describe makes huma's operation of one of ours: what its line in spec/routes.tsv demands, and every refusal with an example.
func (a *API) describe(o operation) huma.Operation {
	line, _ := route.Lookup(doorName, o.method, o.path)
	limit, _ := roomFor(line)
	op := o.outline()
	op.Responses, op.Security = a.refusals(codesOf(o, line)), securityOf(line)
	// The body is in memory before huma asks for it, read under our own limits; huma refuses at its limit, not beyond it.
	op.MaxBodyBytes, op.BodyReadTimeout = limit+1, -1
	if o.method != http.MethodGet && line.Needs != route.Key {
		op.Parameters = []*huma.Param{{
			Name: httpx.FormTokenHeader, In: "header", Required: true, Description: "The form token of the session, or of the browser before it has one.",
			Schema: &huma.Schema{Type: huma.TypeString},
		}}
	}
	return op
}

func securityOf(line route.Line) []map[string][]string {
	switch line.Needs {
	case route.Session:
		return []map[string][]string{{bySession: {}}}
	case route.SessionOrKey:
		var scopes []string
		if line.Scope != "" {
			scopes = []string{line.Scope}
		}
		return []map[string][]string{{bySession: {}}, {byKey: scopes}}
	case route.Key:
		return []map[string][]string{{byKey: nil}}
	case route.Public, route.Pre:
	}
	return nil
}

// keyCodes are the refusals of a signed request.
var keyCodes = []fault.Code{
	fault.SignatureMalformed, fault.SignatureMismatch, fault.SignatureBodyMismatch, fault.SignatureTooOld, fault.SignatureAhead,
	fault.SignatureNonceReused, fault.SignatureSignAgain, fault.KeyRevoked, fault.KeyExpired, fault.KeyOwnerDisabled, fault.KeyWrongDialect,
	fault.KeyIPNotAllowed, fault.KeyInBrowser, fault.KeyBlocked, fault.KeyDialectOff, fault.KeyUnused, fault.KeySecretRetired, fault.RequestTooLarge, fault.RateLimited,
}

// codesOf lists what an operation can be refused with: by the steps of a visit, by what its line demands, and by itself.
func codesOf(o operation, line route.Line) []fault.Code {
	codes := append([]fault.Code{fault.Internal, fault.RequestMalformed, fault.RequestInvalid, fault.SignatureTwoCredentials}, o.codes...)
	add := func(when bool, more ...fault.Code) {
		if when {
			codes = append(codes, more...)
		}
	}
	known := line.Needs == route.Session || line.Needs == route.SessionOrKey || line.Needs == route.Key
	add(line.Needs != route.Public && line.Needs != route.Key, fault.RequestCrossSite)
	add(line.Needs == route.Pre || line.Needs == route.Session, fault.KeyNeedsSession)
	add(known, fault.Unauthorized)
	add(known && line.Needs != route.Key, fault.SessionEnded)
	add(line.Needs == route.SessionOrKey || line.Needs == route.Key, keyCodes...)
	add(line.Scope != "", fault.Forbidden)
	add(line.Scope != "" && line.Needs == route.SessionOrKey, fault.KeyScopeMissing, fault.KeyCeiling)
	add(line.Method != http.MethodGet, fault.RequestTooLarge)
	add(line.Method != http.MethodGet && line.Needs != route.Key, fault.RequestMediaType, fault.RequestFormExpired)
	add(line.Assurance == route.AssuranceStepUp, fault.StepUpRequired, fault.AssuranceTooLow)
	add(line.Rate != "" && line.Needs != route.SessionOrKey, fault.SignInThrottled)
	add(strings.Contains(o.path, "{"), fault.NotFound)
	if !known {
		for _, code := range slices.Clone(codes) {
			entry, _ := fault.Lookup(code)
			add(entry.Sight != fault.Anyone, entry.Outside)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// refusals describes codes by their status, each with its example: what it looks like, with the names of its facts where their values would
// stand.
func (a *API) refusals(codes []fault.Code) map[string]*huma.Response {
	out := map[string]*huma.Response{}
	for _, code := range codes {
		p, _ := httpx.ProblemOf(fault.New(code), "en")
		p.Instance = "req_069g9r2kt0f7s8w3a5q1z7y6xc"
		a.huma.OpenAPI().Components.Examples[string(code)] = &huma.Example{Value: p}

		status := strconv.Itoa(p.Status)
		if out[status] == nil {
			out[status] = &huma.Response{Content: map[string]*huma.MediaType{problemType: {
				Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}, Examples: map[string]*huma.Example{},
			}}}
		} else {
			out[status].Description += ", "
		}
		out[status].Description += string(code)
		out[status].Content[problemType].Examples[string(code)] = &huma.Example{Ref: "#/components/examples/" + string(code)}
	}
	return out
}

// describeKept adds what an answer says when it leaves a new session in the browser.
func describeKept(responses map[string]*huma.Response) {
	for status, r := range responses {
		if status[0] != '2' {
			continue
		}
		if r.Headers == nil {
			r.Headers = map[string]*huma.Param{}
		}
		r.Headers[httpx.FormTokenHeader] = &huma.Param{
			Description: "The form token of the session that this answer opened or renewed; the one before is worth nothing.",
			Schema:      &huma.Schema{Type: huma.TypeString},
		}
	}
}

type documentOut struct{ Body json.RawMessage }

// describeItself mounts the description, which lists its own route like any other, and writes it down.
func (a *API) describeItself() {
	register(a, operation{
		id: "getDescription", method: http.MethodGet, path: "/v1/openapi.json", summary: "This description",
		about: "OpenAPI 3.1. The same as spec/openapi.yaml in the source.",
	}, func(context.Context, principal.Principal, *struct{}) (*documentOut, error) {
		return &documentOut{a.document}, nil
	})
	document, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		panic(fmt.Errorf("api: write the description: %w", err)) // types that cannot be written are a programmer's mistake
	}
	a.document = document
}

// Document writes the description of the door as YAML, for spec/openapi.yaml.
func Document() ([]byte, error) {
	a := &API{}
	a.Mount(route.NewMux())
	return a.huma.OpenAPI().YAML()
}
