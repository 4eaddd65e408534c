package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/keyring"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// dataKeys is the keyring's way to its rows.
type dataKeys struct{ db *DB }

func (d dataKeys) ListDataKeys(ctx context.Context) (keys []keyring.DataKey, err error) {
	err = d.db.engine.view(ctx, func(q *sqlgen.Queries) error {
		rows, err := q.ListDataKeys(ctx)
		for _, row := range rows {
			keys = append(keys, keyring.DataKey{Version: uint32(row.Version), KEK: row.Kek, Wrapped: row.Wrapped, Born: at(row.CreatedAt)})
		}
		return err
	})
	return keys, err
}

// InsertDataKey writes without an event when the log has no key to seal one with yet: the very first data key.
func (d dataKeys) InsertDataKey(ctx context.Context, k keyring.DataKey) (inserted bool, err error) {
	insert := sqlgen.InsertDataKeyParams{Version: int64(k.Version), Kek: k.KEK, Wrapped: k.Wrapped, CreatedAt: micros(k.Born)}
	if k.Version == 1 {
		err = d.db.engine.update(ctx, func(ctx context.Context, s statements) (err error) {
			inserted, err = won(s.InsertDataKey(ctx, insert))
			return err
		}, func() {})
		return inserted, err
	}
	return d.change(ctx, audit.KeyringDataKeyRotated, k.Version, func(t *tx) (int64, error) { return t.InsertDataKey(ctx, insert) })
}

func (d dataKeys) RewrapDataKey(ctx context.Context, k keyring.DataKey, old string) (bool, error) {
	return d.change(ctx, audit.KeyringKekRotated, k.Version, func(t *tx) (int64, error) {
		return t.RewrapDataKey(ctx, sqlgen.RewrapDataKeyParams{Version: int64(k.Version), Kek: k.KEK, Wrapped: k.Wrapped, OldKek: old})
	})
}

// change makes one conditional write with its event and tells other processes to read the data keys again.
func (d dataKeys) change(ctx context.Context, action audit.Action, version uint32, write func(*tx) (int64, error)) (changed bool, err error) {
	err = Of[*tx](d.db).Update(ctx, func(t *tx) (audit.Event, error) {
		if changed, err = won(write(t)); err != nil || !changed {
			return audit.Quiet(audit.Housekeeping), err
		}
		t.Announce(txn.Change{Subject: txn.SubjectDataKey})
		facts := map[string]string{"version": fmt.Sprint(version)}
		return audit.Event{Action: action, Actor: principal.System("keyring"), Facts: facts}, nil
	})
	return changed, err
}

// ServerSecret gives the 32 bytes of the server's own key of that name, making it at first use: the same on every node and after
// every restart.
func (db *DB) ServerSecret(ctx context.Context, name string, mint func() []byte) ([]byte, error) {
	return db.serverSecret(ctx, name, mint, func(*tx, []byte) error { return nil })
}

// openLog reads the key of the audit log. Where it is made, and only there, the empty log gets its head: a log that was emptied later has none.
func (db *DB) openLog(ctx context.Context) error {
	key, err := db.serverSecret(ctx, "audit_log", fresh32, func(t *tx, fresh []byte) error {
		return t.setHead(ctx, audit.Head{}, audit.NewKey(fresh))
	})
	db.logKey = audit.NewKey(key)
	return err
}

// fresh32 is a key of the server at its first use.
func fresh32() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// serverSecret calls made in the transaction that makes the secret.
func (db *DB) serverSecret(ctx context.Context, name string, mint func() []byte, made func(t *tx, fresh []byte) error) ([]byte, error) {
	place := secret.Place{Table: "server_secret", Column: "sealed", Row: name}
	var sealed []byte
	read := func(q *sqlgen.Queries) (err error) {
		sealed, err = q.ServerSecretByName(ctx, sqlgen.ServerSecretByNameParams{Name: name})
		return notFound(err)
	}
	err := db.engine.view(ctx, read)
	if errors.Is(err, ErrNotFound) {
		err = Of[*tx](db).Update(ctx, func(t *tx) (audit.Event, error) {
			fresh := mint()
			row := sqlgen.InsertServerSecretParams{Name: name, Sealed: db.ring.Seal(place, fresh), CreatedAt: micros(db.now())}
			first, err := won(t.InsertServerSecret(ctx, row))
			if err == nil && first {
				err = made(t, fresh)
			}
			return audit.Quiet(audit.Housekeeping), errors.Join(err, read(t.Queries))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("server secret %s: %w", name, err)
	}
	return db.ring.Open(place, sealed)
}
