// Package consequence owns what follows from what happened: the table of what dies when, in one place.
//
// Rooms below say what happened; they never end another session or send a notice themselves. Everything that follows commits with what
// happened.
//
// Invariant: an occurrence without a line in the table does not compile into silence: Apply refuses it.
package consequence

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
)

// Fate is what becomes of something.
type Fate uint8

// The fates.
const (
	// Stays: it goes on as it was.
	Stays Fate = iota
	// Renewed: it goes on under a new bearer; the old one is refused, and its children on gateway hosts end.
	Renewed
	// Dies: it is refused for good.
	Dies
	// Blocked: it is refused until what blocks it is lifted.
	Blocked
	// Frozen: it looks and cancels, until its owner has reviewed it.
	Frozen
	// Locked: it looks and cancels, while its owner has locked the account.
	Locked
	// Within: it dies if it acts in the account that it is about.
	Within
	// Ending: it goes on until the deadline, and beyond it if somebody else takes it.
	Ending
	// Lost: it dies if it is in the browser that was given up, and that browser is a stranger again.
	Lost
)

// Row is what follows from one kind of happening. The children of a session on gateway hosts go on only where it stays as it was.
type Row struct {
	// This is the session that did it. The room that changes a credential renews it, because only that room can hand the new bearer out;
	// a session that dies ends here.
	This Fate
	// Others are all other sessions of the user. Those that die end here; where the lost ones do, the session that did it is none of them or one.
	Others Fate
	// Keys are the user's API keys. They are blocked and locked by their owner's state, which package apikey reads; those that freeze are frozen here.
	// Those that stay freeze too where the user ticked them (Happening.FreezesKeys).
	Keys Fate
	// Brought are those whom the user, as an owner, brought into accounts lately. Those that freeze look and cancel only until an owner has reviewed each.
	Brought Fate
	// Sponsored are the keys of the service users that the user answers for. Those that are ending go on until the deadline for another sponsor.
	Sponsored Fate
	// Leaving is the user's wish to be erased, where it waits. It ends whenever somebody takes the account into their own hands, or claims it:
	// whoever still wants to leave says so again, and nobody else's wish outlives them.
	Leaving Fate
	// Asked are the withdrawals and new destinations that were asked for and have not left, confirmed or not. They die where somebody else may have
	// confirmed them, or their owner stops everything; elsewhere they wait out the hold.
	Asked Fate
	// Hold is how long money waits; NoHold if it does not.
	Hold Span
	// Notice is the letter to the user; empty sends none. A row that holds money has one: the clock of the hold starts when it arrives.
	Notice notify.Letter
	// Case says that operators have one to read, with what is known.
	Case bool
	// Lapses says that the challenge of the session that did it lapses a day after the notice arrived.
	Lapses bool
}

// Span names one of the lengths that an installation sets.
type Span int

// The spans.
const (
	NoHold Span = iota
	CredentialHold
	// AccountHold is as long as CredentialHold, and makes money wait in the account that the happening is about alone.
	AccountHold
	ContactHold
	RecoveryHold
	// UntilUnlocked has no length: package hold reads that the owner has locked the account.
	UntilUnlocked
)

// Spans are their lengths.
type Spans struct{ Credential, Contact, Recovery time.Duration }

func (s Spans) of(which Span) time.Duration {
	return map[Span]time.Duration{CredentialHold: s.Credential, AccountHold: s.Credential, ContactHold: s.Contact, RecoveryHold: s.Recovery}[which]
}

// table is "What dies when". A test runs each row at every door, on both engines: a kind that is added here needs its cause there.
var table = map[happening.Kind]Row{
	happening.SignedUp:          {Notice: notify.Welcome},
	happening.NewDevice:         {Notice: notify.NewDevice},
	happening.LimitedSignIn:     {Notice: notify.LimitedSignIn, Lapses: true},
	happening.SignedOut:         {This: Dies},
	happening.Disowned:          {Leaving: Dies, Asked: Dies, Brought: Frozen, Hold: CredentialHold, Notice: notify.Disowned, Case: true},
	happening.CookieReplayed:    {Leaving: Dies, This: Dies, Hold: CredentialHold, Notice: notify.CookieReplayed},
	happening.SessionCopied:     {Notice: notify.SessionCopied}, // it was refused, and its user goes on
	happening.SignedOutOthers:   {Leaving: Dies, Others: Dies, Notice: notify.SignedOutOthers},
	happening.SignedOutAll:      {Leaving: Dies, This: Dies, Others: Dies, Notice: notify.SignedOutEverywhere},
	happening.SignedOutSelected: {Leaving: Dies, Notice: notify.SignedOutOthers}, // package session ends those that were chosen
	happening.PasswordChanged:   {Leaving: Dies, This: Renewed, Others: Dies, Hold: CredentialHold, Notice: notify.PasswordChanged},
	happening.FactorAdded:       {This: Renewed, Notice: notify.FactorAdded},
	happening.FactorRemoved:     {Leaving: Dies, This: Renewed, Others: Dies, Hold: CredentialHold, Notice: notify.FactorRemoved},
	happening.CodesGuessed:      {Notice: notify.CodesGuessed},
	happening.PasskeyCloned:     {Notice: notify.PasskeyCloned},
	happening.KeyCreated:        {Notice: notify.KeyCreated},
	happening.KeyRevoked:        {Notice: notify.KeyRevoked},
	happening.KeyRotated:        {Notice: notify.KeyRotated},
	happening.KeyFrozen:         {Notice: notify.KeyFrozen},
	happening.KeyUnfrozen:       {Notice: notify.KeyUnfrozen},
	happening.KeyBlocked:        {Notice: notify.KeyBlocked},
	happening.KeyUnblocked:      {Notice: notify.KeyUnblocked},
	happening.KeyLeaked:         {Notice: notify.KeyLeaked, Case: true},
	happening.MoneyKeyLeaked:    {Hold: CredentialHold, Notice: notify.KeyLeaked, Case: true},
	happening.KeyFound:          {Notice: notify.KeyFound},
	happening.MoneyKeyFound:     {Hold: CredentialHold, Notice: notify.KeyFound},
	happening.KeyWidened:        {Notice: notify.KeyWidened},
	happening.KeyWoken:          {Notice: notify.KeyWoken},
	happening.KeyReleased:       {Notice: notify.KeyReleased},
	happening.KeyStrayed:        {Notice: notify.KeyStrayed},
	happening.KeyExpiring:       {Notice: notify.KeyExpiring},
	happening.KeyExpired:        {Notice: notify.KeyExpired},
	happening.KeyLapsing:        {Notice: notify.KeyLapsing},
	happening.KeyLapsed:         {Notice: notify.KeyLapsed},
	happening.KeyUnused:         {Notice: notify.KeyUnused},
	happening.KeyUnneeded:       {Notice: notify.KeyUnneeded},
	happening.KeyRetiring:       {Notice: notify.KeyRetiring},
	happening.KeyUnseen:         {Notice: notify.KeyUnseen},
	happening.KeyExtended:       {Notice: notify.KeyExtended},
	happening.KeyNarrowed:       {Notice: notify.KeyNarrowed},
	happening.KeyDisabled:       {Notice: notify.KeyDisabled},
	happening.MoneyConfirmed:    {Notice: notify.MoneyConfirmed},
	happening.OwnerLocked:       {Leaving: Dies, This: Dies, Others: Dies, Keys: Locked, Asked: Dies, Hold: UntilUnlocked, Notice: notify.AccountLocked},
	happening.OwnerUnlocked:     {Notice: notify.AccountUnlocked},
	happening.ContactChanged:    {Leaving: Dies, This: Renewed, Others: Dies, Hold: ContactHold, Notice: notify.ContactChanged},
	happening.ReportedSession:   {Leaving: Dies, This: Dies, Asked: Dies, Brought: Frozen, Hold: CredentialHold, Notice: notify.Contained, Case: true},
	happening.ReportedChange:    {Leaving: Dies, This: Dies, Others: Dies, Asked: Dies, Brought: Frozen, Hold: CredentialHold, Notice: notify.Contained, Case: true},
	// What somebody else did: only their own word ends more of theirs than what acts in the account, and nothing of the reader's ends.
	happening.ReportedOther: {Notice: notify.ContainedOther, Case: true},
	happening.ActQuestioned: {This: Dies, Others: Within, Asked: Within, Hold: AccountHold, Notice: notify.ActQuestioned},
	happening.UserDisabled:  {Leaving: Dies, This: Dies, Others: Dies, Keys: Blocked, Asked: Dies, Brought: Frozen, Sponsored: Ending},
	happening.UserEnabled:   {},
	happening.StaffChanged:  {Leaving: Dies, This: Dies, Others: Dies}, // at the host: there is no session to go on with

	happening.DepartureBegun:   {Notice: notify.DepartureBegun},
	happening.DepartureNear:    {Notice: notify.DepartureNear},
	happening.DepartureStopped: {Notice: notify.DepartureStopped},

	happening.RecoveryCodesReplaced: {Leaving: Dies, This: Renewed, Others: Dies, Hold: ContactHold, Notice: notify.RecoveryCodesReplaced},
	happening.RecoveryClaimed:       {Leaving: Dies}, // package recovery tells of it each day
	happening.RecoveryCompleted:     {Leaving: Dies, Others: Dies, Keys: Frozen, Asked: Dies, Brought: Frozen, Hold: RecoveryHold, Notice: notify.RecoveryCompleted},
	happening.RecoveryCancelled:     {Leaving: Dies, Notice: notify.RecoveryCancelled, Case: true},
	happening.RecoveryDisputed:      {Leaving: Dies, Notice: notify.RecoveryDisputed},
	happening.RecoveryOpened:        {Notice: notify.RecoveryOpened}, // it has shown nothing, so it stops nothing
	happening.RecoveryRejected:      {Notice: notify.RecoveryRejected},
	happening.RecoveryShortened:     {Hold: ContactHold, Notice: notify.RecoveryShortened},
	happening.RecoveryLengthened:    {Notice: notify.RecoveryLengthened},
	happening.PhraseChanged:         {Notice: notify.PhraseChanged},
	// Somebody else does it to them, or they leave: what their sessions may do is another from here on, and keys read it themselves.
	happening.MembershipChanged: {This: Within, Others: Within, Asked: Within, Notice: notify.MembershipChanged},
	happening.MemberInvited:     {Notice: notify.MemberInvited},
	happening.MemberJoined:      {Notice: notify.MemberJoined},
	happening.MemberUnfrozen:    {Notice: notify.MemberUnfrozen},
	happening.SponsorsChanged:   {Notice: notify.SponsorsChanged},
	happening.MemberFrozen:      {Notice: notify.MemberFrozen},
	happening.KeysLeft:          {Notice: notify.KeysLeft},
	happening.KeyTransferred:    {Notice: notify.KeyTransferred},
	happening.KeyOrphaned:       {Notice: notify.KeyOrphaned},
	happening.UserRaised:        {Notice: notify.UserRaised},
	happening.UserLowered:       {Notice: notify.UserLowered},
	happening.DemandMade:        {Notice: notify.DemandMade}, // package session gives the user's weaker sessions their challenge
	happening.DemandDropped:     {Notice: notify.DemandDropped},
	happening.DeviceLost:        {Leaving: Dies, Others: Lost, Asked: Dies, Hold: CredentialHold, Notice: notify.DeviceLost},
}

// Sessions is what this package asks of package session.
type Sessions interface {
	End(ctx context.Context, tx session.Tx, u id.User, s id.Session, why string) error
	EndChildren(ctx context.Context, tx session.Tx, parent id.Session, why string) error
	EndOthers(ctx context.Context, tx session.Tx, u id.User, keep id.Session, why string) (int, error)
	EndWithin(ctx context.Context, tx session.Tx, u id.User, a id.Account, why string) error
	EndOnDevice(ctx context.Context, tx session.Tx, u id.User, d id.Device, why string) error
}

// Holds is what this package asks of package hold.
type Holds interface {
	Place(ctx context.Context, tx hold.Tx, placed hold.Hold) (id.Hold, error)
}

// Keys is what this package asks of package apikey.
type Keys interface {
	FreezeAll(ctx context.Context, tx apikey.Tx, owner id.User, why happening.Kind) error
	FreezeServing(ctx context.Context, tx apikey.Tx, owner id.User, why happening.Kind) error
	TellAll(ctx context.Context, tx apikey.Tx, owner id.User, why happening.Kind) error
	TellUnder(ctx context.Context, tx apikey.Tx, owner id.User, why happening.Kind) error
}

// Members is what this package asks of package member.
type Members interface {
	Doubt(ctx context.Context, tx any, owner id.User) error
	Unsponsor(ctx context.Context, tx any, sponsor id.User) error
}

// Confirmations is what this package asks of package confirm.
type Confirmations interface {
	CancelOpen(ctx context.Context, tx any, u id.User) error
	CancelWithin(ctx context.Context, tx any, u id.User, a id.Account) error
}

// Departures is what this package asks of package privacy.
type Departures interface {
	Stop(ctx context.Context, tx any, u id.User) error
}

// Consequences applies the table.
type Consequences struct {
	departures Departures
	members    Members
	asked      Confirmations
	now        func() time.Time
	sessions   Sessions
	keys       Keys
	holds      Holds
	spans      Spans
}

// New makes a Consequences. Sessions are given later by Use, because they in turn need somewhere to say what happened.
func New(now func() time.Time, holds Holds, spans Spans) *Consequences {
	return &Consequences{now: now, holds: holds, spans: spans}
}

// Use wires the sessions. It is called once, while the graph is built.
func (c *Consequences) Use(s Sessions) { c.sessions = s }

// UseKeys wires the keys, as Use does the sessions.
func (c *Consequences) UseKeys(k Keys) { c.keys = k }

// UseMembers wires those who belong to accounts, as Use does the sessions.
func (c *Consequences) UseMembers(m Members) { c.members = m }

// UseDepartures wires those who want to leave, as Use does the sessions.
func (c *Consequences) UseDepartures(d Departures) { c.departures = d }

// UseConfirmations wires what was asked for, as Use does the sessions.
func (c *Consequences) UseConfirmations(a Confirmations) { c.asked = a }

// Apply does what follows from h in the caller's transaction.
func (c *Consequences) Apply(ctx context.Context, tx any, h happening.Happening) error {
	row, ok := table[h.Kind]
	if !ok {
		return fmt.Errorf("no consequences are written down for %q", h.Kind)
	}
	if row.This == Dies && !h.Session.IsZero() {
		if err := c.sessions.End(ctx, txn.As[session.Tx](tx), h.User, h.Session, string(h.Kind)); err != nil {
			return err
		}
	}
	if row.This == Renewed && !h.Session.IsZero() {
		if err := c.sessions.EndChildren(ctx, txn.As[session.Tx](tx), h.Session, string(h.Kind)); err != nil {
			return err
		}
	}
	if row.Others == Dies {
		if _, err := c.sessions.EndOthers(ctx, txn.As[session.Tx](tx), h.User, h.Session, string(h.Kind)); err != nil {
			return err
		}
	}
	if row.Others == Within {
		if err := c.sessions.EndWithin(ctx, txn.As[session.Tx](tx), h.User, h.Account, string(h.Kind)); err != nil {
			return err
		}
	}
	if row.Others == Lost {
		if err := c.lose(ctx, tx, h); err != nil {
			return err
		}
	}
	keys := row.Keys
	if h.FreezesKeys {
		keys = Frozen
	}
	if err := c.stopKeys(ctx, tx, keys, h); err != nil {
		return err
	}
	if row.Brought == Frozen && !h.Owing && !h.Outside {
		if err := c.members.Doubt(ctx, tx, h.User); err != nil {
			return err
		}
	}
	if row.Sponsored == Ending {
		if err := c.members.Unsponsor(ctx, tx, h.User); err != nil {
			return err
		}
	}
	if err := c.stopAsked(ctx, tx, row.Asked, h); err != nil {
		return err
	}
	if row.Leaving == Dies {
		if err := c.departures.Stop(ctx, tx, h.User); err != nil {
			return err
		}
	}
	if row.Case {
		if err := report.Write(ctx, tx, h, c.now()); err != nil {
			return err
		}
	}
	var held id.Hold
	if row.Hold != NoHold && row.Hold != UntilUnlocked {
		placed := hold.Hold{User: h.User, Reason: h.Kind, Span: c.spans.of(row.Hold)}
		if row.Hold == AccountHold {
			placed.Account = h.Account
		}
		var err error
		if held, err = c.holds.Place(ctx, txn.As[hold.Tx](tx), placed); err != nil {
			return err
		}
	}
	if row.Notice != "" {
		told := notify.Content{
			Letter: row.Notice, Facts: h.Facts, Hold: held, Held: c.spans.of(row.Hold), Session: h.Session, Lapses: row.Lapses, Change: h.Change,
		}
		if h.By != h.User {
			told.By, told.Account = h.By, h.Account
		}
		if err := notify.Write(ctx, tx, notify.Notice{User: h.User, At: c.now(), Content: told}); err != nil {
			return fmt.Errorf("notice of %s: %w", h.Kind, err)
		}
	}
	return nil
}

// lose ends what is open in a browser that is given up, and makes a stranger of it. Who owes a proof does not: a forged page would make one of
// the owner's own.
func (c *Consequences) lose(ctx context.Context, tx any, h happening.Happening) error {
	if err := c.sessions.EndOnDevice(ctx, txn.As[session.Tx](tx), h.User, h.Device, string(h.Kind)); err != nil || h.Owing {
		return err
	}
	return device.Forget(ctx, txn.As[device.Tx](tx), h.Device, h.User, c.now())
}

// stopAsked ends what was asked for and has not left: all of it, or what was asked in the account that the happening is about.
func (c *Consequences) stopAsked(ctx context.Context, tx any, fate Fate, h happening.Happening) error {
	switch fate { //nolint:exhaustive // what waits knows no others
	case Dies:
		return c.asked.CancelOpen(ctx, tx, h.User)
	case Within:
		return c.asked.CancelWithin(ctx, tx, h.User, h.Account)
	}
	return nil
}

// stopKeys freezes the keys that freeze, and of those that stop by their owner's state says so to the platform, which has their open orders.
func (c *Consequences) stopKeys(ctx context.Context, tx any, fate Fate, h happening.Happening) error {
	if fate != Stays {
		if err := c.keys.FreezeServing(ctx, txn.As[apikey.Tx](tx), h.User, h.Kind); err != nil {
			return err
		}
	}
	switch fate {
	case Frozen:
		return c.keys.FreezeAll(ctx, txn.As[apikey.Tx](tx), h.User, h.Kind)
	case Locked:
		if err := c.keys.TellUnder(ctx, txn.As[apikey.Tx](tx), h.User, h.Kind); err != nil {
			return err
		}
		return c.keys.TellAll(ctx, txn.As[apikey.Tx](tx), h.User, h.Kind)
	case Blocked:
		return c.keys.TellAll(ctx, txn.As[apikey.Tx](tx), h.User, h.Kind)
	case Stays, Renewed, Dies, Lost, Within, Ending:
	}
	return nil
}
