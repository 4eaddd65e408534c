package journey_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// mostADay is how many passwords strangers may have compared with one user's within a day: 5 at once, then one after each delay, which doubles
// from a second to a quarter of an hour. 5 + 10 in the first 1,023 s, and one each 900 s for the rest of the day.
const mostADay = 15 + 95

// TestTenThousandGuesses: strangers from everywhere guess at one password for four days, over restarts. The owner's browser gets in all the
// while, with the right password and after mistakes of her own; and the guessers have no more tries than the policy gives to all of them
// together.
func TestTenThousandGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const guesses, days = 10_000, 4
		folder := t.TempDir()
		stack := authtest.StartWith(t, authtest.Options{Folder: folder})
		ada := stack.Browser(home)
		ada.SignUp(mail)
		stranger := stack.Browser("192.0.2.1")
		var looked []time.Time
		for n := range guesses {
			stranger.Addr = fmt.Sprintf("%d.%d.%d.9", 11+n/62_500, n/250%250, n%250)
			switch got := stranger.SignIn(mail, "a wrong guess", ""); got.Code {
			case fault.SignInRefused:
				looked = append(looked, time.Now())
			case fault.SignInThrottled:
			default:
				t.Fatalf("guess %d: %d %s", n, got.Status, got.Text)
			}
			if n%500 == 250 {
				if got := ada.SignIn(mail, "a slip of the owner", ""); got.Code != fault.SignInRefused {
					t.Fatalf("the owner's slip after %d guesses: %d %s", n, got.Status, got.Text)
				}
				if got := ada.SignIn(mail, authtest.Password, ""); got.Status != http.StatusOK {
					t.Fatalf("the owner after %d guesses: %d %s", n, got.Status, got.Text)
				}
			}
			if n%1000 == 999 {
				stack.Settle()
				next := authtest.StartWith(t, authtest.Options{Folder: folder})
				ada, stranger = next.Moved(ada), next.Moved(stranger)
				stack = next
			}
			time.Sleep(days * 24 * time.Hour / guesses)
		}
		most := mostWithin(looked, 24*time.Hour)
		if most > mostADay || most < mostADay/2 {
			t.Errorf("%d passwords were compared within a day, want at most %d, and not much fewer", most, mostADay)
		}
		t.Logf("of %d guesses %d were compared, at most %d within a day", guesses, len(looked), most)
	})
}
