package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
)

const reportPath = "/csp-report"

// harden puts the security headers on an answer, with the place where browsers report what the policy stopped (CSP Level 3 §6.5.2: newer
// browsers read report-to, older ones report-uri).
func (w *Web) harden(rw http.ResponseWriter, r *http.Request) {
	httpx.Harden(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(rw, r)
	h := rw.Header()
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; report-uri "+reportPath+"; report-to csp")
	h.Set("Reporting-Endpoints", `csp="`+w.Origin+reportPath+`"`)
}

// Violation is what a browser says that our policy stopped. All of it is a stranger's word: short, one line, never more than a hint.
type Violation struct {
	// Document is the pattern of the page's route, because its path or query may hold a secret; empty for what is no page of ours. Blocked and
	// Source are origins or keywords.
	Document, Directive, Blocked, Source string
}

const (
	maxReport      = 16 << 10
	reportTime     = 5 * time.Second
	reportsAMinute = 30
	maxWord        = 200
)

// reports takes what browsers send to reportPath and hands a bounded number on.
type reports struct {
	now  func() time.Time
	told func(context.Context, Violation)
	// pages finds the route of an address.
	pages *http.ServeMux

	mu     sync.Mutex
	minute time.Time // guarded by mu
	count  int       // in this minute; guarded by mu
}

func newReports(now func() time.Time, told func(context.Context, Violation)) *reports {
	pages := http.NewServeMux()
	for _, door := range [...]string{"web", "confirm"} {
		for _, l := range route.Of(door) {
			pages.Handle(l.Name(), http.NotFoundHandler())
		}
	}
	return &reports{now: now, told: told, pages: pages}
}

// serve always answers 204: whoever floods us learns nothing about where the limit is.
func (s *reports) serve(rw http.ResponseWriter, r *http.Request, _ route.Line) {
	if body, err := httpx.ReadBody(rw, r, maxReport, reportTime); err == nil && s.told != nil && s.room() {
		for _, v := range s.read(body) {
			s.told(r.Context(), v)
		}
	}
	rw.WriteHeader(http.StatusNoContent)
}

func (s *reports) room() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if minute := s.now().Truncate(time.Minute); minute != s.minute {
		s.minute, s.count = minute, 0
	}
	s.count++
	return s.count <= reportsAMinute
}

// read knows the two forms of a report: one object from report-uri, a list from report-to. Members that we do not know are none of our
// business, so this is the one document from outside that is not read strictly.
func (s *reports) read(body []byte) []Violation {
	var old struct {
		Report struct {
			Document  string `json:"document-uri"`
			Directive string `json:"effective-directive"`
			Violated  string `json:"violated-directive"`
			Blocked   string `json:"blocked-uri"`
			Source    string `json:"source-file"`
		} `json:"csp-report"`
	}
	if lenient(body, &old) && old.Report.Document != "" {
		o := old.Report
		if o.Directive == "" {
			o.Directive = o.Violated
		}
		return []Violation{{s.pageOf(o.Document), word(o.Directive), place(o.Blocked), place(o.Source)}}
	}
	var list []struct {
		Type string `json:"type"`
		Body struct {
			Document  string `json:"documentURL"`
			Directive string `json:"effectiveDirective"`
			Blocked   string `json:"blockedURL"`
			Source    string `json:"sourceFile"`
		} `json:"body"`
	}
	if !lenient(body, &list) {
		return nil
	}
	var found []Violation
	for _, one := range list[:min(len(list), 8)] {
		if one.Type == "csp-violation" {
			found = append(found, Violation{s.pageOf(one.Body.Document), word(one.Body.Directive), place(one.Body.Blocked), place(one.Body.Source)})
		}
	}
	return found
}

func lenient(body []byte, v any) bool {
	return json.NewDecoder(bytes.NewReader(body)).Decode(v) == nil //nolint:forbidigo // a browser's report; see read
}

// pageOf names the page of an address by its route.
func (s *reports) pageOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	for _, method := range [...]string{http.MethodGet, http.MethodPost} {
		if _, name := s.pages.Handler(&http.Request{Method: method, URL: u}); name != "" {
			_, pattern, _ := strings.Cut(name, " ")
			return pattern
		}
	}
	return ""
}

// place keeps the origin of an address, or the keyword that stands instead of one ("inline", "eval").
func place(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return ""
	case u.Host != "":
		return word(u.Scheme + "://" + u.Host)
	}
	return word(u.Path)
}

// word makes a stranger's text fit for a line of a log.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
	return strings.ToValidUTF8(s[:min(len(s), maxWord)], "")
}
