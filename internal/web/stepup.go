package web

import (
	"errors"
	"maps"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// prove comes before the handler of a form that was sent once before, was answered with the question for another proof, and now brings that
// proof along: it checks the proof and puts the form back together. The handler then runs as if it had been asked for the first time.
//
//	POST form ──▶ step_up_required ──▶ page with the form, sealed ──▶ POST proof + form to the same address ──▶ handler
func (v *visit) prove() error {
	sid := v.form.take("step_up")
	if sid == "" || v.who.Kind != principal.KindUser {
		return nil
	}
	step, err := id.Parse[id.StepUpKind](sid)
	if err != nil {
		return fault.New(fault.StepUpNotFound)
	}
	carried := v.form.take("carried")
	values, err := v.web.carrier.open(readerOf(v.who), v.r.URL.Path, v.now, carried)
	if err != nil {
		return fault.New(fault.StepUpNotFound).Because(err)
	}
	given, err := v.form.only("proof_code", "proof_password", "proof_state", "proof_response", "username")
	if err != nil {
		return err
	}
	v.form = form{values}
	v.sent, v.owner = maps.Clone(values), readerOf(v.who) // it opened for its own reader alone
	bearer, err := v.satisfy(step, given)
	if err != nil {
		if err := v.retry(err, func(p page.Problem) error { return v.refusedProof(step, p) }); err != nil {
			return err
		}
		return errAnswered
	}
	v.renew(bearer)
	v.enter(bearer)
	return nil
}

// satisfy hands the proof that was given to the room.
func (v *visit) satisfy(step id.StepUp, given map[string]string) (secret.Value, error) {
	ctx, factors := v.r.Context(), v.web.Factors
	switch {
	case given["proof_code"] != "":
		return factors.SatisfyWithTOTP(ctx, v.who, step, digits(given["proof_code"]))
	case given["proof_password"] != "":
		return factors.SatisfyWithPassword(ctx, v.who, step, secret.FromString("password", given["proof_password"]))
	}
	return factors.SatisfyWithPasskey(ctx, v.who, step, given["proof_state"], []byte(given["proof_response"]))
}

// errAnswered ends a visit whose page has been written.
var errAnswered = errors.New("answered")

// askProof shows the question for another proof, with what is being confirmed, and carries the form along.
func (v *visit) askProof(err error, p page.Problem) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	text := func(name string) string { s, _ := f.Fields[name].(string); return s }
	e, _ := fault.Lookup(f.Code)
	httpx.Note(v.r, f.Code, err)
	v.status = e.Status
	facts, _ := f.Fields["facts"].(map[string]string)
	return v.showProof(p, text("step_up"), v.words.Asked(audit.Action(text("action")), facts), assurance.ParseLevel(text("needs")))
}

// refusedProof shows the question again after a proof that did not hold.
func (v *visit) refusedProof(sid id.StepUp, p page.Problem) error {
	step, err := v.web.StepUps.Open(v.r.Context(), v.who, sid)
	if err != nil {
		return err
	}
	return v.showProof(p, sid.String(), v.words.Asked(step.Action, step.Facts), step.Needs)
}

func (v *visit) showProof(p page.Problem, sid, summary string, needs assurance.Level) error {
	view := page.StepUp{
		Problem: p, Action: v.r.URL.Path, ID: sid, Summary: summary, Needs: proofFor(needs),
		Carried: v.web.carrier.seal(readerOf(v.who), v.r.URL.Path, v.now, v.sent), Back: v.from(),
	}
	if v.r.URL.Path == copyPath {
		view.After = "/privacy"
	}
	for _, word := range assurance.Words(append(v.who.Proof.Missing(needs), assurance.Fresh)) {
		view.Missing = append(view.Missing, v.words.Say("fact.missing."+word))
	}
	view.Problem.Field = map[string]string{"code": "proof_code", "password": "proof_password"}[p.Field]
	if details := v.web.details[v.r.URL.Path]; details != nil {
		view.Details = details(v, form{maps.Clone(v.sent)})
	}
	if view.Needs == "password" {
		self, err := v.web.Accounts.Self(v.r.Context(), v.who)
		if err != nil {
			return err
		}
		view.Mail = self.Mail
	}
	frame := v.frame("step_up.title")
	if frame.Me != nil {
		frame.Me.Challenge = "" // this page is the answer to it
	}
	return v.show(page.StepUpPage(frame, view))
}

// proofFor names the factor that reaches a level, as package factor satisfies it.
func proofFor(needs assurance.Level) string {
	switch needs {
	case assurance.Phr, assurance.Phrh:
		return "passkey"
	case assurance.Mfa:
		return "totp"
	case assurance.None, assurance.Pwd:
	}
	return "password"
}
