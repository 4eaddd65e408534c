package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// Whoever offers money on the origin of all other pages is told so, whatever else is wrong; an origin of its own says nothing.
func TestProductionIsToldOfASharedOrigin(t *testing.T) {
	cfg := authtest.Start(t).Config
	for _, shared := range []bool{false, true} {
		if shared {
			cfg.Dashboard.ConfirmationOrigin = cfg.Dashboard.Origin
		}
		notes, err := server.ExamineProduction(t.Context(), cfg, time.Now)
		if got := strings.Contains(strings.Join(notes, " "), "dashboard.confirmation_origin"); got != shared {
			t.Errorf("shared %t: %q", shared, notes)
		}
		if err == nil {
			t.Error("a test installation without mail is fit for production")
		}
	}
}
