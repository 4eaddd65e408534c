package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// EraseUser takes away everything about a disabled user that says who they are. Rows that others refer to stay, blank; the id stays, which by
// itself says nothing.
func (t *tx) EraseUser(ctx context.Context, u id.User, now time.Time) (ended []id.Key, erased bool, err error) {
	user, found, err := t.UserByID(ctx, u)
	if err != nil || !found || user.DisabledAt.IsZero() {
		return nil, false, err
	}
	// A user without an event has no key yet, and it is its destruction that marks who was erased.
	if _, err := t.personKey(ctx, u); err != nil && !errors.Is(err, errErased) {
		return nil, false, err
	}
	if erased, err = t.DestroyPersonKey(ctx, u, now); err != nil || !erased {
		return nil, false, err
	}
	// The address in its place has no @, so nobody can sign up or be written to with it.
	if _, err := t.Queries.EraseUser(ctx, sqlgen.EraseUserParams{ID: u[:], Mail: "erased " + u.String()}); err != nil {
		return nil, false, fmt.Errorf("blank user: %w", err)
	}
	keys, err := t.RevokeKeysByOwner(ctx, sqlgen.RevokeKeysByOwnerParams{OwnerID: u[:], RevokedAt: maybeMicros(now), RevokedWhy: "owner erased"})
	if err != nil {
		return nil, false, fmt.Errorf("revoke keys: %w", err)
	}
	for _, k := range keys {
		ended = append(ended, rowID[id.KeyKind](k))
	}
	for what, erase := range map[string]func() error{
		"password":       func() error { return t.DeletePasswordByUser(ctx, sqlgen.DeletePasswordByUserParams{UserID: u[:]}) },
		"authenticator":  func() error { _, err := t.DeleteTOTP(ctx, u); return err },
		"recovery codes": func() error { return t.DeleteRecoverySet(ctx, u) },
		"recovery plan": func() error {
			return t.DeleteRecoveryPlanByUser(ctx, sqlgen.DeleteRecoveryPlanByUserParams{UserID: u[:]})
		},
		"recoveries": func() error { return t.eraseRecoveries(ctx, u) },
		"passkeys":   func() error { return t.DeletePasskeysByUser(ctx, sqlgen.DeletePasskeysByUserParams{UserID: u[:]}) },
		"devices": func() error {
			return t.DeleteDeviceUsersByUser(ctx, sqlgen.DeleteDeviceUsersByUserParams{UserID: u[:]})
		},
		"places":    func() error { return t.DeletePlacesByUser(ctx, sqlgen.DeletePlacesByUserParams{UserID: u[:]}) },
		"departure": func() error { _, err := t.DeleteDeparture(ctx, u); return err },
		"lock":      func() error { _, err := t.Queries.UnlockUser(ctx, sqlgen.UnlockUserParams{UserID: u[:]}); return err },
		"demands":   func() error { return t.DeleteDemandsByUser(ctx, sqlgen.DeleteDemandsByUserParams{UserID: u[:]}) },
		"tier":      func() error { _, err := t.LowerUser(ctx, u); return err },
		"confirmations": func() error {
			return t.DeleteConfirmationsByUser(ctx, sqlgen.DeleteConfirmationsByUserParams{UserID: u[:]})
		},
		"step-ups":      func() error { return t.DeleteStepUpsByUser(ctx, sqlgen.DeleteStepUpsByUserParams{UserID: u[:]}) },
		"sign-ups":      func() error { return t.DeleteSignUpsByMail(ctx, sqlgen.DeleteSignUpsByMailParams{Mail: user.Mail}) },
		"bindings":      func() error { return t.DeleteBindingsByUser(ctx, sqlgen.DeleteBindingsByUserParams{UserID: u[:]}) },
		"sessions":      func() error { return t.EraseSessionsOfUser(ctx, sqlgen.EraseSessionsOfUserParams{UserID: u[:]}) },
		"words of keys": func() error { return t.EraseKeysOfOwner(ctx, sqlgen.EraseKeysOfOwnerParams{OwnerID: u[:]}) },
		"secrets' uses": func() error {
			return t.EraseSecretUsesOfOwner(ctx, sqlgen.EraseSecretUsesOfOwnerParams{OwnerID: u[:]})
		},
		"uses of keys": func() error { return t.EraseKeyUsesOfOwner(ctx, sqlgen.EraseKeyUsesOfOwnerParams{OwnerID: u[:]}) },
		"messages":     func() error { return t.DeleteMessagesByUser(ctx, sqlgen.DeleteMessagesByUserParams{UserID: u[:]}) },
		"contact":      func() error { return t.DeleteContactByUser(ctx, sqlgen.DeleteContactByUserParams{UserID: u[:]}) },
		"contact changes": func() error {
			return t.DeleteContactChangesByUser(ctx, sqlgen.DeleteContactChangesByUserParams{UserID: u[:]})
		},
		"assents":        func() error { return t.DeleteAssentsByUser(ctx, sqlgen.DeleteAssentsByUserParams{UserID: u[:]}) },
		"account's name": func() error { return t.EraseAccountsOfUser(ctx, sqlgen.EraseAccountsOfUserParams{UserID: u[:]}) },
	} {
		if err := erase(); err != nil {
			return nil, false, fmt.Errorf("erase %s: %w", what, err)
		}
	}
	return ended, true, nil
}
