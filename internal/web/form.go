package web

import (
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// form is a posted form. A handler names the fields it takes; what is left over is refused, so that a form and its handler cannot drift apart.
type form struct{ values url.Values }

const formType = "application/x-www-form-urlencoded"

// parseForm reads a form strictly: one Content-Type, well-formed pairs, UTF-8. Errors: request.media_type, request.malformed.
func parseForm(contentType []string, body []byte) (form, error) {
	kind := ""
	if len(contentType) == 1 {
		parsed, params, err := mime.ParseMediaType(contentType[0])
		charset, more := params["charset"], len(params)
		if err == nil && (more == 0 || more == 1 && strings.EqualFold(charset, "utf-8")) {
			kind = parsed
		}
	}
	if kind != formType {
		return form{}, fault.New(fault.RequestMediaType, "want", formType)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return form{}, malformed("form")
	}
	for name, list := range values {
		for _, value := range list {
			if !utf8.ValidString(name) || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return form{}, malformed("form_text")
			}
		}
	}
	return form{values}, nil
}

// take removes a field that may be missing, and gives the first of its values.
func (f form) take(name string) string {
	value := f.values.Get(name)
	delete(f.values, name)
	return value
}

// takeAll removes a field that may come many times.
func (f form) takeAll(name string) []string {
	list := f.values[name]
	delete(f.values, name)
	return list
}

// only gives the fields of these names, each at most once and empty when missing, and refuses a form with any other.
// Errors: request.malformed.
func (f form) only(names ...string) (map[string]string, error) {
	fields := map[string]string{}
	for _, name := range names {
		if len(f.values[name]) > 1 {
			return nil, malformed("form_twice")
		}
		fields[name] = f.take(name)
	}
	if len(f.values) > 0 {
		return nil, malformed("form_unknown")
	}
	return fields, nil
}

// malformed names what is wrong with a form by a word that the catalogue has a text for (fact.problem).
func malformed(problem string) error { return fault.New(fault.RequestMalformed, "problem", problem) }

// digits takes the spaces and hyphens out of a code as people type it.
func digits(code string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, code)
}
