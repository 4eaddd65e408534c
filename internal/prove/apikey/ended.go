package apikey

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
)

// Ended is the job that tells the platform of a key that placed orders and can place no more, for now or for good.
type Ended struct {
	Key         id.Key         `json:"key"`
	Environment id.Environment `json:"environment"`
	Owner       id.User        `json:"owner"`
	Account     id.Account     `json:"account"`
	Subaccount  id.Subaccount  `json:"subaccount"`
	Role        principal.Role `json:"role"`
	// OnEnd is what its owner wants done with its open orders.
	OnEnd OnEnd          `json:"on_end"`
	Why   happening.Kind `json:"why"`
	// At is when it ended, which may be before the job was made.
	At time.Time `json:"at"`
}

// Kind names the job.
func (Ended) Kind() string { return "key_ended" }

// ending are the changes after which a key places no order.
var ending = map[happening.Kind]bool{
	happening.KeyFrozen: true, happening.KeyStrayed: true, happening.KeyBlocked: true, happening.KeyRevoked: true, happening.KeyLeaked: true,
	happening.MoneyKeyLeaked: true, happening.KeyFound: true, happening.MoneyKeyFound: true, happening.KeyExpired: true, happening.KeyLapsed: true,
	happening.KeyNarrowed: true, happening.KeyDisabled: true, happening.OwnerLocked: true, happening.UserDisabled: true,
	happening.KeyOrphaned: true, happening.MembershipChanged: true,
}

// tellPlatform puts the job into the outbox of the change, if the change ends the placing of orders.
func (k *Keys) tellPlatform(ctx context.Context, tx any, key Key, kind happening.Kind) error {
	if !ending[kind] || !key.Scopes.Has(scope.OrdersWrite) {
		return nil
	}
	job := Ended{key.ID, key.Environment, key.Owner, key.Account, key.Subaccount, key.OwnerRole, key.OnEnd, kind, k.endedAt(key, kind)}
	if err := txn.As[txn.Enqueuer](tx).Enqueue(ctx, job); err != nil {
		return fmt.Errorf("tell the platform of %s: %w", key.Text(), err)
	}
	return nil
}

// endedAt is when a key ended: now, or, of one whose time was over before anybody looked, that moment.
func (k *Keys) endedAt(key Key, kind happening.Kind) time.Time {
	now := k.Now()
	ends := map[happening.Kind]time.Time{
		happening.KeyExpired: key.ExpiresAt, happening.KeyLapsed: k.LapseAt(key), happening.KeyOrphaned: key.OwnerUntil,
	}
	if at := ends[kind]; !at.IsZero() && at.Before(now) {
		return at
	}
	return now
}

// Orphans lists keys that have nobody: their owner was disabled, or has left the account and the time to give them to somebody else is over. They are refused, and
// stay until somebody who may change the account revokes or transfers them, or their owner comes back. Those that ended are not among them. Only the host asks.
// Errors: forbidden.
func (k *Keys) Orphans(ctx context.Context, p principal.Principal) (list []Key, err error) {
	if !p.Trusted() {
		return nil, fault.New(fault.Forbidden)
	}
	now := k.Now()
	err = k.eachPage(ctx, id.Key{}, lastKey, func(_ Tx, _ id.Key, page []Key) error {
		for _, key := range page {
			if !key.Owned(now) && key.RevokedAt.IsZero() && now.Before(key.ExpiresAt) {
				list = append(list, key)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return list, nil
}
