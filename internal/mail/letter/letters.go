package letter

import (
	"strconv"
	"strings"
	"time"
)

// SignUpCode carries the code that finishes a sign-up.
type SignUpCode struct {
	Code     Code
	ValidFor time.Duration
	Seen     Sighting
}

func (l SignUpCode) compose(w *writer) {
	w.subjectLine("sign_up_code.subject", "product", w.product)
	w.heading("sign_up_code.heading")
	w.paragraph("sign_up_code.first", "duration", w.duration(l.ValidFor))
	w.add(code{string(l.Code)})
	w.note("sign_up_code.never")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("sign_up_code.not_you")
	w.footOfAddress()
}

// SignUpExisting answers a sign-up with an address that has an account already, so that the page can answer as it always does.
type SignUpExisting struct{ Seen Sighting }

func (l SignUpExisting) compose(w *writer) {
	w.subjectLine("sign_up_existing.subject", "product", w.product)
	w.heading("sign_up_existing.heading")
	w.paragraph("sign_up_existing.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("sign_up_existing.you", "origin", w.links.Origin)
	w.paragraph("sign_up_existing.not_you")
	w.footOfAddress()
}

// Welcome says that the account is made and what to do next.
type Welcome struct{}

func (Welcome) compose(w *writer) {
	w.subjectLine("welcome.subject", "product", w.product)
	w.heading("welcome.heading")
	w.paragraph("welcome.first")
	w.paragraph("welcome.passkey")
	w.paragraph("welcome.second")
	w.button("button.set_up_methods", w.links.methods())
	w.footOfAccount()
}

// NewDevice reports a sign-in from a device that was not recognised.
type NewDevice struct{ Seen Sighting }

func (l NewDevice) compose(w *writer) {
	w.subjectLine("new_device.subject")
	w.heading("new_device.heading")
	w.paragraph("notice.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("new_device.not_you")
	w.paragraph("lost_device", "link", w.links.lost())
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// LimitedSignIn reports a sign-in from a browser that is not known, with less than its user can show: what it may do, and until when.
type LimitedSignIn struct{ Seen Sighting }

func (l LimitedSignIn) compose(w *writer) {
	w.subjectLine("limited_sign_in.subject")
	w.heading("limited_sign_in.heading")
	w.paragraph("limited_sign_in.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("limited_sign_in.later")
	w.paragraph("limited_sign_in.not_you")
	w.paragraph("lost_device", "link", w.links.lost())
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// SessionDisowned reports that a session was ended because its user said that it was not theirs.
type SessionDisowned struct {
	Seen Sighting
	// Hold is how long money stays in the account; 0 if nothing is held.
	Hold time.Duration
	// Refused says that it was a sign-in that opened nothing: somebody knows the password.
	Refused bool
}

func (l SessionDisowned) compose(w *writer) {
	subject, heading, first, next := "session_disowned.subject", "session_disowned.heading", "session_disowned.first", "session_disowned.next"
	if l.Refused {
		subject, heading, first, next = "try_disowned.subject", "try_disowned.heading", "try_disowned.first", "try_disowned.next"
	}
	w.subjectLine(subject)
	w.heading(heading)
	w.paragraph(first)
	w.facts(w.sighting(l.Seen)...)
	w.held("notice.hold", l.Hold)
	w.paragraph(next)
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// SessionCopied reports that a session was shown elsewhere without its device, and refused.
type SessionCopied struct{ Seen Sighting }

func (l SessionCopied) compose(w *writer) {
	w.subjectLine("session_copied.subject")
	w.heading("session_copied.heading")
	w.paragraph("session_copied.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("session_copied.next")
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// CookieReplayed reports that a session was ended because somebody showed its cookie with the proof of another device.
type CookieReplayed struct {
	Seen Sighting
	// Hold is how long money stays in the account; 0 if nothing is held.
	Hold time.Duration
}

func (l CookieReplayed) compose(w *writer) {
	w.subjectLine("cookie_replayed.subject")
	w.heading("cookie_replayed.heading")
	w.paragraph("cookie_replayed.first")
	w.facts(w.sighting(l.Seen)...)
	w.held("notice.hold", l.Hold)
	w.paragraph("cookie_replayed.next")
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// PasswordChanged reports that the password was changed, what ended with that, and what went on.
type PasswordChanged struct {
	Seen Sighting
	// Hold is how long money stays in the account; 0 if nothing is held.
	Hold time.Duration
}

func (l PasswordChanged) compose(w *writer) {
	w.subjectLine("password_changed.subject")
	w.heading("password_changed.heading")
	w.paragraph("notice.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("notice.others_signed_out")
	w.held("notice.hold", l.Hold)
	w.paragraph("password_changed.not_you", "origin", w.links.Origin)
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// FactorAdded reports a new way to sign in.
type FactorAdded struct {
	Factor Factor
	// Name is what the user calls it; empty where the kind has no names.
	Name string
	Seen Sighting
	// Settles is how long the new factor cannot approve money; 0 if it can at once.
	Settles time.Duration
}

func (l FactorAdded) compose(w *writer) {
	w.subjectLine("factor_added.subject", "factor", w.factor(l.Factor))
	w.heading("factor_added.heading")
	w.paragraph("notice.first")
	w.facts(append([]fact{{w.say("fact.factor"), w.factor(l.Factor)}, {w.say("fact.name"), l.Name}}, w.sighting(l.Seen)...)...)
	w.held("factor_added.settles", l.Settles)
	w.paragraph("factor_added.not_you")
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// FactorRemoved reports that a way to sign in is gone, what ended with that, and what went on.
type FactorRemoved struct {
	Factor Factor
	// Name is what the user called it; empty where the kind has no names.
	Name string
	Seen Sighting
	// Hold is how long money stays in the account; 0 if nothing is held.
	Hold time.Duration
}

func (l FactorRemoved) compose(w *writer) {
	w.subjectLine("factor_removed.subject", "factor", w.factor(l.Factor))
	w.heading("factor_removed.heading")
	w.paragraph("notice.first")
	w.facts(append([]fact{{w.say("fact.factor"), w.factor(l.Factor)}, {w.say("fact.name"), l.Name}}, w.sighting(l.Seen)...)...)
	w.paragraph("notice.others_signed_out")
	w.held("notice.hold", l.Hold)
	w.paragraph("factor_removed.not_you")
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// CodesGuessed reports wrong codes after the right password, from browsers that the user has not signed in with.
type CodesGuessed struct {
	// Count of them in a row.
	Count int
	// Resting says that such browsers' codes are no longer taken.
	Resting bool
	Seen    Sighting
}

func (l CodesGuessed) compose(w *writer) {
	w.subjectLine("codes_guessed.subject")
	w.heading("codes_guessed.heading")
	w.paragraph("codes_guessed.first", "n", strconv.Itoa(l.Count))
	w.facts(w.sighting(l.Seen)...)
	if l.Resting {
		w.paragraph("codes_guessed.resting")
	}
	w.paragraph("codes_guessed.you")
	w.paragraph("codes_guessed.not_you")
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// PasskeyCloned reports that a passkey of one device was refused, because its counter says that there are two of it.
type PasskeyCloned struct {
	// Name is what the user called it.
	Name string
	Seen Sighting
}

func (l PasskeyCloned) compose(w *writer) {
	w.subjectLine("passkey_cloned.subject")
	w.heading("passkey_cloned.heading")
	w.paragraph("passkey_cloned.first")
	w.facts(append([]fact{{w.say("fact.name"), l.Name}}, w.sighting(l.Seen)...)...)
	w.paragraph("passkey_cloned.do")
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// MoneyConfirmed reports that a passkey confirmed a transaction, which leaves with the next request for it or once a hold has ended.
type MoneyConfirmed struct {
	// What is the amount and where it goes; Memo and Exchange may be empty.
	What, Memo, Exchange string
	Seen                 Sighting
}

func (l MoneyConfirmed) compose(w *writer) {
	w.subjectLine("money_confirmed.subject")
	w.heading("money_confirmed.heading")
	w.paragraph("notice.first")
	w.facts(append([]fact{
		{w.say("fact.transaction"), l.What}, {w.say("fact.memo"), l.Memo}, {w.say("fact.exchange"), l.Exchange},
	}, w.sighting(l.Seen)...)...)
	w.paragraph("money_confirmed.not_you")
	w.button("button.confirmations", w.links.confirmations())
	w.footOfAccount()
}

// KeyCreated reports a new API key and what it may do.
type KeyCreated struct {
	// Key is its public id.
	Key, Name string
	// Scopes are words for people, already in the frame's language.
	Scopes  []string
	Expires time.Time
	// ByPlatform: its operator made or imported it for the reader, at the host.
	ByPlatform bool
	Seen       Sighting
}

func (l KeyCreated) compose(w *writer) {
	first, notYou := "notice.first", "key_created.not_you"
	if l.ByPlatform {
		first, notYou = "key_created.by_platform", "key_created.not_asked"
	}
	w.subjectLine("key_created.subject", "name", l.Name)
	w.heading("key_created.heading")
	w.paragraph(first)
	w.facts(append([]fact{
		{w.say("fact.key"), l.Name},
		{w.say("fact.scopes"), strings.Join(l.Scopes, ", ")},
		{w.say("fact.expires"), w.moment(l.Expires)},
	}, w.sighting(l.Seen)...)...)
	w.paragraph(notYou)
	w.button("button.key", w.links.key(l.Key))
	w.footOfAccount()
}

// Orders is what becomes of the open orders of an API key that can place no more, as its owner chose; empty where there is nothing to say.
type Orders string

// The choices, in the words of package apikey.
const (
	LeaveOrders  Orders = "leave"
	CancelOrders Orders = "cancel_all"
)

func (o Orders) say(w *writer) {
	switch o {
	case LeaveOrders:
		w.paragraph("orders.leave")
	case CancelOrders:
		w.paragraph("orders.cancel_all")
	}
}

// KeyRevoked reports that an API key is dead.
type KeyRevoked struct {
	// Key is its public id.
	Key, Name string
	Orders    Orders
	Seen      Sighting
}

func (l KeyRevoked) compose(w *writer) {
	w.subjectLine("key_revoked.subject", "name", l.Name)
	w.heading("key_revoked.heading")
	w.paragraph("notice.first")
	w.facts(append([]fact{{w.say("fact.key"), l.Name}}, w.sighting(l.Seen)...)...)
	w.paragraph("key_revoked.final")
	l.Orders.say(w)
	w.paragraph("key_revoked.not_you")
	w.button("button.key", w.links.key(l.Key))
	w.footOfAccount()
}

// KeyChanged reports a step in the life of an API key.
type KeyChanged struct {
	// Change is what happened, as the catalogue's keys begin: "key_rotated", "key_frozen".
	Change string
	// Key is its public id.
	Key, Name string
	// Ends is when the old secret of a rotation stops to work; zero for what is no rotation.
	Ends   time.Time
	Orders Orders
	Seen   Sighting
}

func (l KeyChanged) compose(w *writer) {
	w.subjectLine(l.Change+".subject", "name", l.Name)
	w.heading(l.Change + ".heading")
	w.paragraph("notice.first")
	facts := []fact{{w.say("fact.key"), l.Name}}
	if !l.Ends.IsZero() {
		facts = append(facts, fact{w.say("fact.retires"), w.moment(l.Ends)})
	}
	w.facts(append(facts, w.sighting(l.Seen)...)...)
	w.paragraph(l.Change + ".then")
	l.Orders.say(w)
	if l.Change == "key_leaked" {
		w.paragraph("key_leaked.not_you") // what is dead for good needs nobody to revoke it
	} else {
		w.paragraph("key_changed.not_you")
	}
	w.button("button.key", w.links.key(l.Key))
	w.footOfAccount()
}

// AccountLock reports that the user has locked the account, or unlocked it.
type AccountLock struct {
	Unlocked bool
	Seen     Sighting
}

func (l AccountLock) compose(w *writer) {
	subject, heading, then, notYou := "account_locked.subject", "account_locked.heading", "account_locked.then", "account_locked.not_you"
	if l.Unlocked {
		subject, heading, then, notYou = "account_unlocked.subject", "account_unlocked.heading", "account_unlocked.then", "account_unlocked.not_you"
	}
	w.subjectLine(subject)
	w.heading(heading)
	w.paragraph("notice.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph(then)
	w.paragraph(notYou)
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// DepartureNear reports that a day is left until the user is erased, as they asked.
type DepartureNear struct{ Ends time.Time }

func (l DepartureNear) compose(w *writer) {
	w.subjectLine("departure_near.subject")
	w.heading("departure_near.heading")
	w.paragraph("departure_near.first", "ends", w.moment(l.Ends))
	w.paragraph("departure_near.then")
	w.paragraph("departure_begun.not_you")
	w.button("button.privacy", w.links.privacy())
	w.footOfAccount()
}

// Departure reports that the user wants to be erased at Ends, or, with the zero time, that they stay.
type Departure struct {
	Ends time.Time
	Seen Sighting
}

func (l Departure) compose(w *writer) {
	if l.Ends.IsZero() {
		w.subjectLine("departure_stopped.subject")
		w.heading("departure_stopped.heading")
		w.facts(w.sighting(l.Seen)...)
		w.paragraph("departure_stopped.then")
		w.footOfAccount()
		return
	}
	w.subjectLine("departure_begun.subject")
	w.heading("departure_begun.heading")
	w.paragraph("departure_begun.first", "ends", w.moment(l.Ends))
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("departure_begun.then")
	w.paragraph("departure_begun.not_you")
	w.button("button.privacy", w.links.privacy())
	w.footOfAccount()
}

// KeyAged reports what time did to an API key, or the place that it was used from or found at: nothing that its reader did.
type KeyAged struct {
	// Change is what happened, as the catalogue's keys begin: "key_expiring", "key_strayed".
	Change string
	// Key is its public id.
	Key, Name string
	// Ends is when what is announced comes; zero if it has come. From is the address of a key that strayed.
	Ends   time.Time
	From   string
	Orders Orders
	Seen   time.Time
}

func (l KeyAged) compose(w *writer) {
	w.subjectLine(l.Change+".subject", "name", l.Name)
	w.heading(l.Change + ".heading")
	facts := []fact{{w.say("fact.key"), l.Name}, {w.say("fact.address"), l.From}}
	if !l.Ends.IsZero() {
		facts = append(facts, fact{w.say("fact.ends"), w.moment(l.Ends)})
	}
	w.facts(append(facts, w.sighting(Sighting{At: l.Seen})...)...)
	w.paragraph(l.Change + ".then")
	l.Orders.say(w)
	w.button("button.key", w.links.key(l.Key))
	w.footOfAccount()
}

// KeyUse is what a key did in one hour: how often, what, with which code if it was refused, from where in words, and when the last time was.
type KeyUse struct {
	At                        time.Time
	Calls, Route, Code, Place string
}

// KeyFound reports that the secret of a key was found where strangers can read it, that the key was blocked, and what it did before.
type KeyFound struct {
	// Key is its public id, Host where it was found.
	Key, Name, Host string
	// Since is from when on its uses were looked for; zero where none were. Calls and Places count them, Uses are the latest, the latest first.
	Since         time.Time
	Calls, Places string
	Uses          []KeyUse
	Orders        Orders
	Seen          time.Time
}

func (l KeyFound) compose(w *writer) {
	w.subjectLine("key_found.subject", "name", l.Name)
	w.heading("key_found.heading")
	w.facts(append([]fact{{w.say("fact.key"), l.Name}, {w.say("fact.address"), l.Host}}, w.sighting(Sighting{At: l.Seen})...)...)
	w.paragraph("key_found.then")
	l.Orders.say(w)
	switch {
	case l.Since.IsZero():
	case len(l.Uses) == 0:
		w.paragraph("key_found.unused", "since", w.moment(l.Since))
	default:
		w.paragraph("key_found.used", "since", w.moment(l.Since), "calls", l.Calls, "places", l.Places)
		var rows []fact
		for _, u := range l.Uses {
			did := []string{u.Calls + "× " + u.Route, u.Place}
			if u.Code != "" {
				did = append(did, w.say("key_found.refused", "code", u.Code))
			}
			rows = append(rows, fact{w.moment(u.At), strings.Join(did, " · ")})
		}
		w.facts(rows...)
	}
	w.button("button.key", w.links.key(l.Key))
	w.button("button.timeline", w.links.key(l.Key)+"/timeline")
	w.footOfAccount()
}

// KeyUnneeded reports that an API key in use does not need all that it may do.
type KeyUnneeded struct {
	// Key is its public id; Scopes what it does not need, in words.
	Key, Name string
	Scopes    []string
	Seen      time.Time
}

func (l KeyUnneeded) compose(w *writer) {
	w.subjectLine("key_unneeded.subject", "name", l.Name)
	w.heading("key_unneeded.heading")
	facts := []fact{{w.say("fact.key"), l.Name}, {w.say("fact.unneeded"), strings.Join(l.Scopes, " · ")}}
	w.facts(append(facts, w.sighting(Sighting{At: l.Seen})...)...)
	w.paragraph("key_unneeded.then")
	w.button("button.key", w.links.key(l.Key))
	w.footOfAccount()
}

// SignedOutOthers reports that all sessions but the one that asked for it were ended, and whether the API keys froze with them.
type SignedOutOthers struct {
	Seen   Sighting
	Frozen bool
}

func (l SignedOutOthers) compose(w *writer) {
	w.subjectLine("signed_out_others.subject")
	w.heading("signed_out_others.heading")
	w.paragraph("notice.first")
	w.facts(w.sighting(l.Seen)...)
	if l.Frozen {
		w.paragraph("signed_out_others.keys_frozen")
	} else {
		w.paragraph("notice.others_signed_out")
	}
	w.paragraph("signed_out_others.not_you")
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// SignedOutEverywhere reports that all sessions were ended at once, and whether the API keys froze with them.
type SignedOutEverywhere struct {
	Seen   Sighting
	Frozen bool
}

func (l SignedOutEverywhere) compose(w *writer) {
	w.subjectLine("signed_out_everywhere.subject")
	w.heading("signed_out_everywhere.heading")
	w.paragraph("notice.first")
	w.facts(w.sighting(l.Seen)...)
	if l.Frozen {
		w.paragraph("signed_out_everywhere.keys_frozen")
	} else {
		w.paragraph("signed_out_everywhere.keys_stay")
	}
	w.paragraph("signed_out_everywhere.not_you", "origin", w.links.Origin)
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// ContactCode carries the code that gives an address its place.
type ContactCode struct {
	// Code is empty where the letter is shown in the app.
	Code Code
	// Second says that it shall be the address for notices, and not the one to sign in with; Phone that it is a number.
	Second   bool
	Phone    bool
	ValidFor time.Duration
}

func (l ContactCode) compose(w *writer) {
	w.subjectLine("contact_code.subject", "product", w.product)
	w.heading("contact_code.heading")
	switch {
	case l.Phone:
		w.paragraph("contact_code.phone", "duration", w.duration(l.ValidFor))
	case l.Second:
		w.paragraph("contact_code.second", "duration", w.duration(l.ValidFor))
	default:
		w.paragraph("contact_code.first", "duration", w.duration(l.ValidFor))
	}
	if l.Code != "" {
		w.add(code{string(l.Code)})
	}
	w.note("sign_up_code.never")
	w.paragraph("contact_code.not_you")
	w.footOfAddress()
}

// ContactTaken answers a change to an address that has another user, so that the page can answer as it always does.
type ContactTaken struct{}

func (ContactTaken) compose(w *writer) {
	w.subjectLine("contact_taken.subject", "product", w.product)
	w.heading("contact_taken.heading")
	w.paragraph("contact_taken.first")
	w.paragraph("contact_taken.you")
	w.footOfAddress()
}

// ContactChanged reports that another address took a place, to both addresses.
type ContactChanged struct {
	// Second says that it is the address for notices, and not the one to sign in with; Phone that it is a number.
	Second, Phone bool
	// Old and New may be empty for a second address or a number: there was none, or there is none any more.
	Old, New string
	Seen     Sighting
	// Hold is how long money stays in the account; 0 if nothing is held.
	Hold time.Duration
}

func (l ContactChanged) compose(w *writer) {
	switch {
	case l.Phone:
		w.subjectLine("contact_changed.subject_phone")
		w.heading("contact_changed.heading_phone")
	case l.Second:
		w.subjectLine("contact_changed.subject_second")
		w.heading("contact_changed.heading_second")
	default:
		w.subjectLine("contact_changed.subject")
		w.heading("contact_changed.heading")
	}
	w.paragraph("notice.first")
	w.facts(append([]fact{{w.say("fact.old"), l.Old}, {w.say("fact.new"), l.New}}, w.sighting(l.Seen)...)...)
	w.paragraph("notice.others_signed_out")
	w.held("notice.hold", l.Hold)
	w.paragraph("contact_changed.not_you")
	w.button("button.contact", w.links.contact())
	w.footOfAccount()
}

// Contained reports what was stopped because somebody who read a notice said that it was not them.
type Contained struct {
	Seen Sighting
	// Hold is how long money stays in the account; 0 if nothing is held.
	Hold time.Duration
}

func (l Contained) compose(w *writer) {
	w.subjectLine("contained.subject")
	w.heading("contained.heading")
	w.paragraph("contained.first")
	w.facts(w.sighting(l.Seen)...)
	w.held("notice.hold", l.Hold)
	w.paragraph("contained.next")
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}
