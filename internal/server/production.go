package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// relayWait is how long the relay may take to be met.
const relayWait = 20 * time.Second

// ExamineProduction refuses a configuration that starts, but from which somebody who lost what they sign in with could not come back: recovery
// rests on mail, so the relay is met as a letter would meet it, and its bounds hold only in a live installation. It sends nothing.
func ExamineProduction(ctx context.Context, cfg config.Config, now func() time.Time) error {
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
