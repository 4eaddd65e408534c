package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// The properties of a proof as bits, as stored: never renumber.
const (
	propertyUserVerified = 1 << iota
	propertyPhishingResistant
	propertyDeviceBound
)

func propertiesOf(p assurance.Proof) int64 {
	return truth(p.UserVerified)*propertyUserVerified | truth(p.PhishingResistant)*propertyPhishingResistant | truth(p.DeviceBound)*propertyDeviceBound
}

func proofOf(factors, properties, provenAt int64) assurance.Proof {
	return assurance.Proof{
		Factors: assurance.Factor(factors), UserVerified: properties&propertyUserVerified != 0,
		PhishingResistant: properties&propertyPhishingResistant != 0, DeviceBound: properties&propertyDeviceBound != 0, At: at(provenAt),
	}
}

func (t *tx) InsertSession(ctx context.Context, r session.Row) error {
	return t.Queries.InsertSession(ctx, sqlgen.InsertSessionParams{
		ID: r.ID[:], TokenHash: r.TokenHash[:], UserID: r.User[:], AccountID: r.Account[:], SubaccountID: r.Subaccount[:],
		DeviceID: r.Device[:], ParentID: maybeID(r.Parent), Host: r.Host, Factors: int64(r.Proof.Factors), Properties: propertiesOf(r.Proof),
		ProvenAt: micros(r.Proof.At), Address: r.Addr, Agent: r.Agent, CreatedAt: micros(r.Born), ExpiresAt: micros(r.ExpiresAt),
		Challenge: string(r.Challenge.Why), ChallengeNeeds: levelWord(r.Challenge.Needs), ChallengeUntil: maybeMicros(r.Challenge.Until),
		Shared: truth(r.Shared),
	})
}

// levelWord is the acr value of a level; empty for none.
func levelWord(l assurance.Level) string {
	if l == assurance.None {
		return ""
	}
	return l.String()
}

func (t *tx) SessionByID(ctx context.Context, s id.Session) (session.Row, bool, error) {
	row, err := t.Queries.SessionByID(ctx, sqlgen.SessionByIDParams{ID: s[:]})
	return read(row, err, sessionOf)
}

func (t *tx) LiveSessions(ctx context.Context, now time.Time, after id.Session, limit int) ([]session.Row, error) {
	rows, err := t.ListLiveSessions(ctx, sqlgen.ListLiveSessionsParams{Now: micros(now), After: after[:], MaxRows: int64(limit)})
	return each(rows, err, func(row sqlgen.ListLiveSessionsRow) session.Row { return sessionOf(sqlgen.SessionByIDRow(row)) })
}

func (t *tx) LiveSessionsByUser(ctx context.Context, u id.User, now time.Time) ([]session.Row, error) {
	rows, err := t.ListLiveSessionsByUser(ctx, sqlgen.ListLiveSessionsByUserParams{UserID: u[:], Now: micros(now)})
	return each(rows, err, func(row sqlgen.ListLiveSessionsByUserRow) session.Row { return sessionOf(sqlgen.SessionByIDRow(row)) })
}

func sessionOf(row sqlgen.SessionByIDRow) session.Row {
	r := session.Row{
		ID: rowID[id.SessionKind](row.ID), User: rowID[id.UserKind](row.UserID), Account: rowID[id.AccountKind](row.AccountID),
		Subaccount: rowID[id.SubaccountKind](row.SubaccountID), Device: rowID[id.DeviceKind](row.DeviceID),
		Parent: rowID[id.SessionKind](row.ParentID), Host: row.Host, Proof: proofOf(row.Factors, row.Properties, row.ProvenAt),
		Addr: row.Address, Agent: row.Agent, Born: at(row.CreatedAt), ActedAt: at(row.ActedAt), ExpiresAt: at(row.ExpiresAt),
		RevokedAt: maybeAt(row.RevokedAt), UserName: row.Name, Lang: row.Lang, Role: principal.ParseRole(row.Role),
		Shared: row.Shared != 0, Staff: row.StaffAt.Valid,
		Odd:    session.Odd{Why: assurance.Why(row.OddWhy), Last: maybeAt(row.OddAt)},
		Copied: session.Copied{Times: int(row.CopiedTimes), Last: maybeAt(row.CopiedAt)},
		Challenge: assurance.Challenge{
			Why: assurance.Why(row.Challenge), Needs: assurance.ParseLevel(row.ChallengeNeeds), Until: maybeAt(row.ChallengeUntil),
		},
	}
	copy(r.TokenHash[:], row.TokenHash)
	if row.BoundProvenAt.Valid {
		r.Bound = session.Bound{
			Until: maybeAt(row.CookieUntil), BeforeUntil: maybeAt(row.BeforeUntil), ProvenAt: maybeAt(row.BoundProvenAt), Agent: row.BoundAgent.String,
		}
		copy(r.Bound.Cookie[:], row.CookieHash)
		copy(r.Bound.Before[:], row.BeforeHash)
	}
	r.Frozen = row.OwnersLocked > 0 || row.MemberFrozenAt.Valid
	if row.DisabledAt.Valid || row.RemovedAt.Valid {
		r.Role = principal.NoRole
	}
	return r
}

func (t *tx) RaiseSession(ctx context.Context, r session.Row, old [32]byte, now time.Time) (bool, error) {
	ok, err := won(t.Queries.RaiseSession(ctx, sqlgen.RaiseSessionParams{
		ID: r.ID[:], OldTokenHash: old[:], TokenHash: r.TokenHash[:], Factors: int64(r.Proof.Factors), Properties: propertiesOf(r.Proof),
		ProvenAt: micros(r.Proof.At), ActedAt: micros(now), Address: r.Addr, Agent: r.Agent,
		Challenge: string(r.Challenge.Why), ChallengeNeeds: levelWord(r.Challenge.Needs), ChallengeUntil: maybeMicros(r.Challenge.Until),
	}))
	if ok {
		t.raised = r.ID
	}
	return ok, err
}

func (t *tx) MoveSession(ctx context.Context, s id.Session, bearer [32]byte, a id.Account, sub id.Subaccount) (bool, error) {
	if err := t.DeleteStepUpsBySession(ctx, sqlgen.DeleteStepUpsBySessionParams{SessionID: s[:]}); err != nil {
		return false, err
	}
	return won(t.Queries.MoveSession(ctx, sqlgen.MoveSessionParams{ID: s[:], TokenHash: bearer[:], AccountID: a[:], SubaccountID: sub[:]}))
}

func (t *tx) LapseChallenge(ctx context.Context, s id.Session, until time.Time) (bool, error) {
	return won(t.Queries.LapseChallenge(ctx, sqlgen.LapseChallengeParams{ID: s[:], Until: maybeMicros(until)}))
}

func (t *tx) ChallengeSession(ctx context.Context, s id.Session, c assurance.Challenge) (bool, error) {
	return won(t.Queries.ChallengeSession(ctx, sqlgen.ChallengeSessionParams{
		ID: s[:], Challenge: string(c.Why), ChallengeNeeds: levelWord(c.Needs), ChallengeUntil: maybeMicros(c.Until),
	}))
}

func (t *tx) TouchSession(ctx context.Context, s id.Session, acted time.Time) error {
	_, err := t.Queries.TouchSession(ctx, sqlgen.TouchSessionParams{ID: s[:], ActedAt: micros(acted)})
	return err
}

func (t *tx) MarkSession(ctx context.Context, s id.Session, o session.Odd, c session.Copied) (bool, error) {
	var odd, copied bool
	var err error
	if o.Why != "" {
		if odd, err = won(t.MarkSessionOdd(ctx, sqlgen.MarkSessionOddParams{ID: s[:], Why: string(o.Why), ShownAt: maybeMicros(o.Last)})); err != nil {
			return false, err
		}
	}
	if c.Times > 0 {
		copied, err = won(t.MarkSessionCopied(ctx, sqlgen.MarkSessionCopiedParams{ID: s[:], Times: int64(c.Times), ShownAt: maybeMicros(c.Last)}))
	}
	return odd || copied, err
}

func (t *tx) ClaimCopyTold(ctx context.Context, s id.Session, before, now time.Time) (bool, error) {
	return won(t.Queries.ClaimCopyTold(ctx, sqlgen.ClaimCopyToldParams{ID: s[:], Before: maybeMicros(before), Now: maybeMicros(now)}))
}

func (t *tx) RevokeSession(ctx context.Context, u id.User, s id.Session, why string, now time.Time) ([]id.Session, error) {
	ids, err := t.Queries.RevokeSession(ctx, sqlgen.RevokeSessionParams{UserID: u[:], ID: s[:], RevokedAt: maybeMicros(now), RevokedWhy: why})
	return each(ids, err, rowID[id.SessionKind])
}

func (t *tx) RevokeOtherSessionsByUser(ctx context.Context, u id.User, keep id.Session, why string, now time.Time) ([]id.Session, error) {
	ids, err := t.Queries.RevokeOtherSessionsByUser(ctx, sqlgen.RevokeOtherSessionsByUserParams{
		UserID: u[:], KeepID: keep[:], RevokedAt: maybeMicros(now), RevokedWhy: why,
	})
	return each(ids, err, rowID[id.SessionKind])
}

func (t *tx) RevokeSessionsByUser(ctx context.Context, u id.User, why string, now time.Time) ([]id.Session, error) {
	ids, err := t.Queries.RevokeSessionsByUser(ctx, sqlgen.RevokeSessionsByUserParams{UserID: u[:], RevokedAt: maybeMicros(now), RevokedWhy: why})
	return each(ids, err, rowID[id.SessionKind])
}

func (t *tx) InsertChildCode(ctx context.Context, hash [32]byte, c session.ChildCode) error {
	return t.Queries.InsertChildCode(ctx, sqlgen.InsertChildCodeParams{
		CodeHash: hash[:], ParentID: c.Parent[:], Host: c.Host, Path: c.Path, State: c.State[:], CreatedAt: micros(c.Born), ExpiresAt: micros(c.ExpiresAt),
	})
}

func (t *tx) SpendChildCode(ctx context.Context, hash, state [32]byte, host string, now time.Time) (session.ChildCode, bool, error) {
	row, err := t.Queries.SpendChildCode(ctx, sqlgen.SpendChildCodeParams{CodeHash: hash[:], Host: host, State: state[:], Now: maybeMicros(now)})
	return read(row, err, func(row sqlgen.SpendChildCodeRow) session.ChildCode {
		return session.ChildCode{Parent: rowID[id.SessionKind](row.ParentID), Way: session.Way{Host: host, Path: row.Path, State: state}}
	})
}

func (t *tx) RevokeChildren(ctx context.Context, parent id.Session, why string, now time.Time) ([]id.Session, error) {
	ids, err := t.Queries.RevokeChildren(ctx, sqlgen.RevokeChildrenParams{ParentID: parent[:], RevokedAt: maybeMicros(now), RevokedWhy: why})
	return each(ids, err, rowID[id.SessionKind])
}

func (t *tx) VoidChildCodes(ctx context.Context, parent id.Session, now time.Time) error {
	return t.Queries.VoidChildCodes(ctx, sqlgen.VoidChildCodesParams{ParentID: parent[:], Now: maybeMicros(now)})
}

func (t *tx) RevokeChildrenOnHost(ctx context.Context, parent id.Session, host, why string, now time.Time) ([]id.Session, error) {
	ids, err := t.Queries.RevokeChildrenOnHost(ctx, sqlgen.RevokeChildrenOnHostParams{
		ParentID: parent[:], Host: host, RevokedAt: maybeMicros(now), RevokedWhy: why,
	})
	return each(ids, err, rowID[id.SessionKind])
}

func (t *tx) InsertStepUp(ctx context.Context, s stepup.StepUp, now time.Time) error {
	facts, err := json.Marshal(s.Facts)
	if err != nil {
		return fmt.Errorf("encode facts: %w", err)
	}
	return t.Queries.InsertStepUp(ctx, sqlgen.InsertStepUpParams{
		ID: s.ID[:], UserID: s.User[:], SessionID: s.Session[:], Action: string(s.Action), Digest: s.Digest[:], Facts: string(facts),
		Needs: s.Needs.String(), CreatedAt: micros(now), ExpiresAt: micros(s.ExpiresAt),
	})
}

func (t *tx) TrimStepUps(ctx context.Context, of id.Session, keep int) error {
	_, err := t.DeleteOldestOpenStepUps(ctx, sqlgen.DeleteOldestOpenStepUpsParams{SessionID: of[:], Keep: int64(keep)})
	return err
}

func (t *tx) StepUpByID(ctx context.Context, s id.StepUp) (stepup.StepUp, bool, error) {
	row, err := t.Queries.StepUpByID(ctx, sqlgen.StepUpByIDParams{ID: s[:]})
	step, found, err := read(row, err, func(row sqlgen.StepUp) stepup.StepUp {
		step := stepup.StepUp{
			ID: rowID[id.StepUpKind](row.ID), User: rowID[id.UserKind](row.UserID), Session: rowID[id.SessionKind](row.SessionID),
			Action: audit.Action(row.Action), Needs: assurance.ParseLevel(row.Needs),
			ExpiresAt: at(row.ExpiresAt), SatisfiedAt: maybeAt(row.SatisfiedAt), SpentAt: maybeAt(row.SpentAt),
		}
		copy(step.Digest[:], row.Digest)
		return step
	})
	if err == nil && found {
		err = json.Unmarshal([]byte(row.Facts), &step.Facts)
	}
	return step, found, err
}

func (t *tx) SatisfyStepUp(ctx context.Context, s id.StepUp, by id.Session, factors assurance.Factor, now, expires time.Time) (bool, error) {
	return won(t.Queries.SatisfyStepUp(ctx, sqlgen.SatisfyStepUpParams{
		ID: s[:], SessionID: by[:], Factors: int64(factors), Now: maybeMicros(now), ExpiresAt: micros(expires),
	}))
}

func (t *tx) SpendStepUp(ctx context.Context, s stepup.StepUp, now time.Time) (bool, error) {
	return won(t.Queries.SpendStepUp(ctx, sqlgen.SpendStepUpParams{
		SessionID: s.Session[:], UserID: s.User[:], Action: string(s.Action), Digest: s.Digest[:], Now: maybeMicros(now),
	}))
}
