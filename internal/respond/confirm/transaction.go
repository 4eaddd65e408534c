package confirm

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/jcs"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Content is what a request asks for, as its user must be shown it. Empty text is absent.
type Content struct {
	// Action is scope.Withdraw or scope.Destination.
	Action      scope.Class
	Environment id.Environment
	// Upstream is the exchange, by its name in the configuration.
	Upstream string
	Asset    string
	Network  string
	Address  string
	Memo     string
	// Amount and Fee are decimals as text, in units of the asset. Fee is the most that may be charged.
	Amount, Fee string
}

// Transaction is a content with whose it is and when. It never changes. Expires is the least that it lives, as far as that was known when it was
// asked for.
type Transaction struct {
	Content
	ID               id.Confirmation
	User             id.User
	Account          id.Account
	Subaccount       id.Subaccount
	Created, Expires time.Time
}

var (
	decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?$`)
	// visible is text that looks like what it is: ASCII, so that no two different texts are drawn alike, and none needs normalising.
	visible = regexp.MustCompile(`^[!-~]{1,256}$`)
	remark  = regexp.MustCompile(`^[ -~]{0,256}$`)
)

// Check refuses what could not be shown honestly. Errors: request.invalid with the field.
func (c Content) Check() error {
	wrong := func(field string) error { return fault.New(fault.RequestInvalid, "field", field) }
	switch {
	case !visible.MatchString(c.Address):
		return wrong("address")
	case c.Network != "" && !visible.MatchString(c.Network):
		return wrong("network")
	case c.Asset != "" && !visible.MatchString(c.Asset):
		return wrong("asset")
	case !remark.MatchString(c.Memo):
		return wrong("memo")
	case c.Amount != "" && !decimal.MatchString(c.Amount):
		return wrong("amount")
	case c.Fee != "" && !decimal.MatchString(c.Fee):
		return wrong("fee")
	case c.Action == scope.Withdraw && c.Asset == "":
		return wrong("asset")
	case c.Action == scope.Withdraw && c.Amount == "":
		return wrong("amount")
	}
	return nil
}

// hash is SHA-256 over the canonical form (RFC 8785). Amounts are text, times are microseconds, absent members are absent. Environment and
// exchange are members, so that a proof for play money, or for one exchange, is worth nothing elsewhere.
func (t Transaction) hash() ([32]byte, error) {
	members := map[string]any{
		"v": int64(1), "action": t.Action.String(), "user": t.User.String(), "account": t.Account.String(), "subaccount": t.Subaccount.String(),
		"id": t.ID.String(), "environment": t.Environment.String(), "upstream": t.Upstream,
		"created": t.Created.UnixMicro(), "exp": t.Expires.UnixMicro(),
	}
	for name, text := range map[string]string{
		"asset": t.Asset, "network": t.Network, "address": t.Address, "memo": t.Memo, "amount": t.Amount, "fee": t.Fee,
	} {
		if text != "" {
			members[name] = text
		}
	}
	canonical, err := jcs.Append(nil, members)
	if err != nil {
		return [32]byte{}, fmt.Errorf("canonical form of %s: %w", t.ID, err)
	}
	return sha256.Sum256(canonical), nil
}

// domain keeps every other challenge from ever being one of these, and the other way round.
const domain = "txc-v1\x00"

// challenge is what the authenticator signs: SHA-256(domain ‖ nonce ‖ hash).
func challenge(nonce, hash [32]byte) [32]byte {
	return sha256.Sum256([]byte(domain + string(nonce[:]) + string(hash[:])))
}
