package store

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
	"github.com/seed-21c57000/sallyport/internal/store/sqlgen"
)

func (t *tx) InsertBinding(ctx context.Context, r binding.Row) (bool, error) {
	return won(t.Queries.InsertBinding(ctx, sqlgen.InsertBindingParams{
		SessionID: r.Session[:], Algorithm: string(r.Key.Algorithm), PublicKey: r.Key.DER, Challenge: r.Challenge, Spent: r.Spent[0].Challenge,
		CookieHash: r.Cookie[:], CookieUntil: micros(r.Until), BeforeHash: r.Before[:], BeforeUntil: micros(r.BeforeUntil),
		ProvenAt: micros(r.ProvenAt), Agent: r.Agent, ExpiresAt: micros(r.ExpiresAt),
	}))
}

func (t *tx) BindingBySession(ctx context.Context, s id.Session) (binding.Row, bool, error) {
	row, err := t.Queries.BindingBySession(ctx, sqlgen.BindingBySessionParams{SessionID: s[:]})
	return read(row, err, func(row sqlgen.Binding) binding.Row {
		r := binding.Row{
			Session: s, Key: binding.Key{Algorithm: binding.Algorithm(row.Algorithm), DER: row.PublicKey},
			Renewal:     binding.Renewal{Challenge: row.Challenge, Until: at(row.CookieUntil), Agent: row.Agent},
			BeforeUntil: at(row.BeforeUntil), ProvenAt: at(row.ProvenAt), ExpiresAt: at(row.ExpiresAt),
			Spent: [2]binding.Spent{{Challenge: row.Spent, At: at(row.SpentAt)}, {Challenge: row.SpentBefore, At: at(row.SpentBeforeAt)}},
		}
		copy(r.Cookie[:], row.CookieHash)
		copy(r.Before[:], row.BeforeHash)
		return r
	})
}

func (t *tx) RenewBinding(ctx context.Context, s id.Session, used string, r binding.Renewal, now time.Time) (bool, error) {
	return won(t.Queries.RenewBinding(ctx, sqlgen.RenewBindingParams{
		SessionID: s[:], Used: used, Challenge: r.Challenge, Now: micros(now), CookieHash: r.Cookie[:], CookieUntil: micros(r.Until),
		BeforeUntil: micros(now.Add(binding.Overlap)), Agent: r.Agent,
	}))
}
