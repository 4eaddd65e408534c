package canary_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// form is one of a page: where it goes, and what it would send as it stands.
type form struct {
	action string
	values url.Values
}

// formsOf reads the forms of a page.
func (w *world) formsOf(page authtest.Reply) (forms []form) {
	w.t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(page.Text), html.ParseOptionEnableScripting(false))
	if err != nil {
		w.t.Fatal(err)
	}
	for node := range root.Descendants() {
		if node.Data != "form" || node.Type != html.ElementNode {
			continue
		}
		f := form{attribute(node, "action"), url.Values{}}
		for field := range node.Descendants() {
			name := attribute(field, "name")
			if name == "" || !slices.Contains([]string{"input", "textarea", "select"}, field.Data) {
				continue
			}
			chosen := hasAttribute(field, "checked") || attribute(field, "type") != "radio" && attribute(field, "type") != "checkbox"
			if value := valueOf(field); chosen {
				f.values.Add(name, value)
			} else if !f.values.Has(name) {
				f.values[name] = nil
			}
		}
		forms = append(forms, f)
	}
	return forms
}

func valueOf(field *html.Node) string {
	if field.Data != "select" {
		return attribute(field, "value")
	}
	first := ""
	for option := range field.Descendants() {
		if option.Data == "option" && (first == "" || hasAttribute(option, "selected")) {
			first = attribute(option, "value")
		}
	}
	return first
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// open opens a page of the dashboard in a browser, and follows where it leads.
func (w *world) open(b *authtest.Browser, path string) authtest.Reply {
	w.t.Helper()
	for range 5 {
		r := b.Request(http.MethodGet, authtest.Origin+path, "")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		page := b.Do(r)
		if path = page.Header.Get("Location"); page.Status != http.StatusSeeOther || !strings.HasPrefix(path, "/") {
			return page
		}
	}
	w.t.Fatalf("too many redirects, the last to %s", path)
	return authtest.Reply{}
}

// fill sends the form of a page that goes to action, with what was typed (names and values in turn), and opens what it leads to.
func (w *world) fill(b *authtest.Browser, page authtest.Reply, action string, typed ...string) authtest.Reply {
	w.t.Helper()
	for _, f := range w.formsOf(page) {
		if f.action != action {
			continue
		}
		for i := 0; i+1 < len(typed); i += 2 {
			f.values[typed[i]] = strings.Split(typed[i+1], "|")
		}
		for name, values := range f.values {
			if values == nil {
				delete(f.values, name)
			}
		}
		r := b.Request(http.MethodPost, authtest.Origin+action, f.values.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", authtest.Origin)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		answer := b.Do(r)
		if to := answer.Header.Get("Location"); answer.Status == http.StatusSeeOther && strings.HasPrefix(to, "/") {
			return w.open(b, to)
		}
		return answer
	}
	w.t.Fatalf("no form to %s on the page: %d\n%s", action, page.Status, page.Text)
	return authtest.Reply{}
}

// must demands a page that is no refusal.
func (w *world) must(what string, r authtest.Reply) authtest.Reply {
	w.t.Helper()
	if r.Status >= http.StatusBadRequest {
		w.t.Fatalf("%s: %d\n%s", what, r.Status, r.Text)
	}
	return r
}

// mustNot demands a refusal.
func (w *world) mustNot(what string, r authtest.Reply) authtest.Reply {
	w.t.Helper()
	if r.Status < http.StatusBadRequest {
		w.t.Fatalf("%s: %d\n%s", what, r.Status, r.Text)
	}
	return r
}
