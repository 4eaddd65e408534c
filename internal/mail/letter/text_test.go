package letter_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/mail/letter"
)

// kindsOfNotices reads the constants of package notify: one without a sentence would fail at its first text, and nobody would be told.
func kindsOfNotices(t *testing.T) (kinds []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../respond/notify/notify.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Letter" {
			kind, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, kind)
		}
		return true
	})
	return kinds
}

// mailedAlone are letters that carry a code, or stand in its place: none of them is a notice that goes to every channel.
var mailedAlone = []string{"sign_up_tried", "contact_code", "contact_taken", "sign_up_code", "recovery_code", "recovery_nobody", "mailbox_trial"}

// A text message has room for 70 Korean characters, or 160 of the Latin alphabet.
func TestEveryNoticeFitsIntoOneTextMessage(t *testing.T) {
	kinds := kindsOfNotices(t)
	if len(kinds) < 50 {
		t.Fatalf("%d kinds were found", len(kinds))
	}
	for language, room := range map[string]int{"en": 160, "ko": 70} {
		f := letter.Frame{Language: language, Product: "Sallyport", Links: letter.Links{Origin: "https://my.exchange.example"}}
		for _, kind := range kinds {
			said, err := letter.Text(kind, f)
			if slices.Contains(mailedAlone, kind) {
				if err == nil {
					t.Errorf("%s %s is texted: %q", language, kind, said)
				}
				continue
			}
			if n := utf8.RuneCountInString(said); err != nil || n > room {
				t.Errorf("%s %s: %d characters, %v: %q", language, kind, n, err, said)
			}
			if !strings.Contains(said, "Sallyport") || !strings.Contains(said, "my.exchange.example") || strings.Contains(said, "/") {
				t.Errorf("%s %s names neither us nor where to look, or holds a link: %q", language, kind, said)
			}
		}
		said, err := letter.CodeText("49281734", f)
		if n := utf8.RuneCountInString(said); err != nil || n > room || strings.Count(said, "49281734") != 1 {
			t.Errorf("%s code: %d characters, %v: %q", language, n, err, said)
		}
	}
}
