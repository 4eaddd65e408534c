package signin_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// pause is a pepper that does something else, once, while a password is being compared.
type pause struct {
	*authtest.Stack
	during func()
}

func (p *pause) Current() string { return p.Keys.CurrentPepper() }

func (p *pause) MAC(version string, b []byte) ([32]byte, error) {
	if do := p.during; do != nil {
		p.during = nil
		do()
	}
	return p.Keys.PepperMAC(version, b)
}

// during makes the stack do something in the middle of the next comparison.
func during(t *testing.T, s *authtest.Stack, do func()) {
	t.Helper()
	hasher, err := password.New(&pause{s, do}, password.Settings{Cost: authtest.CheapHash, Slots: 2, Queue: 10, Wait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s.Factors.Hasher = hasher
}

const another = "five other words in another row"

func TestASignInUnderWayEndsWithItsPassword(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		changed := false
		during(t, s, func() {
			changed = true
			if _, err := s.Factors.SetPassword(t.Context(), ada.Principal(), word(another)); err != nil {
				t.Error(err)
			}
		})
		_, err := s.SignIns.WithPassword(t.Context(), stranger("198.51.100.1"), ada.Mail, word(authtest.Password))
		refused(t, err, fault.SignInExpired)
		if !changed {
			t.Fatal("the password was not changed meanwhile")
		}
		if _, err := s.SignIns.WithPassword(t.Context(), stranger("198.51.100.1"), ada.Mail, word(another)); err != nil {
			t.Errorf("the new password: %v", err)
		}
	})
}

func TestAHalfEndsWithItsPassword(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		from := stranger("198.51.100.1")
		half, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		proven(t, s, ada, func() error {
			bearer, err := s.Factors.SetPassword(t.Context(), ada.Principal(), word(another))
			if err == nil {
				ada.Bearer = bearer
			}
			return err
		})
		time.Sleep(30 * time.Second)
		_, err = s.SignIns.WithCode(t.Context(), from, half.Half, ada.Code())
		refused(t, err, fault.SignInExpired)
	})
}

func TestASignInUnderWayEndsWithItsUser(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		operator := principal.Host("tests")
		during(t, s, func() {
			if err := s.Accounts.Disable(t.Context(), operator, ada.User.ID); err != nil {
				t.Error(err)
			}
		})
		in, err := s.SignIns.WithPassword(t.Context(), stranger("198.51.100.1"), ada.Mail, word(authtest.Password))
		refused(t, err, fault.SignInRefused)
		if !in.Bearer.IsEmpty() {
			t.Error("a session was left for the day on which the user is enabled again")
		}
		if err := s.Accounts.Enable(t.Context(), operator, ada.User.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIns.WithPassword(t.Context(), stranger("198.51.100.1"), ada.Mail, word(authtest.Password)); err != nil {
			t.Errorf("once enabled again: %v", err)
		}
	})
}

// TestANeighbourNeverShutsOutAKnownDevice: somebody in the same network guesses at everybody's password, for hours.
func TestANeighbourNeverShutsOutAKnownDevice(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		neighbour, slowed := stranger("203.0.113.50"), 0
		for n := range 300 {
			_, err := s.SignIns.WithPassword(t.Context(), neighbour, fmt.Sprintf("somebody%d@example.com", n), word("a wrong guess of a password"))
			if fault.CodeOf(err) == fault.SignInThrottled {
				slowed++
			}
			time.Sleep(time.Second)
		}
		if slowed == 0 {
			t.Error("one network guesses at 300 addresses and is never slowed down")
		}
		home := signin.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte("home")), Device: ada.Device}
		home.Origin.Addr = netip.MustParseAddr("203.0.113.50")
		if _, err := s.SignIns.WithPassword(t.Context(), home, ada.Mail, word(authtest.Password)); err != nil {
			t.Errorf("the known device in that network: %v", err)
		}
	})
}

// TestOneWayOfCounting: tries are counted under the address itself, however it is spelt and whatever else is different, and a restart of the
// server forgets none (X02, X08, X13).
func TestOneWayOfCounting(t *testing.T) {
	spellings := []string{"ada@xn--bcher-kva.example", "ADA@xn--bcher-kva.example", "Ada@bücher.EXAMPLE", "ada@bücher.example", "ada@XN--BCHER-KVA.Example"}
	for _, row := range []struct {
		name string
		next func(t *testing.T, s *authtest.Stack, n int) (*authtest.Stack, signin.From, string)
	}{
		{"spellings", func(_ *testing.T, s *authtest.Stack, n int) (*authtest.Stack, signin.From, string) {
			return s, stranger("198.51.100.1"), spellings[n%len(spellings)]
		}},
		{"networks and agents", func(_ *testing.T, s *authtest.Stack, n int) (*authtest.Stack, signin.From, string) {
			from := stranger(netip.AddrFrom4([4]byte{198, 51, byte(n), 1}).String())
			from.Origin.Agent = fmt.Sprint("agent ", n)
			return s, from, spellings[0]
		}},
		{"restarts", func(t *testing.T, s *authtest.Stack, _ int) (*authtest.Stack, signin.From, string) {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return authtest.StartWith(t, authtest.Options{Folder: filepath.Dir(s.Config.Store.SQLite.Path)}), stranger("198.51.100.1"), spellings[0]
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				s.SignUp(spellings[0])
				compared := 0
				for n := range 12 {
					var from signin.From
					var mail string
					s, from, mail = row.next(t, s, n)
					_, err := s.SignIns.WithPassword(t.Context(), from, mail, word("a wrong guess of a password"))
					switch fault.CodeOf(err) {
					case fault.SignInRefused:
						compared++
					case fault.SignInThrottled:
					default:
						t.Fatal(err)
					}
				}
				if free := s.Config.Throttle.Free; compared != free {
					t.Errorf("%d of 12 guesses at once were compared, want %d", compared, free)
				}
			})
		})
	}
}

// TestAThrottledCodeLeavesNoEvent: what was not compared is not told, so nobody fills a log by trying.
func TestAThrottledCodeLeavesNoEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		from := stranger("198.51.100.1")
		half, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		before, err := s.Log.VerifyAll(t.Context(), audit.Head{})
		if err != nil {
			t.Fatal(err)
		}
		tried := map[fault.Code]int64{}
		for range 100 {
			_, err := s.SignIns.WithCode(t.Context(), from, half.Half, "000000")
			tried[fault.CodeOf(err)]++
		}
		after, err := s.Log.VerifyAll(t.Context(), audit.Head{})
		if err != nil {
			t.Fatal(err)
		}
		if tried[fault.SignInThrottled] < 90 || after.Events-before.Events != tried[fault.TOTPCodeRefused] {
			t.Errorf("%v left %d events", tried, after.Events-before.Events)
		}
	})
}

// TestAShortPasswordNeverStandsAlone: not beside a passkey either, because the password alone still opens a session.
func TestAShortPasswordNeverStandsAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		const short = "zq7Kv!2m"
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		proven(t, s, ada, func() error {
			bearer, err := s.Factors.SetPassword(t.Context(), ada.Principal(), word(short))
			if err == nil {
				ada.Bearer = bearer
			}
			return err
		})
		addPasskey(t, s, ada)
		_, err := s.Factors.RemoveTOTP(t.Context(), ada.Principal())
		refused(t, err, fault.PasswordTooShortAlone)

		bob := s.SignUp("bob@example.com")
		addPasskey(t, s, bob)
		_, err = s.Factors.SetPassword(t.Context(), bob.Principal(), word(short))
		refused(t, err, fault.PasswordTooShort)
	})
}

// proven does what may need a step-up: if it is refused, it is proven with the app's next code, and done.
func proven(t *testing.T, s *authtest.Stack, p *authtest.Person, do func() error) {
	t.Helper()
	refusal := do()
	if refusal == nil {
		return
	}
	asked, _ := errors.AsType[*fault.Error](refusal)
	if asked == nil || asked.Code != fault.StepUpRequired {
		t.Fatal(refusal)
	}
	step, err := id.Parse[id.StepUpKind](asked.Fields["step_up"].(string))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(30 * time.Second)
	if p.Bearer, err = s.Factors.SatisfyWithTOTP(t.Context(), p.Principal(), step, p.Code()); err != nil {
		t.Fatal(err)
	}
	if err := do(); err != nil {
		t.Fatal(err)
	}
}

func addPasskey(t *testing.T, s *authtest.Stack, p *authtest.Person) {
	t.Helper()
	begun, err := s.Factors.BeginPasskey(t.Context(), p.Principal())
	if err != nil {
		t.Fatal(err)
	}
	asked, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	if err != nil {
		t.Fatal(err)
	}
	phone := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(asked.UserID)})
	ours := virtualwebauthn.RelyingParty{Name: "Sallyport", ID: "localhost", Origin: authtest.Origin}
	answer := virtualwebauthn.CreateAttestationResponse(ours, phone, authtest.NewCredential(), *asked)
	proven(t, s, p, func() error {
		_, bearer, err := s.Factors.FinishPasskey(t.Context(), p.Principal(), begun.State, []byte(answer), "phone")
		if err == nil {
			p.Bearer = bearer
		}
		return err
	})
}
