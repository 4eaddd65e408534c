// Package privacy owns what users may know and want of what is kept about them: the classes of it, a copy of their own, and to leave.
//
// It does not erase rows (package account) and has no words: the doors say what a class is, why it is kept and for how long.
//
// Invariant: a copy holds no secret and nothing of anybody else. Nobody is erased before a week has passed since they were told, and never
// who would leave other members without an owner.
//
//	here ──Leave──▶ leaving ──wait──▶ erased        leaving ──Stay, or what the table of respond/consequence says──▶ here
package privacy

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// Class is one kind of what is kept about a user. A test finds each table of the database in one class, or among those that hold nothing of
// anybody.
type Class struct {
	// ID names its texts; it never changes.
	ID string
	// Kept is how long, where a time decides; zero where something else does, which its text says.
	Kept time.Duration
	// Tables of the database that hold it.
	Tables []string
}

// recoveryKept is recovery.Kept, which nobody but the doors may import; a test compares them.
const recoveryKept = 30 * 24 * time.Hour

// Classes are all of them, in the order in which they are told.
var Classes = []Class{
	{ID: "profile", Tables: []string{"users", "account", "subaccount", "member", "user_lock", "departure", "assent", "high_value", "high_value_word", "demand", "invitation", "service_user"}},
	{ID: "contact", Tables: []string{"contact", "contact_change"}},
	{ID: "methods", Tables: []string{"password", "totp", "passkey", "recovery_set", "recovery_code", "recovery_plan"}},
	{ID: "sessions", Kept: 24 * time.Hour, Tables: []string{"session", "child_code", "step_up", "binding"}},
	{ID: "devices", Kept: device.Memory, Tables: []string{"device", "device_user", "device_place", "lapsed_browser"}},
	{ID: "keys", Kept: 90 * 24 * time.Hour, Tables: []string{"api_key", "api_key_secret", "key_nonce", "key_mark", "key_use", "key_scopes"}},
	{ID: "money", Kept: confirm.Kept, Tables: []string{"confirmation", "hold"}},
	{ID: "messages", Kept: notify.Keep, Tables: []string{"message"}},
	{ID: "activity", Tables: []string{"audit_event", "person_key"}},
	{ID: "recovery", Kept: recoveryKept, Tables: []string{"sign_up", "recovery", "evidence", "recovery_case", "recovery_approval", "report"}},
	{ID: "counters", Kept: 24 * time.Hour, Tables: []string{"throttle", "spent"}},
}

// Departure is a user on their way out.
type Departure struct {
	User id.User
	// Asked is when they wanted to leave, Due when they are erased.
	Asked, Due time.Time
}

// DeviceSeen is a browser that a user signed in with, and where.
type DeviceSeen struct {
	ID               id.Device
	Agent            string
	Born, LastSeenAt time.Time
	Places           []device.Place
}

// Tx is what this package asks of a transaction.
type Tx interface {
	account.Tx
	txn.Enqueuer
	// InsertDeparture is won unless the user is leaving already.
	InsertDeparture(ctx context.Context, d Departure) (won bool, err error)
	DepartureOf(ctx context.Context, u id.User) (d Departure, found bool, err error)
	DeleteDeparture(ctx context.Context, u id.User) (won bool, err error)
	// TakeDeparture deletes the departure that ends at due; it is won by one transaction, and by none where its user stayed.
	TakeDeparture(ctx context.Context, u id.User, due time.Time) (won bool, err error)
	// Claimed says whether somebody claims the user's account back.
	Claimed(ctx context.Context, u id.User, now time.Time) (bool, error)
	DevicesOf(ctx context.Context, u id.User) ([]DeviceSeen, error)
	// EvidenceBroughtBy lists what is kept of what was brought to the recoveries that the user completed.
	EvidenceBroughtBy(ctx context.Context, u id.User) ([]EvidenceCopy, error)
}

// Deps are what Privacy is made of. All are needed.
type Deps struct {
	Ledger  audit.Ledger[Tx]
	Now     func() time.Time
	StepUps *stepup.StepUps
	Follow  happening.Applier
	// Wait is how long somebody who wants to leave can still stay.
	Wait time.Duration
	// Kept is where the parts of a copy are read.
	Kept Kept
}

// Privacy answers for what is kept. It is safe for concurrent use.
type Privacy struct{ Deps }

// New makes a Privacy.
func New(d Deps) *Privacy { return &Privacy{d} }
