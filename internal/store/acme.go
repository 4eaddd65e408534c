package store

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

// acmePlace binds an item of the certificate storage (private keys among them) to its name.
func acmePlace(name string) secret.Place {
	return secret.Place{Table: "acme_item", Column: "sealed", Row: name}
}

// PutItem keeps an item of the certificate storage, sealed.
func (t *tx) PutItem(ctx context.Context, name string, value []byte, now time.Time) error {
	return t.PutACMEItem(ctx, sqlgen.PutACMEItemParams{
		Name: name, Sealed: t.db.ring.Seal(acmePlace(name), value), Size: int64(len(value)), ModifiedAt: micros(now),
	})
}

// ItemByName opens an item; found is false if there is none.
func (t *tx) ItemByName(ctx context.Context, name string) (value []byte, modified time.Time, found bool, err error) {
	row, err := t.ACMEItemByName(ctx, sqlgen.ACMEItemByNameParams{Name: name})
	row, found, err = read(row, err, func(row sqlgen.AcmeItem) sqlgen.AcmeItem { return row })
	if err != nil || !found {
		return nil, time.Time{}, false, err
	}
	value, err = t.db.ring.Open(acmePlace(name), row.Sealed)
	return value, at(row.ModifiedAt), true, err
}

// ItemNames lists the names below a folder, or all.
func (t *tx) ItemNames(ctx context.Context, folder string) ([]string, error) {
	first, beyond := below(folder)
	return t.ListACMENames(ctx, sqlgen.ListACMENamesParams{First: first, Beyond: beyond})
}

// DeleteItems deletes an item and everything below it.
func (t *tx) DeleteItems(ctx context.Context, name string) error {
	first, beyond := below(name)
	_, err := t.DeleteACMEItems(ctx, sqlgen.DeleteACMEItemsParams{Name: name, First: first, Beyond: beyond})
	return err
}

// below is the range of names in a folder: the slash is followed by '0' in ASCII.
func below(folder string) (first, beyond string) {
	if folder == "" {
		return "", "\x7f"
	}
	return folder + "/", folder + "0"
}

// TakeLock takes or renews a lock for a holder; won is false while somebody else holds it.
func (t *tx) TakeLock(ctx context.Context, name string, holder []byte, now, expires time.Time) (bool, error) {
	renewed, err := won(t.RenewACMELock(ctx, sqlgen.RenewACMELockParams{Name: name, Holder: holder, Now: micros(now), ExpiresAt: micros(expires)}))
	if renewed || err != nil {
		return renewed, err
	}
	return won(t.InsertACMELock(ctx, sqlgen.InsertACMELockParams{Name: name, Holder: holder, ExpiresAt: micros(expires)}))
}

// ReleaseLock gives a lock back, if it is still the holder's.
func (t *tx) ReleaseLock(ctx context.Context, name string, holder []byte) error {
	_, err := t.DeleteACMELock(ctx, sqlgen.DeleteACMELockParams{Name: name, Holder: holder})
	return err
}
