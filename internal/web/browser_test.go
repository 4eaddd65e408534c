package web_test

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// browser is somebody who reads our pages without script: it keeps cookies, follows links by hand, and sends the forms that it was shown.
type browser struct {
	t       *testing.T
	stack   *authtest.Stack
	cookies map[string]string
	lang    string
	agent   string // what it calls itself; empty is the usual browser
	skipped string // why it renewed no bound cookie; empty if it did
	page    answer
}

func open(t *testing.T, s *authtest.Stack) *browser {
	t.Helper()
	return &browser{t: t, stack: s, cookies: map[string]string{}, lang: "en"}
}

// as is a browser in which a person of the stack is signed in.
func as(t *testing.T, s *authtest.Stack, p *authtest.Person) *browser {
	t.Helper()
	b := open(t, s)
	b.agent = authtest.PersonOrigin().Agent // the one that the person signed up with
	b.cookies[httpx.SessionCookie] = string(p.Bearer.Reveal())
	b.cookies[httpx.DeviceCookie] = string(p.Device.Reveal())
	return b
}

type answer struct {
	*http.Response
	body string
	root *html.Node
}

func (b *browser) send(r *http.Request) answer {
	b.t.Helper()
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	r.Header.Set("Accept-Language", b.lang)
	if b.skipped != "" {
		r.Header.Set("Secure-Session-Skipped", b.skipped)
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", cmp.Or(b.agent, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"))
	}
	res := b.stack.Do(r)
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	a := answer{Response: res, body: authtest.Body(b.t, res)}
	root, err := html.ParseWithOptions(strings.NewReader(a.body), html.ParseOptionEnableScripting(false))
	if err != nil {
		b.t.Fatal(err)
	}
	a.root = root
	b.page = a
	return a
}

func request(method, target string, body url.Values) *http.Request {
	var r *http.Request
	if body == nil {
		r = httptest.NewRequest(method, authtest.Origin+target, nil)
	} else {
		r = httptest.NewRequest(method, authtest.Origin+target, strings.NewReader(body.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", authtest.Origin)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	return r
}

// get opens a page and does not follow a redirect.
func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.send(request(http.MethodGet, path, nil))
}

// post sends values as a form that came from one of our pages.
func (b *browser) post(path string, values url.Values) answer {
	b.t.Helper()
	return b.send(request(http.MethodPost, path, values))
}

// token is the form token of the page at path.
func (b *browser) token(path string) string {
	b.t.Helper()
	b.get(path)
	for _, field := range all(b.page.root, "input") {
		if get(field, "name") == "form_token" {
			return get(field, "value")
		}
	}
	b.t.Fatalf("no form on %s: %d %s", path, b.page.StatusCode, b.page.text())
	return ""
}

// submit fills in the form of the current page that goes to action, as it stands on the page, and sends it.
func (b *browser) submit(action string, typed ...string) answer {
	b.t.Helper()
	values := url.Values{}
	for _, form := range all(b.page.root, "form") {
		if get(form, "action") != action {
			continue
		}
		for _, field := range all(form, "input", "textarea", "select") {
			name, kind := get(field, "name"), get(field, "type")
			_, checked := find(field, "checked")
			_, disabled := find(field, "disabled")
			switch {
			case name == "" || disabled, (kind == "checkbox" || kind == "radio") && !checked:
			case field.Data == "textarea":
				values.Add(name, text(field))
			case field.Data == "select":
				values.Add(name, chosen(field))
			default:
				values.Add(name, get(field, "value"))
			}
		}
		for i := 0; i+1 < len(typed); i += 2 {
			values[typed[i]] = slices.DeleteFunc(strings.Split(typed[i+1], "|"), func(s string) bool { return s == "" })
			if typed[i+1] == "" {
				values.Set(typed[i], "")
			}
		}
		return b.post(action, values)
	}
	b.t.Fatalf("no form to %s on this page: %d\n%s", action, b.page.StatusCode, b.page.text())
	return answer{}
}

// follow opens where the last answer leads.
func (b *browser) follow() answer {
	b.t.Helper()
	if b.page.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("no redirect but %d: %s", b.page.StatusCode, b.page.text())
	}
	return b.get(b.page.Header.Get("Location"))
}

// shows demands a status and texts on the current page.
func (b *browser) shows(status int, texts ...string) {
	b.t.Helper()
	if b.page.StatusCode != status {
		b.t.Fatalf("status %d, want %d: %s %s", b.page.StatusCode, status, b.page.Header.Get("Location"), b.page.text())
	}
	for _, want := range texts {
		if !strings.Contains(b.page.text(), want) {
			b.t.Errorf("no %q on this page:\n%s", want, b.page.text())
		}
	}
}

// leads demands a redirect.
func (b *browser) leads(to string) {
	b.t.Helper()
	if got := b.page.Header.Get("Location"); b.page.StatusCode != http.StatusSeeOther || got != to {
		b.t.Fatalf("status %d to %q, want %q: %s", b.page.StatusCode, got, to, b.page.text())
	}
}

func (a answer) text() string { return text(a.root) }

func text(n *html.Node) string {
	var out strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			out.WriteString(n.Data + " ")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return strings.Join(strings.Fields(out.String()), " ")
}

func all(root *html.Node, names ...string) (list []*html.Node) {
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && slices.Contains(names, n.Data) {
			list = append(list, n)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return list
}

func find(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func get(n *html.Node, name string) string {
	value, _ := find(n, name)
	return value
}

func chosen(list *html.Node) string {
	options := all(list, "option")
	for _, o := range options {
		if _, ok := find(o, "selected"); ok {
			return get(o, "value")
		}
	}
	return get(options[0], "value")
}

// href is where the link with that text on the current page leads.
func (b *browser) href(words string) string {
	b.t.Helper()
	for _, a := range all(b.page.root, "a") {
		if strings.Contains(text(a), words) {
			return get(a, "href")
		}
	}
	b.t.Fatalf("no link %q: %s", words, b.page.text())
	return ""
}

// tokenOf is a form that holds nothing but the token of the page at path.
func tokenOf(b *browser, path string) url.Values {
	b.t.Helper()
	return url.Values{"form_token": {b.token(path)}}
}

func with(values url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// formTo is the form on the current page that goes to action.
func formTo(b *browser, action string) *html.Node {
	b.t.Helper()
	for _, form := range all(b.page.root, "form") {
		if get(form, "action") == action {
			return form
		}
	}
	b.t.Fatalf("no form to %s: %s", action, b.page.text())
	return nil
}

// says is a stretch of what the registry tells of a code in English: whoever edits the registry edits no test.
func says(c fault.Code) string {
	e, _ := fault.Lookup(c)
	return literal(e.English)
}

// fixes is the same of what to do next.
func fixes(c fault.Code) string {
	e, _ := fault.Lookup(c)
	return literal(e.EnglishFix)
}

// happened is the same of an action.
func happened(a audit.Action) string {
	w, _ := audit.Describe(a)
	return literal(w.English)
}

// literal is the longest stretch without a value.
func literal(text string) string {
	longest := ""
	for _, part := range regexp.MustCompile(`\{[^}]*\}`).Split(text, -1) {
		if part = strings.TrimSpace(part); len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}
