package web

import (
	"errors"
	"net/url"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
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
	values, err := v.web.carrier.open(v.who.Session, v.r.URL.Path, carried)
	if err != nil {
		return fault.New(fault.StepUpNotFound).Because(err)
	}
	given, err := v.form.only("proof_code", "proof_password", "proof_state", "proof_response", "username")
	if err != nil {
		return err
	}
	v.form = form{values}
	bearer, err := v.satisfy(step, given)
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return v.refusedProof(step, p) })
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
