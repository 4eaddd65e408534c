package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/agent"
	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/geo"
	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/mail"
	"github.com/seed-21c57000/sallyport/internal/mail/letter"
	"github.com/seed-21c57000/sallyport/internal/mail/published"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// writer writes letters with package letter. It turns facts of rooms into the words of mails.
type writer struct {
	links  letter.Links
	places *geo.Places
}

// post hands letters to the relay.
type post struct {
	writer

	relay relay
	from  mailaddr.Address
}

type relay interface {
	Send(ctx context.Context, m mail.Message) error
}

// errNoRelay keeps letters in the outbox: they leave as soon as a relay is configured.
var errNoRelay = errors.New("no mail relay is configured")

type noRelay struct{}

func (noRelay) Send(context.Context, mail.Message) error { return errNoRelay }

func newWriter(cfg config.Config, places *geo.Places) writer {
	return writer{letter.Links{Origin: string(cfg.Dashboard.Origin)}, places}
}

func newPost(cfg config.Config, now func() time.Time, places *geo.Places) (*post, error) {
	p := &post{writer: newWriter(cfg, places), relay: noRelay{}}
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
	signature, err := dkimOf(cfg)
	if err != nil {
		return nil, err
	}
	security := map[config.SMTPTLS]mail.Security{config.StartTLS: mail.StartTLS, config.ImplicitTLS: mail.ImplicitTLS, config.NoTLS: mail.ClearText}
	p.relay, err = mail.New(mail.Settings{
		Host: host, Port: port, Security: security[cfg.Mail.SMTP.TLS], User: cfg.Mail.SMTP.Username, Password: password,
		From: p.from, FromName: cfg.Mail.FromName, Hello: string(cfg.Mail.SMTP.Hello), Timeout: 20 * time.Second, Now: now,
		DKIM: signature,
	})
	return p, err
}

// dkimOf reads the key of mail signatures; without one it signs nothing.
func dkimOf(cfg config.Config) (mail.DKIM, error) {
	d := cfg.Mail.DKIM
	if d.KeyFile == "" {
		return mail.DKIM{}, nil
	}
	text, err := readSecretFile(d.KeyFile)
	if err != nil {
		return mail.DKIM{}, fmt.Errorf("mail.dkim.key_file: %w", err)
	}
	key, err := mail.DKIMKey(text.Reveal())
	if err != nil {
		return mail.DKIM{}, fmt.Errorf("mail.dkim.key_file: %w", err)
	}
	return mail.DKIM{Domain: string(d.Domain), Selector: string(d.Selector), Key: key}, nil
}

// MailSender is who sends mails by this configuration, for a look at what its domain publishes.
func MailSender(cfg config.Config) (published.Sender, error) {
	from, err := mailaddr.Parse(string(cfg.Mail.From))
	if err != nil {
		return published.Sender{}, fmt.Errorf("mail.from: %w", err)
	}
	s := published.Sender{Domain: from.Domain()}
	signature, err := dkimOf(cfg)
	if err != nil || signature.Key == nil {
		return s, err
	}
	s.SigningDomain, s.Selector = signature.Domain, signature.Selector
	s.Record, err = signature.Record()
	return s, err
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
func (p *post) SendCode(ctx context.Context, to notify.To, m notify.Message, code secret.Value, life time.Duration) error {
	if m.Letter == notify.SignUpTried {
		return p.sendKept(ctx, to, m)
	}
	return p.send(ctx, to, letter.SignUpCode{Code: letter.Code(code.Reveal()), ValidFor: life, Seen: p.sighting(to.Lang, m)}, letter.Frame{})
}

// SendContactCode sends the code of a new address.
func (p *post) SendContactCode(ctx context.Context, to notify.To, m notify.Message, code secret.Value) error {
	if m.Letter == notify.ContactTaken {
		return p.sendKept(ctx, to, m)
	}
	written := letter.ContactCode{Code: letter.Code(code.Reveal()), Second: m.Facts["place"] == string(contact.Second), ValidFor: contact.CodeLife}
	return p.send(ctx, to, written, letter.Frame{Message: m.ID.String()})
}

// SendRecoveryCode sends the letter of a recovery.
func (p *post) SendRecoveryCode(ctx context.Context, to notify.To, m notify.Message, code secret.Value, life time.Duration) error {
	seen := p.sighting(to.Lang, m)
	if m.Letter == notify.RecoveryNobody {
		return p.send(ctx, to, letter.RecoveryNobody{Seen: seen}, letter.Frame{})
	}
	if m.Letter == notify.MailboxTrial {
		written := letter.MailboxTrial{Code: letter.Code(code.Reveal()), ValidFor: life, Seen: seen}
		return p.send(ctx, to, written, letter.Frame{Message: m.ID.String()})
	}
	written := letter.RecoveryCode{Code: letter.Code(code.Reveal()), ValidFor: life, Seen: seen}
	if m.ID.IsZero() { // to somebody whose messages nobody keeps
		return p.send(ctx, to, written, letter.Frame{})
	}
	return p.send(ctx, to, written, letter.Frame{Message: m.ID.String()})
}

// sendKept sends a letter as its message says it.
func (p *post) sendKept(ctx context.Context, to notify.To, m notify.Message) error {
	written, err := p.write(to.Lang, m)
	if err != nil {
		return err
	}
	return p.send(ctx, to, written, letter.Frame{Message: m.ID.String()})
}

// SendInvitation asks somebody into an account, in the words of who asks: of who is asked nothing is known yet.
func (p *post) SendInvitation(ctx context.Context, i member.Invitation) error {
	written := letter.Invitation{By: i.ByName, Account: i.AccountName, Role: i.Role.String(), Ends: i.ExpiresAt}
	return p.send(ctx, notify.To{Mail: i.Mail, Lang: i.Lang}, written, letter.Frame{})
}

// SendNotice sends a notice.
func (p *post) SendNotice(ctx context.Context, to notify.To, m notify.Message, link string) error {
	written, err := p.write(to.Lang, m)
	if err != nil {
		return err
	}
	plan, _ := notify.ContainmentOf(m.Letter)
	return p.send(ctx, to, written, letter.Frame{Message: m.ID.String(), NotMe: link, NotMeFor: plan.Life(), Other: m.Other()})
}

// Read says a message as its mail did, without what the mail alone may carry.
func (w writer) Read(lang string, m notify.Message) (notify.Text, error) {
	written, err := w.write(lang, m)
	if err != nil {
		return notify.Text{}, err
	}
	r, err := letter.Render(written, letter.Frame{Language: lang, Product: Product, Links: w.links, Message: m.ID.String()})
	return notify.Text{Subject: r.Subject, Body: r.Text}, err
}

func (w writer) write(lang string, m notify.Message) (letter.Letter, error) {
	l, facts := m.Letter, m.Facts
	seen := w.sighting(lang, m)
	switch l {
	case notify.Welcome:
		return letter.Welcome{}, nil
	case notify.NewDevice:
		return letter.NewDevice{Seen: seen}, nil
	case notify.LimitedSignIn:
		return letter.LimitedSignIn{Seen: seen}, nil
	case notify.Disowned:
		return letter.SessionDisowned{Seen: seen, Hold: m.Held, Refused: facts[happening.Refused] != ""}, nil
	case notify.SessionCopied:
		return letter.SessionCopied{Seen: seen}, nil
	case notify.CookieReplayed:
		return letter.CookieReplayed{Seen: seen, Hold: m.Held}, nil
	case notify.SignedOutEverywhere:
		return letter.SignedOutEverywhere{Seen: seen, Frozen: facts["keys"] != ""}, nil
	case notify.SignedOutOthers:
		return letter.SignedOutOthers{Seen: seen, Frozen: facts["keys"] != ""}, nil
	case notify.PasswordChanged:
		return letter.PasswordChanged{Seen: seen, Hold: m.Held}, nil
	case notify.FactorAdded:
		settles, err := time.ParseDuration(cmp.Or(facts["settles"], "0s"))
		return letter.FactorAdded{Factor: letter.Factor(facts["kind"]), Name: facts["name"], Seen: seen, Settles: settles}, err
	case notify.FactorRemoved:
		return letter.FactorRemoved{Factor: letter.Factor(facts["kind"]), Name: facts["name"], Seen: seen, Hold: m.Held}, nil
	case notify.CodesGuessed:
		count, err := strconv.Atoi(facts["count"])
		return letter.CodesGuessed{Count: count, Resting: facts["resting"] != "", Seen: seen}, err
	case notify.PasskeyCloned:
		return letter.PasskeyCloned{Name: facts["name"], Seen: seen}, nil
	case notify.KeyCreated:
		expires, err := time.Parse(time.RFC3339, facts["expires"])
		return letter.KeyCreated{Key: facts[audit.KeyFact], Name: facts["name"], Scopes: scopeWords(lang, facts["scopes"]), Expires: expires, ByPlatform: facts[apikey.ByFact] != "", Seen: seen}, err
	case notify.AccountLocked, notify.AccountUnlocked:
		return letter.AccountLock{Unlocked: l == notify.AccountUnlocked, Seen: seen}, nil
	case notify.MoneyConfirmed:
		return letter.MoneyConfirmed{What: facts["what"], Memo: facts["memo"], Exchange: facts["exchange"], Seen: seen}, nil
	case notify.DepartureBegun:
		ends, err := time.Parse(time.RFC3339, facts["ends"])
		return letter.Departure{Ends: ends, Seen: seen}, err
	case notify.DepartureNear:
		ends, err := time.Parse(time.RFC3339, facts["ends"])
		return letter.DepartureNear{Ends: ends}, err
	case notify.DepartureStopped:
		return letter.Departure{Seen: seen}, nil
	case notify.KeyRevoked:
		return letter.KeyRevoked{Key: facts[audit.KeyFact], Name: facts["name"], Orders: ordersOf(l, facts), Seen: seen}, nil
	case notify.KeyRotated, notify.KeyExtended:
		ends, err := endOfSecret(facts)
		return letter.KeyChanged{Change: string(l), Key: facts[audit.KeyFact], Name: facts["name"], Ends: ends, Seen: seen}, err
	case notify.KeyFrozen, notify.KeyUnfrozen, notify.KeyBlocked, notify.KeyUnblocked, notify.KeyLeaked,
		notify.KeyWidened, notify.KeyWoken, notify.KeyReleased, notify.KeyTransferred:
		return letter.KeyChanged{Change: string(l), Key: facts[audit.KeyFact], Name: facts["name"], Orders: ordersOf(l, facts), Seen: seen}, nil
	case notify.ContactChanged:
		return letter.ContactChanged{
			Second: facts["place"] == string(contact.Second), Phone: facts["place"] == string(contact.Phone), Old: facts["old"],
			New: cmp.Or(facts["mail"], facts["number"]), Seen: seen, Hold: m.Held,
		}, nil
	case notify.Contained:
		return letter.Contained{Seen: seen, Hold: m.Held}, nil
	case notify.SignUpTried:
		return letter.SignUpExisting{Seen: seen}, nil
	case notify.ContactTaken:
		return letter.ContactTaken{}, nil
	case notify.ContactCode:
		return letter.ContactCode{Second: facts["place"] == string(contact.Second), Phone: facts["place"] == string(contact.Phone), ValidFor: contact.CodeLife}, nil
	case notify.KeyFound:
		return w.keyFound(lang, m)
	case notify.KeyStrayed, notify.KeyRetiring, notify.KeyUnseen, notify.KeyExpiring, notify.KeyExpired, notify.KeyLapsing, notify.KeyLapsed, notify.KeyUnused, notify.KeyNarrowed, notify.KeyDisabled, notify.KeyOrphaned:
		return keyAged(l, facts, m.Born)
	case notify.KeyUnneeded:
		return letter.KeyUnneeded{Key: facts[audit.KeyFact], Name: facts["name"], Scopes: scopeWords(lang, facts["unneeded"]), Seen: m.Born}, nil
	default:
		return writeRecovery(lang, m, seen)
	}
}

// sighting says when, with what and from where a message's deed was done, as far as it knows.
func (w writer) sighting(lang string, m notify.Message) letter.Sighting {
	seen := letter.Sighting{At: m.Born}
	if header := m.Facts["agent"]; header != "" {
		seen.Device = agent.Describe(header).Words(lang)
	}
	if addr := m.Facts["addr"]; addr != "" {
		seen.Place = w.place(lang, addr)
	}
	return seen
}

// place says where an address is, and the address: a mail has nothing to open.
func (w writer) place(lang, addr string) string {
	if place := (describer{w.places}).Place(addr, lang); place != "" {
		return i18n.In(lang).Say("place.at_address", "place", place, "addr", addr)
	}
	return i18n.In(lang).Say("place.of_address", "addr", addr)
}

// endOfSecret is when the old secret of a rotation stops to work; zero in messages from before it was told.
func endOfSecret(facts map[string]string) (time.Time, error) {
	if facts["retires"] == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, facts["retires"])
}

// ordersOf is what becomes of a key's open orders, in the notices after which it places none.
func ordersOf(l notify.Letter, facts map[string]string) letter.Orders {
	switch l { //nolint:exhaustive // of the others no key stops placing orders
	case notify.KeyFrozen, notify.KeyBlocked, notify.KeyLeaked, notify.KeyRevoked, notify.KeyFound, notify.KeyStrayed,
		notify.KeyExpired, notify.KeyLapsed, notify.KeyNarrowed, notify.KeyDisabled, notify.KeyOrphaned:
		if slices.Contains(strings.Fields(facts["scopes"]), scope.OrdersWrite.String()) {
			return letter.Orders(facts["on_end"])
		}
	}
	return ""
}

// keyAged is the letter about what nobody did to a key but time, or the place that it was used from.
func keyAged(l notify.Letter, facts map[string]string, at time.Time) (aged letter.KeyAged, err error) {
	aged = letter.KeyAged{Change: string(l), Key: facts[audit.KeyFact], Name: facts["name"], From: facts["seen"], Orders: ordersOf(l, facts), Seen: at}
	switch l {
	case notify.KeyExpiring:
		aged.Ends, err = time.Parse(time.RFC3339, facts["ends"])
	case notify.KeyRetiring, notify.KeyUnseen:
		aged.Ends, err = time.Parse(time.RFC3339, facts["retires"])
	case notify.KeyLapsing:
		aged.Ends, err = time.Parse(time.RFC3339, facts["lapses"])
	default: // the others name no end
	}
	return aged, err
}

// keyFound is the letter about a key that a scanner found, with what the key did before.
func (w writer) keyFound(lang string, m notify.Message) (letter.KeyFound, error) {
	found := letter.KeyFound{
		Key: m.Facts[audit.KeyFact], Name: m.Facts["name"], Host: m.Facts["host"], Orders: ordersOf(m.Letter, m.Facts), Seen: m.Born,
		Calls: m.Facts[apikey.UsesCalls], Places: m.Facts[apikey.UsesPlaces],
	}
	if m.Facts[apikey.UsesSince] == "" {
		return found, nil // written before uses were told
	}
	since, wrongSince := time.Parse(time.RFC3339, m.Facts[apikey.UsesSince])
	uses, wrongUses := apikey.ReadUses(m.Facts[apikey.UsesLatest])
	found.Since = since
	for _, u := range uses {
		place := i18n.In(lang).Say("past.elsewhere")
		if u.Addr != "" {
			place = w.place(lang, u.Addr)
		}
		found.Uses = append(found.Uses, letter.KeyUse{At: u.Last, Calls: strconv.FormatInt(u.Calls, 10), Route: u.Route, Code: u.Code, Place: place})
	}
	return found, errors.Join(wrongSince, wrongUses)
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

// send hands a letter over, in a frame that says what belongs to this mail alone.
func (p *post) send(ctx context.Context, to notify.To, l letter.Letter, f letter.Frame) error {
	addr, err := mailaddr.Parse(to.Mail)
	if err != nil {
		return fmt.Errorf("stored address: %w", err)
	}
	f.Language, f.Product, f.Phrase, f.Links = to.Lang, Product, to.Phrase, p.links
	r, err := letter.Render(l, f)
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
