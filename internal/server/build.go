// Package server builds the graph of everything, mounts it, runs it and drains it.
//
// It is the only package that knows all others, and has no rule of its own: what a part may do is said by the interfaces it was given.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/geo"
	"github.com/seed-21c57000/sallyport/internal/hot/memory"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/keyring"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/lab"
	"github.com/seed-21c57000/sallyport/internal/prove/lock"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/password"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/subaccount"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/prove/tier"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/record/statement"
	"github.com/seed-21c57000/sallyport/internal/respond/checkup"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/consequence"
	"github.com/seed-21c57000/sallyport/internal/respond/dossier"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/respond/leak"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
	"github.com/seed-21c57000/sallyport/internal/store"
	"github.com/seed-21c57000/sallyport/sign"
)

// Product is how the product calls itself to users, authenticators and mail programs.
const Product = "Sallyport"

// Options are what a program, and not its configuration, decides.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// Post sends letters; nil takes the relay of the configuration.
	Post notify.Post
	// Transport reaches upstreams; nil takes the network.
	Transport http.RoundTripper
	// HashCost replaces the configured cost of password hashes, for tests.
	HashCost password.Cost
	// Watch hears every statement that a room sends to the database, for tests that count them; nil is not called.
	Watch func(statement string)
}

// Rooms is every room, built and wired.
type Rooms struct {
	Store *store.DB
	Locks *lock.Locks
	Tiers *tier.Tiers
	// Members is who belongs to accounts.
	Members *member.Members
	// Subaccounts are the boundaries inside of accounts.
	Subaccounts *subaccount.Subaccounts
	Demands     *demand.Demands
	Keys        *keyring.File
	Accounts    *account.Accounts
	Sessions    *session.Sessions
	Bindings    *binding.Bindings
	Factors     *factor.Factors
	SignUps     *signup.SignUps
	SignIns     *signin.SignIns
	// Contacts is how users are reached.
	Contacts *contact.Contacts
	StepUps  *stepup.StepUps
	APIKeys  *apikey.Keys
	Verifier *signed.Verifier
	// Lab explains signatures of test keys.
	Lab   *lab.Lab
	Log   *audit.Log
	Tally *audit.Tally
	// Leaks takes reports of secrets that were found in public.
	Leaks   *leak.Intake
	Notices *notify.Notices
	Holds   *hold.Holds
	// Confirmations are the user's own proofs for single transactions.
	Confirmations *confirm.Confirmations
	// Recoveries are the ways back into accounts.
	Recoveries *recovery.Recoveries
	// Reports are what users said was not them.
	Reports *report.Reports
	// Places are those of network addresses; nil without a file.
	Places *geo.Places
	// Networks are the autonomous systems of addresses; nil without a file.
	Networks *geo.Places
	// Privacy answers for what is kept about users.
	Privacy *privacy.Privacy
	// CheckUps are how well accounts are guarded.
	CheckUps *checkup.CheckUps
	// Dossiers are what is told about single keys.
	Dossiers *dossier.Dossiers
	// Consequences is what follows from what happened.
	Consequences *consequence.Consequences
	Policy       policy.Policy
	nonces       *memory.Nonces
	budgets      []*memory.Budgets
	ceremonies   *ceremony.Ceremonies
	demand       passkey.Demand
	// texts sends text messages; nil where they are off.
	texts *texts
}

// OpenRooms opens the database and builds the rooms on it, without any door: what the host's command line needs.
func OpenRooms(ctx context.Context, cfg config.Config, opts Options) (*Rooms, error) {
	keys, err := openKeys(ctx, cfg, opts)
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	place, err := storeConfig(cfg, opts, keys)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	r := &Rooms{Store: db, Keys: keys}
	if err := r.build(ctx, cfg, opts); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return r, nil
}

// openKeys reads the key file, or makes one where nothing was sealed with another yet.
func openKeys(ctx context.Context, cfg config.Config, opts Options) (*keyring.File, error) {
	path := cfg.Keyring.File.Path
	keys, err := keyring.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	place, err := storeConfig(cfg, opts, nil)
	if err != nil {
		return nil, err
	}
	if err := unsealed(ctx, place, path); err != nil {
		return nil, err
	}
	return keyring.OpenFile(path)
}

// unsealed refuses a missing key file over a database that needs the lost one: a new file would open nothing, and look like the right one.
func unsealed(ctx context.Context, place store.Config, path string) error {
	sealed, err := store.Sealed(ctx, place)
	if err == nil && sealed {
		err = fmt.Errorf("the database is sealed and its key file %s is not there; a new one would not open it: bring the file back", path)
	}
	return err
}

// Claim makes this process the one that serves from the configured database (store.Claim). Take it before New.
func Claim(ctx context.Context, cfg config.Config) (io.Closer, error) {
	place, err := storeConfig(cfg, Options{}, nil)
	if err != nil {
		return nil, err
	}
	return store.Claim(ctx, place)
}

// Claimed says whether a process serves from the configured database now.
func Claimed(ctx context.Context, cfg config.Config) (bool, error) {
	place, err := storeConfig(cfg, Options{}, nil)
	if err != nil {
		return false, err
	}
	return store.Claimed(ctx, place)
}

func storeConfig(cfg config.Config, opts Options, keys *keyring.File) (store.Config, error) {
	c := store.Config{Now: opts.Now, Log: opts.Log, Watch: opts.Watch}
	if keys != nil {
		c.KEK = keys
	}
	if cfg.Store.Engine == config.SQLite {
		c.SQLitePath = cfg.Store.SQLite.Path
		return c, nil
	}
	dsn, err := readSecretFile(cfg.Store.Postgres.DSNFile)
	c.PostgresDSN = string(dsn.Reveal())
	return c, err
}

// Migrate brings the schema of the configured database up to date, and needs no keys for it.
func Migrate(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	place, err := storeConfig(cfg, Options{Log: log}, nil)
	if err != nil {
		return err
	}
	return store.Migrate(ctx, place)
}

func spans(cfg config.Config) consequence.Spans {
	return consequence.Spans{Credential: cfg.Holds.Credential, Contact: cfg.Holds.Contact, Recovery: cfg.Holds.Recovery}
}

// build makes the rooms in the order in which they need each other.
func (r *Rooms) build(ctx context.Context, cfg config.Config, opts Options) error {
	db, now := r.Store, opts.Now
	r.Policy = policy.Policy{Age: db.Age}
	r.Holds = hold.New(store.Of[hold.Tx](db), now)
	follow := consequence.New(now, r.Holds, spans(cfg))
	r.Consequences = follow
	r.ceremonies = ceremony.New(db.Ring(), now)
	r.Accounts = account.New(store.Of[account.Tx](db), now, follow)
	r.Log = audit.NewLog(store.Of[audit.Tx](db), r.Policy, db.LogKey())
	err := r.openPlaces(cfg.Geo, opts.Log)
	if err != nil {
		return err
	}
	r.Tally = audit.NewTally(store.Of[any](db), now, r.systems())
	r.Sessions, err = session.New(ctx, session.Deps{
		Ledger: store.Of[session.Tx](db), Now: now, ScopesOf: policy.ScopesOf, Follow: follow, Tally: r.Tally,
		CountryOf: r.Places.Country,
		Limits: session.Limits{
			Idle: cfg.Session.Idle, Absolute: cfg.Session.Absolute, StaffIdle: cfg.Session.OperatorIdle, StaffAbsolute: cfg.Session.OperatorAbsolute,
			ChildCode: childCodeLife, Renewal: cfg.Session.Binding.Life,
		},
	})
	if err != nil {
		return err
	}
	db.Listen(store.Listener{Name: "sessions", Hear: r.Sessions.Hear, Reload: r.Sessions.Reload})
	follow.Use(r.Sessions)
	r.Reports = report.New(report.Deps{Ledger: store.Of[report.Tx](db), Now: now, Log: r.Log, Sessions: r.Sessions, Follow: follow})
	if err := r.buildProofs(ctx, cfg, opts, follow); err != nil {
		return err
	}
	if err := r.buildPeople(ctx, cfg, opts, follow); err != nil {
		return err
	}
	r.Locks = lock.New(store.Of[lock.Tx](db), now, r.StepUps, follow)
	if err := r.buildKeys(ctx, cfg, opts, follow); err != nil {
		return err
	}
	assertion, err := r.assertionKeys(ctx)
	if err != nil {
		return err
	}
	r.Dossiers = dossier.New(dossier.Deps{
		Now: now, Keys: r.APIKeys, Log: r.Log, Signer: statement.NewSigner(assertion.id, assertion.private), Issuer: string(cfg.Dashboard.Issuer),
	})
	if err := r.buildConfirmations(ctx, cfg, opts, follow); err != nil {
		return err
	}
	post := opts.Post
	if post == nil {
		if post, err = newPost(cfg, opts.Now, r.Places); err != nil {
			return err
		}
	}
	if err := r.buildRecoveries(ctx, cfg, opts, post); err != nil {
		return err
	}
	r.Members = member.New(member.Deps{
		Ledger: store.Of[member.Tx](db), Now: now, Decide: r.Policy, StepUps: r.StepUps, Follow: follow, Sessions: r.Sessions, Keys: r.APIKeys, Post: post,
		Limits: limitsOf(cfg.Throttle),
	})
	r.Consequences.UseMembers(r.Members)
	r.Subaccounts = subaccount.New(subaccount.Deps{
		Ledger: store.Of[subaccount.Tx](db), Now: now, Decide: r.Policy, StepUps: r.StepUps, Sessions: r.Sessions,
	})
	if err := r.buildNotices(ctx, cfg, opts, post); err != nil {
		return err
	}
	r.Privacy = privacy.New(privacy.Deps{
		Ledger: store.Of[privacy.Tx](db), Now: now, StepUps: r.StepUps, Follow: follow, Wait: cfg.Departure.Wait, Kept: privacy.Kept{
			Accounts: r.Accounts, Contacts: r.Contacts, Sessions: r.Sessions, Factors: r.Factors, Keys: r.APIKeys, Confirmations: r.Confirmations, Demands: r.Demands,
			Messages: r.Notices, Log: r.Log,
		},
	})
	follow.UseDepartures(r.Privacy)
	r.CheckUps = checkup.New(checkup.Deps{
		Ledger: store.Of[checkup.Tx](db), Now: now, Decide: r.Policy, Sessions: r.Sessions, Factors: r.Factors, Contacts: r.Contacts, Keys: r.APIKeys,
		Holds: r.Holds, Prepared: r.prepared, Browsers: func(ctx context.Context, p principal.Principal) ([]device.Remembering, error) {
			return r.SignIns.RememberedBy(ctx, p)
		},
	})
	db.Listen(store.Listener{Name: "data_keys", Reload: db.Ring().Reload, Hear: func(c txn.Change) {
		if c.Subject == txn.SubjectDataKey {
			if err := db.Ring().Reload(context.Background()); err != nil {
				opts.Log.Error("reload data keys", "error", err)
			}
		}
	}})
	return nil
}

// buildProofs makes what binds sessions to devices, and what asks their users for proofs.
func (r *Rooms) buildProofs(ctx context.Context, cfg config.Config, opts Options, follow *consequence.Consequences) error {
	db, now := r.Store, opts.Now
	bindKey, err := db.ServerSecret(ctx, "device_bindings", random32)
	if err != nil {
		return err
	}
	r.Bindings = binding.New(binding.Deps{
		Ledger: store.Of[binding.Tx](db), Now: now, Sessions: r.Sessions, Follow: follow, Key: bindKey, Life: cfg.Session.Binding.Life, Budgets: r.newBudgets(),
	})
	contentKey, err := db.ServerSecret(ctx, "step_up_contents", random32)
	if err != nil {
		return err
	}
	r.Tiers = tier.New(store.Of[tier.Tx](db), now, terms(cfg.HighValue), follow)
	r.StepUps, err = stepup.New(stepup.Deps{
		Ledger: store.Of[stepup.Tx](db), Now: now, Strongest: r.strongest, Least: r.least, Young: r.young, Life: cfg.StepUp.Life, Key: contentKey,
	})
	if err != nil {
		return err
	}
	r.Demands = demand.New(demand.Deps{
		Ledger: store.Of[demand.Tx](db), Now: now, StepUps: r.StepUps, Follow: follow, Sessions: r.Sessions, Young: r.young, Wait: cfg.StepUp.Loosening,
	})
	return nil
}

// openPlaces opens the files that say where an address is, and in which network; each may be missing from the configuration.
func (r *Rooms) openPlaces(cfg config.Geo, log *slog.Logger) (err error) {
	if cfg.File != "" {
		if r.Places, err = geo.Open(cfg.File, log); err != nil {
			return fmt.Errorf("geo.file: %w", err)
		}
	}
	if cfg.NetworksFile != "" {
		if r.Networks, err = geo.Open(cfg.NetworksFile, log); err != nil {
			return fmt.Errorf("geo.networks_file: %w", err)
		}
	}
	return nil
}

// buildNotices is the last of the rooms, because the link of a notice can stop what all the others do.
func (r *Rooms) buildNotices(ctx context.Context, cfg config.Config, opts Options, post notify.Post) error {
	key, err := r.Store.ServerSecret(ctx, "not_me_links", random32)
	if err != nil {
		return err
	}
	if r.texts, err = newTexts(cfg, opts.Now); err != nil {
		return err
	}
	deps := notify.Deps{
		Ledger: store.Of[notify.Tx](r.Store), Now: opts.Now, SignUps: r.SignUps, Contacts: r.Contacts, Post: post, Reader: newWriter(cfg, r.Places), Key: key,
		Arrivals: notify.Arrivals{Holds: r.Holds, Sessions: r.Sessions, Recoveries: r.Recoveries}, Follow: r.Consequences,
		Stops: notify.Stops{Sessions: r.Sessions, Keys: r.APIKeys, Members: r.Members, Contacts: r.Contacts, Demands: r.Demands},
	}
	if r.texts != nil {
		deps.Texts = r.texts
	}
	r.Notices, err = notify.New(deps)
	return err
}

// buildConfirmations has passkeys of its own: what was signed on any other origin is refused here, and what was signed here everywhere else. No app signs
// here: what it shows its user before it asks for the passkey is its own affair, and a confirmation is worth what its page has shown (decision 0068).
func (r *Rooms) buildConfirmations(ctx context.Context, cfg config.Config, opts Options, follow *consequence.Consequences) error {
	origin := string(cfg.Dashboard.ConfirmationOrigin)
	passkeys, err := passkey.New(passkey.Config{RPID: string(cfg.Dashboard.RPID), Name: Product, Origins: []string{origin}, Demand: r.demand})
	if err != nil {
		return err
	}
	key, err := r.Store.ServerSecret(ctx, "confirmation_addresses", random32)
	if err != nil {
		return err
	}
	exchanges := map[string]string{}
	for _, h := range cfg.Gateway.Hosts {
		if h.Kind == config.HostPage {
			exchanges[h.Upstream] = h.Name
		}
	}
	r.Confirmations, err = confirm.New(confirm.Deps{
		Ledger: store.Of[confirm.Tx](r.Store), Now: opts.Now, Passkeys: passkeys, Factors: r.Factors, Holds: r.Holds, Follow: follow, Budgets: r.newBudgets(), Key: key,
		Origin: origin, Exchanges: exchanges, Life: cfg.Confirmations.ValidFor,
	})
	follow.UseConfirmations(r.Confirmations)
	return err
}

// newBudgets makes those of one door. Each has its own: what any page can make its reader's browser send to one door must not shut another one,
// or the reader's bots, out of theirs.
func (r *Rooms) newBudgets() *memory.Budgets {
	b := memory.NewBudgets(memory.BudgetLimits{
		SourceBurst: 200, SourceInterval: 100 * time.Millisecond, KeyBurst: 30, KeyInterval: time.Second,
	})
	r.budgets = append(r.budgets, b)
	return b
}

// terms of high value; the configuration was checked.
func terms(c config.HighValue) tier.Terms {
	t := tier.Terms{Notice: c.Notice, Roles: c.Roles, Stays: c.Stays}
	t.Value, _ = apikey.Decimal(c.Value)
	return t
}

// childCodeLife is how long the way from the dashboard to a gateway host stays open.
const childCodeLife = 30 * time.Second

// strongest asks package factor, which is built later.
func (r *Rooms) strongest(ctx context.Context, tx any, u id.User) (assurance.Level, error) {
	return r.Factors.Strongest(ctx, tx, u)
}

// young asks package factor, which is built later.
func (r *Rooms) young(ctx context.Context, tx any, u id.User) (time.Time, error) {
	return r.Factors.Young(ctx, tx, u)
}

// least asks both who may want more of a user than the policy does: the platform, and they themselves.
func (r *Rooms) least(ctx context.Context, tx any, u id.User) (assurance.Level, error) {
	raised, err := r.Tiers.Least(ctx, tx, u)
	if err != nil {
		return raised, err
	}
	own, err := r.Demands.Least(ctx, tx, u)
	return max(raised, own), err
}

// prepared asks packages recovery and privacy, for the check-up.
func (r *Rooms) prepared(ctx context.Context, p principal.Principal) (checkup.Prepared, error) {
	ready, err := r.Recoveries.Readiness(ctx, p)
	if err != nil {
		return checkup.Prepared{}, err
	}
	_, leaving, err := r.Privacy.Of(ctx, p)
	return checkup.Prepared{Claims: len(ready.Claims), Leaving: leaving, RehearsedAt: ready.Choice.RehearsedAt}, err
}

func (r *Rooms) buildPeople(ctx context.Context, cfg config.Config, opts Options, follow *consequence.Consequences) error {
	db, now := r.Store, opts.Now
	hasher, err := password.New(pepper{r.Keys}, hashSettings(cfg, opts))
	if err != nil {
		return fmt.Errorf("set up password hashing: %w", err)
	}
	origins := []string{string(cfg.Dashboard.Origin)}
	for _, o := range cfg.Dashboard.RelatedOrigins {
		if o != cfg.Dashboard.ConfirmationOrigin {
			origins = append(origins, string(o))
		}
	}
	apps, apple := appOrigins(cfg.Passkeys.Apps)
	if at := string(cfg.Dashboard.AppleOrigin()); apple && !slices.Contains(origins, at) {
		origins = append(origins, at)
	}
	if r.demand, err = attestation(cfg.Passkeys, now()); err != nil {
		return err
	}
	passkeys, err := passkey.New(passkey.Config{RPID: string(cfg.Dashboard.RPID), Name: Product, Origins: origins, Apps: apps, Demand: r.demand})
	if err != nil {
		return err
	}
	limits := limitsOf(cfg.Throttle)
	r.Factors = factor.New(factor.Deps{
		Ledger: store.Of[factor.Tx](db), Now: now, Hasher: hasher, Peppers: pepper{r.Keys}, Passkeys: passkeys, Ceremonies: r.ceremonies, Sealer: db.Ring(),
		Sessions: r.Sessions, StepUps: r.StepUps, Follow: follow, Limits: limits, Issuer: Product,
		Passwordless: !cfg.Password.Enabled,
		Ages:         factor.Ages{Usual: cfg.Confirmations.PasskeyAge, Wary: cfg.Confirmations.PasskeyAgeDevice},
	})
	codeKey, err := db.ServerSecret(ctx, "sign_up_codes", random32)
	if err != nil {
		return err
	}
	r.SignUps, err = signup.New(signup.Deps{
		Ledger: store.Of[signup.Tx](db), Now: now, Factors: r.Factors, Sessions: r.Sessions, Ceremonies: r.ceremonies, Passkeys: passkeys,
		Follow: follow, Limits: limits, SourceLimits: manyTries(limits), CodeKey: codeKey,
	})
	if err != nil {
		return err
	}
	contactKey, err := db.ServerSecret(ctx, "contact_codes", random32)
	if err != nil {
		return err
	}
	r.Contacts, err = contact.New(contact.Deps{
		Ledger: store.Of[contact.Tx](db), Now: now, StepUps: r.StepUps, Sessions: r.Sessions, Follow: follow, Limits: limits, CodeKey: contactKey,
		Texts: cfg.Notices.TextMessages.URL != "", TextsADay: cfg.Notices.TextMessages.CodesADay,
	})
	if err != nil {
		return err
	}
	r.SignIns = signin.New(signin.Deps{
		Decide: r.Policy,
		Ledger: store.Of[signin.Tx](db), Now: now, Factors: r.Factors, Sessions: r.Sessions, StepUps: r.StepUps, Ceremonies: r.ceremonies, Follow: follow,
		Limits: limits, SourceLimits: manyTries(limits), Tally: r.Tally, Demands: r.Demands,
	})
	return nil
}

// limitsOf is what one user or address may try.
func limitsOf(c config.Throttle) throttle.Limits {
	return throttle.Limits{Free: c.Free, FirstDelay: c.FirstDelay, MaxDelay: c.MaxDelay, Memory: 24 * time.Hour}
}

// manyTries is what one network may try over all users: an office behind one address must not throttle itself.
func manyTries(l throttle.Limits) throttle.Limits {
	l.Free *= 20
	l.Leak = 10 * time.Second
	l.Memory = time.Hour
	return l
}

func (r *Rooms) buildKeys(ctx context.Context, cfg config.Config, opts Options, follow *consequence.Consequences) (err error) {
	db, now := r.Store, opts.Now
	limits, windows := dialects(cfg.Dialects)
	r.APIKeys, err = apikey.New(ctx, apikey.Deps{
		Ledger: store.Of[apikey.Tx](db), Now: now, Decide: r.Policy, StepUps: r.StepUps, Ceremonies: r.ceremonies, Sealer: db.Ring(), Opener: db.Ring(),
		Follow: follow, ScopesOf: policy.ScopesOf, SystemOf: r.systems(),
		Limits: apikey.Limits{
			Life: cfg.Keys.DefaultLife, ReadOnlyLife: cfg.Keys.ReadOnlyLife, HighValueLife: cfg.Keys.HighValueLife, MaxLife: cfg.Keys.MaxLife,
			UnpinnedTradeLife: cfg.Keys.UnpinnedTradeLife, DestinationWait: cfg.Keys.DestinationWait, Dialects: limits,
		},
	})
	if err != nil {
		return err
	}
	follow.UseKeys(r.APIKeys)
	db.Listen(store.Listener{Name: "keys", Hear: r.APIKeys.Hear, Reload: r.APIKeys.Reload})
	r.nonces = memory.NewNonces(now(), windows.Widest()+2*windows.Future)
	r.Lab = lab.New(now, r.APIKeys, db.Ring())
	known, err := reporters(cfg.Leaks)
	if err != nil {
		return err
	}
	r.Leaks = leak.New(now, r.APIKeys, r.newBudgets(), known)
	r.Verifier = signed.New(signed.Deps{
		Now: now, Keys: r.APIKeys, Opener: db.Ring(), Nonces: r.nonces, Budgets: r.newBudgets(), Durable: store.Of[apikey.Tx](db),
		UntimedNonces: int64(cfg.Keys.UntimedNonces), Windows: windows,
	})
	return nil
}

// systems finds the autonomous system of an address; nil without a file.
func (r *Rooms) systems() func(netip.Addr) uint32 {
	if r.Networks == nil {
		return nil
	}
	return r.Networks.System
}

// dialects is what the configuration says of each dialect: to those who make keys, and to those who check signatures.
func dialects(c config.Dialects) (limits [sign.Dialects]apikey.DialectLimit, windows signed.Windows) {
	windows = signed.Windows{TestPast: time.Minute, Future: time.Second}
	set := func(d sign.Dialect, enabled bool, window time.Duration, ceiling config.Ceiling) {
		limits[d] = apikey.DialectLimit{Off: !enabled, Lifted: ceiling == config.CeilingTrade, Window: window}
		windows.Past[d] = window
	}
	set(sign.Native, true, c.Native.WindowPast, "")
	set(sign.Upbit, c.Upbit.Enabled, time.Minute, c.Upbit.Ceiling)
	set(sign.Bithumb, c.Bithumb.Enabled, c.Bithumb.WindowPast, "")
	set(sign.Binance, c.Binance.Enabled, c.Binance.WindowPast, "")
	set(sign.Kraken, c.Kraken.Enabled, 0, "") // no time is signed
	set(sign.OKX, c.OKX.Enabled, c.OKX.WindowPast, "")
	set(sign.Bybit, c.Bybit.Enabled, c.Bybit.WindowPast, "")
	set(sign.Coinbase, c.Coinbase.Enabled, c.Coinbase.WindowPast, c.Coinbase.Ceiling)
	set(sign.KuCoin, c.KuCoin.Enabled, c.KuCoin.WindowPast, "")
	return limits, windows
}

func hashSettings(cfg config.Config, opts Options) password.Settings {
	cost := opts.HashCost
	if cost == (password.Cost{}) {
		cost = password.Cost{
			MemoryKiB: uint32(cfg.Password.MemoryKiB), Passes: uint32(cfg.Password.Iterations), Lanes: uint8(cfg.Password.Parallelism),
		}
	}
	return password.Settings{Cost: cost, Slots: cfg.Password.Slots, Queue: cfg.Password.Queue, Wait: cfg.Password.QueueWait}
}

// pepper lets the key file season password hashes.
type pepper struct{ file *keyring.File }

func (p pepper) Current() string                             { return p.file.CurrentPepper() }
func (p pepper) MAC(name string, b []byte) ([32]byte, error) { return p.file.PepperMAC(name, b) }

func random32() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// Handlers are the jobs that this release knows how to do.
func (r *Rooms) Handlers() store.Handlers {
	return store.Handlers{
		notify.Delivery{}.Kind():  r.Notices.DoNotice,
		signup.CodeMail{}.Kind():  r.Notices.DoCodeMail,
		contact.CodeMail{}.Kind(): r.Notices.DoContactMail,

		privacy.Due{}.Kind():      r.Privacy.DoDue,
		privacy.Tomorrow{}.Kind(): r.Privacy.DoTomorrow,

		member.Letter{}.Kind():   r.Members.DoLetter,
		member.Reminder{}.Kind(): r.Members.DoReminder,

		recovery.CodeMail{}.Kind():  r.Recoveries.DoCodeMail,
		recovery.TrialMail{}.Kind(): r.Recoveries.DoTrialMail,
		recovery.Remind{}.Kind():    r.Recoveries.DoRemind,
		recovery.Overdue{}.Kind():   r.Recoveries.DoOverdue,
	}
}
