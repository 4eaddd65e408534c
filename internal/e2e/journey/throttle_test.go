package journey_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// TestWaitingGrowsAndEnds: what one stranger sees who guesses as fast as they are let.
func TestWaitingGrowsAndEnds(t *testing.T) {
	inBubble(t, func(l *life) {
		stranger := l.Browser("192.0.2.1")
		var waits []time.Duration
		for range 20 {
			got := stranger.SignIn(mail, "a wrong guess", "")
			if got.Code == fault.SignInThrottled {
				seconds, err := strconv.Atoi(got.Header.Get("Retry-After"))
				if err != nil {
					l.t.Fatal(err)
				}
				waits = append(waits, time.Duration(seconds)*time.Second)
				time.Sleep(time.Duration(seconds)*time.Second - time.Millisecond)
				if early := stranger.SignIn(mail, "a wrong guess", ""); early.Code != fault.SignInThrottled {
					l.t.Errorf("a millisecond before the end of %s: %s", waits[len(waits)-1], early.Code)
				}
				time.Sleep(time.Millisecond)
				got = stranger.SignIn(mail, "a wrong guess", "")
			}
			if got.Code != fault.SignInRefused {
				l.t.Fatalf("%d %s", got.Status, got.Text)
			}
		}
		var want []time.Duration
		for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900} {
			want = append(want, time.Duration(seconds)*time.Second)
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			l.t.Errorf("waits (-want +got):\n%s", diff)
		}
		l.mustSignIn(l.ada)

		// A browser that is new waits like every stranger, and gets in when its time has come.
		fresh := l.Browser("198.51.100.1")
		if got := l.signIn(fresh); got.Code != fault.SignInThrottled {
			l.t.Fatalf("a new browser during the attack: %d %s", got.Status, got.Text)
		}
		time.Sleep(15 * time.Minute)
		l.mustSignIn(fresh)
		// The right password ended the count.
		if got := stranger.SignIn(mail, "a wrong guess", ""); got.Code != fault.SignInRefused {
			l.t.Errorf("the next guess: %s", got.Code)
		}
	})
}

// TestAStolenPasswordDoesNotShutTheOwnerOut: somebody who has the password guesses at the codes, from everywhere.
func TestAStolenPasswordDoesNotShutTheOwnerOut(t *testing.T) {
	inBubble(t, func(l *life) {
		thief := l.Browser("192.0.2.1")
		tried := map[fault.Code]int{}
		for range 200 {
			half := thief.Call(http.MethodPost, "/v1/sign-in", map[string]string{"mail": mail, "password": authtest.Password})
			if half.Status != http.StatusOK {
				tried[half.Code]++
				continue
			}
			var token struct{ Half string }
			thief.Into(half, &token)
			tried[thief.Call(http.MethodPost, "/v1/sign-in/code", map[string]string{"half": token.Half, "code": "000000"}).Code]++
		}
		if tried[fault.TOTPCodeRefused] > 6 || tried[fault.TOTPCodeRefused]+tried[fault.SignInThrottled] != 200 {
			l.t.Errorf("the thief was told %v", tried)
		}
		l.mustSignIn(l.ada)
	})
}

// TestPeopleOfOneNetworkSignInAllDay: an office behind one address, each of whose people signs in twice a day in a browser of their own.
func TestPeopleOfOneNetworkSignInAllDay(t *testing.T) {
	inBubble(t, func(l *life) {
		const people = 30
		browsers := make([]*authtest.Browser, people)
		for i := range browsers {
			browsers[i] = l.Browser(home)
			browsers[i].SignUp(strconv.Itoa(i) + "@example.com")
			time.Sleep(time.Minute)
		}
		for hour := range 24 {
			for i, b := range browsers {
				if got := b.SignIn(strconv.Itoa(i)+"@example.com", authtest.Password, ""); got.Status != http.StatusOK {
					l.t.Fatalf("person %d in hour %d: %d %s", i, hour, got.Status, got.Text)
				}
				time.Sleep(2 * time.Minute)
			}
		}
	})
}

// TestGuessesAreFewAtAllDoors: somebody who reads Ada's mailbox guesses for two days, over restarts, at her password where people sign in and where they
// come back, and at her recovery codes. All doors together compare no more than one of them does.
func TestGuessesAreFewAtAllDoors(t *testing.T) {
	inBubble(t, func(l *life) {
		l.paper()
		looked := map[string][]time.Time{}
		var w *wayBack
		for step := range 2 * 24 * 12 { // 5 minutes each
			from := fmt.Sprintf("198.51.%d.%d", step/250, step%250)
			if step%5 == 0 { // a mailbox that was shown counts for half an hour
				w = l.askBack(from)
			}
			password := map[string]string{"password": "a wrong guess"}
			code := map[string]string{"code": "00000-00000-00000-00000-00000-00"}
			for _, try := range []struct {
				factor string
				got    authtest.Reply
			}{
				{"password", l.Browser(from).SignIn(mail, "a wrong guess", "")},
				{"password", w.b.Call(http.MethodPost, w.at+"/claim", password)},
				{"recovery code", w.b.Call(http.MethodPost, w.at+"/recovery-code", code)},
			} {
				switch try.got.Code {
				case fault.SignInRefused, fault.RecoveryProofRefused, fault.RecoveryCodeRefused:
					looked[try.factor] = append(looked[try.factor], time.Now())
				case fault.SignInThrottled:
				default:
					t.Fatalf("a %s, step %d: %d %s", try.factor, step, try.got.Status, try.got.Text)
				}
			}
			if step%100 == 99 {
				l.Settle()
				l.Stack = authtest.StartWith(l.t, authtest.Options{Folder: l.folder})
				w.b = l.Moved(w.b)
			}
			time.Sleep(5 * time.Minute)
		}
		for factor, at := range looked {
			if most := mostWithin(at, 24*time.Hour); most > mostADay || most < mostADay/2 {
				t.Errorf("%s: %d were compared within a day, want at most %d, and not much fewer", factor, most, mostADay)
			}
		}
		if len(looked) != 2 {
			t.Errorf("guesses at %d factors were compared, want 2", len(looked))
		}
	})
}

// mostWithin is the most moments that lie within any time of that length.
func mostWithin(at []time.Time, span time.Duration) (most int) {
	for i, first := range at {
		n := 0
		for _, one := range at[i:] {
			if one.Sub(first) < span {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}
