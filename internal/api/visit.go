package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/sign"
)

// Verifier checks signed requests; see package signed.
type Verifier interface {
	Verify(ctx context.Context, in *signed.Request) (signed.Accepted, error)
}

const (
	// maxBody is larger than any answer of an authenticator, which is the largest thing we take.
	maxBody = 64 << 10
	// bodyTime is how long a body may take to arrive.
	bodyTime = 5 * time.Second
	// evidenceBody is the exception: a picture in base64, and evidenceTime how long a phone may take to send it.
	evidenceBody = recovery.MaxEvidence/3*4 + 1024
	evidenceTime = time.Minute
)

// roomFor is how large the body of a route may be, and how long it may take.
func roomFor(l route.Line) (limit int64, within time.Duration) {
	if l.Pattern == evidenceAt {
		return evidenceBody, evidenceTime
	}
	return maxBody, bodyTime
}

// visit is one request on its way in. Its steps are named after what holds after them, and run in this order.
type visit struct {
	*API
	w         http.ResponseWriter
	r         *http.Request
	rec       *httpx.Record
	line      route.Line
	takesBody bool

	bearer   secret.Value // of the session cookie, if there is one
	isSigned bool         // whether there are signature headers
	browser  secret.Value // of the pre-session cookie, on routes that need one
	device   secret.Value // of the device cookie, on the same routes
	before   id.Session   // that this browser has already, on the same routes
	vouched  id.User      // by that session, on the same routes
	form     secret.Value // the cookie that the form token must belong to; empty for keys and strangers
	who      principal.Principal
	accepted signed.Accepted // with a signed request
	body     []byte
	hasBody  bool // whether body was read

	release func()     // of the room for evidence; nil for none
	refusal error      // what will be answered instead of huma's own refusal
	reason  fault.Code // of the refusal that was answered
}

// enter runs the steps.
func (v *visit) enter() error {
	v.w.Header().Set("Cache-Control", "no-store")
	v.who = principal.Nobody(v.rec.Origin())
	for _, step := range []func() error{v.plainQuery, v.oneCredential, v.arrivedBody, v.provenSender, v.bareRequest, v.sameOrigin, v.permittedSender, v.expectedEvidence, v.fittingBody} {
		if err := step(); err != nil {
			return err
		}
	}
	if v.who.Kind == principal.KindUser && !v.reads() {
		v.Sessions.Act(v.who)
	}
	v.who.Lang = httpx.Language(v.r)
	return nil
}

// reads says whether the method is safe (RFC 9110 §9.2.1).
func (v *visit) reads() bool { return v.r.Method == http.MethodGet || v.r.Method == http.MethodHead }

// plainQuery: the query reads the same for everybody, and no parameter comes twice.
func (v *visit) plainQuery() error {
	query, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		return fault.New(fault.RequestMalformed, "problem", "query")
	}
	for name, values := range query {
		if len(values) > 1 {
			return fault.New(fault.RequestMalformed, "problem", "query_twice", "seen", line.Visible(name[:min(len(name), 64)]))
		}
	}
	return nil
}

// oneCredential: a session cookie or a signature, never both.
func (v *visit) oneCredential() (err error) {
	if v.bearer, err = httpx.Cookie(v.r, httpx.SessionCookie); err != nil {
		return err
	}
	v.isSigned = len(v.r.Header["Authorization"]) > 0 || sign.Spoken(v.r.Header) != 0
	if v.isSigned && !v.bearer.IsEmpty() {
		return fault.New(fault.SignatureTwoCredentials)
	}
	return nil
}

// provenSender: whoever the route needs is there.
func (v *visit) provenSender() error {
	switch {
	case v.line.Needs == route.Public:
		return nil
	case v.isSigned && (v.line.Needs == route.SessionOrKey || v.line.Needs == route.Key):
		return v.signedSender()
	case v.line.Needs == route.Key:
		return fault.New(fault.Unauthorized)
	case v.isSigned:
		return fault.New(fault.KeyNeedsSession)
	case v.line.Needs == route.Pre:
		return v.knownBrowser()
	case v.bearer.IsEmpty():
		return fault.New(fault.Unauthorized)
	}
	return v.liveSession()
}

func (v *visit) liveSession() (err error) {
	if v.who, err = v.Sessions.Authenticate(v.bearer.Reveal(), "", v.rec.Origin()); err != nil {
		return err
	}
	v.rec.User, v.rec.Lang, v.form = v.who.User, v.who.Lang, v.bearer
	return nil
}

// knownBrowser: what begins here is bound to a cookie, which the first visit gives out. A browser that is signed in proves its forms with its
// session; for the operation it is nobody yet.
func (v *visit) knownBrowser() (err error) {
	if v.device, err = httpx.Cookie(v.r, httpx.DeviceCookie); err != nil {
		return err
	}
	if v.reads() {
		v.browser, err = httpx.Browser(v.w, v.r)
	} else {
		v.browser, err = httpx.Cookie(v.r, httpx.BrowserCookie)
	}
	if err != nil {
		return err
	}
	if v.browser.IsEmpty() {
		return fault.New(fault.RequestFormExpired)
	}
	v.form = v.browser
	v.before = v.Sessions.Holder(v.bearer, "")
	if before, gone := v.Sessions.Authenticate(v.bearer.Reveal(), "", v.rec.Origin()); gone == nil {
		v.vouched, v.form = session.Vouches(before), v.bearer
	}
	return nil
}

// from is the browser, for the operations that open a session.
func (v *visit) from() signin.From {
	return signin.From{Origin: v.rec.Origin(), Browser: v.browser.Hash(), Device: v.device, Replace: v.before, Vouched: v.vouched}
}

// signedSender: the request carries the signature of a live key of either environment, which is the one that its id names.
func (v *visit) signedSender() (err error) {
	in := &signed.Request{Request: sign.Received(v.r), From: v.rec.Origin(), Environment: id.Live, ReadBody: func(*apikey.Live) ([]byte, error) { return v.readBody() }, Repeatable: v.r.Method == http.MethodGet}
	in.Authority = v.authority
	if _, environment, err := id.ParseKey(keyOf(&in.Request)); err == nil {
		in.Environment = environment
	}
	if v.accepted, err = v.Verifier.Verify(v.r.Context(), in); err != nil {
		return err
	}
	httpx.WarnRetiring(v.w, v.accepted.RetiringSince, v.accepted.Retires)
	v.who = v.accepted.Principal
	v.rec.User, v.rec.Key = v.who.User, v.who.Key
	return nil
}

// bareRequest: what only proved the sender is gone from the request; no operation of ours knows it.
func (v *visit) bareRequest() error {
	if l := v.accepted.Live; l != nil {
		v.r.URL.RawQuery, v.body = l.Dialect.Bare(v.r.URL.RawQuery, v.body)
	}
	return nil
}

// keyOf is the id of the key that a signature names, as far as it can be read without a body; empty for none.
func keyOf(r *sign.Request) string {
	if sign.NeedsBody(r) {
		text, _ := sign.HeadKeyID(r)
		return text
	}
	sig, _ := sign.Parse(r)
	return sig.KeyID
}

// sameOrigin: a request that rests on a cookie comes from our own pages, and one that changes something carries the form token that only they
// can read. A form of another site can send neither JSON nor the header.
func (v *visit) sameOrigin() error {
	if v.line.Needs == route.Public || v.isSigned {
		return nil
	}
	if !v.fromHere() {
		return fault.New(fault.RequestCrossSite)
	}
	if v.reads() {
		return nil
	}
	if err := httpx.CheckJSON(v.r); err != nil {
		return err
	}
	return v.FormKey.Check(v.form, v.r.Header.Get(httpx.FormTokenHeader))
}

// fromHere reads what browsers say and pages cannot change (Fetch Metadata; RFC 6454 §7). Without either header nothing may be changed; a
// person may open an address by hand.
func (v *visit) fromHere() bool {
	site, origin := v.r.Header["Sec-Fetch-Site"], v.r.Header["Origin"]
	if len(site) > 1 || len(origin) > 1 || (len(origin) == 1 && origin[0] != v.Origin) {
		return false
	}
	if len(site) == 1 {
		return site[0] == "same-origin" || (site[0] == "none" && v.reads())
	}
	return len(origin) == 1 || v.reads()
}

// permittedSender: the sender holds what the route's line asks for.
func (v *visit) permittedSender() error {
	class, needed, asked := v.line.Power()
	if !asked {
		return nil
	}
	question := decision.Question{Principal: v.who, Class: class, Scope: needed, Environment: v.who.Environment, Reduces: v.line.Reduces()}
	answer := v.Decide.Decide(question)
	if answer.Reason == fault.KeyScopeMissing {
		return v.accepted.Missing(needed)
	}
	return answer.Err()
}

// arrivedBody: whoever sends slowly is asked who they are after the last byte, so that nobody acts on what they were at the first. A signed
// request is read once its signature holds, and its key is looked at again then (package signed).
func (v *visit) arrivedBody() error {
	if v.reads() || v.line.Pattern == evidenceAt || v.isSigned && (v.line.Needs == route.SessionOrKey || v.line.Needs == route.Key) {
		return nil
	}
	_, err := v.readBody()
	return err
}

// expectedEvidence: what may be large is read only of a browser whose claim waits for it, and not of many at a time. Whether it still may is asked
// again by the operation.
func (v *visit) expectedEvidence() error {
	if v.line.Pattern != evidenceAt {
		return nil
	}
	which, err := id.Parse[id.RecoveryKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.NotFound)
	}
	if v.release, err = v.Recoveries.Expect(v.r.Context(), claimant(v.from()), which); err != nil {
		return err
	}
	_, err = v.readBody()
	return err
}

// fittingBody: there is a body only where the operation takes one.
func (v *visit) fittingBody() error {
	if len(v.body) > 0 && !v.takesBody {
		return fault.New(fault.RequestMalformed, "problem", "body_refused")
	}
	v.r.Body = io.NopCloser(bytes.NewReader(v.body))
	return nil
}

func (v *visit) readBody() (body []byte, err error) {
	if !v.hasBody {
		limit, within := roomFor(v.line)
		if v.line.Pattern == evidenceAt {
			v.body, err = httpx.ReadSteadily(v.w, v.r, limit, within, httpx.Upload)
		} else {
			v.body, err = httpx.ReadBody(v.w, v.r, limit, within)
		}
		v.hasBody = err == nil
	}
	return v.body, err
}

// refuse answers. Whoever is not known hears less than the record, which keeps the reason.
func (v *visit) refuse(err error) {
	told, reason := err, fault.CodeOf(err)
	if refusal, ok := errors.AsType[*signed.RefusalError](err); ok {
		reason = refusal.Fault.Code // and it has weighed itself what its sender may hear
		v.count(refusal)
	} else if v.who.Kind == principal.KindNobody {
		told = httpx.ForStranger(err)
	}
	v.reason = reason
	httpx.WriteProblem(v.w, v.r, v.summed(told))
	httpx.Note(v.r, reason, err)
}

// used counts the request for the key that signed it: as let through, or with the code of its refusal.
func (v *visit) used() {
	if v.accepted.Live == nil {
		return
	}
	_, asks, asked := v.line.Power()
	if !asked {
		asks = scope.None
	}
	v.Keys.Count(v.accepted.Live, v.rec.Addr, v.line.Name(), asks, v.reason, v.Now())
}

// summed puts into a refusal that asks for a step-up what it is for, in the reader's language.
func (v *visit) summed(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != fault.StepUpRequired {
		return err
	}
	action, _ := f.Fields["action"].(string)
	facts, _ := f.Fields["facts"].(map[string]string)
	fields := maps.Clone(f.Fields)
	fields["summary"] = i18n.In(httpx.Language(v.r)).Asked(audit.Action(action), facts)
	worded := *f
	worded.Fields = fields
	return &worded
}

// count tells the owner of a key that somebody tried to use it, and could not.
func (v *visit) count(refusal *signed.RefusalError) {
	if refusal.Live == nil {
		return
	}
	note := audit.Refusal{
		Action: audit.RequestRefused, Person: refusal.Live.Owner, Account: refusal.Live.Account, Key: refusal.Live.ID,
		Reason: string(refusal.Fault.Code), Addr: v.rec.Addr, Route: v.line.Name(),
	}
	kept := audit.Kept{
		Refusal: note, Request: v.rec.ID, At: v.Now(), Subaccount: refusal.Live.Subaccount, Proven: refusal.Proven, Facts: audit.FactsOf(refusal.Fault), ToSign: refusal.ToSign,
	}
	v.Tally.Refused(kept, v.who)
}
