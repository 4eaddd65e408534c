package factor

import (
	"context"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Label says what its owner has a factor for. It decides nothing: what a factor may open is what it can resist (kernel/assurance).
type Label string

// The labels. A factor is primary until its owner says otherwise.
const (
	Primary Label = "primary"
	// Backup: kept for when another is lost.
	Backup Label = "backup"
)

// LabelOf names what is stored as a mark.
func LabelOf(backup bool) Label {
	if backup {
		return Backup
	}
	return Primary
}

// LabelPasskey labels one of the principal's passkeys. Errors: request.invalid, passkey.not_found, rate_limited.
func (f *Factors) LabelPasskey(ctx context.Context, p principal.Principal, c id.Passkey, l Label) error {
	return f.label(ctx, p, l, fault.PasskeyNotFound, func(tx Tx) (string, bool, error) {
		name, err := passkeyName(ctx, tx, p.User, c)
		if err != nil {
			return "", false, err
		}
		won, err := tx.MarkPasskey(ctx, p.User, c, l)
		return name, won, err
	})
}

// LabelTOTP labels the principal's authenticator app. Errors: request.invalid, totp.not_enrolled, rate_limited.
func (f *Factors) LabelTOTP(ctx context.Context, p principal.Principal, l Label) error {
	return f.label(ctx, p, l, fault.TOTPNotEnrolled, func(tx Tx) (string, bool, error) {
		won, err := tx.MarkTOTP(ctx, p.User, l)
		return "totp", won, err
	})
}

func (f *Factors) label(ctx context.Context, p principal.Principal, l Label, none fault.Code, mark func(Tx) (name string, won bool, err error)) error {
	if l != Primary && l != Backup {
		return fault.New(fault.RequestInvalid, "field", "label")
	}
	return f.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if err := throttle.CountAct(ctx, tx, p, f.Now()); err != nil {
			return audit.Event{}, err
		}
		name, won, err := mark(tx)
		if err != nil {
			return audit.Event{}, fmt.Errorf("label factor: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(none)
		}
		return event(audit.FactorLabelled, p, map[string]string{"factor": name, "label": string(l)}), nil
	})
}

// passkeyName is what its owner calls a passkey; empty if it is not theirs.
func passkeyName(ctx context.Context, tx Tx, u id.User, c id.Passkey) (string, error) {
	kept, err := tx.PasskeysOf(ctx, u)
	if err != nil {
		return "", fmt.Errorf("list passkeys: %w", err)
	}
	for _, has := range kept {
		if has.ID == c {
			return has.Name, nil
		}
	}
	return "", nil
}
