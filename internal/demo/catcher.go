package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// catcher is a mail server that delivers nowhere: it takes every letter of the demo and shows it on a page.
type catcher struct {
	smtp *smtp.Server
	now  func() time.Time

	mu    sync.Mutex
	mails []caught // guarded by mu
}

// caught is a letter as the page and its JSON twin show it.
type caught struct {
	Number  int       `json:"number"`
	At      time.Time `json:"at"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
}

// keepMails bounds what the page shows; the oldest go.
const keepMails = 500

func newCatcher(now func() time.Time) *catcher {
	c := &catcher{now: now}
	c.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{c: c}, nil }))
	c.smtp.Domain, c.smtp.MaxMessageBytes = "localhost", 1<<20
	c.smtp.ReadTimeout, c.smtp.WriteTimeout = 10*time.Second, 10*time.Second
	return c
}

func (c *catcher) serve(l net.Listener) error { return c.smtp.Serve(l) }

func (c *catcher) close() error { return c.smtp.Close() }

// mailSession is one conversation with a sender.
type mailSession struct {
	c  *catcher
	to string
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Reset()                               { s.to = "" }
func (s *mailSession) Logout() error                        { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	letter, err := readMail(raw)
	if err != nil {
		return err
	}
	letter.To = s.to
	s.c.keep(letter)
	return nil
}

func (c *catcher) keep(m caught) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.At, m.Number = c.now(), 1
	if n := len(c.mails); n > 0 {
		m.Number = c.mails[n-1].Number + 1
	}
	c.mails = append(c.mails, m)
	if len(c.mails) > keepMails {
		c.mails = c.mails[1:]
	}
}

// all gives the letters, the newest first.
func (c *catcher) all() []caught {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]caught, 0, len(c.mails))
	for _, m := range slices.Backward(c.mails) {
		list = append(list, m)
	}
	return list
}

// readMail takes a letter of two parts apart.
func readMail(raw []byte) (m caught, err error) {
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, fmt.Errorf("read mail: %w", err)
	}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return m, fmt.Errorf("read subject: %w", err)
	}
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return m, fmt.Errorf("mail of type %q: %w", kind, err)
	}
	parts := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := parts.NextPart() // decodes quoted-printable
		if err == io.EOF {            //nolint:errorlint // multipart answers exactly this value
			return m, nil
		}
		if err != nil {
			return m, fmt.Errorf("read part: %w", err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return m, fmt.Errorf("read part: %w", err)
		}
		if kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind == "text/html" {
			m.HTML = string(body)
		} else {
			m.Text = string(body)
		}
	}
}

// path is where the letter's page is.
func (m caught) path() string { return "/messages/" + strconv.Itoa(m.Number) }

// find gives the letter of that number.
func (c *catcher) find(number string) (caught, bool) {
	for _, m := range c.all() {
		if strconv.Itoa(m.Number) == number {
			return m, true
		}
	}
	return caught{}, false
}

// pages shows the letters (a list, one letter, all as JSON) and the codes of the users' authenticator apps.
func (c *catcher) pages(users []User) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { show(w, r, http.StatusOK, mailList(c.all())) })
	mux.HandleFunc("GET /messages.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c.all())
	})
	one := func(found func(w http.ResponseWriter, r *http.Request, m caught)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if m, ok := c.find(r.PathValue("number")); ok {
				found(w, r, m)
				return
			}
			show(w, r, http.StatusNotFound, noMail())
		}
	}
	mux.HandleFunc("GET /messages/{number}", one(func(w http.ResponseWriter, r *http.Request, m caught) { show(w, r, http.StatusOK, mailPage(m)) }))
	mux.HandleFunc("GET /messages/{number}/letter", one(func(w http.ResponseWriter, _ *http.Request, m caught) { showLetter(w, m) }))
	mux.HandleFunc("GET /codes", func(w http.ResponseWriter, r *http.Request) {
		codes, err := codesAt(users, c.now())
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		show(w, r, http.StatusOK, codePage(codes))
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(stylesheet)
	})
	return mux
}

type component interface {
	Render(ctx context.Context, w io.Writer) error
}

func show(w http.ResponseWriter, r *http.Request, status int, page component) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Render(r.Context(), w)
}

// showLetter shows a letter as a mail program would: with its own styles, without script, and able to do nothing but follow a link.
func showLetter(w http.ResponseWriter, m caught) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-top-navigation-by-user-activation")
	h.Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, m.HTML)
}
