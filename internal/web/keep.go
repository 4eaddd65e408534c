package web

import (
	"maps"
	"net/http"
	"net/url"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// Why a form is kept.
const (
	keptLate   = "kept.lead"
	keptStepUp = "kept.step_up"
)

// keep seals a form that came too late, so that what was typed is not lost: its session has ended, or was renewed by another tab, and the form
// carries the token of before. It is kept for the user to whom its page was shown, in the account of that page, and does nothing until they send it once more. It gives nothing
// for a form in which there is nothing to lose, for what script sent, and for one that no page of ours shows.
func (v *visit) keep() string {
	mode := v.r.Header.Get("Sec-Fetch-Mode")
	if v.r.Method != http.MethodPost || v.line.Needs != route.Session || mode != "" && mode != "navigate" {
		return ""
	}
	if v.sent == nil && (v.sameOrigin() != nil || fault.CodeOf(v.fill()) != fault.RequestFormExpired) {
		return "" // nobody is there, so a form that can be read has no token that fits
	}
	if v.owner.user.IsZero() || v.who.Kind == principal.KindUser && readerOf(v.who) != v.owner {
		return ""
	}
	values := v.sent
	for _, name := range [...]string{"kept", "carried"} { // what waited already goes on without the proof that came too late
		if values.Has(name) {
			var err error
			if values, err = v.web.carrier.open(v.owner, v.r.URL.Path, v.now, values.Get(name)); err != nil {
				return ""
			}
		}
	}
	if len(values) == 0 {
		return ""
	}
	return v.web.carrier.seal(v.owner, v.r.URL.Path, v.now, values)
}

// resume puts a form back together that was kept and is sent once more. The handler then runs as if it had come in time.
func (v *visit) resume() error {
	if _, waited := v.form.values["kept"]; !waited || v.line.Needs != route.Session {
		return nil
	}
	kept := v.form.take("kept")
	values, err := v.web.carrier.open(readerOf(v.who), v.r.URL.Path, v.now, kept)
	if err != nil {
		return fault.New(fault.RequestFormExpired).Because(err)
	}
	if _, err := v.form.only(); err != nil {
		return err
	}
	v.form, v.sent = form{values}, maps.Clone(values)
	return nil
}

// sendAgain shows that a form to path is kept, and why by a key of the catalogue, and lets its user send it.
func (v *visit) sendAgain(kept, path, why string) error {
	view := page.SendAgain{Action: path, Kept: kept, Back: v.from(), Lead: v.words.Say(why), Asked: why == keptStepUp}
	if details := v.web.details[path]; details != nil {
		values, err := v.web.carrier.open(readerOf(v.who), path, v.now, kept)
		if err != nil {
			return err
		}
		view.Details = details(v, form{values})
	}
	return v.show(page.SendAgainPage(v.frame("kept.title"), view))
}

// signInAgain shows the sign-in in the place of the page whose session has ended, and keeps the form there. It leaves a session that waits for its
// device's proof in the browser, as toSignIn does.
func (v *visit) signInAgain(kept string, waits bool) (err error) {
	if !waits {
		httpx.ClearCookie(v.w, httpx.SessionCookie)
	}
	if v.browser, err = httpx.Browser(v.w, v.r); err != nil {
		return err
	}
	v.who, v.shown, v.status = principal.Nobody(v.rec.Origin()), v.browser, http.StatusUnauthorized
	view := page.SignIn{Kept: page.Kept{Form: kept, At: v.r.URL.Path}, ReturnTo: v.from(), Origin: v.web.Origin, Passwordless: v.web.Factors.Passwordless}
	return v.show(page.SignInPage(v.frame("sign_in.do"), view))
}

// signedIn sends a reader on who has just signed in: to the form that waited for them, or to where they wanted to go.
func (v *visit) signedIn(bearer secret.Value, in map[string]string, back string) error {
	v.enter(bearer)
	if _, err := v.web.carrier.open(readerOf(v.who), in["kept_at"], v.now, in["kept"]); err != nil {
		return v.leave(back)
	}
	return v.sendAgain(in["kept"], in["kept_at"], keptLate)
}

// keptForm is what a sign-in carries along. Where it leads is checked when somebody is there: it opens at its own address alone.
func keptForm(in map[string]string) page.Kept {
	if u, err := url.Parse(in["kept_at"]); err != nil || in["kept"] == "" || u.Host != "" || u.Path != in["kept_at"] {
		return page.Kept{}
	}
	return page.Kept{Form: in["kept"], At: in["kept_at"]}
}
