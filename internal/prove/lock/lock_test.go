package lock_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// What a lock stops is in the table of consequences; here is how it is pulled, what goes on, and how it is let go.
func TestALockedAccount(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			o := authtest.Options{Now: clock.Now}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			s := authtest.StartWith(t, o)
			b := s.Browser("203.0.113.7")
			b.Wait = clock.Advance
			b.SignUp("ada@example.com")
			secret := b.EnrolTOTP()
			who := b.Principal()
			bot := s.IssueKeyTo(who.Account, who.User, apikey.IssueInput{Scopes: []string{"balances:read", "orders:write"}})
			clock.Advance(30 * time.Second)
			call := func(method, path, body string) fault.Code {
				t.Helper()
				return s.Browser("203.0.113.7").Do(s.Signed(bot, method, authtest.APIHost, path, body)).Code
			}
			order := func() fault.Code {
				t.Helper()
				return call(http.MethodPost, "/v1/orders", `{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"1","price":"1"}`)
			}
			if got := order(); got != "" {
				t.Fatalf("an order before: %s", got)
			}
			if got := b.Call(http.MethodDelete, "/v1/lock", nil); got.Code != fault.AccountNotLocked {
				t.Errorf("to unlock what is not locked: %d %s", got.Status, got.Code)
			}
			if got := b.Call(http.MethodPost, "/v1/lock", nil); got.Status != http.StatusNoContent {
				t.Fatalf("to lock: %d %s", got.Status, got.Text)
			}
			if got := b.Call(http.MethodGet, "/v1/session", nil); got.Code != fault.SessionEnded {
				t.Errorf("the session that locked: %s", got.Code)
			}
			if got := order(); got != fault.KeyAccountLocked {
				t.Errorf("an order while locked: %s", got)
			}
			if got := call(http.MethodGet, "/v1/accounts", ""); got != "" {
				t.Errorf("a look while locked: %s", got)
			}
			stand, err := s.Holds.Of(t.Context(), who.User)
			if err != nil || !stand.Held || !stand.Until.IsZero() {
				t.Errorf("money while locked: %+v %v", stand, err)
			}

			clock.Advance(30 * time.Second)
			if got := b.SignIn("ada@example.com", authtest.Password, secret); got.Status >= 400 {
				t.Fatalf("to sign in to a locked account: %d %s", got.Status, got.Text)
			}
			if got := b.Call(http.MethodPost, "/v1/lock", nil); got.Code != fault.AccountLocked {
				t.Errorf("to lock twice: %s", got.Code)
			}
			if got := b.Call(http.MethodDelete, "/v1/lock", nil); got.Code != fault.StepUpRequired {
				t.Errorf("to unlock without a proof: %s", got.Code)
			}
			clock.Advance(30 * time.Second)
			if got := b.StepUp(http.MethodDelete, "/v1/lock", nil, secret); got.Status != http.StatusNoContent {
				t.Fatalf("to unlock: %d %s", got.Status, got.Text)
			}
			if got := order(); got != "" {
				t.Errorf("an order after: %s", got)
			}
			if stand, err := s.Holds.Of(t.Context(), who.User); err != nil || stand.Held {
				t.Errorf("money after: %+v %v", stand, err)
			}
			s.Settle()
			letters := s.Mailbox.Letters("ada@example.com")
			if last := letters[len(letters)-1]; last.Notice != notify.AccountUnlocked {
				t.Errorf("the newest letter: %+v", last)
			}
			other := s.SignUp("bob@example.com").Principal()
			if err := s.Locks.Lock(t.Context(), other, who.User); fault.CodeOf(err) != fault.Forbidden {
				t.Errorf("somebody else locked: %v", err)
			}
			if err := s.Locks.Lock(t.Context(), principal.Principal{Kind: principal.KindKey, User: who.User}, who.User); fault.CodeOf(err) != fault.Forbidden {
				t.Errorf("a key locked: %v", err)
			}
		})
	}
}
