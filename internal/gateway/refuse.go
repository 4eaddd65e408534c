package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// ownPaths are ours on every gateway host; no upstream is reached below it.
const ownPaths = "/.sallyport/"

const enterPath = ownPaths + "enter"

// errSignIn is the answer to a browser without a session on a page host.
var errSignIn = fault.New(fault.SessionEnded)

// serveOwn answers our own paths: the way in from the dashboard, on page hosts.
func (v *visit) serveOwn() error {
	if v.path != enterPath || !v.host.Pages() || v.r.Method != http.MethodGet {
		return fault.New(fault.GatewayNoRoute)
	}
	v.rec.Route = "GET " + enterPath
	code := secret.FromString("child code", v.r.URL.Query().Get("code"))
	_, bearer, path, err := v.g.Sessions.RedeemChildCode(v.r.Context(), code, v.host.Authority, v.rec.Origin())
	if err != nil {
		return err
	}
	httpx.SetCookie(v.w, httpx.SessionCookie, bearer, 0)
	h := v.w.Header()
	h.Set("Referrer-Policy", "no-referrer") // the code is in this page's address
	h.Set("Cache-Control", "no-store")
	h.Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// refuse answers what is not let through, in the shape its sender understands, and counts it for its owner.
func (v *visit) refuse(err error) {
	v.tell(err)
	refusal, signedOne := errors.AsType[*signed.RefusalError](err)
	switch {
	case signedOne && refusal.Dialect == sign.Upbit:
		v.refuseUpbit(refusal)
	case v.signsIn(err):
		v.toSignIn()
	case signedOne:
		httpx.WriteProblem(v.w, v.r, refusal.Unwrap())
	default:
		httpx.WriteProblem(v.w, v.r, v.visible(err))
	}
}

// visible is the detail for a principal who is known, and what strangers see for everybody else.
func (v *visit) visible(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	if e, known := fault.Lookup(f.Code); known && e.Sight != fault.Anyone && v.who.Kind == principal.KindNobody {
		return fault.New(e.Outside).After(f.RetryAfter)
	}
	return f
}

// signsIn: a person who opens a page without a session is brought to the sign-in, not shown an error.
func (v *visit) signsIn(err error) bool {
	mode := v.r.Header.Get("Sec-Fetch-Mode")
	return errors.Is(err, errSignIn) && v.r.Method == http.MethodGet && (mode == "navigate" || mode == "")
}

func (v *visit) toSignIn() {
	httpx.Note(v.r, fault.SessionEnded, nil)
	httpx.ClearCookie(v.w, httpx.SessionCookie)
	h := v.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Location", v.g.Dashboard+"/go/"+url.PathEscape(v.host.Authority)+"?path="+url.QueryEscape(v.raw.Target))
	v.w.WriteHeader(http.StatusSeeOther)
}

// upbitError is the shape that Upbit's clients read.
type upbitError struct {
	Error struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	} `json:"error"`
}

func (v *visit) refuseUpbit(refusal *signed.RefusalError) {
	shown := refusal.Unwrap()
	reason := refusal.Reason
	if f, _ := errors.AsType[*fault.Error](shown); f != nil && f.Code != refusal.Fault.Code {
		reason = sign.BadSignature // what a stranger sees is the same for every key
	}
	problem := sign.UpbitProblemOf(reason)
	_, title, fix, _ := httpx.Explain(shown, httpx.Language(v.r))
	httpx.Note(v.r, refusal.Fault.Code, refusal)
	var body upbitError
	body.Error.Name, body.Error.Message = problem.Name, title+" "+fix
	out, err := json.Marshal(body)
	if err != nil {
		httpx.WriteProblem(v.w, v.r, err)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	httpx.SetRetryAfter(h, refusal.Fault.RetryAfter)
	status := problem.Status
	if refusal.Fault.Code == fault.RateLimited {
		status = http.StatusTooManyRequests
	}
	v.w.WriteHeader(status)
	_, _ = v.w.Write(append(out, '\n'))
}

// tell counts a refusal for those who may see it: the owner of the key that was named, or the person whose session it was.
func (v *visit) tell(err error) {
	f, ok := errors.AsType[*fault.Error](err)
	note := audit.Refusal{Action: audit.RequestRefused, Person: v.who.User, Account: v.who.Account, Addr: v.rec.Addr}
	if refusal, signedOne := errors.AsType[*signed.RefusalError](err); signedOne {
		f, ok = refusal.Fault, true
		if refusal.Live == nil {
			return // nobody's key: the log of requests has it
		}
		note.Person, note.Account, note.Key = refusal.Live.Owner, refusal.Live.Account, refusal.Live.ID
	} else if v.who.Kind == principal.KindKey {
		note.Key = v.who.Key
	}
	if !ok || note.Person.IsZero() || f.Code == fault.ConfirmationRequired || f.Code == fault.ConfirmationHeld {
		return // a confirmation that was asked for is a step of its way, and its address belongs into no log
	}
	if v.route != nil {
		note.Route = v.route.Name()
	}
	note.Reason = string(f.Code)
	facts := make(map[string]string, len(f.Fields))
	for name, value := range f.Fields {
		facts[name] = fmt.Sprint(value)
	}
	v.g.Tally.Note(note, principal.Principal{Kind: v.who.Kind, User: v.who.User, Session: v.who.Session, Proof: v.who.Proof, Origin: v.rec.Origin()}, facts)
}
