package letter

import "time"

// RecoveryCode carries the code that shows, in a recovery, that an address is read by the one who typed it. By itself it opens nothing.
type RecoveryCode struct {
	// Code is empty where the letter is shown in the app.
	Code     Code
	ValidFor time.Duration
	Seen     Sighting
}

func (l RecoveryCode) compose(w *writer) {
	w.subjectLine("recovery_code.subject", "product", w.product)
	w.heading("recovery_code.heading")
	w.paragraph("recovery_code.first", "duration", w.duration(l.ValidFor))
	if l.Code != "" {
		w.add(code{string(l.Code)})
	}
	w.note("sign_up_code.never")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("recovery_code.not_you")
	w.footOfAddress()
}

// MailboxTrial carries the code by which somebody who is signed in tries out that they read this mailbox. It does nothing else, in no recovery either.
type MailboxTrial struct {
	// Code is empty where the letter is shown in the app.
	Code     Code
	ValidFor time.Duration
	Seen     Sighting
}

func (l MailboxTrial) compose(w *writer) {
	w.subjectLine("mailbox_trial.subject", "product", w.product)
	w.heading("mailbox_trial.heading")
	w.paragraph("mailbox_trial.first", "duration", w.duration(l.ValidFor))
	if l.Code != "" {
		w.add(code{string(l.Code)})
	}
	w.note("sign_up_code.never")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("mailbox_trial.not_you")
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// RecoveryNobody answers a recovery for an address that has no account, so that the page can answer as it always does.
type RecoveryNobody struct{ Seen Sighting }

func (l RecoveryNobody) compose(w *writer) {
	w.subjectLine("recovery_nobody.subject", "product", w.product)
	w.heading("recovery_nobody.heading")
	w.paragraph("recovery_nobody.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("recovery_nobody.you")
	w.paragraph("recovery_nobody.not_you")
	w.footOfAddress()
}

// RecoveryWaiting reports, at once and each day, that somebody asked for a way back into the account and waits for it.
type RecoveryWaiting struct {
	// Wait is how long it takes from the first of these letters on.
	Wait time.Duration
	// Ends is when it is over; zero in the first letter, whose arrival starts the wait.
	Ends time.Time
	Seen Sighting
}

func (l RecoveryWaiting) compose(w *writer) {
	w.subjectLine("recovery_waiting.subject")
	w.heading("recovery_waiting.heading")
	w.paragraph("recovery_waiting.first")
	w.facts(append([]fact{{w.say("fact.wait"), w.duration(l.Wait)}, {w.say("fact.ends"), w.moment(l.Ends)}}, w.sighting(l.Seen)...)...)
	w.paragraph("recovery_waiting.you")
	w.paragraph("lost_device", "link", w.links.lost())
	w.paragraph("recovery_waiting.not_you")
	w.button("button.recovery", w.links.recovery())
	w.footOfAccount()
}

// RecoveryReady reports that the wait of a recovery is over.
type RecoveryReady struct{ Until time.Time }

func (l RecoveryReady) compose(w *writer) {
	w.subjectLine("recovery_ready.subject")
	w.heading("recovery_ready.heading")
	w.paragraph("recovery_ready.first", "origin", w.links.Origin)
	w.facts(fact{w.say("fact.until"), w.moment(l.Until)})
	w.paragraph("recovery_waiting.not_you")
	w.button("button.recovery", w.links.recovery())
	w.footOfAccount()
}

// RecoveryCancelled reports that the owner stopped a recovery.
type RecoveryCancelled struct{ Seen Sighting }

func (l RecoveryCancelled) compose(w *writer) {
	w.subjectLine("recovery_cancelled.subject")
	w.heading("recovery_cancelled.heading")
	w.paragraph("recovery_cancelled.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("recovery_cancelled.next")
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// RecoveryDisputed reports that two recoveries of one account met, and that both stand still.
type RecoveryDisputed struct{ Seen Sighting }

func (l RecoveryDisputed) compose(w *writer) {
	w.subjectLine("recovery_disputed.subject")
	w.heading("recovery_disputed.heading")
	w.paragraph("recovery_disputed.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("recovery_disputed.next")
	w.button("button.recovery", w.links.recovery())
	w.footOfAccount()
}

// RecoveryRejected reports that people let none of the recoveries that met go on.
type RecoveryRejected struct{}

func (l RecoveryRejected) compose(w *writer) {
	w.subjectLine("recovery_rejected.subject")
	w.heading("recovery_rejected.heading")
	w.paragraph("recovery_rejected.first")
	w.paragraph("recovery_rejected.next", "origin", w.links.Origin)
	w.button("button.recovery", w.links.recovery())
	w.footOfAccount()
}

// RecoveryCompleted reports that somebody came back into the account, and what ended with that.
type RecoveryCompleted struct {
	Seen Sighting
	// Second and Number are where notices went until then; empty where it was kept, or was none.
	Second, Number string
	// Hold is how long money stays in the account; 0 if nothing is held.
	Hold time.Duration
}

func (l RecoveryCompleted) compose(w *writer) {
	w.subjectLine("recovery_completed.subject")
	w.heading("recovery_completed.heading")
	w.paragraph("notice.first")
	w.facts(append(w.sighting(l.Seen), fact{w.say("fact.dropped_second"), l.Second}, fact{w.say("fact.dropped_number"), l.Number})...)
	w.paragraph("recovery_completed.ended")
	w.held("notice.hold", l.Hold)
	w.paragraph("recovery_completed.not_you", "origin", w.links.Origin)
	w.button("button.keys", w.links.keys())
	w.footOfAccount()
}

// RecoveryCodesReplaced reports that a new set of recovery codes took the place of the one before.
type RecoveryCodesReplaced struct {
	Seen Sighting
	Hold time.Duration
}

func (l RecoveryCodesReplaced) compose(w *writer) {
	w.subjectLine("recovery_codes_replaced.subject")
	w.heading("recovery_codes_replaced.heading")
	w.paragraph("notice.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("recovery_codes_replaced.old")
	w.held("notice.hold", l.Hold)
	w.paragraph("factor_removed.not_you")
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// RecoveryShortened reports that recovery by the mailbox alone was made faster.
type RecoveryShortened struct {
	Wait time.Duration
	Seen Sighting
	Hold time.Duration
}

func (l RecoveryShortened) compose(w *writer) {
	w.subjectLine("recovery_shortened.subject")
	w.heading("recovery_shortened.heading")
	w.paragraph("notice.first")
	w.facts(append([]fact{{w.say("fact.wait"), w.duration(l.Wait)}}, w.sighting(l.Seen)...)...)
	w.held("notice.hold", l.Hold)
	w.paragraph("recovery_shortened.not_you")
	w.button("button.recovery", w.links.recovery())
	w.footOfAccount()
}

// RecoveryLengthened reports that recovery by the mailbox alone was made slower, which keeps its owner out for longer too.
type RecoveryLengthened struct {
	Wait time.Duration
	Seen Sighting
}

func (l RecoveryLengthened) compose(w *writer) {
	w.subjectLine("recovery_lengthened.subject")
	w.heading("recovery_lengthened.heading")
	w.paragraph("notice.first")
	w.facts(append([]fact{{w.say("fact.wait"), w.duration(l.Wait)}}, w.sighting(l.Seen)...)...)
	w.paragraph("recovery_lengthened.not_you")
	w.button("button.recovery", w.links.recovery())
	w.footOfAccount()
}

// PhraseChanged reports that the words by which the reader knows our mails are others now. It carries them as every mail does.
type PhraseChanged struct{ Seen Sighting }

func (l PhraseChanged) compose(w *writer) {
	w.subjectLine("phrase_changed.subject")
	w.heading("phrase_changed.heading")
	w.paragraph("notice.first")
	w.facts(w.sighting(l.Seen)...)
	w.paragraph("phrase_changed.then")
	w.paragraph("phrase_changed.not_you")
	w.button("button.sessions", w.links.sessions())
	w.footOfAccount()
}

// DeviceLost reports that a device was given up as lost, and what ended with it.
type DeviceLost struct {
	// Device is what was lost, in words; Passkeys are the names of those that were removed with it.
	Device, Passkeys string
	Seen             Sighting
	Hold             time.Duration
}

func (l DeviceLost) compose(w *writer) {
	w.subjectLine("device_lost.subject")
	w.heading("device_lost.heading")
	w.paragraph("notice.first")
	w.facts(append([]fact{{w.say("fact.lost"), l.Device}}, w.sighting(l.Seen)...)...)
	w.paragraph("device_lost.ended")
	if l.Passkeys != "" {
		w.paragraph("device_lost.passkeys", "names", l.Passkeys)
	}
	w.held("notice.hold", l.Hold)
	w.paragraph("device_lost.keys")
	w.paragraph("lost_device_too", "link", w.links.lost())
	w.button("button.keys", w.links.keys())
	w.footOfAccount()
}

// HighValue tells a user that from a time on sensitive changes ask them for a passkey; without one, that they do so no more.
type HighValue struct{ From time.Time }

func (l HighValue) compose(w *writer) {
	if l.From.IsZero() {
		w.subjectLine("user_lowered.subject")
		w.heading("user_lowered.heading")
		w.paragraph("user_lowered.first")
	} else {
		w.subjectLine("user_raised.subject")
		w.heading("user_raised.heading")
		w.paragraph("user_raised.first")
		w.facts(fact{w.say("fact.from"), w.moment(l.From)})
		w.paragraph("user_raised.next")
	}
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// Demand tells a user that they demand a passkey of themselves now; with an end, that they gave that up.
type Demand struct {
	// Area is what for: "trading" or "settings".
	Area  string
	Until time.Time
	Seen  Sighting
}

func (l Demand) compose(w *writer) {
	if l.Until.IsZero() {
		w.subjectLine("demand_made.subject")
		w.heading("demand_made.heading")
		w.paragraph(map[string]string{"trading": "demand_made.trading", "settings": "demand_made.settings"}[l.Area])
		w.facts(w.sighting(l.Seen)...)
		w.paragraph("demand_made.not_you")
	} else {
		w.subjectLine("demand_dropped.subject")
		w.heading("demand_dropped.heading")
		w.paragraph(map[string]string{"trading": "demand_dropped.trading", "settings": "demand_dropped.settings"}[l.Area])
		w.facts(append([]fact{{w.say("fact.demand_until"), w.moment(l.Until)}}, w.sighting(l.Seen)...)...)
		w.paragraph("demand_dropped.not_you")
	}
	w.button("button.methods", w.links.methods())
	w.footOfAccount()
}

// RecoveryOpened tells that an operator opened a case for somebody who says that they lost every way into the account.
type RecoveryOpened struct{}

func (RecoveryOpened) compose(w *writer) {
	w.subjectLine("recovery_opened.subject")
	w.heading("recovery_opened.heading")
	w.paragraph("recovery_opened.first")
	w.paragraph("recovery_opened.not_you")
	w.button("button.recovery", w.links.recovery())
	w.footOfAccount()
}
