package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) InsertDispute(ctx context.Context, d recovery.Dispute) error {
	return t.InsertRecoveryCase(ctx, sqlgen.InsertRecoveryCaseParams{
		ID: d.ID[:], UserID: d.User[:], CreatedAt: micros(d.Born), DueAt: micros(d.Due), ExpiresAt: micros(d.Expires),
	})
}

func (t *tx) DisputeByID(ctx context.Context, which id.Case) (recovery.Dispute, bool, error) {
	row, err := t.RecoveryCaseByID(ctx, sqlgen.RecoveryCaseByIDParams{ID: which[:]})
	return read(row, err, disputeOf)
}

func (t *tx) OpenDisputeOf(ctx context.Context, u id.User, now time.Time) (recovery.Dispute, bool, error) {
	row, err := t.OpenRecoveryCase(ctx, sqlgen.OpenRecoveryCaseParams{UserID: u[:], Now: micros(now)})
	return read(row, err, disputeOf)
}

func (t *tx) Disputes(ctx context.Context, now time.Time) ([]recovery.Dispute, error) {
	rows, err := t.ListRecoveryCases(ctx, sqlgen.ListRecoveryCasesParams{Now: micros(now)})
	return each(rows, err, disputeOf)
}

func (t *tx) JoinDispute(ctx context.Context, r id.Recovery, d id.Case, until time.Time) (bool, error) {
	return won(t.DisputeRecovery(ctx, sqlgen.DisputeRecoveryParams{ID: r[:], CaseID: d[:], ExpiresAt: micros(until)}))
}

func (t *tx) ClaimsIn(ctx context.Context, d id.Case) ([]recovery.Case, error) {
	rows, err := t.ListClaimsInCase(ctx, sqlgen.ListClaimsInCaseParams{CaseID: d[:]})
	return each(rows, err, caseOf)
}

func (t *tx) ApproveClaim(ctx context.Context, c recovery.Case, d id.Case) (bool, error) {
	return won(t.ApproveRecovery(ctx, sqlgen.ApproveRecoveryParams{
		ID: c.ID[:], CaseID: d[:], Now: maybeMicros(c.Claimed), Proof: string(c.Proof), Span: c.Span.Microseconds(), ExpiresAt: micros(c.Expires),
	}))
}

func (t *tx) EndDispute(ctx context.Context, d id.Case, outcome recovery.State, now, until time.Time) (bool, error) {
	return won(t.EndRecoveryCase(ctx, sqlgen.EndRecoveryCaseParams{ID: d[:], Now: maybeMicros(now), Outcome: string(outcome), ExpiresAt: micros(until)}))
}

func (t *tx) EndEmptyDispute(ctx context.Context, d id.Case, outcome recovery.State, now, until time.Time) error {
	_, err := t.EndEmptyRecoveryCase(ctx, sqlgen.EndEmptyRecoveryCaseParams{
		ID: d[:], Now: maybeMicros(now), Outcome: string(outcome), ExpiresAt: micros(until),
	})
	return err
}

func (t *tx) PutApproval(ctx context.Context, d id.Case, a recovery.Approval) error {
	return t.PutRecoveryApproval(ctx, sqlgen.PutRecoveryApprovalParams{
		CaseID: d[:], Operator: a.Operator, RecoveryID: a.Recovery[:], CreatedAt: micros(a.At),
	})
}

func (t *tx) DropApprovals(ctx context.Context, d id.Case, r id.Recovery) error {
	return t.DeleteRecoveryApprovals(ctx, sqlgen.DeleteRecoveryApprovalsParams{CaseID: d[:], RecoveryID: r[:]})
}

func (t *tx) ApprovalsOf(ctx context.Context, d id.Case) ([]recovery.Approval, error) {
	rows, err := t.ListRecoveryApprovals(ctx, sqlgen.ListRecoveryApprovalsParams{CaseID: d[:]})
	return each(rows, err, func(row sqlgen.ListRecoveryApprovalsRow) recovery.Approval {
		return recovery.Approval{Operator: row.Operator, Recovery: rowID[id.RecoveryKind](row.RecoveryID), At: at(row.CreatedAt)}
	})
}

func (t *tx) PutEvidence(ctx context.Context, r id.Recovery, e recovery.Evidence, sealed []byte) (bool, error) {
	return won(t.Queries.PutEvidence(ctx, sqlgen.PutEvidenceParams{
		RecoveryID: r[:], Slot: string(e.Slot), Kind: e.Kind, Size: int64(e.Size), Sealed: sealed, Version: int64(e.Version),
		CreatedAt: micros(e.Born), DeleteAt: micros(e.Gone),
	}))
}

func (t *tx) EvidenceOf(ctx context.Context, r id.Recovery) ([]recovery.Evidence, error) {
	rows, err := t.ListEvidence(ctx, sqlgen.ListEvidenceParams{RecoveryID: r[:]})
	return each(rows, err, func(row sqlgen.ListEvidenceRow) recovery.Evidence {
		return recovery.Evidence{
			Slot: recovery.Slot(row.Slot), Kind: row.Kind, Size: int(row.Size), Version: uint32(row.Version),
			Born: at(row.CreatedAt), Gone: at(row.DeleteAt),
		}
	})
}

func (t *tx) SealedEvidence(ctx context.Context, r id.Recovery, s recovery.Slot) ([]byte, bool, error) {
	sealed, err := t.EvidenceInSlot(ctx, sqlgen.EvidenceInSlotParams{RecoveryID: r[:], Slot: string(s)})
	return read(sealed, err, func(sealed []byte) []byte { return sealed })
}

// eraseRecoveries takes away every way back that somebody asked for, and what was brought to it.
func (t *tx) eraseRecoveries(ctx context.Context, u id.User) error {
	return errors.Join(t.DeleteEvidenceByUser(ctx, sqlgen.DeleteEvidenceByUserParams{UserID: u[:]}),
		t.DeleteRecoveriesByUser(ctx, sqlgen.DeleteRecoveriesByUserParams{UserID: u[:]}),
		t.DeleteRecoveryApprovalsByUser(ctx, sqlgen.DeleteRecoveryApprovalsByUserParams{UserID: u[:]}),
		t.DeleteRecoveryCasesByUser(ctx, sqlgen.DeleteRecoveryCasesByUserParams{UserID: u[:]}))
}

// sweepDisputes deletes the same disputes by both statements: first who approved what, then the disputes.
func (t *tx) sweepDisputes(ctx context.Context, before, limit int64) (int64, error) {
	if err := t.DeleteRecoveryApprovalsBefore(ctx, sqlgen.DeleteRecoveryApprovalsBeforeParams{Before: before, MaxRows: limit}); err != nil {
		return 0, err
	}
	return t.DeleteRecoveryCasesBefore(ctx, sqlgen.DeleteRecoveryCasesBeforeParams{Before: before, MaxRows: limit})
}

func disputeOf(row sqlgen.RecoveryCase) recovery.Dispute {
	return recovery.Dispute{
		ID: rowID[id.CaseKind](row.ID), User: rowID[id.UserKind](row.UserID), Born: at(row.CreatedAt), Due: at(row.DueAt), Expires: at(row.ExpiresAt),
		Ended: maybeAt(row.EndedAt), Outcome: recovery.State(row.Outcome),
	}
}
