package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

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
		text, fixed := strings.CutPrefix(name, "=")
		if placeOf[field] == nil || text == "" || !fixed && !plainName.MatchString(name) {
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

// read finds the transaction of a request: in its body, or in the query where it has none. A request that somebody else could read differently
// is refused, because what is shown must be what is done. Errors: request.malformed, request.media_type.
func (p places) read(h http.Header, target string, body []byte) (c confirm.Content, err error) {
	if err := oneForm(h); err != nil {
		return c, err
	}
	_, query, _ := strings.Cut(target, "?")
	given, beside, err := parametersOf(h["Content-Type"], query, body)
	if err != nil {
		return c, err
	}
	for field, name := range p {
		text, fixed := strings.CutPrefix(name, "=")
		if !fixed {
			if text, err = given.one(name); err != nil {
				return c, err
			}
			if err = beside.none(name); err != nil {
				return c, err
			}
		}
		*placeOf[field](&c) = text
	}
	return c, nil
}
