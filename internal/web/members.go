package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// members is the page about who belongs to an account, and to which ones its reader belongs.
type members struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (member.Circle, error)
		Invite(ctx context.Context, p principal.Principal, mail string, role principal.Role) (id.Invitation, error)
		Withdraw(ctx context.Context, p principal.Principal, which id.Invitation) error
		Mine(ctx context.Context, p principal.Principal) ([]member.Place, []member.Invitation, error)
		Accept(ctx context.Context, p principal.Principal, which id.Invitation) error
		Decline(ctx context.Context, p principal.Principal, which id.Invitation) error
		Switch(ctx context.Context, p principal.Principal, to id.Account) error
		SetRole(ctx context.Context, p principal.Principal, u id.User, role principal.Role) error
		Remove(ctx context.Context, p principal.Principal, in member.RemoveInput) error
		Unfreeze(ctx context.Context, p principal.Principal, u id.User) error
		AddMachine(ctx context.Context, p principal.Principal, in member.MachineInput) (id.User, error)
		SetSponsors(ctx context.Context, p principal.Principal, u id.User, sponsors [2]id.User) error
	}
}

func (m *members) mount(on mounter) {
	on(http.MethodGet, "/members", func(v *visit) error { return m.show(v, page.Problem{}, nil) })
	on(http.MethodPost, "/members/invite", func(v *visit) error {
		return m.change(v, "invited", []string{"mail", "role"}, func(in map[string]string) error {
			_, err := m.room.Invite(v.r.Context(), v.who, in["mail"], principal.ParseRole(in["role"]))
			return err
		})
	})
	on(http.MethodPost, "/members/{id}/role", func(v *visit) error {
		return m.change(v, "member_changed", []string{"role"}, func(in map[string]string) error {
			u, err := m.named(v)
			if err != nil {
				return err
			}
			return m.room.SetRole(v.r.Context(), v.who, u, principal.ParseRole(in["role"]))
		})
	})
	on(http.MethodPost, "/members/{id}/remove", m.remove)
	on(http.MethodPost, "/members/{id}/unfreeze", func(v *visit) error {
		return m.change(v, "member_changed", nil, func(map[string]string) error {
			u, err := m.named(v)
			if err != nil {
				return err
			}
			return m.room.Unfreeze(v.r.Context(), v.who, u)
		})
	})
	on(http.MethodPost, "/members/service-users", func(v *visit) error {
		return m.change(v, "member_changed", []string{"name", "purpose", "role", "sponsor_one", "sponsor_two"}, func(in map[string]string) error {
			wanted := member.MachineInput{Name: in["name"], Purpose: in["purpose"], Role: principal.ParseRole(in["role"]), Sponsors: sponsorsOf(in)}
			_, err := m.room.AddMachine(v.r.Context(), v.who, wanted)
			return err
		})
	})
	on(http.MethodPost, "/members/{id}/sponsors", func(v *visit) error {
		return m.change(v, "member_changed", []string{"sponsor_one", "sponsor_two"}, func(in map[string]string) error {
			u, err := m.named(v)
			if err != nil {
				return err
			}
			return m.room.SetSponsors(v.r.Context(), v.who, u, sponsorsOf(in))
		})
	})
	on(http.MethodPost, "/account", func(v *visit) error {
		return m.change(v, "account_switched", []string{"account"}, func(in map[string]string) error {
			to, err := id.Parse[id.AccountKind](in["account"])
			if err != nil {
				return fault.New(fault.MemberNotFound)
			}
			return m.room.Switch(v.r.Context(), v.who, to)
		})
	})
	for path, do := range map[string]struct {
		said   string
		answer func(context.Context, principal.Principal, id.Invitation) error
	}{
		"/members/invitations/{id}/withdraw": {"member_changed", m.room.Withdraw},
		"/invitations/{id}/accept":           {"joined", m.room.Accept},
		"/invitations/{id}/decline":          {"declined", m.room.Decline},
	} {
		on(http.MethodPost, path, func(v *visit) error {
			return m.change(v, do.said, nil, func(map[string]string) error {
				which, err := id.Parse[id.InvitationKind](v.r.PathValue("id"))
				if err != nil {
					return fault.New(fault.InvitationNotFound)
				}
				return do.answer(v.r.Context(), v.who, which)
			})
		})
	}
}

// sponsorsOf reads two choices; one that is nobody's id is nobody.
func sponsorsOf(in map[string]string) (two [2]id.User) {
	two[0], _ = id.Parse[id.UserKind](in["sponsor_one"])
	two[1], _ = id.Parse[id.UserKind](in["sponsor_two"])
	return two
}

// named is the member of the address.
func (m *members) named(v *visit) (id.User, error) {
	u, err := id.Parse[id.UserKind](v.r.PathValue("id"))
	if err != nil {
		return u, fault.New(fault.MemberNotFound)
	}
	return u, nil
}

// change does what a form of the page asks for.
func (m *members) change(v *visit, said string, fields []string, do func(in map[string]string) error) error {
	in, err := v.form.only(fields...)
	if err != nil {
		return err
	}
	if err := do(in); err != nil {
		return v.retry(err, func(p page.Problem) error { return m.show(v, p, in) })
	}
	v.say(said)
	return v.leave("/members")
}

// remove takes somebody out, or lets the reader leave: then the session is over.
func (m *members) remove(v *visit) error {
	in, err := v.form.only("freeze")
	if err != nil {
		return err
	}
	u, err := m.named(v)
	if err == nil {
		err = m.room.Remove(v.r.Context(), v.who, member.RemoveInput{User: u, Freeze: in["freeze"] == "yes"})
	}
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return m.show(v, p, nil) })
	}
	if u == v.who.User {
		return goodbye(v, "left_account", 0)
	}
	v.say("member_changed")
	return v.leave("/members")
}

func (m *members) show(v *visit, p page.Problem, typed map[string]string) error {
	places, asked, err := m.room.Mine(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	circle, err := m.room.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	view := page.Members{
		Problem: p, Owner: v.who.Role == principal.Owner, Typed: typed, Asked: v.invitations(asked), Open: v.invitations(circle.Open),
		Roles: v.roles(typed["role"], principal.Viewer, principal.Trader),
		Grace: v.words.Span(member.Transfer),
	}
	for _, place := range places {
		view.Accounts = append(view.Accounts, page.Account{ID: place.Account.String(), Name: place.AccountName, Role: v.role(place.Role), Here: place.Here})
	}
	names := map[id.User]string{}
	for _, one := range circle.Members {
		if names[one.User] = one.Name; one.Machine == nil {
			view.People = append(view.People, page.Option{Value: one.User.String(), Text: one.Name})
		}
	}
	owners := 0
	for _, one := range circle.Members {
		if one.Role == principal.Owner && !one.Disabled {
			owners++
		}
	}
	for _, one := range circle.Members {
		shown := v.member(one, names)
		if shown.You && owners < 2 { // an account keeps its last owner
			shown.Roles = nil
		}
		view.List = append(view.List, shown)
	}
	for _, one := range circle.Left {
		view.Left = append(view.Left, v.member(one, names))
	}
	return v.show(page.MembersPage(v.frame("members.title"), view))
}

// member says one member in words. A sponsor who is gone has no name any more.
func (v *visit) member(m member.Member, names map[id.User]string) page.Member {
	shown := page.Member{
		ID: m.User.String(), Name: m.Name, Mail: m.Mail, Role: v.role(m.Role), Roles: v.roles(m.Role.String(), principal.Viewer, principal.Trader),
		Since: v.when(m.Since), You: m.User == v.who.User, Owner: m.Role == principal.Owner, Keys: strconv.Itoa(m.Keys), HasKeys: m.Keys > 0, Until: v.when(m.KeysUntil), Disabled: m.Disabled, Frozen: !m.FrozenAt.IsZero(),
		Over: !m.KeysUntil.IsZero() && !v.now.Before(m.KeysUntil),
	}
	if m.Machine == nil {
		return shown
	}
	shown.Machine, shown.Purpose = true, m.Machine.Purpose
	for i, sponsor := range m.Machine.Sponsors {
		shown.Sponsors[i] = names[sponsor]
		if shown.Sponsors[i] == "" {
			shown.Sponsors[i] = v.words.Say("members.sponsor_gone")
		}
	}
	return shown
}

func (v *visit) invitations(all []member.Invitation) (list []page.Invitation) {
	for _, i := range all {
		list = append(list, page.Invitation{
			ID: i.ID.String(), Account: i.AccountName, By: i.ByName, Mail: i.Mail, Role: v.role(i.Role), Until: v.when(i.ExpiresAt),
		})
	}
	return list
}

// role says a role with what it means.
func (v *visit) role(r principal.Role) string { return v.words.Say("role." + r.String()) }

func (v *visit) roles(chosen string, of ...principal.Role) (list []page.Option) {
	for _, r := range of {
		list = append(list, page.Option{Value: r.String(), Text: v.role(r), Chosen: r.String() == chosen})
	}
	return list
}
