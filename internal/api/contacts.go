package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
)

// contacts is how a person is reached.
type contacts struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (contact.Reached, error)
		SetPhrase(ctx context.Context, p principal.Principal, phrase string) error
		Begin(ctx context.Context, p principal.Principal, place contact.Place, mail string) (id.ContactChange, error)
		Finish(ctx context.Context, p principal.Principal, which id.ContactChange, code string) (secret.Value, error)
		Remove(ctx context.Context, p principal.Principal, place contact.Place) (secret.Value, error)
	}
}

func (c *contacts) mount(a *API) {
	register(a, operation{
		id: "getContact", method: http.MethodGet, path: "/v1/contact", summary: "How we reach you", about: "And the phrase by which you know our mails.",
	}, c.show)
	register(a, operation{
		id: "setPhrase", method: http.MethodPut, path: "/v1/contact/phrase", summary: "Choose the phrase of our mails", about: "Every mail to you ends with it.",
	}, c.setPhrase)
	register(a, operation{
		id: "beginContactChange", method: http.MethodPost, path: "/v1/contact/changes", summary: "Begin to change an address", status: http.StatusCreated,
		about: "A code is mailed to the new address, or texted to the number. The answer is the same for an address that is somebody else's: its code never fits. Few texts are sent a day.",
		codes: []fault.Code{fault.MailAddressMalformed, fault.MailAddressLocalPart, fault.MailAddressDomain, fault.ContactNumberMalformed, fault.ContactTextsOff},
	}, c.begin)
	register(a, operation{
		id: "finishContactChange", method: http.MethodPost, path: "/v1/contact/changes/{id}/code", summary: "Finish it with the code",
		about: "In the session that began it; five tries. Both addresses are told, all other sessions end, and withdrawals are held. The old mailbox can take it back for 72 hours. This session gets a new bearer.",
		codes: []fault.Code{fault.ContactCodeRefused},
	}, c.finish)
	register(a, operation{
		id: "removeSecondAddress", method: http.MethodDelete, path: "/v1/contact/second", summary: "Remove the second address for notices",
		about: "It is told, all other sessions end, and withdrawals are held. This session gets a new bearer.", codes: []fault.Code{fault.ContactNoSecond},
	}, c.removeSecond)
	register(a, operation{
		id: "removeNumber", method: http.MethodDelete, path: "/v1/contact/phone", summary: "Remove the number that notices are texted to",
		about: "It is told, all other sessions end, and withdrawals are held. This session gets a new bearer.", codes: []fault.Code{fault.ContactNoNumber},
	}, c.removeNumber)
}

type contactShown struct {
	Mail        string    `json:"mail" doc:"The address that you sign in with" example:"min@example.com"`
	MailSince   time.Time `json:"mail_since,omitzero" doc:"When it took its place; missing if you signed up with it"`
	Second      string    `json:"second,omitempty" doc:"The second address for notices, if there is one"`
	SecondSince time.Time `json:"second_since,omitzero"`
	Phone       string    `json:"phone,omitempty" doc:"The number that notices are texted to, if there is one" example:"+821012345678"`
	PhoneSince  time.Time `json:"phone_since,omitzero"`
	Texts       bool      `json:"text_messages" doc:"Whether this platform sends text messages, so that a number can be added"`
	Phrase      string    `json:"phrase,omitempty" doc:"What every mail to you ends with, once you chose it"`
}

type contactOut struct{ Body contactShown }

func (c *contacts) show(ctx context.Context, p principal.Principal, _ *struct{}) (*contactOut, error) {
	r, err := c.room.Of(ctx, p)
	return &contactOut{contactShown{Mail: r.Mail, MailSince: r.MailSince, Second: r.Second, SecondSince: r.SecondSince, Phone: r.Phone, PhoneSince: r.PhoneSince, Texts: r.Texts, Phrase: r.Phrase}}, err
}

type phraseGiven struct {
	Phrase string `json:"phrase" maxLength:"240" doc:"One line of 4 to 60 characters" example:"blue heron at noon"`
}

type phraseIn struct{ Body phraseGiven }

func (c *contacts) setPhrase(ctx context.Context, p principal.Principal, in *phraseIn) (*struct{}, error) {
	return nil, c.room.SetPhrase(ctx, p, in.Body.Phrase)
}

type addressGiven struct {
	Place  string `json:"place" enum:"mail,second,phone" doc:"mail: the address to sign in with. second: one more for notices. phone: the number that notices are texted to" example:"second"`
	Mail   string `json:"mail,omitempty" maxLength:"254" doc:"For mail and second" example:"min@example.org"`
	Number string `json:"number,omitempty" maxLength:"16" doc:"For phone: +, country code and digits" example:"+821012345678"`
}

type addressIn struct{ Body addressGiven }

type changeBegun struct {
	Change id.ContactChange `json:"change" example:"cch_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type changeOut struct{ Body changeBegun }

func (c *contacts) begin(ctx context.Context, p principal.Principal, in *addressIn) (*changeOut, error) {
	place, address := contact.Place(in.Body.Place), in.Body.Mail
	if place == contact.Phone {
		address = in.Body.Number
	}
	change, err := c.room.Begin(ctx, p, place, address)
	return &changeOut{changeBegun{change}}, err
}

type changeCodeIn struct {
	ID   id.ContactChange `path:"id" doc:"The change" example:"cch_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body codeGiven
}

func (c *contacts) finish(ctx context.Context, p principal.Principal, in *changeCodeIn) (*renewedOut, error) {
	bearer, err := c.room.Finish(ctx, p, in.ID, in.Body.Code)
	return renewed(bearer), err
}

func (c *contacts) removeSecond(ctx context.Context, p principal.Principal, _ *struct{}) (*renewedOut, error) {
	bearer, err := c.room.Remove(ctx, p, contact.Second)
	return renewed(bearer), err
}

func (c *contacts) removeNumber(ctx context.Context, p principal.Principal, _ *struct{}) (*renewedOut, error) {
	bearer, err := c.room.Remove(ctx, p, contact.Phone)
	return renewed(bearer), err
}
