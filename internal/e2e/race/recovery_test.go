package race_test

import (
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// paper gives the person a set of codes. The step-up for it is another matter.
func (c *course) paper(p principal.Principal) []secret.Value {
	c.t.Helper()
	host := principal.Host("tests")
	host.User = p.User
	issued, err := c.Factors.IssueCodes(c.t.Context(), host)
	if err != nil {
		c.t.Fatal(err)
	}
	return issued.Codes
}

func TestOneRecoveryCodeCountsOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada, bob := c.SignUp("ada@example.com").Principal(), c.SignUp("bob@example.com").Principal()
		code := c.paper(ada)[0]
		c.paper(bob)
		prove := func(u principal.Principal) fault.Code {
			var refused error
			err := store.Of[factor.Tx](c.Store).Update(t.Context(), func(tx factor.Tx) (_ audit.Event, err error) {
				refused, err = c.Factors.ProveCode(t.Context(), tx, u.User, code)
				return audit.Quiet(audit.ThrottleCounted), err
			})
			if err == nil {
				err = refused
			}
			return answerOf(err)
		}
		if got := prove(bob); got != fault.RecoveryCodeRefused {
			t.Errorf("another user's code gives %q", got)
		}
		oneWins(t, func(int) fault.Code { return prove(ada) }, fault.RecoveryCodeRefused)
	})
}
