package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Mirror keeps a letter that is sent by itself, because it carries a code, in the messages of m.User, and says whom it goes to: the code is in the
// mail alone. A second attempt at the same message keeps the first. found is false, and nothing is kept, if the user is gone, or if its address is
// no longer theirs: its reader is then somebody else, who must not learn their phrase.
func Mirror[T any](ctx context.Context, ledger audit.Ledger[T], m Message) (to To, found bool, err error) {
	err = ledger.Update(ctx, func(tx T) (audit.Event, error) {
		t := txn.As[Tx](tx)
		if to, found, err = addressee(ctx, t, m.User); err != nil || !found {
			return audit.Quiet(audit.Housekeeping), err
		}
		if found = m.To[0].Fresh || m.To[0].Mail == to.Mail; !found {
			return audit.Quiet(audit.Housekeeping), nil
		}
		to.Mail = m.To[0].Mail
		return audit.Quiet(audit.Housekeeping), t.InsertMessage(ctx, m)
	})
	return to, found, err
}

// Mailed notes that the relay took a letter that Mirror kept.
func Mailed[T any](ctx context.Context, ledger audit.Ledger[T], m Message, now time.Time) error {
	return ledger.Update(ctx, func(tx T) (audit.Event, error) {
		return audit.Quiet(audit.Housekeeping), txn.As[Tx](tx).MailedMessage(ctx, m.ID, now)
	})
}

// DoCodeMail sends the letter of a sign-up. One that is over sends nothing. The word that somebody tried to sign up with a user's address has the id
// of the sign-up, so that a second attempt makes no second one.
func (n *Notices) DoCodeMail(ctx context.Context, fields []byte) error {
	var job signup.CodeMail
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode code mail: %w", err)
	}
	up, found, err := n.SignUps.Letter(ctx, job.SignUp)
	if err != nil || !found {
		return err
	}
	m := Message{ID: id.Message(up.ID), Born: n.Now(), Content: Content{Letter: SignUpTried, To: []Address{{Mail: up.Mail}}}}
	if !up.Existing {
		m.Letter = SignUpCode
		return n.Post.SendCode(ctx, To{Mail: up.Mail, Name: up.Name, Lang: up.Lang}, m, n.SignUps.Code(up.ID), signup.CodeLife)
	}
	return n.toReader(ctx, m, func(to To) error {
		to.Lang = up.Lang
		return n.Post.SendCode(ctx, to, m, n.SignUps.Code(up.ID), signup.CodeLife)
	})
}

// toReader sends a letter about an address to whoever has it now.
func (n *Notices) toReader(ctx context.Context, m Message, send func(To) error) error {
	found := false
	err := n.Ledger.View(ctx, func(tx Tx) error {
		u, there, err := tx.UserByMail(ctx, m.To[0].Mail)
		m.User, found = u.ID, there
		return err
	})
	if err != nil || !found {
		return err
	}
	return n.mirrored(ctx, m, send)
}

func (n *Notices) mirrored(ctx context.Context, m Message, send func(To) error) error {
	to, found, err := Mirror(ctx, n.Ledger, m)
	if err != nil || !found {
		return err
	}
	if err := send(to); err != nil {
		return err
	}
	return Mailed(ctx, n.Ledger, m, n.Now())
}

// DoContactMail sends the code of a new address to that address, or of a number to that number. A change that is over sends nothing. Where the address is another user's, it is they
// who are told, and keep it.
func (n *Notices) DoContactMail(ctx context.Context, fields []byte) error {
	var job contact.CodeMail
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode contact mail: %w", err)
	}
	change, found, err := n.Contacts.Letter(ctx, job.Change)
	if err != nil || !found {
		return err
	}
	if change.Place == contact.Phone {
		return n.textCode(ctx, change)
	}
	m := Message{ID: id.Message(change.ID), User: change.User, Born: change.Born, Content: Content{
		Letter: ContactCode, Facts: map[string]string{"place": string(change.Place)}, To: []Address{{Mail: change.New, Fresh: true}},
	}}
	send := func(to To) error { return n.Post.SendContactCode(ctx, to, m, n.Contacts.Code(change.ID)) }
	if !change.Taken {
		return n.mirrored(ctx, m, send)
	}
	m.Content = Content{Letter: ContactTaken, To: []Address{{Mail: change.New}}}
	return n.toReader(ctx, m, send)
}

// textCode texts the code of a number. It lies among the messages of its user as the code of an address does.
func (n *Notices) textCode(ctx context.Context, change contact.Change) error {
	if n.Texts == nil {
		return nil
	}
	m := Message{ID: id.Message(change.ID), User: change.User, Born: change.Born, Content: Content{
		Letter: ContactCode, Facts: map[string]string{"place": string(change.Place)}, To: []Address{{Phone: change.New, Fresh: true}},
	}}
	return n.mirrored(ctx, m, func(to To) error {
		return n.Texts.TextCode(ctx, change.New, to.Lang, change.ID, n.Contacts.Code(change.ID))
	})
}
