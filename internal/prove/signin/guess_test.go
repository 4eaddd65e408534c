package signin_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// withCode signs in with the right password and this code.
func withCode(t *testing.T, s *authtest.Stack, from signin.From, p *authtest.Person, code string) error {
	t.Helper()
	half, err := s.SignIns.WithPassword(t.Context(), from, p.Mail, word(authtest.Password))
	if err != nil {
		return err
	}
	_, err = s.SignIns.WithCode(t.Context(), from, half.Half, code)
	return err
}

// wrong is a code that is good at no time near now.
func wrong(s *authtest.Stack, p *authtest.Person) string {
	near := map[string]bool{}
	for step := -3; step <= 3; step++ {
		near[authtest.CodeAt(p.TOTP, s.Now().Add(time.Duration(step)*30*time.Second))] = true
	}
	for n := range 10 {
		if code := fmt.Sprintf("%06d", n); !near[code] {
			return code
		}
	}
	panic("ten codes are good at once")
}

// guesser knows the password, tries codes as fast as it is let, from an address of its own each time, and remembers when one was looked at.
type guesser struct {
	t      *testing.T
	device secret.Value // of a browser that the user has signed in with, if it holds one
	looked []time.Time
	n      int
}

// until goes on to a time, or until codes are not looked at any more.
func (g *guesser) until(s *authtest.Stack, p *authtest.Person, end time.Time) {
	for time.Now().Before(end) {
		g.n++
		from := stranger(fmt.Sprintf("198.51.%d.%d", g.n/250, g.n%250+1))
		from.Device = g.device
		err := withCode(g.t, s, from, p, wrong(s, p))
		switch f, _ := errors.AsType[*fault.Error](err); {
		case f == nil:
			g.t.Fatalf("got %v", err)
		case f.Code == fault.TOTPCodeRefused:
			g.looked = append(g.looked, time.Now())
		case f.Code == fault.SignInThrottled && f.RetryAfter > 0:
			time.Sleep(f.RetryAfter)
		case f.Code == fault.TOTPResting:
			return
		default:
			g.t.Fatalf("got %v", err)
		}
	}
}

// most is the most codes that were looked at within any time of that length.
func (g *guesser) most(span time.Duration) (most int) {
	for i, first := range g.looked {
		n := 0
		for _, at := range g.looked[i:] {
			if at.Sub(first) < span {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// The numbers that package factor promises: at most 16 guesses a day for browsers the user knows, 16 for all others, also over restarts and
// beside sign-ins of the user; and the others come to an end at 100 in a row.
func TestGuessingCodesIsHopeless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		s := authtest.StartWith(t, authtest.Options{Folder: folder})
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		outside, inside := &guesser{t: t}, &guesser{t: t, device: ada.Device}
		begin := time.Now()
		for day := 1; day <= 3; day++ {
			outside.until(s, ada, begin.Add(time.Duration(day)*24*time.Hour))
			s.Settle()
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			s = authtest.StartWith(t, authtest.Options{Folder: folder})
			time.Sleep(3 * time.Hour) // while a guess is possible again, and after a day the user signs in with a browser of theirs
			if err := withCode(t, s, signin.From{Origin: stranger("203.0.113.9").Origin, Device: ada.Device}, ada, ada.Code()); err != nil {
				t.Fatalf("the user, on day %d: %v", day, err)
			}
		}
		if got := outside.most(24 * time.Hour); got > 16 || got < 12 {
			t.Errorf("strangers had %d guesses within a day, want at most 16, and not much fewer", got)
		}
		before := len(outside.looked)
		outside.until(s, ada, time.Now().AddDate(0, 1, 0))
		if got := len(outside.looked) - before; got != 100 {
			t.Errorf("after the user's sign-in strangers had %d guesses more, want 100", got)
		}
		if got := outside.most(24 * time.Hour); got > 16 {
			t.Errorf("strangers had %d guesses within a day, want at most 16", got)
		}
		inside.until(s, ada, time.Now().Add(48*time.Hour))
		if got := inside.most(24 * time.Hour); got > 16 || got < 8 {
			t.Errorf("with the user's device there were %d guesses within a day, want at most 16, and not much fewer", got)
		}
	})
}

// After 100 wrong codes no stranger's code is taken, also no right one, until the user has shown to be there; and the user is told.
func TestAnAppThatRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.Start(t)
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		(&guesser{t: t}).until(s, ada, time.Now().AddDate(0, 1, 0))
		s.Settle()
		var told []string
		for _, l := range s.Mailbox.Letters(ada.Mail) {
			if l.Notice == notify.CodesGuessed {
				told = append(told, l.Facts["count"]+l.Facts["resting"])
			}
		}
		if len(told) != 2 || told[0] != "8" || told[1] != "100yes" {
			t.Errorf("the user was told %q, want at 8 and at 100", told)
		}
		time.Sleep(24 * time.Hour)
		fresh := stranger("198.51.100.200")
		refused(t, withCode(t, s, fresh, ada, ada.Code()), fault.TOTPResting)
		known := signin.From{Origin: fresh.Origin, Device: ada.Device}
		time.Sleep(3 * time.Hour)
		if err := withCode(t, s, known, ada, ada.Code()); err != nil {
			t.Errorf("with a device of the user: %v", err)
		}
		time.Sleep(3 * time.Hour)
		if err := withCode(t, s, fresh, ada, ada.Code()); err != nil {
			t.Errorf("a new browser, after that: %v", err)
		}
	})
}

// Right codes cost nothing of the budget: somebody who signs in all day is not held up, and forgives no guesser anything.
func TestRightCodesCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.Start(t)
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		known := signin.From{Origin: stranger("203.0.113.9").Origin, Device: ada.Device}
		g := &guesser{t: t, device: ada.Device}
		for range 7 {
			time.Sleep(20 * time.Minute)
			if err := withCode(t, s, known, ada, wrong(s, ada)); fault.CodeOf(err) != fault.TOTPCodeRefused {
				t.Fatal(err)
			}
			if err := withCode(t, s, known, ada, ada.Code()); err != nil {
				t.Fatal(err)
			}
			g.looked = append(g.looked, time.Now())
		}
		for range 30 {
			time.Sleep(30 * time.Second)
			if err := withCode(t, s, known, ada, ada.Code()); err != nil {
				t.Fatal(err)
			}
		}
		g.until(s, ada, time.Now().Add(24*time.Hour))
		if got := g.most(24 * time.Hour); got > 16 {
			t.Errorf("%d guesses within a day, want at most 16", got)
		}
	})
}
