package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
)

// stepUps is how a signed-in person proves again, for one action.
type stepUps struct {
	room interface {
		Open(ctx context.Context, p principal.Principal, s id.StepUp) (stepup.StepUp, error)
	}
	factors interface {
		Of(ctx context.Context, p principal.Principal) (factor.Methods, error)
		SatisfyWithTOTP(ctx context.Context, p principal.Principal, s id.StepUp, code string) (secret.Value, error)
		SatisfyWithPassword(ctx context.Context, p principal.Principal, s id.StepUp, given secret.Value) (secret.Value, error)
		BeginProof(ctx context.Context, p principal.Principal) (factor.Begun, error)
		SatisfyWithPasskey(ctx context.Context, p principal.Principal, s id.StepUp, token string, response []byte) (secret.Value, error)
	}
}

func (s *stepUps) mount(a *API) {
	const about = "Then send the refused request again, unchanged. This session gets a new bearer."
	register(a, operation{
		id: "getStepUp", method: http.MethodGet, path: "/v1/step-ups/{id}", summary: "What is to be confirmed, and how it can be",
		about: "Only in the session that was asked, and until it is satisfied or over.", codes: []fault.Code{fault.StepUpNotFound},
	}, s.show)
	register(a, operation{
		id: "satisfyStepUpWithTotp", method: http.MethodPost, path: "/v1/step-ups/{id}/totp", summary: "Confirm with a code", about: about,
		codes: []fault.Code{fault.StepUpNotFound, fault.AssuranceTooLow, fault.PasswordDisabled, fault.TOTPCodeRefused, fault.TOTPNotEnrolled},
	}, s.withTOTP)
	register(a, operation{
		id: "satisfyStepUpWithPassword", method: http.MethodPost, path: "/v1/step-ups/{id}/password", summary: "Confirm with the password",
		about: "For people who have nothing stronger yet. " + about,
		codes: []fault.Code{fault.StepUpNotFound, fault.AssuranceTooLow, fault.PasswordDisabled, fault.SignInRefused, fault.Busy},
	}, s.withPassword)
	register(a, operation{
		id: "beginStepUpPasskey", method: http.MethodPost, path: "/v1/step-ups/{id}/passkey/begin", summary: "Begin confirming with a passkey",
		about: "Hand the options to navigator.credentials.get.", codes: []fault.Code{fault.StepUpNotFound, fault.PasskeyNotFound},
	}, s.beginPasskey)
	register(a, operation{
		id: "satisfyStepUpWithPasskey", method: http.MethodPost, path: "/v1/step-ups/{id}/passkey", summary: "Confirm with a passkey", about: about,
		codes: append([]fault.Code{fault.StepUpNotFound, fault.AssuranceTooLow}, assertionCodes...),
	}, s.withPasskey)
}

type stepUpPath struct {
	ID id.StepUp `path:"id" doc:"The step-up" example:"stp_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type stepUpShown struct {
	Action    string            `json:"action" doc:"The action that waits for it" example:"key.created"`
	Summary   string            `json:"summary" doc:"What is being confirmed, in the language asked for"`
	Facts     map[string]string `json:"facts,omitempty" doc:"The same as facts: names, scopes, dates"`
	Needs     string            `json:"needs" enum:"pwd,mfa,phr,phrh" doc:"The acr that the proof must reach"`
	Methods   []string          `json:"methods" enum:"passkey,totp,password" doc:"What this person can do it with, the best first"`
	ExpiresAt time.Time         `json:"expires_at"`
}

type stepUpOut struct{ Body stepUpShown }

func (s *stepUps) show(ctx context.Context, p principal.Principal, in *stepUpPath) (*stepUpOut, error) {
	step, err := s.room.Open(ctx, p, in.ID)
	if err != nil {
		return nil, err
	}
	own, err := s.factors.Of(ctx, p)
	return &stepUpOut{stepUpShown{
		Action: string(step.Action), Summary: i18n.In(p.Lang).Asked(step.Action, step.Facts), Facts: step.Facts, Needs: step.Needs.String(),
		Methods: own.Reaching(step.Needs), ExpiresAt: step.ExpiresAt,
	}}, err
}

type stepUpCodeIn struct {
	ID   id.StepUp `path:"id" doc:"The step-up" example:"stp_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body codeGiven
}

func (s *stepUps) withTOTP(ctx context.Context, p principal.Principal, in *stepUpCodeIn) (*renewedOut, error) {
	bearer, err := s.factors.SatisfyWithTOTP(ctx, p, in.ID, in.Body.Code)
	return renewed(bearer), err
}

type stepUpPasswordIn struct {
	ID   id.StepUp `path:"id" doc:"The step-up" example:"stp_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body passwordGiven
}

func (s *stepUps) withPassword(ctx context.Context, p principal.Principal, in *stepUpPasswordIn) (*renewedOut, error) {
	bearer, err := s.factors.SatisfyWithPassword(ctx, p, in.ID, secret.FromString("password", in.Body.Password))
	return renewed(bearer), err
}

func (s *stepUps) beginPasskey(ctx context.Context, p principal.Principal, in *stepUpPath) (*begunOut, error) {
	if _, err := s.room.Open(ctx, p, in.ID); err != nil {
		return nil, err
	}
	b, err := s.factors.BeginProof(ctx, p)
	return begunAs(b), err
}

type stepUpPasskeyIn struct {
	ID   id.StepUp `path:"id" doc:"The step-up" example:"stp_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body finished
}

func (s *stepUps) withPasskey(ctx context.Context, p principal.Principal, in *stepUpPasskeyIn) (*renewedOut, error) {
	bearer, err := s.factors.SatisfyWithPasskey(ctx, p, in.ID, in.Body.State, in.Body.Response)
	return renewed(bearer), err
}
