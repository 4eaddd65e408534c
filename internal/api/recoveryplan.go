package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// recoveryPlan is what somebody prepares, and stops, while they are signed in.
type recoveryPlan struct {
	room interface {
		Readiness(ctx context.Context, p principal.Principal) (recovery.Readiness, error)
		Rehearse(ctx context.Context, p principal.Principal, with recovery.Proof, typed secret.Value) error
		AskMailbox(ctx context.Context, p principal.Principal) (until time.Time, err error)
		SetMailAlone(ctx context.Context, p principal.Principal, span time.Duration) error
		Cancel(ctx context.Context, p principal.Principal, which id.Recovery) error
	}
	now func() time.Time
}

func (s *recoveryPlan) mount(a *API) {
	register(a, operation{
		id: "getRecoveryPlan", method: http.MethodGet, path: "/v1/recovery", summary: "What would happen if I lost something",
		about: "From what the user really has: the ways back after each loss, claims under way, and the latest rehearsal.",
	}, s.get)
	register(a, operation{
		id: "rehearseRecovery", method: http.MethodPost, path: "/v1/recovery/rehearse", summary: "Try a way back and change nothing",
		about: "A recovery code stays good. Only the date of the rehearsal is kept, of one that failed as well. A passkey is tried with POST /v1/passkeys/{id}/test, and dated in GET /v1/passkeys.", codes: []fault.Code{fault.RecoveryProofRefused},
	}, s.rehearse)
	register(a, operation{
		id: "askMailboxRehearsal", method: http.MethodPost, path: "/v1/recovery/rehearse/mailbox", summary: "Have a code mailed to rehearse with",
		about: "The code shows that the user reads their mailbox, when it is sent to POST /v1/recovery/rehearse as that of the mailbox. It is worth nothing in a recovery. A code from before stops to work.",
	}, s.askMailbox)
	register(a, operation{
		id: "setRecoveryWait", method: http.MethodPut, path: "/v1/recovery/wait", summary: "Choose how long recovery by the mailbox alone takes",
		about: "Making it shorter holds money.",
	}, s.setWait)
	register(a, operation{
		id: "cancelRecovery", method: http.MethodPost, path: "/v1/recovery/claims/{id}/cancel", summary: "Stop somebody's recovery of my account",
		about: "With a proof at least as strong as theirs. It is kept as a suspected takeover.", codes: []fault.Code{fault.RecoveryUnknown},
	}, s.cancel)
}

type recoveryStep struct {
	Way         string `json:"way" enum:"passkey,two,password,code,proof,proof_password,proof_totp,mailbox,operators"`
	WaitSeconds int64  `json:"wait_seconds" doc:"0 for at once"`
	HoldsMoney  bool   `json:"holds_money" doc:"Whether money is held afterwards"`
}

type recoveryAnswer struct {
	Loss    string         `json:"loss" enum:"phone,key,mailbox,everything"`
	DeadEnd bool           `json:"dead_end" doc:"Whether nothing but people's help is left"`
	Steps   []recoveryStep `json:"steps" doc:"The quickest first"`
}

type recoveryClaim struct {
	ID   id.Recovery   `json:"id" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Case recoveryShown `json:"case"`
}

type planShown struct {
	Answers           []recoveryAnswer `json:"answers"`
	Claims            []recoveryClaim  `json:"claims" doc:"Recoveries of this account that are under way"`
	MailWait          int64            `json:"mailbox_wait_seconds" doc:"How long recovery by the mailbox alone takes"`
	RehearsedAt       time.Time        `json:"rehearsed_at,omitzero" doc:"Missing if never"`
	Rehearsed         string           `json:"rehearsed,omitempty" doc:"What was shown then"`
	FailedAt          time.Time        `json:"rehearsal_failed_at,omitzero" doc:"When a rehearsal last did not work; missing if none did"`
	Failed            string           `json:"rehearsal_failed,omitempty" doc:"What was tried then"`
	MailboxAt         time.Time        `json:"mailbox_shown_at,omitzero" doc:"When the mailbox was last shown in a rehearsal; missing if never"`
	MailboxAsked      time.Time        `json:"mailbox_asked_at,omitzero" doc:"When a code was mailed for a rehearsal that was not typed since; missing if none was"`
	MailboxUntil      time.Time        `json:"mailbox_good_until,omitzero" doc:"When that code stops, or stopped, to work"`
	NewPhone          []recovery.Move  `json:"new_phone" enum:"synced,hybrid,sign_in,passkey,app,codes,clean_up" doc:"What to do, in this order, when a new phone takes the place of an old one that is still at hand"`
	RecoveryCodesLeft int              `json:"recovery_codes_left" doc:"How many nobody has spent; 0 where there are none"`
}

type planOut struct{ Body planShown }

func (s *recoveryPlan) get(ctx context.Context, p principal.Principal, _ *struct{}) (*planOut, error) {
	r, err := s.room.Readiness(ctx, p)
	out := planShown{
		Answers: []recoveryAnswer{}, Claims: []recoveryClaim{}, MailWait: int64(max(r.Waits.MailAlone, r.Choice.MailAlone) / time.Second),
		RehearsedAt: r.Choice.RehearsedAt, Rehearsed: r.Choice.Rehearsed, FailedAt: r.Choice.FailedAt, Failed: r.Choice.Failed,
		MailboxAt: r.Choice.MailboxAt, MailboxAsked: r.Choice.Trial.Asked, MailboxUntil: r.Choice.Trial.GoodUntil(),
		NewPhone: recovery.NewPhone(r.Methods),
	}
	if r.Methods.Codes != nil {
		out.RecoveryCodesLeft = r.Methods.Codes.Left
	}
	for _, a := range r.Answers {
		answer := recoveryAnswer{Loss: string(a.Loss), DeadEnd: a.DeadEnd()}
		for _, step := range a.Steps {
			answer.Steps = append(answer.Steps, recoveryStep{string(step.Way), int64(step.Wait / time.Second), step.Holds})
		}
		out.Answers = append(out.Answers, answer)
	}
	for _, c := range r.Claims {
		out.Claims = append(out.Claims, recoveryClaim{c.ID, caseAs(c, s.now())})
	}
	return &planOut{out}, err
}

type rehearsal struct {
	Proof string `json:"proof" enum:"recovery_code,totp,mailbox" doc:"What is tried; mailbox with the code that was mailed for it" example:"totp"`
	Code  string `json:"code" maxLength:"64" doc:"As it was typed" example:"123456"`
}

type rehearseIn struct{ Body rehearsal }

func (s *recoveryPlan) rehearse(ctx context.Context, p principal.Principal, in *rehearseIn) (*struct{}, error) {
	return nil, s.room.Rehearse(ctx, p, recovery.ProofOf(in.Body.Proof), secret.FromString("recovery code", in.Body.Code))
}

type mailboxAsked struct {
	GoodUntil time.Time `json:"good_until" doc:"When the code stops to work"`
}

type mailboxOut struct{ Body mailboxAsked }

func (s *recoveryPlan) askMailbox(ctx context.Context, p principal.Principal, _ *struct{}) (*mailboxOut, error) {
	until, err := s.room.AskMailbox(ctx, p)
	return &mailboxOut{mailboxAsked{until}}, err
}

type waitWanted struct {
	Days int `json:"days" minimum:"1" maximum:"30" doc:"Days from when the owner was told" example:"14"`
}

type setWaitIn struct{ Body waitWanted }

func (s *recoveryPlan) setWait(ctx context.Context, p principal.Principal, in *setWaitIn) (*struct{}, error) {
	return nil, s.room.SetMailAlone(ctx, p, time.Duration(in.Body.Days)*24*time.Hour)
}

func (s *recoveryPlan) cancel(ctx context.Context, p principal.Principal, in *recoveryPath) (*struct{}, error) {
	return nil, s.room.Cancel(ctx, p, in.ID)
}
