package notify

import (
	"context"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Of what somebody else did in an account the reader's word is one of two, and either of them may be a thief. So it takes nothing from the reader, who is no
// suspect; it stops the thing itself, as far as the reader could in a session; from an owner it sends whoever did it out of that account, who comes back by
// signing in; and operators have a case. More of theirs ends by their own word alone, which the letter to them takes.

// Other says that the message reports what another person did than its user.
func (m Message) Other() bool { return !m.By.IsZero() && m.By != m.User }

// act is what a message reports of somebody else.
func (m Message) act() member.Act {
	return member.Act{Reader: m.User, By: m.By, Account: m.Account, Session: m.Session}
}

// questions says whether the reader's word sends whoever did it out of the account.
func (n *Notices) questions(ctx context.Context, tx Tx, m Message) (bool, error) {
	if !m.Other() {
		return false, nil
	}
	return n.Stops.Members.MayQuestion(ctx, tx, m.act())
}

// containOther ends the press of a link in a message about what somebody else did, once that was stopped.
func (n *Notices) containOther(ctx context.Context, tx Tx, m Message, from principal.Origin, questions bool) (audit.Event, error) {
	facts := happening.Happening{Facts: map[string]string{"letter": string(m.Letter)}}.SeenFrom(from).Facts
	if questions {
		facts["questioned"] = "yes"
		act := m.act()
		act.Facts = happening.Happening{Facts: map[string]string{"reported": string(m.Letter)}}.SeenFrom(from).Facts
		if err := n.Stops.Members.Question(ctx, tx, act); err != nil {
			return audit.Event{}, err
		}
	}
	evidence := evidenceOf(m)
	evidence["by"], evidence["account"] = m.By.String(), m.Account.String()
	h := happening.Happening{Kind: happening.ReportedOther, User: m.User, Facts: facts, About: m.ID.String(), Evidence: evidence}
	return audit.Event{Action: audit.NoticeOtherContained, Actor: principal.Nobody(from), Person: m.User, Facts: facts}, n.Follow.Apply(ctx, tx, h)
}
