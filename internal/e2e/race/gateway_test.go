package race_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

const order = `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000"}`

var tradeScopes = []string{"balances:read", "orders:read", "orders:cancel", "orders:write"}

// TestOneSignedOrderIsPlacedOnce: the nonce of a signature with a time, which memory keeps.
func TestOneSignedOrderIsPlacedOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.SignUp("ada@example.com")
		key := c.IssueKey(ada, apikey.IssueInput{Scopes: tradeScopes})
		first := c.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", order)
		oneWins(t, func(int) fault.Code {
			again := first.Clone(first.Context())
			again.Body, _ = first.GetBody()
			return c.send(again, http.StatusCreated)
		}, fault.SignatureNonceReused)
		if n := c.orders(ada); n != 1 {
			t.Errorf("the exchange has %d orders, want 1", n)
		}
	})
}

// TestOneUntimedTokenPassesOnce: the nonce of a token without a time, which the database keeps. What one address sends again costs it tries, so
// late losers are told to wait.
func TestOneUntimedTokenPassesOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		key := c.IssueKey(c.SignUp("ada@example.com"), apikey.IssueInput{Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
		first := c.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", "")
		oneWins(t, func(int) fault.Code { return c.send(first.Clone(first.Context()), http.StatusOK) }, "nonce_used", "too_many_requests")
	})
}

// TestOneCodeOpensOneChildSession: the code that carries a browser from the dashboard to a gateway host.
func TestOneCodeOpensOneChildSession(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.SignUp("ada@example.com")
		code, way := c.Crossing(t, ada.Principal(), authtest.PageHost, "/")
		oneWins(t, func(int) fault.Code {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, authtest.PageOrigin+"/.sallyport/enter?code="+string(code.Reveal()), nil)
			if err != nil {
				return answerOf(err)
			}
			r.AddCookie(&http.Cookie{Name: httpx.WayCookie, Value: string(way.Reveal())})
			return c.send(r, http.StatusSeeOther)
		}, fault.ChildCodeRefused)
	})
}

// send gives a request to the gateway and says how it was answered: won with the status of success, else the code of the refusal.
func (c *course) send(r *http.Request, success int) fault.Code {
	answer := c.Do(r)
	if answer.StatusCode == success {
		return won
	}
	var refusal struct {
		Code, Name fault.Code
		Error      struct{ Name fault.Code }
	}
	if err := json.NewDecoder(answer.Body).Decode(&refusal); err != nil {
		return answerOf(err)
	}
	return cmp.Or(refusal.Code, refusal.Error.Name, refusal.Name)
}

// orders counts what the exchange has of a person.
func (c *course) orders(p *authtest.Person) int {
	c.t.Helper()
	look := c.IssueKey(p, apikey.IssueInput{Name: "look", Purpose: "count", Scopes: []string{"orders:read"}})
	total := 0
	for _, target := range []string{"/v1/orders/open", "/v1/orders/closed"} {
		var list []any
		if err := json.NewDecoder(c.Do(c.Signed(look, http.MethodGet, authtest.APIHost, target, "")).Body).Decode(&list); err != nil {
			c.t.Fatal(err)
		}
		total += len(list)
	}
	return total
}
