// Package letter owns the words of the mails we send: what each says, in English and Korean, as plain text and as HTML.
//
// A letter is a Go type whose fields are the values it names. It composes a list of blocks from the catalogue of a language, and
// both parts of the mail are written from that one list. The package does not know who receives a letter, why it was sent, or how
// mail travels; and it knows addresses of our own pages only, built from the configured origin.
//
// Invariant: no letter carries a secret but those that prove a mailbox, whose Code is typed as such, and none carries a link that does more than
// open a page; the page behind "This was not me" does nothing until its button is pressed, and can only stop things. The text part and the HTML
// part say the same words in the same order. Values are shown, never obeyed: control
// characters, markup and line breaks in them reach neither a header nor the markup.
package letter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Letter is one of the types of this package.
type Letter interface {
	// compose says the letter's blocks to the writer.
	compose(w *writer)
}

// Frame is what all letters to one user have in common.
type Frame struct {
	// Language is "en" or "ko"; any other reads English, because a notice in a foreign language is better than none.
	Language string
	// Zone is the user's, for every time a letter names; nil means UTC.
	Zone *time.Location
	// Product is how the platform calls itself.
	Product string
	// Phrase is the words that the user chose to know our mails by; empty until they are chosen.
	Phrase string
	// Message is the id under which the mail lies in its reader's messages; empty for a stranger's.
	Message string
	// NotMe is the path of the link by which a reader says that this was not them; empty for a mail without one. It works for NotMeFor.
	NotMe    string
	NotMeFor time.Duration
	// Other says that somebody else than the reader did what the mail reports.
	Other bool
	Links Links
}

// Links builds the addresses that letters show. Origin is the dashboard's, from the configuration and never from a request:
// https://host, or http://localhost and http://127.0.0.1 with any port for trying things out.
type Links struct{ Origin string }

// The pages that letters lead to. All but one ask for a session.
func (l Links) sessions() string       { return l.Origin + "/sessions" }
func (l Links) methods() string        { return l.Origin + "/methods" }
func (l Links) keys() string           { return l.Origin + "/keys" }
func (l Links) key(text string) string { return l.Origin + "/keys/" + url.PathEscape(text) }
func (l Links) contact() string        { return l.Origin + "/contact" }
func (l Links) members() string        { return l.Origin + "/members" }
func (l Links) privacy() string        { return l.Origin + "/privacy" }

// lost asks for no session.
func (l Links) lost() string { return l.Origin + "/lost" }

func (l Links) recovery() string { return l.Origin + "/recovery" }

func (l Links) confirmations() string { return l.Origin + "/confirmations" }

func (l Links) check() error {
	u, err := url.Parse(l.Origin)
	if err != nil || u.Scheme+"://"+u.Host != l.Origin || u.Hostname() == "" {
		return fmt.Errorf("letter: %q is no origin", l.Origin)
	}
	if local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1"; u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf("letter: origin %q without https", l.Origin)
	}
	return nil
}

// Rendered is a letter ready for the transport. Subject is one line.
type Rendered struct{ Subject, Text, HTML string }

// Render writes a letter. It fails on a frame without a product or a usable origin, and on a letter whose own constants (such as its
// Factor) are not those of this package; never because of what a user chose.
func Render(l Letter, f Frame) (Rendered, error) {
	if f.Product == "" {
		return Rendered{}, errors.New("letter: the frame names no product")
	}
	if err := f.Links.check(); err != nil {
		return Rendered{}, err
	}
	w := newWriter(f)
	w.add(brand{plain(f.Product)})
	l.compose(w)
	if w.err != nil {
		return Rendered{}, fmt.Errorf("letter %T: %w", l, w.err)
	}
	var html strings.Builder
	if err := document(w.language, w.subject, w.blocks).Render(context.Background(), &html); err != nil {
		return Rendered{}, fmt.Errorf("letter %T: %w", l, err)
	}
	return Rendered{Subject: w.subject, Text: textOf(w.blocks), HTML: html.String()}, nil
}

// Code is the one secret that a mail may carry: the code that proves that an address is read by the one who typed it.
// It by itself opens no session of an existing user. It prints as its kind.
type Code string

// String keeps the code out of logs.
func (Code) String() string { return "[mail code]" }

// LogValue keeps the code out of logs.
func (c Code) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Sighting is what was seen of the one who did what a letter reports. Empty words are left out.
type Sighting struct {
	// Device and Place are words for people, already in the frame's language.
	Device, Place string
	At            time.Time
}

// Factor is the kind of a credential.
type Factor string

// The factors that letters know words for.
const (
	Passkey  Factor = "passkey"
	TOTP     Factor = "totp"
	Password Factor = "password"
	// RecoveryCodes are a set, as it is told of.
	RecoveryCodes Factor = "recovery_code"
)
