package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// recoverPages are the pages of the way back, for people without a session. A new passkey is the script's, through package api.
type recoverPages struct {
	room interface {
		Begin(ctx context.Context, from recovery.From, mail, lang string) (recovery.Begun, error)
		Reopen(ctx context.Context, from recovery.From, typed string) (id.Recovery, error)
		ShowMailbox(ctx context.Context, from recovery.From, which id.Recovery, typed string) error
		Mine(ctx context.Context, from recovery.From, which id.Recovery) (recovery.Case, error)
		Claim(ctx context.Context, from recovery.From, which id.Recovery) error
		ClaimWithApp(ctx context.Context, from recovery.From, which id.Recovery, code string) error
		ClaimWithPassword(ctx context.Context, from recovery.From, which id.Recovery, given secret.Value) error
		WithCode(ctx context.Context, from recovery.From, which id.Recovery, typed secret.Value) error
		Hearing(ctx context.Context, from recovery.From, which id.Recovery) (recovery.Hearing, error)
		Bring(ctx context.Context, from recovery.From, which id.Recovery, s recovery.Slot, given []byte) error
		Withdraw(ctx context.Context, from recovery.From, which id.Recovery) error
		Review(ctx context.Context, from recovery.From, which id.Recovery) (recovery.Review, error)
		FinishWithPassword(ctx context.Context, from recovery.From, which id.Recovery, keep recovery.Keep, fresh secret.Value) (recovery.Recovered, error)
	}
	waits recovery.Waits
}

func (r *recoverPages) mount(on mounter) {
	on(http.MethodGet, "/recover", func(v *visit) error { return r.ask(v, page.Recover{}) })
	on(http.MethodPost, "/recover", r.begin)
	on(http.MethodPost, "/recover/reopen", r.reopen)
	on(http.MethodPost, "/recover/code", r.showMailbox)
	on(http.MethodGet, "/recover/case", r.show)
	on(http.MethodPost, "/recover/recovery-code", r.withCode)
	on(http.MethodPost, "/recover/claim", r.claim)
	on(http.MethodPost, "/recover/statement", r.bringStatement)
	on(http.MethodPost, evidenceAt, r.bringFile)
	on(http.MethodPost, "/recover/withdraw", r.withdraw)
	on(http.MethodPost, "/recover/password", r.withPassword)
}

func (v *visit) claimant() (recovery.From, error) {
	from, err := v.signsInFrom()
	return recovery.From{Origin: from.Origin, Browser: from.Browser, Device: from.Device, Replace: from.Replace}, err
}

func (r *recoverPages) ask(v *visit, view page.Recover) error {
	return v.show(page.RecoverPage(v.frame("recover.title"), view))
}

func (r *recoverPages) begin(v *visit) error {
	in, err := v.form.only("mail")
	if err != nil {
		return err
	}
	from, err := v.claimant()
	if err != nil {
		return err
	}
	begun, err := r.room.Begin(v.r.Context(), from, in["mail"], v.words.Lang())
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return r.ask(v, page.Recover{Problem: p, Mail: in["mail"]}) })
	}
	view := page.RecoverCode{Case: begun.ID.String(), CaseCode: string(begun.Code.Reveal()), Mail: in["mail"]}
	return v.show(page.RecoverCodePage(v.frame("code.title"), view))
}

func (r *recoverPages) reopen(v *visit) error {
	in, err := v.form.only("case_code")
	if err != nil {
		return err
	}
	from, err := v.claimant()
	if err != nil {
		return err
	}
	which, err := r.room.Reopen(v.r.Context(), from, in["case_code"])
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return r.ask(v, page.Recover{Problem: p, CaseCode: in["case_code"]}) })
	}
	return v.show(page.RecoverCodePage(v.frame("code.title"), page.RecoverCode{Case: which.String()}))
}

func (r *recoverPages) showMailbox(v *visit) error {
	in, err := v.form.only("recovery", "code")
	if err != nil {
		return err
	}
	which, from, err := v.caseOf(in["recovery"])
	if err != nil {
		return err
	}
	if err := r.room.ShowMailbox(v.r.Context(), from, which, in["code"]); err != nil {
		return v.retry(err, func(p page.Problem) error {
			return v.show(page.RecoverCodePage(v.frame("code.title"), page.RecoverCode{Problem: p, Case: in["recovery"]}))
		})
	}
	return v.leave(caseAt(which))
}

func caseAt(which id.Recovery) string {
	return "/recover/case?" + url.Values{"recovery": {which.String()}}.Encode()
}

// caseOf reads which case a form is about. The id is no secret: it is worth nothing without the browser's cookie. Errors: recovery.unknown.
func (v *visit) caseOf(text string) (which id.Recovery, from recovery.From, err error) {
	if which, err = id.Parse[id.RecoveryKind](text); err != nil {
		return which, from, fault.New(fault.RecoveryUnknown)
	}
	from, err = v.claimant()
	return which, from, err
}

func (r *recoverPages) show(v *visit) error {
	which, from, err := v.caseOf(v.r.URL.Query().Get("recovery"))
	if err != nil {
		return err
	}
	return r.showCase(v, which, from, page.Problem{})
}

// showCase shows where a case stands, and what can be done there.
func (r *recoverPages) showCase(v *visit, which id.Recovery, from recovery.From, p page.Problem) error {
	c, err := r.room.Mine(v.r.Context(), from, which)
	if err != nil {
		return err
	}
	state := c.Told(v.now)
	view := page.RecoverCase{
		Problem: p, ID: which.String(), Mail: c.Mail, State: string(state), Proof: string(c.Proof), Wait: v.words.Span(c.Span),
		WithProof: v.words.Span(r.waits.WithProof), Alone: v.words.Span(r.waits.MailAlone), Hold: v.words.Span(r.waits.Money),
		Ends: v.when(c.Ends), Until: v.when(c.Expires), Passwordless: v.web.Factors.Passwordless,
	}
	switch state { //nolint:exhaustive // the others have nothing more to show
	case recovery.Ready:
		has, err := r.room.Review(v.r.Context(), from, which)
		if err != nil {
			return err
		}
		view.Credentials = v.credentials(has)
	case recovery.Disputed:
		h, err := r.room.Hearing(v.r.Context(), from, which)
		if err != nil {
			return err
		}
		view.Due, view.Evidence = v.when(h.Due), v.evidence(h)
	}
	return v.show(page.RecoverCasePage(v.frame("recover.case"), view))
}

// credentials is everything an account still has, and where else its notices go, to be confirmed or removed.
func (v *visit) credentials(has recovery.Review) (list []page.Credential) {
	if m := has.Methods; m.TOTP != nil {
		list = append(list, page.Credential{Value: "totp", Kind: "totp", Added: v.when(m.TOTP.ConfirmedAt)})
	}
	for _, c := range has.Methods.Passkeys {
		list = append(list, page.Credential{Value: c.ID.String(), Kind: "passkey", Name: c.Name, Added: v.when(c.Born), Used: v.when(c.LastUsedAt)})
	}
	if s := has.Methods.Codes; s != nil {
		list = append(list, page.Credential{Value: "recovery_code", Kind: "recovery_code", Added: v.when(s.Born)})
	}
	if r := has.Reached; r.Second != "" {
		list = append(list, page.Credential{Value: "second", Kind: "second", Name: r.Second, Added: v.when(r.SecondSince)})
	}
	if r := has.Reached; r.Phone != "" {
		list = append(list, page.Credential{Value: "number", Kind: "number", Name: r.Phone, Added: v.when(r.PhoneSince)})
	}
	return list
}

// after shows the case again: with what was wrong, or where it stands now.
func (r *recoverPages) after(v *visit, which id.Recovery, from recovery.From, err error) error {
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return r.showCase(v, which, from, p) })
	}
	return v.leave(caseAt(which))
}

func (r *recoverPages) withCode(v *visit) error {
	in, err := v.form.only("recovery", "code")
	if err != nil {
		return err
	}
	which, from, err := v.caseOf(in["recovery"])
	if err != nil {
		return err
	}
	return r.after(v, which, from, r.room.WithCode(v.r.Context(), from, which, secret.FromString("recovery code", in["code"])))
}

func (r *recoverPages) claim(v *visit) error {
	in, err := v.form.only("recovery", "password", "app_code")
	if err != nil {
		return err
	}
	which, from, err := v.caseOf(in["recovery"])
	if err != nil {
		return err
	}
	switch {
	case in["password"] != "":
		err = r.room.ClaimWithPassword(v.r.Context(), from, which, secret.FromString("password", in["password"]))
	case in["app_code"] != "":
		err = r.room.ClaimWithApp(v.r.Context(), from, which, digits(in["app_code"]))
	default:
		err = r.room.Claim(v.r.Context(), from, which)
	}
	return r.after(v, which, from, err)
}

// evidence is what can be brought to a dispute, and what was.
func (v *visit) evidence(h recovery.Hearing) (list []page.Evidence) {
	for _, w := range recovery.Slots {
		view := page.Evidence{Slot: string(w.Slot), Required: w.Required, Takes: strings.Join(w.Kinds, ",")}
		for _, e := range h.Evidence {
			if e.Slot == w.Slot {
				view.Brought, view.Gone = v.when(e.Born), v.when(e.Gone)
			}
		}
		list = append(list, view)
	}
	return list
}

func (r *recoverPages) bringStatement(v *visit) error {
	in, err := v.form.only("recovery", "evidence")
	if err != nil {
		return err
	}
	return r.bring(v, in["recovery"], recovery.Statement, []byte(in["evidence"]))
}

func (r *recoverPages) bringFile(v *visit) error {
	in, err := v.form.only("slot")
	if err != nil {
		return err
	}
	return r.bring(v, v.r.URL.Query().Get("recovery"), recovery.Slot(in["slot"]), v.file)
}

func (r *recoverPages) bring(v *visit, text string, s recovery.Slot, given []byte) error {
	which, from, err := v.caseOf(text)
	if err != nil {
		return err
	}
	return r.after(v, which, from, r.room.Bring(v.r.Context(), from, which, s, given))
}

func (r *recoverPages) withdraw(v *visit) error {
	in, err := v.form.only("recovery")
	if err != nil {
		return err
	}
	which, from, err := v.caseOf(in["recovery"])
	if err != nil {
		return err
	}
	return r.after(v, which, from, r.room.Withdraw(v.r.Context(), from, which))
}

func (r *recoverPages) withPassword(v *visit) error {
	ticked := v.form.takeAll("keep")
	in, err := v.form.only("recovery", "mail", "password")
	if err != nil {
		return err
	}
	which, from, err := v.caseOf(in["recovery"])
	if err != nil {
		return err
	}
	keep, err := kept(ticked)
	if err != nil {
		return err
	}
	done, err := r.room.FinishWithPassword(v.r.Context(), from, which, keep, secret.FromString("password", in["password"]))
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return r.showCase(v, which, from, p) })
	}
	httpx.SignedIn(v.w, done.Bearer, done.DeviceCookie)
	v.web.Binding.Offer(v.w, done.Session.ID)
	v.say("recovered")
	return v.leave("/recovery")
}

// kept reads what was ticked. Errors: request.malformed.
func kept(ticked []string) (k recovery.Keep, err error) {
	for _, word := range ticked {
		switch word {
		case "totp":
			k.App = true
		case "recovery_code":
			k.Codes = true
		case "second":
			k.Second = true
		case "number":
			k.Number = true
		default:
			c, err := id.Parse[id.PasskeyKind](word)
			if err != nil {
				return k, malformed("form_unknown")
			}
			k.Passkeys = append(k.Passkeys, c)
		}
	}
	return k, nil
}
