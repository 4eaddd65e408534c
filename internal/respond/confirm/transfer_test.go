package confirm_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// move asks for a transfer of bitcoin to a subaccount, confirms it where it can be confirmed, and sends it again.
func (s *scene) move(key authtest.Key, to string) (status int, body string) {
	s.t.Helper()
	ask := func(under string) (int, string) {
		r := s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/transfers", `{"currency":"BTC","amount":"0.01","to_subaccount":"`+to+`"}`)
		if under != "" {
			r.Header.Set("Sallyport-Confirmation", under)
		}
		got := s.Do(r)
		return got.StatusCode, authtest.Body(s.t, got)
	}
	status, body = ask("")
	var asked answer
	if err := json.Unmarshal([]byte(body), &asked); err != nil || asked.Code != fault.ConfirmationRequired {
		return status, body
	}
	if err := s.passkey.Approve(asked.address()); err != nil {
		s.t.Fatal(err)
	}
	return ask(asked.Fields.Confirmation.String())
}

// bitcoins is what a key's subaccount holds; its books open with the first look.
func (s *scene) bitcoins(key authtest.Key) string {
	s.t.Helper()
	var list []struct{ Currency, Balance string }
	body := authtest.Body(s.t, s.Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")))
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		s.t.Fatal(body)
	}
	for _, one := range list {
		if one.Currency == "BTC" {
			return one.Balance
		}
	}
	return "0"
}

// Money moves between the subaccounts of one account as docs/subaccounts.md says: through the gateway, confirmed by its owner, in the books of the
// paper exchange. It moves to nobody else's: not where the key does not name them, and not where it does.
func TestMoneyMovesBetweenSubaccounts(t *testing.T) {
	s := sceneOf(t, authtest.Options{})
	other, kim := s.subaccount(), s.SignUp("kim@example.com")
	inside := s.IssueKey(s.ada, apikey.IssueInput{Scopes: []string{"balances:read"}, Subaccount: other})
	theirs := s.IssueKey(kim, apikey.IssueInput{Scopes: []string{"balances:read"}})
	to := []apikey.Destination{{Asset: "BTC", Address: other.String()}, {Asset: "BTC", Address: theirs.Subaccount.String()}}
	key := s.IssueKey(s.ada, apikey.IssueInput{Scopes: []string{"withdrawals:write", "balances:read"}, Destinations: to})
	narrow := s.IssueKey(s.ada, apikey.IssueInput{Scopes: []string{"withdrawals:write"}, Destinations: to[:1]})
	before, had, hers := s.bitcoins(key), s.bitcoins(inside), s.bitcoins(theirs)

	if status, body := s.move(key, other.String()); status != http.StatusCreated {
		t.Fatalf("to a subaccount of the account: %d %s", status, body)
	}
	if now, has := s.bitcoins(key), s.bitcoins(inside); now == before || has == had {
		t.Errorf("nothing moved: %s → %s, and %s → %s", before, now, had, has)
	}
	before = s.bitcoins(key)
	if status, body := s.move(narrow, theirs.Subaccount.String()); status != http.StatusForbidden || !strings.Contains(body, string(fault.KeyDestinationNotAllowed)) {
		t.Errorf("to somebody else's, which the key does not name: %d %s", status, body)
	}
	if status, body := s.move(key, theirs.Subaccount.String()); status != http.StatusNotFound || !strings.Contains(body, "subaccount_not_found") {
		t.Errorf("to somebody else's, confirmed: %d %s", status, body)
	}
	if now, has := s.bitcoins(key), s.bitcoins(theirs); now != before || has != hers {
		t.Errorf("money went to somebody else: %s → %s, and %s → %s", before, now, hers, has)
	}
}

// subaccount makes one in ada's account.
func (s *scene) subaccount() id.Subaccount {
	s.t.Helper()
	host := principal.Host("tests")
	host.Account = s.who.Account
	made, err := s.Subaccounts.Open(s.t.Context(), host, "Makers")
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}
