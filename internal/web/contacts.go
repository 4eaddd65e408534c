package web

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// contacts are the pages about how a user is reached.
type contacts struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (contact.Reached, error)
		SetPhrase(ctx context.Context, p principal.Principal, phrase string) error
		Begin(ctx context.Context, p principal.Principal, place contact.Place, mail string) (id.ContactChange, error)
		Own(ctx context.Context, p principal.Principal, which id.ContactChange) (contact.Change, error)
		Finish(ctx context.Context, p principal.Principal, which id.ContactChange, code string) (secret.Value, error)
		Remove(ctx context.Context, p principal.Principal, place contact.Place) (secret.Value, error)
	}
}

func (c *contacts) mount(on mounter) {
	on(http.MethodGet, "/contact", func(v *visit) error { return c.show(v, page.Problem{}, nil) })
	on(http.MethodPost, "/contact/phrase", c.setPhrase)
	on(http.MethodPost, "/contact/mail", func(v *visit) error { return c.begin(v, contact.Mail, "mail") })
	on(http.MethodPost, "/contact/second", func(v *visit) error { return c.begin(v, contact.Second, "second") })
	on(http.MethodPost, "/contact/second/remove", func(v *visit) error { return c.remove(v, contact.Second) })
	on(http.MethodPost, "/contact/phone", func(v *visit) error { return c.begin(v, contact.Phone, "phone") })
	on(http.MethodPost, "/contact/phone/remove", func(v *visit) error { return c.remove(v, contact.Phone) })
	on(http.MethodGet, "/contact/code", c.askCode)
	on(http.MethodPost, "/contact/code", c.finish)
}

func (c *contacts) show(v *visit, p page.Problem, typed map[string]string) error {
	r, err := c.room.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	return v.show(page.ContactPage(v.frame("contact.title"), page.Contact{
		Problem: p, Mail: r.Mail, Since: v.when(r.MailSince), Second: r.Second, SecondSince: v.when(r.SecondSince), Phrase: r.Phrase, Typed: typed,
		Undo: v.words.Span(notify.UndoLife), Phone: r.Phone, PhoneSince: v.when(r.PhoneSince), Texts: r.Texts,
	}))
}

func (c *contacts) setPhrase(v *visit) error {
	in, err := v.form.only("phrase")
	if err != nil {
		return err
	}
	if err := c.room.SetPhrase(v.r.Context(), v.who, in["phrase"]); err != nil {
		return v.retry(err, func(p page.Problem) error { return c.show(v, p, in) })
	}
	v.say("phrase_set")
	return v.leave("/contact")
}

// begin takes a new address from the field of a place.
func (c *contacts) begin(v *visit, place contact.Place, field string) error {
	in, err := v.form.only(field)
	if err != nil {
		return err
	}
	change, err := c.room.Begin(v.r.Context(), v.who, place, in[field])
	if err != nil {
		return v.retry(err, func(p page.Problem) error {
			if p.Field == "mail" || p.Field == "number" {
				p.Field = field
			}
			return c.show(v, p, in)
		})
	}
	return v.leave("/contact/code?change=" + change.String())
}

func (c *contacts) askCode(v *visit) error {
	which, err := id.Parse[id.ContactChangeKind](v.r.URL.Query().Get("change"))
	if err != nil {
		return fault.New(fault.NotFound)
	}
	return c.showCode(v, which, page.Problem{})
}

func (c *contacts) showCode(v *visit, which id.ContactChange, p page.Problem) error {
	change, err := c.room.Own(v.r.Context(), v.who, which)
	if err != nil {
		return err
	}
	view := page.ContactCode{Problem: p, Change: which.String(), Mail: change.New, Text: change.Place == contact.Phone, GoodUntil: v.when(change.ExpiresAt)}
	return v.show(page.ContactCodePage(v.frame("contact.code_title"), view))
}

func (c *contacts) finish(v *visit) error {
	in, err := v.form.only("change", "code")
	if err != nil {
		return err
	}
	which, err := id.Parse[id.ContactChangeKind](in["change"])
	if err != nil {
		return fault.New(fault.NotFound)
	}
	change, err := c.room.Own(v.r.Context(), v.who, which)
	if err != nil {
		return err
	}
	bearer, err := c.room.Finish(v.r.Context(), v.who, which, in["code"])
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return c.showCode(v, which, p) })
	}
	v.renew(bearer)
	v.say(string(change.Place) + "_changed")
	return v.leave("/contact")
}

// remove empties a place.
func (c *contacts) remove(v *visit, place contact.Place) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	bearer, err := c.room.Remove(v.r.Context(), v.who, place)
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return c.show(v, p, nil) })
	}
	v.renew(bearer)
	v.say(string(place) + "_removed")
	return v.leave("/contact")
}
