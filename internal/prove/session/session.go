// Package session owns sessions: how they are minted, raised, listed and ended, and who is behind one.
//
// It does not know how somebody proved who they are (it is handed a Proof), what a session may do (room decide), or cookies.
//
// A session is an opaque 256-bit bearer of which only the hash is kept. Its id (ses_…) is an address for lists and buttons; the bearer
// is replaced at every step-up and change of credentials. A session on a gateway host is the child of one on the dashboard and dies
// with it.
//
//	minted → live ⇄ idle (look and cancel only; one proof restores)       live, idle → ended (absolute limit)
//	                                                                      any → revoked (final)
//
// Invariant: a bearer that was replaced, a revoked session and its children are refused from the moment the change was acknowledged, and
// after a change of credentials so are the children of the session that made it; nothing a client sends is ever adopted as a bearer. A session
// that is bound to a device is refused without the cookie that its device's key brings, but for one grace that only a fault of ours opens.
package session

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Row is a session as it is kept, with what its reader needs of user and member.
type Row struct {
	ID         id.Session
	TokenHash  [32]byte
	User       id.User
	Account    id.Account
	Subaccount id.Subaccount
	Device     id.Device
	// Parent and Host are set on children.
	Parent id.Session
	Host   string
	Proof  assurance.Proof
	// Addr and Agent are those of the sign-in, or of the latest answer to a challenge.
	Addr, Agent string
	// Challenge is the factor that still has to be shown for full power.
	Challenge assurance.Challenge
	// Shared says that the computer is not the user's own.
	Shared bool
	// Staff says that the user is an operator: at its idle limit the session ends.
	Staff bool
	// Bound is the session's tie to its device; zero if there is none.
	Bound Bound
	// Odd and Copied are where it was shown, or a child of it, that was not where it belongs; zero on children.
	Odd       Odd
	Copied    Copied
	Born      time.Time
	ActedAt   time.Time
	ExpiresAt time.Time
	RevokedAt time.Time

	UserName string
	Lang     string
	// Role today; NoRole for a member who was removed or a user who was disabled.
	Role principal.Role
	// Frozen: another owner of the account has locked it, or the membership waits for an owner's review. Nobody does more in it than look and cancel.
	Frozen bool
}

// Tx is what this package asks of a transaction.
type Tx interface {
	txn.Announcer
	InsertSession(ctx context.Context, r Row) error
	SessionByID(ctx context.Context, s id.Session) (r Row, found bool, err error)
	UserByID(ctx context.Context, u id.User) (user account.User, found bool, err error)
	// LiveSessions lists sessions that are neither revoked nor past now, by id, a page after the given one.
	LiveSessions(ctx context.Context, now time.Time, after id.Session, limit int) ([]Row, error)
	LiveSessionsByUser(ctx context.Context, u id.User, now time.Time) ([]Row, error)
	// RaiseSession writes bearer, proof, challenge and whence of r if the bearer is still the old one.
	RaiseSession(ctx context.Context, r Row, old [32]byte, now time.Time) (won bool, err error)
	// MoveSession lets a live session, whose bearer is still this one, act in another account of its user, and forgets the step-ups that were asked in it.
	MoveSession(ctx context.Context, s id.Session, bearer [32]byte, a id.Account, sub id.Subaccount) (won bool, err error)
	// ChallengeSession replaces the challenge of a live session.
	ChallengeSession(ctx context.Context, s id.Session, c assurance.Challenge) (won bool, err error)
	// LapseChallenge lets the challenge of a live session end by itself; won is false where none stands, its end is set, or its user demands it.
	LapseChallenge(ctx context.Context, s id.Session, until time.Time) (won bool, err error)
	TouchSession(ctx context.Context, s id.Session, acted time.Time) error
	// MarkSession writes each of the two that is later than what a live session has; the zero value is earlier than all. It says whether it wrote.
	MarkSession(ctx context.Context, s id.Session, o Odd, c Copied) (wrote bool, err error)
	// ClaimCopyTold lets the user of a live session be told of a copy, if nobody told them after a moment; won is false for all but the first.
	ClaimCopyTold(ctx context.Context, s id.Session, after, now time.Time) (won bool, err error)
	// The three below revoke, with children, and give the ids of those that were live.
	RevokeSession(ctx context.Context, u id.User, s id.Session, why string, now time.Time) ([]id.Session, error)
	RevokeOtherSessionsByUser(ctx context.Context, u id.User, keep id.Session, why string, now time.Time) ([]id.Session, error)
	RevokeSessionsByUser(ctx context.Context, u id.User, why string, now time.Time) ([]id.Session, error)
	InsertChildCode(ctx context.Context, hash [32]byte, c ChildCode) error
	// SpendChildCode uses a code on its host, in the browser of its state, before its end; won is false for all but the first.
	SpendChildCode(ctx context.Context, hash, state [32]byte, host string, now time.Time) (c ChildCode, won bool, err error)
	// RevokeChildren gives the ids of those that were live.
	RevokeChildren(ctx context.Context, parent id.Session, why string, now time.Time) ([]id.Session, error)
	// VoidChildCodes spends every code of a parent that nobody has spent.
	VoidChildCodes(ctx context.Context, parent id.Session, now time.Time) error
	// RevokeChildrenOnHost gives the ids of those that were live.
	RevokeChildrenOnHost(ctx context.Context, parent id.Session, host, why string, now time.Time) ([]id.Session, error)
}

// Limits are the lifetimes of sessions.
type Limits struct {
	// Idle is how long without a human act a session keeps its power; Absolute is its life.
	Idle, Absolute time.Duration
	// StaffIdle and StaffAbsolute are those of operators, where they are shorter; an operator's session ends at both.
	StaffIdle, StaffAbsolute time.Duration
	// ChildCode is how long the way to a gateway host stays open.
	ChildCode time.Duration
	// Renewal is the life of a device-bound cookie.
	Renewal time.Duration
}

// Deps are what Sessions is made of. All are needed.
type Deps struct {
	Ledger audit.Ledger[Tx]
	Now    func() time.Time
	Limits Limits
	// ScopesOf is room decide's answer to what a role may do.
	ScopesOf func(principal.Role) scope.Set
	Follow   happening.Applier
	// Tally hears of sessions that are used in an unusual way.
	Tally *audit.Tally
	// CountryOf is the country of an address, empty where it is not known. It must not wait.
	CountryOf func(netip.Addr) string
}

// Sessions mints, raises, lists and ends sessions. It is safe for concurrent use.
type Sessions struct {
	Deps
	index index
}

// New reads every live session into the index.
func New(ctx context.Context, d Deps) (*Sessions, error) {
	s := &Sessions{Deps: d}
	s.index.init()
	return s, s.Reload(ctx)
}

// Mint says what a new session is made of.
type Mint struct {
	User       id.User
	Account    id.Account
	Subaccount id.Subaccount
	Proof      assurance.Proof
	// From is where the proof came from, with the device that will hold the session.
	From principal.Origin
	// Challenge is what the session has to show before it has full power; zero for nothing.
	Challenge assurance.Challenge
	// Shared says that the computer is not the user's own.
	Shared bool
	// Replace is the session that the same browser had before, which ends.
	Replace id.Session
}

// MaxPerUser is how many sessions a user may have, children not counted. Sign-ins that commit at the same moment may go beyond it; the next
// one ends what is too many.
const MaxPerUser = 50

// Minted is a new session. The bearer is never readable again.
type Minted struct {
	Session Row
	Bearer  secret.Value
	// Ended are the sessions that had to make room, those that nobody used for the longest.
	Ended []Row
}

// Mint makes a session in the caller's transaction; it is the only place where one begins.
func (s *Sessions) Mint(ctx context.Context, tx Tx, in Mint) (out Minted, err error) {
	now := s.Now()
	user, _, err := tx.UserByID(ctx, in.User)
	if err != nil {
		return out, fmt.Errorf("read user: %w", err)
	}
	absolute := s.Limits.Absolute
	if !user.StaffAt.IsZero() {
		absolute = min(absolute, s.Limits.StaffAbsolute)
	}
	out.Session = Row{
		ID: id.New[id.SessionKind](now), User: in.User, Account: in.Account, Subaccount: in.Subaccount, Device: in.From.Device,
		Proof: in.Proof, Addr: in.From.Addr.String(), Agent: in.From.Agent, Born: now, ActedAt: now, ExpiresAt: now.Add(absolute),
		Challenge: in.Challenge, Shared: in.Shared, Staff: !user.StaffAt.IsZero(),
	}
	if err := s.replace(ctx, tx, in.Replace); err != nil {
		return out, err
	}
	if out.Ended, err = s.makeRoom(ctx, tx, in.User); err != nil {
		return out, err
	}
	out.Bearer, err = s.insert(ctx, tx, &out.Session)
	return out, err
}

// makeRoom ends the sessions of a user that nobody used for the longest, until there is room for one more.
func (s *Sessions) makeRoom(ctx context.Context, tx Tx, u id.User) ([]Row, error) {
	rows, err := tx.LiveSessionsByUser(ctx, u, s.Now())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool { return !r.Parent.IsZero() })
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(s.index.acted(a.ID, a.ActedAt).Compare(s.index.acted(b.ID, b.ActedAt)), bytes.Compare(a.ID[:], b.ID[:]))
	})
	rows = rows[:max(0, len(rows)-MaxPerUser+1)]
	for _, row := range rows {
		if err := s.End(ctx, tx, u, row.ID, "unused for the longest of too many"); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// replace ends the session that a browser had, whoever's it was: its bearer is overwritten, and nobody could sign it out any more.
func (s *Sessions) replace(ctx context.Context, tx Tx, sid id.Session) error {
	if sid.IsZero() {
		return nil
	}
	before, found, err := tx.SessionByID(ctx, sid)
	if err != nil {
		return fmt.Errorf("read session before: %w", err)
	}
	if !found {
		return nil
	}
	return s.End(ctx, tx, before.User, sid, "replaced by a new sign-in")
}

func (s *Sessions) insert(ctx context.Context, tx Tx, row *Row) (secret.Value, error) {
	bearer := secret.MintBearer("session")
	row.TokenHash = bearer.Hash()
	if err := tx.InsertSession(ctx, *row); err != nil {
		return secret.Value{}, fmt.Errorf("insert session: %w", err)
	}
	announce(tx, row.ID)
	return bearer, nil
}

// Raise adds a proof to the principal's session in the caller's transaction and gives it a new bearer; the one that the principal was shown
// by is dead once this commits. The zero proof adds nothing and still brings a new bearer.
// Errors: session.ended, also when another request raised it first.
func (s *Sessions) Raise(ctx context.Context, tx Tx, p principal.Principal, proof assurance.Proof) (secret.Value, error) {
	row, found, err := tx.SessionByID(ctx, p.Session)
	if err != nil {
		return secret.Value{}, fmt.Errorf("read session: %w", err)
	}
	if !found {
		return secret.Value{}, fault.New(fault.SessionEnded)
	}
	if err := s.answer(ctx, tx, &row, p, proof); err != nil {
		return secret.Value{}, err
	}
	bearer := secret.MintBearer("session")
	row.TokenHash, row.Proof = bearer.Hash(), row.Proof.With(proof)
	if proof.Shows(p.Challenge.Needs) {
		s.index.answering(p, row.TokenHash)
	}
	won, err := tx.RaiseSession(ctx, row, p.Bearer, s.Now())
	if err != nil {
		return secret.Value{}, fmt.Errorf("raise session: %w", err)
	}
	if !won {
		return secret.Value{}, fault.New(fault.SessionEnded)
	}
	announce(tx, p.Session)
	return bearer, nil
}

// Move lets the principal's session act in another account of theirs, in the caller's transaction; the caller knows that it is theirs. Children on
// gateway hosts end. Errors: session.ended.
func (s *Sessions) Move(ctx context.Context, tx Tx, p principal.Principal, to account.Membership) error {
	if err := s.EndChildren(ctx, tx, p.Session, "went over to another account"); err != nil {
		return err
	}
	won, err := tx.MoveSession(ctx, p.Session, p.Bearer, to.Account, to.Main)
	if err != nil {
		return fmt.Errorf("move session: %w", err)
	}
	if !won {
		return fault.New(fault.SessionEnded)
	}
	announce(tx, p.Session)
	return nil
}

// answer takes the challenges away that a proof answers: the one that is kept, and those that lie in where the session is shown from.
func (s *Sessions) answer(ctx context.Context, tx Tx, row *Row, p principal.Principal, proof assurance.Proof) error {
	if p.Challenge.Why != "" && p.Challenge.Why != assurance.Stranger && p.Challenge.Why != assurance.Unrenewed && proof.Shows(p.Challenge.Needs) {
		row.Addr, row.Agent = p.Origin.Addr.String(), p.Origin.Agent
	}
	if row.Challenge.Why == "" || !proof.Shows(row.Challenge.Needs) {
		return nil
	}
	row.Challenge = assurance.Challenge{}
	now := s.Now()
	return device.Vouch(ctx, txn.As[device.Tx](tx), row.Device, row.User, device.PlaceOf(p.Origin.Addr, p.Origin.Agent), now, now)
}

// Told notes that the user was told of a sign-in by a stranger's browser: a day from now its challenge lapses, and the browser is known there.
// A session that ended, or was vouched for, stays as it is.
func (s *Sessions) Told(ctx context.Context, sid id.Session) error {
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		row, found, err := tx.SessionByID(ctx, sid)
		if err != nil || !found {
			return audit.Quiet(audit.SessionTold), err
		}
		now := s.Now()
		until := now.Add(device.Doubt)
		won, err := tx.LapseChallenge(ctx, sid, until)
		if err != nil || !won {
			return audit.Quiet(audit.SessionTold), err
		}
		announce(tx, sid)
		addr, err := netip.ParseAddr(row.Addr)
		if err != nil {
			return audit.Event{}, fmt.Errorf("address of session: %w", err)
		}
		return audit.Quiet(audit.SessionTold), device.Vouch(ctx, txn.As[device.Tx](tx), row.Device, row.User, device.PlaceOf(addr, row.Agent), until, now)
	})
}

// Demand gives each session of u that was proven without a passkey a challenge for one, in the caller's transaction; their children have it too.
func (s *Sessions) Demand(ctx context.Context, tx Tx, u id.User) error {
	rows, err := tx.LiveSessionsByUser(ctx, u, s.Now())
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for _, row := range rows {
		if !row.Parent.IsZero() || row.Proof.Level() >= assurance.Phr {
			continue
		}
		if _, err := tx.ChallengeSession(ctx, row.ID, assurance.Challenge{Why: assurance.Demanded, Needs: assurance.Phr}); err != nil {
			return fmt.Errorf("challenge session: %w", err)
		}
		announce(tx, row.ID)
	}
	return nil
}

// SignOut ends the principal's own session and its children.
func (s *Sessions) SignOut(ctx context.Context, p principal.Principal) error {
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		h := happening.Happening{Kind: happening.SignedOut, User: p.User, Session: p.Session}
		return audit.Event{Action: audit.SessionSignedOut, Actor: p, Person: p.User}, s.Follow.Apply(ctx, tx, h)
	})
}

// Revoke ends one of the user's sessions. Errors: session.not_found.
func (s *Sessions) Revoke(ctx context.Context, p principal.Principal, sid id.Session) error {
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		row, found, err := tx.SessionByID(ctx, sid)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read session: %w", err)
		}
		if !found || row.User != p.User || !row.RevokedAt.IsZero() {
			return audit.Event{}, fault.New(fault.SessionNotFound)
		}
		if err := s.End(ctx, tx, p.User, sid, "signed out from another session"); err != nil {
			return audit.Event{}, err
		}
		facts := map[string]string{"device": row.Agent}
		return audit.Event{Action: audit.SessionRevoked, Actor: p, Person: p.User, Facts: facts}, s.unsettleOn(ctx, tx, p.User, row.Device)
	})
}

// RevokeSelected ends some of the user's other sessions, all of them or none, and says how many were still live.
// Errors: session.not_found, also for the principal's own.
func (s *Sessions) RevokeSelected(ctx context.Context, p principal.Principal, selected []id.Session) (count int, err error) {
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		count = 0
		for _, sid := range selected {
			row, found, err := tx.SessionByID(ctx, sid)
			if err != nil {
				return audit.Event{}, fmt.Errorf("read session: %w", err)
			}
			if !found || row.User != p.User || sid == p.Session || !row.Parent.IsZero() {
				return audit.Event{}, fault.New(fault.SessionNotFound)
			}
			if !row.RevokedAt.IsZero() {
				continue
			}
			if err := s.End(ctx, tx, p.User, sid, "signed out from another session"); err != nil {
				return audit.Event{}, err
			}
			if err := s.unsettleOn(ctx, tx, p.User, row.Device); err != nil {
				return audit.Event{}, err
			}
			count++
		}
		facts := map[string]string{"count": fmt.Sprint(count)}
		event := audit.Event{Action: audit.SessionSelectedRevoked, Actor: p, Person: p.User, Facts: facts}
		if count == 0 {
			return event, nil
		}
		h := happening.Happening{Kind: happening.SignedOutSelected, User: p.User, Session: p.Session, Facts: facts}
		return event, s.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
	})
	return count, err
}

// Disown ends a session of the user that was not theirs, whose browser is a stranger from then on; money is held. It cannot be the
// principal's own: that one signs out. Errors: session.not_found.
func (s *Sessions) Disown(ctx context.Context, p principal.Principal, sid id.Session) error {
	return s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		row, found, err := tx.SessionByID(ctx, sid)
		if err != nil {
			return audit.Event{}, fmt.Errorf("read session: %w", err)
		}
		if !found || row.User != p.User || !row.RevokedAt.IsZero() || sid == p.Session || !row.Parent.IsZero() {
			return audit.Event{}, fault.New(fault.SessionNotFound)
		}
		if err := s.TurnAway(ctx, tx, p, sid, row.Device); err != nil {
			return audit.Event{}, err
		}
		facts := map[string]string{"device": row.Agent, "agent": row.Agent, "addr": row.Addr}
		evidence := map[string]string{"session": sid.String(), "at": row.Born.UTC().Format(time.RFC3339), "proven": row.Proof.Level().String()}
		h := happening.Happening{
			Kind: happening.Disowned, User: p.User, Session: p.Session, Facts: facts, Owing: p.Challenge.Why != "", About: sid.String(), Evidence: evidence,
		}
		return audit.Event{Action: audit.SessionDisowned, Actor: p, Person: p.User, Facts: facts}, s.Follow.Apply(ctx, tx, h)
	})
}

// TurnAway ends a session of the principal's user that they disowned, if it is still open, and makes a stranger of its browser, in the caller's
// transaction. The zero session or device is none.
func (s *Sessions) TurnAway(ctx context.Context, tx any, p principal.Principal, sid id.Session, d id.Device) error {
	t := txn.As[Tx](tx)
	// Two sessions of one browser have one device, and this one was just said to be the user's. Who owes a factor ends a session, and takes from
	// no browser that it is known: a forged page would make a stranger of the owner's.
	switch {
	case d.IsZero():
	case d != p.Origin.Device && p.Challenge.Why == "":
		if err := device.Forget(ctx, txn.As[device.Tx](tx), d, p.User, s.Now()); err != nil {
			return err
		}
	default:
		if err := s.unsettleOn(ctx, t, p.User, d); err != nil {
			return err
		}
	}
	return s.End(ctx, t, p.User, sid, "disowned by its user")
}

// Reject ends a session of u in the caller's transaction, and makes its browser a stranger: u said by a notice's link that it was not them.
func (s *Sessions) Reject(ctx context.Context, tx any, u id.User, sid id.Session) error {
	t := txn.As[Tx](tx)
	row, found, err := t.SessionByID(ctx, sid)
	if err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	if !found || row.User != u {
		return nil
	}
	if err := device.Forget(ctx, txn.As[device.Tx](tx), row.Device, u, s.Now()); err != nil {
		return err
	}
	return s.End(ctx, t, u, sid, "disowned by a notice's link")
}

// Bots says what becomes of the user's API keys when they sign out.
type Bots bool

// Keys stay unless their owner ticks them: then each looks and cancels only, until it is unfrozen.
const (
	KeepBots   Bots = false
	FreezeBots Bots = true
)

// facts for the notice and the record.
func (b Bots) facts(count int) map[string]string {
	facts := map[string]string{"count": fmt.Sprint(count)}
	if b == FreezeBots {
		facts["keys"] = "frozen"
	}
	return facts
}

// SignOutOthers ends all of the user's sessions but this one, and says how many.
func (s *Sessions) SignOutOthers(ctx context.Context, p principal.Principal, bots Bots) (count int, err error) {
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if count, err = s.EndOthers(ctx, tx, p.User, p.Session, "signed out from another session"); err != nil {
			return audit.Event{}, err
		}
		facts := bots.facts(count)
		h := happening.Happening{Kind: happening.SignedOutOthers, User: p.User, Session: p.Session, Facts: facts, FreezesKeys: bool(bots)}
		return audit.Event{Action: audit.SessionOthersRevoked, Actor: p, Person: p.User, Facts: facts}, s.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
	})
	return count, err
}

// SignOutEverywhere ends all of the user's sessions, this one too, and says how many.
func (s *Sessions) SignOutEverywhere(ctx context.Context, p principal.Principal, bots Bots) (count int, err error) {
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		ended, err := tx.RevokeSessionsByUser(ctx, p.User, "signed out everywhere", s.Now())
		if err != nil {
			return audit.Event{}, fmt.Errorf("revoke sessions: %w", err)
		}
		announce(tx, ended...)
		if err := s.unsettle(ctx, tx, p.User); err != nil {
			return audit.Event{}, err
		}
		count = len(ended)
		facts := bots.facts(count)
		h := happening.Happening{Kind: happening.SignedOutAll, User: p.User, Facts: facts, FreezesKeys: bool(bots)}
		return audit.Event{Action: audit.SessionAllRevoked, Actor: p, Person: p.User, Facts: facts}, s.Follow.Apply(ctx, tx, h.SeenFrom(p.Origin))
	})
	return count, err
}

// End ends one session of a user, with its children, in the caller's transaction; room respond calls it where the table says so.
func (s *Sessions) End(ctx context.Context, tx Tx, u id.User, sid id.Session, why string) error {
	ended, err := tx.RevokeSession(ctx, u, sid, why, s.Now())
	if err != nil {
		return fmt.Errorf("revoke session: %w", err)
	}
	announce(tx, ended...)
	return nil
}

// EndOthers ends all sessions of a user but one, in the caller's transaction; room respond calls it where the table says so.
func (s *Sessions) EndOthers(ctx context.Context, tx Tx, u id.User, keep id.Session, why string) (int, error) {
	ended, err := tx.RevokeOtherSessionsByUser(ctx, u, keep, why, s.Now())
	if err != nil {
		return 0, fmt.Errorf("revoke other sessions: %w", err)
	}
	announce(tx, ended...)
	return len(ended), s.unsettle(ctx, tx, u)
}

// EndWithin ends the sessions of a user that act in one account, with their children, in the caller's transaction; room respond calls it where the table says
// so.
func (s *Sessions) EndWithin(ctx context.Context, tx Tx, u id.User, a id.Account, why string) error {
	rows, err := tx.LiveSessionsByUser(ctx, u, s.Now())
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for _, row := range rows {
		if row.Account != a || !row.Parent.IsZero() {
			continue
		}
		if err := s.End(ctx, tx, u, row.ID, why); err != nil {
			return err
		}
	}
	return nil
}

// EndAt ends the sessions of a user that act in one subaccount, with their children, in the caller's transaction: nobody acts there any more.
func (s *Sessions) EndAt(ctx context.Context, tx Tx, u id.User, at id.Subaccount, why string) error {
	rows, err := tx.LiveSessionsByUser(ctx, u, s.Now())
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for _, row := range rows {
		if row.Subaccount != at || !row.Parent.IsZero() {
			continue
		}
		if err := s.End(ctx, tx, u, row.ID, why); err != nil {
			return err
		}
	}
	return nil
}

// EndOnDevice ends all sessions of a user in one browser, with their children, in the caller's transaction; that browser shows the account no
// more. Room respond calls it where the table says so.
func (s *Sessions) EndOnDevice(ctx context.Context, tx Tx, u id.User, d id.Device, why string) error {
	rows, err := tx.LiveSessionsByUser(ctx, u, s.Now())
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for _, row := range rows {
		if row.Device != d || !row.Parent.IsZero() {
			continue
		}
		if err := s.End(ctx, tx, u, row.ID, why); err != nil {
			return err
		}
	}
	return s.unsettleOn(ctx, tx, u, d)
}

// unsettle keeps the strangers' browsers whose sessions were ended by somebody else from becoming known when their day is over, and no browser
// shows the account any more.
func (s *Sessions) unsettle(ctx context.Context, tx Tx, u id.User) error {
	if err := txn.As[device.Tx](tx).UnsettlePlacesByUser(ctx, u, s.Now()); err != nil {
		return fmt.Errorf("unsettle places: %w", err)
	}
	if err := txn.As[device.Tx](tx).UnrememberUser(ctx, u, s.Now()); err != nil {
		return fmt.Errorf("forget in browsers: %w", err)
	}
	return nil
}

// unsettleOn does the same in one browser.
func (s *Sessions) unsettleOn(ctx context.Context, tx Tx, u id.User, d id.Device) error {
	if err := txn.As[device.Tx](tx).UnsettlePlacesByDevice(ctx, d, u, s.Now()); err != nil {
		return fmt.Errorf("unsettle places: %w", err)
	}
	if _, err := txn.As[device.Tx](tx).UnrememberDeviceUser(ctx, d, u, s.Now()); err != nil {
		return fmt.Errorf("forget in browser: %w", err)
	}
	return nil
}

// EndChildren ends what came of a session on gateway hosts, and the codes on their way there: whoever held its bearer before a change of
// credentials may have been somebody else. An honest browser crosses over again by itself.
func (s *Sessions) EndChildren(ctx context.Context, tx Tx, parent id.Session, why string) error {
	ended, err := tx.RevokeChildren(ctx, parent, why, s.Now())
	if err != nil {
		return fmt.Errorf("revoke children: %w", err)
	}
	announce(tx, ended...)
	if err := tx.VoidChildCodes(ctx, parent, s.Now()); err != nil {
		return fmt.Errorf("void child codes: %w", err)
	}
	return nil
}

// Listed is a session with its children, one for each gateway host that it has open.
type Listed struct {
	Row
	Children []Row
	// Skipped is why its browser said last that it did not renew the bound cookie; forgotten at a restart.
	Skipped string
}

// List gives the user's live sessions, the newest first.
func (s *Sessions) List(ctx context.Context, p principal.Principal) (list []Listed, err error) {
	var rows []Row
	err = s.Ledger.View(ctx, func(tx Tx) (err error) {
		rows, err = tx.LiveSessionsByUser(ctx, p.User, s.Now())
		return err
	})
	children := map[id.Session][]Row{} // parent → children
	for _, row := range rows {
		if !row.Parent.IsZero() {
			children[row.Parent] = append(children[row.Parent], row)
		}
	}
	for _, row := range rows {
		if row.Parent.IsZero() {
			row.ActedAt = s.index.acted(row.ID, row.ActedAt)
			if row.Staff && !s.Now().Before(row.ActedAt.Add(s.idleOf(row))) {
				continue // it has ended, though its row stands until the absolute limit
			}
			row.Odd, row.Copied = s.index.shown(row)
			list = append(list, Listed{row, children[row.ID], s.index.skipped(row.ID)})
		}
	}
	return list, err
}

func announce(tx txn.Announcer, ids ...id.Session) {
	for _, sid := range ids {
		tx.Announce(txn.Change{Subject: txn.SubjectSession, ID: sid})
	}
}
