package apikey

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// Find is something that a scanner found where strangers can read it.
type Find struct {
	// Secret as it was found: that of a key, or a private key.
	Secret secret.Value
	// Source and URL say where, in the scanner's words.
	Source, URL string
}

// digest names a secret without holding it.
type digest [sha256.Size]byte

// sought maps what secrets that were found would be kept as → the find. Public halves are apart: what everybody may know of a key is no leak.
type sought struct{ secrets, publics map[digest]Find }

// BlockFound blocks every key whose secret is among the finds, each from the moment this returns, tells its owner, and holds money if the key
// could withdraw. Those that are stopped so already, revoked ones, secrets that a rotation retired, and finds that belong to no key change nothing and are no error: blocked is
// for the one who keeps the installation, and no answer to a scanner may depend on it.
//
// Secrets are sealed, and nothing is kept by which one could be looked up, so that a copy of the database confirms no guess. Therefore each
// secret of each key is opened in turn and compared, which takes about half a second for a million keys; callers see to it that strangers
// cannot ask for it. What goes wrong with one key, as a secret that does not open, stops none of the others; err joins it all.
// Errors: none of its own.
func (k *Keys) BlockFound(ctx context.Context, p principal.Principal, finds []Find) (blocked int, err error) {
	wanted := sought{map[digest]Find{}, map[digest]Find{}}
	for _, f := range finds {
		wanted.add(f)
	}
	found, err := k.holders(wanted)
	if len(found) > 0 {
		err = errors.Join(err, k.SaveUses(ctx)) // what is not written yet is not told; the keys are blocked all the same
	}
	for kid, f := range found {
		switch wrong := k.blockFound(ctx, p, kid, f); {
		case wrong == nil:
			blocked++
		case fault.CodeOf(wrong) != fault.KeyNotFound:
			err = errors.Join(err, fmt.Errorf("block a key that was found: %w", wrong))
		}
	}
	return blocked, err
}

// add seeks everything that a text may stand for: a secret as it was shown, one that was shown in base64, a private key.
func (s sought) add(f Find) {
	text := bytes.TrimSpace(f.Secret.Reveal())
	if len(text) == 0 {
		return
	}
	s.secrets[sha256.Sum256(text)] = f
	if decoded, err := base64.StdEncoding.DecodeString(string(text)); err == nil && len(decoded) > 0 {
		s.secrets[sha256.Sum256(decoded)] = f
	}
	for _, a := range []sign.Algorithm{sign.Ed25519, sign.ES256} {
		if private, err := sign.PrivateKeyFor(a, string(text)); err == nil {
			if public, err := sign.PublicHalf(private); err == nil {
				s.publics[sha256.Sum256(public)] = f
			}
		}
	}
}

// holders finds the keys that have one of the secrets; err joins those of secrets that do not open.
func (k *Keys) holders(wanted sought) (found map[id.Key]Find, err error) {
	found = map[id.Key]Find{}
	if len(wanted.secrets) == 0 {
		return found, nil
	}
	now := k.Now()
	var room [256]byte
	for _, l := range k.all() {
		for i := range l.Materials {
			m := &l.Materials[i]
			if m.Retired(now) {
				continue // it opens nothing any more: its owner replaced it, perhaps because of this
			}
			material, among := m.Bytes, wanted.publics
			if m.Sealed {
				opened, wrong := k.Opener.AppendOpen(room[:0], MaterialPlace(l.ID, m.Version).AAD(), m.Bytes)
				if wrong != nil {
					err = errors.Join(err, fmt.Errorf("open a secret of %s: %w", l.Text(), wrong))
					continue
				}
				material, among = opened, wanted.secrets
			}
			if l.Dialect.HasPassphrase() && len(material) > sha256.Size {
				material = material[:len(material)-sha256.Size] // what the passphrase is compared with
			}
			if f, ok := among[sha256.Sum256(material)]; ok {
				found[l.ID] = f
			}
			clear(room[:])
		}
	}
	return found, err
}

// all are the keys of now, so that nothing is held up while they are looked through.
func (k *Keys) all() []*Live {
	k.index.mu.RLock()
	defer k.index.mu.RUnlock()
	list := make([]*Live, 0, len(k.index.byID))
	for _, l := range k.index.byID {
		if l.revoked == noMoment && l.blocked == noMoment {
			list = append(list, l)
		}
	}
	return list
}

func (k *Keys) blockFound(ctx context.Context, p principal.Principal, kid id.Key, f Find) error {
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, err := k.reach(ctx, tx, p, kid)
		if err != nil {
			return audit.Event{}, err
		}
		what := verb{audit.KeyFound, happening.KeyFound}
		if key.Scopes.Highest() >= scope.Withdraw {
			what.kind = happening.MoneyKeyFound
		}
		facts := f.facts()
		since := k.Now().Add(-foundUses)
		uses, err := tx.UsesOfKey(ctx, kid, since.Truncate(time.Hour), maxUses)
		if err != nil {
			return audit.Event{}, err
		}
		maps.Copy(facts, usesFacts(uses, since))
		won, err := tx.StopKey(ctx, key, Block, "found by a scanner", k.Now())
		return k.changed(ctx, tx, p, key, won, err, what, facts)
	})
}

// foundUses is how far back the notice about a key that was found looks for what it did, toldUses how many lines of it the notice names.
const (
	foundUses = 7 * 24 * time.Hour
	toldUses  = 5
)

// Facts of a key that was found: since when its uses were looked for, how many calls they were from how many addresses, and the latest of them as
// ReadUses reads them.
const (
	UsesSince  = "uses_since"
	UsesCalls  = "uses_calls"
	UsesPlaces = "uses_places"
	UsesLatest = "uses_latest"
)

// usesFacts say what a key did, of uses with the latest first.
func usesFacts(uses []Use, since time.Time) map[string]string {
	var calls int64
	var latest []string
	places := map[string]bool{}
	for i, u := range uses {
		calls += u.Calls
		places[u.Addr] = true
		if i < toldUses {
			latest = append(latest, strings.Join([]string{u.Last.UTC().Format(time.RFC3339), strconv.FormatInt(u.Calls, 10), u.Addr, u.Code, u.Route}, "\t"))
		}
	}
	return map[string]string{
		UsesSince: since.UTC().Format(time.RFC3339), UsesCalls: strconv.FormatInt(calls, 10), UsesPlaces: strconv.Itoa(len(places)),
		UsesLatest: strings.Join(latest, "\n"),
	}
}

// ReadUses reads the latest uses out of the fact of that name: when, how often, from where, the code and the route of each.
func ReadUses(fact string) (uses []Use, err error) {
	for row := range strings.Lines(fact) {
		cells := strings.SplitN(strings.TrimSuffix(row, "\n"), "\t", 5)
		if len(cells) != 5 {
			return nil, fmt.Errorf("a use of %d cells", len(cells))
		}
		last, wrongTime := time.Parse(time.RFC3339, cells[0])
		calls, wrongCalls := strconv.ParseInt(cells[1], 10, 64)
		if err := errors.Join(wrongTime, wrongCalls); err != nil {
			return nil, err
		}
		uses = append(uses, Use{Last: last, Calls: calls, Addr: cells[2], Code: cells[3], Route: cells[4]})
	}
	return uses, nil
}

// facts say where it was found; host alone is what a mail may name.
func (f Find) facts() map[string]string {
	facts := map[string]string{"source": clipped(f.Source), "url": clipped(f.URL), "host": clipped(f.Source)}
	if u, err := url.Parse(f.URL); err == nil && u.Host != "" {
		facts["host"] = clipped(u.Hostname())
	}
	for _, name := range [...]string{"host", "url"} {
		if facts[name] == "" {
			facts[name] = "?"
		}
	}
	return facts
}

// clipped bounds what a scanner says.
func clipped(text string) string {
	const most = 300
	return strings.TrimSpace(line.Visible(strings.ToValidUTF8(text[:min(len(text), most)], "")))
}
