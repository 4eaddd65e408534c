package page_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

func render(t *testing.T, c templ.Component) (*html.Node, string) {
	t.Helper()
	var out strings.Builder
	if err := c.Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	root, err := html.ParseWithOptions(strings.NewReader(out.String()), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return root, out.String()
}

func each(n *html.Node, visit func(*html.Node)) {
	visit(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, visit)
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func elements(root *html.Node, names ...string) (list []*html.Node) {
	each(root, func(n *html.Node) {
		if n.Type == html.ElementNode && slices.Contains(names, n.Data) {
			list = append(list, n)
		}
	})
	return list
}

// everyPage runs a check over every page in every language.
func everyPage(t *testing.T, check func(t *testing.T, root *html.Node, text string)) {
	t.Helper()
	for _, lang := range []string{"en", "ko", i18n.Pseudo} {
		for name, c := range samples(i18n.In(lang)) {
			t.Run(lang+"/"+name, func(t *testing.T) {
				root, text := render(t, c)
				check(t, root, text)
			})
		}
	}
}

var (
	value   = regexp.MustCompile(`«[^«»]*»`)
	said    = regexp.MustCompile(`⟨[^⟨⟩]*⟩`)
	missing = regexp.MustCompile(`⟦[^⟧]*⟧|\{[a-z_]+\}`)
)

// constant are the texts that read the same in every language: names of languages, and commands.
func constant(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == "code" || p.Data == "var" || p.Data == "script" || p.Data == "style" || p.Data == "title" {
			return true
		}
		if lang, ok := attr(p, "lang"); ok && p.Data != "html" && lang != "" {
			return true
		}
	}
	return strings.TrimSpace(n.Data) == "English" || strings.TrimSpace(n.Data) == "한국어" || regexp.MustCompile(`^[a-z]+:[a-z]+$`).MatchString(strings.TrimSpace(n.Data))
}

// In the pseudo-locale whatever is neither a value nor a disguised text was written into a page by hand.
func TestEveryTextComesFromTheCatalogue(t *testing.T) {
	letters := func(s string) bool {
		s = said.ReplaceAllString(value.ReplaceAllString(s, ""), "")
		return strings.ContainsFunc(s, unicode.IsLetter)
	}
	for name, c := range samples(i18n.In(i18n.Pseudo)) {
		t.Run(name, func(t *testing.T) {
			root, _ := render(t, c)
			each(root, func(n *html.Node) {
				if n.Type == html.TextNode && !constant(n) && letters(n.Data) {
					t.Errorf("a text of its own: %q", n.Data)
				}
				for _, a := range n.Attr {
					spoken := a.Key == "aria-label" || a.Key == "title" || a.Key == "alt" || a.Key == "placeholder" || strings.HasPrefix(a.Key, "data-word")
					if spoken && letters(a.Val) {
						t.Errorf("an attribute of its own: %s=%q", a.Key, a.Val)
					}
				}
			})
		})
	}
}

// Placeholders stay only where script fills them in.
func TestNothingIsLeftToFill(t *testing.T) {
	scripted := []string{"data-word-key", "data-word-title", "data-word-from", "data-word-life", "data-more", "data-zone", "data-check"}
	everyPage(t, func(t *testing.T, root *html.Node, _ string) {
		each(root, func(n *html.Node) {
			if n.Type == html.TextNode && missing.MatchString(n.Data) {
				t.Errorf("left: %q", n.Data)
			}
			for _, a := range n.Attr {
				if missing.MatchString(a.Val) && !slices.Contains(scripted, a.Key) {
					t.Errorf("left: %s=%q", a.Key, a.Val)
				}
			}
		})
	})
}

// A sign that nobody drew leaves a gap beside the words.
func TestEverySignIsDrawn(t *testing.T) {
	everyPage(t, func(t *testing.T, root *html.Node, _ string) {
		for _, n := range elements(root, "svg") {
			if len(elements(n, "path", "circle", "rect", "polyline", "text")) == 0 {
				t.Errorf("an empty drawing in a %s", n.Parent.Data)
			}
		}
	})
}

// The policy that browsers enforce allows none of this, so a page with any would be broken.
func TestNoInlineCode(t *testing.T) {
	everyPage(t, func(t *testing.T, root *html.Node, _ string) {
		each(root, func(n *html.Node) {
			if n.Type == html.ElementNode && n.Data == "style" {
				t.Error("a style element")
			}
			if n.Data == "script" {
				if src, _ := attr(n, "src"); !strings.HasPrefix(src, "/assets/") || n.FirstChild != nil {
					t.Errorf("a script that is not our file: %q", src)
				}
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
			}
		})
	})
}

func TestStructure(t *testing.T) {
	everyPage(t, func(t *testing.T, root *html.Node, text string) {
		if n := len(elements(root, "h1")); n != 1 {
			t.Errorf("%d h1", n)
		}
		if n := len(elements(root, "main")); n != 1 {
			t.Errorf("%d main", n)
		}
		if lang, _ := attr(elements(root, "html")[0], "lang"); lang == "" {
			t.Error("no lang")
		}
		if !strings.HasPrefix(text, "<!doctype html>") {
			t.Error("no doctype")
		}
		if len(elements(root, "header")) != 1 || len(elements(root, "footer")) != 1 {
			t.Error("no header or no footer")
		}
		levels := 1
		for _, h := range elements(root, "h1", "h2", "h3", "h4") {
			level := int(h.Data[1] - '0')
			if level > levels+1 {
				t.Errorf("<%s> after level %d: %s", h.Data, levels, content(h))
			}
			levels = level
		}
	})
}

func content(n *html.Node) string {
	var out strings.Builder
	each(n, func(c *html.Node) {
		if c.Type == html.TextNode {
			out.WriteString(c.Data)
		}
	})
	return strings.TrimSpace(out.String())
}

// Every field has a label, and every id that is pointed to is there, once.
func TestFieldsAndIDs(t *testing.T) {
	everyPage(t, func(t *testing.T, root *html.Node, _ string) {
		ids, labelled := map[string]int{}, map[string]bool{}
		each(root, func(n *html.Node) {
			if id, ok := attr(n, "id"); ok {
				ids[id]++
			}
			if to, ok := attr(n, "for"); ok && n.Data == "label" {
				labelled[to] = content(n) != ""
			}
		})
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%d elements with the id %s", n, id)
			}
		}
		each(root, func(n *html.Node) {
			for _, name := range []string{"aria-labelledby", "aria-describedby", "aria-controls", "for", "data-copy", "data-show", "data-length-of"} {
				list, _ := attr(n, name)
				for id := range strings.FieldsSeq(list) {
					if ids[id] == 0 {
						t.Errorf("<%s %s> points to %q, which is not there", n.Data, name, id)
					}
				}
			}
		})
		for _, field := range elements(root, "input", "select", "textarea") {
			kind, _ := attr(field, "type")
			_, unseen := attr(field, "aria-hidden")
			if id, _ := attr(field, "id"); kind != "hidden" && !unseen && !labelled[id] {
				name, _ := attr(field, "name")
				t.Errorf("field %q has no label", name)
			}
		}
		for _, b := range elements(root, "button") {
			if label, _ := attr(b, "aria-label"); content(b) == "" && label == "" {
				t.Error("a button without a name")
			}
		}
	})
}

// The keyboard meets a page in the order in which it is read: first the way past the navigation, then nothing out of turn.
func TestTheKeyboardReadsInOrder(t *testing.T) {
	everyPage(t, func(t *testing.T, root *html.Node, _ string) {
		first := ""
		each(root, func(n *html.Node) {
			if order, ok := attr(n, "tabindex"); ok && order != "0" && order != "-1" {
				t.Errorf("<%s> has a place of its own in the order: tabindex=%s", n.Data, order)
			}
			if _, marked := attr(n, "accesskey"); marked {
				t.Errorf("<%s> takes a key for itself", n.Data)
			}
			if href, _ := attr(n, "href"); first == "" && slices.Contains([]string{"a", "button", "input", "select", "summary"}, n.Data) {
				first = n.Data + href
			}
		})
		main, _ := attr(elements(root, "main")[0], "id")
		if first != "a#"+main {
			t.Errorf("the keyboard begins at %q", first)
		}
	})
}

func TestEveryFormHasItsToken(t *testing.T) {
	everyPage(t, func(t *testing.T, root *html.Node, _ string) {
		for _, form := range elements(root, "form") {
			method, _ := attr(form, "method")
			if role, _ := attr(form, "role"); method == "dialog" || method == "get" && role == "search" {
				continue // it changes nothing
			}
			tokens := 0
			for _, field := range elements(form, "input") {
				if name, _ := attr(field, "name"); name == "form_token" {
					tokens++
				}
			}
			if action, _ := attr(form, "action"); method != "post" || tokens != 1 || !strings.HasPrefix(action, "/") {
				t.Errorf("form %s %s with %d tokens", method, action, tokens)
			}
		}
	})
}

// Password managers and phones find what they fill in (HTML §4.10.18.7).
func TestAutocomplete(t *testing.T) {
	tests := []struct{ page, field, want string }{
		{"sign-up", "mail", "username"},
		{"sign-up", "name", "name"},
		{"code", "code", "one-time-code"},
		{"secure", "mail", "username"},
		{"secure", "password", "new-password"},
		{"sign-in", "mail", "username webauthn"},
		{"sign-in", "password", "current-password"},
		{"second", "code", "one-time-code"},
		{"change", "mail", "username"},
		{"change", "password", "new-password"},
		{"enrol", "code", "one-time-code"},
		{"step-up code", "proof_code", "one-time-code"},
		{"step-up word", "username", "username"},
		{"step-up word", "proof_password", "current-password"},
	}
	all := samples(i18n.In("en"))
	for _, test := range tests {
		t.Run(test.page+"/"+test.field, func(t *testing.T) {
			root, _ := render(t, all[test.page])
			for _, field := range elements(root, "input") {
				if name, _ := attr(field, "name"); name == test.field {
					if got, _ := attr(field, "autocomplete"); got != test.want {
						t.Errorf("got %q, want %q", got, test.want)
					}
					return
				}
			}
			t.Error("no such field")
		})
	}
}

// What people and strangers write is text on a page, whatever it looks like.
func TestValuesAreEscaped(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&lt;`
	f := frame(i18n.In("en"), true)
	f.Me.Name, f.Notice = hostile, hostile
	tests := map[string]templ.Component{
		"text":      page.SessionsPage(f, page.Sessions{List: []page.Session{{ID: "ses_1", Device: hostile, Agent: hostile}}}),
		"attribute": page.SignUpPage(f, page.SignUp{Mail: hostile, Name: hostile}),
		"textarea":  page.NewKeyPage(f, page.NewKey{Allowlist: hostile, Challenge: hostile}),
		"option":    page.NewKeyPage(f, page.NewKey{Lives: []page.Option{{Value: hostile, Text: hostile}}}),
		"by hand":   page.CodesPage(f, page.Codes{List: []page.CodeLine{{Code: hostile, Title: []page.Piece{{Text: hostile}, {Name: hostile}}}}}),
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			root, text := render(t, c)
			if n := len(elements(root, "script")); n != 1 {
				t.Errorf("%d scripts", n)
			}
			if n := len(elements(root, "img")); n != 0 {
				t.Errorf("%d pictures", n)
			}
			if !strings.Contains(text, "&lt;script&gt;alert(1)") {
				t.Error("the value is not on the page")
			}
		})
	}
}
