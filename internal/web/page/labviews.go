package page

import "github.com/seed-21c57000/sallyport/internal/i18n"

// Lab is the signing lab.
type Lab struct {
	Problem         Problem
	Request, Signed string
	// Asked: there is something to tell, which is the rest.
	Asked, Holds bool
	Problems     []string
	Facts        []Fact
	SignedAt     i18n.Moment
	// Ours is what the signature has to be over; Hashed the text under query_hash.
	Ours, Hashed string
	// Compared: the reader's text was there. At says where the two part, unless they are the Same.
	Compared, Same      bool
	At                  string
	Marked, MarkedYours Marked
}

// Marked is a text with one character that is marked; none if Mark is empty.
type Marked struct{ Before, Mark, After string }

// Why says why a request was refused.
type Why struct {
	ID           string
	Asked, Found bool
	Entry        Entry
	// Proven: whoever sent it held the key.
	Proven bool
	// ToSign is what a signature with a test key had to be over.
	ToSign, Twin string
}
