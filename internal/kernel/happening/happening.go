// Package happening owns the names of what has consequences beyond its own rows: who else must be signed out, told or held.
//
// A room says what happened, in its own transaction; room respond knows what follows.
package happening

import (
	"context"
	"maps"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Kind is one row of "What dies when", or one notice.
type Kind string

// The kinds.
const (
	SignedUp       Kind = "signed_up"
	NewDevice      Kind = "new_device"
	LimitedSignIn  Kind = "limited_sign_in"
	SignedOut      Kind = "signed_out"
	Disowned       Kind = "session_disowned"
	CookieReplayed Kind = "cookie_replayed"
	// SessionCopied: a bound session was shown in another network without its device, and refused.
	SessionCopied   Kind = "session_copied"
	SignedOutOthers Kind = "signed_out_others"
	SignedOutAll    Kind = "signed_out_all"
	// SignedOutSelected: some other sessions were ended in one press, which may be all of them.
	SignedOutSelected Kind = "signed_out_selected"
	PasswordChanged   Kind = "password_changed"
	FactorAdded       Kind = "factor_added"
	FactorRemoved     Kind = "factor_removed"
	CodesGuessed      Kind = "codes_guessed"
	PasskeyCloned     Kind = "passkey_cloned"
	KeyCreated        Kind = "key_created"
	KeyRevoked        Kind = "key_revoked"
	KeyRotated        Kind = "key_rotated"
	KeyFrozen         Kind = "key_frozen"
	KeyUnfrozen       Kind = "key_unfrozen"
	KeyBlocked        Kind = "key_blocked"
	KeyUnblocked      Kind = "key_unblocked"
	KeyLeaked         Kind = "key_leaked"
	// MoneyKeyLeaked is KeyLeaked of a key that could withdraw.
	MoneyKeyLeaked Kind = "money_key_leaked"
	// KeyFound: a scanner found the secret where strangers can read it. MoneyKeyFound is the same of a key that could withdraw.
	KeyFound       Kind = "key_found"
	MoneyKeyFound  Kind = "money_key_found"
	KeyWidened     Kind = "key_widened"
	KeyWoken       Kind = "key_woken"
	KeyReleased    Kind = "key_released"
	KeyStrayed     Kind = "key_strayed"
	KeyExpiring    Kind = "key_expiring"
	KeyExpired     Kind = "key_expired"
	KeyLapsing     Kind = "key_lapsing"
	KeyLapsed      Kind = "key_lapsed"
	KeyUnused      Kind = "key_unused"
	KeyNarrowed    Kind = "key_narrowed"
	KeyDisabled    Kind = "key_disabled"
	KeyUnneeded    Kind = "key_unneeded"
	KeyRetiring    Kind = "key_retiring"
	KeyUnseen      Kind = "key_unseen"
	KeyExtended    Kind = "key_extended"
	MoneyConfirmed Kind = "money_confirmed"
	OwnerLocked    Kind = "owner_locked"
	OwnerUnlocked  Kind = "owner_unlocked"
	// ReportedSession and ReportedChange: somebody who read a notice said that it was not them who signed in, or who changed something.
	ReportedSession Kind = "reported_session"
	ReportedChange  Kind = "reported_change"
	// ReportedOther: the same of what somebody else did in an account of the reader's. ActQuestioned: an owner of an account said so of what the user did there.
	ReportedOther Kind = "reported_other"
	ActQuestioned Kind = "act_questioned"
	// ContactChanged: an address at which the user is reached took the place of another.
	ContactChanged Kind = "contact_changed"
	// DepartureBegun and DepartureStopped: the user wants to be erased after a wait, or stays after all. DepartureNear: a day of it is left.
	DepartureBegun   Kind = "departure_begun"
	DepartureNear    Kind = "departure_near"
	DepartureStopped Kind = "departure_stopped"
	UserDisabled     Kind = "user_disabled"
	UserEnabled      Kind = "user_enabled"
	// StaffChanged: the user became an operator of the platform, or is none any more.
	StaffChanged Kind = "staff_changed"

	RecoveryCodesReplaced Kind = "recovery_codes_replaced"
	RecoveryClaimed       Kind = "recovery_claimed"
	RecoveryCompleted     Kind = "recovery_completed"
	RecoveryCancelled     Kind = "recovery_cancelled"
	RecoveryDisputed      Kind = "recovery_disputed"
	// RecoveryOpened: an operator opened a case for somebody who says that they lost every way in.
	RecoveryOpened Kind = "recovery_opened"
	// RecoveryRejected: people decided, or had time to, and none of the claims that met goes on.
	RecoveryRejected  Kind = "recovery_rejected"
	RecoveryShortened Kind = "recovery_shortened"
	// RecoveryLengthened: the way back by the mailbox alone takes longer, which a thief would want of the owner's.
	RecoveryLengthened Kind = "recovery_lengthened"
	// PhraseChanged: the words by which the user knows our mails are others.
	PhraseChanged Kind = "phrase_changed"
	DeviceLost    Kind = "device_lost"

	// MembershipChanged: somebody is another in an account than they were, or not in it any more.
	MembershipChanged Kind = "membership_changed"
	// MemberInvited: somebody is asked into the account of the user. MemberJoined: they came.
	MemberInvited Kind = "member_invited"
	MemberJoined  Kind = "member_joined"
	// MemberUnfrozen: an owner of the account of the user reviewed somebody who was frozen, maybe the user, who do again what their role allows.
	MemberUnfrozen Kind = "member_unfrozen"
	// SponsorsChanged: an owner named who answers for a service user of an account of the user, which the user does, did or owns the account.
	SponsorsChanged Kind = "sponsors_changed"
	// KeysLeft: who owned keys, or answered for them, left the account; an owner is told of whom the keys still have.
	KeysLeft Kind = "keys_left"
	// KeyTransferred: a key has another owner. KeyOrphaned: it has none any more, and is refused.
	KeyTransferred Kind = "key_transferred"
	KeyOrphaned    Kind = "key_orphaned"

	// MemberFrozen: somebody whom an owner brought in waits for a review, because that owner may have been somebody else.
	MemberFrozen Kind = "member_frozen"

	// UserRaised: the user is of high value, and will be asked for a passkey. UserLowered takes that back.
	UserRaised  Kind = "user_raised"
	UserLowered Kind = "user_lowered"
	// DemandMade: the user demands a passkey of themselves where the policy does not. DemandDropped gives that up, after a wait.
	DemandMade    Kind = "demand_made"
	DemandDropped Kind = "demand_dropped"
)

// Happening is one of them.
type Happening struct {
	Kind Kind
	// User whom it concerns.
	User id.User
	// Session that did it, which the consequences spare where the table says so; zero if none.
	Session id.Session
	// Facts for the notice: names and words, never a secret.
	Facts map[string]string
	// Account in which it happened, with MembershipChanged, ActQuestioned and By.
	Account id.Account
	// By is the person who did it in the account, or asked for it, where that may be another than the user whom it concerns; zero for nobody who signed in.
	By id.User
	// Device that is given up, with DeviceLost.
	Device id.Device
	// Owing says that the session that did it owes a proof: it may end what is open, and makes a stranger of no browser.
	Owing bool
	// Outside says that whoever it was did not get in, as where a second factor was wrong: nobody doubts whom they could have brought.
	Outside bool
	// FreezesKeys says that the user asked for their API keys to stop as well, with SignedOutOthers and SignedOutAll.
	FreezesKeys bool
	// About is the id of what the user says was not them, and Evidence what operators are shown of it besides the facts: names and words, never a
	// secret. They count where the table opens a case.
	About    string
	Evidence map[string]string
	// Change is the change of an address, with ContactChanged.
	Change id.ContactChange
}

// DoneBy says who did it, in which account and in which session, where that was a person's.
func (h Happening) DoneBy(p principal.Principal, a id.Account) Happening {
	if p.Kind == principal.KindUser {
		h.By, h.Session = p.User, p.Session
	}
	h.Account = a
	return h
}

// SeenFrom adds where it was done from to the facts, for the notice.
func (h Happening) SeenFrom(o principal.Origin) Happening {
	facts := maps.Clone(h.Facts)
	if facts == nil {
		facts = map[string]string{}
	}
	if o.Agent != "" {
		facts["agent"] = o.Agent
	}
	if o.Addr.IsValid() {
		facts["addr"] = o.Addr.String()
	}
	h.Facts = facts
	return h
}

// Applier is room respond, as lower rooms ask it. tx is the caller's running transaction: what follows commits with what happened.
type Applier interface {
	Apply(ctx context.Context, tx any, h Happening) error
}

// Refused is the fact of a Disowned whose sign-in opened nothing: there was no session to end.
const Refused = "refused"
