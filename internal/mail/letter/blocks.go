package letter

import (
	"strings"

	"github.com/a-h/templ"
)

// block is a piece of a letter. Its two methods say the same words; document in page.templ and textOf put them together.
type block interface {
	text() string
	html() templ.Component
}

type (
	brand     struct{ words string }
	heading   struct{ words string }
	paragraph struct{ words string }
	note      struct{ words string }
	code      struct{ words string }
	button    struct{ words, url string }
	factTable struct{ rows []fact }
	foot      struct{ lines []string } // small print
)

// fact is a row of what was seen.
type fact struct{ label, value string }

func (b brand) text() string     { return b.words }
func (b heading) text() string   { return b.words }
func (b paragraph) text() string { return b.words }
func (b note) text() string      { return b.words }
func (b code) text() string      { return "    " + b.words }
func (b button) text() string    { return b.words + "\n" + b.url }

func (b factTable) text() string {
	lines := make([]string, len(b.rows))
	for i, row := range b.rows {
		lines[i] = row.label + ": " + row.value
	}
	return strings.Join(lines, "\n")
}

func (b foot) text() string { return strings.Join(b.lines, "\n\n") }

func (b brand) html() templ.Component     { return brandHTML(b) }
func (b heading) html() templ.Component   { return headingHTML(b) }
func (b paragraph) html() templ.Component { return paragraphHTML(b) }
func (b note) html() templ.Component      { return noteHTML(b) }
func (b code) html() templ.Component      { return codeHTML(b) }
func (b button) html() templ.Component    { return buttonHTML(b) }
func (b factTable) html() templ.Component { return factTableHTML(b) }
func (b foot) html() templ.Component      { return footHTML(b) }

// textOf is the plain text part: the blocks with a line between them.
func textOf(blocks []block) string {
	parts := make([]string, len(blocks))
	for i, b := range blocks {
		parts[i] = b.text()
	}
	return strings.Join(parts, "\n\n") + "\n"
}
