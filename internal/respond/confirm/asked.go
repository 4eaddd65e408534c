package confirm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
)

// Asked is a confirmation that its user was not yet seen to give, or gave already.
type Asked struct {
	Confirmation
	// URL of its page, where it is given and where it is cancelled.
	URL   string
	Stand hold.Standing
}

// Required is the refusal that names it.
func (a Asked) Required() error { return a.refusal(fault.ConfirmationRequired) }

// refusal says how it is given and cancelled, how long it lives, and while money is held why, until when and what that end waits for.
func (a Asked) refusal(code fault.Code) *fault.Error {
	f := fault.New(code, "confirmation", a.ID.String(), "url", a.URL, "cancel_url", a.URL, "expires_at", a.Ends.UTC().Format(time.RFC3339))
	if a.Stand.Held {
		f.Fields["reasons"], f.Fields["waits_for"] = a.Stand.Reasons(), string(a.Stand.WaitsFor())
	}
	if !a.Stand.Until.IsZero() {
		f.Fields["held_until"] = a.Stand.Until.UTC().Format(time.RFC3339)
	}
	return f
}

func (c *Confirmations) asked(row Confirmation, s hold.Standing) Asked {
	return Asked{Confirmation: row, URL: c.Origin + "/c/" + c.Address(row.ID), Stand: s.In(row.Account)}
}

// Address is the last segment of the page's path: the id, a point, and a MAC of 256 bits over it.
func (c *Confirmations) Address(which id.Confirmation) string {
	return which.String() + "." + base64.RawURLEncoding.EncodeToString(c.mac(which))
}

func (c *Confirmations) mac(which id.Confirmation) []byte {
	mac := hmac.New(sha256.New, c.Key)
	mac.Write([]byte("confirmation\x00"))
	mac.Write(which[:])
	return mac.Sum(nil)
}
