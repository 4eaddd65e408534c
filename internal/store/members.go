package store

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// ClaimAccountRow writes what stands there already, as ClaimUserRow does.
func (t *tx) ClaimAccountRow(ctx context.Context, a id.Account) error {
	return t.Queries.ClaimAccountRow(ctx, sqlgen.ClaimAccountRowParams{ID: a[:]})
}

func (t *tx) CircleOf(ctx context.Context, u id.User) ([]id.User, error) {
	rows, err := t.ListCircleOfOwner(ctx, sqlgen.ListCircleOfOwnerParams{UserID: u[:]})
	return each(rows, err, rowID[id.UserKind])
}

func (t *tx) AccountName(ctx context.Context, a id.Account) (string, error) {
	return t.Queries.AccountName(ctx, sqlgen.AccountNameParams{ID: a[:]})
}

func (t *tx) MembersOf(ctx context.Context, a id.Account, now time.Time) ([]member.Member, error) {
	rows, err := t.ListMembersByAccount(ctx, sqlgen.ListMembersByAccountParams{AccountID: a[:], Now: micros(now)})
	return each(rows, err, func(row sqlgen.ListMembersByAccountRow) member.Member {
		m := member.Member{
			User: rowID[id.UserKind](row.UserID), Name: row.Name, Mail: row.Mail, Role: principal.ParseRole(row.Role), Since: at(row.CreatedAt),
			RemovedAt: maybeAt(row.RemovedAt), KeysUntil: maybeAt(row.KeysUntil), FrozenAt: maybeAt(row.FrozenAt), Disabled: row.DisabledAt.Valid, Keys: int(row.Keys),
		}
		if row.SponsorOne != nil {
			m.Mail = ""
			m.Machine = &member.Machine{
				Purpose: row.Purpose.String, Sponsors: [2]id.User{rowID[id.UserKind](row.SponsorOne), rowID[id.UserKind](row.SponsorTwo)},
			}
		}
		return m
	})
}

func (t *tx) HolderIn(ctx context.Context, a id.Account, u id.User) (apikey.Holder, error) {
	row, err := t.HolderInAccount(ctx, sqlgen.HolderInAccountParams{AccountID: a[:], UserID: u[:]})
	holder, _, err := read(row, err, func(row sqlgen.HolderInAccountRow) apikey.Holder {
		h := apikey.Holder{Name: row.Name, Role: principal.ParseRole(row.Role)}
		if row.SponsorOne != nil {
			h.Sponsors = []id.User{rowID[id.UserKind](row.SponsorOne), rowID[id.UserKind](row.SponsorTwo)}
		}
		return h
	})
	return holder, err
}

func (t *tx) OwnersOf(ctx context.Context, a id.Account) ([]id.User, error) {
	rows, err := t.ListOwnersByAccount(ctx, sqlgen.ListOwnersByAccountParams{AccountID: a[:]})
	return each(rows, err, rowID[id.UserKind])
}

func (t *tx) JoinMember(ctx context.Context, a id.Account, u id.User, role principal.Role, now time.Time) (bool, error) {
	return won(t.Queries.JoinMember(ctx, sqlgen.JoinMemberParams{AccountID: a[:], UserID: u[:], Role: role.String(), CreatedAt: micros(now)}))
}

func (t *tx) SetRole(ctx context.Context, a id.Account, u id.User, role principal.Role) (bool, error) {
	return won(t.SetMemberRole(ctx, sqlgen.SetMemberRoleParams{AccountID: a[:], UserID: u[:], Role: role.String()}))
}

func (t *tx) SetGiven(ctx context.Context, a id.Account, u, by id.User, now time.Time) error {
	given := sqlgen.SetMemberGivenParams{AccountID: a[:], UserID: u[:], GivenBy: maybeID(by), GivenAt: maybeMicros(now)}
	if by.IsZero() {
		given.GivenAt = maybeMicros(time.Time{})
	}
	return t.SetMemberGiven(ctx, given)
}

func (t *tx) FreezeGiven(ctx context.Context, by id.User, since, now time.Time) ([]member.Spot, error) {
	rows, err := t.FreezeMembersGivenBy(ctx, sqlgen.FreezeMembersGivenByParams{GivenBy: by[:], Since: maybeMicros(since), FrozenAt: maybeMicros(now)})
	return each(rows, err, func(row sqlgen.FreezeMembersGivenByRow) member.Spot {
		return member.Spot{Account: rowID[id.AccountKind](row.AccountID), User: rowID[id.UserKind](row.UserID)}
	})
}

func (t *tx) UnfreezeMember(ctx context.Context, a id.Account, u id.User) (bool, error) {
	return won(t.Queries.UnfreezeMember(ctx, sqlgen.UnfreezeMemberParams{AccountID: a[:], UserID: u[:]}))
}

func (t *tx) VoidInvitations(ctx context.Context, by id.User) ([]id.Account, error) {
	rows, err := t.DeleteInvitationsByInviter(ctx, sqlgen.DeleteInvitationsByInviterParams{UserID: by[:]})
	return each(rows, err, rowID[id.AccountKind])
}

func (t *tx) RemoveMember(ctx context.Context, a id.Account, u id.User, now, keysUntil time.Time) (bool, error) {
	return won(t.Queries.RemoveMember(ctx, sqlgen.RemoveMemberParams{
		AccountID: a[:], UserID: u[:], RemovedAt: maybeMicros(now), KeysUntil: maybeMicros(keysUntil),
	}))
}

func (t *tx) KeepKeysUntil(ctx context.Context, a id.Account, u id.User, until time.Time) error {
	return t.SetKeysUntil(ctx, sqlgen.SetKeysUntilParams{AccountID: a[:], UserID: u[:], KeysUntil: maybeMicros(until)})
}

// InsertInvitation lets one that is over make room first.
func (t *tx) InsertInvitation(ctx context.Context, i member.Invitation) (bool, error) {
	over := sqlgen.DeleteExpiredInvitationParams{AccountID: i.Account[:], Mail: i.Mail, Now: micros(i.Born)}
	if err := t.DeleteExpiredInvitation(ctx, over); err != nil {
		return false, err
	}
	return won(t.Queries.InsertInvitation(ctx, sqlgen.InsertInvitationParams{
		ID: i.ID[:], AccountID: i.Account[:], Mail: i.Mail, Role: i.Role.String(), InvitedBy: i.By[:], CreatedAt: micros(i.Born), ExpiresAt: micros(i.ExpiresAt),
	}))
}

func (t *tx) InvitationByID(ctx context.Context, i id.Invitation) (member.Invitation, bool, error) {
	row, err := t.Queries.InvitationByID(ctx, sqlgen.InvitationByIDParams{ID: i[:]})
	return read(row, err, invitationOf)
}

func (t *tx) InvitationsOf(ctx context.Context, a id.Account, now time.Time) ([]member.Invitation, error) {
	rows, err := t.ListInvitationsByAccount(ctx, sqlgen.ListInvitationsByAccountParams{AccountID: a[:], Now: micros(now)})
	return each(rows, err, func(row sqlgen.ListInvitationsByAccountRow) member.Invitation {
		return invitationOf(sqlgen.InvitationByIDRow(row))
	})
}

func (t *tx) InvitationsTo(ctx context.Context, mail string, now time.Time) ([]member.Invitation, error) {
	rows, err := t.ListInvitationsByMail(ctx, sqlgen.ListInvitationsByMailParams{Mail: mail, Now: micros(now)})
	return each(rows, err, func(row sqlgen.ListInvitationsByMailRow) member.Invitation {
		return invitationOf(sqlgen.InvitationByIDRow(row))
	})
}

func invitationOf(row sqlgen.InvitationByIDRow) member.Invitation {
	return member.Invitation{
		ID: rowID[id.InvitationKind](row.ID), Account: rowID[id.AccountKind](row.AccountID), AccountName: row.AccountName, Mail: row.Mail,
		Role: principal.ParseRole(row.Role), By: rowID[id.UserKind](row.InvitedBy), ByName: row.Inviter, Lang: row.Lang, Born: at(row.CreatedAt),
		ExpiresAt: at(row.ExpiresAt),
	}
}

func (t *tx) TakeInvitation(ctx context.Context, i id.Invitation) (bool, error) {
	return won(t.DeleteInvitation(ctx, sqlgen.DeleteInvitationParams{ID: i[:]}))
}

func (t *tx) InsertMachine(ctx context.Context, a id.Account, u id.User, s member.Machine) error {
	return t.InsertServiceUser(ctx, sqlgen.InsertServiceUserParams{
		UserID: u[:], AccountID: a[:], Purpose: s.Purpose, SponsorOne: s.Sponsors[0][:], SponsorTwo: s.Sponsors[1][:],
	})
}

func (t *tx) SetSponsors(ctx context.Context, a id.Account, u id.User, sponsors [2]id.User) (bool, error) {
	return won(t.Queries.SetSponsors(ctx, sqlgen.SetSponsorsParams{UserID: u[:], AccountID: a[:], SponsorOne: sponsors[0][:], SponsorTwo: sponsors[1][:]}))
}
