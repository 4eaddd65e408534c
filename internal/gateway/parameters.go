package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// Where money leaves, a request is taken in one form only: one that every reader reads alike, whether it believes the content type or looks
// at the bytes, folds names or not. What is read here is shown to a user; what the upstream reads is done.

// parameters are the parameters of a request, by their folded names; none stands twice.
type parameters map[string]parameter

type parameter struct {
	name, value string
	// nested: the value is a list, an object or a truth, which no field is.
	nested bool
	// below are the folded names that stand somewhere within the value.
	below []string
}

// plainName is a name that no reader trims, splits or takes for a path into a structure.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

var folding = strings.NewReplacer(".", "_", "-", "_")

// foldName makes one what some readers take for one name: letters of any case, and the marks that PHP writes as _.
func foldName(name string) string { return folding.Replace(strings.ToLower(name)) }

func ambiguous(name string) error {
	return fault.New(fault.RequestMalformed, "problem", "parameter_ambiguous", "seen", name)
}

// add takes a parameter, once. Errors: request.malformed.
func (ps parameters) add(p parameter) error {
	folded := foldName(p.name)
	_, twice := ps[folded]
	if twice || !plainName.MatchString(p.name) {
		return ambiguous(p.name)
	}
	ps[folded] = p
	return nil
}

// one gives the value of the parameter of exactly that name, empty if there is none. Errors: request.malformed for one that some reader would
// find under another name, or deeper in a structure.
func (ps parameters) one(name string) (value string, err error) {
	folded := foldName(name)
	for key, p := range ps {
		first, _, path := strings.Cut(p.name, ".")
		switch {
		case key == folded && (p.name != name || p.nested):
			return "", ambiguous(name)
		case key != folded && path && foldName(first) == folded:
			return "", ambiguous(name)
		}
		for _, deeper := range p.below {
			if deeper == folded {
				return "", ambiguous(name)
			}
		}
	}
	return ps[folded].value, nil
}

// none refuses a parameter that some reader would find under that name. Errors: request.malformed.
func (ps parameters) none(name string) error {
	if _, found := ps[foldName(name)]; found {
		return ambiguous(name)
	}
	_, err := ps.one(name)
	return err
}

// oneForm refuses a head by which the body could be read, or arrive, as something else than what is read here.
// Errors: request.media_type, request.malformed.
func oneForm(h http.Header) error {
	if len(h["Content-Type"]) > 1 || len(h["Content-Encoding"]) > 0 {
		return wrongForm()
	}
	for _, line := range h["Connection"] {
		for named := range strings.SplitSeq(line, ",") {
			// Whatever else is named there is taken away on the way to the upstream (RFC 9110 §7.6.1): the content type, say.
			if named = strings.ToLower(strings.TrimSpace(named)); named != "" && named != "close" && named != "keep-alive" {
				return fault.New(fault.RequestMalformed, "problem", "connection_names", "seen", named)
			}
		}
	}
	return nil
}

func wrongForm() error { return fault.New(fault.RequestMediaType, "want", "application/json") }

// parametersOf reads a body under its content type, or the query where there is no body. What else the query then holds is given too: nothing
// that names a field may stand there. Errors: request.media_type, request.malformed.
func parametersOf(contentType []string, query string, body []byte) (given, beside parameters, err error) {
	if beside, err = pairs(query); err != nil || len(body) == 0 {
		return beside, nil, err
	}
	kind, charset := "", ""
	if len(contentType) == 1 {
		kind, charset, _ = strings.Cut(strings.ToLower(contentType[0]), ";")
	}
	if charset = strings.TrimSpace(charset); charset != "" && charset != "charset=utf-8" {
		return nil, nil, wrongForm()
	}
	switch strings.TrimSpace(kind) {
	case "application/x-www-form-urlencoded":
		given, err = pairs(string(body))
	case "application/json":
		given, err = members(body)
	default:
		err = wrongForm()
	}
	return given, beside, err
}

// pairs reads a query or a form. Each pair has its name and =, so that no JSON is one.
func pairs(text string) (parameters, error) {
	list := parameters{}
	if text == "" {
		return list, nil
	}
	for pair := range strings.SplitSeq(text, "&") {
		rawName, rawValue, whole := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		// A semicolon once parted pairs too.
		if !whole || err != nil || err2 != nil || strings.Contains(pair, ";") {
			return nil, fault.New(fault.RequestMalformed, "problem", "form")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, fault.New(fault.RequestMalformed, "problem", "form_text")
		}
		if err := list.add(parameter{name: name, value: value}); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// members reads the top level of a JSON object. Numbers keep their digits, null is absent. It holds no & or ; (within text they can be
// escaped), so that nobody who takes it for a form finds pairs in it.
func members(body []byte) (parameters, error) {
	var object map[string]json.RawMessage
	if err := httpx.DecodeJSON(body, &object); err != nil {
		return nil, err
	}
	if strings.ContainsAny(string(body), "&;") {
		return nil, fault.New(fault.RequestMalformed, "problem", "json_pairs")
	}
	list := parameters{}
	for name, raw := range object {
		p := parameter{name: name, value: string(raw)}
		switch raw[0] {
		case '"':
			if err := httpx.DecodeJSON(raw, &p.value); err != nil {
				return nil, err
			}
		case 'n':
			p.value = ""
		case '{', '[':
			var value any
			if err := httpx.DecodeJSON(raw, &value); err != nil {
				return nil, err
			}
			p.nested, p.below = true, namesIn(value, nil)
		case 't', 'f':
			p.nested = true
		}
		if err := list.add(p); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// namesIn collects the folded names of all members within a value.
func namesIn(value any, list []string) []string {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			list = namesIn(inner, append(list, foldName(strings.TrimSpace(name))))
		}
	case []any:
		for _, inner := range value {
			list = namesIn(inner, list)
		}
	}
	return list
}
