package privacy_test

import (
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// Somebody who may not see keys has data too.
func TestAViewerGetsACopy(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		who := s.SignUp("bob@example.com").Principal()
		who.Role, who.Scopes = principal.Viewer, s.Sessions.ScopesOf(principal.Viewer)
		if _, err := s.Privacy.Copy(t.Context(), who); err != nil {
			t.Errorf("a viewer's copy: %v", err)
		}
	})
}

// A viewer who lost a phone sees what is on it.
func TestAViewerSeesALostDevice(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		who := s.SignUp("bob@example.com").Principal()
		who.Role, who.Scopes = principal.Viewer, s.Sessions.ScopesOf(principal.Viewer)
		list, err := s.Recoveries.Losables(t.Context(), who)
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		if _, _, err := s.Recoveries.Losable(t.Context(), who, list[0].ID); err != nil {
			t.Errorf("the page of a viewer's device: %v", err)
		}
	})
}
