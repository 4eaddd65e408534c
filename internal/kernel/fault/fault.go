// Package fault owns refusals: the closed registry of error codes and the one error type that carries a code out of a room.
//
// The registry is spec/errors.tsv; registry.gen.go is made from it (make generate). A room names a code and facts, never a
// sentence: the three writers (problem JSON, OAuth shapes, HTML) read status, visibility and texts from the registry.
//
// Invariant: public text is never built from an underlying error, so that a driver's message cannot reach a stranger.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Code is a line of the registry, such as "session.expired".
type Code string

// Sight says who may see which check failed and what was seen.
type Sight uint8

// Who sees the detail. The zero value is the safest.
const (
	// Sealed: nobody outside; telling would warn the wrong person.
	Sealed Sight = iota
	// Owner: only the rightful owner; a stranger sees the entry's Outside code instead.
	Owner
	// Anyone: the code says nothing that a stranger could use.
	Anyone
)

// Entry is a line of the registry.
type Entry struct {
	Code   Code
	Status int
	Sight  Sight
	// Outside is the code a stranger sees instead; empty with Anyone.
	Outside Code
	// English and Korean say what happened; the Fix texts say what to do next. {name} is replaced by the field of that name.
	English, EnglishFix string
	Korean, KoreanFix   string
}

// Lookup finds a line of the registry.
func Lookup(c Code) (Entry, bool) {
	e, ok := registry[c]
	return e, ok
}

// All iterates over the registry in no order.
func All() map[Code]Entry { return maps.Clone(registry) }

// Error is a refusal with a code. Its text is for logs.
type Error struct {
	Code Code
	// Fields are facts for the one who may see the detail: what was seen, what was expected, which input field is meant.
	// Values are strings, numbers, booleans or times; never a secret, never text of another error.
	Fields map[string]any
	// RetryAfter, when positive, is when trying again makes sense.
	RetryAfter time.Duration

	err error
}

// New makes a refusal. Pairs are names and values of Fields.
func New(c Code, pairs ...any) *Error {
	e := &Error{Code: c}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			panic(fmt.Sprintf("fault.New(%s): field name %v is no string", c, pairs[i]))
		}
		if e.Fields == nil {
			e.Fields = map[string]any{}
		}
		e.Fields[name] = pairs[i+1]
	}
	return e
}

// Because keeps the cause for the log.
func (e *Error) Because(err error) *Error {
	e.err = err
	return e
}

// After says when to try again.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// Error is for logs: the code and the cause.
func (e *Error) Error() string {
	if e.err != nil {
		return string(e.Code) + ": " + e.err.Error()
	}
	return string(e.Code)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.err }

// Is compares by code, so that errors.Is(err, fault.New(fault.KeyNotFound)) holds whatever the fields are.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// CodeOf finds the code in err's chain. An error without one is Internal: the unknown says nothing outside.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
