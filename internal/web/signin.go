package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// signIns are the pages from an address to a session. Passkeys are the script's, through package api.
type signIns struct {
	signIns interface {
		WithPassword(ctx context.Context, from signin.From, mail string, given secret.Value) (signin.SignedIn, error)
		WithCode(ctx context.Context, from signin.From, half, code string) (signin.SignedIn, error)
		Accounts(ctx context.Context, cookie secret.Value) ([]device.Remembered, error)
		Lapsed(ctx context.Context, cookie secret.Value) (device.Lapsed, error)
		Remember(ctx context.Context, p principal.Principal) error
		ForgetHere(ctx context.Context, from signin.From, u id.User) error
	}
	origin  string
	binding Binder
}

func (s *signIns) mount(on mounter) {
	on(http.MethodGet, "/sign-in", s.ask)
	on(http.MethodPost, "/sign-in", s.withPassword)
	on(http.MethodGet, "/sign-in/code", func(v *visit) error { return v.leave("/sign-in") })
	on(http.MethodPost, "/sign-in/code", s.withCode)
	on(http.MethodPost, "/sign-in/forget", s.forget)
	on(http.MethodPost, "/sessions/remember", s.remember)
}

func (s *signIns) ask(v *visit) error {
	back := v.web.local(v.r.URL.Query().Get("return_to"))
	view := page.SignIn{ReturnTo: back}
	cookie, err := httpx.Cookie(v.r, httpx.DeviceCookie)
	if err != nil {
		return err
	}
	known, err := s.signIns.Accounts(v.r.Context(), cookie)
	if err != nil {
		return err
	}
	lapsed, err := s.signIns.Lapsed(v.r.Context(), cookie)
	if err != nil {
		return err
	}
	for word, n := range map[string]int{"sign_in.unused": lapsed.Unused, "sign_in.ended": lapsed.Ended} {
		if n > 0 {
			view.Lapsed = append(view.Lapsed, v.words.Count(word, n))
		}
	}
	slices.Sort(view.Lapsed)
	chosen := v.r.URL.Query().Get("account")
	for _, k := range known {
		query := url.Values{"account": {k.User.String()}, "return_to": {back}}
		view.Accounts = append(view.Accounts, page.KnownAccount{User: k.User.String(), Name: k.Name, Mail: k.Mail, Href: "/sign-in?" + query.Encode()})
		if chosen == k.User.String() {
			view.Mail = k.Mail
		}
	}
	return s.show(v, view)
}

// remember lets this browser show the reader's account.
func (s *signIns) remember(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := s.signIns.Remember(v.r.Context(), v.who); err != nil {
		return err
	}
	v.say("remembered")
	return v.leave("/sessions")
}

func (s *signIns) forget(v *visit) error {
	in, err := v.form.only("user")
	if err != nil {
		return err
	}
	user, err := id.Parse[id.UserKind](in["user"])
	if err != nil {
		return malformed("form_text")
	}
	from, err := v.signsInFrom()
	if err != nil {
		return err
	}
	if err := s.signIns.ForgetHere(v.r.Context(), from, user); err != nil {
		return err
	}
	v.say("forgotten")
	return v.leave("/sign-in")
}

func (s *signIns) show(v *visit, view page.SignIn) error {
	view.Origin, view.Again, view.Passwordless = s.origin, v.who.Kind == principal.KindUser, v.web.Factors.Passwordless
	return v.show(page.SignInPage(v.frame("sign_in.do"), view))
}

// from is the browser that signs in.
func (v *visit) signsInFrom() (signin.From, error) {
	device, err := httpx.Cookie(v.r, httpx.DeviceCookie)
	return signin.From{Origin: v.rec.Origin(), Browser: v.browser.Hash(), Device: device, Replace: v.before, Vouched: session.Vouches(v.who)}, err
}

func (s *signIns) withPassword(v *visit) error {
	in, err := v.form.only("mail", "password", "return_to", "shared", "kept", "kept_at")
	if err != nil {
		return err
	}
	from, err := v.signsInFrom()
	if err != nil {
		return err
	}
	back := v.web.local(in["return_to"])
	from.Shared = in["shared"] != ""
	done, err := s.signIns.WithPassword(v.r.Context(), from, in["mail"], secret.FromString("password", in["password"]))
	if err != nil {
		return v.retry(err, func(p page.Problem) error {
			return s.show(v, page.SignIn{Problem: p, Mail: in["mail"], ReturnTo: back, Shared: from.Shared, Kept: keptForm(in)})
		})
	}
	if done.Half != "" {
		return s.showCode(v, page.SecondFactor{Half: done.Half, ReturnTo: back, Kept: keptForm(in)})
	}
	httpx.SignedIn(v.w, done.Bearer, done.DeviceCookie)
	s.binding.Offer(v.w, done.Session.ID)
	return v.signedIn(done.Bearer, in, back)
}

func (s *signIns) showCode(v *visit, view page.SecondFactor) error {
	return v.show(page.SecondFactorPage(v.frame("second.title"), view))
}

func (s *signIns) withCode(v *visit) error {
	in, err := v.form.only("half", "code", "return_to", "kept", "kept_at")
	if err != nil {
		return err
	}
	from, err := v.signsInFrom()
	if err != nil {
		return err
	}
	back := v.web.local(in["return_to"])
	done, err := s.signIns.WithCode(v.r.Context(), from, in["half"], digits(in["code"]))
	if err != nil {
		return v.retry(err, func(p page.Problem) error {
			if p.Code == "sign_in.expired" {
				return s.show(v, page.SignIn{Problem: p, ReturnTo: back, Kept: keptForm(in)})
			}
			return s.showCode(v, page.SecondFactor{Problem: p, Half: in["half"], ReturnTo: back, Kept: keptForm(in)})
		})
	}
	httpx.SignedIn(v.w, done.Bearer, done.DeviceCookie)
	s.binding.Offer(v.w, done.Session.ID)
	return v.signedIn(done.Bearer, in, back)
}
