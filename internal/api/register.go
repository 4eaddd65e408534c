package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
)

// doorName is ours in spec/routes.tsv.
const doorName = "api"

// operation is what a resource says of one of its routes. What the route demands stands in spec/routes.tsv.
type operation struct {
	// id is the operation's name in clients that are made from the description.
	id, method, path string
	// summary is a few words, about the rest that a caller must know.
	summary, about string
	// status of success; zero is 200 with a body and 204 without.
	status int
	// codes are the refusals of the operation itself. Those of its line come by themselves.
	codes []fault.Code
}

// register mounts an operation of somebody who is known.
func register[In, Out any](a *API, o operation, fn func(context.Context, principal.Principal, *In) (*Out, error)) {
	handle(a, o, func(ctx context.Context, v *visit, in *In) (*Out, error) { return fn(ctx, v.who, in) })
}

// registerPre mounts an operation of a browser that has no session yet.
func registerPre[In, Out any](a *API, o operation, fn func(context.Context, signin.From, *In) (*Out, error)) {
	handle(a, o, func(ctx context.Context, v *visit, in *In) (*Out, error) { return fn(ctx, v.from(), in) })
}

func handle[In, Out any](a *API, o operation, fn func(context.Context, *visit, *In) (*Out, error)) {
	op := a.describe(o)
	huma.Register(a.huma, op, func(ctx context.Context, in *In) (*Out, error) {
		v := visitOf(ctx)
		out, err := fn(ctx, v, in)
		if err != nil {
			return nil, v.refused(err)
		}
		if k, ok := any(out).(keeper); ok {
			v.keep(k.keeps())
		}
		return out, nil
	})
	if _, ok := any(new(Out)).(keeper); ok {
		describeKept(op.Responses)
	}
}

// kept is what an answer leaves in the browser that asked. An output embeds it; the zero value changes nothing.
type kept struct {
	// bearer is the session's new one.
	bearer secret.Value
	// device is the cookie by which the browser will be recognised.
	device secret.Value
	// began is the session that began with the answer.
	began     id.Session
	signedOut bool
}

func (k kept) keeps() kept { return k }

type keeper interface{ keeps() kept }

// keep sets the cookies. A page that goes on with a new bearer finds the form token that belongs to it in the answer.
func (v *visit) keep(k kept) {
	switch {
	case k.signedOut:
		httpx.SignedOut(v.w)
	case !k.began.IsZero():
		httpx.SignedIn(v.w, k.bearer, k.device)
		v.Binding.Offer(v.w, k.began)
	case !k.bearer.IsEmpty():
		httpx.KeepSession(v.w, k.bearer)
	}
	if !k.bearer.IsEmpty() {
		v.w.Header().Set(httpx.FormTokenHeader, v.FormKey.Token(k.bearer))
	}
}

// Everything below is what this door knows of huma.

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		panic("api: an operation was reached without a visit")
	}
	return v
}

// adapter mounts huma's operations on our mux, behind the steps of a visit.
type adapter struct {
	api  *API
	mux  *route.Mux
	door *route.Door
}

func (d adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

func (d adapter) Handle(op *huma.Operation, next func(huma.Context)) {
	takesBody := op.RequestBody != nil
	d.door.Handle(op.Method, op.Path, func(w http.ResponseWriter, r *http.Request, line route.Line) {
		v := &visit{API: d.api, w: w, r: r, rec: httpx.RecordOf(r.Context()), line: line, takesBody: takesBody}
		defer func() {
			if v.release != nil {
				v.release()
			}
			v.used()
		}()
		if err := v.enter(); err != nil {
			v.refuse(err)
			return
		}
		r = v.r.WithContext(context.WithValue(v.r.Context(), visitKey{}, v))
		next(humago.NewContext(op, r, &answer{w, v}))
		if v.refusal != nil {
			v.refuse(v.refusal)
		}
	})
}

// answer lets through what huma writes, unless there is a refusal: that is written by httpx, as everywhere.
type answer struct {
	http.ResponseWriter
	v *visit
}

func (a *answer) WriteHeader(status int) {
	if a.v.refusal == nil {
		a.ResponseWriter.WriteHeader(status)
	}
}

func (a *answer) Write(b []byte) (int, error) {
	if a.v.refusal != nil {
		return len(b), nil //nolint:nilerr // the refusal is no failure to write: it will be written instead
	}
	return a.ResponseWriter.Write(b)
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// problemType is the media type of a refusal (RFC 9457 §4.1).
const problemType = "application/problem+json"

// problem is what huma is handed in place of a refusal; the description shows its form.
type problem struct{ httpx.Problem }

func (p *problem) GetStatus() int { return p.Status }
func (p *problem) Error() string  { return p.Code }

// refused remembers what is to be answered.
func (v *visit) refused(err error) huma.StatusError {
	v.refusal = err
	return &problem{httpx.Problem{Status: http.StatusInternalServerError}}
}

// takeOver sets what huma keeps for the whole process: its errors become refusals of ours, and members are compared by case.
var takeOver = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	huma.NewError = func(int, string, ...error) huma.StatusError { return &problem{} }
	huma.NewErrorWithContext = func(ctx huma.Context, _ int, _ string, errs ...error) huma.StatusError {
		v := visitOf(ctx.Context())
		return v.refused(v.invalid(errs))
	}
})

// strictJSON reads as httpx does and writes as encoding/json does.
var strictJSON = huma.Format{
	Marshal:   func(w io.Writer, value any) error { return json.NewEncoder(w).Encode(value) },
	Unmarshal: httpx.DecodeJSON,
}

// invalid turns what huma found wrong with the input into a refusal that names the first place. A path that cannot name anything is not
// found; a document that is none, or has a member we do not know, is malformed; everything else is a value to be looked at again.
func (v *visit) invalid(errs []error) error {
	if v.takesBody {
		if len(v.body) == 0 {
			return fault.New(fault.RequestMalformed, "problem", "no_value")
		}
		if err := httpx.DecodeJSON(v.body, new(any)); err != nil {
			return err
		}
	}
	for _, err := range errs {
		found, ok := errors.AsType[*huma.ErrorDetail](err)
		if !ok {
			continue
		}
		place, name, _ := strings.Cut(found.Location, ".")
		switch {
		case place == "path":
			return fault.New(fault.NotFound)
		case found.Message == validation.MsgUnexpectedProperty:
			return fault.New(fault.RequestMalformed, "problem", "member_unknown", "seen", line.Visible(name[:min(len(name), 64)]))
		case name == "":
			name = missing(found.Message)
		}
		if name != "" {
			return fault.New(fault.RequestInvalid, "field", name)
		}
	}
	return fault.New(fault.RequestMalformed, "problem", "value_kind")
}

// missing finds the name in huma's complaint about a member that is not there, which it makes about the object.
func missing(message string) string {
	before, after, _ := strings.Cut(validation.MsgExpectedRequiredProperty, "%s")
	name, begins := strings.CutPrefix(message, before)
	name, ends := strings.CutSuffix(name, after)
	if !begins || !ends {
		return ""
	}
	return name
}
