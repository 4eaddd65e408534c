// Package apikey owns the life of an API key, from issue to revocation, and the index of live keys that a check reads.
//
// It does not know how requests are signed (package sign), what a key may do (room decide) or where rows lie (Tx).
//
//	issued → live ⇄ rotating (two secrets, until the overlap ends)     live, rotating → expired (time)
//	         live ⇄ frozen (looks and cancels)                        any → revoked (final)
//	         live ⇄ blocked (does nothing)
//	         live → noticed → read-only → disabled (nobody uses it) → live (its owner wakes it)
//
// Invariant: a secret is shown once and kept sealed, of an Ed25519 key only the public half ever arrives; at most two secrets of a key are
// live, and two only between Rotate and the end of its overlap; and what a key may do is never more than its owner may do today.
package apikey

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// Key is a key as it is listed: without its secret.
type Key struct {
	ID          id.Key
	Account     id.Account
	Subaccount  id.Subaccount
	Owner       id.User
	OwnerName   string
	Name        string
	Purpose     string
	Environment id.Environment
	// Dialect and Algorithm are how its requests are signed; a request never chooses.
	Dialect   sign.Dialect
	Algorithm sign.Algorithm
	Scopes    scope.Set
	// Allowlist of networks; empty allows every address.
	Allowlist []netip.Prefix
	// Settings of the dialect, how the key's clients write what they sign.
	Settings sign.Settings
	// WindowPast is the key's own signing window, in whole seconds up to MaxWindow; zero means the dialect's.
	WindowPast   time.Duration
	Born         time.Time
	BornOn       id.Device
	ExpiresAt    time.Time
	RevokedAt    time.Time
	RevokedWhy   string
	LastUsedAt   time.Time
	LastUsedFrom string
	// FrozenAt is set while the key looks and cancels only, BlockedAt while it does nothing, StoppedWhy with the later of them.
	FrozenAt, BlockedAt time.Time
	StoppedWhy          string
	// OnEnd is what happens to its open orders when it ends or is stopped.
	OnEnd OnEnd
	// Template that it was made from; empty for none.
	Template string
	// Standby keys may lie unused.
	Standby bool
	// Pin is the network that the key is held to: empty for none, PinFirst or PinFirstSystem until it is used, then a network or "AS" and a number.
	Pin string
	// Noticed is the smallest number of days before its end at which its owner was told; zero if never, -1 once it has ended. LapseNoticed is
	// the same of the end of trading without an allowlist.
	Noticed, LapseNoticed int
	Dormancy              Dormancy
	// WokenAt is when its owner brought an unused key back.
	WokenAt    time.Time
	ImportedAt time.Time
	// ReleasedAt is when its owner let it withdraw; until then that scope does nothing. MadeIn is the session that gave it the scope.
	ReleasedAt time.Time
	MadeIn     id.Session
	// Bounds is what it may do at most, beside its scopes. Ordered is the worth that it ordered on OrderedDay, days since 1970, as it was last saved.
	Bounds     Bounds
	OrderedDay int64
	Ordered    string
	// Destinations are where it may send money.
	Destinations []Destination
	// Vendor names who outside the account is given the key; empty for nobody. Such a key never withdraws.
	Vendor string
	// VendorSecret is the highest version of its secret that a vendor may have had whose mark was taken away; zero for none.
	VendorSecret uint32
	// OwnerLocked: the owner or another owner of the account has locked it, or the owner's membership is frozen, so the key looks and cancels only.
	OwnerLocked bool
	// OwnerRole today; NoRole for a user who was disabled, or who was removed and whose keys do not go on.
	OwnerRole principal.Role
	// OwnerUntil is the end of what its owner means for it: they left the account, or it is a service user that lacks a sponsor; zero for all others.
	OwnerUntil time.Time
	// OwnerLeft: the owner is no member any more.
	OwnerLeft bool
	// Sponsors answer for the owner, if that is a service user.
	Sponsors []id.User
	// OrphanedAt is when it was told that it has nobody; zero while it has somebody.
	OrphanedAt time.Time
}

// Owned says whether the key has an owner at now.
func (k Key) Owned(now time.Time) bool {
	return k.OwnerRole != principal.NoRole && (k.OwnerUntil.IsZero() || now.Before(k.OwnerUntil))
}

// told are those who hear of the key: its owner, or the sponsors of a service user; of one that nobody answers for any more, the owners of the account.
func (k Key) told(ctx context.Context, tx Tx) ([]id.User, error) {
	switch {
	case k.OwnerLeft, !k.OwnerUntil.IsZero():
		return tx.OwnersOf(ctx, k.Account)
	case len(k.Sponsors) > 0:
		return k.Sponsors, nil
	}
	return []id.User{k.Owner}, nil
}

// giving are the changes after which a key can do more, or for somebody else.
var giving = map[happening.Kind]bool{
	happening.KeyCreated: true, happening.KeyRotated: true, happening.KeyExtended: true, happening.KeyWidened: true, happening.KeyWoken: true, happening.KeyReleased: true,
	happening.KeyUnfrozen: true, happening.KeyUnblocked: true, happening.KeyTransferred: true,
}

// tell lets what follows from a change of the key follow for everybody who hears of it. Whose session gave it something hears of that too: who else does
// is for that session to choose, because it names the owner of the key and the sponsors of a service user.
func (k *Keys) tell(ctx context.Context, tx Tx, p principal.Principal, key Key, h happening.Happening) error {
	told, err := key.told(ctx, tx)
	if err != nil {
		return fmt.Errorf("who hears of %s: %w", key.Text(), err)
	}
	if p.Kind == principal.KindUser && giving[h.Kind] && !slices.Contains(told, p.User) {
		told = append(slices.Clone(told), p.User)
	}
	h = h.DoneBy(p, key.Account)
	for _, u := range told {
		h.User = u
		if err := k.Follow.Apply(ctx, tx, h); err != nil {
			return err
		}
	}
	return nil
}

// Frozen says whether the key may do nothing but look and cancel, by its owner's hand.
func (k Key) Frozen() bool { return !k.FrozenAt.IsZero() || k.OwnerLocked }

// FrozenBy is the refusal of what a frozen key may not do, by what has to be undone first: key.account_locked or key.frozen.
func (k Key) FrozenBy() *fault.Error { return frozenBy(k.OwnerLocked) }

func frozenBy(locked bool) *fault.Error {
	if locked {
		return fault.New(fault.KeyAccountLocked)
	}
	return fault.New(fault.KeyFrozen)
}

// Text is the key's public id as it is written everywhere.
func (k Key) Text() string { return id.FormatKey(k.ID, k.Environment) }

// OnEnd is what the platform is told to do with a key's open orders when it lapses, is stopped or dies.
type OnEnd string

// The ways to end.
const (
	LeaveOrders  OnEnd = "leave"
	CancelOrders OnEnd = "cancel_all"
)

// Material is what a key's requests are checked with: the sealed secret, or the public half.
type Material struct {
	Version uint32
	Bytes   []byte
	Born    time.Time
	// MintedBy is the kind of who asked for it.
	MintedBy string
	Retirement
	LastUsedAt   time.Time
	LastUsedFrom string
}

// Retirement is the end of a secret that has a newer one beside it; zero for the newest.
type Retirement struct {
	// Since is when the newer one came, Ends when this one stops to verify.
	Since, Ends time.Time
	// NoticeAt is when the owner is told next that it ends; zero for no more.
	NoticeAt time.Time
	// Extended: the end was put off, which may be done once.
	Extended bool
}

// MaterialPlace is where a secret lies; it is bound into the seal.
func MaterialPlace(k id.Key, version uint32) secret.Place {
	return secret.Place{Table: "api_key_secret", Column: "material", Row: string(k[:]), Version: version}
}

// Tx is what this package asks of a transaction.
type Tx interface {
	txn.Announcer
	audit.Recorder
	account.Tx
	// ClaimAccountRow makes every other transaction that asks for the same account wait for this one.
	ClaimAccountRow(ctx context.Context, a id.Account) error
	// RaisedFrom is since when a user is of high value.
	RaisedFrom(ctx context.Context, u id.User) (from time.Time, found bool, err error)
	InsertKey(ctx context.Context, k Key, m Material) error
	KeyByID(ctx context.Context, k id.Key) (key Key, found bool, err error)
	// KeyToChange is KeyByID, and makes every other transaction that would change the key wait for this one. A key is written whole, so of two
	// that only read it first the later one would undo the earlier.
	KeyToChange(ctx context.Context, k id.Key) (key Key, found bool, err error)
	MaterialOf(ctx context.Context, k id.Key) ([]Material, error)
	// MaterialsBetween gives those of all keys after one id, up to and with another.
	MaterialsBetween(ctx context.Context, after, last id.Key) (map[id.Key][]Material, error)
	// KeysByPage lists the keys after one id, up to and with another, by their ids, limit at the most.
	KeysByPage(ctx context.Context, after, last id.Key, limit int) ([]Key, error)
	// KeyParts gives the ids, at most n-1 and rising, that part all keys into n parts of about the same size.
	KeyParts(ctx context.Context, n int) ([]id.Key, error)
	// KeysByDialect counts those that are neither revoked nor expired.
	KeysByDialect(ctx context.Context, now time.Time) (map[sign.Dialect]int, error)
	KeysOfAccount(ctx context.Context, a id.Account) ([]Key, error)
	KeysOfOwner(ctx context.Context, u id.User) ([]id.Key, error)
	// KeysUnder lists the keys of others in the accounts that u owns, without those that are revoked.
	KeysUnder(ctx context.Context, u id.User) ([]id.Key, error)
	// KeysServing are those of the service users of every account that somebody owns.
	KeysServing(ctx context.Context, u id.User) ([]id.Key, error)
	RevokeKey(ctx context.Context, a id.Account, k id.Key, why string, now time.Time) (won bool, err error)
	TouchKey(ctx context.Context, k id.Key, used time.Time, from string) error
	// ChangeKey writes what its owner may edit; won is false if the key is revoked.
	ChangeKey(ctx context.Context, k Key) (won bool, err error)
	// StopKey and ResumeKey are won by the first.
	StopKey(ctx context.Context, k Key, s Stop, why string, now time.Time) (won bool, err error)
	ResumeKey(ctx context.Context, k Key, s Stop) (won bool, err error)
	// HolderIn is somebody in an account; the zero value for one who is not there.
	HolderIn(ctx context.Context, a id.Account, u id.User) (Holder, error)
	// TransferKey gives it another owner, and takes its release away; won is false if it is revoked.
	TransferKey(ctx context.Context, k Key, owner id.User) (won bool, err error)
	// NoteGiven notes who gave a key to somebody else, or gave somebody else's key something, and when. KeysGivenBy are those that somebody
	// gave since a moment, in accounts that they own.
	NoteGiven(ctx context.Context, k id.Key, by id.User, now time.Time) error
	KeysGivenBy(ctx context.Context, u id.User, since time.Time) ([]id.Key, error)
	InsertSecret(ctx context.Context, k id.Key, m Material) error
	// RetireSecrets ends those of lower versions, or earlier if that was said before.
	RetireSecrets(ctx context.Context, k id.Key, before uint32, r Retirement) error
	// ExtendSecret puts the end of one off; won is false for one that was put off before.
	ExtendSecret(ctx context.Context, k id.Key, version uint32, r Retirement) (won bool, err error)
	// SecretNoticed notes when the owner is told next of the end of one.
	SecretNoticed(ctx context.Context, k id.Key, version uint32, next time.Time) error
	// KeysRetiring lists keys with a secret that goes on beside a newer one, and of whose end somebody should have been told by now.
	KeysRetiring(ctx context.Context, now time.Time, limit int) ([]id.Key, error)
	DeleteSecret(ctx context.Context, k id.Key, version uint32) error
	TouchSecret(ctx context.Context, k id.Key, version uint32, used time.Time, from string) error
	// AddUse adds calls to those of the same hour, place, route and outcome.
	AddUse(ctx context.Context, k id.Key, u Use) error
	// UsesOfKey lists them, the latest first.
	UsesOfKey(ctx context.Context, k id.Key, since time.Time, limit int) ([]Use, error)
	// UsesByDay adds up those of each day in UTC, the oldest first; UsesByCode those that were refused, the most frequent first.
	UsesByDay(ctx context.Context, k id.Key, since time.Time) ([]UsedDay, error)
	UsesByCode(ctx context.Context, k id.Key, since time.Time) ([]Refused, error)
	// ScopesUsed are those that the routes asked for which the key called since then.
	ScopesUsed(ctx context.Context, k id.Key, since time.Time) (scope.Set, error)
	// ScopesSince is when the key was last given more scopes, and when its owner was last told that it does not need all of those; zero if never.
	ScopesSince(ctx context.Context, k id.Key) (widened, told time.Time, err error)
	// ScopesWidened notes that the key was given more; what its owner was told of those before counts no more.
	ScopesWidened(ctx context.Context, k id.Key, now time.Time) error
	// ScopesAsked notes that the key was asked which of its scopes it does not need, and when its owner was told; zero if there was nothing to tell.
	ScopesAsked(ctx context.Context, k id.Key, now, told time.Time) error
	// KeysToAsk lists keys that are as old as usedSince and were given nothing since, were used after it, are no standby, whose owners were not told,
	// and that were not asked since askedBefore.
	KeysToAsk(ctx context.Context, now, usedSince, askedBefore time.Time, limit int) ([]id.Key, error)
	// NoteOrdered writes what the key ordered on a day behind.
	NoteOrdered(ctx context.Context, k id.Key, day int64, ordered string) error
	// ClaimKeyNonce spends a nonce for as long as the key lives; won is false for all but the first.
	ClaimKeyNonce(ctx context.Context, k id.Key, nonce []byte, now time.Time) (won bool, err error)
	// CountKeyNonce counts one claimed nonce; within is false, and nothing is counted, when the key has most already.
	CountKeyNonce(ctx context.Context, k id.Key, most int64) (within bool, err error)
	// ClaimKeyCounter spends a nonce that must rise: won is true once for each that is above all before it, or not more below the highest than
	// the key's settings allow, as they are in this transaction.
	ClaimKeyCounter(ctx context.Context, k id.Key, counter uint64, now time.Time) (won bool, err error)
	// LiftKeyMark counts the highest nonce of the key as so much higher; within is false, and nothing is lifted, where there are none so high.
	LiftKeyMark(ctx context.Context, k id.Key, by uint64) (within bool, err error)
}

// Limits are the numbers of the policy.
type Limits struct {
	// Life of a key that trades, of one that only looks, of one that may withdraw, and the cap that no call can exceed.
	Life, ReadOnlyLife, HighValueLife, MaxLife time.Duration
	// UnpinnedTradeLife is how long a key may trade that is tied to no network (Tied).
	UnpinnedTradeLife time.Duration
	// DestinationWait is how long a destination that was added to a key does not count.
	DestinationWait time.Duration
	// Dialects is what the operator says of each.
	Dialects [sign.Dialects]DialectLimit
}

// DialectLimit is what the operator says of a dialect.
type DialectLimit struct {
	// Off refuses new keys, and the requests of those that exist.
	Off bool
	// Lifted lets signatures trade that cover too little for it.
	Lifted bool
	// Window is how old a signature may be whose key says nothing else; zero where no time is signed.
	Window time.Duration
}

// Deps are what Keys is made of. All but SystemOf are needed.
type Deps struct {
	Ledger     audit.Ledger[Tx]
	Now        func() time.Time
	Decide     decision.Decider
	StepUps    *stepup.StepUps
	Ceremonies *ceremony.Ceremonies
	Sealer     ceremony.Sealer
	// Opener opens what Sealer sealed, to compare a secret that was found.
	Opener   Opener
	Follow   happening.Applier
	ScopesOf func(principal.Role) scope.Set
	// SystemOf gives the number of the autonomous system of an address, zero where it is not known; nil without a file of them.
	SystemOf func(netip.Addr) uint32
	Limits   Limits
}

// Opener opens sealed secrets; see keyring.
type Opener interface {
	AppendOpen(dst, aad, sealed []byte) ([]byte, error)
}

// Keys issues, lists and revokes. It is safe for concurrent use.
type Keys struct {
	Deps
	index index
	uses  uses
}

// New reads every key into the index.
func New(ctx context.Context, d Deps) (*Keys, error) {
	k := &Keys{Deps: d}
	k.index.byID = map[id.Key]*Live{}
	return k, k.Reload(ctx)
}

// Ceiling is the highest class of action that a signature can carry, from what it covers (package sign). Where it covers too little to
// trade, as a plain Upbit token does, the operator may lift it.
func (k *Keys) Ceiling(d sign.Dialect, c sign.Coverage) scope.Class {
	if c.Ceiling() == sign.CeilingRead && k.Limits.Dialects[d].Lifted {
		return scope.Order
	}
	return classOf(c.Ceiling())
}

// highest is the most that a key of the dialect can be given: what it carries, or what an operator may lift it to by the configuration.
func highest(d sign.Dialect) scope.Class {
	return max(classOf(d.Coverage().Ceiling()), min(classOf(d.Coverage().Lift()), scope.Order))
}

func classOf(c sign.Ceiling) scope.Class {
	switch c {
	case sign.CeilingWithdraw:
		return scope.Withdraw
	case sign.CeilingTrade:
		return scope.Order
	case sign.CeilingRead:
		return scope.Look
	}
	return scope.Public
}

// effective is what a key may do at now: what it was given, what its owner may do today, no money before its release or in the
// hands of a vendor, and no trade from
// everywhere once the time for that is over.
func (k *Keys) effective(key Key, now time.Time) scope.Set {
	set := key.Scopes.Intersect(k.ScopesOf(key.OwnerRole))
	if key.Frozen() {
		set = set.UpTo(scope.Cancel)
	}
	if key.Dormancy >= ReadOnlyUnused {
		set = set.UpTo(scope.Cancel)
	}
	if key.ReleasedAt.IsZero() || key.Vendor != "" {
		set = set.UpTo(scope.Order)
	}
	if !key.Tied() && !now.Before(key.Born.Add(k.Limits.UnpinnedTradeLife)) {
		set = set.UpTo(scope.Cancel)
	}
	return set
}
