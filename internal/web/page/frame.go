package page

import (
	"strconv"
	"strings"
)

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
	Mode     string
	Max      string
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

func number(n int) string { return strconv.Itoa(n) }
