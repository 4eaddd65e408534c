package privacy_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// Of all owners whose time to leave is over at once, one stays for whoever else is in the account.
func TestOwnersWhoLeaveAtOnceLeaveOne(t *testing.T) {
	const many = 8
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			o := authtest.Options{Now: clock.Now}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			s := authtest.StartWith(t, o)
			ada := s.SignUp("ada@example.com")
			host := principal.Host("tests")
			host.Account = ada.Principal().Account
			leaving := []id.User{ada.User.ID}
			join := func(mail string, role principal.Role) id.User {
				t.Helper()
				which, err := s.Members.Invite(t.Context(), host, mail, role)
				fine(t, err)
				b := s.SignUp(mail)
				fine(t, s.Members.Accept(t.Context(), b.Principal(), which))
				return b.User.ID
			}
			join("viewer@example.com", principal.Viewer)
			for i := 1; i < many; i++ {
				leaving = append(leaving, join(fmt.Sprintf("owner%d@example.com", i), principal.Owner))
			}
			due := clock.Now().Add(time.Hour)
			for _, u := range leaving {
				fine(t, store.Of[privacy.Tx](s.Store).Update(t.Context(), func(tx privacy.Tx) (audit.Event, error) {
					_, err := tx.InsertDeparture(t.Context(), privacy.Departure{User: u, Asked: clock.Now(), Due: due})
					return audit.Quiet(audit.Housekeeping), err
				}))
			}
			clock.Advance(time.Hour)
			var all sync.WaitGroup
			begin := make(chan struct{})
			for _, u := range leaving {
				fields, err := json.Marshal(privacy.Due{User: u, At: due.UnixMicro()})
				fine(t, err)
				all.Go(func() {
					<-begin
					if err := s.Privacy.DoDue(t.Context(), fields); err != nil {
						t.Error(err)
					}
				})
			}
			close(begin)
			all.Wait()
			fine(t, store.Of[privacy.Tx](s.Store).View(t.Context(), func(tx privacy.Tx) error {
				owners, err := tx.OwnersOf(t.Context(), host.Account)
				if len(owners) != 1 {
					t.Errorf("of %d owners who left at once %d are there", many, len(owners))
				}
				return err
			}))
		})
	}
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
