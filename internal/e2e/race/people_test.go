package race_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

var browser = sha256.Sum256([]byte("the browser of every racer"))

// coded begins a sign-up and reads the code from its letter.
func (c *course) coded(mail string) (id.SignUp, string) {
	c.t.Helper()
	sid, err := c.SignUps.Begin(c.t.Context(), authtest.PersonOrigin(), signup.Begin{Mail: mail, Name: "Ada", Lang: "en", Browser: browser})
	if err != nil {
		c.t.Fatal(err)
	}
	c.Settle()
	letters := c.Mailbox.Letters(mail)
	return sid, letters[len(letters)-1].Code
}

func (c *course) verified(mail string) id.SignUp {
	c.t.Helper()
	sid, code := c.coded(mail)
	if err := c.SignUps.Verify(c.t.Context(), sid, browser, code); err != nil {
		c.t.Fatal(err)
	}
	return sid
}

func (c *course) finish(sid id.SignUp) fault.Code {
	from := signup.From{Origin: authtest.PersonOrigin(), Browser: browser}
	_, err := c.SignUps.FinishWithPassword(c.t.Context(), from, sid, secret.FromString("password", authtest.Password))
	return answerOf(err)
}

func TestOneMailCodeVerifiesOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		sid, code := c.coded("ada@example.com")
		oneWins(t, func(int) fault.Code { return answerOf(c.SignUps.Verify(t.Context(), sid, browser, code)) }, fault.SignUpCodeRefused)
	})
}

// TestAHundredGuessesAreFive: a code that was guessed at five times is worth nothing, however many guess at once.
func TestAHundredGuessesAreFive(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		sid, code := c.coded("ada@example.com")
		// One racer in twenty is right: of those, only one who is among the first five may win.
		answers := map[fault.Code]int{}
		for _, o := range run(func(racer int) fault.Code {
			guess := wrong(code)
			if racer%20 == 19 {
				guess = code
			}
			return answerOf(c.SignUps.Verify(t.Context(), sid, browser, guess))
		}) {
			answers[o.Output.(fault.Code)]++
		}
		if answers[won] > 1 || answers[won]+answers[fault.SignUpCodeRefused] != racers {
			t.Errorf("the guessers were told %v", answers)
		}

		sid, code = c.coded("bob@example.com")
		run(func(int) fault.Code { return answerOf(c.SignUps.Verify(t.Context(), sid, browser, wrong(code))) })
		if got := answerOf(c.SignUps.Verify(t.Context(), sid, browser, code)); got != fault.SignUpCodeRefused {
			t.Errorf("after 100 wrong guesses the right code gives %q", got)
		}
	})
}

// TestFourWrongGuessesLeaveOne: guesses at once are not counted twice either.
func TestFourWrongGuessesLeaveOne(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		sid, code := c.coded("ada@example.com")
		guessed := make(chan fault.Code, 4)
		for range cap(guessed) {
			go func() { guessed <- answerOf(c.SignUps.Verify(t.Context(), sid, browser, wrong(code))) }()
		}
		for range cap(guessed) {
			if got := <-guessed; got != fault.SignUpCodeRefused {
				t.Errorf("a wrong guess gives %q", got)
			}
		}
		if got := answerOf(c.SignUps.Verify(t.Context(), sid, browser, code)); got != won {
			t.Errorf("the fifth guess, which is right, gives %q", got)
		}
	})
}

// wrong is another code of the same length.
func wrong(code string) string { return string('0'+(code[0]-'0'+1)%10) + code[1:] }

func TestOneVerifiedSignUpMakesOneUser(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		sid := c.verified("ada@example.com")
		oneWins(t, func(int) fault.Code { return c.finish(sid) }, fault.SignUpExpired)
		c.oneUser("ada@example.com")
	})
}

// TestOneAddressMakesOneUser: 100 sign-ups of one address, each verified in its own right.
func TestOneAddressMakesOneUser(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		var sids [racers]id.SignUp
		for i := range sids {
			sids[i] = c.verified("ada@example.com")
		}
		oneWins(t, func(racer int) fault.Code { return c.finish(sids[racer]) }, fault.SignUpExpired)
		c.oneUser("ada@example.com")
	})
}

// oneUser: the address has a user with exactly one account, one session and one event.
func (c *course) oneUser(mail string) {
	c.t.Helper()
	u, memberships, err := c.Accounts.ByMail(c.t.Context(), mail)
	if err != nil || len(memberships) != 1 {
		c.t.Fatalf("%d accounts: %v", len(memberships), err)
	}
	p := authtest.Person{Mail: mail, User: u}
	if n := c.sessions(&p); n != 1 {
		c.t.Errorf("%d sessions, want 1", n)
	}
	c.Settle()
	welcomes := 0
	for _, l := range c.Mailbox.Letters(mail) {
		if l.Notice == notify.Welcome {
			welcomes++
		}
	}
	if welcomes != 1 {
		c.t.Errorf("%d letters of welcome, want 1", welcomes)
	}
}

// from is the browser that a person signed up with.
func from(p *authtest.Person) signin.From {
	return signin.From{Origin: authtest.PersonOrigin(), Browser: browser, Device: p.Device}
}

// TestOneCodeFinishesOneOfAHundredHalves: a step of an authenticator app, brought with 100 halves that each passed the password.
func TestOneCodeFinishesOneOfAHundredHalves(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.SignUp("ada@example.com")
		ada.EnrolTOTP()
		c.later(time.Minute)
		from := from(ada)
		var halves [racers]string
		for i := range halves {
			half, err := c.SignIns.WithPassword(t.Context(), from, ada.Mail, secret.FromString("password", authtest.Password))
			if err != nil {
				t.Fatalf("half %d: %v", i, err)
			}
			halves[i] = half.Half
		}
		before, code := c.sessions(ada), ada.Code()
		oneWins(t, func(racer int) fault.Code {
			_, err := c.SignIns.WithCode(t.Context(), from, halves[racer], code)
			return answerOf(err)
		}, fault.TOTPCodeRefused, fault.SignInThrottled)
		if n := c.sessions(ada) - before; n != 1 {
			t.Errorf("%d sessions were opened, want 1", n)
		}
	})
}

// TestOneAssertionSignsInOnce: the state of a passkey ceremony, with the answer that fits it.
func TestOneAssertionSignsInOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		ada := c.SignUp("ada@example.com")
		key := c.enrolPasskey(ada)
		from := from(ada)
		begun, err := c.SignIns.BeginPasskey(from)
		if err != nil {
			t.Fatal(err)
		}
		before, answer := c.sessions(ada), key.assert(t, begun)
		oneWins(t, func(int) fault.Code {
			_, err := c.SignIns.WithPasskey(t.Context(), from, begun.State, answer)
			return answerOf(err)
		}, fault.SignInExpired)
		if n := c.sessions(ada) - before; n != 1 {
			t.Errorf("%d sessions were opened, want 1", n)
		}
	})
}

// TestOneAttestationSignsUpOnce: the passkey with which a user is made.
func TestOneAttestationSignsUpOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		sid := c.verified("ada@example.com")
		begun, err := c.SignUps.BeginPasskey(t.Context(), sid, browser)
		if err != nil {
			t.Fatal(err)
		}
		key := authenticator{virtualwebauthn.NewAuthenticator(), authtest.NewCredential()}
		answer := key.attest(t, begun)
		from := signup.From{Origin: authtest.PersonOrigin(), Browser: browser}
		oneWins(t, func(int) fault.Code {
			_, err := c.SignUps.FinishWithPasskey(t.Context(), from, sid, begun.State, answer)
			return answerOf(err)
		}, fault.SignUpExpired, fault.SignInExpired)
		c.oneUser("ada@example.com")
	})
}
