package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// recoveryPlan is the page on which somebody prepares for a loss, and stops a recovery that is not theirs.
type recoveryPlan struct {
	room interface {
		Readiness(ctx context.Context, p principal.Principal) (recovery.Readiness, error)
		Rehearse(ctx context.Context, p principal.Principal, with recovery.Proof, typed secret.Value) error
		AskMailbox(ctx context.Context, p principal.Principal) (until time.Time, err error)
		SetMailAlone(ctx context.Context, p principal.Principal, span time.Duration) error
		Cancel(ctx context.Context, p principal.Principal, which id.Recovery) error
	}
}

func (r *recoveryPlan) mount(on mounter) {
	on(http.MethodGet, "/recovery", func(v *visit) error { return r.show(v, page.Problem{}) })
	on(http.MethodGet, "/new-phone", r.newPhone)
	on(http.MethodPost, "/recovery/rehearse", r.rehearse)
	on(http.MethodPost, "/recovery/rehearse/mailbox", r.askMailbox)
	on(http.MethodPost, "/recovery/wait", r.setWait)
	on(http.MethodPost, "/recovery/claims/{id}/cancel", r.cancel)
}

func (r *recoveryPlan) show(v *visit, p page.Problem) error {
	ready, err := r.room.Readiness(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	alone := max(ready.Waits.MailAlone, ready.Choice.MailAlone)
	view := page.RecoveryPlan{
		Problem: p, Codes: codesView(v, ready.Methods), HasApp: ready.Methods.TOTP != nil, Alone: v.words.Span(alone),
		Rehearsed: v.when(ready.Choice.RehearsedAt), With: ready.Choice.Rehearsed, Failed: v.when(ready.Choice.FailedAt), FailedWith: ready.Choice.Failed,
		MailboxAt: v.when(ready.Choice.MailboxAt), Mailed: v.when(ready.Choice.Trial.Asked), MailGood: ready.Choice.Trial.Open(v.now),
		Days: daysToChoose(v, ready.Waits, alone),
	}
	for _, c := range ready.Methods.Passkeys {
		view.Passkeys = append(view.Passkeys, page.PasskeyTried{Name: c.Name, At: v.when(c.TestedAt), Failed: v.when(c.TestFailedAt)})
	}
	for _, a := range ready.Answers {
		answer := page.RecoveryAnswer{Loss: string(a.Loss), DeadEnd: a.DeadEnd()}
		for _, step := range a.Steps {
			s := page.RecoveryStep{Way: string(step.Way), Holds: step.Holds}
			if step.Wait > 0 {
				s.Wait = v.words.Span(step.Wait)
			}
			answer.Steps = append(answer.Steps, s)
		}
		view.Answers = append(view.Answers, answer)
	}
	for _, c := range ready.Claims {
		view.Claims = append(view.Claims, page.RecoveryClaim{
			ID: c.ID.String(), State: string(c.State(v.now)), Since: v.when(c.Claimed), Ends: v.when(c.Ends),
		})
	}
	return v.show(page.RecoveryPlanPage(v.frame("nav.recovery"), view))
}

// moveHrefs are the pages on which a move is made, where it is made on one of ours.
var moveHrefs = map[recovery.Move]string{
	recovery.MovePasskey: "/methods", recovery.MoveApp: "/methods", recovery.MoveCodes: "/recovery/codes", recovery.MoveCleanUp: "/lost-device",
}

// newPhone guides somebody who holds the old phone and the new one.
func (r *recoveryPlan) newPhone(v *visit) error {
	ready, err := r.room.Readiness(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	var view page.NewPhone
	for _, m := range recovery.NewPhone(ready.Methods) {
		view.Moves = append(view.Moves, page.Move{Word: string(m), Href: moveHrefs[m]})
	}
	return v.show(page.NewPhonePage(v.frame("new_phone.title"), view))
}

// daysToChoose are the waits that an owner may choose, as far as the bounds go.
func daysToChoose(v *visit, waits recovery.Waits, now time.Duration) (list []page.Option) {
	for _, days := range []int{7, 14, 21, 30} {
		if span := time.Duration(days) * 24 * time.Hour; span >= waits.MailAlone && span <= recovery.MaxMailAlone {
			list = append(list, page.Option{Value: strconv.Itoa(days), Text: v.words.Count("time.day", days), Chosen: span == now})
		}
	}
	return list
}

func (r *recoveryPlan) rehearse(v *visit) error {
	in, err := v.form.only("proof", "code")
	if err != nil {
		return err
	}
	with, typed := recovery.ProofOf(in["proof"]), in["code"]
	if with == recovery.WithApp {
		typed = digits(typed)
	}
	return r.after(v, "rehearsed", r.room.Rehearse(v.r.Context(), v.who, with, secret.FromString("recovery code", typed)))
}

func (r *recoveryPlan) askMailbox(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	_, err := r.room.AskMailbox(v.r.Context(), v.who)
	return r.after(v, "mailbox_asked", err)
}

func (r *recoveryPlan) setWait(v *visit) error {
	in, err := v.form.only("days")
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(in["days"])
	if err != nil || days < 1 || days > 30 {
		return fault.New(fault.RequestInvalid, "field", "days")
	}
	return r.after(v, "wait_set", r.room.SetMailAlone(v.r.Context(), v.who, time.Duration(days)*24*time.Hour))
}

func (r *recoveryPlan) cancel(v *visit) error {
	if _, err := v.form.only(); err != nil {
		return err
	}
	which, err := id.Parse[id.RecoveryKind](v.r.PathValue("id"))
	if err != nil {
		return fault.New(fault.RecoveryUnknown)
	}
	return r.after(v, "recovery_cancelled", r.room.Cancel(v.r.Context(), v.who, which))
}

func (r *recoveryPlan) after(v *visit, said string, err error) error {
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return r.show(v, p) })
	}
	v.say(said)
	return v.leave("/recovery")
}
