package api

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/official"
)

// genuine says what is ours.
type genuine struct{ places official.Places }

func (g *genuine) mount(a *API) {
	registerPre(a, operation{
		id: "getOfficial", method: http.MethodGet, path: "/v1/genuine", summary: "Our official addresses and apps", about: "Nothing else is ours, whatever it looks like.",
	}, g.list)
	registerPre(a, operation{
		id: "judgeGenuine", method: http.MethodPost, path: "/v1/genuine", status: http.StatusOK, summary: "Is this link or sender really yours?",
		about: "It opens no link. A sender's address can be forged: look for the id of the mail under your messages.",
	}, g.judge)
}

type officialShown struct {
	Origins []originShown `json:"origins" doc:"Of our pages and APIs"`
	Senders []string      `json:"senders" doc:"That we write mails from"`
	Apps    []appShown    `json:"apps" doc:"Our native apps"`
}

type originShown struct {
	Origin string `json:"origin" example:"https://gate.exchange.example"`
	For    string `json:"for" enum:"dashboard,confirmations,exchange,programs,elsewhere" doc:"What it is for: this dashboard, confirming transactions, trading, signed requests of programs, or another site of the platform"`
}

type appShown struct {
	Platform     string   `json:"platform" enum:"android,apple" doc:"Whose system it runs on"`
	ID           string   `json:"id" doc:"What decides whether it is ours, whatever its title and picture" example:"com.example.exchange"`
	Fingerprints []string `json:"fingerprints,omitempty" doc:"For android: SHA-256 of the certificates it is signed with"`
}

type officialOut struct{ Body officialShown }

func (g *genuine) list(context.Context, signin.From, *struct{}) (*officialOut, error) {
	origins, apps := []originShown{}, []appShown{}
	for _, o := range g.places.Origins {
		origins = append(origins, originShown{o.At, string(o.For)})
	}
	for _, app := range g.places.Apps {
		apps = append(apps, appShown{string(app.Platform), app.ID, app.Fingerprints})
	}
	return &officialOut{officialShown{origins, append([]string{}, g.places.Senders...), apps}}, nil
}

type pasted struct {
	Text string `json:"text" maxLength:"2048" doc:"A link or a mail address" example:"https://exchange.example.com/"`
}

type pastedIn struct{ Body pasted }

type verdictShown struct {
	Ours    bool     `json:"ours" doc:"Whether it is ours; whatever is unclear is not"`
	Kind    string   `json:"kind" enum:"link,sender" doc:"What it was taken for"`
	Where   string   `json:"where,omitempty" doc:"The server it leads to, or the address, as it is compared"`
	Reasons []string `json:"reasons" doc:"Why; the first two speak for it" enum:"our_host,our_sender,unreadable,other_host,our_name_elsewhere,lookalike,before_at,not_secure,other_port,no_web_address,number,other_sender"`
}

type verdictOut struct{ Body verdictShown }

func (g *genuine) judge(_ context.Context, _ signin.From, in *pastedIn) (*verdictOut, error) {
	v := g.places.Judge(in.Body.Text)
	out := verdictShown{Ours: v.Ours, Kind: string(v.Kind), Where: v.Where}
	for _, why := range v.Reasons {
		out.Reasons = append(out.Reasons, string(why))
	}
	return &verdictOut{out}, nil
}
