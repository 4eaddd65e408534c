package checkup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Tips are the words of advice there are, one for each sensitive page, by name.
var Tips = []string{"sessions", "methods", "password", "codes", "recovery", "keys", "new_key", "contact", "confirmations", "messages"}

const tip = "tip "

func isTip(item string) bool { return strings.HasPrefix(item, tip) }

// TipAway says whether the principal has put a tip away.
func (c *CheckUps) TipAway(ctx context.Context, p principal.Principal, name string) (away bool, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		said, err := tx.AssentsOf(ctx, p.User)
		away = slices.ContainsFunc(said, func(a Assent) bool { return a.Item == tip+name })
		return err
	})
	return away, err
}

// PutTipAway keeps a tip from being shown to the principal again. Errors: not_found.
func (c *CheckUps) PutTipAway(ctx context.Context, p principal.Principal, name string) error {
	if !slices.Contains(Tips, name) {
		return fault.New(fault.NotFound)
	}
	return c.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := tx.PutAssent(ctx, p.User, Assent{Item: tip + name, At: c.Now()}); err != nil {
			return audit.Event{}, fmt.Errorf("put tip away: %w", err)
		}
		return audit.Quiet(audit.TipPutAway), nil
	})
}
