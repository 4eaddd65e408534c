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
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/sign"
)

// Way is how a browser goes over to a gateway host.
type Way struct {
	// Host as configured, port included; the code is worth nothing on another.
	Host string
	// Path on that host where the user wanted to go.
	Path string
	// State is the hash of the cookie by which the host will know the browser that set out there. A code opens in no other: otherwise a
	// link could sign its reader in as whoever made it (RFC 9700 §4.7).
	State [32]byte
}

// ChildCode carries a user to a gateway host, once.
type ChildCode struct {
	Way
	Parent    id.Session
	Born      time.Time
	ExpiresAt time.Time
}

const (
	// crossingProof is how old the last proof of a bound session's device may be when it crosses over.
	crossingProof = time.Minute
	// unrenewedRetry is when a session may try again whose device we kept from proving itself.
	unrenewedRetry = 5 * time.Second
)

// IssueChildCode makes the code that brings the principal's browser to a host of the gateway. The caller has checked that the host is
// one of ours. A session that is shown in an unusual way goes nowhere: on the other host its browser would look like its own. One that is bound
// to its device goes only with a proof made for this: the session there is bound to nothing yet, and would outlive what a copy of the cookies
// is good for.
// Errors: session.ended, session.unusual, session.unproven (the device has to prove itself once more), unavailable.
func (s *Sessions) IssueChildCode(ctx context.Context, p principal.Principal, way Way) (secret.Value, error) {
	if p.Challenge.Why.Unusual() {
		return secret.Value{}, fault.New(fault.SessionUnusual)
	}
	if p.Challenge.Why == assurance.Unrenewed {
		return secret.Value{}, fault.New(fault.Unavailable).After(unrenewedRetry)
	}
	if at := p.Proof.BoundAt; !at.IsZero() && s.Now().Sub(at) > crossingProof {
		return secret.Value{}, fault.New(fault.SessionUnproven)
	}
	// The path becomes a redirect on the other host, so only one that our gateway would serve may pass.
	if sign.CheckTarget(way.Path) != nil {
		way.Path = "/"
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
		c := ChildCode{Way: way, Parent: p.Session, Born: now, ExpiresAt: now.Add(s.Limits.ChildCode)}
		return audit.Event{Action: audit.SessionChildCodeMade, Actor: p}, tx.InsertChildCode(ctx, code.Hash(), c)
	})
	return code, err
}

// RedeemChildCode turns a code into a session on its host, in the browser that shows the cookie of its state. The code is spent by one
// conditional write that names the winner. The child carries the parent's proof and never outlives it, and the one that the parent had on the
// host before ends: nobody could sign it out any more, and so a session has at most one child a host.
// Errors: child_code.refused for whatever is wrong with the code.
func (s *Sessions) RedeemChildCode(ctx context.Context, code, state secret.Value, host string, from principal.Origin) (row Row, bearer secret.Value, path string, err error) {
	if !code.IsBearer() || !state.IsBearer() {
		return row, bearer, path, fault.New(fault.ChildCodeRefused)
	}
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		now := s.Now()
		c, won, err := tx.SpendChildCode(ctx, code.Hash(), state.Hash(), host, now)
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
		before, err := tx.RevokeChildrenOnHost(ctx, parent.ID, host, "opened again", now)
		if err != nil {
			return audit.Event{}, fmt.Errorf("revoke the child before: %w", err)
		}
		announce(tx, before...)
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
