package recovery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// Dispute is a case that people decide: claims to one account that met. A claim that comes while it is open joins it.
//
//	open ─two operators, for one claim with its evidence─▶ approved
//	     ─an operator─▶ rejected   ─its last claim ends─▶ cancelled, withdrawn or completed   ─time─▶ lapsed
type Dispute struct {
	ID   id.Case
	User id.User
	Born time.Time
	// Due is by when the claimants were promised an answer, Expires when it lapses; of one that has ended, until when it can be looked at.
	Due, Expires time.Time
	Ended        time.Time
	// Outcome is empty while it is open.
	Outcome State
}

// Open says whether people may still decide.
func (d Dispute) Open(now time.Time) bool { return d.Ended.IsZero() && now.Before(d.Expires) }

// Approved is the outcome of a dispute in which one claim goes on. Words are stored and never change.
const Approved State = "approved"

const (
	// disputeLife is how long people have at most.
	disputeLife = 30 * day
	// approvals is how many operators have to approve the same claim: nobody hands an account over alone.
	approvals = 2
	// maxClaims is how many claims a dispute takes that showed the same and wait or have brought something: people have to read it. Whoever shows
	// more than those who fill it still comes in.
	maxClaims = 10
)

// Approval is an operator's yes to one claim. An operator has one in a dispute.
type Approval struct {
	Operator string
	Recovery id.Recovery
	At       time.Time
}

// disputeTx is what disputes ask of a transaction.
type disputeTx interface {
	InsertDispute(ctx context.Context, d Dispute) error
	DisputeByID(ctx context.Context, which id.Case) (d Dispute, found bool, err error)
	// OpenDisputeOf is the one that is open over a user's account.
	OpenDisputeOf(ctx context.Context, u id.User, now time.Time) (d Dispute, found bool, err error)
	// Disputes lists those that are open or can still be looked at, oldest first, at most 1000.
	Disputes(ctx context.Context, now time.Time) ([]Dispute, error)
	// JoinDispute puts a claim that has not ended into a dispute, until then.
	JoinDispute(ctx context.Context, r id.Recovery, d id.Case, until time.Time) (won bool, err error)
	// ClaimsIn lists the claims of a dispute, ended ones too, oldest first.
	ClaimsIn(ctx context.Context, d id.Case) ([]Case, error)
	// ApproveClaim takes a claim out of its dispute and lets it wait as c says.
	ApproveClaim(ctx context.Context, c Case, d id.Case) (won bool, err error)
	// EndDispute names one winner, and keeps the dispute to be looked at until then.
	EndDispute(ctx context.Context, d id.Case, outcome State, now, until time.Time) (won bool, err error)
	// EndEmptyDispute is EndDispute where no claim is left.
	EndEmptyDispute(ctx context.Context, d id.Case, outcome State, now, until time.Time) error
	// PutApproval writes an operator's approval down, in place of their one before.
	PutApproval(ctx context.Context, d id.Case, a Approval) error
	// DropApprovals takes back every approval of one claim.
	DropApprovals(ctx context.Context, d id.Case, r id.Recovery) error
	ApprovalsOf(ctx context.Context, d id.Case) ([]Approval, error)
	// PutEvidence is won if e is the next version of what lies in its slot.
	PutEvidence(ctx context.Context, r id.Recovery, e Evidence, sealed []byte) (won bool, err error)
	EvidenceOf(ctx context.Context, r id.Recovery) ([]Evidence, error)
	SealedEvidence(ctx context.Context, r id.Recovery, s Slot) (sealed []byte, found bool, err error)
}

// dispute stops claims that met, the last of which is new: none of them goes on by itself, and people decide.
func (r *Recoveries) dispute(ctx context.Context, tx Tx, claims []Case, facts map[string]string) error {
	if _, err := r.join(ctx, tx, claims); err != nil {
		return err
	}
	return r.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.RecoveryDisputed, User: claims[0].User, Facts: facts})
}

// join puts claims into the dispute over their user's account, a new one if none is open. The last of them is new.
func (r *Recoveries) join(ctx context.Context, tx Tx, claims []Case) (which id.Case, err error) {
	now, user := r.Now(), claims[0].User
	d, open, err := tx.OpenDisputeOf(ctx, user, now)
	if err != nil {
		return which, fmt.Errorf("find dispute: %w", err)
	}
	if !open {
		d = Dispute{ID: id.New[id.CaseKind](now), User: user, Born: now, Due: now.Add(r.Waits.Decision), Expires: now.Add(disputeLife)}
		if err := tx.InsertDispute(ctx, d); err != nil {
			return which, fmt.Errorf("insert dispute: %w", err)
		}
		if err := tx.EnqueueAt(ctx, Overdue{d.ID}, d.Expires); err != nil {
			return which, err
		}
	}
	if err := r.makeRoom(ctx, tx, d, claims[len(claims)-1].Proof); err != nil {
		return which, err
	}
	for _, c := range claims {
		if c.In == d.ID {
			continue
		}
		if won, err := tx.JoinDispute(ctx, c.ID, d.ID, d.Expires); err != nil || !won {
			return which, fmt.Errorf("join dispute: won %t: %w", won, err)
		}
	}
	return d.ID, nil
}

// makeRoom keeps a dispute to maxClaims with the same proof. Who brought nothing gives way, the oldest first: otherwise whoever fills a case keeps
// out the one for whom it is there. Errors: recovery.too_many.
func (r *Recoveries) makeRoom(ctx context.Context, tx Tx, d Dispute, with Proof) error {
	in, err := tx.ClaimsIn(ctx, d.ID)
	if err != nil {
		return fmt.Errorf("list claims of the case: %w", err)
	}
	var bare []Case
	brought := 0
	for _, c := range in {
		has, err := tx.EvidenceOf(ctx, c.ID)
		switch {
		case err != nil:
			return fmt.Errorf("list evidence: %w", err)
		case c.Proof != with:
		case len(has) > 0:
			brought++
		case c.Ended.IsZero():
			bare = append(bare, c)
		}
	}
	if brought >= maxClaims {
		return fault.New(fault.RecoveryTooMany)
	}
	return r.stop(ctx, tx, bare[:max(0, brought+len(bare)+1-maxClaims)], Withdrawn)
}

// Overdue is the job that ends a dispute which nobody decided.
type Overdue struct {
	Case id.Case `json:"case"`
}

// Kind names the job.
func (Overdue) Kind() string { return "recovery_case_overdue" }

// DoOverdue ends it, and tells the user. One that was decided stays as it is.
func (r *Recoveries) DoOverdue(ctx context.Context, fields []byte) error {
	var job Overdue
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode overdue case: %w", err)
	}
	return r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		d, found, err := tx.DisputeByID(ctx, job.Case)
		if err != nil || !found || !d.Ended.IsZero() {
			return audit.Quiet(audit.Housekeeping), err
		}
		event := audit.Event{Action: audit.CaseLapsed, Actor: principal.System("recovery"), Person: d.User, Facts: map[string]string{"case": d.ID.String()}}
		return event, r.close(ctx, tx, d, Lapsed)
	})
}

// close ends a dispute in which no claim goes on, and tells the user.
func (r *Recoveries) close(ctx context.Context, tx Tx, d Dispute, outcome State) error {
	now := r.Now()
	won, err := tx.EndDispute(ctx, d.ID, outcome, now, now.Add(Kept))
	if err != nil || !won {
		return fmt.Errorf("end dispute: won %t: %w", won, err)
	}
	if err := r.endClaims(ctx, tx, d, outcome); err != nil {
		return err
	}
	return r.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.RecoveryRejected, User: d.User})
}

// endClaims ends the claims that still wait in a dispute which has ended.
func (r *Recoveries) endClaims(ctx context.Context, tx Tx, d Dispute, outcome State) error {
	claims, err := tx.ClaimsIn(ctx, d.ID)
	if err != nil {
		return fmt.Errorf("list claims of the case: %w", err)
	}
	return r.stop(ctx, tx, claims, outcome)
}

// Disputes lists, for operators, those that are open or ended lately. It names nobody but by id. Errors: forbidden.
func (r *Recoveries) Disputes(ctx context.Context, p principal.Principal) (list []Dispute, err error) {
	if p.Kind != principal.KindHost {
		return nil, fault.New(fault.Forbidden)
	}
	err = r.Ledger.View(ctx, func(tx Tx) error {
		list, err = tx.Disputes(ctx, r.Now())
		return err
	})
	return list, err
}

// Standing is a claim of a dispute, with what its claimant brought.
type Standing struct {
	Case
	Evidence []Evidence
}

// Docket is everything that an operator is shown of a dispute. What lies in the slots is read one by one.
type Docket struct {
	Dispute
	Mail      string
	Claims    []Standing
	Approvals []Approval
}

// Docket shows an operator a dispute, and writes down that it did. Errors: forbidden, case.unknown.
func (r *Recoveries) Docket(ctx context.Context, p principal.Principal, which id.Case) (out Docket, err error) {
	err = r.asOperator(ctx, p, which, func(tx Tx, d Dispute) (audit.Event, error) {
		out = Docket{Dispute: d}
		u, _, err := tx.UserByID(ctx, d.User)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read user: %w", err)
		}
		claims, err := tx.ClaimsIn(ctx, d.ID)
		if err != nil {
			return audit.Event{}, fmt.Errorf("list claims of the case: %w", err)
		}
		for _, c := range claims {
			has, err := tx.EvidenceOf(ctx, c.ID)
			if err != nil {
				return audit.Event{}, fmt.Errorf("list evidence: %w", err)
			}
			out.Claims = append(out.Claims, Standing{c, has})
		}
		out.Mail = u.Mail
		out.Approvals, err = tx.ApprovalsOf(ctx, d.ID)
		return audit.Event{Action: audit.CaseShown}, err
	})
	return out, err
}

// asOperator does something to a dispute in the name of an operator, and of nobody else: there is no console yet, so operators are those of the
// host. Everybody who decides over the same account waits for it. The event needs its action and further facts only.
func (r *Recoveries) asOperator(ctx context.Context, p principal.Principal, which id.Case, do func(Tx, Dispute) (audit.Event, error)) error {
	if p.Kind != principal.KindHost {
		return fault.New(fault.Forbidden)
	}
	return r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		d, found, err := tx.DisputeByID(ctx, which)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read dispute: %w", err)
		}
		if !found {
			return audit.Event{}, fault.New(fault.CaseUnknown)
		}
		if _, err := tx.ClaimUserRow(ctx, d.User); err != nil {
			return audit.Event{}, fmt.Errorf("claim user: %w", err)
		}
		if d, _, err = tx.DisputeByID(ctx, which); err != nil {
			return audit.Event{}, fmt.Errorf("read dispute: %w", err)
		}
		event, err := do(tx, d)
		event.Actor, event.Person = p, d.User
		if event.Facts == nil {
			event.Facts = map[string]string{}
		}
		event.Facts["case"] = d.ID.String()
		return event, err
	})
}

// Approve is an operator's yes to one claim. The second operator's lets the claim go on, with a wait in which its owner is told each day and can
// stop it; the other claims end. It takes everything that a claimant must bring.
// Errors: forbidden, case.unknown, case.over, recovery.unknown, case.evidence_missing.
func (r *Recoveries) Approve(ctx context.Context, p principal.Principal, which id.Case, claim id.Recovery) (approved bool, err error) {
	err = r.asOperator(ctx, p, which, func(tx Tx, d Dispute) (audit.Event, error) {
		approved = false
		event := audit.Event{Action: audit.CaseApproved, Facts: map[string]string{"recovery": claim.String()}}
		c, err := r.approvable(ctx, tx, d, claim)
		if err != nil {
			return event, err
		}
		if err := tx.PutApproval(ctx, d.ID, Approval{Operator: p.Name, Recovery: claim, At: r.Now()}); err != nil {
			return event, fmt.Errorf("put approval: %w", err)
		}
		all, err := tx.ApprovalsOf(ctx, d.ID)
		if err != nil {
			return event, fmt.Errorf("list approvals: %w", err)
		}
		all = slices.DeleteFunc(all, func(a Approval) bool { return a.Recovery != claim })
		if approved = len(all) >= approvals; !approved {
			return event, nil
		}
		event.Action = audit.CaseDecided
		return event, r.approve(ctx, tx, d, c)
	})
	return approved, err
}

// approvable reads a claim that operators may approve.
func (r *Recoveries) approvable(ctx context.Context, tx Tx, d Dispute, claim id.Recovery) (Case, error) {
	now := r.Now()
	if !d.Open(now) {
		return Case{}, fault.New(fault.CaseOver)
	}
	c, found, err := tx.RecoveryByID(ctx, claim)
	if err != nil {
		return c, fmt.Errorf("read recovery: %w", err)
	}
	if !found || c.In != d.ID || c.State(now) != Disputed {
		return c, fault.New(fault.RecoveryUnknown)
	}
	has, err := tx.EvidenceOf(ctx, claim)
	if err != nil {
		return c, fmt.Errorf("list evidence: %w", err)
	}
	if missing := Missing(has); len(missing) > 0 {
		return c, fault.New(fault.CaseEvidenceMissing, "missing", strings.Join(missing, ", "))
	}
	return c, nil
}

// approve lets one claim of a dispute go on, from when its owner was told again.
func (r *Recoveries) approve(ctx context.Context, tx Tx, d Dispute, c Case) error {
	now := r.Now()
	if won, err := tx.EndDispute(ctx, d.ID, Approved, now, now.Add(Kept)); err != nil || !won {
		return fmt.Errorf("end dispute: won %t: %w", won, err)
	}
	// What people say shortens no wait, least of all one that the owner chose.
	span, err := r.spanOf(ctx, tx, c.User, c.Proof)
	if err != nil {
		return err
	}
	c.Proof, c.Claimed, c.Span, c.Begun, c.Ends, c.Expires = ByPeople, now, max(c.Span, span), time.Time{}, time.Time{}, now.Add(untoldLife)
	if won, err := tx.ApproveClaim(ctx, c, d.ID); err != nil || !won {
		return fmt.Errorf("approve claim: won %t: %w", won, err)
	}
	if err := r.endClaims(ctx, tx, d, Rejected); err != nil {
		return err
	}
	if err := r.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.RecoveryClaimed, User: c.User}); err != nil {
		return err
	}
	if err := tell(ctx, tx, c, notify.RecoveryWaiting, nil, now); err != nil {
		return err
	}
	return tx.EnqueueAt(ctx, Remind{c.ID}, now.Add(day))
}

// Reject is an operator's no to all claims of a dispute. Whoever was refused can begin again. Errors: forbidden, case.unknown, case.over.
func (r *Recoveries) Reject(ctx context.Context, p principal.Principal, which id.Case, why string) error {
	return r.asOperator(ctx, p, which, func(tx Tx, d Dispute) (audit.Event, error) {
		event := audit.Event{Action: audit.CaseRejected, Facts: map[string]string{"reason": why}}
		if !d.Open(r.Now()) {
			return event, fault.New(fault.CaseOver)
		}
		return event, r.close(ctx, tx, d, Rejected)
	})
}
