package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// relayWait is how long the relay may take to be met.
const relayWait = 20 * time.Second

// ExamineProduction refuses a configuration that starts, but from which somebody who lost what they sign in with could not come back: recovery
// rests on mail, so the relay is met as a letter would meet it, and its bounds hold only in a live installation. It sends nothing. The notes say what is fit,
// and weaker than it could be.
func ExamineProduction(ctx context.Context, cfg config.Config, now func() time.Time) (notes []string, err error) {
	if shared, err := confirmsBesideOtherPages(cfg); err != nil {
		return nil, err
	} else if shared {
		notes = append(notes, sharedOrigin)
	}
	return notes, examineRecovery(ctx, cfg, now)
}

const sharedOrigin = "WARNING: dashboard.confirmation_origin is dashboard.origin, and routes of class withdraw or destination are offered: a script that gets into any page of the" +
	" dashboard runs where money is confirmed. Give confirmations an origin of their own"

// confirmsBesideOtherPages says whether money is confirmed on the origin of all other pages.
func confirmsBesideOtherPages(cfg config.Config) (bool, error) {
	if cfg.Dashboard.ConfirmationOrigin != cfg.Dashboard.Origin {
		return false, nil
	}
	for _, u := range cfg.Gateway.Upstreams {
		text, err := os.ReadFile(u.Routes)
		if err != nil {
			return false, fmt.Errorf("upstream %s: %w", u.Name, err)
		}
		routes, err := gateway.ParseRoutes(text)
		if err != nil {
			return false, fmt.Errorf("upstream %s: %w", u.Name, err)
		}
		for _, r := range routes.List() {
			if r.Class == scope.Withdraw || r.Class == scope.Destination {
				return true, nil
			}
		}
	}
	return false, nil
}

func examineRecovery(ctx context.Context, cfg config.Config, now func() time.Time) error {
	var problems []error
	if cfg.Environment != id.Live {
		problems = append(problems, errors.New("environment: test keeps no bounds; people need live"))
	}
	if cfg.Mail.SMTP.Addr == "" {
		return errors.Join(append(problems, errors.New("mail.smtp.addr: without mail no recovery can begin, and nobody is told of one"))...)
	}
	post, err := newPost(cfg, now, nil)
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	ctx, cancel := context.WithTimeout(ctx, relayWait)
	defer cancel()
	if relay, ok := post.relay.(interface {
		Probe(ctx context.Context) error
	}); ok {
		if err := relay.Probe(ctx); err != nil {
			problems = append(problems, fmt.Errorf("mail.smtp: %w", err))
		}
	}
	return errors.Join(problems...)
}
