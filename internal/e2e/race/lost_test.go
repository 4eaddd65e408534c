package race_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// Two lost devices at once never take the last way in.
func TestTwoLostDevicesLeaveAWayIn(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		none := 0
		for n := range 20 {
			mail := fmt.Sprintf("ada%d@example.com", n)
			sid := c.verified(mail)
			begun, err := c.SignUps.BeginPasskey(t.Context(), sid, browser)
			if err != nil {
				t.Fatal(err)
			}
			key := authenticator{virtualwebauthn.NewAuthenticator(), authtest.NewCredential()}
			up, err := c.SignUps.FinishWithPasskey(t.Context(), signup.From{Origin: authtest.PersonOrigin(), Browser: browser}, sid, begun.State, key.attest(t, begun))
			if err != nil {
				t.Fatal(err)
			}
			p, err := c.Sessions.Authenticate(up.Bearer.Reveal(), "", authtest.PersonOrigin())
			if err != nil {
				t.Fatal(err)
			}
			host := principal.Host("tests") // as if both step-ups were given
			host.User, host.Account = p.User, p.Account
			c.paper(p)
			err = store.Of[factor.Tx](c.Store).Update(t.Context(), func(tx factor.Tx) (audit.Event, error) {
				k := passkey.Credential{ID: id.New[id.PasskeyKind](c.Now()), User: p.User, CredentialID: []byte(mail), Record: "{}", Name: "second", Born: c.Now(), ApprovesFrom: c.Now()}
				won, err := tx.InsertPasskey(t.Context(), k)
				if err != nil || !won {
					return audit.Event{}, fmt.Errorf("insert: %v %w", won, err)
				}
				seen, err := device.SignedIn(t.Context(), tx.(device.Tx), id.Device{}, p.User, "phone", c.Now())
				if err != nil {
					return audit.Event{}, err
				}
				return audit.Quiet(audit.Housekeeping), tx.NotePasskeyDevice(t.Context(), k.ID, seen.ID)
			})
			if err != nil {
				t.Fatal(err)
			}
			list, err := c.Recoveries.Losables(t.Context(), host)
			if err != nil || len(list) != 2 || len(list[0].Passkeys) != 1 || len(list[1].Passkeys) != 1 {
				t.Fatalf("%+v %v", list, err)
			}
			start := make(chan struct{})
			var all sync.WaitGroup
			for i := range 2 {
				all.Go(func() {
					<-start
					_, _ = c.Recoveries.GiveUp(t.Context(), host, recovery.LostInput{Device: list[i].ID})
				})
			}
			close(start)
			all.Wait()
			m, err := c.Factors.Of(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Passkeys) == 0 {
				none++
			}
		}
		if none > 0 {
			t.Errorf("%d of 20 have no way in any more", none)
		}
	})
}
