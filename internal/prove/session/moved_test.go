package session_test

import (
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// A session on a gateway host that was opened at the very moment in which its parent went over to another subaccount, so that the database wrote both, acts
// for nobody: it would go on in books that its user has left, and that may be closed behind it.
func TestAChildThatItsParentLeftBehind(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	from := authtest.PersonOrigin()
	code, way := s.Crossing(t, ada.Principal(), authtest.PageHost, "/")
	row, bearer, _, err := s.Sessions.RedeemChildCode(t.Context(), code, way, authtest.PageHost, from)
	must(t, err)
	if _, err := s.Sessions.Authenticate(bearer.Reveal(), authtest.PageHost, from); err != nil {
		t.Fatal(err)
	}
	host := principal.Host("tests")
	host.Account = ada.Principal().Account
	other, err := s.Subaccounts.Open(t.Context(), host, "other")
	must(t, err)
	must(t, s.Subaccounts.Enter(t.Context(), ada.Principal(), other))

	late := secret.MintBearer("session")
	row.ID, row.TokenHash = id.New[id.SessionKind](row.Born), late.Hash()
	must(t, store.Of[session.Tx](s.Store).Update(t.Context(), func(tx session.Tx) (audit.Event, error) {
		tx.Announce(txn.Change{Subject: txn.SubjectSession, ID: row.ID})
		return audit.Quiet(audit.Housekeeping), tx.InsertSession(t.Context(), row)
	}))
	if who, err := s.Sessions.Authenticate(late.Reveal(), authtest.PageHost, from); fault.CodeOf(err) != fault.SessionEnded {
		t.Errorf("acts in %s while its parent acts in %s: %v", who.Subaccount, ada.Principal().Subaccount, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
