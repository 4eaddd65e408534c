package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/mail/letter"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/texting"
)

// texts writes text messages with package letter, and counts what the driver took.
type texts struct {
	driver       texting.Driver
	links        letter.Links
	sent, failed atomic.Int64
}

// newTexts is nil where the configuration names no gateway.
func newTexts(cfg config.Config, now func() time.Time) (*texts, error) {
	c := cfg.Notices.TextMessages
	if c.URL == "" {
		return nil, nil //nolint:nilnil // off is no error
	}
	shared, err := readSecretFile(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("notices.text_messages.key_file: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(string(shared.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("notices.text_messages.key_file: %s is not base64", c.KeyFile)
	}
	gateway, err := texting.NewGateway(string(c.URL), secret.New("text message key", raw), now)
	if err != nil {
		return nil, fmt.Errorf("notices.text_messages.key_file: %w", err)
	}
	return &texts{driver: gateway, links: letter.Links{Origin: string(cfg.Dashboard.Origin)}}, nil
}

// TextNotice says that a message is there.
func (t *texts) TextNotice(ctx context.Context, number, lang string, m notify.Message, which int) error {
	said, err := letter.Text(string(m.Letter), letter.Frame{Language: lang, Product: Product, Links: t.links})
	if err != nil {
		return fmt.Errorf("write text message: %w", err)
	}
	return t.send(ctx, texting.Message{ID: fmt.Sprintf("%s.%d", m.ID, which), To: number, Text: said})
}

// TextCode sends the code of a number.
func (t *texts) TextCode(ctx context.Context, number, lang string, which id.ContactChange, code secret.Value) error {
	said, err := letter.CodeText(letter.Code(code.Reveal()), letter.Frame{Language: lang, Product: Product, Links: t.links})
	if err != nil {
		return fmt.Errorf("write text message: %w", err)
	}
	return t.send(ctx, texting.Message{ID: which.String(), To: number, Text: said})
}

func (t *texts) send(ctx context.Context, m texting.Message) error {
	err := t.driver.Send(ctx, m)
	if err != nil {
		t.failed.Add(1)
		return err
	}
	t.sent.Add(1)
	return nil
}

// counts is what became of attempts.
func (t *texts) counts() map[string]int64 {
	return map[string]int64{"sent": t.sent.Load(), "failed": t.failed.Load()}
}

// examineTexts says whether people can add a number. That the key is there is known from building the graph.
func examineTexts(cfg config.Config) []string {
	if cfg.Notices.TextMessages.URL == "" {
		return nil
	}
	return []string{fmt.Sprintf("text messages: on; notices to numbers are handed to %s, and prove nothing", cfg.Notices.TextMessages.URL)}
}
