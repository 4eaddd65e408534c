package sign

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// member is one name and value of a flat JSON object, in the order of the text. encoding/json keeps neither the order nor the
// spelling of a number, and repairs what it should refuse.
type member struct {
	name string
	text string // a string decoded; a number, true or false as it stands
	kind kind
}

type kind uint8

const (
	kindString kind = iota + 1
	kindNumber
	kindWord // true, false
	kindList // an array of one string, decoded
)

// flatObject reads one JSON object (RFC 8259) of strings, numbers and booleans. Invalid UTF-8, half surrogate pairs, members of
// one name, objects, arrays and null are refused. what names the text in refusals.
func flatObject(text []byte, what string) ([]member, error) { return readFlat(text, what, false) }

// readFlat is flatObject, where lists says that a value may also be an array of exactly one string.
func readFlat(text []byte, what string, lists bool) ([]member, error) {
	f := flat{text: string(text), what: what, lists: lists}
	members, err := f.object()
	if err != nil {
		return nil, err
	}
	names := make(map[string]struct{}, len(members))
	for _, m := range members {
		names[m.name] = struct{}{}
	}
	if len(names) != len(members) {
		return nil, refuse(JSONDuplicate, what)
	}
	return members, nil
}

type flat struct {
	text string
	at   int
	what string
	// lists are taken when they hold exactly one string.
	lists bool
}

func (f *flat) malformed() error { return refuse(JSONMalformed, f.what) }

func (f *flat) peek() byte {
	if f.at < len(f.text) {
		return f.text[f.at]
	}
	return 0
}

func (f *flat) skipSpace() {
	for f.peek() == ' ' || f.peek() == '\t' || f.peek() == '\n' || f.peek() == '\r' {
		f.at++
	}
}

// accept skips white space and then c, if it is there.
func (f *flat) accept(c byte) bool {
	f.skipSpace()
	if f.peek() != c || f.at == len(f.text) {
		return false
	}
	f.at++
	return true
}

func (f *flat) object() (members []member, err error) {
	if !f.accept('{') {
		return nil, f.malformed()
	}
	for more := !f.accept('}'); more; more = !f.accept('}') {
		if len(members) > 0 && !f.accept(',') {
			return nil, f.malformed()
		}
		m, err := f.member()
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	f.skipSpace()
	if f.at != len(f.text) {
		return nil, f.malformed()
	}
	return members, nil
}

func (f *flat) member() (m member, err error) {
	if !f.accept('"') {
		return m, f.malformed()
	}
	if m.name, err = f.string(); err != nil {
		return m, err
	}
	if !f.accept(':') {
		return m, f.malformed()
	}
	if f.accept('"') {
		m.kind = kindString
		m.text, err = f.string()
		return m, err
	}
	if f.lists && f.peek() == '[' {
		m.kind = kindList
		m.text, err = f.list()
		return m, err
	}
	m.text, m.kind, err = f.bare()
	return m, err
}

// list reads an array of one string.
func (f *flat) list() (string, error) {
	f.accept('[')
	if !f.accept('"') {
		return "", refuse(JSONNested, f.what)
	}
	text, err := f.string()
	if err == nil && !f.accept(']') {
		err = refuse(JSONNested, f.what)
	}
	return text, err
}

// bare reads a value that is no string.
func (f *flat) bare() (string, kind, error) {
	switch f.peek() {
	case '{', '[':
		return "", 0, refuse(JSONNested, f.what)
	}
	start := f.at
	for c := f.peek(); isAlphanumeric(c) || c == '-' || c == '+' || c == '.'; c = f.peek() {
		f.at++
	}
	switch token := f.text[start:f.at]; {
	case token == "null":
		return "", 0, refuse(JSONNested, f.what)
	case token == "true", token == "false":
		return token, kindWord, nil
	case isNumber(token):
		return token, kindNumber, nil
	default:
		return "", 0, f.malformed()
	}
}

// isNumber: RFC 8259 §6.
func isNumber(s string) bool {
	at := 0
	digits := func() int {
		start := at
		for at < len(s) && '0' <= s[at] && s[at] <= '9' {
			at++
		}
		return at - start
	}
	if at < len(s) && s[at] == '-' {
		at++
	}
	whole := at
	if n := digits(); n == 0 || n > 1 && s[whole] == '0' {
		return false
	}
	if at < len(s) && s[at] == '.' {
		at++
		if digits() == 0 {
			return false
		}
	}
	if at < len(s) && (s[at] == 'e' || s[at] == 'E') {
		at++
		if at < len(s) && (s[at] == '+' || s[at] == '-') {
			at++
		}
		if digits() == 0 {
			return false
		}
	}
	return at == len(s)
}

// string reads up to the closing quote; the opening one has been read.
func (f *flat) string() (string, error) {
	var unescaped []byte // up to the last escape; a string without one is a piece of the text
	plain := f.at
	for f.at < len(f.text) {
		c := f.text[f.at]
		f.at++
		switch {
		case c == '"':
			out := f.text[plain : f.at-1]
			if unescaped != nil {
				out = string(append(unescaped, out...))
			}
			if !utf8.ValidString(out) {
				return "", f.malformed()
			}
			return out, nil
		case c == '\\':
			unescaped = append(unescaped, f.text[plain:f.at-1]...)
			r, ok := f.escape()
			if !ok {
				return "", f.malformed()
			}
			unescaped = utf8.AppendRune(unescaped, r)
			plain = f.at
		case c < ' ':
			return "", f.malformed()
		}
	}
	return "", f.malformed()
}

// escape reads what follows a backslash (RFC 8259 §7).
func (f *flat) escape() (rune, bool) {
	c := f.peek()
	f.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		return f.codePoint()
	default:
		return 0, false
	}
}

func (f *flat) codePoint() (rune, bool) {
	r, ok := f.hex4()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if f.peek() != '\\' {
		return 0, false
	}
	f.at++
	if f.peek() != 'u' {
		return 0, false
	}
	f.at++
	low, ok := f.hex4()
	r = utf16.DecodeRune(r, low)
	return r, ok && r != utf8.RuneError
}

func (f *flat) hex4() (rune, bool) {
	if len(f.text)-f.at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(f.text[f.at:f.at+4], 16, 16)
	f.at += 4
	return rune(n), err == nil
}
