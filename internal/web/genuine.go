package web

import (
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/respond/official"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// genuine is the page that says what is ours, to anybody. What somebody pastes is sent as a form, so that it stands in no address.
type genuine struct{ places official.Places }

func (g *genuine) mount(on mounter) {
	on(http.MethodGet, "/genuine", func(v *visit) error { return g.show(v, page.Genuine{}) })
	on(http.MethodPost, "/genuine", g.judge)
}

func (g *genuine) judge(v *visit) error {
	in, err := v.form.only("text")
	if err != nil {
		return err
	}
	verdict := g.places.Judge(in["text"])
	view := page.Genuine{Text: in["text"], Asked: true, Ours: verdict.Ours, Where: verdict.Where}
	for _, why := range verdict.Reasons {
		view.Reasons = append(view.Reasons, v.words.Say("genuine.reason."+string(why)))
	}
	return g.show(v, view)
}

func (g *genuine) show(v *visit, view page.Genuine) error {
	view.Senders = g.places.Senders
	for _, o := range g.places.Origins {
		view.Origins = append(view.Origins, page.Fact{Name: o.At, Value: v.words.Say("genuine.for." + string(o.For))})
	}
	for _, app := range g.places.Apps {
		view.Apps = append(view.Apps, page.OfficialApp{System: string(app.Platform), ID: app.ID, Fingerprints: app.Fingerprints})
	}
	return v.show(page.GenuinePage(v.frame("genuine.title"), view))
}
