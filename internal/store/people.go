package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// read turns the row of a look-up into what it means; no row is no error but found=false.
func read[R, T any](row R, err error, convert func(R) T) (v T, found bool, _ error) {
	if err = notFound(err); errors.Is(err, ErrNotFound) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	return convert(row), true, nil
}

// each converts a list of rows.
func each[R, T any](rows []R, err error, convert func(R) T) ([]T, error) {
	if err != nil {
		return nil, err
	}
	list := make([]T, len(rows))
	for i, row := range rows {
		list[i] = convert(row)
	}
	return list, nil
}

func (t *tx) InsertUser(ctx context.Context, u account.User) error {
	first, err := won(t.Queries.InsertUser(ctx, sqlgen.InsertUserParams{
		ID: u.ID[:], Mail: u.Mail, Name: u.Name, Lang: u.Lang, Handle: u.Handle[:], CreatedAt: micros(u.Born),
	}))
	if err == nil && !first {
		err = account.ErrTaken
	}
	return err
}

func (t *tx) UserByMail(ctx context.Context, mail string) (account.User, bool, error) {
	row, err := t.Queries.UserByMail(ctx, sqlgen.UserByMailParams{Mail: mail})
	return read(row, err, userOf)
}

func (t *tx) UserByID(ctx context.Context, u id.User) (account.User, bool, error) {
	row, err := t.Queries.UserByID(ctx, sqlgen.UserByIDParams{ID: u[:]})
	return read(row, err, userOf)
}

func (t *tx) UserByHandle(ctx context.Context, handle []byte) (account.User, bool, error) {
	row, err := t.Queries.UserByHandle(ctx, sqlgen.UserByHandleParams{Handle: handle})
	return read(row, err, userOf)
}

func userOf(row sqlgen.User) account.User {
	u := account.User{
		ID: rowID[id.UserKind](row.ID), Mail: row.Mail, Name: row.Name, Lang: row.Lang, Born: at(row.CreatedAt), DisabledAt: maybeAt(row.DisabledAt),
		StrangeAt: maybeAt(row.StrangeAt), NeverRemembered: row.NeverRemembered != 0, StaffAt: maybeAt(row.StaffAt),
	}
	copy(u.Handle[:], row.Handle)
	return u
}

func (t *tx) InsertAccount(ctx context.Context, a id.Account, name string, born time.Time) error {
	return t.Queries.InsertAccount(ctx, sqlgen.InsertAccountParams{ID: a[:], Name: name, CreatedAt: micros(born)})
}

func (t *tx) InsertSubaccount(ctx context.Context, a id.Account, s account.Subaccount) error {
	return t.Queries.InsertSubaccount(ctx, sqlgen.InsertSubaccountParams{
		ID: s.ID[:], AccountID: a[:], Name: s.Name, Main: truth(s.Main), CreatedAt: micros(s.Born),
	})
}

func (t *tx) InsertMember(ctx context.Context, a id.Account, u id.User, role principal.Role, born time.Time) error {
	return t.Queries.InsertMember(ctx, sqlgen.InsertMemberParams{AccountID: a[:], UserID: u[:], Role: role.String(), CreatedAt: micros(born)})
}

func (t *tx) MembershipsOf(ctx context.Context, u id.User) ([]account.Membership, error) {
	rows, err := t.MembershipsByUser(ctx, sqlgen.MembershipsByUserParams{UserID: u[:]})
	return each(rows, err, func(row sqlgen.MembershipsByUserRow) account.Membership {
		return account.Membership{
			Account: rowID[id.AccountKind](row.AccountID), AccountName: row.AccountName,
			Main: rowID[id.SubaccountKind](row.MainSubaccountID), Role: principal.ParseRole(row.Role),
		}
	})
}

func (t *tx) SubaccountsOf(ctx context.Context, a id.Account) ([]account.Subaccount, error) {
	rows, err := t.ListSubaccountsByAccount(ctx, sqlgen.ListSubaccountsByAccountParams{AccountID: a[:]})
	return each(rows, err, func(row sqlgen.Subaccount) account.Subaccount {
		return account.Subaccount{ID: rowID[id.SubaccountKind](row.ID), Name: row.Name, Main: row.Main == 1, Born: at(row.CreatedAt), ClosedAt: maybeAt(row.ClosedAt)}
	})
}

func (t *tx) RenameSubaccount(ctx context.Context, a id.Account, s id.Subaccount, name string) (bool, error) {
	return won(t.Queries.RenameSubaccount(ctx, sqlgen.RenameSubaccountParams{AccountID: a[:], ID: s[:], Name: name}))
}

func (t *tx) CloseSubaccount(ctx context.Context, a id.Account, s id.Subaccount, now time.Time) (bool, error) {
	return won(t.Queries.CloseSubaccount(ctx, sqlgen.CloseSubaccountParams{AccountID: a[:], ID: s[:], ClosedAt: maybeMicros(now)}))
}

func (t *tx) ReopenSubaccount(ctx context.Context, a id.Account, s id.Subaccount) (bool, error) {
	return won(t.Queries.ReopenSubaccount(ctx, sqlgen.ReopenSubaccountParams{AccountID: a[:], ID: s[:]}))
}

func (t *tx) KeysAt(ctx context.Context, a id.Account, s id.Subaccount) (int, error) {
	n, err := t.CountKeysOfSubaccount(ctx, sqlgen.CountKeysOfSubaccountParams{AccountID: a[:], SubaccountID: s[:]})
	return int(n), err
}

func (t *tx) InsertSignUp(ctx context.Context, s signup.SignUp) error {
	return t.Queries.InsertSignUp(ctx, sqlgen.InsertSignUpParams{
		ID: s.ID[:], Mail: s.Mail, Name: s.Name, Lang: s.Lang, Browser: s.Browser[:], Existing: truth(s.Existing),
		CreatedAt: micros(s.Born), ExpiresAt: micros(s.ExpiresAt),
	})
}

func (t *tx) SignUpByID(ctx context.Context, s id.SignUp) (signup.SignUp, bool, error) {
	row, err := t.Queries.SignUpByID(ctx, sqlgen.SignUpByIDParams{ID: s[:]})
	return read(row, err, func(row sqlgen.SignUp) signup.SignUp {
		up := signup.SignUp{
			ID: rowID[id.SignUpKind](row.ID), Mail: row.Mail, Name: row.Name, Lang: row.Lang, Existing: row.Existing == 1,
			Born: at(row.CreatedAt), ExpiresAt: at(row.ExpiresAt), VerifiedAt: maybeAt(row.VerifiedAt),
		}
		copy(up.Browser[:], row.Browser)
		return up
	})
}

func (t *tx) CountSignUpTry(ctx context.Context, s id.SignUp, limit int64, now time.Time) (bool, error) {
	return won(t.Queries.CountSignUpTry(ctx, sqlgen.CountSignUpTryParams{ID: s[:], MaxTries: limit, Now: micros(now)}))
}

func (t *tx) VerifySignUp(ctx context.Context, s id.SignUp, now, expires time.Time) (bool, error) {
	return won(t.Queries.VerifySignUp(ctx, sqlgen.VerifySignUpParams{ID: s[:], Now: maybeMicros(now), ExpiresAt: micros(expires)}))
}

func (t *tx) SpendSignUp(ctx context.Context, s id.SignUp, now time.Time) (bool, error) {
	return won(t.Queries.SpendSignUp(ctx, sqlgen.SpendSignUpParams{ID: s[:], Now: maybeMicros(now)}))
}

func (t *tx) InsertDevice(ctx context.Context, d device.Device, tokenHash [32]byte) error {
	return t.Queries.InsertDevice(ctx, sqlgen.InsertDeviceParams{
		ID: d.ID[:], TokenHash: tokenHash[:], Agent: d.Agent, CreatedAt: micros(d.Born), LastSeenAt: micros(d.LastSeenAt),
	})
}

func (t *tx) DeviceByToken(ctx context.Context, tokenHash [32]byte) (device.Device, bool, error) {
	row, err := t.Queries.DeviceByToken(ctx, sqlgen.DeviceByTokenParams{TokenHash: tokenHash[:]})
	return read(row, err, func(row sqlgen.DeviceByTokenRow) device.Device {
		return device.Device{ID: rowID[id.DeviceKind](row.ID), Agent: row.Agent, Born: at(row.CreatedAt), LastSeenAt: at(row.LastSeenAt)}
	})
}

func (t *tx) SeeDevice(ctx context.Context, d id.Device, agent string, now time.Time) error {
	_, err := t.Queries.SeeDevice(ctx, sqlgen.SeeDeviceParams{ID: d[:], Agent: agent, LastSeenAt: micros(now)})
	return err
}

func (t *tx) DeviceKnows(ctx context.Context, d id.Device, u id.User) (bool, error) {
	row, err := t.DeviceUser(ctx, sqlgen.DeviceUserParams{DeviceID: d[:], UserID: u[:]})
	_, found, err := read(row, err, func(row sqlgen.DeviceUserRow) int64 { return row.LastSeenAt })
	return found, err
}

func (t *tx) PutDeviceUser(ctx context.Context, d id.Device, u id.User, now time.Time) error {
	since := micros(now.Add(-device.Memory))
	if err := t.EndLapsedDeviceUser(ctx, sqlgen.EndLapsedDeviceUserParams{DeviceID: d[:], UserID: u[:], Since: since}); err != nil {
		return err
	}
	return t.Queries.PutDeviceUser(ctx, sqlgen.PutDeviceUserParams{DeviceID: d[:], UserID: u[:], Now: micros(now)})
}

func (t *tx) ForgetDeviceUser(ctx context.Context, d id.Device, u id.User, now time.Time) error {
	return t.Queries.ForgetDeviceUser(ctx, sqlgen.ForgetDeviceUserParams{DeviceID: d[:], UserID: u[:], Now: maybeMicros(now)})
}

func (t *tx) RememberDeviceUser(ctx context.Context, d id.Device, u id.User, now time.Time) (bool, error) {
	return won(t.Queries.RememberDeviceUser(ctx, sqlgen.RememberDeviceUserParams{DeviceID: d[:], UserID: u[:], Now: maybeMicros(now)}))
}

func (t *tx) UnrememberDeviceUser(ctx context.Context, d id.Device, u id.User, ended time.Time) (bool, error) {
	return won(t.Queries.UnrememberDeviceUser(ctx, sqlgen.UnrememberDeviceUserParams{DeviceID: d[:], UserID: u[:], UnrememberedAt: maybeMicros(ended)}))
}

func (t *tx) SetNeverRemembered(ctx context.Context, u id.User, never bool) (bool, error) {
	return won(t.Queries.SetNeverRemembered(ctx, sqlgen.SetNeverRememberedParams{ID: u[:], NeverRemembered: truth(never)}))
}

func (t *tx) MakeStaff(ctx context.Context, u id.User, now time.Time) (bool, error) {
	return won(t.Queries.MakeStaff(ctx, sqlgen.MakeStaffParams{ID: u[:], Now: maybeMicros(now)}))
}

func (t *tx) EndStaff(ctx context.Context, u id.User) (bool, error) {
	return won(t.Queries.EndStaff(ctx, sqlgen.EndStaffParams{ID: u[:]}))
}

func (t *tx) UnrememberUser(ctx context.Context, u id.User, now time.Time) error {
	return t.Queries.UnrememberUser(ctx, sqlgen.UnrememberUserParams{UserID: u[:], UnrememberedAt: maybeMicros(now)})
}

func (t *tx) LapsedOn(ctx context.Context, d id.Device, since time.Time) (device.Lapsed, error) {
	row, err := t.CountLapsedOn(ctx, sqlgen.CountLapsedOnParams{DeviceID: d[:], Since: micros(since), After: maybeMicros(since)})
	return device.Lapsed{Unused: int(row.Unused), Ended: int(row.Ended)}, err
}

func (t *tx) LapsedBrowser(ctx context.Context, tokenHash [32]byte) (int, error) {
	n, err := t.Queries.LapsedBrowser(ctx, sqlgen.LapsedBrowserParams{TokenHash: tokenHash[:]})
	accounts, _, err := read(n, err, func(n int64) int { return int(n) })
	return accounts, err
}

func (t *tx) RememberedOn(ctx context.Context, d id.Device, since time.Time, limit int) ([]device.Remembered, error) {
	rows, err := t.ListRememberedByDevice(ctx, sqlgen.ListRememberedByDeviceParams{DeviceID: d[:], Since: micros(since), MaxRows: int64(limit)})
	return each(rows, err, func(row sqlgen.ListRememberedByDeviceRow) device.Remembered {
		return device.Remembered{User: rowID[id.UserKind](row.ID), Name: row.Name, Mail: row.Mail}
	})
}

func (t *tx) RememberedBy(ctx context.Context, u id.User, since time.Time) ([]device.Remembering, error) {
	rows, err := t.ListRemembering(ctx, sqlgen.ListRememberingParams{UserID: u[:], Since: micros(since)})
	return each(rows, err, func(row sqlgen.ListRememberingRow) device.Remembering {
		return device.Remembering{ID: rowID[id.DeviceKind](row.ID), Agent: row.Agent, Since: maybeAt(row.RememberedAt), Last: at(row.LastSeenAt)}
	})
}

func (t *tx) PlaceKnownFrom(ctx context.Context, d id.Device, u id.User, p device.Place) (time.Time, bool, error) {
	from, err := t.Queries.PlaceKnownFrom(ctx, sqlgen.PlaceKnownFromParams{DeviceID: d[:], UserID: u[:], Network: p.Network, Family: p.Family})
	return read(from, err, maybeAt)
}

func (t *tx) PutPlace(ctx context.Context, d id.Device, u id.User, p device.Place, from, now time.Time) error {
	return t.Queries.PutPlace(ctx, sqlgen.PutPlaceParams{
		DeviceID: d[:], UserID: u[:], Network: p.Network, Family: p.Family, KnownFrom: maybeMicros(from), LastSeenAt: micros(now),
	})
}

func (t *tx) UnsettlePlacesByDevice(ctx context.Context, d id.Device, u id.User, now time.Time) error {
	return t.Queries.UnsettlePlacesByDevice(ctx, sqlgen.UnsettlePlacesByDeviceParams{DeviceID: d[:], UserID: u[:], Now: maybeMicros(now)})
}

func (t *tx) UnsettlePlacesByUser(ctx context.Context, u id.User, now time.Time) error {
	return t.Queries.UnsettlePlacesByUser(ctx, sqlgen.UnsettlePlacesByUserParams{UserID: u[:], Now: maybeMicros(now)})
}

func (t *tx) TrimPlaces(ctx context.Context, d id.Device, u id.User, keep int) error {
	return t.Queries.TrimPlaces(ctx, sqlgen.TrimPlacesParams{DeviceID: d[:], UserID: u[:], Keep: int64(keep)})
}

func (t *tx) SetUserLang(ctx context.Context, u id.User, lang string) (bool, error) {
	return won(t.Queries.SetUserLang(ctx, sqlgen.SetUserLangParams{ID: u[:], Lang: lang}))
}

func (t *tx) DisableUser(ctx context.Context, u id.User, now time.Time) (bool, error) {
	return won(t.Queries.DisableUser(ctx, sqlgen.DisableUserParams{ID: u[:], DisabledAt: maybeMicros(now)}))
}

func (t *tx) EnableUser(ctx context.Context, u id.User) (bool, error) {
	return won(t.Queries.EnableUser(ctx, sqlgen.EnableUserParams{ID: u[:]}))
}

func (t *tx) LockUser(ctx context.Context, u id.User, now time.Time) (bool, error) {
	return won(t.Queries.LockUser(ctx, sqlgen.LockUserParams{UserID: u[:], LockedAt: micros(now)}))
}

func (t *tx) UnlockUser(ctx context.Context, u id.User) (bool, error) {
	return won(t.Queries.UnlockUser(ctx, sqlgen.UnlockUserParams{UserID: u[:]}))
}

func (t *tx) LockedSince(ctx context.Context, u id.User) (since time.Time, locked bool, err error) {
	row, err := t.Queries.LockedSince(ctx, sqlgen.LockedSinceParams{UserID: u[:]})
	return read(row, err, at)
}

func (t *tx) RaiseUser(ctx context.Context, u id.User, now, from time.Time) (bool, error) {
	return won(t.Queries.RaiseUser(ctx, sqlgen.RaiseUserParams{UserID: u[:], RaisedAt: micros(now), FromAt: micros(from)}))
}

func (t *tx) LowerUser(ctx context.Context, u id.User) (bool, error) {
	if err := t.DeleteHighValueWords(ctx, sqlgen.DeleteHighValueWordsParams{UserID: u[:]}); err != nil {
		return false, err
	}
	return won(t.Queries.LowerUser(ctx, sqlgen.LowerUserParams{UserID: u[:]}))
}

func (t *tx) SayHighValue(ctx context.Context, u id.User, source string, now time.Time) (bool, error) {
	first, err := won(t.Queries.SayHighValue(ctx, sqlgen.SayHighValueParams{UserID: u[:], Source: source, ToldAt: micros(now)}))
	if err != nil || first {
		return first, err
	}
	return false, t.SayHighValueAgain(ctx, sqlgen.SayHighValueAgainParams{UserID: u[:], Source: source, ToldAt: micros(now)})
}

func (t *tx) HighValueSaid(ctx context.Context, u id.User, source string) (told time.Time, found bool, err error) {
	row, err := t.Queries.HighValueSaid(ctx, sqlgen.HighValueSaidParams{UserID: u[:], Source: source})
	return read(row, err, at)
}

func (t *tx) UnsayHighValue(ctx context.Context, u id.User, source string) (int, error) {
	if err := t.Queries.UnsayHighValue(ctx, sqlgen.UnsayHighValueParams{UserID: u[:], Source: source}); err != nil {
		return 0, err
	}
	others, err := t.CountHighValueWords(ctx, sqlgen.CountHighValueWordsParams{UserID: u[:]})
	return int(others), err
}

func (t *tx) RaisedFrom(ctx context.Context, u id.User) (from time.Time, found bool, err error) {
	row, err := t.Queries.RaisedFrom(ctx, sqlgen.RaisedFromParams{UserID: u[:]})
	return read(row, err, at)
}

func (t *tx) DemandsOf(ctx context.Context, u id.User) ([]demand.Demand, error) {
	rows, err := t.ListDemands(ctx, sqlgen.ListDemandsParams{UserID: u[:]})
	return each(rows, err, func(row sqlgen.ListDemandsRow) demand.Demand {
		return demand.Demand{Area: demand.Area(row.Area), Since: at(row.SinceAt), Until: maybeAt(row.UntilAt)}
	})
}

func (t *tx) PutDemand(ctx context.Context, u id.User, a demand.Area, now time.Time) (bool, error) {
	return won(t.Queries.PutDemand(ctx, sqlgen.PutDemandParams{UserID: u[:], Area: string(a), SinceAt: micros(now)}))
}

func (t *tx) EndDemand(ctx context.Context, u id.User, a demand.Area, until time.Time) (bool, error) {
	return won(t.Queries.EndDemand(ctx, sqlgen.EndDemandParams{UserID: u[:], Area: string(a), UntilAt: maybeMicros(until)}))
}

func (t *tx) KeepDemands(ctx context.Context, u id.User, now time.Time) error {
	return t.Queries.KeepDemands(ctx, sqlgen.KeepDemandsParams{UserID: u[:], Now: maybeMicros(now)})
}

// ClaimUserRow writes what stands there already: a row lock on PostgreSQL, and nothing on SQLite, whose writers wait for each other anyway.
func (t *tx) ClaimUserRow(ctx context.Context, u id.User) (bool, error) {
	return won(t.Queries.ClaimUserRow(ctx, sqlgen.ClaimUserRowParams{ID: u[:]}))
}

// ClaimKeyRow is the same for a key.
func (t *tx) ClaimKeyRow(ctx context.Context, k id.Key, now time.Time) (bool, error) {
	return won(t.Queries.ClaimKeyRow(ctx, sqlgen.ClaimKeyRowParams{ID: k[:], Now: micros(now)}))
}

func (t *tx) MarkStrange(ctx context.Context, u id.User, now time.Time) error {
	return t.MarkStrangeSignIn(ctx, sqlgen.MarkStrangeSignInParams{ID: u[:], Now: maybeMicros(now)})
}
