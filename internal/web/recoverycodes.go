package web

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// recoveryCodes are the pages about the codes on paper.
type recoveryCodes struct {
	factors interface {
		methodsOf
		IssueCodes(ctx context.Context, p principal.Principal) (factor.Issued, error)
		ConfirmCodes(ctx context.Context, p principal.Principal, code secret.Value) error
	}
}

func (c *recoveryCodes) mount(on mounter) {
	on(http.MethodGet, "/recovery/codes", func(v *visit) error { return c.show(v, page.Problem{}) })
	on(http.MethodPost, "/recovery/codes", c.issue)
	on(http.MethodPost, "/recovery/codes/confirm", c.confirm)
}

func (c *recoveryCodes) show(v *visit, p page.Problem) error {
	has, err := c.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	view := page.RecoveryCodes{Problem: p, Codes: codesView(v, has), MayIssue: has.Strongest() >= assurance.Mfa}
	return v.show(page.RecoveryCodesPage(v.frame("recovery_codes"), view))
}

// codesView says what is left of a user's set; nil if there is none.
func codesView(v *visit, m factor.Methods) *page.CodeSet {
	if m.Codes == nil {
		return nil
	}
	return &page.CodeSet{Made: v.when(m.Codes.Born), Left: m.Codes.Left, Confirmed: !m.Codes.ConfirmedAt.IsZero()}
}

// issue shows a new set: here, now, and never again.
func (c *recoveryCodes) issue(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	issued, err := c.factors.IssueCodes(v.r.Context(), v.who)
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return c.show(v, p) })
	}
	v.renew(issued.Bearer)
	view := page.NewCodes{Made: v.when(issued.Born)}
	for _, code := range issued.Codes {
		view.List = append(view.List, string(code.Reveal()))
	}
	text := v.words.Say("recovery_codes.file", "product", v.web.Product, "at", view.Made.Absolute) + "\n\n" + strings.Join(view.List, "\n") + "\n"
	view.FileHref = "data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(text))
	return v.show(page.NewCodesPage(v.frame("recovery_codes.new"), view))
}

func (c *recoveryCodes) confirm(v *visit) error {
	in, err := v.form.only("code")
	if err != nil {
		return err
	}
	if err := c.factors.ConfirmCodes(v.r.Context(), v.who, secret.FromString("recovery code", in["code"])); err != nil {
		return v.retry(err, func(p page.Problem) error { return c.show(v, p) })
	}
	v.say("codes_confirmed")
	return v.leave("/recovery/codes")
}
