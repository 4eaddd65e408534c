package privacy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// Kept is where the parts of a copy are read: each room shows a principal what is theirs.
type Kept struct {
	Accounts interface {
		Self(ctx context.Context, p principal.Principal) (account.User, error)
	}
	Contacts interface {
		Of(ctx context.Context, p principal.Principal) (contact.Reached, error)
	}
	Sessions interface {
		List(ctx context.Context, p principal.Principal) ([]session.Listed, error)
	}
	Factors interface {
		Of(ctx context.Context, p principal.Principal) (factor.Methods, error)
	}
	Demands interface {
		Of(ctx context.Context, p principal.Principal) ([]demand.Demand, error)
	}
	Keys interface {
		List(ctx context.Context, p principal.Principal) ([]apikey.Key, error)
	}
	Confirmations interface {
		All(ctx context.Context, p principal.Principal) ([]confirm.Confirmation, error)
	}
	// Messages is given last, because it in turn needs all others.
	Messages interface {
		Messages(ctx context.Context, p principal.Principal, before id.Message) ([]notify.Shown, error)
	}
	Log interface {
		Activity(ctx context.Context, p principal.Principal, before int64, limit int) ([]audit.Told, error)
	}
}

// Copy is what is kept about a user, for themselves. It holds no hash, key, code or phrase: whoever finds the file must not be able to prove
// anything with it.
type Copy struct {
	MadeAt        time.Time          `json:"made_at" doc:"When the copy was made"`
	Profile       ProfileCopy        `json:"profile"`
	Contact       ContactCopy        `json:"contact"`
	Methods       MethodsCopy        `json:"sign_in_methods"`
	Sessions      []SessionCopy      `json:"sessions" doc:"Those that are live"`
	Devices       []DeviceCopy       `json:"devices"`
	Keys          []KeyCopy          `json:"api_keys"`
	Confirmations []ConfirmationCopy `json:"confirmations" doc:"Those that are open, and those that ended, as long as they are kept"`
	Messages      []MessageCopy      `json:"messages"`
	Evidence      []EvidenceCopy     `json:"evidence" doc:"What they brought to recoveries that brought them back, as long as it is kept"`
	Activity      []EventCopy        `json:"activity" doc:"The newest first"`
	// Older says that there are more events than a copy holds.
	Older bool `json:"older_activity,omitempty" doc:"Whether there are older events than these, which GET /v1/activity pages through"`
}

// The parts of a copy.
type (
	// ProfileCopy is who the user is.
	ProfileCopy struct {
		User      id.User       `json:"user" doc:"Their id"`
		Mail      string        `json:"mail" doc:"The address to sign in with"`
		Name      string        `json:"name" doc:"As they called it"`
		Language  string        `json:"language" doc:"Of pages and mails"`
		CreatedAt time.Time     `json:"created_at"`
		Never     bool          `json:"never_remembered" doc:"Whether no browser may show them where people sign in"`
		StaffAt   time.Time     `json:"operator_since,omitzero" doc:"Since when they are an operator of the platform; missing for others"`
		Accounts  []AccountCopy `json:"accounts"`
	}
	// AccountCopy is an account that they belong to.
	AccountCopy struct {
		Account id.Account `json:"account" doc:"Its id"`
		Name    string     `json:"name" doc:"As they called it"`
		Role    string     `json:"role" doc:"Today"`
	}
	// ContactCopy is how they are reached.
	ContactCopy struct {
		SecondMail string `json:"second_mail,omitempty" doc:"For notices"`
		Number     string `json:"number,omitempty" doc:"For texts about notices"`
		Phrase     bool   `json:"phrase_set" doc:"Whether there is a phrase in their mails; not which"`
	}
	// MethodsCopy is what they sign in with.
	MethodsCopy struct {
		PasswordSince time.Time     `json:"password_since,omitzero"`
		AppSince      time.Time     `json:"authenticator_app_since,omitzero"`
		AppBackup     bool          `json:"authenticator_app_backup,omitempty" doc:"Whether it is labelled as a backup"`
		CodesSince    time.Time     `json:"recovery_codes_since,omitzero"`
		CodesLeft     int           `json:"recovery_codes_left" doc:"How many are not spent"`
		Passkeys      []PasskeyCopy `json:"passkeys"`
		Demands       []DemandCopy  `json:"demands" doc:"Where they demand a passkey of themselves"`
	}
	// DemandCopy is one of those.
	DemandCopy struct {
		Area  string    `json:"area" doc:"What for"`
		Since time.Time `json:"since"`
		Until time.Time `json:"until,omitzero" doc:"When it ends, once it was given up"`
	}
	// PasskeyCopy is one of their passkeys.
	PasskeyCopy struct {
		Name          string    `json:"name" doc:"As they called it"`
		Authenticator string    `json:"authenticator,omitempty" doc:"What an accepted attestation named"`
		Backup        bool      `json:"backup,omitempty" doc:"Whether it is labelled as one"`
		CreatedAt     time.Time `json:"created_at"`
		LastUsedAt    time.Time `json:"last_used_at,omitzero"`
	}
	// SessionCopy is one of their sessions.
	SessionCopy struct {
		Session   id.Session `json:"session" doc:"Its id"`
		Addr      string     `json:"addr" doc:"Network address"`
		Agent     string     `json:"user_agent" doc:"What the browser said"`
		CreatedAt time.Time  `json:"created_at"`
		ActedAt   time.Time  `json:"acted_at"`
		ExpiresAt time.Time  `json:"expires_at"`
	}
	// DeviceCopy is a browser that they signed in with.
	DeviceCopy struct {
		Agent       string      `json:"user_agent" doc:"What the browser said"`
		FirstSeenAt time.Time   `json:"first_seen_at"`
		LastSeenAt  time.Time   `json:"last_seen_at"`
		Places      []PlaceCopy `json:"places"`
	}
	// PlaceCopy is where, coarsely.
	PlaceCopy struct {
		Network string `json:"network" doc:"A /24 or /48, or the network money goes over"`
		Family  string `json:"browser_family" doc:"Without versions"`
	}
	// KeyCopy is one of their API keys, without its secret.
	KeyCopy struct {
		KeyID        string    `json:"key_id" doc:"Public"`
		Name         string    `json:"name" doc:"As they called it"`
		Purpose      string    `json:"purpose" doc:"As they wrote it"`
		Scopes       []string  `json:"scopes"`
		Allowlist    []string  `json:"ip_allowlist"`
		Pin          string    `json:"network_pin,omitempty" doc:"The network it is held to"`
		Markets      []string  `json:"markets,omitempty" doc:"Those it may order in; missing: all"`
		OrderMost    string    `json:"order_most,omitempty" doc:"What one order may be worth"`
		DayMost      string    `json:"day_most,omitempty" doc:"What all orders of a day may be worth"`
		PerSecond    int       `json:"per_second,omitempty" doc:"Requests in a second"`
		Destinations []string  `json:"destinations,omitempty" doc:"Where it may send money: asset, network, address and memo"`
		Vendor       string    `json:"vendor,omitempty" doc:"Who was given it, as they wrote it"`
		WindowMS     int64     `json:"window_ms,omitempty" doc:"How old its signatures may be, if they chose"`
		CreatedAt    time.Time `json:"created_at"`
		ExpiresAt    time.Time `json:"expires_at"`
		RevokedAt    time.Time `json:"revoked_at,omitzero"`
		LastUsedAt   time.Time `json:"last_used_at,omitzero"`
		LastUsedFrom string    `json:"last_used_from,omitempty" doc:"A network address"`
	}
	// ConfirmationCopy is money that waits for them.
	ConfirmationCopy struct {
		Confirmation id.Confirmation `json:"confirmation" doc:"Its id"`
		Exchange     string          `json:"exchange" doc:"By its name in the configuration"`
		Asset        string          `json:"asset,omitempty" doc:"What leaves"`
		Network      string          `json:"network,omitempty" doc:"A /24 or /48, or the network money goes over"`
		Address      string          `json:"address" doc:"Where it goes"`
		Memo         string          `json:"memo,omitempty" doc:"What the address needs besides"`
		Amount       string          `json:"amount,omitempty" doc:"Decimal, in units of the asset"`
		FeeMax       string          `json:"fee_max,omitempty" doc:"The most that may be charged"`
		State        string          `json:"state" enum:"open,approved,executed,cancelled,expired" doc:"What became of it"`
		CreatedAt    time.Time       `json:"created_at"`
		ApprovedAt   time.Time       `json:"approved_at,omitzero"`
		ExecutedAt   time.Time       `json:"executed_at,omitzero"`
		CancelledAt  time.Time       `json:"cancelled_at,omitzero"`
	}
	// EvidenceCopy is a piece that was brought, without its bytes: with a picture of a document somebody else could prove to be them. Of a claim that
	// did not bring anybody back nobody knows whose it is, so what was brought to it is told to no one.
	EvidenceCopy struct {
		Slot      string    `json:"slot" doc:"What it is"`
		Kind      string    `json:"kind" doc:"Media type"`
		Size      int64     `json:"size" doc:"Bytes"`
		BroughtAt time.Time `json:"brought_at"`
		DeletedAt time.Time `json:"deleted_at" doc:"When it is deleted"`
	}
	// MessageCopy is what they were told.
	MessageCopy struct {
		At      time.Time `json:"at"`
		Subject string    `json:"subject" doc:"Of the mail"`
		Text    string    `json:"text" doc:"What it said"`
	}
	// EventCopy is what happened.
	EventCopy struct {
		At     time.Time         `json:"at"`
		Action string            `json:"action" doc:"Code of spec/actions.tsv"`
		Actor  string            `json:"actor,omitempty" doc:"What acted"`
		Addr   string            `json:"addr,omitempty" doc:"Network address"`
		Agent  string            `json:"user_agent,omitempty" doc:"What the browser said"`
		Facts  map[string]string `json:"facts,omitempty" doc:"Names, counts, reasons"`
	}
)

// maxEvents bounds the events of a copy.
const maxEvents = 20_000

// errProven undoes a transaction that only asked for a proof.
var errProven = errors.New("the proof is there")

// Copy gives the principal what is kept about them. The proof is there before anything is read, and is spent when the copy is whole.
// Errors: forbidden, step_up_required.
func (s *Privacy) Copy(ctx context.Context, p principal.Principal) (c Copy, err error) {
	if p.Kind != principal.KindUser {
		return c, fault.New(fault.Forbidden)
	}
	proven := func(tx Tx) error {
		return s.StepUps.Require(ctx, tx, p, stepup.Content{Action: audit.PrivacyCopied, Input: p.User, Floor: assurance.Pwd, Sensitive: true})
	}
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) { return audit.Event{}, cmp.Or(proven(tx), errProven) })
	if !errors.Is(err, errProven) {
		return c, s.StepUps.Ask(ctx, err)
	}
	c.MadeAt = s.Now().UTC()
	for _, read := range []func(context.Context, principal.Principal, *Copy) error{
		s.copyPerson, s.copyPlaces, s.copyMethods, s.copyDemands, s.copySessions, s.copyKeys, s.copyMoney, s.copyMessages, s.copyActivity,
	} {
		if err := read(ctx, p, &c); err != nil {
			return Copy{}, fmt.Errorf("copy: %w", err)
		}
	}
	err = s.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		return audit.Event{Action: audit.PrivacyCopied, Actor: p, Person: p.User}, proven(tx)
	})
	if err != nil {
		return Copy{}, s.StepUps.Ask(ctx, err)
	}
	return c, nil
}

// copyPlaces reads what no room shows: the accounts they belong to, their browsers, and what they brought to recoveries.
func (s *Privacy) copyPlaces(ctx context.Context, p principal.Principal, c *Copy) error {
	return s.Ledger.View(ctx, func(tx Tx) error {
		memberships, err := tx.MembershipsOf(ctx, p.User)
		if err != nil {
			return fmt.Errorf("list memberships: %w", err)
		}
		devices, err := tx.DevicesOf(ctx, p.User)
		if err != nil {
			return fmt.Errorf("list devices: %w", err)
		}
		c.Devices = devicesOf(devices)
		if c.Evidence, err = tx.EvidenceBroughtBy(ctx, p.User); err != nil {
			return fmt.Errorf("list evidence: %w", err)
		}
		c.Profile.Accounts = make([]AccountCopy, 0, len(memberships))
		for _, m := range memberships {
			c.Profile.Accounts = append(c.Profile.Accounts, AccountCopy{m.Account, m.AccountName, m.Role.String()})
		}
		return nil
	})
}

func devicesOf(devices []DeviceSeen) []DeviceCopy {
	list := []DeviceCopy{}
	for _, d := range devices {
		seen := DeviceCopy{Agent: d.Agent, FirstSeenAt: d.Born, LastSeenAt: d.LastSeenAt, Places: []PlaceCopy{}}
		for _, place := range d.Places {
			seen.Places = append(seen.Places, PlaceCopy{place.Network, place.Family})
		}
		list = append(list, seen)
	}
	return list
}

func (s *Privacy) copyPerson(ctx context.Context, p principal.Principal, c *Copy) error {
	u, err := s.Kept.Accounts.Self(ctx, p)
	if err != nil {
		return err
	}
	c.Profile.User, c.Profile.Mail, c.Profile.Name, c.Profile.Language, c.Profile.CreatedAt = u.ID, u.Mail, u.Name, u.Lang, u.Born
	c.Profile.Never, c.Profile.StaffAt = u.NeverRemembered, u.StaffAt
	reached, err := s.Kept.Contacts.Of(ctx, p)
	c.Contact = ContactCopy{SecondMail: reached.Second, Number: reached.Phone, Phrase: reached.Phrase != ""}
	return err
}

func (s *Privacy) copyMethods(ctx context.Context, p principal.Principal, c *Copy) error {
	m, err := s.Kept.Factors.Of(ctx, p)
	c.Methods.Passkeys = []PasskeyCopy{}
	for _, k := range m.Passkeys {
		c.Methods.Passkeys = append(c.Methods.Passkeys, PasskeyCopy{Name: k.Name, Authenticator: k.Attested, Backup: k.Backup, CreatedAt: k.Born, LastUsedAt: k.LastUsedAt})
	}
	if m.Password != nil {
		c.Methods.PasswordSince = m.Password.ChangedAt
	}
	if m.TOTP != nil {
		c.Methods.AppSince, c.Methods.AppBackup = m.TOTP.Born, m.TOTP.Backup
	}
	if m.Codes != nil {
		c.Methods.CodesSince, c.Methods.CodesLeft = m.Codes.Born, m.Codes.Left
	}
	return err
}

func (s *Privacy) copyDemands(ctx context.Context, p principal.Principal, c *Copy) error {
	list, err := s.Kept.Demands.Of(ctx, p)
	c.Methods.Demands = []DemandCopy{}
	for _, d := range list {
		c.Methods.Demands = append(c.Methods.Demands, DemandCopy{string(d.Area), d.Since, d.Until})
	}
	return err
}

func (s *Privacy) copySessions(ctx context.Context, p principal.Principal, c *Copy) error {
	rows, err := s.Kept.Sessions.List(ctx, p)
	c.Sessions = []SessionCopy{}
	for _, r := range rows {
		c.Sessions = append(c.Sessions, SessionCopy{r.ID, r.Addr, r.Agent, r.Born, r.ActedAt, r.ExpiresAt})
	}
	return err
}

func (s *Privacy) copyKeys(ctx context.Context, p principal.Principal, c *Copy) error {
	keys, err := s.Kept.Keys.List(ctx, p)
	c.Keys = []KeyCopy{}
	if fault.CodeOf(err) == fault.Forbidden { // who may not see keys has none
		return nil
	}
	for _, k := range keys {
		if k.Owner != p.User {
			continue
		}
		networks := []string{}
		for _, n := range k.Allowlist {
			networks = append(networks, n.String())
		}
		c.Keys = append(c.Keys, KeyCopy{
			KeyID: k.Text(), Name: k.Name, Purpose: k.Purpose, Scopes: k.Scopes.Words(), Allowlist: networks, Pin: k.Pin, Markets: k.Bounds.Markets,
			OrderMost: k.Bounds.OrderMost, DayMost: k.Bounds.DayMost, PerSecond: k.Bounds.PerSecond, Vendor: k.Vendor, Destinations: destinationLines(k.Destinations), WindowMS: k.WindowPast.Milliseconds(), CreatedAt: k.Born, ExpiresAt: k.ExpiresAt,
			RevokedAt: k.RevokedAt, LastUsedAt: k.LastUsedAt, LastUsedFrom: k.LastUsedFrom,
		})
	}
	return err
}

func (s *Privacy) copyMoney(ctx context.Context, p principal.Principal, c *Copy) error {
	all, err := s.Kept.Confirmations.All(ctx, p)
	c.Confirmations = []ConfirmationCopy{}
	for _, a := range all {
		c.Confirmations = append(c.Confirmations, ConfirmationCopy{
			Confirmation: a.ID, Exchange: a.Upstream, Asset: a.Asset, Network: a.Network, Address: a.Address, Memo: a.Memo, Amount: a.Amount,
			FeeMax: a.Fee, State: a.State(c.MadeAt), CreatedAt: a.Created, ApprovedAt: a.Approved, ExecutedAt: a.Executed, CancelledAt: a.Cancelled,
		})
	}
	return err
}

func (s *Privacy) copyMessages(ctx context.Context, p principal.Principal, c *Copy) error {
	c.Messages = []MessageCopy{}
	var before id.Message
	for {
		page, err := s.Kept.Messages.Messages(ctx, p, before)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, m := range page {
			c.Messages, before = append(c.Messages, MessageCopy{m.Born, m.Subject, m.Body}), m.ID
		}
	}
}

// copyActivity leaves out what other members did in an account: it is theirs.
func (s *Privacy) copyActivity(ctx context.Context, p principal.Principal, c *Copy) error {
	c.Activity = []EventCopy{}
	var before int64
	for read := 0; read < maxEvents; read += audit.MaxPage {
		page, err := s.Kept.Log.Activity(ctx, p, before, audit.MaxPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, t := range page {
			before = t.Seq
			if r := t.Readable; t.Person == p.User || r.User == p.User {
				c.Activity = append(c.Activity, EventCopy{t.At, string(t.Action), r.Kind, r.Addr, r.Agent, r.Facts})
			}
		}
	}
	c.Older = true
	return nil
}

func destinationLines(list []apikey.Destination) (lines []string) {
	for _, d := range list {
		lines = append(lines, d.String())
	}
	return lines
}
