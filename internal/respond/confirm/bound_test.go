package confirm_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
)

// askedOf is a scene where authenticators are asked who made them, and what changes its routes file: to one that asks properties of the passkey
// that confirms withdrawals, and back.
func askedOf(t *testing.T) (s *scene, maker *authtest.Maker, needs func(properties string)) {
	t.Helper()
	maker = authtest.NewMaker(t)
	folder := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	yaml := "passkeys: {attestation: asked, metadata_file: " + write("blob.jwt", maker.Blob("FIDO_CERTIFIED_L2")) +
		", metadata_root_file: " + write("root.pem", maker.RootPEM()) + "}\n"
	s = sceneOf(t, authtest.Options{Folder: folder, YAML: yaml})
	return s, maker, func(properties string) {
		const class = "class: withdraw\n"
		write("routes.yaml", []byte(strings.ReplaceAll(string(sandbox.Routes()), class, class+"    needs: ["+properties+"]\n")))
		s.later(10 * time.Second)
		s.ReloadRoutes(t.Context())
	}
}

// A route that needs device_bound takes a security key that checked its user, and no synced passkey, and says why (B3).
func TestARouteMayNeedAPasskeyThatCannotLeaveItsDevice(t *testing.T) {
	s, maker, needs := askedOf(t)
	needs("phishing_resistant, user_verified")
	if got := s.send(s.bot, withdrawal(), ""); got.Code != fault.ConfirmationRequired {
		t.Fatalf("what every passkey has: %+v", got)
	}
	needs("phishing_resistant, user_verified, device_bound")
	refused := s.send(s.bot, withdrawal(), "")
	if refused.status != http.StatusForbidden || refused.Code != fault.ConfirmationPasskeyUnbound || !slices.Equal(refused.Fields.Missing, []string{"device_bound"}) {
		t.Fatalf("with a synced passkey alone: %+v", refused)
	}
	key := s.ada.EnrolSecurityKey(maker, s.passkey)
	s.later(73 * time.Hour)
	asked := s.send(s.bot, withdrawal(), "")
	if asked.Code != fault.ConfirmationRequired {
		t.Fatalf("with a security key: %+v", asked)
	}
	if err := s.passkey.Approve(asked.address()); fault.CodeOf(err) != fault.PasskeyRefused {
		t.Errorf("the synced passkey: %v", err)
	}
	if err := key.Approve(asked.address()); err != nil {
		t.Fatalf("the security key: %v", err)
	}
	if done := s.send(s.bot, withdrawal(), asked.Fields.Confirmation.String()); done.status >= http.StatusBadRequest {
		t.Errorf("confirmed by the security key: %+v", done)
	}
}

// What a synced passkey confirmed before the route became stricter goes no further, and the page of one that waits says what it lacks.
func TestAStricterRouteTakesNoEarlierConfirmation(t *testing.T) {
	s, maker, needs := askedOf(t)
	before := s.approved()
	needs("device_bound")
	if got := s.send(s.bot, withdrawal(), before.Fields.Confirmation.String()); got.Code != fault.ConfirmationVoid {
		t.Errorf("confirmed by a synced passkey: %+v", got)
	}
	s.ada.EnrolSecurityKey(maker, s.passkey)
	asked := s.send(s.bot, withdrawal(), "")
	shown, err := s.Confirmations.Show(t.Context(), authtest.PersonOrigin().Addr, asked.address())
	if err != nil || shown.Ready || shown.Unbound || shown.Young.IsZero() {
		t.Errorf("the page while the security key is young: %+v %v", shown, err)
	}
}
