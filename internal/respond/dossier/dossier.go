// Package dossier owns what is told about one API key: how it was used, what was changed about it, what a thief could do with it, and the signed
// file of that which its owner can hand to somebody else.
//
// It does not know how uses are counted (package apikey) or how events are kept (package audit), and changes nothing.
//
// Invariant: nothing is told of a key but to those who may see it and read its account's activity, and what was left out is said.
package dossier

import (
	"cmp"
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/record/statement"
)

// Deps are what Dossiers is made of. All are needed.
type Deps struct {
	Now  func() time.Time
	Keys interface {
		One(ctx context.Context, p principal.Principal, kid id.Key) (apikey.Key, error)
		Past(ctx context.Context, key apikey.Key, since time.Time) (apikey.Past, error)
		Uses(ctx context.Context, key apikey.Key, since time.Time) ([]apikey.Use, bool, error)
		IfStolen(key apikey.Key) []apikey.Danger
	}
	Log interface {
		OfKey(ctx context.Context, p principal.Principal, account id.Account, k id.Key, text string, also audit.Action, since time.Time) (audit.KeyEvents, error)
	}
	Signer statement.Signer
	// Issuer names the installation in what it signs.
	Issuer string
}

// Dossiers tells of keys. It is safe for concurrent use.
type Dossiers struct {
	Deps
	mu      sync.Mutex
	reading map[reader]bool // guarded by mu
}

// reader is who reads an account's log: a person, or all the keys of one.
type reader struct {
	account id.Account
	user    id.User
	kind    principal.Kind
}

// New makes a Dossiers.
func New(d Deps) *Dossiers { return &Dossiers{Deps: d, reading: map[reader]bool{}} }

// alone is the right of a reader to read an account's log once at a time: to open many events costs, and a key may ask in a loop. It keeps nobody
// else from reading. Errors: busy.
func (d *Dossiers) alone(p principal.Principal, a id.Account) (done func(), err error) {
	who := reader{a, p.User, p.Kind}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reading[who] {
		return nil, fault.New(fault.Busy).After(time.Second)
	}
	d.reading[who] = true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.reading, who)
	}, nil
}

// Days is how many days the picture of a key's calls has.
const Days = 84

// Dossier is a key with its past and what could be done with it.
type Dossier struct {
	apikey.Key
	apikey.Past
	// Stolen is what a thief could do now.
	Stolen []apikey.Danger
	// History are the events that changed the key, the newest first; empty for who may not read the account's activity. Cut says that there
	// were more.
	History []audit.Told
	Cut     bool
}

// Of tells of a key. Errors: key.not_found, forbidden, busy.
func (d *Dossiers) Of(ctx context.Context, p principal.Principal, kid id.Key) (out Dossier, err error) {
	if out.Key, err = d.Keys.One(ctx, p, kid); err != nil {
		return out, err
	}
	if out.Past, err = d.Keys.Past(ctx, out.Key, d.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-Days)); err != nil {
		return out, err
	}
	out.Stolen = d.Keys.IfStolen(out.Key)
	done, err := d.alone(p, out.Account)
	if err != nil {
		return out, err
	}
	defer done()
	events, err := d.Log.OfKey(ctx, p, out.Account, kid, out.Text(), "", out.Born)
	if fault.CodeOf(err) == fault.Forbidden || fault.CodeOf(err) == fault.KeyScopeMissing {
		return out, nil
	}
	out.History, out.Cut = events.List, events.Cut
	return out, err
}

// Entry is one line of a timeline: an event, or an hour of calls that were alike.
type Entry struct {
	At time.Time `json:"at" doc:"Of an event its moment, of calls the latest of them"`
	// Event is the action of an event; empty for calls.
	Event string `json:"event,omitempty" example:"key.edited"`
	// Number and Leaf are the event's place in the audit log and its hash there.
	Number int64             `json:"number,omitempty" doc:"The event's place in the audit log" example:"4711"`
	Leaf   string            `json:"leaf,omitempty" doc:"Hash of the event's leaf (RFC 6962), hex"`
	Actor  string            `json:"actor,omitempty" doc:"What acted: user, key, nobody, system, host" example:"user"`
	Agent  string            `json:"agent,omitempty" doc:"As the actor's browser named itself"`
	Facts  map[string]string `json:"facts,omitempty" doc:"Names, counts, reasons"`
	// Broken: the event was changed behind our back.
	Broken bool   `json:"broken,omitempty" doc:"The event was changed in the database behind our back; what it said is not told"`
	Addr   string `json:"addr,omitempty" doc:"An address; of IPv6 calls the /64 around it; missing where it is not known" example:"203.0.113.7"`
	Route  string `json:"route,omitempty" example:"POST /v1/orders"`
	Code   string `json:"code,omitempty" doc:"Of calls that were refused" example:"key.ip_not_allowed"`
	Calls  int64  `json:"calls,omitempty" example:"14"`
	// Hour in which the calls were.
	Hour time.Time `json:"hour,omitzero" doc:"The hour in which the calls were"`
}

// Timeline is everything that is known of a key since a moment.
type Timeline struct {
	Kind     string    `json:"kind" enum:"key_timeline"`
	Issuer   string    `json:"issuer" example:"https://trade.example.com"`
	KeyID    string    `json:"key_id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Name     string    `json:"name" example:"Rebalancer"`
	Owner    string    `json:"owner" doc:"Name of the key's owner" example:"Ada"`
	Dialect  string    `json:"dialect" example:"native"`
	MadeAt   time.Time `json:"made_at"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until" doc:"When it was written; the calls of the last ten seconds may be missing"`
	LogChain string    `json:"log_chain" doc:"Where the audit log ended then, a hash in hex: the log that the host keeps leads through it"`
	Entries  []Entry   `json:"entries" doc:"The latest first"`
	Cut      bool      `json:"cut,omitempty" doc:"There was more than fits; the oldest are missing"`
}

// Signed is a timeline that anybody can check.
type Signed struct {
	Statement Timeline            `json:"statement"`
	Signature statement.Signature `json:"signature"`
}

// Timeline gathers what is known of a key since a moment, and signs it. Uses are kept for 90 days. Errors: key.not_found, forbidden, busy.
func (d *Dossiers) Timeline(ctx context.Context, p principal.Principal, kid id.Key, since time.Time) (out Signed, err error) {
	key, err := d.Keys.One(ctx, p, kid)
	if err != nil {
		return out, err
	}
	now := d.Now().UTC().Truncate(time.Second)
	since = since.UTC().Truncate(time.Second)
	done, err := d.alone(p, key.Account)
	if err != nil {
		return out, err
	}
	defer done()
	events, err := d.Log.OfKey(ctx, p, key.Account, kid, key.Text(), audit.RequestRefused, since)
	if err != nil {
		return out, err
	}
	uses, cut, err := d.Keys.Uses(ctx, key, since)
	if err != nil {
		return out, err
	}
	out.Statement = Timeline{
		Kind: "key_timeline", Issuer: d.Issuer, KeyID: key.Text(), Name: key.Name, Owner: key.OwnerName, Dialect: key.Dialect.String(),
		MadeAt: key.Born.UTC(), Since: since, Until: now, LogChain: hex.EncodeToString(events.Head.Chain[:]),
		Entries: entries(events.List, uses), Cut: cut || events.Cut,
	}
	out.Signature, err = d.Signer.Sign(out.Statement)
	return out, err
}

// entries puts events and calls into one order. A call that was refused is counted among the calls, with all that were alike; the event of it
// says what was seen.
func entries(events []audit.Told, uses []apikey.Use) []Entry {
	list := make([]Entry, 0, len(events)+len(uses))
	for _, t := range events {
		list = append(list, eventEntry(t))
	}
	for _, u := range uses {
		list = append(list, Entry{At: u.Last.UTC(), Hour: u.Hour.UTC(), Addr: u.Addr, Route: u.Route, Code: u.Code, Calls: u.Calls})
	}
	slices.SortStableFunc(list, func(a, b Entry) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Number, a.Number)) })
	return list
}

func eventEntry(t audit.Told) Entry {
	leaf := t.Hash()
	e := Entry{At: t.At.UTC(), Event: string(t.Action), Number: t.Seq, Leaf: hex.EncodeToString(leaf[:]), Broken: t.Broken != nil}
	r := t.Readable
	e.Actor, e.Agent, e.Addr, e.Facts = r.Kind, r.Agent, r.Addr, maps.Clone(r.Facts)
	if t.Action == audit.RequestRefused {
		e.Code, e.Route = e.Facts["reason"], e.Facts["route"]
		e.Calls, _ = strconv.ParseInt(e.Facts["count"], 10, 64)
	}
	delete(e.Facts, audit.KeyFact)
	return e
}
