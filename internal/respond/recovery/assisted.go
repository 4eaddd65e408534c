package recovery

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/prove/recoverycode"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Opened is a case that an operator opened for somebody. Its code is handed to them, and is never readable again.
type Opened struct {
	Begun
	Case id.Case
}

// Open is for somebody who has lost the mailbox and everything else: an operator opens a case over a named account, whose letters go to an address
// at which they can be reached. It has shown nothing, so it moves only by what is brought to it and the yes of two operators; it stops no claim and
// no session of the owner, who is told at once at every address, and can cancel it. Afterwards it waits as long as the mailbox alone would.
// Errors: forbidden, mail_address.*, not_found, recovery.too_many.
func (r *Recoveries) Open(ctx context.Context, p principal.Principal, u id.User, reach, why string) (out Opened, err error) {
	if p.Kind != principal.KindHost {
		return out, fault.New(fault.Forbidden)
	}
	at, err := mailaddr.Parse(reach)
	if err != nil {
		return out, err
	}
	now, code := r.Now(), recoverycode.Mint()
	c := Case{
		ID: id.New[id.RecoveryKind](now), CodeHash: hashOf(code), Reach: at.String(), User: u, Born: now, Expires: now.Add(disputeLife),
		MailCodeUntil: now, Proof: Assisted, Claimed: now,
	}
	rand.Read(c.MailCode[:])
	rand.Read(c.Browser[:]) // nobody's: whoever has the code opens it in theirs
	out.Begun = Begun{c.ID, code.Text()}
	err = r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		event := audit.Event{Action: audit.CaseOpened, Actor: p, Person: u, Facts: map[string]string{"recovery": c.ID.String(), "reason": why}}
		if out.Case, err = r.open(ctx, tx, c); err != nil {
			return event, err
		}
		event.Facts["case"] = out.Case.String()
		return event, r.Follow.Apply(ctx, tx, happening.Happening{Kind: happening.RecoveryOpened, User: u})
	})
	return out, err
}

func (r *Recoveries) open(ctx context.Context, tx Tx, c Case) (id.Case, error) {
	if _, err := tx.ClaimUserRow(ctx, c.User); err != nil {
		return id.Case{}, fmt.Errorf("claim user: %w", err)
	}
	owner, found, err := tx.UserByID(ctx, c.User)
	if err != nil {
		return id.Case{}, fmt.Errorf("read user: %w", err)
	}
	if !found || !owner.DisabledAt.IsZero() {
		return id.Case{}, fault.New(fault.NotFound)
	}
	c.Mail, c.Lang = owner.Mail, owner.Lang
	if c.Span, err = r.spanOf(ctx, tx, c.User, MailboxAlone); err != nil {
		return id.Case{}, err
	}
	if err := tx.InsertRecovery(ctx, c); err != nil {
		return id.Case{}, fmt.Errorf("insert recovery: %w", err)
	}
	if won, err := tx.ClaimRecovery(ctx, c); err != nil || !won {
		return id.Case{}, fmt.Errorf("claim recovery: won %t: %w", won, err)
	}
	return r.join(ctx, tx, []Case{c})
}
