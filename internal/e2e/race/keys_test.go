package race_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// Whoever was told that a key can do less can rely on it, whatever else of the key somebody changed at the same moment.
func TestANarrowedKeyStaysNarrow(t *testing.T) {
	onBothEngines(t, func(t *testing.T, c *course) {
		p := c.SignUp("ada@example.com").Principal()
		undone := 0
		for n := range 20 {
			k := c.IssueKeyTo(p.Account, p.User, apikey.IssueInput{Scopes: []string{"balances:read", "orders:write", "orders:cancel", "orders:read"}})
			narrow, name := []string{"balances:read"}, fmt.Sprintf("renamed %d", n)
			edits := []apikey.EditInput{{Key: k.ID, Scopes: &narrow}, {Key: k.ID, Name: &name}}
			start := make(chan struct{})
			var all sync.WaitGroup
			for _, edit := range edits {
				all.Go(func() {
					<-start
					if _, err := c.APIKeys.Edit(t.Context(), p, edit); err != nil {
						t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			if c.APIKeys.Find(k.ID).Scopes.Has(scope.OrdersWrite) {
				undone++
			}
		}
		if undone > 0 {
			t.Errorf("%d acknowledged narrowings were undone by a new name", undone)
		}
	})
}
