package mail_test

import (
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/mail"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
)

// Nothing is dialled for a message in which a line break, or what some program takes for one, stands where one line is meant.
func TestHeadersCannotBeInjected(t *testing.T) {
	var relay sink
	s := settings(t, relay.listen(t, nil, false))
	s.Security = mail.ClearText
	made := transport(t, s)
	for _, evil := range []string{"\r\nBcc: victim@example.org", "\nBcc: victim@example.org", "\rBcc: x", "\x00", "\u0085Bcc: x", "\u2028", "\xff", "\x1b[31m", "\x7f"} {
		m := message(t)
		m.Subject += evil
		if err := made.Send(t.Context(), m); err == nil {
			t.Errorf("subject %q was sent", m.Subject)
		}
		m = message(t)
		m.MessageID = "x" + evil + "@example.com"
		if err := made.Send(t.Context(), m); err == nil {
			t.Errorf("message id %q was sent", m.MessageID)
		}
		s := s
		s.FromName += evil
		if _, err := mail.New(s); err == nil {
			t.Errorf("sender's name %q was taken", s.FromName)
		}
	}
	for _, id := range []string{"", "x", "@example.com", "x@", "<x@example.com>", "x y@example.com", "x@y@z", strings.Repeat("x", 129) + "@example.com"} {
		m := message(t)
		m.MessageID = id
		if err := made.Send(t.Context(), m); err == nil {
			t.Errorf("message id %q was sent", id)
		}
	}
	for name, strip := range map[string]func(m *mail.Message){
		"recipient": func(m *mail.Message) { m.To = mailaddr.Address{} },
		"subject":   func(m *mail.Message) { m.Subject = "" },
		"text":      func(m *mail.Message) { m.Text = "" },
		"HTML":      func(m *mail.Message) { m.HTML = "" },
	} {
		m := message(t)
		strip(&m)
		if err := made.Send(t.Context(), m); err == nil {
			t.Errorf("sent without %s", name)
		}
	}
	if mails := relay.all(); len(mails) != 0 {
		t.Errorf("%d mails arrived", len(mails))
	}
}

// What looks like SMTP or MIME inside a text stays text: dots alone on a line, boundaries, headers.
func TestTextStaysText(t *testing.T) {
	var relay sink
	s := settings(t, relay.listen(t, nil, false))
	s.Security = mail.ClearText
	m := message(t)
	m.Text = "one\n.\nMAIL FROM:<x@y>\n\n--boundary\nContent-Type: text/html\n\n<b>\n=0D=0A\n"
	m.Subject = "=?UTF-8?Q?a=0D=0ABcc:_victim@example.org?= " + strings.Repeat("긴 제목 ", 40) + "end"
	if err := transport(t, s).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	mails := relay.all()
	if len(mails) != 1 || mails[0].To != "kim@example.org" {
		t.Fatalf("%d mails, %+v", len(mails), mails)
	}
	header, parts := read(t, mails[0].Text)
	if header["Bcc"] != "" || !strings.HasSuffix(header["Subject"], "end") || parts["text/plain; charset=UTF-8"] != m.Text || len(parts) != 2 {
		t.Errorf("%q\n%q", header, parts)
	}
}
