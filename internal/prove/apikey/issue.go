package apikey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// IssueInput is what its maker wants of a key.
type IssueInput struct {
	// Account is for the host's command line; anybody else issues in their own.
	Account id.Account `json:"account,omitzero"`
	// Owner is a service user of the account, or zero for who issues; the host's command line names anybody.
	Owner id.User `json:"owner,omitzero"`

	Name    string `json:"name"`
	Purpose string `json:"purpose"`
	// Subaccount the key is pinned to; zero means the account's main one.
	Subaccount  id.Subaccount  `json:"subaccount,omitzero"`
	Environment id.Environment `json:"environment"`
	// Scopes as words; none means read-only.
	Scopes []string `json:"scopes"`
	// Allowlist of addresses or networks, IPv4 or IPv6.
	Allowlist []string `json:"allowlist"`
	// Life of the key; zero means the policy's.
	Life      time.Duration  `json:"life"`
	Dialect   sign.Dialect   `json:"dialect"`
	Algorithm sign.Algorithm `json:"algorithm"`
	// Settings of the dialect, as words that sign.Dialect.ParseSettings reads.
	Settings []string `json:"settings,omitempty"`
	// Window is how old a signature of it may be, in whole seconds up to MaxWindow; zero takes the dialect's.
	Window time.Duration `json:"window,omitempty"`
	// Template whose scopes and end it gets where none are chosen; empty for none.
	Template string `json:"template,omitempty"`
	OnEnd    OnEnd  `json:"on_end,omitempty"`
	Standby  bool   `json:"standby,omitempty"`
	// Pin of an Ed25519 key: "first", or an address of the network it is held to.
	Pin string `json:"pin,omitempty"`
	// Bounds is what it may do at most, beside its scopes.
	Bounds Bounds `json:"bounds,omitzero"`
	// Destinations it may send money to; needed for that.
	Destinations []Destination `json:"destinations,omitempty"`
	// Vendor names who outside the account is given the key; empty for nobody.
	Vendor string `json:"vendor,omitempty"`
	// PublicKey of a key pair, in any form that sign.PublicKeyFor reads.
	PublicKey string `json:"public_key"`
	// Challenge and Possession prove that the maker holds the private half: a signature, base64, over ProofText(Challenge). Of ES256 it is
	// in ASN.1, as openssl writes it.
	Challenge  string `json:"-"`
	Possession string `json:"-"`
}

// Issued is a new key. Its secret is never readable again.
type Issued struct {
	Key
	// Secret of an HMAC key; empty for key pairs.
	Secret secret.Value
	// Passphrase beside the secret, in dialects that have one.
	Passphrase secret.Value
}

// MaxWindow is how old a signature may be that is good at all.
const MaxWindow = time.Minute

const (
	maxAllowlist = 64
	proofLife    = 10 * time.Minute
)

// ProofText is what the holder of a private key signs to prove it.
func ProofText(challenge string) []byte { return []byte("sallyport-key-proof-v1\n" + challenge) }

// Challenge makes the text whose signature proves possession of a private key.
func (k *Keys) Challenge(p principal.Principal) (string, error) {
	return k.Ceremonies.Begin(ceremony.KeyProof, p.Session[:], proofLife, struct{}{})
}

// Issue makes a key. Its maker must be an owner of the account and needs a step-up for exactly this key; the secret in the answer is shown
// once. Errors: request.invalid (field), key.needs_allowlist and key.needs_destinations for money, key.vendor_no_withdraw,
// forbidden,
// step_up_required, assurance.too_low, sign_in.expired, key.possession_unproven.
func (k *Keys) Issue(ctx context.Context, p principal.Principal, in IssueInput) (out Issued, err error) {
	if !p.Trusted() {
		in.Account = p.Account
		if in.Owner.IsZero() {
			in.Owner = p.User
		}
	}
	if err := k.Decide.Decide(decision.Question{Principal: p, Class: scope.Setting, Account: in.Account}).Err(); err != nil {
		return out, err
	}
	key, err := k.plan(p, in)
	if err != nil {
		return out, err
	}
	material, out, possession, err := k.mint(p, key, 1, in)
	if err != nil {
		return out, err
	}
	content := stepup.Content{Action: audit.KeyCreated, Input: in, Floor: floorFor(key)}
	err = k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		if key.Subaccount, err = k.subaccount(ctx, tx, in); err != nil {
			return audit.Event{}, err
		}
		if key, err = k.given(ctx, tx, p, key); err != nil {
			return audit.Event{}, err
		}
		if key.ExpiresAt, err = k.due(ctx, tx, key, in.Life); err != nil {
			return audit.Event{}, err
		}
		content.Facts = planned(key)
		if err := k.StepUps.Require(ctx, tx, p, content); err != nil {
			return audit.Event{}, err
		}
		if possession != nil {
			if err := possession.Spend(ctx, txn.As[ceremony.Tx](tx)); err != nil {
				return audit.Event{}, err
			}
		}
		if err := tx.InsertKey(ctx, key, material); err != nil {
			return audit.Event{}, fmt.Errorf("insert key: %w", err)
		}
		if key, _, err = tx.KeyByID(ctx, key.ID); err != nil { // with its owner as they are
			return audit.Event{}, fmt.Errorf("read key: %w", err)
		}
		if err := k.noteGiven(ctx, tx, p, key, happening.KeyCreated); err != nil {
			return audit.Event{}, err
		}
		tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: key.ID})
		facts := factsOf(key)
		follow := happening.Happening{Kind: happening.KeyCreated, Facts: madeBy(p, facts)}
		return eventOf(audit.KeyCreated, p, key, facts), k.tell(ctx, tx, p, key, follow.SeenFrom(p.Origin))
	})
	out.Key = key
	return out, k.StepUps.Ask(ctx, err)
}

// plan checks the input and fills in the policy's defaults.
func (k *Keys) plan(p principal.Principal, in IssueInput) (Key, error) {
	now := k.Now()
	key := Key{
		ID: id.New[id.KeyKind](now), Account: in.Account, Owner: in.Owner, Environment: in.Environment, Dialect: in.Dialect,
		Algorithm: in.Algorithm, Scopes: scope.ReadOnly, Born: now, BornOn: p.Origin.Device, MadeIn: p.Session, OnEnd: in.OnEnd, Template: in.Template, Standby: in.Standby,
	}
	var err error
	if err := k.fillIn(&key, in); err != nil {
		return key, err
	}
	var ok bool
	if key.Name, ok = line.Filled(in.Name); !ok {
		return key, invalid("name")
	}
	if key.Purpose, ok = line.Filled(in.Purpose); !ok {
		return key, invalid("purpose")
	}
	if in.Environment != id.Live && in.Environment != id.Test {
		return key, invalid("environment")
	}
	if !in.Dialect.Pins(in.Algorithm) || k.Limits.Dialects[in.Dialect].Off {
		return key, invalid("algorithm")
	}
	if key.Settings, err = settingsOf(in.Settings, in.Dialect); err != nil {
		return key, err
	}
	if key.WindowPast, err = k.windowOf(in.Window, in.Dialect); err != nil {
		return key, err
	}
	if len(in.Scopes) > 0 {
		if key.Scopes, err = scope.ParseSet(in.Scopes); err != nil {
			return key, invalid("scopes")
		}
	}
	if most := highest(in.Dialect); key.Scopes.Highest() > most {
		return key, fault.New(fault.KeyAboveCeiling, "dialect", in.Dialect.String(), "ceiling", most.String())
	}
	if key.Allowlist, err = networks(in.Allowlist); err != nil {
		return key, err
	}
	if key.Vendor, err = vendorOf(in.Vendor); err != nil {
		return key, err
	}
	if refused := key.forVendor(nil, now); refused != nil {
		return key, refused
	}
	if key.Scopes.Highest() >= scope.Withdraw && len(key.Allowlist) == 0 {
		return key, fault.New(fault.KeyNeedsAllowlist)
	}
	if key.Destinations, err = destinationsOf(in.Destinations, nil, now); err != nil {
		return key, err
	}
	if key.Scopes.Highest() >= scope.Withdraw && len(key.Destinations) == 0 {
		return key, fault.New(fault.KeyNeedsDestinations)
	}
	life, err := k.life(in.Life, key.Scopes)
	key.ExpiresAt = now.Add(life)
	return key, err
}

// windowOf takes a window that somebody wants of a key. Where no time is signed there is none to choose. Errors: request.invalid (window).
func (k *Keys) windowOf(wanted time.Duration, d sign.Dialect) (time.Duration, error) {
	if wanted < 0 || wanted > MaxWindow || wanted%time.Second != 0 || wanted > 0 && k.Limits.Dialects[d].Window == 0 {
		return 0, invalid("window")
	}
	return wanted, nil
}

// Window is how old a signature of the key may be; zero where its dialect signs no time. Cancels and test keys without a window of their own
// have MaxWindow.
func (k *Keys) Window(key Key) time.Duration {
	if key.WindowPast > 0 {
		return key.WindowPast
	}
	return k.Limits.Dialects[key.Dialect].Window
}

// fillIn takes what a template says where its maker chose nothing, and how the key ends and is pinned.
func (k *Keys) fillIn(key *Key, in IssueInput) (err error) {
	if in.Template != "" {
		t, ok := TemplateNamed(in.Template)
		if !ok {
			return invalid("template")
		}
		key.Scopes = t.Scopes
		if key.OnEnd == "" {
			key.OnEnd = t.OnEnd
		}
	}
	if key.OnEnd == "" {
		key.OnEnd = LeaveOrders
	}
	if err := key.OnEnd.check(); err != nil {
		return err
	}
	if key.Bounds, err = bounded(in.Bounds); err != nil {
		return err
	}
	key.Pin, err = k.pinOf(in.Pin, in.Algorithm)
	return err
}

// due is when a key ends that nobody chose an end for: where it may do more than look and its owner is of high value, as soon as one that may withdraw.
func (k *Keys) due(ctx context.Context, tx Tx, key Key, asked time.Duration) (time.Time, error) {
	if asked != 0 || key.Scopes.Highest() <= scope.Look {
		return key.ExpiresAt, nil
	}
	_, high, err := tx.RaisedFrom(ctx, key.Owner)
	if err != nil {
		return key.ExpiresAt, fmt.Errorf("read tier: %w", err)
	}
	if soon := key.Born.Add(k.Limits.HighValueLife); high && soon.Before(key.ExpiresAt) {
		return soon, nil
	}
	return key.ExpiresAt, nil
}

// life is what was asked for, or follows from what the key may do; that of a user of high value is shortened by due. How much is traded counts only in that
// whoever trades much is of high value.
func (k *Keys) life(asked time.Duration, scopes scope.Set) (time.Duration, error) {
	switch {
	case asked == 0 && scopes.Highest() >= scope.Withdraw:
		return k.Limits.HighValueLife, nil
	case asked == 0 && scopes.Highest() <= scope.Look:
		return k.Limits.ReadOnlyLife, nil
	case asked == 0:
		return k.Limits.Life, nil
	case asked < time.Hour || asked > k.Limits.MaxLife:
		return 0, invalid("life")
	}
	return asked, nil
}

// subaccount is the one asked for, if it is the account's and open, or the main one. Whoever closes it at this moment is waited for.
func (k *Keys) subaccount(ctx context.Context, tx Tx, in IssueInput) (id.Subaccount, error) {
	if err := tx.ClaimAccountRow(ctx, in.Account); err != nil {
		return id.Subaccount{}, fmt.Errorf("claim account: %w", err)
	}
	list, err := tx.SubaccountsOf(ctx, in.Account)
	if err != nil {
		return id.Subaccount{}, fmt.Errorf("list subaccounts: %w", err)
	}
	for _, s := range list {
		if s.ClosedAt.IsZero() && (s.ID == in.Subaccount || in.Subaccount.IsZero() && s.Main) {
			return s.ID, nil
		}
	}
	return id.Subaccount{}, invalid("subaccount")
}

// mint makes the secret, or takes the public half after its maker proved to hold the private one.
func (k *Keys) mint(p principal.Principal, key Key, version uint32, in IssueInput) (m Material, given Issued, possession *ceremony.State, err error) {
	m.Version, m.Born, m.MintedBy = version, k.Now(), p.Kind.String()
	if !key.Algorithm.KeepsPublicHalf() {
		material, err := given.mint(key)
		m.Bytes = k.Sealer.Seal(MaterialPlace(key.ID, m.Version), material)
		clear(material)
		return m, given, nil, err
	}
	public, err := sign.PublicKeyFor(key.Algorithm, in.PublicKey)
	if err != nil {
		return m, given, nil, invalid("public_key").Because(err)
	}
	m.Bytes = public
	if p.Trusted() {
		return m, given, nil, nil
	}
	opened, err := k.Ceremonies.Open(ceremony.KeyProof, p.Session[:], in.Challenge, &struct{}{})
	if err != nil {
		return m, given, nil, err
	}
	proof, err := base64.StdEncoding.DecodeString(in.Possession)
	if err != nil || !sign.HoldsPossession(key.Algorithm, public, ProofText(in.Challenge), proof) {
		return m, given, nil, fault.New(fault.KeyPossessionUnproven)
	}
	return m, given, &opened, nil
}

// mint makes a secret in the form that the dialect's clients take, and gives what is kept of it. Kraken's clients decode theirs from base64.
func (i *Issued) mint(key Key) ([]byte, error) {
	var entropy [64]byte
	rand.Read(entropy[:])
	text := id.FormatSecret([32]byte(entropy[:32]), key.Environment)
	if key.Dialect == sign.Kraken {
		text = base64.StdEncoding.EncodeToString(entropy[:])
	}
	i.Secret = secret.FromString("api secret", text)
	if key.Dialect.HasPassphrase() {
		i.Passphrase = secret.FromString("api passphrase", rand.Text())
	}
	return sign.MaterialOf(key.Dialect, i.Secret.Reveal(), string(i.Passphrase.Reveal()))
}

func invalid(field string) *fault.Error { return fault.New(fault.RequestInvalid, "field", field) }

// networks reads an allowlist: addresses and networks, IPv4-mapped ones as the IPv4 they are, host bits cleared.
func networks(words []string) ([]netip.Prefix, error) {
	if len(words) > maxAllowlist {
		return nil, invalid("allowlist")
	}
	var list []netip.Prefix
	for _, word := range words {
		word = strings.TrimSpace(word)
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			addr, err := netip.ParseAddr(word)
			if err != nil || addr.Zone() != "" {
				return nil, fault.New(fault.RequestInvalid, "field", "allowlist", "entry", word)
			}
			addr = addr.Unmap()
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Addr().Is4In6() || prefix.Bits() < leastBits(prefix) {
			return nil, fault.New(fault.RequestInvalid, "field", "allowlist", "entry", word)
		}
		list = append(list, prefix.Masked())
	}
	return list, nil
}

// leastBits is the widest network that still says where a key is used from: half the internet is no allowlist.
func leastBits(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 16
	}
	return 32
}

// planned says what a key will be, for the one who confirms it: it has no id yet.
func planned(k Key) map[string]string {
	facts := factsOf(k)
	delete(facts, "key")
	return facts
}

func factsOf(k Key) map[string]string {
	allow := make([]string, len(k.Allowlist))
	for i, network := range k.Allowlist {
		allow[i] = network.String()
	}
	facts := map[string]string{
		"name": k.Name, "purpose": k.Purpose, audit.KeyFact: k.Text(), "environment": k.Environment.String(), "dialect": k.Dialect.String(),
		"algorithm": k.Algorithm.String(), "scopes": k.Scopes.String(), "allowlist": strings.Join(allow, " "),
		"expires": k.ExpiresAt.UTC().Format(time.RFC3339), "on_end": string(k.OnEnd), "pin": k.Pin, "standby": strconv.FormatBool(k.Standby),
		"window": "", "settings": strings.Join(k.Dialect.SettingsWords(k.Settings), " "), "vendor": k.Vendor, "destinations": strings.Join(destinationTexts(k.Destinations), "; "),
	}
	if k.WindowPast > 0 {
		facts["window"] = k.WindowPast.String()
	}
	k.Bounds.facts(facts)
	return facts
}

func eventOf(a audit.Action, p principal.Principal, k Key, facts map[string]string) audit.Event {
	return audit.Event{Action: a, Actor: p, Person: k.Owner, Account: k.Account, Facts: facts}
}

// List gives the keys of the principal's account, the newest first; to a key those of its own subaccount alone. Errors: forbidden.
func (k *Keys) List(ctx context.Context, p principal.Principal) (list []Key, err error) {
	if err := k.Decide.Decide(decision.Question{Principal: p, Class: scope.Look, Scope: scope.KeysRead, Environment: p.Environment}).Err(); err != nil {
		return nil, err
	}
	err = k.Ledger.View(ctx, func(tx Tx) error {
		list, err = tx.KeysOfAccount(ctx, p.Account)
		return err
	})
	return slices.DeleteFunc(list, func(key Key) bool { return !key.within(p) }), err
}

// within says whether the principal may be told of the key: a person of all of their account's, a key of those in its own subaccount.
func (k Key) within(p principal.Principal) bool {
	return p.Trusted() || k.Account == p.Account && (p.Kind != principal.KindKey || k.Subaccount == p.Subaccount)
}

// Self gives the key that a principal is. Errors: key.not_found for one that is none.
func (k *Keys) Self(ctx context.Context, p principal.Principal) (key Key, err error) {
	err = k.Ledger.View(ctx, func(tx Tx) error {
		var found bool
		if key, found, err = tx.KeyByID(ctx, p.Key); err == nil && !found {
			err = fault.New(fault.KeyNotFound)
		}
		return err
	})
	return key, err
}
