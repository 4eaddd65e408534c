package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration. None of its fields holds a secret, because no setting does.
type Problem struct {
	// Key is the setting, such as "session.idle" or "gateway.hosts[1].kind"; empty for the file as a whole.
	Key string
	// Line is where it stands in the file; 0 if it stands nowhere, or in the environment.
	Line int
	// Variable is the environment variable that set it, if one did.
	Variable string
	// Value is what was given, and Bound what is accepted, where that is a range or a list of words.
	Value, Bound string
	// Reason says what is wrong and what to write instead.
	Reason string
}

// String is one line for people.
func (p Problem) String() string {
	var text strings.Builder
	switch {
	case p.Variable != "":
		text.WriteString(p.Variable)
	case p.Line > 0:
		fmt.Fprintf(&text, "line %d", p.Line)
	case p.Key == "":
		text.WriteString("the file")
	default:
		text.WriteString("not set")
	}
	if p.Key != "" {
		text.WriteString(": " + p.Key)
	}
	if p.Value != "" {
		fmt.Fprintf(&text, " = %.80q", p.Value)
	}
	text.WriteString(": " + p.Reason)
	if p.Bound != "" {
		text.WriteString(" (accepted: " + p.Bound + ")")
	}
	return text.String()
}

// Error is everything that is wrong with a configuration: in the order of the file, then what stands nowhere in it.
type Error struct {
	// Path of the file; empty if it was no file.
	Path     string
	Problems []Problem
}

// Error lists every problem on a line of its own.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "config %s: %d to correct", e.Path, len(e.Problems))
	for _, p := range e.Problems {
		text.WriteString("\n  " + p.String())
	}
	return text.String()
}

func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return b.Line - a.Line
		}
		return a.Line - b.Line
	})
	return problems
}
