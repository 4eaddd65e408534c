package session

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// ChildCode carries a user to a gateway host, once.
type ChildCode struct {
	Parent id.Session
	// Host as configured, port included; the code is worth nothing on another.
	Host string
	// Path on that host where the user wanted to go.
	Path      string
	Born      time.Time
	ExpiresAt time.Time
}

// IssueChildCode makes the code that brings the principal's browser to a host of the gateway. The caller has checked that the host is
// one of ours. Errors: session.ended.
func (s *Sessions) IssueChildCode(ctx context.Context, p principal.Principal, host, path string) (secret.Value, error) {
	// The path becomes a redirect on the other host, so only one that our gateway would serve may pass.
	if sign.CheckTarget(path) != nil {
		path = "/"
	}
	code := secret.MintBearer("child code")
	err := s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := s.Now()
		row, found, err := tx.SessionByID(ctx, p.Session)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read session: %w", err)
		}
		if !found || !row.RevokedAt.IsZero() || !row.Parent.IsZero() {
			return audit.Event{}, fault.New(fault.SessionEnded)
		}
		c := ChildCode{Parent: p.Session, Host: host, Path: path, Born: now, ExpiresAt: now.Add(s.Limits.ChildCode)}
		return audit.Quiet(audit.SessionChildCodeMade), tx.InsertChildCode(ctx, code.Hash(), c)
	})
	return code, err
}

// RedeemChildCode turns a code into a session on its host. The code is spent by one conditional write that names the winner; the child
// carries the parent's proof and never outlives it. Errors: child_code.refused for whatever is wrong with the code.
func (s *Sessions) RedeemChildCode(ctx context.Context, code secret.Value, host string, from principal.Origin) (row Row, bearer secret.Value, path string, err error) {
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := s.Now()
		c, won, err := tx.SpendChildCode(ctx, code.Hash(), host, now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("spend child code: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.ChildCodeRefused)
		}
		parent, found, err := tx.SessionByID(ctx, c.Parent)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read parent session: %w", err)
		}
		if !found || !parent.RevokedAt.IsZero() || !now.Before(parent.ExpiresAt) {
			return audit.Event{}, fault.New(fault.ChildCodeRefused)
		}
		row = parent
		row.ID, row.Parent, row.Host = id.New[id.SessionKind](now), parent.ID, host
		row.Born, row.ActedAt = now, now
		row.Addr, row.Agent = from.Addr.String(), from.Agent
		if bearer, err = s.insert(ctx, tx, &row); err != nil {
			return audit.Event{}, err
		}
		path = c.Path
		actor := principal.Principal{Kind: principal.KindUser, User: row.User, Session: row.ID, Proof: row.Proof, Origin: from}
		return audit.Event{Action: audit.SessionChildMade, Actor: actor, Person: row.User, Facts: map[string]string{"host": host}}, nil
	})
	return row, bearer, path, err
}
