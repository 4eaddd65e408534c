package page

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// challenge says a part of why the session may only look and cancel.
func (f Frame) challenge(part string) string {
	return f.T("challenge." + f.Me.Challenge + "." + part)
}

// here says whether a page belongs to an entry of the navigation.
func here(path, entry string) bool {
	path, _, _ = strings.Cut(path, "?")
	return path == entry || entry != "/" && strings.HasPrefix(path, entry+"/")
}

// Input is a labelled field of a form.
type Input struct {
	Name, Label, Hint string
	Type, Value       string
	Autocomplete      string
	// Mode is the keyboard that phones show.
	Mode string
	Max  string
	// Rows of a field for several lines; three if it says fewer.
	Rows     int
	Optional bool
	Focus    bool
	Fixed    bool
	// Class makes codes and other text of fixed form easy to compare.
	Class   string
	Problem Problem
}

func (in Input) kind() string {
	if in.Type == "" {
		return "text"
	}
	return in.Type
}

// described lists the ids of what explains the field.
func (in Input) described() string {
	var ids []string
	if in.Problem.on(in.Name) && in.Problem.Hint != "" {
		ids = append(ids, in.Name+"-wrong")
	}
	if in.Hint != "" {
		ids = append(ids, in.Name+"-hint")
	}
	return strings.Join(ids, " ")
}

// pieces writes a text of a registry with the names of the values that will stand in it, as words in a frame. By hand, because a template would
// put spaces around them.
func pieces(list []Piece) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var html strings.Builder
		for _, p := range list {
			html.WriteString(templ.EscapeString(p.Text))
			if p.Name != "" {
				html.WriteString("<var>" + templ.EscapeString(strings.ReplaceAll(p.Name, "_", " ")) + "</var>")
			}
		}
		_, err := io.WriteString(w, html.String())
		return err
	})
}

func number(n int) string { return strconv.Itoa(n) }
