package ceremony_test

import (
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
)

// FuzzOpen: no token that a browser sends opens but one that we made, in the form that we made it; it opens for its own kind and browser alone,
// and until its end. Whatever is wrong, the answer is the same, and nothing is read into the payload.
func FuzzOpen(f *testing.F) {
	type payload struct{ Mail string }
	now := time.Unix(1795292455, 0)
	c := ceremony.New(authtest.Start(f).Store.Ring(), func() time.Time { return now })
	browser := []byte("browser")
	genuine, err := c.Begin(ceremony.SignIn, browser, time.Minute, payload{"ada@example.com"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine, string(ceremony.SignIn), browser, int64(0))
	f.Add(genuine, string(ceremony.SignUp), browser, int64(0))
	f.Add(genuine, string(ceremony.SignIn), []byte("browse"), int64(0))
	f.Add(genuine, string(ceremony.SignIn), browser, int64(60))
	f.Add(genuine+"=", string(ceremony.SignIn), browser, int64(0))
	f.Add(genuine[:len(genuine)-1], string(ceremony.SignIn), browser, int64(0))
	f.Add("", "", []byte{}, int64(-1))
	begun := now
	f.Fuzz(func(t *testing.T, token, kind string, presented []byte, seconds int64) {
		now = begun.Add(time.Duration(seconds%3600) * time.Second)
		var got payload
		_, err := c.Open(ceremony.Kind(kind), presented, token, &got)
		right := token == genuine && kind == string(ceremony.SignIn) && string(presented) == string(browser) && seconds%3600 < 60
		switch {
		case right && (err != nil || got.Mail != "ada@example.com"):
			t.Errorf("the genuine token does not open: %v", err)
		case !right && (fault.CodeOf(err) != fault.SignInExpired || got != payload{}):
			t.Errorf("%q opens as %q for %q after %d s: %+v, %v", token, kind, presented, seconds, got, err)
		}
	})
}
