package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
)

// places says where the fields of a transaction are in a request: field → name of a parameter, or "=" and the text itself.
type places map[string]string

// placeOf maps what a routes file may name to where it goes.
var placeOf = map[string]func(*confirm.Content) *string{
	"asset":   func(c *confirm.Content) *string { return &c.Asset },
	"network": func(c *confirm.Content) *string { return &c.Network },
	"address": func(c *confirm.Content) *string { return &c.Address },
	"memo":    func(c *confirm.Content) *string { return &c.Memo },
	"amount":  func(c *confirm.Content) *string { return &c.Amount },
	"fee":     func(c *confirm.Content) *string { return &c.Fee },
}

// check wants of a route that moves money that it says where the least is which its user must be shown, and of any other that it says nothing.
func (p places) check(class scope.Class) error {
	if class != scope.Withdraw && class != scope.Destination {
		if len(p) > 0 {
			return errors.New("a transaction is for the classes withdraw and destination")
		}
		return nil
	}
	for field, name := range p {
		if placeOf[field] == nil || strings.TrimPrefix(name, "=") == "" {
			return fmt.Errorf("transaction: %s: %q is no place of a field", field, name)
		}
	}
	needed := []string{"address"}
	if class == scope.Withdraw {
		needed = []string{"asset", "address", "amount"}
	}
	for _, field := range needed {
		if p[field] == "" {
			return fmt.Errorf("transaction: where %s is found is not said", field)
		}
	}
	return nil
}

// silent names the fields that requests of the route have no place for.
func (p places) silent() (list []string) {
	for _, field := range slices.Sorted(maps.Keys(placeOf)) {
		if p[field] == "" {
			list = append(list, field)
		}
	}
	return list
}

// read finds the transaction of a request. A parameter that somebody else could read differently (twice, in another case, as a list, in the
// query and in the body) is refused, because what is shown must be what is done. Errors: request.malformed, request.media_type.
func (p places) read(contentType []string, target string, body []byte) (c confirm.Content, err error) {
	_, query, _ := strings.Cut(target, "?")
	given, err := parametersOf(contentType, query, body)
	if err != nil {
		return c, err
	}
	for field, name := range p {
		text, fixed := strings.CutPrefix(name, "=")
		if !fixed {
			if text, err = given.one(name); err != nil {
				return c, err
			}
		}
		*placeOf[field](&c) = text
	}
	return c, nil
}

// parameters are all parameters of a request, in any order.
type parameters []struct{ name, value string }

// one gives the parameter of that name, empty if there is none.
func (ps parameters) one(name string) (value string, err error) {
	seen := false
	for _, p := range ps {
		before, _, list := strings.Cut(p.name, "[")
		if !strings.EqualFold(before, name) {
			continue
		}
		if list || seen || p.name != name {
			return "", fault.New(fault.RequestMalformed, "problem", "parameter_ambiguous", "seen", name)
		}
		value, seen = p.value, true
	}
	return value, nil
}

func parametersOf(contentType []string, query string, body []byte) (parameters, error) {
	given, err := pairs(query)
	if err != nil || len(body) == 0 {
		return given, err
	}
	kind := ""
	if len(contentType) == 1 {
		kind, _, _ = mime.ParseMediaType(contentType[0])
	}
	var more parameters
	switch kind {
	case "application/x-www-form-urlencoded":
		more, err = pairs(string(body))
	case "application/json":
		more, err = members(body)
	default:
		return nil, fault.New(fault.RequestMediaType, "want", "application/json")
	}
	return append(given, more...), err
}

func pairs(text string) (list parameters, err error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, fault.New(fault.RequestMalformed, "problem", "form")
	}
	for name, all := range values {
		for _, value := range all {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				return nil, fault.New(fault.RequestMalformed, "problem", "form_text")
			}
			list = append(list, struct{ name, value string }{name, value})
		}
	}
	return list, nil
}

// members reads the top level of a JSON object. Numbers keep their digits; what is neither text nor number is its JSON, which no field takes.
func members(body []byte) (list parameters, err error) {
	var object map[string]json.RawMessage
	if err := httpx.DecodeJSON(body, &object); err != nil {
		return nil, err
	}
	for name, raw := range object {
		value := string(raw)
		if strings.HasPrefix(value, `"`) {
			if err := httpx.DecodeJSON(raw, &value); err != nil {
				return nil, err
			}
		} else if value == "null" {
			value = ""
		}
		list = append(list, struct{ name, value string }{name, value})
	}
	return list, nil
}
