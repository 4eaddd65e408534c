package page

import "github.com/seed-21c57000/sallyport/internal/i18n"

// Overview is the first page of a signed-in user.
type Overview struct {
	HighValue HighValue
	// Held is what holds the user's money.
	Held Held
	// Young are the passkeys that may not approve money yet.
	Young      []YoungPasskey
	Name, Mail string
	// Status is "wrong" where somebody else may be at work, "better" where something could be, "well" where nothing is missing.
	Status string
	// Next is the best step to take now; nil if there is none.
	Next *Missing
	// Better is how many gaps there are, in words.
	Better string
	// Open is what is open now, each with its number.
	Open []OpenCount
	// Points of a hundred, and the layers that they come from.
	Points string
	Layers []Layer
	// SignIns are the latest ones, and those that failed.
	SignIns []Entry
	Proven  string
	Mine    Me
	Limit   string
	Hosts   []Host
	APIs    []API
}

// YoungPasskey is one that may approve money only from a moment on.
type YoungPasskey struct {
	Name string
	From i18n.Moment
}

// OpenCount is a number of things, and where they are.
type OpenCount struct{ Text, Href string }

// Missing is one gap, and where it is closed.
type Missing struct {
	Title, Text, Link, Href string
	// Cost is what it takes of the points; empty where only the step matters.
	Cost  string
	Wrong bool
}

// Layer is one of the five in which an account is guarded.
type Layer struct {
	Name string
	// Points of Whole, and both in words.
	Points, Whole int
	Count         string
	Gaps          []Missing
}

// CheckUp is the page that asks about everything that an account holds.
type CheckUp struct {
	// Progress says how many questions were answered, Confirmed when the last of them was, once all are.
	Progress  string
	Answered  int
	All       int
	Confirmed i18n.Moment
	// Due: a month has passed since Looked, when the reader last went through it.
	Due    bool
	Looked i18n.Moment
	Layers []AskedLayer
}

// AskedLayer are the questions of one layer: those that are open, and those that rest.
type AskedLayer struct {
	Name string
	Open []Asked
	Rest []Asked
	// Resting says how many rest.
	Resting string
}

// Asked is one question.
type Asked struct {
	// First: it is the first that is open on the page.
	First bool
	Text  string
	// Item and State go back with the yes.
	Item, State string
	Yes, No     string
	// Secure is where a no leads; End, in its place, the address that ends a session that was somebody else's, or lets a browser forget, and Back where
	// that leads, if not to its own page.
	Secure, End, Back string
	Facts             []AskedFact
	Confirmed         i18n.Moment
}

// AskedFact is a fact that helps to answer: words, or a time.
type AskedFact struct {
	Name, Value string
	At          i18n.Moment
}
