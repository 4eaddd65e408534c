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
	sealed, err := t.sealReport(ctx, r)
	if err != nil {
		return err
	}
	return t.Queries.InsertReport(ctx, sqlgen.InsertReportParams{
		ID: r.ID[:], UserID: r.User[:], Kind: string(r.Kind), About: r.About, CreatedAt: micros(r.Born), ExpiresAt: micros(r.Expires),
		Sealed: sealed,
	})
}

// sealReport seals the evidence under the user's key.
func (t *tx) sealReport(ctx context.Context, r report.Report) ([]byte, error) {
	key, err := t.personKey(ctx, r.User)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(r.Evidence)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	return key.Seal(nil, nil, plain, reportPlace(r.ID).AAD()), nil
}

func (t *tx) CloseReport(ctx context.Context, r report.Report) (bool, error) {
	sealed, err := t.sealReport(ctx, r)
	if err != nil {
		return false, err
	}
	return won(t.Queries.CloseReport(ctx, sqlgen.CloseReportParams{ID: r.ID[:], ClosedAt: maybeMicros(r.Closed), Outcome: string(r.Outcome), Sealed: sealed}))
}

func (t *tx) ReopenReport(ctx context.Context, r report.Report) error {
	sealed, err := t.sealReport(ctx, r)
	if err != nil {
		return err
	}
	return t.Queries.ReopenReport(ctx, sqlgen.ReopenReportParams{ID: r.ID[:], ExpiresAt: micros(r.Expires), Sealed: sealed})
}

func (t *tx) ReportAbout(ctx context.Context, u id.User, about string) (r report.Report, found bool, err error) {
	which, err := t.Queries.ReportAbout(ctx, sqlgen.ReportAboutParams{UserID: u[:], About: about})
	if err = notFound(err); errors.Is(err, ErrNotFound) {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	return t.ReportByID(ctx, rowID[id.CaseKind](which))
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
		Closed: maybeAt(row.ClosedAt), Outcome: report.Outcome(row.Outcome),
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

func (t *tx) Reports(ctx context.Context, after id.Case, now time.Time) ([]report.Report, error) {
	rows, err := t.ListReports(ctx, sqlgen.ListReportsParams{Now: micros(now), After: after[:]})
	return each(rows, err, func(row sqlgen.ListReportsRow) report.Report {
		return report.Report{
			ID: rowID[id.CaseKind](row.ID), User: rowID[id.UserKind](row.UserID), Kind: happening.Kind(row.Kind), About: row.About,
			Born: at(row.CreatedAt), Expires: at(row.ExpiresAt), Closed: maybeAt(row.ClosedAt), Outcome: report.Outcome(row.Outcome),
		}
	})
}

func (t *tx) CountReports(ctx context.Context, now time.Time) (map[report.Tally]int, error) {
	rows, err := t.Queries.CountReports(ctx, sqlgen.CountReportsParams{Now: micros(now)})
	counts := map[report.Tally]int{}
	for _, row := range rows {
		counts[report.Tally{Kind: happening.Kind(row.Kind), Open: row.IsOpen == 1}] = int(row.Reports)
	}
	return counts, err
}

func reportPlace(r id.Case) secret.Place {
	return secret.Place{Table: "report", Column: "sealed", Row: string(r[:])}
}
