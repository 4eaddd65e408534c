package assurance_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
)

func TestLevelFollowsFromProperties(t *testing.T) {
	for _, row := range []struct {
		name  string
		proof assurance.Proof
		want  assurance.Level
	}{
		{"nothing", assurance.Proof{}, assurance.None},
		{"a password", assurance.Proof{Factors: assurance.Password}, assurance.Pwd},
		{"a code without a password", assurance.Proof{Factors: assurance.TOTP}, assurance.None},
		{"a password and a code", assurance.Proof{Factors: assurance.Password | assurance.TOTP}, assurance.Mfa},
		{"a passkey without user verification is one factor", assurance.Proof{Factors: assurance.Passkey, PhishingResistant: true}, assurance.Pwd},
		{"a password and such a passkey", assurance.Proof{Factors: assurance.Password | assurance.Passkey, PhishingResistant: true}, assurance.Mfa},
		{"a passkey", assurance.Proof{Factors: assurance.Passkey, PhishingResistant: true, UserVerified: true}, assurance.Phr},
		{"a passkey of an attested device", assurance.Proof{Factors: assurance.Passkey, PhishingResistant: true, UserVerified: true, DeviceBound: true}, assurance.Phrh},
		{"a recovery code alone", assurance.Proof{Factors: assurance.RecoveryCode}, assurance.None},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.proof.Level(); got != row.want {
				t.Errorf("Level() = %s, want %s", got, row.want)
			}
		})
	}
}

func TestAddingAProofNeverWeakens(t *testing.T) {
	proofs := rapid.Custom(func(t *rapid.T) assurance.Proof {
		return assurance.Proof{
			Factors: assurance.Factor(rapid.IntRange(0, 15).Draw(t, "factors")), UserVerified: rapid.Bool().Draw(t, "uv"),
			PhishingResistant: rapid.Bool().Draw(t, "pr"), DeviceBound: rapid.Bool().Draw(t, "db"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := proofs.Draw(t, "a"), proofs.Draw(t, "b")
		if got := a.With(b).Level(); got < a.Level() || got < b.Level() {
			t.Fatalf("%+v with %+v is %s", a, b, got)
		}
	})
}

func TestFreshEndsToTheMicrosecond(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	p := assurance.Proof{At: at}
	for _, row := range []struct {
		now  time.Time
		want bool
	}{
		{at, true}, {at.Add(5 * time.Minute), true}, {at.Add(5*time.Minute + time.Microsecond), false}, {at.Add(-time.Microsecond), false},
	} {
		if got := p.Fresh(row.now, 5*time.Minute); got != row.want {
			t.Errorf("Fresh(%v) = %t", row.now.Sub(at), got)
		}
	}
	if (assurance.Proof{}).Fresh(at, time.Hour) {
		t.Error("no proof is fresh")
	}
}

func TestUnknownWordsProveNothing(t *testing.T) {
	for _, word := range []string{"", "PHR", "phr ", "aal3", "none"} {
		if got := assurance.ParseLevel(word); got != assurance.None {
			t.Errorf("ParseLevel(%q) = %s", word, got)
		}
	}
}
