package member

import (
	"context"
	"fmt"
	"maps"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Act is what somebody did in an account, as another reads of it who says that it was not them.
type Act struct {
	// Reader says so, and By did it.
	Reader, By id.User
	Account    id.Account
	// Session in which it was done; zero if none is known.
	Session id.Session
	// Facts for the letter to whoever did it: which letter reported it, and where the reader said so from.
	Facts map[string]string
}

// MayQuestion says whether the reader's word sends whoever did it out of the account: the reader owns it now, and whoever did it has not locked everything,
// because then nothing of theirs moves, and the hand on the lock stays.
func (m *Members) MayQuestion(ctx context.Context, tx any, act Act) (bool, error) {
	t := txn.As[Tx](tx)
	owns, err := m.isOwner(ctx, t, act.Account, act.Reader)
	if err != nil || !owns {
		return false, err
	}
	_, locked, err := t.LockedSince(ctx, act.By)
	if err != nil {
		return false, fmt.Errorf("read lock: %w", err)
	}
	return !locked, nil
}

// Question sends whoever did it out of the account, in the transaction of a caller who asked MayQuestion, and tells them who says so: if it was them they sign
// in again.
func (m *Members) Question(ctx context.Context, tx any, act Act) error {
	t := txn.As[Tx](tx)
	reader, _, err := t.UserByID(ctx, act.Reader)
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	facts := maps.Clone(act.Facts)
	facts["member"] = reader.Name
	if facts["account_name"], err = t.AccountName(ctx, act.Account); err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	told := map[string]string{"member": reader.Name, "account_name": facts["account_name"]}
	t.Record(audit.Event{Action: audit.MemberQuestioned, Actor: principal.System("not-me"), Person: act.By, Account: act.Account, Facts: told})
	h := happening.Happening{Kind: happening.ActQuestioned, User: act.By, Session: act.Session, Account: act.Account, Facts: facts}
	return m.Follow.Apply(ctx, tx, h)
}
