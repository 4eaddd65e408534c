package recovery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

func methods(passkeys int, password, app bool, codes int) factor.Methods {
	m := factor.Methods{Passkeys: make([]passkey.Credential, passkeys)}
	if password {
		m.Password = &factor.StoredPassword{}
	}
	if app {
		m.TOTP = &factor.StoredTOTP{}
	}
	if codes > 0 {
		m.Codes = &factor.RecoverySet{Left: codes}
	}
	return m
}

// reached has every passkey of m say how its authenticator is reached.
func reached(m factor.Methods, by string, synced bool) factor.Methods {
	for i := range m.Passkeys {
		m.Passkeys[i].Record = fmt.Sprintf(`{"transport":%s,"flags":{"backupEligible":%t}}`, by, synced)
	}
	return m
}

// What a user is told names nothing that they do not have.
func TestAfterALossOnlyWhatIsLeftBringsBack(t *testing.T) {
	for _, tc := range []struct {
		name, lost string
		has        factor.Methods
		want       recovery.Way
	}{
		{"one of two passkeys", "passkey", methods(2, false, false, 0), recovery.ByPasskey},
		{"the only passkey", "passkey", methods(1, false, false, 0), recovery.ByMailbox},
		{"the only passkey, with codes", "passkey", methods(1, false, false, 3), recovery.ByCode},
		{"the only passkey, with password and app", "passkey", methods(1, true, true, 0), recovery.ByTwo},
		{"the app, with a passkey", "totp", methods(1, true, true, 0), recovery.ByPasskey},
		{"the app, with the password", "totp", methods(0, true, true, 0), recovery.ByPasswordAndWait},
		{"the app, with codes", "totp", methods(0, true, true, 1), recovery.ByCode},
		{"the password, with the app", "password", methods(0, true, true, 0), recovery.ByAppAndWait},
		{"the only password", "password", methods(0, true, false, 0), recovery.ByMailbox},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := recovery.After(tc.has, tc.lost); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAnswersSpeakOfWhatTheAccountHas(t *testing.T) {
	waits := recovery.Waits{WithProof: time.Hour, MailAlone: 2 * time.Hour}
	for _, tc := range []struct {
		name string
		has  factor.Methods
		want map[recovery.Loss][]recovery.Way
	}{
		{"a password alone", methods(0, true, false, 0), map[recovery.Loss][]recovery.Way{
			"phone": {"password", "mailbox"}, "mailbox": {"password"}, "everything": {"mailbox"},
		}},
		{"password and app", methods(0, true, true, 0), map[recovery.Loss][]recovery.Way{
			"phone": {"proof_password", "mailbox"}, "mailbox": {"two"}, "everything": {"mailbox"},
		}},
		{"one passkey and codes", methods(1, false, false, 2), map[recovery.Loss][]recovery.Way{
			"phone": {"code", "mailbox"}, "key": {"code", "mailbox"}, "mailbox": {"passkey"}, "everything": {"mailbox"},
		}},
		{"everything", methods(2, true, true, 1), map[recovery.Loss][]recovery.Way{
			"phone": {"passkey", "code", "proof_password", "mailbox"}, "key": {"passkey", "two", "code", "proof", "mailbox"},
			"mailbox": {"passkey", "two"}, "everything": {"mailbox"},
		}},
		{"a phone's synced passkey", reached(methods(1, false, false, 1), `["internal","hybrid"]`, true), map[recovery.Loss][]recovery.Way{
			"phone": {"code", "mailbox"}, "mailbox": {"passkey"}, "everything": {"mailbox"},
		}},
		{"a security key", reached(methods(1, false, false, 0), `["usb","nfc"]`, false), map[recovery.Loss][]recovery.Way{
			"phone": {"passkey", "mailbox"}, "key": {"mailbox"}, "mailbox": {"passkey"}, "everything": {"mailbox"},
		}},
		{"nothing", methods(0, false, false, 0), map[recovery.Loss][]recovery.Way{"phone": {"mailbox"}, "mailbox": {"operators"}, "everything": {"mailbox"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := map[recovery.Loss][]recovery.Way{}
			for _, a := range recovery.Answers(tc.has, waits, recovery.Choice{}) {
				for _, s := range a.Steps {
					got[a.Loss] = append(got[a.Loss], s.Way)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
