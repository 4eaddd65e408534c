package assurance_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
)

func TestWhatIsMissing(t *testing.T) {
	synced := assurance.Proof{Factors: assurance.Passkey, UserVerified: true, PhishingResistant: true}
	hardware := synced
	hardware.DeviceBound = true
	for _, row := range []struct {
		name  string
		proof assurance.Proof
		needs assurance.Level
		want  []assurance.Property
	}{
		{"a hardware key, for a bound device", hardware, assurance.Phrh, []assurance.Property{}},
		{"a synced passkey, for a bound device", synced, assurance.Phrh, []assurance.Property{assurance.DeviceBound}},
		{"a synced passkey, for a passkey", synced, assurance.Phr, []assurance.Property{}},
		{"a touch alone, for a passkey", assurance.Proof{Factors: assurance.Passkey, PhishingResistant: true}, assurance.Phr, []assurance.Property{assurance.UserVerified}},
		{"a password, for two factors", assurance.Proof{Factors: assurance.Password}, assurance.Mfa, []assurance.Property{assurance.TwoFactors}},
		{
			"two factors, for a bound device",
			assurance.Proof{Factors: assurance.Password | assurance.TOTP},
			assurance.Phrh,
			[]assurance.Property{assurance.UserVerified, assurance.PhishingResistant, assurance.DeviceBound},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, row.proof.Missing(row.needs)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A level that a proof does not reach lacks a property that has a name, and one that it reaches lacks none.
func TestMissingAgreesWithLevel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := assurance.Proof{
			Factors: assurance.Factor(rapid.IntRange(1, 15).Draw(t, "factors")), UserVerified: rapid.Bool().Draw(t, "verified"),
			PhishingResistant: rapid.Bool().Draw(t, "resistant"), DeviceBound: rapid.Bool().Draw(t, "bound"),
		}
		needs := assurance.Level(rapid.IntRange(int(assurance.Mfa), int(assurance.Phrh)).Draw(t, "needs"))
		if missing := p.Missing(needs); (len(missing) == 0) != (p.Level() >= needs) {
			t.Fatalf("%+v is %s; for %s it lacks %v", p, p.Level(), needs, missing)
		}
	})
}
