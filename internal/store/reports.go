package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) InsertReport(ctx context.Context, r report.Report) error {
	key, err := t.personKey(ctx, r.User)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(r.Evidence)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	return t.Queries.InsertReport(ctx, sqlgen.InsertReportParams{
		ID: r.ID[:], UserID: r.User[:], Kind: string(r.Kind), About: r.About, CreatedAt: micros(r.Born), ExpiresAt: micros(r.Expires),
		Sealed: key.Seal(nil, nil, plain, reportPlace(r.ID).AAD()),
	})
}

func (t *tx) Reported(ctx context.Context, u id.User, about string) (bool, error) {
	n, err := t.CountReportsAbout(ctx, sqlgen.CountReportsAboutParams{UserID: u[:], About: about})
	return n > 0, err
}

func (t *tx) ReportByID(ctx context.Context, which id.Case) (r report.Report, found bool, err error) {
	row, err := t.Queries.ReportByID(ctx, sqlgen.ReportByIDParams{ID: which[:]})
	if err = notFound(err); errors.Is(err, ErrNotFound) {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	r = report.Report{
		ID: which, User: rowID[id.UserKind](row.UserID), Kind: happening.Kind(row.Kind), About: row.About, Born: at(row.CreatedAt), Expires: at(row.ExpiresAt),
	}
	key, err := t.existingKey(ctx, r.User)
	if errors.Is(err, errErased) {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	plain, err := key.Open(nil, nil, row.Sealed, reportPlace(which).AAD())
	if err != nil {
		return r, false, fmt.Errorf("open report %s: %w", which, err)
	}
	return r, true, json.Unmarshal(plain, &r.Evidence)
}

func (t *tx) Reports(ctx context.Context, now time.Time) ([]report.Report, error) {
	rows, err := t.ListReports(ctx, sqlgen.ListReportsParams{Now: micros(now)})
	return each(rows, err, func(row sqlgen.ListReportsRow) report.Report {
		return report.Report{
			ID: rowID[id.CaseKind](row.ID), User: rowID[id.UserKind](row.UserID), Kind: happening.Kind(row.Kind), About: row.About,
			Born: at(row.CreatedAt), Expires: at(row.ExpiresAt),
		}
	})
}

func reportPlace(r id.Case) secret.Place {
	return secret.Place{Table: "report", Column: "sealed", Row: string(r[:])}
}
