package store

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// Sweep deletes at most limit rows of each kind that have expired, so that no other change waits long behind it. It says how many rows went, and
// whether there may be more.
//
// Sessions, feed and counters stay a day longer: somebody may still ask why. What refers to a session goes before it.
func (t *tx) Sweep(ctx context.Context, now time.Time, limit int64) (total int64, more bool, err error) {
	expired, day, unseen := micros(now), micros(now.Add(-24*time.Hour)), micros(now.Add(-device.Memory))
	steps := []func() (int64, error){
		func() (int64, error) {
			return t.DeleteSpentBefore(ctx, sqlgen.DeleteSpentBeforeParams{Before: expired, MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteSignUpsBefore(ctx, sqlgen.DeleteSignUpsBeforeParams{Before: expired, MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteStepUpsBefore(ctx, sqlgen.DeleteStepUpsBeforeParams{Before: expired, MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteUnapprovedConfirmationsBefore(ctx, sqlgen.DeleteUnapprovedConfirmationsBeforeParams{ // those that a hold keeps waiting stay
				Before: day, Ended: maybeMicros(now.Add(-24 * time.Hour)), Longest: micros(now.Add(-confirm.Longest - 24*time.Hour)), MaxRows: limit,
			})
		},
		func() (int64, error) {
			kept := micros(now.Add(-confirm.Kept))
			return t.DeleteConfirmationsBefore(ctx, sqlgen.DeleteConfirmationsBeforeParams{Before: kept, MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteFeedBefore(ctx, sqlgen.DeleteFeedBeforeParams{Before: day, MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteThrottleBefore(ctx, sqlgen.DeleteThrottleBeforeParams{Before: day, MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteKeyNoncesOfEnded(ctx, sqlgen.DeleteKeyNoncesOfEndedParams{Before: maybeMicros(now.Add(-24 * time.Hour)), MaxRows: limit})
		},
		func() (int64, error) { // a day, in which a bot that still uses one is told so
			return t.DeleteRetiredSecrets(ctx, sqlgen.DeleteRetiredSecretsParams{Before: maybeMicros(now.Add(-24 * time.Hour)), MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteOldKeyUses(ctx, sqlgen.DeleteOldKeyUsesParams{Before: micros(now.Add(-90 * 24 * time.Hour)), MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteMessagesBefore(ctx, sqlgen.DeleteMessagesBeforeParams{Before: micros(now.Add(-notify.Keep)), MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteContactChangesBefore(ctx, sqlgen.DeleteContactChangesBeforeParams{Before: expired, MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteInvitationsBefore(ctx, sqlgen.DeleteInvitationsBeforeParams{Before: expired, MaxRows: limit})
		},
		func() (int64, error) { return t.sweepSessions(ctx, expired, day, limit) },
		func() (int64, error) {
			return t.DeleteEvidenceBefore(ctx, sqlgen.DeleteEvidenceBeforeParams{Before: expired, MaxRows: limit})
		},
		func() (int64, error) {
			return t.DeleteRecoveriesBefore(ctx, sqlgen.DeleteRecoveriesBeforeParams{Before: day, MaxRows: limit})
		},
		func() (int64, error) { return t.sweepDisputes(ctx, day, limit) },
		func() (int64, error) {
			return t.DeleteReportsBefore(ctx, sqlgen.DeleteReportsBeforeParams{Before: expired, MaxRows: limit})
		},
		func() (int64, error) { return t.sweepDevices(ctx, expired, unseen, limit) },
		func() (int64, error) {
			kept := micros(now.Add(-device.LapsedKept))
			return t.DeleteLapsedBrowsersBefore(ctx, sqlgen.DeleteLapsedBrowsersBeforeParams{Before: kept, MaxRows: limit})
		},
	}
	for _, step := range steps {
		rows, err := step()
		if err != nil {
			return 0, false, fmt.Errorf("sweep: %w", err)
		}
		total += rows
		more = more || rows >= limit
	}
	return total, more, nil
}

// sweepSessions leaves the sessions for the next time when there may be codes left that refer to them.
func (t *tx) sweepSessions(ctx context.Context, expired, day, limit int64) (int64, error) {
	codes, err := t.DeleteChildCodesBefore(ctx, sqlgen.DeleteChildCodesBeforeParams{Before: expired, MaxRows: limit})
	if err != nil || codes >= limit {
		return codes, err
	}
	bindings, err := t.DeleteBindingsBefore(ctx, sqlgen.DeleteBindingsBeforeParams{Before: day, MaxRows: limit})
	if err != nil || bindings >= limit {
		return codes + bindings, err
	}
	sessions, err := t.DeleteSessionsBefore(ctx, sqlgen.DeleteSessionsBeforeParams{Before: day, MaxRows: limit})
	return codes + bindings + sessions, err
}

// sweepDevices deletes the same devices by all statements: first where and by whom they were used, then the devices. That one showed accounts stays,
// and not whose.
func (t *tx) sweepDevices(ctx context.Context, now, unseen, limit int64) (int64, error) {
	if err := t.NoteLapsedBrowsers(ctx, sqlgen.NoteLapsedBrowsersParams{Now: now, Before: unseen, MaxRows: limit}); err != nil {
		return 0, err
	}
	if err := t.DeletePlacesBefore(ctx, sqlgen.DeletePlacesBeforeParams{Before: unseen, MaxRows: limit}); err != nil {
		return 0, err
	}
	if err := t.DeleteDeviceUsersBefore(ctx, sqlgen.DeleteDeviceUsersBeforeParams{Before: unseen, MaxRows: limit}); err != nil {
		return 0, err
	}
	return t.DeleteDevicesBefore(ctx, sqlgen.DeleteDevicesBeforeParams{Before: unseen, MaxRows: limit})
}
