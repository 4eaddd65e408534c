package page

import "github.com/seed-21c57000/sallyport/internal/i18n"

// Messages is the message centre.
type Messages struct {
	// Find is an id that was looked for and not found; empty otherwise.
	Find string
	// Due: the reader's monthly check-up is.
	Due  bool
	List []Message
	// Older is where the list goes on; empty at its end.
	Older string
}

// Message is one that a user was told.
type Message struct {
	ID, Subject string
	// Body is what the mail said, a paragraph each.
	Body []string
	At   i18n.Moment
	// To are the addresses that it was mailed to.
	To []string
	// Mailed is when the relay took it; the zero moment if it did not.
	Mailed i18n.Moment
	// Read and Contained say what its user did: that they have read it, or that it was not them.
	Read, Contained bool
	// Clock says that a hold, or the end of a limit, waits until the message is read or mailed.
	Clock bool
}

// NotMe is the page behind the link of a mail.
type NotMe struct {
	Subject string
	At      i18n.Moment
	// Does are what the button stops, or has stopped.
	Does []string
	// State is "open", "done" (just now), "used" or "over".
	State string
	Until i18n.Moment
	// Post is where the button leads.
	Post string
	// Other says that somebody else did it: what is left to check is in the account.
	Other bool
	// Added is where the new sign-in method lies that the notice reports; empty for other notices.
	Added string
	// Undo says that the address is put back, and Undone that it was.
	Undo, Undone bool
}

// Contact is how a user is reached.
type Contact struct {
	Problem Problem
	Mail    string
	// Since is when the address took its place; the zero moment is the sign-up.
	Since       i18n.Moment
	Second      string
	SecondSince i18n.Moment
	// Phone is the number that notices are texted to. Texts says that text messages are on.
	Phone      string
	PhoneSince i18n.Moment
	Texts      bool
	Phrase     string
	// Typed are the values of a form that was not taken, by its field.
	Typed map[string]string
	// Undo is how long a change of the address can be taken back from the old mailbox.
	Undo string
}

// ContactCode is the page that takes the code of a new address.
type ContactCode struct {
	Problem   Problem
	Change    string
	Mail      string
	GoodUntil i18n.Moment
	// Text says that it was texted, and that Mail is a number.
	Text bool
}

// Genuine is the page that says whether something is ours.
type Genuine struct {
	// Text is what was pasted; Asked says that there is an answer.
	Text        string
	Asked, Ours bool
	// Where is the server or address that it comes to.
	Where   string
	Reasons []string
	// Origins and Senders are all that are ours; the value of an origin says what it is for.
	Origins []Fact
	Senders []string
	Apps    []OfficialApp
}

// OfficialApp is a native app of ours; System is "android" or "apple".
type OfficialApp struct {
	System, ID   string
	Fingerprints []string
}

// Contacted is the answer to "are you contacting me?": "silent", "writing" or "wrote".
type Contacted struct {
	State string
	List  []Message
}
