package store

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) PasswordOf(ctx context.Context, u id.User) (factor.StoredPassword, bool, error) {
	row, err := t.PasswordByUser(ctx, sqlgen.PasswordByUserParams{UserID: u[:]})
	return read(row, err, func(row sqlgen.Password) factor.StoredPassword {
		return factor.StoredPassword{PHC: row.Phc, Alone: row.Alone == 1, ChangedAt: at(row.ChangedAt)}
	})
}

func (t *tx) InsertPassword(ctx context.Context, u id.User, p factor.StoredPassword) error {
	return t.Queries.InsertPassword(ctx, sqlgen.InsertPasswordParams{UserID: u[:], Phc: p.PHC, Alone: truth(p.Alone), ChangedAt: micros(p.ChangedAt)})
}

func (t *tx) ChangePassword(ctx context.Context, u id.User, p factor.StoredPassword) error {
	_, err := t.Queries.ChangePassword(ctx, sqlgen.ChangePasswordParams{
		UserID: u[:], Phc: p.PHC, Alone: truth(p.Alone), ChangedAt: micros(p.ChangedAt),
	})
	return err
}

func (t *tx) PasswordsByPage(ctx context.Context, after id.User, limit int) ([]factor.UserPassword, error) {
	rows, err := t.ListPasswords(ctx, sqlgen.ListPasswordsParams{After: after[:], MaxRows: int64(limit)})
	return each(rows, err, func(row sqlgen.ListPasswordsRow) factor.UserPassword {
		return factor.UserPassword{User: rowID[id.UserKind](row.UserID), PHC: row.Phc}
	})
}

func (t *tx) RehashPassword(ctx context.Context, u id.User, old, fresh string) error {
	_, err := t.Queries.RehashPassword(ctx, sqlgen.RehashPasswordParams{UserID: u[:], Phc: fresh, OldPhc: old})
	return err
}

func (t *tx) TOTPOf(ctx context.Context, u id.User) (factor.StoredTOTP, bool, error) {
	row, err := t.TOTPByUser(ctx, sqlgen.TOTPByUserParams{UserID: u[:]})
	return read(row, err, func(row sqlgen.Totp) factor.StoredTOTP {
		return factor.StoredTOTP{Sealed: row.Sealed, LastStep: row.LastStep, Born: at(row.CreatedAt), ConfirmedAt: maybeAt(row.ConfirmedAt), Failures: row.Failures, Backup: row.Backup != 0}
	})
}

func (t *tx) PutTOTP(ctx context.Context, u id.User, sealed []byte, now time.Time) (bool, error) {
	return won(t.Queries.PutTOTP(ctx, sqlgen.PutTOTPParams{UserID: u[:], Sealed: sealed, CreatedAt: micros(now)}))
}

func (t *tx) ConfirmTOTP(ctx context.Context, u id.User, now time.Time) (bool, error) {
	return won(t.Queries.ConfirmTOTP(ctx, sqlgen.ConfirmTOTPParams{UserID: u[:], ConfirmedAt: maybeMicros(now)}))
}

func (t *tx) SpendTOTPStep(ctx context.Context, u id.User, step int64) (bool, error) {
	return won(t.Queries.SpendTOTPStep(ctx, sqlgen.SpendTOTPStepParams{UserID: u[:], Step: step}))
}

func (t *tx) CountTOTPFailure(ctx context.Context, u id.User) (int64, error) {
	return t.Queries.CountTOTPFailure(ctx, sqlgen.CountTOTPFailureParams{UserID: u[:]})
}

func (t *tx) ForgetTOTPFailures(ctx context.Context, u id.User) error {
	return t.Queries.ForgetTOTPFailures(ctx, sqlgen.ForgetTOTPFailuresParams{UserID: u[:]})
}

func (t *tx) DeleteTOTP(ctx context.Context, u id.User) (bool, error) {
	return won(t.Queries.DeleteTOTP(ctx, sqlgen.DeleteTOTPParams{UserID: u[:]}))
}

func (t *tx) InsertPasskey(ctx context.Context, c passkey.Credential) (bool, error) {
	return won(t.Queries.InsertPasskey(ctx, sqlgen.InsertPasskeyParams{
		ID: c.ID[:], UserID: c.User[:], CredentialID: c.CredentialID, Credential: c.Record, Name: c.Name, CreatedAt: micros(c.Born),
		ApprovesFrom: micros(c.ApprovesFrom), Attested: c.Attested,
	}))
}

func (t *tx) PasskeysOf(ctx context.Context, u id.User) ([]passkey.Credential, error) {
	rows, err := t.ListPasskeysByUser(ctx, sqlgen.ListPasskeysByUserParams{UserID: u[:]})
	return each(rows, err, func(row sqlgen.ListPasskeysByUserRow) passkey.Credential {
		return passkey.Credential{
			ID: rowID[id.PasskeyKind](row.ID), User: rowID[id.UserKind](row.UserID), CredentialID: row.CredentialID, Record: row.Credential,
			Name: row.Name, Born: at(row.CreatedAt), LastUsedAt: maybeAt(row.LastUsedAt), ApprovesFrom: at(row.ApprovesFrom),
			Attested: row.Attested, TestedAt: maybeAt(row.TestedAt), TestFailedAt: maybeAt(row.TestFailedAt), Backup: row.Backup != 0,
		}
	})
}

func (t *tx) UsePasskey(ctx context.Context, c passkey.Credential) (bool, error) {
	return won(t.Queries.UsePasskey(ctx, sqlgen.UsePasskeyParams{ID: c.ID[:], Credential: c.Record, LastUsedAt: maybeMicros(c.LastUsedAt)}))
}

func (t *tx) TestPasskey(ctx context.Context, u id.User, c id.Passkey, now time.Time) (bool, error) {
	return won(t.Queries.TestPasskey(ctx, sqlgen.TestPasskeyParams{ID: c[:], UserID: u[:], TestedAt: maybeMicros(now)}))
}

func (t *tx) FailPasskeyTest(ctx context.Context, u id.User, c id.Passkey, now time.Time) (bool, error) {
	return won(t.Queries.FailPasskeyTest(ctx, sqlgen.FailPasskeyTestParams{ID: c[:], UserID: u[:], TestFailedAt: maybeMicros(now)}))
}

func (t *tx) RenamePasskey(ctx context.Context, u id.User, c id.Passkey, name string) (bool, error) {
	return won(t.Queries.RenamePasskey(ctx, sqlgen.RenamePasskeyParams{ID: c[:], UserID: u[:], Name: name}))
}

func (t *tx) MarkPasskey(ctx context.Context, u id.User, c id.Passkey, l factor.Label) (bool, error) {
	return won(t.MarkPasskeyBackup(ctx, sqlgen.MarkPasskeyBackupParams{ID: c[:], UserID: u[:], Backup: truth(l == factor.Backup)}))
}

func (t *tx) MarkTOTP(ctx context.Context, u id.User, l factor.Label) (bool, error) {
	return won(t.MarkTOTPBackup(ctx, sqlgen.MarkTOTPBackupParams{UserID: u[:], Backup: truth(l == factor.Backup)}))
}

func (t *tx) RemovePasskey(ctx context.Context, u id.User, c id.Passkey, now time.Time) (bool, error) {
	return won(t.Queries.RemovePasskey(ctx, sqlgen.RemovePasskeyParams{ID: c[:], UserID: u[:], RemovedAt: maybeMicros(now)}))
}

func (t *tx) Recovered(ctx context.Context, u id.User, since time.Time) (bool, error) {
	count, err := t.RecoveredSince(ctx, sqlgen.RecoveredSinceParams{UserID: u[:], Since: maybeMicros(since)})
	return count > 0, err
}

func (t *tx) NotePasskeyDevice(ctx context.Context, c id.Passkey, d id.Device) error {
	return t.Queries.NotePasskeyDevice(ctx, sqlgen.NotePasskeyDeviceParams{ID: c[:], DeviceID: maybeID(d)})
}

func (t *tx) PasskeysMadeOn(ctx context.Context, u id.User, d id.Device) ([]id.Passkey, error) {
	rows, err := t.ListPasskeysMadeOn(ctx, sqlgen.ListPasskeysMadeOnParams{UserID: u[:], DeviceID: d[:]})
	return each(rows, err, func(row sqlgen.ListPasskeysMadeOnRow) id.Passkey { return rowID[id.PasskeyKind](row.ID) })
}
