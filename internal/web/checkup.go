package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/checkup"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// checkUp is the page of questions, and the tips of all pages.
type checkUp struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (checkup.State, error)
		LookThrough(ctx context.Context, p principal.Principal) error
		Confirm(ctx context.Context, p principal.Principal, item, state string) error
		PutTipAway(ctx context.Context, p principal.Principal, name string) error
	}
}

func (c *checkUp) mount(on mounter) {
	on(http.MethodGet, "/check-up", c.show)
	on(http.MethodPost, "/check-up", c.confirm)
	on(http.MethodPost, "/check-up/done", c.done)
	on(http.MethodPost, "/tips/{name}", c.putAway)
}

func (c *checkUp) show(v *visit) error {
	s, err := c.room.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	all := len(s.Questions)
	view := page.CheckUp{
		Answered: all - s.Open(), All: all, Confirmed: v.when(s.Confirmed()), Due: s.Account.Due(), Looked: v.when(s.Account.Looked),
		Progress: v.words.Say("check_up.progress", "n", strconv.Itoa(all-s.Open()), "all", strconv.Itoa(all)),
	}
	first := true
	for _, layer := range checkup.Layers {
		one := page.AskedLayer{Name: v.words.Say("layer." + string(layer))}
		for _, q := range s.Questions {
			if q.Layer != layer {
				continue
			}
			asked := v.asked(q)
			if !q.Confirmed.IsZero() {
				one.Rest = append(one.Rest, asked)
				continue
			}
			asked.First, first = first, false
			one.Open = append(one.Open, asked)
		}
		one.Resting = v.words.Count("check_up.resting", len(one.Rest))
		view.Layers = append(view.Layers, one)
	}
	return v.show(page.CheckUpPage(v.frame("check_up.title"), view))
}

// securePlaces maps what a question is about → where a no leads.
var securePlaces = map[checkup.Kind]string{
	checkup.AboutPassword: "/methods/password", checkup.AboutApp: "/methods", checkup.AboutPasskey: "/methods", checkup.AboutCodes: "/recovery/codes",
	checkup.AboutMail: "/contact", checkup.AboutSecond: "/contact", checkup.AboutNumber: "/contact",
}

// asked puts a question into words.
func (v *visit) asked(q checkup.Question) page.Asked {
	name := q.Name
	if q.Kind == checkup.AboutSession || q.Kind == checkup.AboutBrowser {
		name = v.device(q.Name)
	}
	say := func(part string) string {
		return v.words.Say("question."+string(q.Kind)+"."+part, "name", name, "n", strconv.Itoa(q.Left))
	}
	asked := page.Asked{
		Text: say("text"), Yes: say("yes"), No: say("no"), Item: q.Item(), State: q.State(), Confirmed: v.when(q.Confirmed), Secure: securePlaces[q.Kind],
	}
	switch q.Kind {
	case checkup.AboutSession:
		asked.End = "/sessions/" + q.ID + "/not-me"
	case checkup.AboutBrowser:
		asked.End, asked.Back = "/remembered/"+q.ID+"/forget", "/check-up"
	case checkup.AboutKey:
		asked.Secure = "/keys/" + q.ID
	case checkup.AboutPassword, checkup.AboutApp, checkup.AboutPasskey, checkup.AboutCodes, checkup.AboutMail, checkup.AboutSecond, checkup.AboutNumber:
	}
	add := func(word string, at time.Time) {
		if !at.IsZero() {
			asked.Facts = append(asked.Facts, page.AskedFact{Name: v.words.Say(word), At: v.when(at)})
		}
	}
	add("question.since."+sinceWord(v.words, q.Kind), q.Since)
	add("question.used", q.Used)
	if q.From != "" {
		asked.Facts = append(asked.Facts, page.AskedFact{Name: v.words.Say("question.from"), Value: q.From})
	}
	return asked
}

// sinceWord names what began when a thing came to be what it is, or "other".
func sinceWord(w i18n.Words, k checkup.Kind) string {
	if w.Has("question.since." + string(k)) {
		return string(k)
	}
	return "other"
}

// confirm takes a yes, and goes on to the next question.
func (c *checkUp) confirm(v *visit) error {
	in, err := v.form.only("item", "state")
	if err != nil {
		return err
	}
	if err := c.room.Confirm(v.r.Context(), v.who, in["item"], in["state"]); err != nil {
		return err
	}
	v.say("check_up_confirmed")
	return v.leave("/check-up#first")
}

// done takes "I have gone through all of it": the check-up is due again in a month.
func (c *checkUp) done(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := c.room.LookThrough(v.r.Context(), v.who); err != nil {
		return err
	}
	v.say("check_up_done")
	return v.leave("/")
}

func (c *checkUp) putAway(v *visit) error {
	in, err := v.form.only("return_to")
	if err != nil {
		return err
	}
	if err := c.room.PutTipAway(v.r.Context(), v.who, v.r.PathValue("name")); err != nil {
		return err
	}
	return v.leave(v.web.local(in["return_to"]))
}

// tips maps page → its word of advice.
var tips = map[string]string{
	"/sessions": "sessions", "/methods": "methods", "/methods/password": "password", "/recovery/codes": "codes", "/recovery": "recovery", "/keys": "keys",
	"/keys/new": "new_key", "/contact": "contact", "/confirmations": "confirmations", "/messages": "messages",
}

// advise finds the page's tip, for a reader who has not put it away.
func (v *visit) advise() error {
	name := tips[v.line.Pattern]
	if name == "" || v.r.Method != http.MethodGet || v.who.Kind != principal.KindUser {
		return nil
	}
	away, err := v.web.CheckUps.TipAway(v.r.Context(), v.who, name)
	if err == nil && !away {
		v.tip = name
	}
	return err
}
