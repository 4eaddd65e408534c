package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
)

// signIns is the way from a browser to a session.
type signIns struct {
	room interface {
		WithPassword(ctx context.Context, from signin.From, mail string, given secret.Value) (signin.SignedIn, error)
		WithCode(ctx context.Context, from signin.From, half, code string) (signin.SignedIn, error)
		BeginPasskey(from signin.From) (factor.Begun, error)
		WithPasskey(ctx context.Context, from signin.From, token string, response []byte) (signin.SignedIn, error)
	}
}

func (s *signIns) mount(a *API) {
	registerPre(a, operation{
		id: "signInWithPassword", method: http.MethodPost, path: "/v1/sign-in", summary: "Sign in with a password",
		about: "Answers signed_in, or the half of a sign-in that needs the code of an authenticator app. Whatever is wrong, the refusal is the same.",
		codes: []fault.Code{fault.PasswordDisabled, fault.SignInRefused, fault.Busy},
	}, s.withPassword)
	registerPre(a, operation{
		id: "signInWithCode", method: http.MethodPost, path: "/v1/sign-in/code", summary: "Finish a sign-in with a code",
		about: "Each code works once.", codes: []fault.Code{fault.PasswordDisabled, fault.SignInExpired, fault.SignInRefused, fault.TOTPCodeRefused, fault.TOTPNotEnrolled},
	}, s.withCode)
	registerPre(a, operation{
		id: "beginSignInPasskey", method: http.MethodPost, path: "/v1/sign-in/passkey/begin", summary: "Begin a sign-in with a passkey",
		about: "Names nobody. Hand the options to navigator.credentials.get.",
	}, s.beginPasskey)
	registerPre(a, operation{
		id: "signInWithPasskey", method: http.MethodPost, path: "/v1/sign-in/passkey", summary: "Sign in with a passkey",
		about: "Never throttled by what others try.",
		codes: []fault.Code{fault.SignInExpired, fault.SignInRefused, fault.PasskeyUnknown, fault.PasskeyRefused, fault.PasskeyUnverified, fault.PasskeyChanged, fault.PasskeyUnsafe, fault.PasskeyCloned},
	}, s.withPasskey)
}

type mailAndPassword struct {
	Mail     string `json:"mail" maxLength:"320" doc:"The user's mail address" example:"min@example.com"`
	Password string `json:"password" doc:"The password as it was typed" example:"four words in a row"`
	Shared   bool   `json:"shared,omitempty" doc:"This is not my device: nothing is remembered, and the session rests after ten minutes"`
}

type signInIn struct{ Body mailAndPassword }

type signedIn struct {
	SignedIn bool   `json:"signed_in" doc:"Whether the browser has a session now"`
	Half     string `json:"half,omitempty" doc:"If not: what to bring back with the code, within five minutes"`
	Needs    string `json:"needs,omitempty" enum:"totp" doc:"If not: what is still needed"`
}

type signedInOut struct {
	kept
	Body signedIn
}

func signedInAs(in signin.SignedIn) *signedInOut {
	if in.Half != "" {
		return &signedInOut{Body: signedIn{Half: in.Half, Needs: "totp"}}
	}
	return &signedInOut{kept{bearer: in.Bearer, device: in.DeviceCookie, began: in.Session.ID}, signedIn{SignedIn: true}}
}

func (s *signIns) withPassword(ctx context.Context, from signin.From, in *signInIn) (*signedInOut, error) {
	from.Shared = in.Body.Shared
	out, err := s.room.WithPassword(ctx, from, in.Body.Mail, secret.FromString("password", in.Body.Password))
	return signedInAs(out), err
}

type halfAndCode struct {
	Half string `json:"half" maxLength:"8192" doc:"As it was given out" example:"aGFsZg"`
	Code string `json:"code" maxLength:"32" doc:"Six digits of the authenticator app" example:"123456"`
}

type signInCodeIn struct{ Body halfAndCode }

func (s *signIns) withCode(ctx context.Context, from signin.From, in *signInCodeIn) (*signedInOut, error) {
	out, err := s.room.WithCode(ctx, from, in.Body.Half, in.Body.Code)
	return signedInAs(out), err
}

func (s *signIns) beginPasskey(_ context.Context, from signin.From, _ *struct{}) (*begunOut, error) {
	b, err := s.room.BeginPasskey(from)
	return begunAs(b), err
}

type finishedSignIn struct {
	State    string          `json:"state" maxLength:"8192" doc:"As it was given out" example:"c3RhdGU"`
	Response json.RawMessage `json:"response" doc:"PublicKeyCredential.toJSON() of the browser"`
	Shared   bool            `json:"shared,omitempty" doc:"This is not my device: nothing is remembered, and the session rests after ten minutes"`
}

type finishedIn struct{ Body finishedSignIn }

func (s *signIns) withPasskey(ctx context.Context, from signin.From, in *finishedIn) (*signedInOut, error) {
	from.Shared = in.Body.Shared
	out, err := s.room.WithPasskey(ctx, from, in.Body.State, in.Body.Response)
	return signedInAs(out), err
}
