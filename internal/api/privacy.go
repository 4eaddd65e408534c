package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
)

// privacies is what is kept about whoever asks, and what they want of it.
type privacies struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (privacy.Departure, bool, error)
		Copy(ctx context.Context, p principal.Principal) (privacy.Copy, error)
		Leave(ctx context.Context, p principal.Principal, typed string) (privacy.Departure, error)
		Stay(ctx context.Context, p principal.Principal) error
	}
}

func (s *privacies) mount(a *API) {
	register(a, operation{
		id: "getPrivacy", method: http.MethodGet, path: "/v1/privacy", summary: "What is kept about me", about: "Every class of it in words, and whether my account is about to be deleted.",
	}, s.show)
	register(a, operation{
		id: "copyPrivacy", method: http.MethodPost, path: "/v1/privacy/copy", summary: "A copy of my data", about: "Without secrets: nothing can be proven with it.",
	}, s.copy)
	register(a, operation{
		id: "leave", method: http.MethodPost, path: "/v1/privacy/departure", summary: "Delete my account",
		about: "At the end of a wait, until which nothing changes and it can be stopped. Nobody brings it back afterwards.",
		codes: []fault.Code{fault.AccountMailDiffers, fault.AccountLeaving, fault.AccountLastOwner},
	}, s.leave)
	register(a, operation{
		id: "stay", method: http.MethodDelete, path: "/v1/privacy/departure", summary: "Keep my account", about: "Stops a deletion that waits.",
		codes: []fault.Code{fault.AccountNotLeaving},
	}, func(ctx context.Context, p principal.Principal, _ *struct{}) (*struct{}, error) {
		return nil, s.room.Stay(ctx, p)
	})
}

type keptShown struct {
	Class string `json:"class" doc:"Never changes" example:"sessions"`
	Name  string `json:"name" doc:"In the language asked for"`
	What  string `json:"what" doc:"What is kept"`
	Why   string `json:"why" doc:"What for"`
	Kept  string `json:"kept" doc:"How long"`
}

type departureShown struct {
	AskedAt time.Time `json:"asked_at"`
	DueAt   time.Time `json:"due_at" doc:"When the account is deleted"`
}

type privacyShown struct {
	Classes []keptShown     `json:"classes"`
	Leaving *departureShown `json:"departure,omitempty" doc:"If the account is about to be deleted"`
}

type privacyOut struct{ Body privacyShown }

func (s *privacies) show(ctx context.Context, p principal.Principal, _ *struct{}) (*privacyOut, error) {
	var out privacyOut
	words := i18n.In(p.Lang)
	for _, c := range privacy.Classes {
		about := "privacy.class." + c.ID
		out.Body.Classes = append(out.Body.Classes, keptShown{
			Class: c.ID, Name: words.Say(about), What: words.Say(about + ".what"), Why: words.Say(about + ".why"),
			Kept: words.Say(about+".kept", "span", words.Span(c.Kept)),
		})
	}
	d, found, err := s.room.Of(ctx, p)
	if found {
		out.Body.Leaving = &departureShown{d.Asked, d.Due}
	}
	return &out, err
}

type privacyCopyOut struct{ Body privacy.Copy }

func (s *privacies) copy(ctx context.Context, p principal.Principal, _ *struct{}) (*privacyCopyOut, error) {
	c, err := s.room.Copy(ctx, p)
	return &privacyCopyOut{c}, err
}

type leaveIn struct {
	Body struct {
		OwnMail string `json:"own_mail" maxLength:"254" doc:"The mail address of the account, to say that it is meant" example:"kim@example.com"`
	}
}

type departureOut struct{ Body departureShown }

func (s *privacies) leave(ctx context.Context, p principal.Principal, in *leaveIn) (*departureOut, error) {
	d, err := s.room.Leave(ctx, p, in.Body.OwnMail)
	return &departureOut{departureShown{d.Asked, d.Due}}, err
}
