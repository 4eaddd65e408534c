package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// messages is the message centre: every mail, where it can be checked.
type messages struct {
	room interface {
		Messages(ctx context.Context, p principal.Principal, before id.Message) ([]notify.Shown, error)
		Message(ctx context.Context, p principal.Principal, which id.Message) (notify.Shown, error)
		Read(ctx context.Context, p principal.Principal, which id.Message) error
		Contacted(ctx context.Context, p principal.Principal) (notify.Contacting, []notify.Shown, error)
	}
	checkUps interface {
		Due(ctx context.Context, p principal.Principal) (bool, error)
	}
}

func (m *messages) mount(on mounter) {
	on(http.MethodGet, "/contacted", m.contacted)
	on(http.MethodGet, "/messages", m.list)
	on(http.MethodGet, "/messages/{id}", m.show)
	on(http.MethodPost, "/messages/{id}/read", m.read)
}

// list shows a page of messages, or leads to the one whose id stands in somebody's mail.
func (m *messages) list(v *visit) error {
	query := v.r.URL.Query()
	view := page.Messages{}
	if find := strings.TrimSpace(query.Get("find")); find != "" {
		which, err := id.Parse[id.MessageKind](find)
		if err == nil {
			_, err = m.room.Message(v.r.Context(), v.who, which)
		}
		if err == nil {
			return v.leave("/messages/" + which.String())
		}
		view.Find = find
	}
	before, err := id.Parse[id.MessageKind](query.Get("before"))
	if err != nil {
		before = id.Message{}
	}
	list, err := m.room.Messages(v.r.Context(), v.who, before)
	if err != nil {
		return err
	}
	for _, s := range list {
		view.List = append(view.List, messageView(v, s))
	}
	if len(list) == notify.PageSize {
		view.Older = "/messages?before=" + list[len(list)-1].ID.String()
	}
	if view.Due, err = m.checkUps.Due(v.r.Context(), v.who); err != nil {
		return err
	}
	return v.show(page.MessagesPage(v.frame("messages.title"), view))
}

// contacted answers "are you contacting me?".
func (m *messages) contacted(v *visit) error {
	state, list, err := m.room.Contacted(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	view := page.Contacted{State: string(state)}
	for _, s := range list {
		view.List = append(view.List, messageView(v, s))
	}
	return v.show(page.ContactedPage(v.frame("contacted.title"), view))
}

func messageView(v *visit, s notify.Shown) page.Message {
	view := page.Message{
		ID: s.ID.String(), Subject: s.Subject, Body: strings.Split(strings.TrimSpace(s.Body), "\n\n"), At: v.when(s.Born), Mailed: v.when(s.Mailed),
		Read: !s.Read.IsZero(), Contained: !s.Contained.IsZero(), Clock: !s.Hold.IsZero() || s.Lapses,
	}
	for _, to := range s.To {
		view.To = append(view.To, to.Mail+to.Phone)
	}
	return view
}

// one reads the message of the address. Errors: message.not_found.
func (m *messages) one(v *visit) (notify.Shown, error) {
	which, err := id.Parse[id.MessageKind](v.r.PathValue("id"))
	if err != nil {
		return notify.Shown{}, fault.New(fault.MessageNotFound)
	}
	return m.room.Message(v.r.Context(), v.who, which)
}

func (m *messages) show(v *visit) error {
	s, err := m.one(v)
	if err != nil {
		return err
	}
	frame := v.frame("messages.title")
	frame.Title = s.Subject
	return v.show(page.MessagePage(frame, messageView(v, s)))
}

func (m *messages) read(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	s, err := m.one(v)
	if err != nil {
		return err
	}
	if err := m.room.Read(v.r.Context(), v.who, s.ID); err != nil {
		return err
	}
	v.say("message_read")
	return v.leave("/messages/" + s.ID.String())
}

// notMe is the page behind the link of a mail, for whoever reads that mail. Looking at it changes nothing, because scanners of mails follow links.
type notMe struct {
	room interface {
		Report(ctx context.Context, lang, address string) (notify.Reported, error)
		Contain(ctx context.Context, from principal.Origin, lang, address string) (notify.Reported, error)
	}
}

func (n *notMe) mount(on mounter) {
	on(http.MethodGet, "/not-me/{at}", n.ask)
	on(http.MethodPost, "/not-me/{at}", n.stop)
}

func (n *notMe) ask(v *visit) error {
	v.w.Header().Set("Referrer-Policy", "no-referrer") // the address is all that the button needs
	r, err := n.room.Report(v.r.Context(), v.words.Lang(), v.r.PathValue("at"))
	if err != nil {
		return err
	}
	state := "over"
	switch {
	case r.Open(v.now):
		state = "open"
	case !r.Contained.IsZero():
		state = "used"
	}
	return n.show(v, r, state)
}

func (n *notMe) stop(v *visit) error {
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	if _, err := v.form.only(); err != nil {
		return err
	}
	r, err := n.room.Contain(v.r.Context(), v.rec.Origin(), v.words.Lang(), v.r.PathValue("at"))
	if fault.CodeOf(err) == fault.NoticeLinkOver {
		return n.ask(v)
	}
	if err != nil {
		return err
	}
	return n.show(v, r, "done")
}

// places maps kind of a sign-in method → where it is removed.
var places = map[string]string{"passkey": "/methods#passkeys", "totp": "/methods#totp", "recovery_code": "/methods#recovery-codes"}

func (n *notMe) show(v *visit, r notify.Reported, state string) error {
	view := page.NotMe{
		Subject: r.Subject, At: v.when(r.Born), State: state, Until: v.when(r.Until), Post: "/not-me/" + v.r.PathValue("at"), Undo: r.Plan.Undo, Undone: r.Undone, Added: places[r.Factor], Other: r.Other,
	}
	does := map[string]bool{
		"session": r.Plan.Kind == happening.ReportedSession && r.Session, "sessions": r.Plan.Kind == happening.ReportedChange,
		"key": r.Plan.Key, "undo": r.Plan.Undo && (state == "open" || r.Undone), "confirmations": true, "hold": true,
	}
	if r.Other {
		does = map[string]bool{"key": r.Plan.Key, "member": r.Plan.Member && r.Questions, "doer": r.Questions, "yours": true}
	}
	for _, what := range []string{"session", "sessions", "undo", "key", "member", "doer", "confirmations", "hold", "yours"} {
		if does[what] {
			view.Does = append(view.Does, v.words.Say("not_me."+what))
		}
	}
	frame := v.frame("not_me.title")
	frame.Path = "/" // the address of this page must not come back in the form that chooses a language
	return v.show(page.NotMePage(frame, view))
}
