package letter

import "time"

// Invitation asks somebody into an account. It carries no code: whoever signs in with the address can accept.
type Invitation struct {
	By, Account string
	// Role is "owner", "trader" or "viewer".
	Role string
	Ends time.Time
}

func (l Invitation) compose(w *writer) {
	w.subjectLine("invitation.subject", "name", l.By)
	w.heading("invitation.heading")
	w.paragraph("invitation.first", "name", l.By, "account", l.Account, "role", w.role(l.Role))
	w.paragraph("invitation.then", "ends", w.moment(l.Ends))
	w.button("button.members", w.links.members())
	w.note("invitation.not_you")
	w.footOfAddress()
}

// role says a role; an empty one is none of ours.
func (w *writer) role(word string) string {
	for _, role := range [...]string{"owner", "trader", "viewer"} {
		if role == word {
			return w.say("role." + role)
		}
	}
	w.fail("no role %q", word)
	return ""
}

// MembershipChanged reports another role in an account, or with none that its reader belongs to it no more.
type MembershipChanged struct{ Account, Role string }

func (l MembershipChanged) compose(w *writer) {
	w.subjectLine("membership.subject", "account", l.Account)
	w.heading("membership.heading")
	if l.Role == "" {
		w.paragraph("membership.removed", "account", l.Account)
	} else {
		w.paragraph("membership.role", "account", l.Account, "role", w.role(l.Role))
	}
	w.paragraph("membership.signed_out")
	w.button("button.members", w.links.members())
	w.footOfAccount()
}

// MemberFrozen reports to a member that they look and cancel only until an owner of the account has reviewed them.
type MemberFrozen struct{ Account string }

func (l MemberFrozen) compose(w *writer) {
	w.subjectLine("member_frozen.subject", "account", l.Account)
	w.heading("member_frozen.heading")
	w.paragraph("member_frozen.first", "account", l.Account)
	w.paragraph("member_frozen.next")
	w.button("button.members", w.links.members())
	w.footOfAccount()
}

// MemberComing reports to an owner that somebody was asked into the account, or joined it.
type MemberComing struct {
	Mail, Role string
	Joined     bool
	Seen       Sighting
}

func (l MemberComing) compose(w *writer) {
	subject, heading, first := "member_invited.subject", "member_invited.heading", "member_invited.first"
	if l.Joined {
		subject, heading, first = "member_joined.subject", "member_joined.heading", "member_joined.first"
	}
	w.subjectLine(subject, "mail", l.Mail)
	w.heading(heading)
	w.paragraph(first, "mail", l.Mail, "role", w.role(l.Role))
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("member_coming.not_you")
	w.button("button.members", w.links.members())
	w.footOfAccount()
}

// MemberUnfrozen reports to the owners of an account, and to the member, that an owner reviewed somebody who was frozen.
type MemberUnfrozen struct {
	Mail, Role string
	Seen       Sighting
}

func (l MemberUnfrozen) compose(w *writer) {
	w.subjectLine("member_unfrozen.subject", "mail", l.Mail)
	w.heading("member_unfrozen.heading")
	w.paragraph("member_unfrozen.first", "mail", l.Mail, "role", w.role(l.Role))
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("member_unfrozen.not_you")
	w.button("button.members", w.links.members())
	w.footOfAccount()
}

// ContainedOther reports to who said so that what somebody else did in an account was stopped.
type ContainedOther struct {
	Seen Sighting
	// Questioned says that whoever did it was signed out of the account.
	Questioned bool
}

func (l ContainedOther) compose(w *writer) {
	w.subjectLine("contained_other.subject")
	w.heading("contained_other.heading")
	w.paragraph("contained_other.first")
	if l.Questioned {
		w.paragraph("contained_other.questioned")
	}
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("contained_other.next")
	w.button("button.members", w.links.members())
	w.footOfAccount()
}

// ActQuestioned reports to somebody that an owner of an account said of what was done as them there that it should not have been.
type ActQuestioned struct {
	// Member is the name of that owner, Account that of the account, and Reported the name of the notice that they pressed the button of.
	Member, Account, Reported string
	Seen                      Sighting
	// Hold is how long their money stays in the account.
	Hold time.Duration
}

func (l ActQuestioned) compose(w *writer) {
	w.subjectLine("act_questioned.subject", "account", l.Account)
	w.heading("act_questioned.heading")
	w.paragraph("act_questioned.first", "member", l.Member, "account", l.Account)
	w.paragraph("act_questioned.what", "reported", w.say("text.of."+l.Reported))
	w.facts(w.sighting(l.Seen)...)
	w.held("notice.hold", l.Hold)
	w.paragraph("act_questioned.yours")
	w.paragraph("act_questioned.not_you")
	w.button("button.members", w.links.members())
	w.footOfAccount()
}

// SponsorsChanged reports to the owners of an account, and to both pairs of sponsors, who answers for a service user now.
type SponsorsChanged struct {
	// Machine is the name of the service user; One and Two are those of its sponsors.
	Machine, One, Two string
	Seen              Sighting
}

func (l SponsorsChanged) compose(w *writer) {
	w.subjectLine("sponsors_changed.subject", "service", l.Machine)
	w.heading("sponsors_changed.heading")
	w.paragraph("sponsors_changed.first", "service", l.Machine, "one", l.One, "two", l.Two)
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("sponsors_changed.not_you")
	w.button("button.members", w.links.members())
	w.footOfAccount()
}

// KeysLeft reports to an owner that somebody left who owned keys, or answered for service users, or that one who answers for some was disabled.
type KeysLeft struct {
	// Keys are how many are theirs; empty for somebody disabled, whose keys are refused.
	Member, Keys, Services string
	Disabled               bool
	Ends                   time.Time
}

func (l KeysLeft) compose(w *writer) {
	if l.Disabled {
		w.subjectLine("sponsor_disabled.subject", "member", l.Member)
		w.heading("sponsor_disabled.heading")
		w.paragraph("sponsor_disabled.first", "member", l.Member, "services", l.Services)
		w.paragraph("sponsor_disabled.then", "ends", w.moment(l.Ends))
		w.button("button.members", w.links.members())
		w.footOfAccount()
		return
	}
	w.subjectLine("keys_left.subject", "member", l.Member)
	w.heading("keys_left.heading")
	w.paragraph("keys_left.first", "member", l.Member, "keys", l.Keys, "services", l.Services)
	w.paragraph("keys_left.then", "ends", w.moment(l.Ends))
	w.button("button.members", w.links.members())
	w.footOfAccount()
}
