package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
)

// passkeys is the list of a person's passkeys and its changes.
type passkeys struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (factor.Methods, error)
		BeginPasskey(ctx context.Context, p principal.Principal) (factor.Begun, error)
		FinishPasskey(ctx context.Context, p principal.Principal, token string, response []byte, name string) (passkey.Credential, secret.Value, error)
		RenamePasskey(ctx context.Context, p principal.Principal, c id.Passkey, name string) error
		LabelPasskey(ctx context.Context, p principal.Principal, c id.Passkey, l factor.Label) error
		RemovePasskey(ctx context.Context, p principal.Principal, c id.Passkey) (bearer secret.Value, err error)
		BeginTest(ctx context.Context, p principal.Principal, c id.Passkey) (factor.Begun, error)
		FinishTest(ctx context.Context, p principal.Principal, c id.Passkey, token string, response []byte) (passkey.Credential, error)
	}
}

func (k *passkeys) mount(a *API) {
	register(a, operation{
		id: "beginPasskey", method: http.MethodPost, path: "/v1/passkeys/begin", summary: "Begin adding a passkey",
		about: "Hand the options to navigator.credentials.create.",
	}, k.begin)
	register(a, operation{
		id: "addPasskey", method: http.MethodPost, path: "/v1/passkeys", summary: "Finish adding a passkey", status: http.StatusCreated,
		about: "If a step-up is asked for, the same answer of the browser can be sent again afterwards. This session gets a new bearer. " +
			"The enrolment is done once a second way back was kept: see next.",
		codes: []fault.Code{fault.PasskeyRefused, fault.PasskeyUnverified, fault.PasskeyUnsafe, fault.PasskeyUnattested, fault.PasskeyDuplicate, fault.SignInExpired},
	}, k.add)
	register(a, operation{
		id: "renamePasskey", method: http.MethodPatch, path: "/v1/passkeys/{id}", summary: "Rename a passkey", about: "At most 80 characters.",
		codes: []fault.Code{fault.PasskeyNotFound, fault.RateLimited},
	}, k.rename)
	register(a, operation{
		id: "labelPasskey", method: http.MethodPut, path: "/v1/passkeys/{id}/label", summary: "Say what a passkey is for",
		about: "Whether it is used day by day, or kept for when another is lost. It decides nothing.", codes: []fault.Code{fault.PasskeyNotFound, fault.RateLimited},
	}, k.label)
	register(a, operation{
		id: "removePasskey", method: http.MethodDelete, path: "/v1/passkeys/{id}", summary: "Remove a passkey",
		about: "All other sessions end; this one gets a new bearer.",
		codes: []fault.Code{fault.PasskeyNotFound, fault.FactorLast, fault.PasswordTooShortAlone},
	}, k.remove)
	register(a, operation{
		id: "beginPasskeyTest", method: http.MethodPost, path: "/v1/passkeys/{id}/test/begin", summary: "Begin trying out a passkey",
		about: "Hand the options to navigator.credentials.get.", codes: []fault.Code{fault.PasskeyNotFound},
	}, k.beginTest)
	register(a, operation{
		id: "testPasskey", method: http.MethodPost, path: "/v1/passkeys/{id}/test", summary: "Try out a passkey",
		about: "It says whether this passkey would let its owner in, and writes down that it was tried. Nothing else changes.",
		codes: append([]fault.Code{fault.PasskeyNotFound, fault.RateLimited}, assertionCodes...),
	}, k.test)
}

// assertionCodes are how a passkey's answer is refused.
var assertionCodes = []fault.Code{fault.PasskeyRefused, fault.PasskeyUnverified, fault.PasskeyChanged, fault.PasskeyUnsafe, fault.PasskeyCloned, fault.SignInExpired}

type passkeyShown struct {
	ID         id.Passkey `json:"id" example:"pk_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name       string     `json:"name" example:"Windows Hello"`
	Synced     bool       `json:"synced" doc:"Whether it may live on several devices of its owner"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt time.Time  `json:"last_used_at,omitzero" doc:"Missing if it was never used"`
	TestedAt   time.Time  `json:"tested_at,omitzero" doc:"When its owner last tried it out; missing if never"`
	FailedAt   time.Time  `json:"test_failed_at,omitzero" doc:"When that last did not work; missing if it always did"`
	Label      string     `json:"label" enum:"primary,backup" doc:"What its owner has it for"`
	Model      string     `json:"model,omitempty" doc:"What the authenticator is, as far as it is known" example:"YubiKey 5"`
	ApprovesAt time.Time  `json:"approves_money_from" doc:"From when on it may approve money: a new passkey waits, so that its owner hears of it first"`
	Next       string     `json:"next,omitempty" enum:"recovery_codes" doc:"In the answer to adding it: what is left to do before the enrolment counts as done: make recovery codes and confirm them; missing if nothing"`
	Certified  string     `json:"certified,omitempty" enum:"L1,L2,L3" doc:"How far FIDO certifies an attested model, by the metadata of today; missing if it does not"`
	Attested   bool       `json:"attested" doc:"Whether an accepted attestation says so; otherwise the model is what the authenticator claims"`
}

func passkeyAs(c passkey.Credential) passkeyShown {
	return passkeyShown{
		ID: c.ID, Name: c.Name, Synced: c.Synced(), CreatedAt: c.Born, LastUsedAt: c.LastUsedAt, TestedAt: c.TestedAt, FailedAt: c.TestFailedAt,
		Model: c.Model(), Attested: c.Attested != "", Certified: c.Certified.String(), ApprovesAt: c.ApprovesFrom, Label: string(factor.LabelOf(c.Backup)),
	}
}

func (k *passkeys) begin(ctx context.Context, p principal.Principal, _ *struct{}) (*begunOut, error) {
	b, err := k.room.BeginPasskey(ctx, p)
	return begunAs(b), err
}

type passkeyMade struct {
	State    string          `json:"state" maxLength:"8192" doc:"As it was given out" example:"c3RhdGU"`
	Response json.RawMessage `json:"response" doc:"PublicKeyCredential.toJSON() of the browser"`
	Name     string          `json:"name,omitempty" maxLength:"320" doc:"What its owner calls it; the authenticator's model if empty" example:"My phone"`
}

type addPasskeyIn struct{ Body passkeyMade }

type passkeyOut struct {
	kept
	Body passkeyShown
}

func (k *passkeys) add(ctx context.Context, p principal.Principal, in *addPasskeyIn) (*passkeyOut, error) {
	c, bearer, err := k.room.FinishPasskey(ctx, p, in.Body.State, in.Body.Response, in.Body.Name)
	if err != nil {
		return nil, err
	}
	all, err := k.room.Of(ctx, p)
	out := &passkeyOut{kept{bearer: bearer}, passkeyAs(c)}
	out.Body.Next = nextOf(all)
	return out, err
}

type nameGiven struct {
	Name string `json:"name" maxLength:"320" doc:"The new name" example:"My phone"`
}

type renamePasskeyIn struct {
	ID   id.Passkey `path:"id" doc:"The passkey" example:"pk_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body nameGiven
}

func (k *passkeys) rename(ctx context.Context, p principal.Principal, in *renamePasskeyIn) (*struct{}, error) {
	return nil, k.room.RenamePasskey(ctx, p, in.ID, in.Body.Name)
}

type labelGiven struct {
	Label string `json:"label" enum:"primary,backup" doc:"What it is for" example:"backup"`
}

type labelPasskeyIn struct {
	ID   id.Passkey `path:"id" doc:"The passkey" example:"pk_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body labelGiven
}

func (k *passkeys) label(ctx context.Context, p principal.Principal, in *labelPasskeyIn) (*struct{}, error) {
	return nil, k.room.LabelPasskey(ctx, p, in.ID, factor.Label(in.Body.Label))
}

type passkeyPath struct {
	ID id.Passkey `path:"id" doc:"The passkey" example:"pk_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

func (k *passkeys) remove(ctx context.Context, p principal.Principal, in *passkeyPath) (*renewedOut, error) {
	bearer, err := k.room.RemovePasskey(ctx, p, in.ID)
	return renewed(bearer), err
}

func (k *passkeys) beginTest(ctx context.Context, p principal.Principal, in *passkeyPath) (*begunOut, error) {
	b, err := k.room.BeginTest(ctx, p, in.ID)
	return begunAs(b), err
}

type testPasskeyIn struct {
	ID   id.Passkey `path:"id" doc:"The passkey" example:"pk_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body finished
}

type testedOut struct{ Body passkeyShown }

func (k *passkeys) test(ctx context.Context, p principal.Principal, in *testPasskeyIn) (*testedOut, error) {
	c, err := k.room.FinishTest(ctx, p, in.ID, in.Body.State, in.Body.Response)
	return &testedOut{passkeyAs(c)}, err
}
