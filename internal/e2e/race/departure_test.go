package race_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
)

// Whoever was told that their account stays has it.
func TestWhoWasToldThatTheyStayStays(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		gone := 0
		for n := range 30 {
			ada := c.SignUp(fmt.Sprintf("ada%d@example.com", n))
			p := ada.Principal()
			d, err := c.Privacy.Leave(t.Context(), p, ada.Mail)
			if err != nil {
				t.Fatal(err)
			}
			job, _ := json.Marshal(privacy.Due{User: p.User, At: d.Due.UnixMicro()})
			start := make(chan struct{})
			var all sync.WaitGroup
			var stayed, done error
			all.Go(func() {
				<-start
				time.Sleep(time.Duration(n%6) * 500 * time.Microsecond)
				stayed = c.Privacy.Stay(t.Context(), p)
			})
			all.Go(func() { <-start; done = c.Privacy.DoDue(t.Context(), job) })
			close(start)
			all.Wait()
			if _, _, err := c.Accounts.ByMail(t.Context(), ada.Mail); stayed == nil && fault.CodeOf(err) == fault.NotFound {
				gone++
				t.Logf("%d: stay %v, end %v, account %v", n, stayed, done, err)
			}
		}
		if gone > 0 {
			t.Errorf("%d of 30 who were told that they stay were erased", gone)
		}
	})
}
