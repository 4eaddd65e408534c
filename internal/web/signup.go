package web

import (
	"context"
	"net/http"
	"net/url"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// signUps are the pages from a mail address to a first credential.
type signUps struct {
	signUps interface {
		Begin(ctx context.Context, from principal.Origin, in signup.Begin) (id.SignUp, error)
		Letter(ctx context.Context, s id.SignUp) (up signup.SignUp, found bool, err error)
		Verify(ctx context.Context, s id.SignUp, browser [32]byte, code string) error
		FinishWithPassword(ctx context.Context, from signup.From, s id.SignUp, given secret.Value) (signup.SignedUp, error)
	}
	binding Binder
}

func (s *signUps) mount(on mounter) {
	on(http.MethodGet, "/sign-up", s.ask)
	on(http.MethodPost, "/sign-up", s.begin)
	on(http.MethodGet, "/sign-up/code", s.askCode)
	on(http.MethodPost, "/sign-up/code", s.checkCode)
	on(http.MethodPost, "/sign-up/again", s.again)
	on(http.MethodGet, "/sign-up/secure", s.askCredential)
	on(http.MethodPost, "/sign-up/secure", s.setPassword)
}

func (s *signUps) ask(v *visit) error { return s.show(v, page.SignUp{Korean: v.words.Lang() == "ko"}) }

func (s *signUps) show(v *visit, view page.SignUp) error {
	return v.show(page.SignUpPage(v.frame("sign_up.title"), view))
}

func (s *signUps) begin(v *visit) error {
	in, err := v.form.only("mail", "name", "lang")
	if err != nil {
		return err
	}
	begun, err := s.signUps.Begin(v.r.Context(), v.rec.Origin(), signup.Begin{
		Mail: in["mail"], Name: in["name"], Lang: in["lang"], Browser: v.browser.Hash(),
	})
	if err != nil {
		return v.retry(err, func(p page.Problem) error {
			return s.show(v, page.SignUp{Problem: p, Mail: in["mail"], Name: in["name"], Korean: in["lang"] == "ko"})
		})
	}
	return v.leave(at("/sign-up/code", begun))
}

// at is the address of a step of one sign-up. The id is no secret: it is worth nothing without the browser's cookie.
func at(path string, s id.SignUp) string {
	return path + "?" + url.Values{"sign_up": {s.String()}}.Encode()
}

// mine finds the sign-up that this browser began. Errors: sign_up.expired.
func (s *signUps) mine(v *visit, text string) (up signup.SignUp, err error) {
	expired := fault.New(fault.SignUpExpired)
	sid, err := id.Parse[id.SignUpKind](text)
	if err != nil {
		return up, expired
	}
	up, found, err := s.signUps.Letter(v.r.Context(), sid)
	if err == nil && (!found || up.Browser != v.browser.Hash()) {
		err = expired
	}
	return up, err
}

func (s *signUps) askCode(v *visit) error {
	up, err := s.mine(v, v.r.URL.Query().Get("sign_up"))
	if err != nil {
		return err
	}
	if !up.VerifiedAt.IsZero() {
		return v.leave(at("/sign-up/secure", up.ID))
	}
	return s.showCode(v, up, page.Problem{})
}

func (s *signUps) showCode(v *visit, up signup.SignUp, p page.Problem) error {
	view := page.Code{Problem: p, SignUp: up.ID.String(), Mail: up.Mail, GoodUntil: v.when(up.ExpiresAt)}
	return v.show(page.MailCodePage(v.frame("code.title"), view))
}

func (s *signUps) checkCode(v *visit) error {
	in, err := v.form.only("sign_up", "code")
	if err != nil {
		return err
	}
	up, err := s.mine(v, in["sign_up"])
	if err != nil {
		return err
	}
	if err := s.signUps.Verify(v.r.Context(), up.ID, v.browser.Hash(), in["code"]); err != nil {
		return v.retry(err, func(p page.Problem) error { return s.showCode(v, up, p) })
	}
	return v.leave(at("/sign-up/secure", up.ID))
}

// again begins anew with the same words: a code is never sent twice, and a new one never resets what has been counted.
func (s *signUps) again(v *visit) error {
	in, err := v.form.only("sign_up")
	if err != nil {
		return err
	}
	up, err := s.mine(v, in["sign_up"])
	if err != nil {
		return err
	}
	begun, err := s.signUps.Begin(v.r.Context(), v.rec.Origin(), signup.Begin{Mail: up.Mail, Name: up.Name, Lang: up.Lang, Browser: up.Browser})
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return s.showCode(v, up, p) })
	}
	return v.leave(at("/sign-up/code", begun))
}

func (s *signUps) askCredential(v *visit) error {
	up, err := s.mine(v, v.r.URL.Query().Get("sign_up"))
	if err != nil {
		return err
	}
	if up.VerifiedAt.IsZero() {
		return v.leave(at("/sign-up/code", up.ID))
	}
	return s.showCredential(v, up, page.Problem{})
}

func (s *signUps) showCredential(v *visit, up signup.SignUp, p page.Problem) error {
	return v.show(page.SecurePage(v.frame("secure.title"), page.Secure{
		Problem: p, SignUp: up.ID.String(), Mail: up.Mail, Passwordless: v.web.Factors.Passwordless,
	}))
}

func (s *signUps) setPassword(v *visit) error {
	in, err := v.form.only("sign_up", "mail", "password")
	if err != nil {
		return err
	}
	up, err := s.mine(v, in["sign_up"])
	if err != nil {
		return err
	}
	device, err := httpx.Cookie(v.r, httpx.DeviceCookie)
	if err != nil {
		return err
	}
	from := signup.From{Origin: v.rec.Origin(), Browser: v.browser.Hash(), Device: device, Replace: v.before}
	done, err := s.signUps.FinishWithPassword(v.r.Context(), from, up.ID, secret.FromString("password", in["password"]))
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return s.showCredential(v, up, p) })
	}
	httpx.SignedIn(v.w, done.Bearer, done.DeviceCookie)
	s.binding.Offer(v.w, done.Session.ID)
	v.say("signed_up")
	return v.leave("/")
}
