package race_test

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
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

func TestOneMailboxTrialCountsOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.SignUp("ada@example.com").Principal()
		_, err := c.Recoveries.AskMailbox(t.Context(), ada)
		c.must(err)
		c.Settle()
		letters := c.Mailbox.Letters("ada@example.com")
		code := secret.FromString("code", letters[len(letters)-1].Code)
		oneWins(t, func(int) fault.Code {
			return answerOf(c.Recoveries.Rehearse(t.Context(), ada, recovery.MailboxAlone, code))
		}, fault.RecoveryProofRefused)
	})
}

// Two claims to one account stop each other, however close they come.
func TestTwoClaimsStopEachOther(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		both := 0
		for n := range 10 {
			mail := fmt.Sprintf("ada%d@example.com", n)
			ada := c.SignUp(mail).Principal()
			froms, cases := c.bothShown(mail, n)
			start := make(chan struct{})
			var all sync.WaitGroup
			for i := range cases {
				all.Go(func() {
					<-start
					if err := c.Recoveries.Claim(t.Context(), froms[i], cases[i]); err != nil {
						t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			open, err := c.Recoveries.Claims(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			for _, claim := range open {
				if claim.State(claim.Claimed) != recovery.Disputed {
					both++
				}
			}
		}
		if both > 0 {
			t.Errorf("%d of 10 times claims go on", both)
		}
	})
}

func (c *course) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// bothShown lets two browsers show the mailbox, each in a recovery of its own.
func (c *course) bothShown(mail string, n int) (froms [2]recovery.From, cases [2]id.Recovery) {
	c.t.Helper()
	for i := range cases {
		froms[i] = recovery.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte{byte(i)})}
		froms[i].Origin.Addr = netip.AddrFrom4([4]byte{203, 0, 113, byte(2*n + i)})
		begun, err := c.Recoveries.Begin(c.t.Context(), froms[i], mail, "en")
		if err != nil {
			c.t.Fatal(err)
		}
		c.Settle()
		letters := c.Mailbox.Letters(mail)
		if err := c.Recoveries.ShowMailbox(c.t.Context(), froms[i], begun.ID, letters[len(letters)-1].Code); err != nil {
			c.t.Fatal(err)
		}
		cases[i] = begun.ID
	}
	return froms, cases
}

// A dispute is decided once: of two operators who approve different claims beside one who rejects all, however close they come, one decision stands.
// What was brought goes with its user.
func TestOneDecisionStands(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		for n := range 5 {
			mail := fmt.Sprintf("ada%d@example.com", n)
			ada := c.SignUp(mail).Principal()
			froms, cases := c.bothShown(mail, n)
			for i := range cases {
				c.must(c.Recoveries.Claim(t.Context(), froms[i], cases[i]))
			}
			for i := range cases {
				c.must(c.Recoveries.Bring(t.Context(), froms[i], cases[i], recovery.Statement, []byte("I lost my phone.")))
				c.must(c.Recoveries.Bring(t.Context(), froms[i], cases[i], recovery.Statement, []byte("I lost my phone on Monday.")))
				c.must(c.Recoveries.Bring(t.Context(), froms[i], cases[i], recovery.Document, []byte("%PDF-1.7")))
			}
			h, err := c.Recoveries.Hearing(t.Context(), froms[0], cases[0])
			c.must(err)
			for i, first := range []string{"kim", "lee"} { // one yes for each claim: whoever comes next decides
				_, err := c.Recoveries.Approve(t.Context(), principal.Host(first), h.ID, cases[i])
				c.must(err)
			}
			var all sync.WaitGroup
			answers := make([]fault.Code, 3)
			start := make(chan struct{})
			for i, decide := range []func() error{
				func() error {
					_, err := c.Recoveries.Approve(t.Context(), principal.Host("min"), h.ID, cases[0])
					return err
				},
				func() error {
					_, err := c.Recoveries.Approve(t.Context(), principal.Host("ann"), h.ID, cases[1])
					return err
				},
				func() error { return c.Recoveries.Reject(t.Context(), principal.Host("bob"), h.ID, "tests") },
			} {
				all.Go(func() {
					<-start
					answers[i] = answerOf(decide())
				})
			}
			close(start)
			all.Wait()
			slices.Sort(answers)
			if want := []fault.Code{fault.CaseOver, fault.CaseOver, won}; !slices.Equal(answers, want) {
				t.Errorf("the answers are %q, want %q", answers, want)
			}
			host := principal.Host("tests")
			c.must(c.Accounts.Disable(t.Context(), host, ada.User))
			c.must(c.Accounts.Erase(t.Context(), host, ada.User))
			c.must(c.Recoveries.Ledger.View(t.Context(), func(tx recovery.Tx) error {
				for _, which := range cases {
					has, err := tx.EvidenceOf(t.Context(), which)
					if err != nil || len(has) > 0 {
						t.Errorf("what was brought outlived its user: %+v, %v", has, err)
					}
				}
				if _, found, err := tx.DisputeByID(t.Context(), h.ID); err != nil || found {
					t.Errorf("the case outlived its user: %t, %v", found, err)
				}
				return nil
			}))
		}
	})
}

// shown begins a recovery, shows the mailbox and a code, so that the case is ready.
func (c *course) shown(mail string, from recovery.From, code secret.Value) id.Recovery {
	c.t.Helper()
	begun, err := c.Recoveries.Begin(c.t.Context(), from, mail, "en")
	if err != nil {
		c.t.Fatal(err)
	}
	c.Settle()
	letters := c.Mailbox.Letters(mail)
	if err := c.Recoveries.ShowMailbox(c.t.Context(), from, begun.ID, letters[len(letters)-1].Code); err != nil {
		c.t.Fatal(err)
	}
	if err := c.Recoveries.WithCode(c.t.Context(), from, begun.ID, code); err != nil {
		c.t.Fatal(err)
	}
	return begun.ID
}

// Whoever was in makes a key at the moment in which its owner comes back: the key is refused, or frozen with all others.
func TestNoKeyOutlivesARecovery(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		fresh := secret.FromString("password", "another four words in a row")
		for n := range 12 {
			mail := fmt.Sprintf("ada%d@example.com", n)
			ada := c.withTOTP(mail)
			code := c.paper(ada.Principal())[0]
			bearer, err := c.Factors.SatisfyWithTOTP(t.Context(), ada.Principal(), c.askForKey(ada), ada.Code())
			if err != nil {
				t.Fatal(err)
			}
			ada.Bearer = bearer
			thief := ada.Principal()
			from := recovery.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte(mail))}
			from.Origin.Addr = netip.AddrFrom4([4]byte{203, 0, 113, byte(n)})
			which := c.shown(mail, from, code)
			start := make(chan struct{})
			var all sync.WaitGroup
			var made apikey.Issued
			var issued, recovered error
			all.Go(func() {
				<-start
				time.Sleep(time.Duration(n%6) * time.Millisecond) // the new password is hashed first
				made, issued = c.APIKeys.Issue(t.Context(), thief, newKey)
			})
			all.Go(func() {
				<-start
				_, recovered = c.Recoveries.FinishWithPassword(t.Context(), from, which, recovery.Keep{App: true}, fresh)
			})
			close(start)
			all.Wait()
			if recovered != nil {
				t.Fatal(recovered)
			}
			switch answer := answerOf(issued); answer {
			case won:
				if !c.KeyNow(made.ID).Frozen() {
					t.Errorf("%d: the key was made and goes on", n)
				}
			case fault.SessionEnded, fault.StepUpRequired:
			default:
				t.Errorf("%d: %s", n, answer)
			}
		}
	})
}
