package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
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
	served, err := t.eraseServiceUsers(ctx, u, now)
	if err != nil {
		return nil, false, err
	}
	ended = append(ended, served...)
	for what, erase := range map[string]func() error{
		"password":       func() error { return t.DeletePasswordByUser(ctx, sqlgen.DeletePasswordByUserParams{UserID: u[:]}) },
		"authenticator":  func() error { _, err := t.DeleteTOTP(ctx, u); return err },
		"recovery codes": func() error { return t.DeleteRecoverySet(ctx, u) },
		"recovery plan": func() error {
			return t.DeleteRecoveryPlanByUser(ctx, sqlgen.DeleteRecoveryPlanByUserParams{UserID: u[:]})
		},
		"reports":    func() error { return t.DeleteReportsByUser(ctx, sqlgen.DeleteReportsByUserParams{UserID: u[:]}) },
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
		"invitations": func() error {
			return t.DeleteInvitationsOfUser(ctx, sqlgen.DeleteInvitationsOfUserParams{UserID: u[:], Mail: user.Mail})
		},
		"assents": func() error { return t.DeleteAssentsByUser(ctx, sqlgen.DeleteAssentsByUserParams{UserID: u[:]}) },
		"subaccounts' names": func() error {
			return t.EraseSubaccountsOfUser(ctx, sqlgen.EraseSubaccountsOfUserParams{UserID: u[:]})
		},
		// An account starts with the name of whoever founded it, and where others are in it goes on without. Nobody else's name is in it, only one like theirs.
		"shared accounts' names": func() error {
			return t.UnnameAccountsCalled(ctx, sqlgen.UnnameAccountsCalledParams{Name: user.Name, Instead: "Account", UserID: u[:]})
		},
		"account's name": func() error { return t.EraseAccountsOfUser(ctx, sqlgen.EraseAccountsOfUserParams{UserID: u[:]}) },
	} {
		if err := erase(); err != nil {
			return nil, false, fmt.Errorf("erase %s: %w", what, err)
		}
	}
	// The last of all: what was erased above was found by it.
	if err := t.RemoveMembershipsOfUser(ctx, sqlgen.RemoveMembershipsOfUserParams{UserID: u[:], RemovedAt: maybeMicros(now)}); err != nil {
		return nil, false, fmt.Errorf("remove memberships: %w", err)
	}
	return ended, true, nil
}

// eraseServiceUsers ends the service users of accounts in which nobody is left, and gives those keys that were live. Where others are left, keys of those
// that the user answered for are as good as before for as long as it takes to name somebody else.
func (t *tx) eraseServiceUsers(ctx context.Context, u id.User, now time.Time) (ended []id.Key, err error) {
	alone, err := t.ListServiceUsersOfUser(ctx, sqlgen.ListServiceUsersOfUserParams{UserID: u[:]})
	if err != nil {
		return nil, fmt.Errorf("list service users: %w", err)
	}
	for _, s := range alone {
		keys, err := t.RevokeKeysByOwner(ctx, sqlgen.RevokeKeysByOwnerParams{OwnerID: s, RevokedAt: maybeMicros(now), RevokedWhy: "owner erased"})
		if err != nil {
			return nil, fmt.Errorf("revoke keys: %w", err)
		}
		for _, k := range keys {
			ended = append(ended, rowID[id.KeyKind](k))
		}
		err = errors.Join(
			t.EraseKeysOfOwner(ctx, sqlgen.EraseKeysOfOwnerParams{OwnerID: s}),
			t.EraseSecretUsesOfOwner(ctx, sqlgen.EraseSecretUsesOfOwnerParams{OwnerID: s}),
			t.EraseKeyUsesOfOwner(ctx, sqlgen.EraseKeyUsesOfOwnerParams{OwnerID: s}),
			t.EraseServiceUser(ctx, sqlgen.EraseServiceUserParams{UserID: s}),
			t.BlankUser(ctx, sqlgen.BlankUserParams{ID: s}),
		)
		if err != nil {
			return nil, fmt.Errorf("erase service user: %w", err)
		}
		if _, err := t.DestroyPersonKey(ctx, rowID[id.UserKind](s), now); err != nil {
			return nil, fmt.Errorf("destroy key of service user: %w", err)
		}
	}
	sponsored, err := t.ListSponsoredBy(ctx, sqlgen.ListSponsoredByParams{UserID: u[:]})
	if err != nil {
		return nil, fmt.Errorf("list sponsored: %w", err)
	}
	for _, s := range sponsored {
		until := sqlgen.SetKeysUntilParams{AccountID: s.AccountID, UserID: s.UserID, KeysUntil: maybeMicros(now.Add(member.Transfer))}
		if err := t.SetKeysUntil(ctx, until); err != nil {
			return nil, fmt.Errorf("end keys of service user: %w", err)
		}
		t.Announce(txn.Change{Subject: txn.SubjectMember, ID: rowID[id.UserKind](s.UserID)})
	}
	return ended, nil
}
