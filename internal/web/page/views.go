// Package page owns the HTML of the dashboard: components over view models of their own, written by templ.
//
// It knows no room and no request: a handler fills a view with values that are ready to be read, and every sentence around them comes
// from the catalogues of package i18n.
//
// Invariant: no inline script or style, no attribute that runs code, no raw HTML, and no text outside the catalogues, because the policy
// that browsers enforce on these pages allows none of it.
package page

import (
	"slices"

	"github.com/seed-21c57000/sallyport/internal/i18n"
)

// Frame is what every page has in common.
type Frame struct {
	Words   i18n.Words
	Product string
	// Title is the name of the page, without the product's.
	Title string
	// Path of this page, for the marked entry of the navigation and to come back to after a change of language.
	Path string
	// Asked: the page was asked for at an address, so that it can be asked for in another language. One that answers a form says what it says once,
	// a wrong code or a new secret, and a change of language would lose it.
	Asked bool
	// Origin is the dashboard's, as the address bar must show it; empty on pages of other origins.
	Origin string
	// FormToken goes into every form.
	FormToken string
	// FormOwner says in each form, sealed, to whom it was shown; empty on pages that strangers may read.
	FormOwner string
	// Test: this installation guards play money.
	Test bool
	// Me is who is signed in; nil on pages for strangers.
	Me *Me
	// Notice says what has just been done; empty on most pages.
	Notice string
	// Tip is a word of advice that its reader has not put away; empty on most pages.
	Tip string
	// Waits are how long this installation lets money and people wait, in words.
	Waits Waits
	// Assets are the addresses of our own files.
	Assets Assets
}

// Waits are how long money is held after a change of a credential and of an address, and how long the slow ways back take: with one proof
// besides the mailbox, and with the mailbox alone.
type Waits struct{ Credential, Contact, WithProof, MailAlone string }

// Assets are the addresses of script, style and logo, with the hash of their content in their names.
type Assets struct{ Script, Style, Icon string }

// Me is the signed-in user, as every page shows them.
type Me struct {
	Name string
	// Idle is when the session loses its power without a human act, Ends when it is over.
	Idle, Ends i18n.Moment
	// Challenge says why the session may only look and cancel: "stranger", "idle", "unusual"; empty if it has full power.
	Challenge string
	// Until is when the challenge lapses by itself; the zero moment if it does not.
	Until i18n.Moment
}

// T says a text of the catalogue.
func (f Frame) T(key string, pairs ...string) string { return f.Words.Say(key, pairs...) }

// before says a text that goes on in an element of its own.
func (f Frame) before(key string) string { return f.T(key) + " " }

// Problem is why a form was not accepted. The zero value is no problem.
type Problem struct {
	Code, Title, Fix string
	// Field is the name of the input that is meant, and Hint what is wrong with it; both may be empty.
	Field, Hint string
	// Again is when trying again makes sense.
	Again i18n.Moment
	// Unchanged: nothing was changed, and neither text says so.
	Unchanged bool
}

// on says whether the problem is about the input of that name.
func (p Problem) on(field string) bool { return p.Field == field && field != "" }

// Option is one choice of a list.
type Option struct {
	Value, Text string
	Chosen      bool
}

// SignUp is the first page of signing up.
type SignUp struct {
	Problem    Problem
	Mail, Name string
	Korean     bool
}

// Code is the page that takes the code of a mail.
type Code struct {
	Problem   Problem
	SignUp    string
	Mail      string
	GoodUntil i18n.Moment
}

// Secure is the page on which a new user chooses the first credential.
type Secure struct {
	Problem Problem
	SignUp  string
	Mail    string
	// Passwordless: there are no passwords here.
	Passwordless bool
}

// KnownAccount is one that its user lets this browser show.
type KnownAccount struct {
	User, Name, Mail string
	// Href chooses it.
	Href string
}

// SignIn is the page that opens a session.
type SignIn struct {
	Problem  Problem
	Mail     string
	ReturnTo string
	// Origin is the address that the reader should see in the browser's bar.
	Origin string
	// Again: somebody is signed in, and the new session takes the place of theirs.
	Again bool
	// Shared: the box that says that the computer is not the reader's own is ticked.
	Shared bool
	// Passwordless: there are no passwords here.
	Passwordless bool
	// Accounts that this browser may show, and Lapsed, what it says of those that it shows no more.
	Accounts []KnownAccount
	Lapsed   []string
	Kept     Kept
}

// Kept is a form that waits, sealed, until its user has signed in again; empty where none does.
type Kept struct{ Form, At string }

// SendAgain is the page of a form that came too late.
type SendAgain struct {
	Action, Kept string
	// Lead says why it waits. Asked: a proof was asked for it before, so it may have gone already.
	Lead  string
	Asked bool
	// Details tell what is in it, where that can be told.
	Details []Fact
	Back    string
}

// SecondFactor is the page after the password.
type SecondFactor struct {
	Problem        Problem
	Half, ReturnTo string
	Kept           Kept
}

// API is a host of the gateway that takes signed requests.
type API struct {
	Origin string
	Test   bool
}

// environment is the one whose keys it takes; script shows a new key those of its own.
func (a API) environment() string {
	if a.Test {
		return "test"
	}
	return "live"
}

// Host is an exchange behind the gate.
type Host struct {
	Name, Authority, Origin string
	// Enter is where its host begins the way over.
	Enter string
	Test  bool
}

// Sessions is the list of sessions.
type Sessions struct {
	Idle string
	List []Session
	// Never: no browser may show the account where people sign in.
	Never bool
	// Remembering are the browsers that do.
	Remembering []Remembering
	// Places is who the places are owed to.
	Places Credit
}

// ShownHere says that the reader's own browser shows the account.
func (v Sessions) ShownHere() bool {
	return slices.ContainsFunc(v.Remembering, func(r Remembering) bool { return r.Mine })
}

// Remembering is a browser that shows the account; Mine is the reader's.
type Remembering struct {
	ID, Device string
	Since      i18n.Moment
	Mine       bool
}

// Credit names whom something shown is owed to, as its licence asks; empty for nobody.
type Credit struct{ Text, URL string }

// Session is one of them.
type Session struct {
	ID     string
	Device string
	// Place is about where it signed in; empty if nothing is known.
	Place string
	// Agent and Addr are what the browser said and where it was at the sign-in.
	Agent, Addr         string
	Proven              string
	Opened, Acted, Ends i18n.Moment
	Mine                bool
	// Shared and Limited are what a reader should see at once.
	Shared, Limited bool
	// Bound says that it is tied to its device, which last proved that at Proof; Skipped names why its browser did not, the last time.
	Bound   bool
	Proof   i18n.Moment
	Skipped string
	// Odd is by what else it was shown lately, and Copied how often without its device; empty if it was not.
	Odd, Copied     string
	OddAt, CopiedAt i18n.Moment
	// Could is what somebody could do who has a copy of its cookie.
	Could []Danger
	// Hosts that it has open, each with when.
	Hosts []OpenHost
}

// OpenHost is a gateway host on which a session has a child.
type OpenHost struct {
	Authority string
	Opened    i18n.Moment
}

// Methods is the page of sign-in methods.
type Methods struct {
	HighValue HighValue
	Problem   Problem
	Password  *Password
	TOTP      *TOTP
	Passkeys  []Passkey
	// Demands are all that the reader could demand of themselves; DemandWait is how long one goes on that they gave up.
	Demands    []Demand
	DemandWait string
	// Codes are the recovery codes; nil if there are none.
	Codes *CodeSet
	// Unfinished: no way back was kept, so that the enrolment of a second factor is not done.
	Unfinished bool
	// Lost are the ways back when one is lost, from what the others are.
	Lost Ways
	// Signal is what the browser's own list of passkeys should be true to, as JSON for script.
	Signal string
	// Spare says what the list lacks: "second" where there is one passkey only, "test" where one was neither used nor tried for half a year; empty
	// if nothing.
	Spare string
	// Passwordless: there are no passwords here, nor apps beside them.
	Passwordless bool
}

// Ways name the way back after the loss of each method: "another_passkey", "passkey", "password", "code", "proof_password", "proof_totp" or
// "mailbox".
type Ways struct{ Passkey, TOTP, Password string }

// Password as it is set.
type Password struct {
	Changed i18n.Moment
	// Alone: long enough to stand without a second factor.
	Alone bool
}

// Demand is a place where a passkey can be demanded.
type Demand struct {
	Area string
	Made bool
	// Until is when it ends; zero for one that was not given up.
	Until i18n.Moment
}

// TOTP is an authenticator app as it is set up.
type TOTP struct {
	Since i18n.Moment
	// Backup: its owner keeps it for when another is lost.
	Backup bool
}

// Passkey is one of the user's.
type Passkey struct {
	ID, Name string
	// Product is what the authenticator is; Attested says who says so: its maker, or only the authenticator itself.
	Product  string
	Attested bool
	// Certified is how far FIDO certifies the model: "L1" to "L3"; empty for none.
	Certified string
	Synced    bool
	Added     i18n.Moment
	Used      i18n.Moment
	Tested    i18n.Moment
	// Failed is when a trial last did not work.
	Failed i18n.Moment
	// Approves is when it is old enough to approve money; zero if it is.
	Approves i18n.Moment
	// Backup: its owner keeps it for when another is lost.
	Backup bool
}

// NewPassword is the page that sets a password.
type NewPassword struct {
	Problem Problem
	Mail    string
	// Least is how many characters it needs.
	Least string
	Set   bool
}

// Enrol is the page that shows a new authenticator secret, or only takes its code when the secret has been shown already.
type Enrol struct {
	Problem Problem
	Shown   bool
	Secret  string
	URI     string
	QRSize  int
	QRPath  string
}

// StepUp is the page that asks for one more proof.
type StepUp struct {
	Problem Problem
	// Action is where the form goes: the very address that asked.
	Action  string
	ID      string
	Summary string
	// Details are the summary's parts, where there is more to say than a sentence.
	Details []Fact
	// Needs is the proof that will do: "passkey", "totp" or "password".
	Needs string
	// Missing are the properties that the session has not shown yet, in words.
	Missing []string
	// After is where to go once a file has come, for forms that answer with one; empty for all others.
	After string
	// Carried is the form that was sent, sealed.
	Carried string
	Mail    string
	Back    string
}

// Keys is the list of API keys.
type Keys struct {
	Problem Problem
	List    []Key
	// MayCreate, or what is missing for it.
	MayCreate bool
	NotOwner  bool
	// Search is what the list was asked for.
	Search string
	APIs   []API
}

// Key is one of them.
type Key struct {
	ID, Name, Purpose string
	Test              bool
	Signs             string
	Scopes            []string
	Allowlist         []string
	State             KeyState
	Owner             string
	Created, Used     i18n.Moment
	UsedFrom          string
	Expires, Ended    i18n.Moment
	// OwnerLocked: it is frozen because its owner locked the account, and unlocking is what brings it back.
	OwnerLocked bool
	// Lapses is when it may no longer trade, because it has no allowlist.
	Lapses i18n.Moment
	// Ends says what becomes of its open orders if it is ended or stopped now; empty for one that places none.
	Ends string
	// OnEnd and Pin in words; Unreleased says that it may not withdraw yet, empty if that is no matter.
	OnEnd, Pin, Unreleased string
	// Vendor is who outside the account has it.
	Vendor string
	// Destinations are where it may send money.
	Destinations []Destination
	// Settings are the words of its dialect's; empty for what its clients usually do.
	Settings string
	// Window in words; empty for as old as its way of signing allows.
	Window string
	// Bounds are what it may do at most.
	Bounds  []Fact
	Standby bool
}

// KeyState says whether a key works.
type KeyState string

// The states of a key.
const (
	KeyLive    KeyState = "live"
	KeySoon    KeyState = "soon"
	KeyExpired KeyState = "expired"
	KeyRevoked KeyState = "revoked"
	KeyOrphan  KeyState = "orphan"
	KeyFrozen  KeyState = "frozen"
	KeyBlocked KeyState = "blocked"
	// KeyReadOnly and KeyDisabled: nobody used it for long.
	KeyReadOnly KeyState = "read_only"
	KeyDisabled KeyState = "disabled"
	// KeyOff: the operator has turned its dialect off.
	KeyOff KeyState = "dialect_off"
)

// Destination is a place that a key may send money to; Counts is set while it does not count yet.
type Destination struct {
	Text   string
	Counts i18n.Moment
}

// NewKey is the form that makes a key.
type NewKey struct {
	Problem       Problem
	APIs          []API
	Name, Purpose string
	Subaccounts   []Option
	// Owners are the reader and the service users; empty where there are none of these.
	Owners       []Option
	Environments []Option
	// Kind is the chosen way of signing: "browser", "ed25519", "hmac" or one of an exchange.
	Kind   string
	Scopes []Scope
	Lives  []Option
	// Templates lead to the form as it is usually filled in; Template is the one it was opened with.
	Templates             []Option
	Template              string
	OnEnds, Pins, Windows []Option
	Vendor, Destinations  string
	Settings              string
	Standby               bool
	Allowlist             string
	HereToo               bool
	Here                  string
	PublicKey             string
	Possession            string
	Challenge             string
	Bounds                Bounds
	// Exchanges are the ways of other exchanges.
	Exchanges []Exchange
	// Pairs are the commands that make the pairs that can be pasted.
	Pairs []Pair
	// Unpinned is how long a key without an allowlist may trade.
	Unpinned string
	// Check is the command that tries a key, with {file} for its file.
	Check string
	// Lapses says that a key that is tied to no place trades for a while only.
	Lapses string
}

// Exchange is the way in which clients of another exchange sign; Hint is what the operator makes of it.
type Exchange struct{ Kind, Hint string }

// Pair is the command that makes a key pair for one way of signing.
type Pair struct{ Kind, Make string }

// exchangeChosen says whether one of the exchanges' ways is.
func (v NewKey) exchangeChosen() bool {
	return slices.ContainsFunc(v.Exchanges, func(e Exchange) bool { return e.Kind == v.Kind })
}

// Scope is one permission with its meaning.
type Scope struct {
	Word, Text string
	// Acts: it does more than look.
	Acts   bool
	Chosen bool
}

// Created is a new key with its secret, shown once.
type Created struct {
	Key Key
	// Secret is empty for a key pair of its owner's own.
	Secret string
	// Passphrase beside it, in dialects that have one.
	Passphrase string
	// Retires is when the secret before this one ends; the zero moment for a new key.
	Retires i18n.Moment
	// FileName of the key file, and the file itself as a data: address, for saving it without script.
	FileName, FileHref string
	// Check is the command that tries the key.
	Check string
	// APIs are those of the key's environment.
	APIs []API
}

// Activity is a page of what happened.
type Activity struct {
	Entries []Entry
	// Places is who the places are owed to.
	Places Credit
	// Older is the address of the next page; Twin that of the same data as JSON.
	Older, Newest, Twin string
	// Code, KeyID and Since are what was looked for; Searched says that something was.
	Code, KeyID, Since string
	Searched           bool
}

// Entry is one event in words.
type Entry struct {
	At   i18n.Moment
	Text string
	// Times says how often, if more than once.
	Times string
	// Refused marks what did not succeed.
	Refused bool
	Who     string
	Proven  string
	From    string
	// Seen are the facts of a refusal, and Next what its owner can do.
	Seen []Fact
	Next string
	Code string
	// NotMe is the number of the entry, where its reader may say that it was not them; Key is a live key of theirs that acted.
	NotMe, Key string
	// NotOpened says that the sign-in to disown opened nothing.
	NotOpened bool
}

// Fact is a name and a value.
type Fact struct{ Name, Value string }

// Refusal is a page about something that went wrong.
type Refusal struct {
	Code, Title, Fix string
	Status           string
	Request          string
	Again            i18n.Moment
	Back             string
	SignIn           bool
	// Help is the page on which its reader gets what was missing, and Helps the words of the way there; both may be empty.
	Help, Helps string
	// Unchanged is that of Problem.
	Unchanged bool
}

// Codes is the index of error codes.
type Codes struct{ List []CodeLine }

// CodeLine is one line of it.
type CodeLine struct {
	Code, Status string
	Title        []Piece
}

// CodePage tells one error code in both languages.
type CodePage struct {
	Code, Status string
	// Outside is the code that strangers see instead; empty if they may see this one.
	Outside string
	Texts   []CodeText
}

// CodeText is its text in one language.
type CodeText struct {
	Lang       string
	Heading    string
	Title, Fix []Piece
}

// Piece is a stretch of text, or the name of a value that stands there.
type Piece struct{ Text, Name string }

// Prove asks for the proof that an exchange wants of its user.
type Prove struct {
	Host Host
	// Back leads to the page of the exchange; it is a page of ours.
	Back string
	// Needs and Missing are in words.
	Needs   string
	Missing []string
	// Lacking: its user has no factor that would do.
	Lacking bool
}

// Go is the page between ours and an exchange's.
type Go struct {
	Host Host
	// Path to go to, and State of the browser that set out there, while the code has not been made.
	Path, State string
	// Way is an address on the host; empty where the form comes first. Once: it holds the code.
	Way  string
	Once bool
}

// HighValue says from when sensitive changes ask a user for a passkey; the zero value says never.
type HighValue struct {
	From i18n.Moment
	// Now: they do already.
	Now bool
}
