package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// maxDepth is how deep a document may nest; nothing we take is deeper than six.
const maxDepth = 32

// DecodeJSON reads one JSON value into v, strictly: text that is UTF-8 and lost nothing on its way, nothing after the value, no member twice
// (also not in another case), none that v does not know. Errors: request.malformed.
func DecodeJSON(body []byte, v any) error {
	if err := checkDocument(body); err != nil {
		return fault.New(fault.RequestMalformed, "problem", err.Error())
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fault.New(fault.RequestMalformed, "problem", problemOf(err)).Because(err)
	}
	return nil
}

// problemOf says what is wrong in words of our own: encoding/json's would name Go types.
func problemOf(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("member %q is no %s", e.Field, e.Type.Kind())
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "unknown member " + name
	}
	return "a member's value cannot be read"
}

// checkDocument walks the document by tokens and refuses what encoding/json lets pass: doubled members, trailing bytes, deep nesting, and
// text that it would silently replace.
func checkDocument(body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var w walk
	for done := false; !done; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(w.open) == 0 {
			return errors.New("no JSON value")
		}
		if err != nil {
			return errors.New("not valid JSON")
		}
		if err := w.step(t); err != nil {
			return err
		}
		done = len(w.open) == 0
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// walk is the place of a token in its document.
type walk struct {
	open []map[string]bool // members seen, per open object; nil for an array
	name bool              // whether the next string is a member's name
}

func (w *walk) step(t json.Token) error {
	if s, ok := t.(string); ok {
		// encoding/json writes U+FFFD for a lone surrogate (RFC 8259 §8.2), and two different passwords would become one.
		if strings.ContainsRune(s, utf8.RuneError) {
			return errors.New("text with a replacement character or half of a surrogate pair")
		}
		if w.name {
			return w.member(s)
		}
	}
	switch t {
	case json.Delim('{'), json.Delim('['):
		if len(w.open) == maxDepth {
			return errors.New("nested too deep")
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

func (w *walk) member(name string) error {
	seen, folded := w.open[len(w.open)-1], fold(name)
	if seen[folded] {
		return fmt.Errorf("member %q twice", name)
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
