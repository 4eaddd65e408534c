package server

import (
	"context"

	"github.com/seed-21c57000/sallyport/internal/agent"
	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/store"
)

func (r *Rooms) buildRecoveries(ctx context.Context, cfg config.Config, opts Options, post notify.Post) error {
	key, err := r.Store.ServerSecret(ctx, "recovery_mails", random32)
	if err != nil {
		return err
	}
	r.Recoveries, err = recovery.New(recovery.Deps{
		Ledger: store.Of[recovery.Tx](r.Store), Now: opts.Now, Factors: r.Factors, Sessions: r.Sessions, Passkeys: r.Factors.Passkeys,
		Ceremonies: r.ceremonies, StepUps: r.StepUps, Follow: r.Consequences, Post: post, Keys: r.APIKeys, Demands: r.Demands, Limits: r.SignIns.Limits,
		SourceLimits: r.SignIns.SourceLimits, MailKey: key, Kept: agent.Kept, Sealer: r.Store.Ring(),
		Waits: recovery.Waits{WithProof: cfg.Recovery.WithProof, MailAlone: cfg.Recovery.MailAlone, Money: cfg.Holds.Recovery, Decision: cfg.Recovery.Decision},
	})
	return err
}
