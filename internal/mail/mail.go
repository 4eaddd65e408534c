// Package mail carries finished mails to the platform's SMTP relay.
//
// It does not know what a mail says (package letter), who asked for it or when it is tried again: each Send is one attempt, and its
// error says whether another can help.
//
// Invariant: a mail and the relay's password leave only over the connection that Settings demand; nothing falls back to clear text.
// And no value of a message can add a header, a recipient or a part: what holds a line break or control character where one line is
// meant is refused before anything is dialled.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
)

// ErrRefused is wrapped by the error of a message that the relay refused for good (SMTP 5yz to this sender, recipient or text): trying
// again will not help. Every other error may pass.
var ErrRefused = errors.New("mail: refused for good")

// Security says how the way to the relay is protected.
type Security uint8

// The ways. The zero value is a safe one.
const (
	// StartTLS begins in clear and demands STARTTLS before anything else (RFC 3207); a relay without it is an error.
	StartTLS Security = iota
	// ImplicitTLS speaks TLS from the first byte (RFC 8314 §3.3).
	ImplicitTLS
	// ClearText is for a relay on the same machine. It goes with no password.
	ClearText
)

// Settings say which relay carries our mails, and as whom.
type Settings struct {
	Host     string
	Port     int
	Security Security
	// Roots verify the relay's certificate, whose name must be Host; nil means the system's.
	Roots *x509.CertPool
	// User and Password are for the relay (PLAIN or LOGIN, inside TLS only); both empty means none.
	User     string
	Password secret.Value
	// From is the sender of every mail, FromName how mail programs show it.
	From     mailaddr.Address
	FromName string
	// Hello is the host name with which we greet the relay (RFC 5321 §4.1.1.1).
	Hello string
	// Timeout bounds dialling and greeting, and once more the handing over of the mail.
	Timeout time.Duration
	// DKIM signs the mails; the zero value does not.
	DKIM DKIM
	// Now dates the mails.
	Now func() time.Time
}

// Message is one mail to one recipient.
type Message struct {
	To      mailaddr.Address
	Subject string
	// Text and HTML are the two parts of one letter (multipart/alternative).
	Text, HTML string
	// MessageID is unique for the mail and equal in each attempt, so that a receiver can drop a second copy: letters, digits and
	// . _ - on both sides of one @, without brackets.
	MessageID string
}

// Transport sends mails. It is safe for concurrent use; every Send has a connection of its own.
type Transport struct {
	settings Settings
	tls      *tls.Config
}

// New checks the settings and dials nothing.
func New(s Settings) (*Transport, error) {
	switch {
	case s.Host == "" || s.Port < 1 || s.Port > 65535:
		return nil, errors.New("mail.New: no host, or a port outside 1 to 65535")
	case s.Security > ClearText:
		return nil, errors.New("mail.New: unknown security")
	case s.From == (mailaddr.Address{}) || !isLine(s.FromName):
		return nil, errors.New("mail.New: no sender, or a sender's name that is not one line")
	case s.Hello == "" || strings.ContainsFunc(s.Hello, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return nil, errors.New("mail.New: no name to greet the relay with, or none in ASCII")
	case s.Timeout <= 0 || s.Now == nil:
		return nil, errors.New("mail.New: no timeout or no clock")
	case s.DKIM.Key != nil && (s.DKIM.Domain == "" || s.DKIM.Selector == ""):
		return nil, errors.New("mail.New: a DKIM key without domain or selector")
	case (s.User == "") != s.Password.IsEmpty():
		return nil, errors.New("mail.New: user without password, or password without user")
	case s.User != "" && s.Security == ClearText:
		return nil, errors.New("mail.New: a password needs TLS")
	}
	return &Transport{settings: s, tls: &tls.Config{
		ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12,
		// Go still offers CBC with TLS 1.2; these are what is left without it.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}}, nil
}

// Send hands the mail over. It returns nil if and only if the relay accepted the mail with its 250: from then on it is the relay's.
// It ends with the cause of ctx when that ends first. Errors: ErrRefused, or one that may pass.
func (t *Transport) Send(ctx context.Context, m Message) error {
	letter, err := t.compose(m)
	if err != nil {
		return err
	}
	dial, hangUp := t.dialer(ctx)
	defer hangUp()
	client, err := t.client(dial)
	if err != nil {
		return fmt.Errorf("mail %s: %w", m.MessageID, err)
	}
	err = client.DialAndSendWithContext(ctx, letter)
	switch {
	case letter.IsDelivered():
		return nil // accepted, whatever became of the farewell
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = answerOf(err)
	}
	return fmt.Errorf("mail %s: %w", m.MessageID, err)
}

// answerOf names what the relay answered and leaves out its words and the library's, which repeat the recipient's address.
func answerOf(err error) error {
	refusal, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return err
	}
	said := fmt.Errorf("%s: the relay answered %d %s", refusal.Reason, refusal.ErrorCode(), refusal.EnhancedStatusCode())
	if refusal.ErrorCode()/100 == 5 {
		return fmt.Errorf("%w: %w", ErrRefused, said)
	}
	return said
}

// compose builds the mail. It refuses what could be read as more than one header or address.
func (t *Transport) compose(m Message) (*gomail.Msg, error) {
	if m.To == (mailaddr.Address{}) || m.Text == "" || m.HTML == "" {
		return nil, fmt.Errorf("mail %q: no recipient, or a part is missing", m.MessageID)
	}
	if !isLine(m.Subject) || m.Subject == "" || !isMessageID(m.MessageID) {
		return nil, fmt.Errorf("mail %q: subject or message id is not one clean line", m.MessageID)
	}
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := letter.FromFormat(t.settings.FromName, t.settings.From.String()); err != nil {
		return nil, fmt.Errorf("mail %s: %w", m.MessageID, err)
	}
	if err := letter.To(m.To.String()); err != nil {
		return nil, fmt.Errorf("mail %s: %w", m.MessageID, err)
	}
	letter.Subject(m.Subject)
	letter.SetMessageIDWithValue(m.MessageID)
	letter.SetDateWithValue(t.settings.Now())
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: no out-of-office answers
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	if err := t.settings.DKIM.sign(letter); err != nil {
		return nil, fmt.Errorf("mail %s: %w", m.MessageID, err)
	}
	return letter, nil
}

// client is made for each mail: the library's changes while it signs in.
func (t *Transport) client(dial gomail.DialContextFunc) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(t.settings.Port), gomail.WithTimeout(t.settings.Timeout), gomail.WithHELO(t.settings.Hello),
		gomail.WithTLSConfig(t.tls), gomail.WithDialContextFunc(dial), gomail.WithoutNoop(),
	}
	switch t.settings.Security {
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case ImplicitTLS:
		options = append(options, gomail.WithSSL())
	case ClearText:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if t.settings.User != "" {
		options = append(options, gomail.WithUsername(t.settings.User), gomail.WithPassword(string(t.settings.Password.Reveal())),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return gomail.NewClient(t.settings.Host, options...)
}

// dialer makes the connection of one Send; hangUp closes it. The library minds the context only while it dials, and forgets the
// connection when a handshake fails: here the end of ctx closes it, and so does hangUp.
func (t *Transport) dialer(ctx context.Context) (dial gomail.DialContextFunc, hangUp func()) {
	closeIfOpen := func() {}
	dial = func(dialling context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialling, network, address)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		closeIfOpen = func() {
			stop()
			_ = conn.Close()
		}
		if t.settings.Security != ImplicitTLS {
			return conn, nil
		}
		secured := tls.Client(conn, t.tls)
		if err := secured.HandshakeContext(dialling); err != nil {
			return nil, err
		}
		return secured, nil
	}
	return dial, func() { closeIfOpen() }
}

// isLine says whether s is one line of text: valid UTF-8 without control characters or line separators.
func isLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// isMessageID says whether s is of the plain form that Message demands, within RFC 5322 §3.6.4.
func isMessageID(s string) bool {
	left, right, found := strings.Cut(s, "@")
	for _, part := range []string{left, right} {
		if !found || part == "" || len(part) > 128 || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" {
			return false
		}
	}
	return true
}
