package apikey

import (
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// vendorOf reads the name of who outside the account is given a key; empty for nobody. Errors: request.invalid (vendor).
func vendorOf(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	name, ok := line.Filled(text)
	if !ok {
		return "", invalid("vendor")
	}
	return name, nil
}

// forVendor refuses money to a key that a vendor holds, or whose secret a vendor had: to take the mark away takes nothing out of their hands.
// kept are the secrets of a key that has some. Errors: key.vendor_no_withdraw, key.vendor_secret.
func (k Key) forVendor(kept []Material, now time.Time) *fault.Error {
	if k.Scopes.Highest() < scope.Withdraw {
		return nil
	}
	if k.Vendor != "" {
		return fault.New(fault.KeyVendorNoWithdraw)
	}
	had := func(m Material) bool {
		return m.Version <= k.VendorSecret && (m.Ends.IsZero() || now.Before(m.Ends))
	}
	if slices.ContainsFunc(kept, had) {
		return fault.New(fault.KeyVendorSecret)
	}
	return nil
}

// handedOn notes that whoever made a signature with one secret of the key has its next one too.
func (k Key) handedOn(by, next uint32) Key {
	if by <= k.VendorSecret {
		k.VendorSecret = next
	}
	return k
}
