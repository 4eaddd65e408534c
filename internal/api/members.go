package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
)

// members is who belongs to an account, and to which ones somebody belongs.
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

func (m *members) mount(a *API) {
	register(a, operation{
		id: "listMembers", method: http.MethodGet, path: "/v1/members", summary: "Who belongs to the account",
		about: "Service users too. Mail addresses, open invitations and those who left keys behind are for owners.",
	}, m.list)
	register(a, operation{
		id: "inviteMember", method: http.MethodPost, path: "/v1/members/invitations", summary: "Ask somebody into the account", status: http.StatusCreated,
		about: "By mail to the address that they sign in or sign up with; it is good for a week. The answer is the same whether the address has a user or not.",
		codes: []fault.Code{fault.MailAddressMalformed, fault.MailAddressLocalPart, fault.MailAddressDomain, fault.MemberAlready, fault.InvitationTooMany},
	}, m.invite)
	register(a, operation{
		id: "withdrawInvitation", method: http.MethodDelete, path: "/v1/members/invitations/{id}", summary: "Take an invitation back",
		about: "Nobody can accept it any more.", codes: []fault.Code{fault.InvitationNotFound},
	}, func(ctx context.Context, p principal.Principal, in *invitationPath) (*struct{}, error) {
		return nil, m.room.Withdraw(ctx, p, in.ID)
	})
	register(a, operation{
		id: "setMemberRole", method: http.MethodPatch, path: "/v1/members/{id}", summary: "Make somebody more or less",
		about: "Their sessions end; their keys can do what they may do now, from the moment of the answer.",
		codes: []fault.Code{fault.MemberNotFound, fault.MemberLastOwner},
	}, func(ctx context.Context, p principal.Principal, in *roleIn) (*struct{}, error) {
		return nil, m.room.SetRole(ctx, p, in.ID, principal.ParseRole(in.Body.Role))
	})
	register(a, operation{
		id: "removeMember", method: http.MethodPost, path: "/v1/members/{id}/remove", summary: "Leave, or remove somebody",
		about: "People leave by themselves, owners remove others. Their keys go on for two weeks, in which owners give them to " +
			"somebody else; with freeze they look and cancel only, at once. The keys of a service user are refused at once.",
		codes: []fault.Code{fault.MemberNotFound, fault.MemberLastOwner, fault.MemberOnlyAccount, fault.Forbidden},
	}, func(ctx context.Context, p principal.Principal, in *removeIn) (*struct{}, error) {
		return nil, m.room.Remove(ctx, p, member.RemoveInput{User: in.ID, Freeze: in.Body.Freeze})
	})
	register(a, operation{
		id: "unfreezeMember", method: http.MethodPost, path: "/v1/members/{id}/unfreeze", summary: "Say that somebody was reviewed and belongs here",
		about: "Whoever an owner brought in looks and cancels only once somebody else may have acted as that owner.", codes: []fault.Code{fault.MemberNotFound},
	}, func(ctx context.Context, p principal.Principal, in *memberPath) (*struct{}, error) {
		return nil, m.room.Unfreeze(ctx, p, in.ID)
	})
	m.mountMine(a)
	register(a, operation{
		id: "addServiceUser", method: http.MethodPost, path: "/v1/service-users", summary: "Make a service user", status: http.StatusCreated,
		about: "A member that is nobody: it owns keys and cannot sign in, so that no bot stops because somebody leaves. Two members answer for it.",
		codes: []fault.Code{fault.MemberNotFound, fault.ServiceUserTooMany},
	}, m.addService)
	register(a, operation{
		id: "setSponsors", method: http.MethodPut, path: "/v1/service-users/{id}/sponsors", summary: "Name who answers for a service user",
		about: "Two members. Its keys go on without an end.", codes: []fault.Code{fault.MemberNotFound},
	}, func(ctx context.Context, p principal.Principal, in *sponsorsIn) (*struct{}, error) {
		return nil, m.room.SetSponsors(ctx, p, in.ID, pair(in.Body.Sponsors))
	})
}

func (m *members) mountMine(a *API) {
	register(a, operation{
		id: "listAccounts", method: http.MethodGet, path: "/v1/accounts", summary: "Which accounts I belong to", about: "And who asked me into another.",
	}, m.mine)
	register(a, operation{
		id: "acceptInvitation", method: http.MethodPost, path: "/v1/accounts/invitations/{id}/accept", summary: "Accept an invitation",
		about: "It has to be to the address that I sign in with.", codes: []fault.Code{fault.InvitationNotFound, fault.MemberAlready},
	}, func(ctx context.Context, p principal.Principal, in *invitationPath) (*struct{}, error) {
		return nil, m.room.Accept(ctx, p, in.ID)
	})
	register(a, operation{
		id: "declineInvitation", method: http.MethodDelete, path: "/v1/accounts/invitations/{id}", summary: "Decline an invitation",
		about: "It is gone after that.", codes: []fault.Code{fault.InvitationNotFound},
	}, func(ctx context.Context, p principal.Principal, in *invitationPath) (*struct{}, error) {
		return nil, m.room.Decline(ctx, p, in.ID)
	})
	register(a, operation{
		id: "switchAccount", method: http.MethodPut, path: "/v1/session/account", summary: "Go over to another of my accounts",
		about: "The session stays; those on gateway hosts that it opened end.", codes: []fault.Code{fault.MemberNotFound, fault.RateLimited},
	}, func(ctx context.Context, p principal.Principal, in *accountIn) (*struct{}, error) {
		return nil, m.room.Switch(ctx, p, in.Body.Account)
	})
}

type memberShown struct {
	User      id.User   `json:"user" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name      string    `json:"name" example:"Min"`
	Mail      string    `json:"mail,omitempty" doc:"For owners" example:"min@example.com"`
	Role      string    `json:"role" enum:"viewer,trader,owner"`
	Since     time.Time `json:"since"`
	Disabled  bool      `json:"disabled,omitempty" doc:"By the platform"`
	FrozenAt  time.Time `json:"frozen_at,omitzero" doc:"Since when they look and cancel only, until an owner has reviewed them"`
	Keys      int       `json:"keys" doc:"How many keys they own here that have not ended"`
	KeysUntil time.Time `json:"keys_until,omitzero" doc:"When those keys stop, because their owner left or a sponsor is missing"`
	Purpose   string    `json:"purpose,omitempty" doc:"Of a service user"`
	Sponsors  []id.User `json:"sponsors,omitempty" doc:"Of a service user: who answers for it"`
}

type invitationShown struct {
	ID          id.Invitation `json:"id" example:"inv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Account     id.Account    `json:"account" example:"acc_069g9r2kt0f7s8w3a5q1z7y6xc"`
	AccountName string        `json:"account_name" example:"Desk"`
	Mail        string        `json:"mail" example:"min@example.com"`
	Role        string        `json:"role" enum:"viewer,trader,owner"`
	ByName      string        `json:"invited_by" example:"Ada"`
	CreatedAt   time.Time     `json:"created_at"`
	ExpiresAt   time.Time     `json:"expires_at"`
}

func memberAs(m member.Member) memberShown {
	shown := memberShown{
		User: m.User, Name: m.Name, Mail: m.Mail, Role: m.Role.String(), Since: m.Since, Disabled: m.Disabled, FrozenAt: m.FrozenAt, Keys: m.Keys, KeysUntil: m.KeysUntil,
	}
	if m.Machine != nil {
		shown.Purpose, shown.Sponsors = m.Machine.Purpose, m.Machine.Sponsors[:]
	}
	return shown
}

func invitationsAs(all []member.Invitation) []invitationShown {
	list := make([]invitationShown, 0, len(all))
	for _, i := range all {
		list = append(list, invitationShown{i.ID, i.Account, i.AccountName, i.Mail, i.Role.String(), i.ByName, i.Born, i.ExpiresAt})
	}
	return list
}

type circleShown struct {
	Members     []memberShown     `json:"members"`
	Left        []memberShown     `json:"left" doc:"Who left and still owns keys here: give the keys to somebody else, or end them"`
	Invitations []invitationShown `json:"invitations"`
}

type circleOut struct{ Body circleShown }

func (m *members) list(ctx context.Context, p principal.Principal, _ *struct{}) (*circleOut, error) {
	c, err := m.room.Of(ctx, p)
	shown := circleShown{Members: []memberShown{}, Left: []memberShown{}, Invitations: invitationsAs(c.Open)}
	for _, one := range c.Members {
		shown.Members = append(shown.Members, memberAs(one))
	}
	for _, one := range c.Left {
		shown.Left = append(shown.Left, memberAs(one))
	}
	return &circleOut{shown}, err
}

type invitationGiven struct {
	Mail string `json:"mail" maxLength:"254" example:"min@example.org"`
	Role string `json:"role" enum:"viewer,trader" example:"trader"`
}

type inviteIn struct{ Body invitationGiven }

type invited struct {
	Invitation id.Invitation `json:"invitation" example:"inv_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type invitedOut struct{ Body invited }

func (m *members) invite(ctx context.Context, p principal.Principal, in *inviteIn) (*invitedOut, error) {
	which, err := m.room.Invite(ctx, p, in.Body.Mail, principal.ParseRole(in.Body.Role))
	return &invitedOut{invited{which}}, err
}

type invitationPath struct {
	ID id.Invitation `path:"id" doc:"The invitation" example:"inv_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type roleGiven struct {
	Role string `json:"role" enum:"viewer,trader" doc:"Another owner is made by the platform alone" example:"viewer"`
}

type roleIn struct {
	ID   id.User `path:"id" doc:"The member" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body roleGiven
}

type memberPath struct {
	ID id.User `path:"id" doc:"The member" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type removal struct {
	Freeze bool `json:"freeze,omitempty" doc:"Their keys look and cancel only, at once" example:"true"`
}

type removeIn struct {
	ID   id.User `path:"id" doc:"The member" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body removal
}

type placeShown struct {
	Account id.Account `json:"account" example:"acc_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name    string     `json:"name" example:"Desk"`
	Role    string     `json:"role" enum:"viewer,trader,owner"`
	Here    bool       `json:"here" doc:"The session acts in it"`
}

type mineShown struct {
	Accounts    []placeShown      `json:"accounts"`
	Invitations []invitationShown `json:"invitations"`
}

type mineOut struct{ Body mineShown }

func (m *members) mine(ctx context.Context, p principal.Principal, _ *struct{}) (*mineOut, error) {
	places, asked, err := m.room.Mine(ctx, p)
	shown := mineShown{Accounts: []placeShown{}, Invitations: invitationsAs(asked)}
	for _, place := range places {
		shown.Accounts = append(shown.Accounts, placeShown{place.Account, place.AccountName, place.Role.String(), place.Here})
	}
	return &mineOut{shown}, err
}

type accountGiven struct {
	Account id.Account `json:"account" pattern:"^acc_[0-9a-z]{26}$" example:"acc_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type accountIn struct{ Body accountGiven }

type serviceGiven struct {
	Name     string    `json:"name" maxLength:"320" doc:"At most 80 characters" example:"Desk bots"`
	Purpose  string    `json:"purpose" maxLength:"320" doc:"What it is for" example:"Keys of the desk's bots"`
	Role     string    `json:"role" enum:"viewer,trader" doc:"What its keys may do at most" example:"trader"`
	Sponsors []id.User `json:"sponsors" minItems:"2" maxItems:"2" doc:"Two members who answer for it" example:"[\"usr_069g9r2kt0f7s8w3a5q1z7y6xc\",\"usr_069g9r2kt0f7s8w3a5q1z7y6x8\"]"`
}

type serviceIn struct{ Body serviceGiven }

type serviceMade struct {
	User id.User `json:"user" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type serviceOut struct{ Body serviceMade }

func (m *members) addService(ctx context.Context, p principal.Principal, in *serviceIn) (*serviceOut, error) {
	b := in.Body
	wanted := member.MachineInput{Name: b.Name, Purpose: b.Purpose, Role: principal.ParseRole(b.Role), Sponsors: pair(b.Sponsors)}
	u, err := m.room.AddMachine(ctx, p, wanted)
	return &serviceOut{serviceMade{u}}, err
}

type sponsorsGiven struct {
	Sponsors []id.User `json:"sponsors" minItems:"2" maxItems:"2" doc:"Two members" example:"[\"usr_069g9r2kt0f7s8w3a5q1z7y6xc\",\"usr_069g9r2kt0f7s8w3a5q1z7y6x8\"]"`
}

type sponsorsIn struct {
	ID   id.User `path:"id" doc:"The service user" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body sponsorsGiven
}

// pair is the first two of a list whose length was checked against the description.
func pair(list []id.User) (two [2]id.User) {
	copy(two[:], list)
	return two
}
