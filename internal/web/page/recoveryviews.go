package page

import "github.com/seed-21c57000/sallyport/internal/i18n"

// CodeSet is what is left of a set of recovery codes.
type CodeSet struct {
	Made i18n.Moment
	Left int
	// Confirmed: the owner typed one in to show that they were kept.
	Confirmed bool
}

// RecoveryCodes is the page about the set.
type RecoveryCodes struct {
	Problem Problem
	// Codes is nil if there are none.
	Codes *CodeSet
	// MayIssue: there is a factor that can make a set.
	MayIssue bool
}

// NewCodes is a set on the one page that shows it.
type NewCodes struct {
	List []string
	Made i18n.Moment
	// FileHref holds the same text as a file.
	FileHref string
}

// Recover is the first page of the way back.
type Recover struct {
	Problem        Problem
	Mail, CaseCode string
}

// RecoverCode takes the code of a mail.
type RecoverCode struct {
	Problem Problem
	// Case is the id of the case; CaseCode is set where it has just been made.
	Case, CaseCode string
	Mail           string
}

// RecoverCase is a case in the browser that showed its mailbox.
type RecoverCase struct {
	Problem  Problem
	ID, Mail string
	// State and Proof as package recovery names them.
	State, Proof string
	// Wait is the case's own; WithProof and Alone are those to choose from.
	Wait, WithProof, Alone string
	// Hold is how long money stays afterwards.
	Hold        string
	Ends, Until i18n.Moment
	// Passwordless: neither a password nor an app counts, and none can be had.
	Passwordless bool
	// Credentials are what the account still has, where the case is ready.
	Credentials []Credential
	// Due is by when people promised to decide, and Evidence what they decide by, where the case is disputed.
	Due      i18n.Moment
	Evidence []Evidence
}

// Evidence is a slot of a disputed case.
type Evidence struct {
	Slot     string
	Required bool
	// Takes are media types, as an input of files lists them.
	Takes string
	// Brought is when it was filled, if it was, and Gone when that is deleted at the latest.
	Brought, Gone i18n.Moment
}

// Credential is one that its owner confirms, or lets go.
type Credential struct {
	Value, Kind, Name string
	Added, Used       i18n.Moment
}

// RecoveryPlan is the page of preparations.
type RecoveryPlan struct {
	Problem Problem
	Codes   *CodeSet
	HasApp  bool
	// Alone is how long recovery by the mailbox alone takes; Days are the choices.
	Alone     string
	Days      []Option
	Rehearsed i18n.Moment
	With      string
	// Failed is when a rehearsal last did not work, and FailedWith what was tried.
	Failed     i18n.Moment
	FailedWith string
	// MailboxAt is when the mailbox was last shown, Mailed when a code was mailed that nobody typed yet, and MailGood says that it still may be.
	MailboxAt, Mailed i18n.Moment
	MailGood          bool
	Passkeys          []PasskeyTried
	Answers           []RecoveryAnswer
	Claims            []RecoveryClaim
}

// PasskeyTried is a passkey, and when its owner last tried it out.
type PasskeyTried struct {
	Name string
	At   i18n.Moment
	// Failed is when that last did not work.
	Failed i18n.Moment
}

// RecoveryAnswer is what happens after one loss.
type RecoveryAnswer struct {
	Loss    string
	DeadEnd bool
	Steps   []RecoveryStep
}

// RecoveryStep is one way; Wait is empty for at once.
type RecoveryStep struct {
	Way, Wait string
	Holds     bool
}

// RecoveryClaim is a recovery of the reader's account, by them or somebody else.
type RecoveryClaim struct {
	ID, State   string
	Since, Ends i18n.Moment
}

// Lost is the page for who lost a device, without a session.
type Lost struct {
	// WithProof and Alone are how long the slow ways back take, Hold how long money stays after any.
	WithProof, Alone, Hold string
	Passwordless           bool
}

// LostDevices lists what could be lost.
type LostDevices struct{ List []LostDevice }

// LostDevice is a browser that somebody lost, or may have.
type LostDevice struct {
	Problem    Problem
	ID, Device string
	First      i18n.Moment
	Last       i18n.Moment
	// Ended is when it became a stranger again; Here says that the reader looks through it.
	Ended    i18n.Moment
	Here     bool
	Sessions int
	Passkeys []string
	// Keys of the account, those that could live in it first.
	Keys []LostKey
}

// LostKey is an API key and why it may be lost too.
type LostKey struct {
	ID, Name   string
	Made, Used bool
	LastUsed   i18n.Moment
	Frozen     bool
}
