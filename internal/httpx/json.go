package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
)

// maxDepth is how deep a document may nest; nothing we take is deeper than six.
const maxDepth = 32

// DecodeJSON reads one JSON value into v, strictly: text that is UTF-8 and lost nothing on its way, nothing after the value, no member twice
// (also not in another case), none that v does not know. Errors: request.malformed.
func DecodeJSON(body []byte, v any) error {
	if wrong := checkDocument(body); wrong != nil {
		return wrong
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return problemOf(err).Because(err)
	}
	return nil
}

// malformed names what is wrong with a document by a word that the catalogue has a text for (fact.problem), and the member that is meant.
func malformed(problem, member string) *fault.Error {
	f := fault.New(fault.RequestMalformed, "problem", problem)
	if member != "" {
		f.Fields["seen"] = line.Visible(member[:min(len(member), maxSeen)])
	}
	return f
}

// maxSeen bounds what a refusal repeats of a stranger's document.
const maxSeen = 64

// problemOf says what is wrong in words of our own: encoding/json's would name Go types.
func problemOf(err error) *fault.Error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return malformed("member_kind", e.Field)
	}
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, err := strconv.Unquote(quoted); err == nil {
			return malformed("member_unknown", name)
		}
	}
	return malformed("member_value", "")
}

// checkDocument walks the document by tokens and refuses what encoding/json lets pass: doubled members, trailing bytes, deep nesting, and
// text that it would silently replace.
func checkDocument(body []byte) *fault.Error {
	if !utf8.Valid(body) {
		return malformed("utf8", "")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var w walk
	for done := false; !done; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(w.open) == 0 {
			return malformed("no_value", "")
		}
		if err != nil {
			return malformed("not_json", "")
		}
		if wrong := w.step(t); wrong != nil {
			return wrong
		}
		done = len(w.open) == 0
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return malformed("second_value", "")
	}
	return nil
}

// walk is the place of a token in its document.
type walk struct {
	open []map[string]bool // members seen, per open object; nil for an array
	name bool              // whether the next string is a member's name
}

func (w *walk) step(t json.Token) *fault.Error {
	if s, ok := t.(string); ok {
		// encoding/json writes U+FFFD for a lone surrogate (RFC 8259 §8.2), and two different passwords would become one.
		if strings.ContainsRune(s, utf8.RuneError) {
			return malformed("replaced_text", "")
		}
		if w.name {
			return w.member(s)
		}
	}
	switch t {
	case json.Delim('{'), json.Delim('['):
		if len(w.open) == maxDepth {
			return malformed("too_deep", "")
		}
		var members map[string]bool
		if t == json.Delim('{') {
			members = map[string]bool{}
		}
		w.open = append(w.open, members)
	case json.Delim('}'), json.Delim(']'):
		w.open = w.open[:len(w.open)-1]
	}
	w.name = len(w.open) > 0 && w.open[len(w.open)-1] != nil
	return nil
}

func (w *walk) member(name string) *fault.Error {
	seen, folded := w.open[len(w.open)-1], fold(name)
	if seen[folded] {
		return malformed("member_twice", name)
	}
	seen[folded], w.name = true, false
	return nil
}

// fold makes equal what encoding/json takes for the same member: all spellings of a letter become the least of them.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, name)
}
