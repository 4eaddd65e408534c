package gateway

import (
	"errors"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// errSignIn is the answer to a browser without a session on a page host.
var errSignIn = fault.New(fault.SessionEnded)

// errProofDue asks for a proof of the device that a session is bound to, before money leaves. It is no refusal: the browser sends the same
// request again.
var errProofDue = errors.New("the device has to prove itself once more")

// refuse answers what is not let through, in the shape its sender understands, and counts it for its owner.
func (v *visit) refuse(err error) {
	if errors.Is(err, errProofDue) {
		httpx.DemandProof(v.w, v.raw.Target)
		return
	}
	v.tell(err)
	refusal, signedOne := errors.AsType[*signed.RefusalError](err)
	switch {
	case signedOne && v.refuseSigned(refusal):
	case v.waits && !v.unseen && httpx.FromElsewhere(v.r):
		httpx.Note(v.r, fault.SessionUnproven, nil)
		httpx.ComeAgain(v.w, v.r, http.StatusUnauthorized, v.raw.Target)
	case v.signsIn(err):
		httpx.Note(v.r, fault.SessionEnded, nil)
		if !v.waits { // the browser may still bring its proof
			httpx.ClearCookie(v.w, httpx.SessionCookie)
		}
		if err := v.setOut(v.raw.Target); err != nil {
			httpx.WriteProblem(v.w, v.r, err)
		}
	case signedOne:
		httpx.WriteProblem(v.w, v.r, refusal.Unwrap())
	case v.needsProof() && v.navigates():
		v.leaveForProof()
	case v.needsProof():
		httpx.WriteProblem(v.w, v.r, v.stepUp(err))
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

// refuseSigned answers in the shape that clients of the dialect read; false if it has none.
func (v *visit) refuseSigned(refusal *signed.RefusalError) bool {
	shown := refusal.Unwrap()
	reason := refusal.Reason
	if f, _ := errors.AsType[*fault.Error](shown); f != nil && f.Code != refusal.Fault.Code {
		reason = sign.BadSignature // what a stranger sees is the same for every key
	}
	entry, title, fix, _ := httpx.Explain(shown, httpx.Language(v.r))
	status, body, ok := refusal.Dialect.Refusal(reason, title+" "+fix, v.now)
	if !ok {
		return false
	}
	httpx.Note(v.r, refusal.Fault.Code, refusal)
	h := v.w.Header()
	h.Set(httpx.RefusalHeader, string(entry.Code))
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	httpx.SetRetryAfter(h, refusal.Fault.RetryAfter)
	v.w.WriteHeader(status)
	_, _ = v.w.Write(append(body, '\n')) //nolint:gosec // JSON, and said to be
	return true
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
		if refusal.Proven {
			v.key = refusal.Live
		}
		note.Person, note.Account, note.Key = refusal.Live.Owner, refusal.Live.Account, refusal.Live.ID
	} else if v.who.Kind == principal.KindKey {
		note.Key = v.who.Key
	}
	if ok {
		v.used(f.Code)
	}
	if !ok || note.Person.IsZero() || f.Code == fault.ConfirmationRequired || f.Code == fault.ConfirmationHeld {
		return // a confirmation that was asked for is a step of its way, and its address belongs into no log
	}
	if v.route != nil {
		note.Route = v.route.Name()
	}
	note.Reason = string(f.Code)
	kept := audit.Kept{Refusal: note, Request: v.rec.ID, At: v.now, Subaccount: v.who.Subaccount, Proven: v.who.Kind != principal.KindNobody, Facts: audit.FactsOf(f)}
	if refusal, signedOne := errors.AsType[*signed.RefusalError](err); signedOne {
		kept.Proven, kept.ToSign, kept.Subaccount = refusal.Proven, refusal.ToSign, refusal.Live.Subaccount
	}
	v.g.Tally.Refused(kept, principal.Principal{Kind: v.who.Kind, User: v.who.User, Session: v.who.Session, Proof: v.who.Proof, Origin: v.rec.Origin()})
}
