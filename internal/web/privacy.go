package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// privacies are the page about what is kept, and what its reader wants of it.
type privacies struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (privacy.Departure, bool, error)
		Copy(ctx context.Context, p principal.Principal) (privacy.Copy, error)
		Leave(ctx context.Context, p principal.Principal, typed string) (privacy.Departure, error)
		Stay(ctx context.Context, p principal.Principal) error
	}
	wait time.Duration
}

func (s *privacies) mount(on mounter) {
	on(http.MethodGet, "/privacy", func(v *visit) error { return s.show(v, page.Problem{}, "") })
	on(http.MethodPost, copyPath, s.copy)
	on(http.MethodPost, "/privacy/leave", s.leave)
	on(http.MethodPost, "/privacy/stay", s.stay)
}

func (s *privacies) show(v *visit, p page.Problem, typed string) error {
	leaving, found, err := s.room.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	view := page.Privacy{Problem: p, Typed: typed, Wait: v.words.Span(s.wait), Leaving: found, Due: v.when(leaving.Due), Places: v.web.Places}
	for _, c := range privacy.Classes {
		about := "privacy.class." + c.ID
		view.Classes = append(view.Classes, page.KeptClass{
			Name: v.words.Say(about), What: v.words.Say(about + ".what"), Why: v.words.Say(about + ".why"),
			Kept: v.words.Say(about+".kept", "span", v.words.Span(c.Kept)),
		})
	}
	return v.show(page.PrivacyPage(v.frame("privacy.title"), view))
}

// copyPath answers with a file, which takes no browser to another page. Script reads from arrived that it came, and goes on.
const (
	copyPath = "/privacy/copy"
	arrived  = "__Host-arrived"
)

// copy hands the reader's own data out as a file.
func (s *privacies) copy(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	kept, err := s.room.Copy(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="sallyport-`+kept.MadeAt.Format(time.DateOnly)+`.json"`)
	h.Set("Cache-Control", "no-store")
	http.SetCookie(v.w, &http.Cookie{Name: arrived, Value: "1", Path: "/", MaxAge: 60, Secure: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // a word that the page's script waits for, see arrived
	v.say("copied")
	_, _ = v.w.Write(body) // a reader who went away can be told nothing more
	return nil
}

func (s *privacies) leave(v *visit) error {
	in, err := v.form.only("own_mail")
	if err != nil {
		return err
	}
	if _, err := s.room.Leave(v.r.Context(), v.who, in["own_mail"]); err != nil {
		return v.retry(err, func(p page.Problem) error { return s.show(v, p, in["own_mail"]) })
	}
	v.say("leaving")
	return v.leave("/privacy")
}

func (s *privacies) stay(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := s.room.Stay(v.r.Context(), v.who); err != nil {
		return err
	}
	v.say("staying")
	return v.leave("/privacy")
}
