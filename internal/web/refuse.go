package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// refuse answers a request that went nowhere: with the question for another proof, the way to the sign-in, or a page that says what happened.
func (v *visit) refuse(err error) {
	switch code := fault.CodeOf(err); {
	case code == fault.StepUpRequired && v.who.Kind == principal.KindUser:
		err = v.askProof(err, page.Problem{})
	case code == fault.SessionUnproven && httpx.FromElsewhere(v.r):
		httpx.Note(v.r, code, err)
		httpx.ComeAgain(v.w, v.r, http.StatusUnauthorized, v.r.URL.RequestURI())
		err = nil
	case code == fault.SessionEnded, code == fault.Unauthorized, code == fault.SessionUnproven:
		httpx.Note(v.r, code, err)
		if kept := v.keep(); kept != "" {
			err = v.signInAgain(kept, code == fault.SessionUnproven)
		} else {
			err = v.toSignIn(code == fault.SessionUnproven)
		}
	case code == fault.RequestFormExpired && v.who.Kind == principal.KindUser:
		if kept := v.keep(); kept != "" {
			httpx.Note(v.r, code, err)
			v.status = http.StatusForbidden
			err = v.sendAgain(kept, v.r.URL.Path, keptLate)
		} else {
			err = v.showRefusal(err)
		}
	case code == fault.StepUpNotFound && v.who.Kind == principal.KindUser && v.sent != nil:
		if kept := v.keep(); kept != "" {
			httpx.Note(v.r, code, err)
			v.status = http.StatusNotFound
			err = v.sendAgain(kept, v.r.URL.Path, keptStepUp)
		} else {
			err = v.showRefusal(err)
		}
	default:
		err = v.showRefusal(err)
	}
	if err != nil {
		httpx.WriteProblem(v.w, v.r, err) // the page itself failed; this writer needs nothing
	}
}

// told is what this reader may hear of an error: the registry's entry, and its texts with the facts in words.
func (v *visit) told(err error) (e fault.Entry, title, fix string, f *fault.Error) {
	if v.who.Kind != principal.KindUser {
		err = httpx.ForStranger(err)
	}
	e, _, _, f = httpx.Explain(err, v.words.Lang())
	title, fix = e.English, e.EnglishFix
	if v.words.Lang() == "ko" {
		title, fix = e.Korean, e.KoreanFix
	}
	facts := v.factWords(f.Fields)
	return e, v.words.Fill(title, facts), v.words.Fill(fix, facts), f
}

// factWords says the facts of a refusal as their reader knows them.
func (v *visit) factWords(fields map[string]any) map[string]string {
	facts := v.words.Facts(fields)
	for name, text := range facts {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			facts[name] = v.when(t).Absolute
		}
	}
	return facts
}

// problem is an error as a form shows it: notes it in the record, sets the status, finds the field that is meant.
func (v *visit) problem(err error) page.Problem {
	e, title, fix, f := v.told(err)
	httpx.Note(v.r, e.Code, err)
	httpx.SetRetryAfter(v.w.Header(), f.RetryAfter)
	v.status = e.Status
	p := page.Problem{Code: string(e.Code), Title: title, Fix: fix, Field: fieldOf(f), Unchanged: v.unchanged(e)}
	if f.RetryAfter > 0 {
		p.Again = v.when(v.now.Add(f.RetryAfter))
	}
	switch key := "invalid." + p.Field; {
	case f.Code != fault.RequestInvalid:
		p.Hint = title
	case v.words.Has(key):
		p.Hint = v.words.Say(key)
	}
	if entry, ok := f.Fields["entry"].(string); ok {
		key := "invalid.entry"
		if f.Fields["field"] == "allowlist" {
			key = "invalid.entry_place"
		}
		p.Hint += " " + v.words.Say(key, "entry", entry)
	}
	return p
}

// unchanged says whether a page must add that nothing was changed: somebody sent something, it was refused, and the registry's texts are silent about
// it. An error of ours is never one of those: what it left behind is not known.
func (v *visit) unchanged(e fault.Entry) bool {
	return v.r.Method == http.MethodPost && e.Status < http.StatusInternalServerError && !strings.Contains(e.English+e.EnglishFix, "othing ")
}

// fieldOf finds the input that a refusal is about.
func fieldOf(f *fault.Error) string {
	if field, ok := f.Fields["field"].(string); ok {
		return field
	}
	group, _, _ := strings.Cut(string(f.Code), ".")
	switch {
	case f.Code == fault.KeyAboveCeiling:
		return "scopes"
	case f.Code == fault.KeyPossessionUnproven:
		return "possession"
	case f.Code == fault.AccountMailDiffers:
		return "own_mail"
	case group == "password":
		return "password"
	case group == "mail_address":
		return "mail"
	case f.Code == fault.SignUpCodeRefused, f.Code == fault.TOTPCodeRefused, f.Code == fault.ContactCodeRefused:
		return "code"
	}
	return ""
}

// helps maps a refusal → the page on which its reader gets what was missing, and the words of the way there.
var helps = map[fault.Code]struct{ href, key string }{
	fault.AssuranceTooLow:       {"/methods", "keys.need_factor_do"},
	fault.ConfirmationNoPasskey: {"/methods", "missing.passkey.link"},
	fault.ConfirmationTooMany:   {"/confirmations", "hold.pending"},
	fault.KeyAccountLocked:      {"/", "lock.undo"},
	fault.RecoveryUnknown:       {"/recover", "recover.title"},
}

func (v *visit) showRefusal(err error) error {
	e, title, fix, f := v.told(err)
	httpx.Note(v.r, e.Code, err)
	httpx.SetRetryAfter(v.w.Header(), f.RetryAfter)
	v.status = e.Status
	view := page.Refusal{
		Code: string(e.Code), Title: title, Fix: fix, Status: strconv.Itoa(e.Status) + " " + http.StatusText(e.Status), Request: v.rec.ID.String(),
		Back: v.from(), SignIn: v.who.Kind != principal.KindUser && e.Status == http.StatusUnauthorized, Unchanged: v.unchanged(e),
	}
	if f.RetryAfter > 0 {
		view.Again = v.when(v.now.Add(f.RetryAfter))
	}
	if help, ok := helps[f.Code]; ok && (v.who.Kind == principal.KindUser || f.Code == fault.RecoveryUnknown) {
		view.Help, view.Helps = help.href, v.words.Say(help.key)
	}
	frame := v.frame("refusal.title")
	frame.Title = title
	return v.show(page.RefusalPage(frame, view))
}

// toSignIn brings a reader without a session to the sign-in, and back to where they were. A session that waits for its device's proof stays in
// the browser, which may still bring it.
func (v *visit) toSignIn(waits bool) error {
	back := v.r.URL.RequestURI()
	if v.r.Method != http.MethodGet {
		back = v.from()
	}
	if waits {
		v.say("session_unproven")
	} else if c, err := v.r.Cookie(httpx.SessionCookie); err == nil && c.Value != "" {
		httpx.ClearCookie(v.w, httpx.SessionCookie)
		v.say("session_ended")
	}
	to := "/sign-in"
	if back = v.web.local(back); back != "/" {
		to += "?return_to=" + url.QueryEscape(back)
	}
	return v.leave(to)
}

// from is the page of ours that the reader came from, or the first one.
func (v *visit) from() string {
	from, err := url.Parse(v.r.Referer())
	if err != nil || from.Scheme+"://"+from.Host != v.web.Origin {
		return "/"
	}
	return v.web.local(from.RequestURI())
}
