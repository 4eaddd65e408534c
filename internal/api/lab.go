package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/lab"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// explains is the signing lab, and why a request was refused.
type explains struct {
	lab interface {
		Explain(p principal.Principal, in lab.Input) (lab.Explanation, error)
	}
	tally interface {
		Why(p principal.Principal, r id.Request) (audit.Kept, bool)
	}
	keys interface {
		Find(k id.Key) *apikey.Live
	}
}

func (e *explains) mount(a *API) {
	register(a, operation{
		id: "explainSignature", method: http.MethodPost, path: "/v1/lab/explain", status: http.StatusOK, summary: "What a request is signed over",
		about: "Of a request that was signed with a test key of the account: what the signature has to be over, and where the text that you signed differs. " +
			"Nothing is sent on, and no nonce is spent. A key may ask about itself.",
		codes: []fault.Code{fault.LabNoTestKey},
	}, e.explain)
	register(a, operation{
		id: "getRefusedRequest", method: http.MethodGet, path: "/v1/requests/{id}", summary: "Why a request was refused",
		about: "By the id that stands in X-Request-Id of its answer. The last hundred of each key are kept, as long as the server runs; with a test key the text " +
			"that its signature had to be over is there too.",
		codes: []fault.Code{fault.RequestNotRefused},
	}, e.why)
}

type explainWanted struct {
	Request string `json:"request" minLength:"1" maxLength:"32768" doc:"As it was sent: raw HTTP, or the line of curl that sends it" example:"GET /v1/accounts HTTP/1.1\nHost: api.example.com\n\n"`
	ToSign  string `json:"base,omitempty" maxLength:"16384" doc:"The text that you signed, to compare"`
}

type explainIn struct{ Body explainWanted }

type explainShown struct {
	Method    string          `json:"method" example:"GET"`
	Authority string          `json:"authority" example:"api.example.com"`
	Target    string          `json:"target" example:"/v1/accounts"`
	KeyID     string          `json:"key_id,omitempty" example:"spk_test_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Dialect   string          `json:"dialect,omitempty" example:"native"`
	ToSign    string          `json:"base,omitempty" doc:"What the signature has to be over; missing where the signature cannot be read"`
	Hashed    string          `json:"hashed,omitempty" doc:"In the dialects of Upbit and Bithumb: the text under query_hash"`
	Holds     bool            `json:"holds" doc:"Whether signature and body hold. Time, nonce, address and scope are not looked at"`
	Problems  []explainsWrong `json:"problems" doc:"What is wrong, the first first"`
	SignedAt  time.Time       `json:"signed_at,omitzero" doc:"The time in the signature"`
	SkewMS    int64           `json:"skew_ms,omitempty" doc:"How far that was ahead of our clock when you asked"`
	Same      *bool           `json:"same,omitempty" doc:"Whether your text is ours; missing if you sent none"`
	DiffersAt *int            `json:"differs_at,omitempty" doc:"The first byte in which the two texts differ, counted from 0"`
}

type explainsWrong struct {
	Reason string `json:"reason" doc:"As in docs/signing.md" example:"bad_signature"`
	Seen   string `json:"seen,omitempty" doc:"The header, parameter or claim that is meant" example:"Signature-Input"`
}

type explainOut struct{ Body explainShown }

func (e *explains) explain(_ context.Context, p principal.Principal, in *explainIn) (*explainOut, error) {
	x, err := e.lab.Explain(p, lab.Input{Request: in.Body.Request, Yours: in.Body.ToSign})
	if err != nil {
		return nil, err
	}
	shown := explainShown{
		Method: x.Method, Authority: x.Authority, Target: x.Target, KeyID: x.KeyID, ToSign: x.ToSign, Hashed: x.Hashed, Holds: len(x.Problems) == 0,
		Problems: []explainsWrong{}, SignedAt: x.SignedAt, SkewMS: x.Skew.Milliseconds(),
	}
	if x.Dialect != 0 {
		shown.Dialect = x.Dialect.String()
	}
	for _, problem := range x.Problems {
		shown.Problems = append(shown.Problems, explainsWrong{string(problem.Reason), problem.Seen})
	}
	if x.Compared {
		shown.Same = new(x.Differs < 0)
		if x.Differs >= 0 {
			shown.DiffersAt = new(x.Differs)
		}
	}
	return &explainOut{shown}, nil
}

type requestPath struct {
	ID id.Request `path:"id" pattern:"^req_[0-9a-z]{26}$" example:"req_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type refusedShown struct {
	Request id.Request        `json:"request" example:"req_069g9r2kt0f7s8w3a5q1z7y6xc"`
	At      time.Time         `json:"at"`
	Route   string            `json:"route,omitempty" example:"POST /v1/orders"`
	KeyID   string            `json:"key_id,omitempty" example:"spk_test_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Addr    string            `json:"addr,omitempty" doc:"Where it came from" example:"203.0.113.7"`
	Proven  bool              `json:"proven" doc:"Whether its sender held the key or the session; if not, it may have been a stranger"`
	Code    fault.Code        `json:"code" doc:"Why, as you may know it" example:"key.ip_not_allowed"`
	Title   string            `json:"title" doc:"What happened, in the language asked for"`
	Fix     string            `json:"fix" doc:"What to do"`
	Fields  map[string]string `json:"fields,omitempty" doc:"What was seen, and what was expected"`
	ToSign  string            `json:"base,omitempty" doc:"With a test key: what the signature had to be over"`
}

type refusedOut struct{ Body refusedShown }

func (e *explains) why(_ context.Context, p principal.Principal, in *requestPath) (*refusedOut, error) {
	k, found := e.tally.Why(p, in.ID)
	if !found {
		return nil, fault.New(fault.RequestNotRefused)
	}
	f := fault.New(fault.Code(k.Reason))
	f.Fields = map[string]any{}
	for name, value := range k.Facts {
		f.Fields[name] = value
	}
	_, title, fix, _ := httpx.Explain(f, p.Lang)
	shown := refusedShown{
		Request: k.Request, At: k.At, Route: k.Route, Proven: k.Proven, Code: f.Code, Title: title, Fix: fix, Fields: k.Facts, ToSign: k.ToSign,
	}
	if k.Addr.IsValid() {
		shown.Addr = k.Addr.String()
	}
	if live := e.keys.Find(k.Key); live != nil {
		shown.KeyID = live.Text()
	}
	return &refusedOut{shown}, nil
}
