package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
	"github.com/seed-21c57000/sallyport/sign"
)

func (t *tx) InsertKey(ctx context.Context, k apikey.Key, m apikey.Material) error {
	err := t.Queries.InsertKey(ctx, sqlgen.InsertKeyParams{
		ID: k.ID[:], AccountID: k.Account[:], SubaccountID: k.Subaccount[:], OwnerID: k.Owner[:], Name: k.Name, Purpose: k.Purpose,
		Environment: k.Environment.String(), Dialect: k.Dialect.String(), Algorithm: k.Algorithm.String(), Scopes: k.Scopes.String(),
		Allowlist: joinNetworks(k.Allowlist), WindowPast: k.WindowPast.Microseconds(), CreatedAt: micros(k.Born),
		Settings: strings.Join(k.Dialect.SettingsWords(k.Settings), " "), CreatedDevice: k.BornOn[:], ExpiresAt: micros(k.ExpiresAt),
		OnEnd: string(k.OnEnd), Template: k.Template, Standby: truth(k.Standby), Pin: k.Pin, ImportedAt: maybeMicros(k.ImportedAt), CreatedSession: k.MadeIn[:],
		Markets: strings.Join(k.Bounds.Markets, " "), OrderMost: k.Bounds.OrderMost, DayMost: k.Bounds.DayMost, PerSecond: int64(k.Bounds.PerSecond),
		Vendor: k.Vendor, Destinations: joinDestinations(k.Destinations),
	})
	if err != nil {
		return err
	}
	return t.InsertSecret(ctx, k.ID, m)
}

func (t *tx) InsertSecret(ctx context.Context, k id.Key, m apikey.Material) error {
	return t.InsertKeySecret(ctx, sqlgen.InsertKeySecretParams{
		KeyID: k[:], Version: int64(m.Version), Material: m.Bytes, CreatedAt: micros(m.Born), MintedBy: m.MintedBy,
	})
}

func (t *tx) RetireSecrets(ctx context.Context, k id.Key, before uint32, r apikey.Retirement) error {
	return t.RetireSecretsBefore(ctx, sqlgen.RetireSecretsBeforeParams{
		KeyID: k[:], Version: int64(before), RetiresAt: maybeMicros(r.Ends), RetiringSince: maybeMicros(r.Since), NoticeAt: maybeMicros(r.NoticeAt),
	})
}

func (t *tx) ExtendSecret(ctx context.Context, k id.Key, version uint32, r apikey.Retirement) (bool, error) {
	return won(t.ExtendKeySecret(ctx, sqlgen.ExtendKeySecretParams{
		KeyID: k[:], Version: int64(version), RetiresAt: maybeMicros(r.Ends), NoticeAt: maybeMicros(r.NoticeAt),
	}))
}

func (t *tx) SecretNoticed(ctx context.Context, k id.Key, version uint32, next time.Time) error {
	return t.NoteSecretNotice(ctx, sqlgen.NoteSecretNoticeParams{KeyID: k[:], Version: int64(version), NoticeAt: maybeMicros(next)})
}

func (t *tx) KeysRetiring(ctx context.Context, now time.Time, limit int) ([]id.Key, error) {
	rows, err := t.ListKeysRetiring(ctx, sqlgen.ListKeysRetiringParams{Now: maybeMicros(now), MaxRows: int64(limit)})
	return each(rows, err, rowID[id.KeyKind])
}

func (t *tx) DeleteSecret(ctx context.Context, k id.Key, version uint32) error {
	_, err := t.DeleteKeySecret(ctx, sqlgen.DeleteKeySecretParams{KeyID: k[:], Version: int64(version)})
	return err
}

func (t *tx) TouchSecret(ctx context.Context, k id.Key, version uint32, used time.Time, from string) error {
	_, err := t.TouchKeySecret(ctx, sqlgen.TouchKeySecretParams{
		KeyID: k[:], Version: int64(version), LastUsedAt: maybeMicros(used), LastUsedFrom: from,
	})
	return err
}

func (t *tx) ChangeKey(ctx context.Context, k apikey.Key) (bool, error) {
	return won(t.EditKey(ctx, sqlgen.EditKeyParams{
		Name: k.Name, Purpose: k.Purpose, Scopes: k.Scopes.String(), Allowlist: joinNetworks(k.Allowlist), ExpiresAt: micros(k.ExpiresAt),
		OnEnd: string(k.OnEnd), Standby: truth(k.Standby), Pin: k.Pin, Noticed: int64(k.Noticed), Dormancy: int64(k.Dormancy),
		WokenAt: maybeMicros(k.WokenAt), LapseNoticed: int64(k.LapseNoticed), ReleasedAt: maybeMicros(k.ReleasedAt),
		Markets: strings.Join(k.Bounds.Markets, " "), OrderMost: k.Bounds.OrderMost, DayMost: k.Bounds.DayMost, PerSecond: int64(k.Bounds.PerSecond),
		WindowPast: k.WindowPast.Microseconds(), Settings: strings.Join(k.Dialect.SettingsWords(k.Settings), " "), Vendor: k.Vendor, VendorSecret: int64(k.VendorSecret), Destinations: joinDestinations(k.Destinations),
		CreatedSession: k.MadeIn[:], OrphanedAt: maybeMicros(k.OrphanedAt), ID: k.ID[:], AccountID: k.Account[:],
	}))
}

func (t *tx) KeysServing(ctx context.Context, u id.User) ([]id.Key, error) {
	rows, err := t.ListKeyIDsServing(ctx, sqlgen.ListKeyIDsServingParams{UserID: u[:]})
	return each(rows, err, rowID[id.KeyKind])
}

func (t *tx) TransferKey(ctx context.Context, k apikey.Key, owner id.User) (bool, error) {
	return won(t.Queries.TransferKey(ctx, sqlgen.TransferKeyParams{ID: k.ID[:], AccountID: k.Account[:], OwnerID: owner[:], CreatedSession: k.MadeIn[:]}))
}

func (t *tx) NoteGiven(ctx context.Context, k id.Key, by id.User, now time.Time) error {
	return t.SetKeyGiven(ctx, sqlgen.SetKeyGivenParams{ID: k[:], GivenBy: maybeID(by), GivenAt: maybeMicros(now)})
}

func (t *tx) KeysGivenBy(ctx context.Context, u id.User, since time.Time) ([]id.Key, error) {
	rows, err := t.ListKeyIDsGivenBy(ctx, sqlgen.ListKeyIDsGivenByParams{GivenBy: u[:], Since: maybeMicros(since)})
	return each(rows, err, rowID[id.KeyKind])
}

func (t *tx) StopKey(ctx context.Context, k apikey.Key, s apikey.Stop, why string, now time.Time) (bool, error) {
	if s == apikey.Block {
		return won(t.BlockKey(ctx, sqlgen.BlockKeyParams{ID: k.ID[:], AccountID: k.Account[:], BlockedAt: maybeMicros(now), StoppedWhy: why}))
	}
	return won(t.FreezeKey(ctx, sqlgen.FreezeKeyParams{ID: k.ID[:], AccountID: k.Account[:], FrozenAt: maybeMicros(now), StoppedWhy: why}))
}

func (t *tx) ResumeKey(ctx context.Context, k apikey.Key, s apikey.Stop) (bool, error) {
	if s == apikey.Block {
		return won(t.UnblockKey(ctx, sqlgen.UnblockKeyParams{ID: k.ID[:], AccountID: k.Account[:]}))
	}
	return won(t.UnfreezeKey(ctx, sqlgen.UnfreezeKeyParams{ID: k.ID[:], AccountID: k.Account[:]}))
}

func (t *tx) AddUse(ctx context.Context, k id.Key, u apikey.Use) error {
	return t.AddKeyUse(ctx, sqlgen.AddKeyUseParams{
		KeyID: k[:], Hour: micros(u.Hour), Addr: u.Addr, Route: u.Route, Code: u.Code, Scope: u.Scope, Calls: u.Calls, LastAt: micros(u.Last),
	})
}

func (t *tx) UsesOfKey(ctx context.Context, k id.Key, since time.Time, limit int) ([]apikey.Use, error) {
	rows, err := t.ListKeyUses(ctx, sqlgen.ListKeyUsesParams{KeyID: k[:], Since: micros(since), MaxRows: int64(limit)})
	return each(rows, err, func(row sqlgen.KeyUse) apikey.Use {
		return apikey.Use{Hour: at(row.Hour), Addr: row.Addr, Route: row.Route, Code: row.Code, Scope: row.Scope, Calls: row.Calls, Last: at(row.LastAt)}
	})
}

func (t *tx) UsesByDay(ctx context.Context, k id.Key, since time.Time) ([]apikey.UsedDay, error) {
	rows, err := t.ListKeyUsesByDay(ctx, sqlgen.ListKeyUsesByDayParams{KeyID: k[:], Since: micros(since)})
	return each(rows, err, func(row sqlgen.ListKeyUsesByDayRow) apikey.UsedDay {
		return apikey.UsedDay{Day: time.Unix(row.OnDay*24*60*60, 0).UTC(), Passed: row.Passed, Refused: row.Refused}
	})
}

// maxCodes is more codes than there are.
const maxCodes = 1000

func (t *tx) UsesByCode(ctx context.Context, k id.Key, since time.Time) ([]apikey.Refused, error) {
	rows, err := t.ListKeyUsesByCode(ctx, sqlgen.ListKeyUsesByCodeParams{KeyID: k[:], Since: micros(since), MaxRows: maxCodes})
	return each(rows, err, func(row sqlgen.ListKeyUsesByCodeRow) apikey.Refused {
		return apikey.Refused{Code: fault.Code(row.Code), Calls: row.Refused, Last: at(row.Latest)}
	})
}

func (t *tx) ScopesUsed(ctx context.Context, k id.Key, since time.Time) (set scope.Set, err error) {
	words, err := t.ListKeyScopesUsed(ctx, sqlgen.ListKeyScopesUsedParams{KeyID: k[:], Since: micros(since)})
	for _, word := range words {
		if s, err := scope.Parse(word); err == nil {
			set |= scope.Of(s)
		}
	}
	return set, err
}

func (t *tx) ScopesSince(ctx context.Context, k id.Key) (widened, told time.Time, err error) {
	row, err := t.KeyScopesByKey(ctx, sqlgen.KeyScopesByKeyParams{KeyID: k[:]})
	since, _, err := read(row, err, func(row sqlgen.KeyScopesByKeyRow) [2]time.Time {
		return [2]time.Time{maybeAt(row.WidenedAt), maybeAt(row.ToldAt)}
	})
	return since[0], since[1], err
}

func (t *tx) ScopesWidened(ctx context.Context, k id.Key, now time.Time) error {
	return t.PutKeyScopesWidened(ctx, sqlgen.PutKeyScopesWidenedParams{KeyID: k[:], WidenedAt: maybeMicros(now)})
}

func (t *tx) ScopesAsked(ctx context.Context, k id.Key, now, told time.Time) error {
	return t.PutKeyScopesAsked(ctx, sqlgen.PutKeyScopesAskedParams{KeyID: k[:], AskedAt: maybeMicros(now), ToldAt: maybeMicros(told)})
}

func (t *tx) KeysByDialect(ctx context.Context, now time.Time) (map[sign.Dialect]int, error) {
	rows, err := t.CountLiveKeysByDialect(ctx, sqlgen.CountLiveKeysByDialectParams{Now: micros(now)})
	of := map[sign.Dialect]int{}
	for _, row := range rows {
		if d, err := sign.ParseDialect(row.Dialect); err == nil {
			of[d] = int(row.Live)
		}
	}
	return of, err
}

func (t *tx) KeysToAsk(ctx context.Context, now, usedSince, askedBefore time.Time, limit int) ([]id.Key, error) {
	rows, err := t.ListKeysToAskScopes(ctx, sqlgen.ListKeysToAskScopesParams{
		Now: micros(now), UsedSince: micros(usedSince), AskedBefore: maybeMicros(askedBefore), MaxRows: int64(limit),
	})
	return each(rows, err, func(row []byte) id.Key { return rowID[id.KeyKind](row) })
}

func (t *tx) KeyByID(ctx context.Context, k id.Key) (apikey.Key, bool, error) {
	row, err := t.Queries.KeyByID(ctx, sqlgen.KeyByIDParams{ID: k[:]})
	var broken error
	key, found, err := read(row, err, func(row sqlgen.KeyByIDRow) (key apikey.Key) {
		key, broken = keyOf(row)
		return key
	})
	if err == nil {
		err = broken
	}
	return key, found, err
}

// KeyToChange writes what stands there already first, which is a row lock on PostgreSQL, where the statement after it reads what it waited for.
func (t *tx) KeyToChange(ctx context.Context, k id.Key) (apikey.Key, bool, error) {
	if err := t.TakeKeyRow(ctx, sqlgen.TakeKeyRowParams{ID: k[:]}); err != nil {
		return apikey.Key{}, false, err
	}
	return t.KeyByID(ctx, k)
}

func (t *tx) KeyParts(ctx context.Context, n int) (starts []id.Key, _ error) {
	all, err := t.CountKeys(ctx)
	if err != nil {
		return nil, err
	}
	for i := 1; i < n && all > int64(n); i++ {
		row, err := t.NthKey(ctx, sqlgen.NthKeyParams{Skipped: all * int64(i) / int64(n)})
		if err != nil {
			return nil, err
		}
		starts = append(starts, rowID[id.KeyKind](row))
	}
	return starts, nil
}

func (t *tx) KeysByPage(ctx context.Context, after, last id.Key, limit int) ([]apikey.Key, error) {
	rows, err := t.ListLiveKeys(ctx, sqlgen.ListLiveKeysParams{After: after[:], Last: last[:], MaxRows: int64(limit)})
	return keysOf(rows, err, func(row sqlgen.ListLiveKeysRow) sqlgen.KeyByIDRow { return sqlgen.KeyByIDRow(row) })
}

func (t *tx) KeysOfAccount(ctx context.Context, a id.Account) ([]apikey.Key, error) {
	rows, err := t.ListKeysByAccount(ctx, sqlgen.ListKeysByAccountParams{AccountID: a[:]})
	return keysOf(rows, err, func(row sqlgen.ListKeysByAccountRow) sqlgen.KeyByIDRow { return sqlgen.KeyByIDRow(row) })
}

func (t *tx) KeysOfOwner(ctx context.Context, u id.User) ([]id.Key, error) {
	rows, err := t.ListKeyIDsByOwner(ctx, sqlgen.ListKeyIDsByOwnerParams{OwnerID: u[:]})
	return each(rows, err, rowID[id.KeyKind])
}

func (t *tx) KeysUnder(ctx context.Context, u id.User) ([]id.Key, error) {
	rows, err := t.ListKeyIDsUnder(ctx, sqlgen.ListKeyIDsUnderParams{UserID: u[:]})
	return each(rows, err, rowID[id.KeyKind])
}

func (t *tx) KeysWithin(ctx context.Context, a id.Account, s id.Subaccount) ([]id.Key, error) {
	rows, err := t.ListKeyIDsBySubaccount(ctx, sqlgen.ListKeyIDsBySubaccountParams{AccountID: a[:], SubaccountID: s[:]})
	return each(rows, err, rowID[id.KeyKind])
}

func (t *tx) MaterialOf(ctx context.Context, k id.Key) ([]apikey.Material, error) {
	rows, err := t.ListKeySecrets(ctx, sqlgen.ListKeySecretsParams{KeyID: k[:]})
	return each(rows, err, materialOf)
}

func (t *tx) MaterialsBetween(ctx context.Context, after, last id.Key) (map[id.Key][]apikey.Material, error) {
	rows, err := t.ListKeySecretsBetween(ctx, sqlgen.ListKeySecretsBetweenParams{After: after[:], Last: last[:]})
	of := make(map[id.Key][]apikey.Material, len(rows))
	for _, row := range rows {
		k := rowID[id.KeyKind](row.KeyID)
		of[k] = append(of[k], materialOf(row))
	}
	return of, err
}

func materialOf(row sqlgen.ApiKeySecret) apikey.Material {
	return apikey.Material{
		Version: uint32(row.Version), Bytes: row.Material, Born: at(row.CreatedAt), MintedBy: row.MintedBy,
		Retirement: apikey.Retirement{
			Since: maybeAt(row.RetiringSince), Ends: maybeAt(row.RetiresAt), NoticeAt: maybeAt(row.NoticeAt), Extended: row.Extended != 0,
		},
		LastUsedAt: maybeAt(row.LastUsedAt), LastUsedFrom: row.LastUsedFrom,
	}
}

func (t *tx) RevokeKey(ctx context.Context, a id.Account, k id.Key, why string, now time.Time) (bool, error) {
	return won(t.Queries.RevokeKey(ctx, sqlgen.RevokeKeyParams{ID: k[:], AccountID: a[:], RevokedAt: maybeMicros(now), RevokedWhy: why}))
}

func (t *tx) TouchKey(ctx context.Context, k id.Key, used time.Time, from string) error {
	_, err := t.Queries.TouchKey(ctx, sqlgen.TouchKeyParams{ID: k[:], LastUsedAt: maybeMicros(used), LastUsedFrom: from})
	return err
}

func (t *tx) NoteOrdered(ctx context.Context, k id.Key, day int64, ordered string) error {
	return t.NoteKeyOrdered(ctx, sqlgen.NoteKeyOrderedParams{ID: k[:], OrderedDay: day, Ordered: ordered})
}

func (t *tx) ClaimKeyNonce(ctx context.Context, k id.Key, nonce []byte, now time.Time) (bool, error) {
	return won(t.Queries.ClaimKeyNonce(ctx, sqlgen.ClaimKeyNonceParams{KeyID: k[:], Nonce: nonce, At: micros(now)}))
}

func (t *tx) CountKeyNonce(ctx context.Context, k id.Key, most int64) (bool, error) {
	return won(t.Queries.CountKeyNonce(ctx, sqlgen.CountKeyNonceParams{ID: k[:], Most: most}))
}

// ClaimKeyCounter raises the mark first, because that locks the key's row of it: whoever claims at the same time sees the higher one, and
// the window after that, as whoever widens it lifted the mark first. Used
// nonces below mark - window are forgotten, since none of them passes again. Eight bytes, the highest first, sort as the numbers do.
func (t *tx) ClaimKeyCounter(ctx context.Context, k id.Key, counter uint64, now time.Time) (bool, error) {
	nonce := binary.BigEndian.AppendUint64(nil, counter)
	raised, err := t.RaiseKeyMark(ctx, sqlgen.RaiseKeyMarkParams{KeyID: k[:], Mark: nonce})
	if err != nil {
		return false, err
	}
	row, err := t.SettingsOfKey(ctx, sqlgen.SettingsOfKeyParams{ID: k[:]})
	if err != nil {
		return false, err
	}
	settings, err := settingsOf(k[:], row.Dialect, row.Settings)
	if err != nil {
		return false, err
	}
	mark, window := binary.BigEndian.Uint64(raised), settings.NonceWindow
	if mark-counter > window {
		return false, nil
	}
	fresh, err := t.ClaimKeyNonce(ctx, k, nonce, now)
	if err != nil || !fresh {
		return false, err
	}
	least := binary.BigEndian.AppendUint64(nil, mark-min(mark, window))
	gone, err := t.DeleteKeyNoncesBelow(ctx, sqlgen.DeleteKeyNoncesBelowParams{KeyID: k[:], Least: least})
	if err != nil || gone == 0 {
		return err == nil, err
	}
	return true, t.DiscountKeyNonces(ctx, sqlgen.DiscountKeyNoncesParams{ID: k[:], Gone: gone})
}

func (t *tx) LiftKeyMark(ctx context.Context, k id.Key, by uint64) (bool, error) {
	highest, err := t.RaiseKeyMark(ctx, sqlgen.RaiseKeyMarkParams{KeyID: k[:], Mark: make([]byte, 8)})
	if err != nil {
		return false, err
	}
	mark := binary.BigEndian.Uint64(highest)
	if mark > math.MaxUint64-by {
		return false, nil
	}
	_, err = t.RaiseKeyMark(ctx, sqlgen.RaiseKeyMarkParams{KeyID: k[:], Mark: binary.BigEndian.AppendUint64(nil, mark+by)})
	return err == nil, err
}

// settingsOf reads the settings of a key in its dialect.
func settingsOf(k []byte, dialect, words string) (sign.Settings, error) {
	d, err := sign.ParseDialect(dialect)
	if err != nil {
		return sign.Settings{}, fmt.Errorf("key %x: dialect %q: %w", k, dialect, err)
	}
	settings, err := d.ParseSettings(strings.Fields(words))
	if err != nil {
		return sign.Settings{}, fmt.Errorf("key %x: settings %q: %w", k, words, err)
	}
	return settings, nil
}

func keysOf[R any](rows []R, err error, common func(R) sqlgen.KeyByIDRow) ([]apikey.Key, error) {
	var broken error
	list, err := each(rows, err, func(row R) apikey.Key {
		key, err := keyOf(common(row))
		if err != nil {
			broken = err
		}
		return key
	})
	if err == nil {
		err = broken
	}
	return list, err
}

// keyOf reads a key. A word that this release does not know is an error: a key that is half understood must not be used.
func keyOf(row sqlgen.KeyByIDRow) (apikey.Key, error) {
	k := apikey.Key{
		ID: rowID[id.KeyKind](row.ID), Account: rowID[id.AccountKind](row.AccountID), Subaccount: rowID[id.SubaccountKind](row.SubaccountID),
		Owner: rowID[id.UserKind](row.OwnerID), OwnerName: row.OwnerName, Name: row.Name, Purpose: row.Purpose,
		WindowPast: time.Duration(row.WindowPast) * time.Microsecond, Born: at(row.CreatedAt), BornOn: rowID[id.DeviceKind](row.CreatedDevice),
		ExpiresAt: at(row.ExpiresAt), RevokedAt: maybeAt(row.RevokedAt), RevokedWhy: row.RevokedWhy,
		LastUsedAt: maybeAt(row.LastUsedAt), LastUsedFrom: row.LastUsedFrom, OwnerRole: principal.ParseRole(row.Role),
		FrozenAt: maybeAt(row.FrozenAt), BlockedAt: maybeAt(row.BlockedAt), StoppedWhy: row.StoppedWhy, OwnerLocked: row.LockedAt.Valid || row.OwnersLocked > 0 || row.MemberFrozenAt.Valid,
		OnEnd: apikey.OnEnd(row.OnEnd), Template: row.Template, Standby: row.Standby != 0, Pin: row.Pin, Noticed: int(row.Noticed),
		Dormancy: apikey.Dormancy(row.Dormancy), WokenAt: maybeAt(row.WokenAt), ImportedAt: maybeAt(row.ImportedAt),
		LapseNoticed: int(row.LapseNoticed), ReleasedAt: maybeAt(row.ReleasedAt),
		Bounds: apikey.Bounds{
			Markets: strings.Fields(row.Markets), OrderMost: row.OrderMost, DayMost: row.DayMost, PerSecond: int(row.PerSecond),
		},
		OrderedDay: row.OrderedDay, Ordered: row.Ordered, Vendor: row.Vendor, VendorSecret: uint32(row.VendorSecret),
	}
	copy(k.MadeIn[:], row.CreatedSession)
	k.OwnerUntil, k.OwnerLeft, k.OrphanedAt = maybeAt(row.KeysUntil), row.RemovedAt.Valid, maybeAt(row.OrphanedAt)
	if row.KeysUntil.Valid { // whoever is gone moves no money
		k.OwnerRole = min(k.OwnerRole, principal.Trader)
	}
	if row.DisabledAt.Valid || row.RemovedAt.Valid && !row.KeysUntil.Valid {
		k.OwnerRole = principal.NoRole
	}
	if row.SponsorOne != nil {
		k.Sponsors = []id.User{rowID[id.UserKind](row.SponsorOne), rowID[id.UserKind](row.SponsorTwo)}
	}
	var err error
	if k.Environment, err = id.ParseEnvironment(row.Environment); err != nil {
		return k, fmt.Errorf("key %x: environment %q: %w", row.ID, row.Environment, err)
	}
	if k.Dialect, err = sign.ParseDialect(row.Dialect); err != nil {
		return k, fmt.Errorf("key %x: dialect %q: %w", row.ID, row.Dialect, err)
	}
	if k.Algorithm, err = sign.ParseAlgorithm(row.Algorithm); err != nil {
		return k, fmt.Errorf("key %x: algorithm %q: %w", row.ID, row.Algorithm, err)
	}
	if k.Settings, err = settingsOf(row.ID, row.Dialect, row.Settings); err != nil {
		return k, err
	}
	if k.Scopes, err = scope.ParseString(row.Scopes); err != nil {
		return k, fmt.Errorf("key %x: scopes %q: %w", row.ID, row.Scopes, err)
	}
	if k.Destinations, err = splitDestinations(row.Destinations); err != nil {
		return k, fmt.Errorf("key %x: destinations: %w", row.ID, err)
	}
	if k.Allowlist, err = splitNetworks(row.Allowlist); err != nil {
		return k, fmt.Errorf("key %x: allowlist: %w", row.ID, err)
	}
	return k, nil
}

// destination is one of a key's as it lies in its row.
type destination struct {
	Asset   string `json:"asset"`
	Network string `json:"network,omitempty"`
	Address string `json:"address"`
	Memo    string `json:"memo,omitempty"`
	Added   int64  `json:"added"`
}

func joinDestinations(list []apikey.Destination) string {
	if len(list) == 0 {
		return ""
	}
	rows := make([]destination, len(list))
	for i, d := range list {
		rows[i] = destination{d.Asset, d.Network, d.Address, d.Memo, micros(d.Added)}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

func splitDestinations(text string) (list []apikey.Destination, err error) {
	if text == "" {
		return nil, nil
	}
	var rows []destination
	err = json.Unmarshal([]byte(text), &rows)
	for _, d := range rows {
		list = append(list, apikey.Destination{Asset: d.Asset, Network: d.Network, Address: d.Address, Memo: d.Memo, Added: at(d.Added)})
	}
	return list, err
}

func joinNetworks(list []netip.Prefix) string {
	words := make([]string, len(list))
	for i, network := range list {
		words[i] = network.String()
	}
	return strings.Join(words, " ")
}

func splitNetworks(s string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for word := range strings.FieldsSeq(s) {
		network, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, err
		}
		list = append(list, network)
	}
	return list, nil
}
