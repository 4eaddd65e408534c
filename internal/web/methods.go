package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
	"github.com/seed-21c57000/sallyport/internal/prove/totp"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// methods are the pages about how somebody signs in. Making a passkey is the script's, through package api.
type methods struct {
	factors interface {
		methodsOf
		SetPassword(ctx context.Context, p principal.Principal, fresh secret.Value) (secret.Value, error)
		BeginTOTP(ctx context.Context, p principal.Principal) (totp.Key, error)
		ConfirmTOTP(ctx context.Context, p principal.Principal, code string) (secret.Value, error)
		RemoveTOTP(ctx context.Context, p principal.Principal) (secret.Value, error)
		RenamePasskey(ctx context.Context, p principal.Principal, c id.Passkey, name string) error
		LabelPasskey(ctx context.Context, p principal.Principal, c id.Passkey, l factor.Label) error
		LabelTOTP(ctx context.Context, p principal.Principal, l factor.Label) error
		RemovePasskey(ctx context.Context, p principal.Principal, c id.Passkey) (secret.Value, error)
		Signal(ctx context.Context, p principal.Principal) (passkey.Signal, error)
	}
	accounts selves
}

// raised says whether, and from when, more is asked of the reader than of others.
func (v *visit) raised() (page.HighValue, error) {
	from, err := v.web.Tiers.From(v.r.Context(), v.who)
	return page.HighValue{From: v.when(from), Now: !v.now.Before(from)}, err
}

func (m *methods) mount(on mounter) {
	on(http.MethodGet, "/methods", func(v *visit) error { return m.list(v, page.Problem{}) })
	on(http.MethodGet, "/methods/password", func(v *visit) error { return m.askPassword(v, page.Problem{}) })
	on(http.MethodGet, "/.well-known/change-password", func(v *visit) error { return v.leave("/methods/password") })
	on(http.MethodPost, "/methods/password", m.setPassword)
	on(http.MethodPost, "/methods/totp", m.beginTOTP)
	on(http.MethodPost, "/methods/totp/confirm", m.confirmTOTP)
	on(http.MethodPost, "/methods/totp/remove", m.removeTOTP)
	on(http.MethodPost, "/methods/passkeys/{id}/rename", m.renamePasskey)
	on(http.MethodPost, "/methods/passkeys/{id}/label", m.labelPasskey)
	on(http.MethodPost, "/methods/totp/label", m.labelTOTP)
	on(http.MethodPost, "/methods/passkeys/{id}/remove", m.removePasskey)
	on(http.MethodPost, "/methods/demands/{area}", func(v *visit) error { return m.demand(v, "demand_made", v.web.Demands.Make) })
	on(http.MethodPost, "/methods/demands/{area}/drop", func(v *visit) error { return m.demand(v, "demand_dropped", v.web.Demands.Drop) })
}

func (m *methods) list(v *visit, p page.Problem) error {
	has, err := m.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	raised, err := v.raised()
	if err != nil {
		return err
	}
	view := page.Methods{Problem: p, Passwordless: v.web.Factors.Passwordless, HighValue: raised, DemandWait: v.words.Span(v.web.Demands.Wait)}
	if has.Password != nil {
		view.Password = &page.Password{Changed: v.when(has.Password.ChangedAt), Alone: has.Password.Alone}
	}
	if has.TOTP != nil {
		view.TOTP = &page.TOTP{Since: v.when(has.TOTP.ConfirmedAt), Backup: has.TOTP.Backup}
	}
	for _, c := range has.Passkeys {
		shown := page.Passkey{
			ID: c.ID.String(), Name: c.Name, Product: c.Model(), Attested: c.Attested != "", Certified: c.Certified.String(), Synced: c.Synced(),
			Added: v.when(c.Born), Used: v.when(c.LastUsedAt), Tested: v.when(c.TestedAt), Failed: v.when(c.TestFailedAt),
			Backup: c.Backup,
		}
		if c.ApprovesFrom.After(v.web.Now()) {
			shown.Approves = v.when(c.ApprovesFrom)
		}
		view.Passkeys = append(view.Passkeys, shown)
	}
	if view.Demands, err = demands(v); err != nil {
		return err
	}
	view.Codes, view.Unfinished = codesView(v, has), has.Unfinished()
	view.Lost = ways(has)
	view.Spare = spare(has.Passkeys, v.web.Now())
	signal, err := m.factors.Signal(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	told, err := json.Marshal(signal)
	if err != nil {
		return fmt.Errorf("encode signal: %w", err)
	}
	view.Signal = string(told)
	return v.show(page.MethodsPage(v.frame("nav.methods"), view))
}

// demands are all that the reader could demand of themselves, and what of it they do.
func demands(v *visit) (list []page.Demand, err error) {
	made, err := v.web.Demands.Of(v.r.Context(), v.who)
	for _, a := range demand.Areas {
		row := page.Demand{Area: string(a)}
		if at := slices.IndexFunc(made, func(d demand.Demand) bool { return d.Area == a }); at >= 0 {
			row.Made, row.Until = true, v.when(made[at].Until)
		}
		list = append(list, row)
	}
	return list, err
}

// ways names the way back after each loss, as page.Methods has them.
func ways(has factor.Methods) page.Ways {
	w := page.Ways{Passkey: string(recovery.After(has, "passkey")), TOTP: string(recovery.After(has, "totp")), Password: string(recovery.After(has, "password"))}
	if w.Passkey == string(recovery.ByPasskey) {
		w.Passkey = "another_passkey"
	}
	if w.Passkey == string(recovery.ByTwo) {
		w.Passkey = "password"
	}
	return w
}

// spareTest is how long a passkey may lie unused before its owner is asked to try it out.
const spareTest = 180 * 24 * time.Hour

// spare names what a list of passkeys lacks, as page.Methods has it.
func spare(list []passkey.Credential, now time.Time) string {
	if len(list) == 1 {
		return "second"
	}
	for _, c := range list {
		last := slices.MaxFunc([]time.Time{c.Born, c.LastUsedAt, c.TestedAt}, time.Time.Compare)
		if now.Sub(last) > spareTest {
			return "test"
		}
	}
	return ""
}

func (m *methods) askPassword(v *visit, p page.Problem) error {
	if v.web.Factors.Passwordless {
		return fault.New(fault.PasswordDisabled)
	}
	has, err := m.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	self, err := m.accounts.Self(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	least := password.MinAlone
	if has.Strongest() >= assurance.Mfa {
		least = password.MinWithFactor
	}
	title := "password.set"
	if has.Password != nil {
		title = "password.change"
	}
	view := page.NewPassword{Problem: p, Mail: self.Mail, Least: strconv.Itoa(least), Set: has.Password != nil}
	return v.show(page.PasswordPage(v.frame(title), view))
}

func (m *methods) setPassword(v *visit) error {
	in, err := v.form.only("mail", "password")
	if err != nil {
		return err
	}
	has, err := m.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	bearer, err := m.factors.SetPassword(v.r.Context(), v.who, secret.FromString("password", in["password"]))
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return m.askPassword(v, p) })
	}
	said := "password_changed"
	if has.Password == nil {
		said = "password_set"
	}
	return changed(v, bearer, said)
}

// changed goes back to the list after a change of a factor, with the session's new bearer.
func changed(v *visit, bearer secret.Value, said string) error {
	v.renew(bearer)
	v.say(said)
	return v.leave("/methods")
}

func (m *methods) beginTOTP(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	key, err := m.factors.BeginTOTP(v.r.Context(), v.who)
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return m.list(v, p) })
	}
	return v.show(page.EnrolPage(v.frame("totp.add"), page.Enrol{
		Shown: true, Secret: string(key.Base32.Reveal()), URI: string(key.URI.Reveal()), QRSize: key.QR.Size, QRPath: key.QR.Path,
	}))
}

// confirmTOTP takes the first code. The secret is not shown again after a wrong one: it lies in the app already, or the user begins anew.
func (m *methods) confirmTOTP(v *visit) error {
	in, err := v.form.only("code")
	if err != nil {
		return err
	}
	bearer, err := m.factors.ConfirmTOTP(v.r.Context(), v.who, digits(in["code"]))
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return v.show(page.EnrolPage(v.frame("totp.add"), page.Enrol{Problem: p})) })
	}
	return m.afterFactor(v, bearer, "totp_added")
}

// afterFactor goes from a new factor to recovery codes, as long as there are none that were kept: the factor alone would be lost with its phone.
func (m *methods) afterFactor(v *visit, bearer secret.Value, said string) error {
	has, err := m.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	if !has.Unfinished() {
		return changed(v, bearer, said)
	}
	v.renew(bearer)
	v.say(said)
	return v.leave("/recovery/codes")
}

func (m *methods) removeTOTP(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	bearer, err := m.factors.RemoveTOTP(v.r.Context(), v.who)
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return m.list(v, p) })
	}
	return changed(v, bearer, "totp_removed")
}

func (m *methods) renamePasskey(v *visit) error {
	in, err := v.form.only("name")
	if err != nil {
		return err
	}
	c, err := id.Parse[id.PasskeyKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.PasskeyNotFound)
	}
	if err := m.factors.RenamePasskey(v.r.Context(), v.who, c, in["name"]); err != nil {
		return v.retry(err, func(p page.Problem) error { return m.list(v, p) })
	}
	return changed(v, secret.Value{}, "passkey_renamed")
}

func (m *methods) removePasskey(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	c, err := id.Parse[id.PasskeyKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.PasskeyNotFound)
	}
	bearer, err := m.factors.RemovePasskey(v.r.Context(), v.who, c)
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return m.list(v, p) })
	}
	return changed(v, bearer, "passkey_removed")
}

// label takes what a factor is for from the form.
func (m *methods) label(v *visit, write func(factor.Label) error) error {
	in, err := v.form.only("label")
	if err != nil {
		return err
	}
	if err := write(factor.Label(in["label"])); err != nil {
		return v.retry(err, func(p page.Problem) error { return m.list(v, p) })
	}
	return changed(v, secret.Value{}, "factor_labelled")
}

func (m *methods) labelPasskey(v *visit) error {
	c, err := id.Parse[id.PasskeyKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.PasskeyNotFound)
	}
	return m.label(v, func(l factor.Label) error { return m.factors.LabelPasskey(v.r.Context(), v.who, c, l) })
}

func (m *methods) labelTOTP(v *visit) error {
	return m.label(v, func(l factor.Label) error { return m.factors.LabelTOTP(v.r.Context(), v.who, l) })
}

func (m *methods) demand(v *visit, said string, write func(context.Context, principal.Principal, demand.Area) error) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := write(v.r.Context(), v.who, demand.Area(v.r.PathValue("area"))); err != nil {
		return v.retry(err, func(p page.Problem) error { return m.list(v, p) })
	}
	return changed(v, secret.Value{}, said)
}
