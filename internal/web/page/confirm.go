package page

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"

	"github.com/seed-21c57000/sallyport/internal/i18n"
)

// Transaction is what a confirmation is bound to, as its user is shown it. Empty fields were not said.
type Transaction struct {
	// Action is "withdraw" or "destination".
	Action                                     string
	Asset, Network, Address, Memo, Amount, Fee string
	Exchange                                   string
	Test                                       bool
}

// Held is what holds a user's money. Until is zero while it is not known.
type Held struct {
	Running bool
	Until   i18n.Moment
	Reasons []string
	// Locked: its owner has locked the account.
	Locked bool
}

// Confirm is the page of one confirmation.
type Confirm struct {
	Transaction
	// State is open, approved, executed, cancelled or expired.
	State   string
	Held    Held
	Expires i18n.Moment
	// Ready says that a passkey may approve; else Young is when the first will, and zero if there is none.
	Ready bool
	Young i18n.Moment
	// Unbound: there are passkeys, and none of the kind that is asked for.
	Unbound bool
	// Post is the path of this page; Back is where the exchange waits, empty if there is nowhere.
	Post, Back string
	// Methods and Sessions are pages of the dashboard, which is another origin.
	Methods, Sessions string
}

// Heading asks while there is something to do, and names what it was afterwards.
func (c Confirm) Heading() string {
	if c.State == "open" {
		return "confirm.title." + c.Action
	}
	return "confirm.what." + c.Action
}

// Pending is a confirmation in the list; URL is where it is given, empty if it was.
type Pending struct {
	Transaction
	ID, State, URL string
	Expires        i18n.Moment
}

// Confirmations is the list of what waits.
type Confirmations struct {
	Held Held
	List []Pending
}

// chunks writes an address in groups of four, so that people compare it; the space between them is drawn and not part of the text.
func chunks(address string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var html strings.Builder
		html.WriteString(`<span class="mono chunks">`)
		for rest := address; rest != ""; {
			n := min(4, len(rest))
			html.WriteString("<span>" + templ.EscapeString(rest[:n]) + "</span>")
			rest = rest[n:]
		}
		html.WriteString("</span>")
		_, err := io.WriteString(w, html.String())
		return err
	})
}
