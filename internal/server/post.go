package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/agent"
	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/mail"
	"github.com/seed-21c57000/sallyport/internal/mail/letter"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// post writes letters with package letter and hands them to the relay. It turns facts of rooms into the words of mails.
type post struct {
	relay relay
	links letter.Links
	from  mailaddr.Address
}

type relay interface {
	Send(ctx context.Context, m mail.Message) error
}

// errNoRelay keeps letters in the outbox: they leave as soon as a relay is configured.
var errNoRelay = errors.New("no mail relay is configured")

type noRelay struct{}

func (noRelay) Send(context.Context, mail.Message) error { return errNoRelay }

func newPost(cfg config.Config, now func() time.Time) (*post, error) {
	p := &post{relay: noRelay{}, links: letter.Links{Origin: string(cfg.Dashboard.Origin)}}
	if cfg.Mail.SMTP.Addr == "" {
		return p, nil
	}
	var err error
	if p.from, err = mailaddr.Parse(string(cfg.Mail.From)); err != nil {
		return nil, fmt.Errorf("mail.from: %w", err)
	}
	host, port, err := splitRemote(cfg.Mail.SMTP.Addr)
	if err != nil {
		return nil, fmt.Errorf("mail.smtp.addr: %w", err)
	}
	password, err := readSecretFile(cfg.Mail.SMTP.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("mail.smtp.password_file: %w", err)
	}
	security := map[config.SMTPTLS]mail.Security{config.StartTLS: mail.StartTLS, config.ImplicitTLS: mail.ImplicitTLS, config.NoTLS: mail.ClearText}
	p.relay, err = mail.New(mail.Settings{
		Host: host, Port: port, Security: security[cfg.Mail.SMTP.TLS], User: cfg.Mail.SMTP.Username, Password: password,
		From: p.from, FromName: cfg.Mail.FromName, Hello: string(cfg.Mail.SMTP.Hello), Timeout: 20 * time.Second, Now: now,
	})
	return p, err
}

// readSecretFile reads a secret; an empty path is an empty secret. One line end at the end belongs to the editor, not to the secret.
func readSecretFile(path string) (secret.Value, error) {
	if path == "" {
		return secret.Value{}, nil
	}
	raw, err := os.ReadFile(path)
	return secret.FromString("secret of "+path, strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")), err
}

// SendCode sends the letter of a sign-up.
func (p *post) SendCode(ctx context.Context, to notify.To, code secret.Value, existing bool, life time.Duration) error {
	if existing {
		return p.send(ctx, to, letter.SignUpExisting{})
	}
	return p.send(ctx, to, letter.SignUpCode{Code: letter.Code(code.Reveal()), ValidFor: life})
}

// SendNotice sends a notice.
func (p *post) SendNotice(ctx context.Context, to notify.To, l notify.Letter, facts map[string]string, at time.Time) error {
	written, err := p.write(to.Lang, l, facts, at)
	if err != nil {
		return err
	}
	return p.send(ctx, to, written)
}

func (p *post) write(lang string, l notify.Letter, facts map[string]string, at time.Time) (letter.Letter, error) {
	seen := letter.Sighting{At: at}
	if header := facts["agent"]; header != "" {
		seen.Device = agent.Describe(header).Words(lang)
	}
	switch l {
	case notify.Welcome:
		return letter.Welcome{}, nil
	case notify.NewDevice:
		return letter.NewDevice{Seen: seen}, nil
	case notify.LimitedSignIn:
		return letter.LimitedSignIn{Seen: seen}, nil
	case notify.Disowned:
		return letter.SessionDisowned{Seen: seen}, nil
	case notify.CookieReplayed:
		return letter.CookieReplayed{Seen: seen}, nil
	case notify.SignedOutEverywhere:
		return letter.SignedOutEverywhere{Seen: seen}, nil
	case notify.SignedOutOthers:
		return letter.SignedOutOthers{Seen: seen}, nil
	case notify.PasswordChanged:
		return letter.PasswordChanged{Seen: seen}, nil
	case notify.FactorAdded:
		return letter.FactorAdded{Factor: letter.Factor(facts["kind"]), Name: facts["name"], Seen: seen}, nil
	case notify.FactorRemoved:
		return letter.FactorRemoved{Factor: letter.Factor(facts["kind"]), Name: facts["name"], Seen: seen}, nil
	case notify.RecoveryCodesReplaced:
		return letter.RecoveryCodesReplaced{Seen: seen}, nil
	case notify.CodesGuessed:
		count, err := strconv.Atoi(facts["count"])
		return letter.CodesGuessed{Count: count, Resting: facts["resting"] != "", Seen: seen}, err
	case notify.PasskeyCloned:
		return letter.PasskeyCloned{Name: facts["name"], Seen: seen}, nil
	case notify.KeyCreated:
		expires, err := time.Parse(time.RFC3339, facts["expires"])
		return letter.KeyCreated{Name: facts["name"], Scopes: scopeWords(lang, facts["scopes"]), Expires: expires, Seen: seen}, err
	case notify.MoneyConfirmed:
		return letter.MoneyConfirmed{What: facts["what"], Memo: facts["memo"], Exchange: facts["exchange"], Seen: seen}, nil
	case notify.KeyRevoked:
		return letter.KeyRevoked{Name: facts["name"], Seen: seen}, nil
	case notify.KeyRotated, notify.KeyFrozen, notify.KeyUnfrozen, notify.KeyBlocked, notify.KeyUnblocked, notify.KeyLeaked,
		notify.KeyWidened, notify.KeyWoken, notify.KeyReleased:
		return letter.KeyChanged{Change: string(l), Name: facts["name"], Seen: seen}, nil
	case notify.KeyStrayed, notify.KeyExpiring, notify.KeyExpired, notify.KeyLapsing, notify.KeyLapsed, notify.KeyUnused, notify.KeyNarrowed, notify.KeyDisabled:
		return keyAged(l, facts, at)
	}
	return nil, fmt.Errorf("no letter is written for %q", l)
}

// keyAged is the letter about what nobody did to a key but time, or the place that it was used from.
func keyAged(l notify.Letter, facts map[string]string, at time.Time) (aged letter.KeyAged, err error) {
	aged = letter.KeyAged{Change: string(l), Name: facts["name"], From: facts["seen"], Seen: at}
	switch l {
	case notify.KeyExpiring:
		aged.Ends, err = time.Parse(time.RFC3339, facts["ends"])
	case notify.KeyLapsing:
		aged.Ends, err = time.Parse(time.RFC3339, facts["lapses"])
	}
	return aged, err
}

// scopeWords says what a key may do as its maker confirmed it.
func scopeWords(lang, scopes string) (words []string) {
	said := i18n.In(lang)
	for word := range strings.FieldsSeq(scopes) {
		if said.Has("scope." + word) {
			word = said.Say("scope." + word)
		}
		words = append(words, word)
	}
	return words
}

func (p *post) send(ctx context.Context, to notify.To, l letter.Letter) error {
	addr, err := mailaddr.Parse(to.Mail)
	if err != nil {
		return fmt.Errorf("stored address: %w", err)
	}
	r, err := letter.Render(l, letter.Frame{Language: to.Lang, Product: Product, Links: p.links})
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	// A second attempt at the same letter has the same id, so that a relay that took both delivers one.
	sum := sha256.Sum256([]byte(to.Mail + "\x00" + r.Subject + "\x00" + r.Text))
	message := mail.Message{
		To: addr, Subject: r.Subject, Text: r.Text, HTML: r.HTML, MessageID: hex.EncodeToString(sum[:16]) + "@" + p.from.Domain(),
	}
	return p.relay.Send(ctx, message)
}
