package store

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) InsertDeparture(ctx context.Context, d privacy.Departure) (bool, error) {
	return won(t.Queries.InsertDeparture(ctx, sqlgen.InsertDepartureParams{UserID: d.User[:], AskedAt: micros(d.Asked), DueAt: micros(d.Due)}))
}

func (t *tx) DepartureOf(ctx context.Context, u id.User) (privacy.Departure, bool, error) {
	row, err := t.DepartureByUser(ctx, sqlgen.DepartureByUserParams{UserID: u[:]})
	return read(row, err, func(row sqlgen.Departure) privacy.Departure {
		return privacy.Departure{User: u, Asked: at(row.AskedAt), Due: at(row.DueAt)}
	})
}

func (t *tx) DeleteDeparture(ctx context.Context, u id.User) (bool, error) {
	return won(t.Queries.DeleteDeparture(ctx, sqlgen.DeleteDepartureParams{UserID: u[:]}))
}

func (t *tx) TakeDeparture(ctx context.Context, u id.User, due time.Time) (bool, error) {
	return won(t.DeleteDueDeparture(ctx, sqlgen.DeleteDueDepartureParams{UserID: u[:], DueAt: micros(due)}))
}

func (t *tx) Claimed(ctx context.Context, u id.User, now time.Time) (bool, error) {
	claims, err := t.ClaimsOf(ctx, u, now)
	return len(claims) > 0, err
}

func (t *tx) OwnsAlone(ctx context.Context, u id.User) (bool, error) {
	owned, err := t.ListAccountsOwnedBy(ctx, sqlgen.ListAccountsOwnedByParams{UserID: u[:]})
	if err != nil {
		return false, fmt.Errorf("list accounts: %w", err)
	}
	for _, a := range owned { // in one order, so that two who own the same ones wait and do not block each other
		if err := t.Queries.ClaimAccountRow(ctx, sqlgen.ClaimAccountRowParams{ID: a}); err != nil {
			return false, fmt.Errorf("claim account: %w", err)
		}
	}
	n, err := t.CountAccountsOwnedAlone(ctx, sqlgen.CountAccountsOwnedAloneParams{UserID: u[:]})
	return n > 0, err
}

func (t *tx) EvidenceBroughtBy(ctx context.Context, u id.User) ([]privacy.EvidenceCopy, error) {
	rows, err := t.ListEvidenceOfUser(ctx, sqlgen.ListEvidenceOfUserParams{UserID: u[:]})
	return each(rows, err, func(row sqlgen.ListEvidenceOfUserRow) privacy.EvidenceCopy {
		return privacy.EvidenceCopy{Slot: row.Slot, Kind: row.Kind, Size: row.Size, BroughtAt: at(row.CreatedAt), DeletedAt: at(row.DeleteAt)}
	})
}

func (t *tx) DevicesOf(ctx context.Context, u id.User) ([]privacy.DeviceSeen, error) {
	places, err := t.ListPlacesByUser(ctx, sqlgen.ListPlacesByUserParams{UserID: u[:]})
	if err != nil {
		return nil, fmt.Errorf("list places: %w", err)
	}
	of := map[id.Device][]device.Place{}
	for _, p := range places {
		d := rowID[id.DeviceKind](p.DeviceID)
		of[d] = append(of[d], device.Place{Network: p.Network, Family: p.Family})
	}
	rows, err := t.ListDevicesByUser(ctx, sqlgen.ListDevicesByUserParams{UserID: u[:]})
	return each(rows, err, func(row sqlgen.ListDevicesByUserRow) privacy.DeviceSeen {
		d := rowID[id.DeviceKind](row.ID)
		return privacy.DeviceSeen{ID: d, Agent: row.Agent, Born: at(row.FirstSeenAt), LastSeenAt: at(row.LastSeenAt), Places: of[d]}
	})
}
