package confirm

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Posting is a transaction as an upstream's backend posts it. Amounts are decimals as text.
type Posting struct {
	User        id.User        `json:"user" doc:"Who is asked: an owner of the account" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Account     id.Account     `json:"account" doc:"Whose money it is" example:"acc_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Subaccount  id.Subaccount  `json:"subaccount" doc:"Where in the account it lies" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Environment id.Environment `json:"environment" enum:"live,test" example:"live"`
	Action      string         `json:"action" enum:"withdraw,destination" example:"withdraw"`
	Asset       string         `json:"asset,omitempty" doc:"Needed for a withdrawal" example:"BTC"`
	Network     string         `json:"network,omitempty" example:"Bitcoin"`
	Address     string         `json:"address" doc:"Visible ASCII" example:"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"`
	Memo        string         `json:"memo,omitempty" example:"123456"`
	Amount      string         `json:"amount,omitempty" doc:"A decimal; needed for a withdrawal" example:"0.5"`
	FeeMax      string         `json:"fee_max,omitempty" doc:"The most that may be charged, a decimal" example:"0.0002"`
	ReturnTo    string         `json:"return_to,omitempty" doc:"A page of one of this upstream's hosts, without a query; the user goes back to it" example:"https://exchange.example/wallet"`
}

// PostingTaken is what the backend is answered.
type PostingTaken struct {
	Confirmation id.Confirmation `json:"confirmation" example:"cnf_069g9r2kt0f7s8w3a5q1z7y6xc"`
	URL          string          `json:"url" doc:"Where it is given" example:"https://confirm.example/c/cnf_069g9r2kt0f7s8w3a5q1z7y6xc.AAAA"`
	ExpiresAt    time.Time       `json:"expires_at" doc:"A hold moves it: an hour beyond its end"`
}

// PostingState is how far it is.
type PostingState struct {
	PostingTaken
	State       string    `json:"state" enum:"open,approved,executed,cancelled,expired"`
	ApprovedAt  time.Time `json:"approved_at,omitzero"`
	ExecutedAt  time.Time `json:"executed_at,omitzero"`
	CancelledAt time.Time `json:"cancelled_at,omitzero"`
	Held        bool      `json:"held" doc:"Whether money waits"`
	HeldUntil   time.Time `json:"held_until,omitzero" doc:"Missing while nothing is held, and while the end is not known"`
	Reasons     []string  `json:"reasons,omitempty" doc:"What holds it, in the words of listHolds" example:"password_changed"`
	WaitsFor    string    `json:"waits_for,omitempty" doc:"end: held_until. notice: its owner is still to be told by mail. unlock: its owner has locked the account" enum:"end,notice,unlock"`
}

// Taken is what the backend that posted it is told of it, to the second.
func (a Asked) Taken() PostingTaken { return PostingTaken{a.ID, a.URL, second(a.Ends)} }

// Far is how far it is at now, to the second.
func (a Asked) Far(now time.Time) PostingState {
	return PostingState{
		PostingTaken: a.Taken(), State: a.State(now), ApprovedAt: second(a.Approved), ExecutedAt: second(a.Executed), CancelledAt: second(a.Cancelled),
		Held: a.Stand.Held, HeldUntil: second(a.Stand.Until), Reasons: a.Stand.Reasons(), WaitsFor: string(a.Stand.WaitsFor()),
	}
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// postedBy says that the upstream's backend asked for it. What a request asked for is between its sender and us.
func (c Confirmation) postedBy(upstream string) bool {
	return c.Request == nil && c.Upstream == upstream
}

// Posted gives one that the upstream's backend posted itself, also one that has ended. Errors: confirmation.not_found for any other.
func (c *Confirmations) Posted(ctx context.Context, upstream string, which id.Confirmation) (a Asked, err error) {
	err = c.Ledger.View(ctx, func(tx Tx) error {
		row, found, err := c.byID(ctx, tx, which)
		if err != nil {
			return err
		}
		if !found || !row.postedBy(upstream) {
			return fault.New(fault.ConfirmationNotFound)
		}
		stand, err := c.Holds.Standing(ctx, tx, row.User)
		a = c.asked(row, stand)
		return err
	})
	return a, err
}

// TakeBack ends one that the upstream's backend posted itself for good, approved or not. Errors as Cancel.
func (c *Confirmations) TakeBack(ctx context.Context, upstream string, which id.Confirmation) error {
	return c.cancel(ctx, which, ending{
		by: principal.System(upstream), said: audit.ConfirmationTakenBack, may: func(row Confirmation) bool { return row.postedBy(upstream) },
	})
}
