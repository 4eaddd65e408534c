package store

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) InsertRecovery(ctx context.Context, c recovery.Case) error {
	return t.Queries.InsertRecovery(ctx, sqlgen.InsertRecoveryParams{
		ID: c.ID[:], CodeHash: c.CodeHash[:], Mail: c.Mail, UserID: maybeID(c.User), Lang: c.Lang, Browser: c.Browser[:], CreatedAt: micros(c.Born),
		ExpiresAt: micros(c.Expires), MailCode: c.MailCode[:], MailCodeUntil: micros(c.MailCodeUntil),
		Reach: c.Reach, Addr: c.Asked.Addr, Agent: c.Asked.Agent,
	})
}

func (t *tx) RecoveryByID(ctx context.Context, r id.Recovery) (recovery.Case, bool, error) {
	row, err := t.Queries.RecoveryByID(ctx, sqlgen.RecoveryByIDParams{ID: r[:]})
	return read(row, err, caseOf)
}

func (t *tx) RecoveryByCode(ctx context.Context, hash [32]byte) (recovery.Case, bool, error) {
	row, err := t.Queries.RecoveryByCode(ctx, sqlgen.RecoveryByCodeParams{CodeHash: hash[:]})
	return read(row, err, caseOf)
}

func (t *tx) ClaimsOf(ctx context.Context, u id.User, now time.Time) ([]recovery.Case, error) {
	rows, err := t.ListClaimsByUser(ctx, sqlgen.ListClaimsByUserParams{UserID: u[:], Now: micros(now)})
	return each(rows, err, caseOf)
}

func (t *tx) ReopenRecovery(ctx context.Context, c recovery.Case, now time.Time) (bool, error) {
	return won(t.Queries.ReopenRecovery(ctx, sqlgen.ReopenRecoveryParams{
		ID: c.ID[:], Browser: c.Browser[:], MailCode: c.MailCode[:], MailCodeUntil: micros(c.MailCodeUntil), Now: micros(now),
		Addr: c.Asked.Addr, Agent: c.Asked.Agent,
	}))
}

func (t *tx) CountRecoveryTry(ctx context.Context, r id.Recovery, limit int64, now time.Time) (bool, error) {
	return won(t.Queries.CountRecoveryTry(ctx, sqlgen.CountRecoveryTryParams{ID: r[:], MaxTries: limit, Now: micros(now)}))
}

func (t *tx) ProveRecovery(ctx context.Context, r id.Recovery, now, expires time.Time) (bool, error) {
	return won(t.Queries.ProveRecovery(ctx, sqlgen.ProveRecoveryParams{ID: r[:], Now: maybeMicros(now), Spent: micros(now), ExpiresAt: micros(expires)}))
}

func (t *tx) ClaimRecovery(ctx context.Context, c recovery.Case) (bool, error) {
	return won(t.Queries.ClaimRecovery(ctx, sqlgen.ClaimRecoveryParams{
		ID: c.ID[:], Now: maybeMicros(c.Claimed), Proof: string(c.Proof), Span: c.Span.Microseconds(), ExpiresAt: micros(c.Expires),
	}))
}

func (t *tx) HastenRecovery(ctx context.Context, c recovery.Case) (bool, error) {
	return won(t.Queries.HastenRecovery(ctx, sqlgen.HastenRecoveryParams{
		ID: c.ID[:], Now: maybeMicros(c.Claimed), Proof: string(c.Proof), ExpiresAt: micros(c.Expires),
	}))
}

func (t *tx) BeginRecovery(ctx context.Context, r id.Recovery, begun, ends, expires time.Time) (bool, error) {
	return won(t.Queries.BeginRecovery(ctx, sqlgen.BeginRecoveryParams{
		ID: r[:], BegunAt: maybeMicros(begun), EndsAt: maybeMicros(ends), ExpiresAt: micros(expires),
	}))
}

func (t *tx) EndRecovery(ctx context.Context, r id.Recovery, outcome recovery.State, now, until time.Time) (bool, error) {
	ended, err := won(t.Queries.EndRecovery(ctx, sqlgen.EndRecoveryParams{ID: r[:], Now: maybeMicros(now), Outcome: string(outcome), ExpiresAt: micros(until)}))
	if err != nil || !ended {
		return false, err
	}
	if outcome == recovery.Withdrawn { // nobody will ask why it was refused
		until = now
	}
	return true, t.ShortenEvidence(ctx, sqlgen.ShortenEvidenceParams{RecoveryID: r[:], Until: micros(until)})
}

func (t *tx) DeletePassword(ctx context.Context, u id.User) error {
	return t.DeletePasswordByUser(ctx, sqlgen.DeletePasswordByUserParams{UserID: u[:]})
}

func (t *tx) DelayPasskeys(ctx context.Context, u id.User, from time.Time) error {
	return t.Queries.DelayPasskeys(ctx, sqlgen.DelayPasskeysParams{UserID: u[:], ApprovesFrom: micros(from)})
}

func (t *tx) CancelMoney(ctx context.Context, u id.User, now time.Time) error {
	_, err := t.CancelConfirmationsByUser(ctx, sqlgen.CancelConfirmationsByUserParams{UserID: u[:], Now: maybeMicros(now)})
	return err
}

func (t *tx) ForgetDevices(ctx context.Context, u id.User, keep id.Device, now time.Time) error {
	if err := t.DeletePlacesElsewhere(ctx, sqlgen.DeletePlacesElsewhereParams{UserID: u[:], Keep: keep[:]}); err != nil {
		return err
	}
	return t.ForgetOtherDevices(ctx, sqlgen.ForgetOtherDevicesParams{UserID: u[:], Keep: keep[:], Now: maybeMicros(now)})
}

func (t *tx) PlanOf(ctx context.Context, u id.User) (recovery.Choice, error) {
	row, err := t.RecoveryPlanByUser(ctx, sqlgen.RecoveryPlanByUserParams{UserID: u[:]})
	choice, _, err := read(row, err, func(row sqlgen.RecoveryPlanByUserRow) recovery.Choice {
		return recovery.Choice{
			MailAlone: time.Duration(row.MailAlone) * time.Microsecond, RehearsedAt: maybeAt(row.RehearsedAt), Rehearsed: row.Rehearsed,
			FailedAt: maybeAt(row.FailedAt), Failed: row.Failed, MailboxAt: maybeAt(row.MailboxAt), Trial: trialOf(row),
		}
	})
	return choice, err
}

func (t *tx) SetMailAlone(ctx context.Context, u id.User, span time.Duration) error {
	return t.Queries.SetMailAlone(ctx, sqlgen.SetMailAloneParams{UserID: u[:], MailAlone: span.Microseconds()})
}

func (t *tx) SetRehearsed(ctx context.Context, u id.User, what string, now time.Time) error {
	return t.Queries.SetRehearsed(ctx, sqlgen.SetRehearsedParams{UserID: u[:], Now: maybeMicros(now), Rehearsed: what})
}

func (t *tx) SetRehearsalFailed(ctx context.Context, u id.User, what string, now time.Time) error {
	return t.Queries.SetRehearsalFailed(ctx, sqlgen.SetRehearsalFailedParams{UserID: u[:], Now: maybeMicros(now), Failed: what})
}

func trialOf(row sqlgen.RecoveryPlanByUserRow) recovery.Trial {
	if row.Trial == nil {
		return recovery.Trial{}
	}
	return recovery.Trial{ID: rowID[id.MessageKind](row.Trial), Asked: maybeAt(row.TrialAt), Tries: row.TrialTries}
}

func (t *tx) AskMailboxTrial(ctx context.Context, u id.User, trial id.Message, now time.Time) error {
	return t.Queries.AskMailboxTrial(ctx, sqlgen.AskMailboxTrialParams{UserID: u[:], Trial: trial[:], Now: maybeMicros(now)})
}

func (t *tx) CountMailboxTry(ctx context.Context, u id.User, trial id.Message, limit int64, born time.Time) (bool, error) {
	return won(t.Queries.CountMailboxTry(ctx, sqlgen.CountMailboxTryParams{UserID: u[:], Trial: trial[:], MaxTries: limit, Born: maybeMicros(born)}))
}

func (t *tx) SpendMailboxTrial(ctx context.Context, u id.User, trial id.Message, now time.Time) (bool, error) {
	return won(t.Queries.SpendMailboxTrial(ctx, sqlgen.SpendMailboxTrialParams{UserID: u[:], Trial: trial[:], Now: maybeMicros(now)}))
}

func (t *tx) LosableDevices(ctx context.Context, u id.User) ([]recovery.Losable, error) {
	rows, err := t.ListLosableDevices(ctx, sqlgen.ListLosableDevicesParams{UserID: u[:]})
	return each(rows, err, func(row sqlgen.ListLosableDevicesRow) recovery.Losable {
		return recovery.Losable{
			ID: rowID[id.DeviceKind](row.DeviceID), Agent: row.Agent, First: at(row.FirstSeenAt), Last: at(row.LastSeenAt), Ended: maybeAt(row.ForgottenAt),
		}
	})
}

func (t *tx) SessionAddresses(ctx context.Context, u id.User, d id.Device) ([]string, error) {
	return t.ListSessionAddresses(ctx, sqlgen.ListSessionAddressesParams{UserID: u[:], DeviceID: d[:]})
}

func caseOf(row sqlgen.Recovery) recovery.Case {
	c := recovery.Case{
		ID: rowID[id.RecoveryKind](row.ID), Mail: row.Mail, User: rowID[id.UserKind](row.UserID), Lang: row.Lang, Born: at(row.CreatedAt),
		Expires: at(row.ExpiresAt), MailCodeUntil: at(row.MailCodeUntil), Shown: maybeAt(row.ProvenAt), Proof: recovery.Proof(row.Proof),
		Claimed: maybeAt(row.ClaimedAt), Span: time.Duration(row.Span) * time.Microsecond, Begun: maybeAt(row.BegunAt), Ends: maybeAt(row.EndsAt),
		Ended: maybeAt(row.EndedAt), Outcome: recovery.State(row.Outcome),
		In: rowID[id.CaseKind](row.CaseID), Reach: row.Reach, Asked: recovery.Place{Addr: row.Addr, Agent: row.Agent},
	}
	copy(c.CodeHash[:], row.CodeHash)
	copy(c.Browser[:], row.Browser)
	copy(c.MailCode[:], row.MailCode)
	return c
}
