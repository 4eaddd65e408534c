package program

import (
	"crypto/sha256"
	"net/netip"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/sign"
)

// Password is every trader's.
const Password = "correct horse battery staple gate"

// Trader is a person with a session, in the rooms that made them.
type Trader struct {
	User    id.User
	Account id.Account
	Bearer  secret.Value
}

// SignUp makes a person with a password, by the way that everybody takes; the code is that of the letter.
func SignUp(t testing.TB, rooms *server.Rooms, mail string) *Trader {
	t.Helper()
	ctx, browser := t.Context(), sha256.Sum256([]byte(mail))
	origin := principal.Origin{Addr: netip.MustParseAddr("127.0.0.1"), Agent: "test"}
	sid, err := rooms.SignUps.Begin(ctx, origin, signup.Begin{Mail: mail, Name: "Test", Lang: "en", Browser: browser})
	if err != nil {
		t.Fatal(err)
	}
	if err := rooms.SignUps.Verify(ctx, sid, browser, string(rooms.SignUps.Code(sid).Reveal())); err != nil {
		t.Fatal(err)
	}
	from := signup.From{Origin: origin, Browser: browser}
	up, err := rooms.SignUps.FinishWithPassword(ctx, from, sid, secret.FromString("password", Password))
	if err != nil {
		t.Fatal(err)
	}
	return &Trader{User: up.User.ID, Account: up.Session.Account, Bearer: up.Bearer}
}

// Key makes a key that looks and orders in the test environment, as the host does.
func (tr *Trader) Key(t testing.TB, rooms *server.Rooms, d sign.Dialect, a sign.Algorithm) apikey.Issued {
	t.Helper()
	scopes := []string{"balances:read", "orders:read"}
	if d == sign.Native {
		scopes = append(scopes, "orders:write")
	}
	issued, err := rooms.APIKeys.Issue(t.Context(), principal.Host("test"), apikey.IssueInput{
		Account: tr.Account, Owner: tr.User, Name: "bot", Purpose: "tests", Environment: id.Test, Scopes: scopes, Dialect: d, Algorithm: a,
	})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}
