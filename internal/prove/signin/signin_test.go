package signin_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// stranger is a browser that has never been here, at an address of its own.
func stranger(addr string) signin.From {
	return signin.From{
		Origin:  principal.Origin{Addr: netip.MustParseAddr(addr), Agent: "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"},
		Browser: sha256.Sum256([]byte(addr)),
	}
}

// ledger runs a change of somebody else between what a sign-in reads and what it writes.
type ledger struct {
	audit.Ledger[signin.Tx]
	between func()
}

func (l ledger) Update(ctx context.Context, fn func(signin.Tx) (audit.Event, error)) error {
	l.between()
	return l.Ledger.Update(ctx, fn)
}

// A passkey that is removed while it signs in, and one whose counter went back, are refused and told apart.
func TestARefusedPasskeyIsRecordedAsWhatItWas(t *testing.T) {
	tests := []struct {
		name string
		turn func(s *authtest.Stack, ada *authtest.Person, c passkey.Credential, cred *virtualwebauthn.Credential)
		code fault.Code
		want audit.Action
	}{
		{"removed meanwhile", func(s *authtest.Stack, ada *authtest.Person, c passkey.Credential, cred *virtualwebauthn.Credential) {
			cred.Counter = 2
			s.SignIns.Ledger = ledger{s.SignIns.Ledger, func() {
				err := store.Of[factor.Tx](s.Store).Update(t.Context(), func(tx factor.Tx) (audit.Event, error) {
					_, err := tx.RemovePasskey(t.Context(), ada.User.ID, c.ID, s.Now())
					return audit.Quiet(audit.Housekeeping), err
				})
				if err != nil {
					t.Fatal(err)
				}
			}}
		}, fault.PasskeyRefused, audit.PasskeyRemovedRefused},
		{"copied", func(_ *authtest.Stack, _ *authtest.Person, _ passkey.Credential, cred *virtualwebauthn.Credential) {
			cred.Counter = 0
		}, fault.PasskeyCloned, audit.PasskeyCloneRefused},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := authtest.Start(t)
			ada := s.SignUp("ada@example.com")
			rp := virtualwebauthn.RelyingParty{Name: "Sallyport", ID: "localhost", Origin: authtest.Origin}
			auth, cred := virtualwebauthn.NewAuthenticator(), authtest.NewCredential()
			cred.Counter = 1
			begun, err := s.Factors.BeginPasskey(t.Context(), ada.Principal())
			if err != nil {
				t.Fatal(err)
			}
			creation, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
			if err != nil {
				t.Fatal(err)
			}
			auth.Options.UserHandle = []byte(creation.UserID)
			auth.AddCredential(cred)
			made := virtualwebauthn.CreateAttestationResponse(rp, auth, cred, *creation)
			c, bearer, err := s.Factors.FinishPasskey(t.Context(), ada.Principal(), begun.State, []byte(made), "phone")
			if err != nil {
				t.Fatal(err)
			}
			ada.Bearer = bearer
			from := stranger("198.51.100.1")
			if begun, err = s.SignIns.BeginPasskey(from); err != nil {
				t.Fatal(err)
			}
			request, err := virtualwebauthn.ParseAssertionOptions(string(begun.Options))
			if err != nil {
				t.Fatal(err)
			}
			test.turn(s, ada, c, &cred)
			_, err = s.SignIns.WithPasskey(t.Context(), from, begun.State, []byte(virtualwebauthn.CreateAssertionResponse(rp, auth, cred, *request)))
			refused(t, err, test.code)
			told, err := s.Log.Activity(t.Context(), ada.Principal(), 0, 1)
			if err != nil || len(told) != 1 || told[0].Action != test.want || told[0].Readable.Facts["name"] != "phone" {
				t.Errorf("the newest event is %+v, %v, want %s", told, err, test.want)
			}
		})
	}
}

func word(s string) secret.Value { return secret.FromString("password", s) }

func inBubble(t *testing.T, test func(*testing.T, *authtest.Stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, authtest.Start(t)) })
}

func refused(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); err == nil || got != want {
		t.Errorf("refused with %v, want %s", err, want)
	}
}

func TestAPasswordAloneLooks(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		s.SignUp("ada@example.com")
		got, err := s.SignIns.WithPassword(t.Context(), stranger("198.51.100.1"), "ADA@Example.com", word(authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		if level := got.Session.Proof.Level(); level != assurance.Pwd || got.Half != "" {
			t.Errorf("a password gives %s, half %q", level, got.Half)
		}
	})
}

func TestTheSecondFactorIsAskedForAndItsCodeWorksOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		ada.EnrolTOTP()
		time.Sleep(time.Minute)
		from := stranger("198.51.100.1")
		half, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
		if err != nil || half.Half == "" || !half.Bearer.IsEmpty() {
			t.Fatalf("after the password: %+v, %v", half, err)
		}
		_, err = s.SignIns.WithCode(t.Context(), stranger("198.51.100.2"), half.Half, ada.Code())
		refused(t, err, fault.SignInExpired) // another browser
		code := ada.Code()
		in, err := s.SignIns.WithCode(t.Context(), from, half.Half, code)
		if err != nil || in.Session.Proof.Level() != assurance.Mfa {
			t.Fatalf("with the code: %s, %v", in.Session.Proof.Level(), err)
		}
		_, err = s.SignIns.WithCode(t.Context(), from, half.Half, ada.Code())
		refused(t, err, fault.TOTPCodeRefused) // the same step again
		again, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.SignIns.WithCode(t.Context(), from, again.Half, code)
		refused(t, err, fault.TOTPCodeRefused)
		time.Sleep(30 * time.Second)
		_, err = s.SignIns.WithCode(t.Context(), from, half.Half, ada.Code())
		refused(t, err, fault.SignInExpired) // a half is spent by the code that worked
	})
}

func TestOutsidersLearnNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		s.SignUp("ada@example.com")
		gone := s.SignUp("gone@example.com")
		if err := s.Accounts.Disable(t.Context(), principal.Host("tests"), gone.User.ID); err != nil {
			t.Fatal(err)
		}
		for n, row := range []struct{ mail, password string }{
			{"ada@example.com", "not her password at all"},
			{"nobody@example.com", authtest.Password},
			{"gone@example.com", authtest.Password},
			{"not an address", authtest.Password},
		} {
			_, err := s.SignIns.WithPassword(t.Context(), stranger(netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}).String()), row.mail, word(row.password))
			f, _ := errors.AsType[*fault.Error](err)
			if f == nil || f.Code != fault.SignInRefused || f.Fields != nil || f.RetryAfter != 0 {
				t.Errorf("%s: %v", row.mail, err)
			}
		}
	})
}

// A pepper that is lost makes a password wrong, and nothing else: another answer would tell who has one.
func TestALostPepperTellsNobody(t *testing.T) {
	folder := t.TempDir()
	before := authtest.StartWith(t, authtest.Options{Folder: folder})
	before.SignUp("ada@example.com")
	path := filepath.Join(folder, "keys")
	if err := before.Keys.AddPepper(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(l string) bool { return strings.HasPrefix(l, "pepper 1 ") })
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	s := authtest.StartWith(t, authtest.Options{Folder: folder})
	for n, mail := range []string{"ada@example.com", "nobody@example.com"} {
		_, err := s.SignIns.WithPassword(t.Context(), stranger(netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}).String()), mail, word(authtest.Password))
		f, _ := errors.AsType[*fault.Error](err)
		if f == nil || f.Code != fault.SignInRefused || f.Fields != nil || f.RetryAfter != 0 {
			t.Errorf("%s: %v", mail, err)
		}
	}
	lost, err := s.Factors.LostPeppers(t.Context(), s.Keys.HasPepper)
	if err != nil || len(lost) != 1 || lost["1"] != 1 {
		t.Errorf("lost peppers: %v, %v", lost, err)
	}
}

// A new pepper goes around every password at once, in a server that runs too, and nobody notices but the table.
func TestANewPepperGoesAroundEveryPassword(t *testing.T) {
	folder := t.TempDir()
	s := authtest.StartWith(t, authtest.Options{Folder: folder})
	s.SignUp("ada@example.com")
	cli := authtest.StartWith(t, authtest.Options{Folder: folder})
	if _, _, err := cli.Factors.RewrapPasswords(t.Context(), principal.Nobody(authtest.PersonOrigin())); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a stranger may: %v", err)
	}
	for round := 1; round <= 4; round++ {
		if err := cli.Keys.AddPepper(); err != nil {
			t.Fatal(err)
		}
		wrapped, full, err := cli.Factors.RewrapPasswords(t.Context(), principal.Host("tests"))
		if err != nil || wrapped+full != 1 || full != round/4 {
			t.Errorf("round %d: wrapped %d, full %d, %v", round, wrapped, full, err)
		}
	}
	for range 2 { // the first brings the hash back to one pepper
		if _, err := s.SignIns.WithPassword(t.Context(), stranger("198.51.100.1"), "ada@example.com", word(authtest.Password)); err != nil {
			t.Error(err)
		}
	}
	needed, err := s.Factors.LostPeppers(t.Context(), func(string) bool { return false })
	if err != nil || len(needed) != 1 || needed["5"] != 1 {
		t.Errorf("after a sign-in the password needs %v, %v", needed, err)
	}
}

func TestStrangersNeverShutOutAKnownDevice(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		slowed := 0
		for n := range 200 {
			from := stranger(netip.AddrFrom4([4]byte{198, 51, byte(n), 1}).String())
			_, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word("a wrong guess of a password"))
			if fault.CodeOf(err) == fault.SignInThrottled {
				slowed++
			}
		}
		if slowed < 190 {
			t.Errorf("only %d of 200 guesses were slowed down", slowed)
		}
		_, err := s.SignIns.WithPassword(t.Context(), stranger("192.0.2.9"), ada.Mail, word(authtest.Password))
		refused(t, err, fault.SignInThrottled) // the right password from a stranger's browser waits too
		home := stranger("192.0.2.10")
		home.Device = ada.Device
		if _, err := s.SignIns.WithPassword(t.Context(), home, ada.Mail, word(authtest.Password)); err != nil {
			t.Errorf("the known device: %v", err)
		}
	})
}

func TestDelaysGrowAndEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		from := stranger("198.51.100.1")
		var last time.Duration
		for range 12 {
			_, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word("a wrong guess of a password"))
			f, _ := errors.AsType[*fault.Error](err)
			if f.Code != fault.SignInThrottled {
				continue
			}
			if f.RetryAfter < last {
				t.Errorf("the delay fell from %v to %v", last, f.RetryAfter)
			}
			last = f.RetryAfter
			time.Sleep(last)
		}
		if last < 2*time.Second {
			t.Errorf("the last delay was %v", last)
		}
		time.Sleep(16 * time.Minute)
		if _, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password)); err != nil {
			t.Errorf("after the longest delay: %v", err)
		}
	})
}

func TestANewDeviceIsToldOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		from := stranger("198.51.100.1")
		first, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		from.Device, from.Origin.Addr = first.DeviceCookie, netip.MustParseAddr("192.0.2.77")
		second, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
		if err != nil || !second.DeviceCookie.IsEmpty() {
			t.Fatalf("second sign-in: new cookie %t, %v", !second.DeviceCookie.IsEmpty(), err)
		}
		s.Settle()
		told := 0
		for _, l := range s.Mailbox.Letters(ada.Mail) {
			if l.Notice == notify.NewDevice {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told of %d new devices, want 1", told)
		}
	})
}

func TestASignInReplacesTheBrowsersOldSession(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		old := ada.Principal()
		from := stranger("198.51.100.1")
		from.Replace = old.Session
		if _, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password)); err != nil {
			t.Fatal(err)
		}
		_, err := s.Sessions.Authenticate(ada.Bearer.Reveal(), "", authtest.PersonOrigin())
		refused(t, err, fault.SessionEnded)
	})
}
