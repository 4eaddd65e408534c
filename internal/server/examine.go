package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/geo"
	"github.com/seed-21c57000/sallyport/internal/keyring"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// certSoon is how long before its end a certificate is worth a word.
const certSoon = 21 * 24 * time.Hour

// Examine looks at everything that a configuration names and changes nothing of it: no database, no key and no schema is made. It says in
// notes what it found and what a start would make; the error joins all that would keep the server from starting, or from staying up.
//
// Whatever rests on the configuration alone (routes, upstreams, the relay's password, the names of passkeys) is checked by building the
// whole graph on a database and a key file that are thrown away.
func Examine(ctx context.Context, cfg config.Config, opts Options) (notes []string, err error) {
	var problems []error
	for _, look := range []func() ([]string, error){
		func() ([]string, error) { return nil, buildElsewhere(ctx, cfg, opts) },
		func() ([]string, error) { return examineStore(ctx, cfg, opts) },
		func() ([]string, error) { return examineTexts(cfg), nil },
		func() ([]string, error) { return examineTLS(cfg, opts.Now()) },
		func() ([]string, error) { return examineMetadata(cfg.Passkeys, opts.Now()) },
		func() ([]string, error) { return examinePlaces("places", cfg.Geo.File, opts) },
		func() ([]string, error) { return examineNetworks(cfg.Geo.NetworksFile, opts) },
	} {
		seen, err := look()
		notes = append(notes, seen...)
		problems = append(problems, err)
	}
	return notes, errors.Join(problems...)
}

func buildElsewhere(ctx context.Context, cfg config.Config, opts Options) error {
	folder, err := os.MkdirTemp("", "sallyport-doctor-")
	if err != nil {
		return err
	}
	cfg.Store = config.Store{Engine: config.SQLite, SQLite: config.SQLiteStore{Path: filepath.Join(folder, "sallyport.db")}}
	cfg.Keyring.File.Path = filepath.Join(folder, "keys")
	s, err := New(ctx, cfg, opts)
	if err == nil {
		err = s.Close()
	}
	return errors.Join(err, os.RemoveAll(folder))
}

// examineStore looks at key file and database together: either of them alone is of no use.
func examineStore(ctx context.Context, cfg config.Config, opts Options) (notes []string, err error) {
	path := cfg.Keyring.File.Path
	keys, err := keyring.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	place, err := storeConfig(cfg, opts, keys)
	if err != nil {
		return nil, err
	}
	if missing {
		if err := unsealed(ctx, place, path); err != nil {
			return nil, err
		}
		notes = append(notes, fmt.Sprintf("key file %s: there is none; it would be created", path))
	}
	found, err := store.Examine(ctx, place, func(db *store.DB) error {
		verdict, err := audit.NewLog(store.Of[audit.Tx](db), policy.Policy{}, db.LogKey()).VerifyAll(ctx, audit.Head{})
		notes = append(notes, fmt.Sprintf("audit log: %d events hold", verdict.Events))
		off, err2 := examineDialects(ctx, db, cfg, opts)
		notes = append(notes, off...)
		return errors.Join(err, err2, examinePeppers(ctx, db, keys))
	})
	switch {
	case err != nil:
	case found.Missing:
		notes = append(notes, fmt.Sprintf("database %s: there is none; it would be created", cfg.Store.SQLite.Path))
		_, err = os.Stat(filepath.Dir(cfg.Store.SQLite.Path))
	case found.Version > found.Latest:
		err = fmt.Errorf("the database has schema %d; this release knows %d at most", found.Version, found.Latest)
	case found.Version < found.Latest:
		notes = append(notes, fmt.Sprintf("database: schema %d; it would be brought to %d, and is read only then", found.Version, found.Latest))
	}
	return notes, err
}

// examineDialects says how many keys a start would refuse because of their dialect.
func examineDialects(ctx context.Context, db *store.DB, cfg config.Config, opts Options) (notes []string, err error) {
	keys := apikey.Keys{Deps: apikey.Deps{Ledger: store.Of[apikey.Tx](db), Now: opts.Now}}
	keys.Limits.Dialects, _ = dialects(cfg.Dialects)
	off, err := keys.TurnedOff(ctx)
	for d, n := range off {
		notes = append(notes, fmt.Sprintf("dialects.%s.enabled is false: %d keys of it are refused", d, n))
	}
	slices.Sort(notes)
	return notes, err
}

// examinePeppers looks for passwords that cannot be checked: to their owners they are wrong ones, and only the operator can know better.
func examinePeppers(ctx context.Context, db *store.DB, keys *keyring.File) error {
	lost, err := factor.New(factor.Deps{Ledger: store.Of[factor.Tx](db)}).LostPeppers(ctx, keys.HasPepper)
	for name, n := range lost {
		err = errors.Join(err, fmt.Errorf("the key file has no pepper %s, which %d passwords need: their owners are told that they are wrong", name, n))
	}
	return err
}

// placesOld is the age at which a file of places is worth a word: networks move.
const placesOld = 120 * 24 * time.Hour

// examinePlaces says how old a file of places or networks is. That it can be read is checked by building everything.
func examinePlaces(what, path string, opts Options) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	p, err := geo.Open(path, opts.Log)
	if err != nil {
		return nil, nil //nolint:nilerr // said by who builds everything
	}
	note := fmt.Sprintf("%s %s: %s of %s", what, path, p.Kind(), p.Built().Format(time.DateOnly))
	if opts.Now().Sub(p.Built()) > placesOld {
		note += ", which is old: download a newer one"
	}
	return []string{note}, nil
}

// examineNetworks says whether keys can be held to autonomous systems, and how old what tells them is.
func examineNetworks(path string, opts Options) ([]string, error) {
	if path == "" {
		return []string{"networks: no geo.networks_file, so keys are held to networks of addresses only"}, nil
	}
	return examinePlaces("networks", path, opts)
}

// examineTLS reads the certificates that listeners would show.
func examineTLS(cfg config.Config, now time.Time) (notes []string, err error) {
	switch cfg.TLS.Mode {
	case config.TLSOff:
		return nil, nil
	case config.TLSACME:
		_, err := readRoots(cfg.TLS.ACME.CAFile)
		return []string{"certificates: from " + string(cfg.TLS.ACME.DirectoryURL) + ", which was not asked"}, err
	case config.TLSFiles:
	}
	pair, err := tls.LoadX509KeyPair(cfg.TLS.CertFile, cfg.TLS.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	leaf, until := pair.Leaf, pair.Leaf.NotAfter.UTC().Format(time.RFC3339)
	switch {
	case now.After(leaf.NotAfter):
		err = fmt.Errorf("certificate %s: it ended on %s", cfg.TLS.CertFile, until)
	case now.Before(leaf.NotBefore):
		err = fmt.Errorf("certificate %s: it begins only on %s", cfg.TLS.CertFile, leaf.NotBefore.UTC().Format(time.RFC3339))
	case leaf.NotAfter.Sub(now) < certSoon:
		notes = append(notes, fmt.Sprintf("certificate %s: it ends soon, on %s", cfg.TLS.CertFile, until))
	default:
		notes = append(notes, fmt.Sprintf("certificate %s: good until %s", cfg.TLS.CertFile, until))
	}
	var foreign []string
	for _, name := range served(cfg) {
		if leaf.VerifyHostname(name) != nil {
			foreign = append(foreign, name)
		}
	}
	if len(foreign) > 0 {
		notes = append(notes, fmt.Sprintf("certificate %s: browsers refuse it for %s", cfg.TLS.CertFile, strings.Join(foreign, ", ")))
	}
	return notes, err
}

// served are the names that clients call, without ports.
func served(cfg config.Config) (names []string) {
	names = append(names, string(cfg.Dashboard.Origin.Host()))
	for _, h := range cfg.Gateway.Hosts {
		names = append(names, (&url.URL{Host: string(h.Authority)}).Hostname())
	}
	return names
}
