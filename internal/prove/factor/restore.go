package factor

import (
	"context"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Restore gives a session with a challenge its full power again, for a step-up with the best factor that its user has: it is the proof that
// answers the challenge, and this records it. Errors: step_up_required.
func (f *Factors) Restore(ctx context.Context, p principal.Principal) error {
	err := f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		content := stepup.Content{Action: audit.SessionRestored, Input: p.Session, Floor: assurance.Pwd}
		return event(audit.SessionRestored, p, nil), f.StepUps.Require(ctx, tx, p, content)
	})
	return f.StepUps.Ask(ctx, err)
}
