package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Message is what a user was told, or is being told: a notice as it lies in their message centre.
type Message struct {
	ID   id.Message
	User id.User
	Born time.Time
	Content
	// Mailed is when a relay took it first; Read when its user said that they have read it in the app.
	Mailed, Read time.Time
	// LinkUntil is how long the link of its mail works; zero while no mail with one left.
	LinkUntil time.Time
	// Contained is when that link was used.
	Contained time.Time
}

// Content is the part that is sealed under its user's key.
type Content struct {
	Letter Letter            `json:"letter"`
	Facts  map[string]string `json:"facts,omitzero"`
	// To are the addresses that it is mailed to, as they were when it was written: who changes an address afterwards does not get it.
	To []Address `json:"to"`
	// Hold begins when this message has arrived, and then lasts for Held; zero if it reports none.
	Hold id.Hold       `json:"hold,omitzero"`
	Held time.Duration `json:"held,omitzero"`
	// Session that did what is reported; zero if none did.
	Session id.Session `json:"session,omitzero"`
	// By is who did it, in which Account, where that was another person than the user who is told; zero for everything else.
	By      id.User    `json:"by,omitzero"`
	Account id.Account `json:"account,omitzero"`
	// Lapses says that the challenge of Session lapses a day after this message has arrived at every settled address and number.
	Lapses bool `json:"lapses,omitzero"`
	// Change is the change of an address that is reported; zero if none is.
	Change id.ContactChange `json:"change,omitzero"`
	// Recovery whose wait begins when this message has arrived; zero if it reports none.
	Recovery id.Recovery `json:"recovery,omitzero"`
}

// Address is one that a message is mailed to, or a number.
type Address struct {
	Mail string `json:"mail"`
	// Phone is a number instead, which is texted that the message is there.
	Phone string `json:"phone,omitzero"`
	// Since is when it became the user's; zero is their sign-up.
	Since time.Time `json:"since,omitzero"`
	// Fresh says that it only now took the place of another, or was dropped by a recovery: its reader cannot say that this was not them.
	Fresh bool `json:"fresh,omitzero"`
}

// Settled is how long an address must have been a user's for a mail there to start a clock (product.md, "What dies when").
const Settled = 7 * 24 * time.Hour

func (a Address) settled(at time.Time) bool { return a.Since.IsZero() || at.Sub(a.Since) >= Settled }

// Keep is how long messages stay in the message centre.
const Keep = 365 * 24 * time.Hour

// Tx is what this package asks of a transaction.
type Tx interface {
	contact.Tx
	txn.Enqueuer
	// InsertMessage seals it. One that is there already stays as it is.
	InsertMessage(ctx context.Context, m Message) error
	// MessageByID opens one; found is false also when its user was erased.
	MessageByID(ctx context.Context, m id.Message) (message Message, found bool, err error)
	// MessagesOf opens those of a user, the newest first, a page before the given one; the zero id begins.
	MessagesOf(ctx context.Context, u id.User, before id.Message, limit int) ([]Message, error)
	// ReadMessage is won once, by the message's own user.
	ReadMessage(ctx context.Context, m id.Message, u id.User, now time.Time) (won bool, err error)
	// LinkMessage lets the link of a message work until then, unless it was used.
	LinkMessage(ctx context.Context, m id.Message, until time.Time) error
	// MailedMessage notes the first time.
	MailedMessage(ctx context.Context, m id.Message, now time.Time) error
	// ReachMessage notes that one of its addresses was reached, and gives all that were, a bit for each.
	ReachMessage(ctx context.Context, m id.Message, address int) (reached uint64, err error)
	// ContainMessage uses the link up; won is false for all but the first, and after its end.
	ContainMessage(ctx context.Context, m id.Message, now time.Time) (won bool, err error)
}

// Notice is what shall be told.
type Notice struct {
	User id.User
	At   time.Time
	Content
}

// Write puts a message into its user's message centre, and a mail of it to each of their addresses, and a text to their number, into the outbox, in the caller's transaction.
// The address that a change took away is told first, and the one that took its place too.
func Write(ctx context.Context, tx any, n Notice) error {
	t := txn.As[Tx](tx)
	u, found, err := t.UserByID(ctx, n.User)
	if err != nil || !found {
		return err
	}
	reached, err := t.ContactOf(ctx, n.User)
	if err != nil {
		return fmt.Errorf("read contact: %w", err)
	}
	n.To = []Address{{Mail: u.Mail, Since: reached.MailSince}}
	if reached.Second != "" {
		n.To = append(n.To, Address{Mail: reached.Second, Since: reached.SecondSince})
	}
	if reached.Phone != "" {
		n.To = append(n.To, Address{Phone: reached.Phone, Since: reached.PhoneSince})
	}
	if !n.Change.IsZero() {
		if err := n.former(ctx, t); err != nil {
			return err
		}
	}
	n.dropped()
	if err := n.bound(ctx, t); err != nil {
		return err
	}
	m := Message{ID: id.New[id.MessageKind](n.At), User: n.User, Born: n.At, Content: n.Content}
	if err := t.InsertMessage(ctx, m); err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	for i := range n.To {
		if err := t.Enqueue(ctx, Delivery{Message: m.ID, User: m.User, Letter: m.Letter, To: i}); err != nil {
			return err
		}
	}
	return nil
}

// former adds the address that a change took away, and marks the one that took its place.
func (n *Notice) former(ctx context.Context, t Tx) error {
	change, found, err := t.ContactChangeByID(ctx, n.Change)
	if err != nil || !found {
		return fmt.Errorf("read change of contact: found %t: %w", found, err)
	}
	for i := range n.To {
		n.To[i].Fresh = n.To[i].Mail+n.To[i].Phone == change.New
	}
	switch {
	case change.Old == "":
	case change.Place == contact.Phone:
		n.To = append(n.To, Address{Phone: change.Old, Since: change.OldSince})
	default:
		n.To = append([]Address{{Mail: change.Old, Since: change.OldSince}}, n.To...)
	}
	return nil
}

// Facts of a completed recovery: where notices went until then, because nobody confirmed it.
const (
	DroppedSecond = "second_dropped"
	DroppedNumber = "number_dropped"
)

// dropped adds what a recovery took away: its reader is told, starts no clock and can stop nothing, for it may be a stranger's.
func (n *Notice) dropped() {
	if mail := n.Facts[DroppedSecond]; mail != "" {
		n.To = append(n.To, Address{Mail: mail, Since: n.At, Fresh: true})
	}
	if number := n.Facts[DroppedNumber]; number != "" {
		n.To = append(n.To, Address{Phone: number, Since: n.At, Fresh: true})
	}
}

// bound leaves numbers out that were texted enough for a day: whoever can cause notices must not make the platform pay for as many as they like.
func (n *Notice) bound(ctx context.Context, t Tx) error {
	kept := n.To[:0:0]
	for _, a := range n.To {
		if a.Phone != "" {
			if ok, err := contact.MayText(ctx, t, a.Phone, n.At); err != nil {
				return err
			} else if !ok {
				continue
			}
		}
		kept = append(kept, a)
	}
	n.To = kept
	return nil
}

// Text is a message in words.
type Text struct {
	Subject string
	// Body is what the mail said, without its link.
	Body string
}

// Reader says a message in words. Adapter mail writes them, so that the app shows what the mail said.
type Reader interface {
	Read(lang string, m Message) (Text, error)
}

// Shown is a message as its user reads it.
type Shown struct {
	Message
	Text
}

// PageSize is how many messages a page holds.
const PageSize = 30

// Messages lists the principal's own, the newest first, from before the given one on; the zero id begins.
func (n *Notices) Messages(ctx context.Context, p principal.Principal, before id.Message) (list []Shown, err error) {
	var rows []Message
	err = n.Ledger.View(ctx, func(tx Tx) (err error) {
		rows, err = tx.MessagesOf(ctx, p.User, before, PageSize)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	for _, m := range rows {
		text, err := n.Reader.Read(p.Lang, m)
		if err != nil {
			return nil, err
		}
		list = append(list, Shown{m, text})
	}
	return list, nil
}

// Message gives one of the principal's own. Errors: message.not_found.
func (n *Notices) Message(ctx context.Context, p principal.Principal, which id.Message) (s Shown, err error) {
	err = n.Ledger.View(ctx, func(tx Tx) (err error) {
		s.Message, err = own(ctx, tx, p, which)
		return err
	})
	if err == nil {
		s.Text, err = n.Reader.Read(p.Lang, s.Message)
	}
	return s, err
}

func own(ctx context.Context, tx Tx, p principal.Principal, which id.Message) (Message, error) {
	m, found, err := tx.MessageByID(ctx, which)
	if err != nil {
		return m, fmt.Errorf("read message: %w", err)
	}
	if !found || m.User != p.User {
		return m, fault.New(fault.MessageNotFound)
	}
	return m, nil
}

// Read notes that the principal has read a message of theirs in the app, and starts the clocks that wait for it, unless it may be a stranger who
// reads it. Errors: message.not_found.
func (n *Notices) Read(ctx context.Context, p principal.Principal, which id.Message) error {
	var m Message
	err := n.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		var err error
		if m, err = own(ctx, tx, p, which); err != nil {
			return audit.Event{}, err
		}
		if _, err := tx.ReadMessage(ctx, which, p.User, n.Now()); err != nil {
			return audit.Event{}, fmt.Errorf("read message: %w", err)
		}
		return audit.Event{Action: audit.MessageRead, Actor: p}, nil
	})
	if err != nil {
		return err
	}
	if !n.witnessed(p, m) {
		return nil
	}
	if err := n.lapse(ctx, m); err != nil {
		return err
	}
	return n.arrived(ctx, m)
}

// witnessed says whether it is the user who reads m, as far as can be seen, and not whom it warns of: a session that owes no factor, did not do
// what is reported and was there before. One that came after it counts a day later: the others may all have ended by what is reported.
func (n *Notices) witnessed(p principal.Principal, m Message) bool {
	if p.Challenge.Why != "" || p.Session == m.Session {
		return false
	}
	return p.Session.Born().Before(m.ID.Born()) || n.Now().Sub(m.Born) >= lateWitness
}

const lateWitness = 24 * time.Hour

// lapse starts the day after which a challenge lapses. Twice is as once.
func (n *Notices) lapse(ctx context.Context, m Message) error {
	if !m.Lapses {
		return nil
	}
	return n.Arrivals.Sessions.Told(ctx, m.Session)
}

// reached notes that a message arrived at one of its settled addresses or numbers, and lets a challenge lapse once it arrived at all of them: one that
// was given up was not told.
func (n *Notices) reached(ctx context.Context, m Message, address int) error {
	var all uint64
	err := n.quietly(ctx, func(tx Tx) (err error) {
		all, err = tx.ReachMessage(ctx, m.ID, address)
		return err
	})
	if err != nil {
		return fmt.Errorf("note arrival: %w", err)
	}
	for i, a := range m.To {
		if off := a.Phone != "" && n.Texts == nil; !off && a.settled(m.Born) && all&(1<<i) == 0 {
			return nil
		}
	}
	return n.lapse(ctx, m)
}

// arrived starts the clocks that wait for a message at one address. Twice is as once.
func (n *Notices) arrived(ctx context.Context, m Message) error {
	if !m.Recovery.IsZero() {
		if err := n.Arrivals.Recoveries.BeginWait(ctx, m.Recovery); err != nil {
			return err
		}
	}
	if m.Hold.IsZero() {
		return nil
	}
	return n.Arrivals.Holds.Begin(ctx, m.Hold)
}
