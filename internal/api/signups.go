package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
)

// signUps is the way from a mail address to a user.
type signUps struct {
	room interface {
		Begin(ctx context.Context, from principal.Origin, in signup.Begin) (id.SignUp, error)
		Verify(ctx context.Context, s id.SignUp, browser [32]byte, code string) error
		FinishWithPassword(ctx context.Context, from signup.From, s id.SignUp, given secret.Value) (signup.SignedUp, error)
		BeginPasskey(ctx context.Context, s id.SignUp, browser [32]byte) (factor.Begun, error)
		FinishWithPasskey(ctx context.Context, from signup.From, s id.SignUp, token string, response []byte) (signup.SignedUp, error)
	}
}

// passwordCodes are the refusals of a password that somebody chooses.
var passwordCodes = []fault.Code{
	fault.PasswordDisabled,
	fault.PasswordTooShort, fault.PasswordTooLong, fault.PasswordNotText, fault.PasswordCommon, fault.PasswordOwnWords, fault.Busy,
}

func (s *signUps) mount(a *API) {
	registerPre(a, operation{
		id: "beginSignUp", method: http.MethodPost, path: "/v1/sign-up", summary: "Begin a sign-up", status: http.StatusCreated,
		about: "Sends a code to the address. The answer is the same for an address that has a user already; only the letter differs.",
		codes: []fault.Code{fault.MailAddressMalformed, fault.MailAddressLocalPart, fault.MailAddressDomain},
	}, s.begin)
	registerPre(a, operation{
		id: "verifySignUp", method: http.MethodPost, path: "/v1/sign-up/{id}/code", summary: "Prove the address with the mailed code",
		about: "Five tries; then a new sign-up is needed.", codes: []fault.Code{fault.SignUpCodeRefused},
	}, s.verify)
	registerPre(a, operation{
		id: "finishSignUpWithPassword", method: http.MethodPost, path: "/v1/sign-up/{id}/password", status: http.StatusCreated,
		summary: "Become a user with a password", about: "The browser is signed in by the answer.",
		codes: append([]fault.Code{fault.SignUpExpired}, passwordCodes...),
	}, s.withPassword)
	registerPre(a, operation{
		id: "beginSignUpPasskey", method: http.MethodPost, path: "/v1/sign-up/{id}/passkey/begin", summary: "Begin making the first passkey",
		about: "Hand the options to navigator.credentials.create.", codes: []fault.Code{fault.SignUpExpired},
	}, s.beginPasskey)
	registerPre(a, operation{
		id: "finishSignUpWithPasskey", method: http.MethodPost, path: "/v1/sign-up/{id}/passkey", status: http.StatusCreated,
		summary: "Become a user with a passkey", about: "The browser is signed in by the answer. A second way back is still to be kept: see next.",
		codes: []fault.Code{fault.SignUpExpired, fault.SignInExpired, fault.PasskeyRefused, fault.PasskeyUnverified, fault.PasskeyUnsafe, fault.PasskeyUnattested},
	}, s.withPasskey)
}

type signUpWanted struct {
	Mail string `json:"mail" maxLength:"320" doc:"Where the code goes" example:"min@example.com"`
	Name string `json:"name" maxLength:"320" doc:"How the user wants to be called" example:"Min"`
	Lang string `json:"lang,omitempty" enum:"en,ko" doc:"Language of pages and mails" example:"en"`
}

type beginSignUpIn struct{ Body signUpWanted }

type signUpBegun struct {
	SignUp id.SignUp `json:"sign_up" doc:"Names the sign-up in the next calls" example:"sup_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type beginSignUpOut struct{ Body signUpBegun }

func (s *signUps) begin(ctx context.Context, from signin.From, in *beginSignUpIn) (*beginSignUpOut, error) {
	b := in.Body
	up, err := s.room.Begin(ctx, from.Origin, signup.Begin{Mail: b.Mail, Name: b.Name, Lang: b.Lang, Browser: from.Browser})
	return &beginSignUpOut{signUpBegun{up}}, err
}

type codeGiven struct {
	Code string `json:"code" maxLength:"32" doc:"The code; spaces between its digits do not matter" example:"12345678"`
}

type signUpCodeIn struct {
	ID   id.SignUp `path:"id" doc:"The sign-up" example:"sup_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body codeGiven
}

func (s *signUps) verify(ctx context.Context, from signin.From, in *signUpCodeIn) (*struct{}, error) {
	return nil, s.room.Verify(ctx, in.ID, from.Browser, in.Body.Code)
}

type passwordGiven struct {
	Password string `json:"password" doc:"The password as it was typed" example:"four words in a row"`
}

type signUpPasswordIn struct {
	ID   id.SignUp `path:"id" doc:"The sign-up" example:"sup_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body passwordGiven
}

type signedUp struct {
	User id.User `json:"user" doc:"The new user" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Next string  `json:"next,omitempty" enum:"recovery_codes" doc:"What is left to do before the enrolment counts as done: make recovery codes and confirm them; missing if nothing"`
}

type signedUpOut struct {
	kept
	Body signedUp
}

func (s *signUps) withPassword(ctx context.Context, from signin.From, in *signUpPasswordIn) (*signedUpOut, error) {
	up, err := s.room.FinishWithPassword(ctx, signUpFrom(from), in.ID, secret.FromString("password", in.Body.Password))
	return signedUpAs(up), err
}

func signedUpAs(up signup.SignedUp) *signedUpOut {
	return &signedUpOut{kept{bearer: up.Bearer, device: up.DeviceCookie, began: up.Session.ID}, signedUp{User: up.User.ID}}
}

// begun is the first half of a ceremony with an authenticator.
type begun struct {
	Options json.RawMessage `json:"options" doc:"For PublicKeyCredential.parseCreationOptionsFromJSON or parseRequestOptionsFromJSON"`
	State   string          `json:"state" doc:"To be brought back with the answer of the browser"`
}

type begunOut struct{ Body begun }

func begunAs(b factor.Begun) *begunOut { return &begunOut{begun(b)} }

// finished is the second half.
type finished struct {
	State    string          `json:"state" maxLength:"8192" doc:"As it was given out" example:"c3RhdGU"`
	Response json.RawMessage `json:"response" doc:"PublicKeyCredential.toJSON() of the browser"`
}

type signUpPath struct {
	ID id.SignUp `path:"id" doc:"The sign-up" example:"sup_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

func (s *signUps) beginPasskey(ctx context.Context, from signin.From, in *signUpPath) (*begunOut, error) {
	b, err := s.room.BeginPasskey(ctx, in.ID, from.Browser)
	return begunAs(b), err
}

type signUpPasskeyIn struct {
	ID   id.SignUp `path:"id" doc:"The sign-up" example:"sup_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body finished
}

func (s *signUps) withPasskey(ctx context.Context, from signin.From, in *signUpPasskeyIn) (*signedUpOut, error) {
	up, err := s.room.FinishWithPasskey(ctx, signUpFrom(from), in.ID, in.Body.State, in.Body.Response)
	out := signedUpAs(up)
	out.Body.Next = recoveryCodesNext
	return out, err
}

// signUpFrom is the same browser for a sign-up.
func signUpFrom(f signin.From) signup.From {
	return signup.From{Origin: f.Origin, Browser: f.Browser, Device: f.Device, Replace: f.Replace}
}
