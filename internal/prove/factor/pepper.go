package factor

import (
	"context"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

const passwordPage = 500

// eachPassword hands on all stored passwords, page by page.
func (f *Factors) eachPassword(ctx context.Context, use func([]UserPassword) error) error {
	var after id.User
	for {
		var page []UserPassword
		err := f.Ledger.View(ctx, func(tx Tx) (err error) {
			page, err = tx.PasswordsByPage(ctx, after, passwordPage)
			return err
		})
		if err != nil {
			return fmt.Errorf("list passwords: %w", err)
		}
		if err := use(page); err != nil {
			return err
		}
		if len(page) < passwordPage {
			return nil
		}
		after = page[len(page)-1].User
	}
}

// RewrapPasswords puts the current pepper around every stored password, without knowing any, so that a new pepper protects also those whose
// owners are away. It says how many it wrapped and how many it could not, because they carry as many peppers as a form can. A sign-in that is
// under way begins again. Only the host's command line may. Errors: forbidden.
func (f *Factors) RewrapPasswords(ctx context.Context, p principal.Principal) (wrapped, full int, err error) {
	if !p.Trusted() {
		return 0, 0, fault.New(fault.Forbidden)
	}
	err = f.eachPassword(ctx, func(page []UserPassword) error {
		var old, fresh []UserPassword
		for _, u := range page {
			phc, err := f.Hasher.Rewrap(u.PHC)
			switch {
			case err != nil:
				full++
			case phc != u.PHC:
				old, fresh = append(old, u), append(fresh, UserPassword{u.User, phc})
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		wrapped += len(fresh)
		return f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
			for i, u := range fresh {
				if err := tx.RehashPassword(ctx, u.User, old[i].PHC, u.PHC); err != nil {
					return audit.Event{}, fmt.Errorf("rewrap password: %w", err)
				}
			}
			return audit.Event{Action: audit.KeyringPepperRotated, Actor: p, Facts: map[string]string{"count": fmt.Sprint(len(fresh))}}, nil
		})
	})
	return wrapped, full, err
}

// LostPeppers counts the stored passwords by the pepper that they need and knows has not. Their owners are told that their password is wrong.
func (f *Factors) LostPeppers(ctx context.Context, knows func(name string) bool) (map[string]int, error) {
	lost := map[string]int{}
	err := f.eachPassword(ctx, func(page []UserPassword) error {
		for _, u := range page {
			form, err := password.ParsePHC(u.PHC)
			if err != nil {
				return fmt.Errorf("password of %s: %w", u.User, err)
			}
			for _, name := range form.Peppers {
				if !knows(name) {
					lost[name]++
				}
			}
		}
		return nil
	})
	return lost, err
}
