package gateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/signed"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/sign"
)

// Example is a request to try a routes file on.
type Example struct {
	Method, Target string
	// Place where it comes in; what it leaves open is any.
	Place Place
	// Body, and its type; without one it is JSON if it begins with a brace, else a form.
	Body, ContentType string
}

// ErrPlaceUnsaid says that an example is one request at one place and another one at the next, and leaves open where it comes in.
var ErrPlaceUnsaid = errors.New("several routes: say host or environment")

// Read says what the gateway makes of a request before it knows who sent it: its route and, field by field, the transaction that its user would be
// shown where money moves, or the order that a key is held to its bounds with. It is for those who write routes files; nothing is let through by it.
// Errors: ErrPlaceUnsaid; and as the gateway's own: gateway.path_refused, gateway.no_route, and those of reading a transaction or, for keys with bounds, an order.
func (rs *Routes) Read(e Example) (*Route, map[string]string, error) {
	if err := sign.CheckTarget(e.Target); err != nil {
		return nil, nil, fault.New(fault.GatewayPathRefused, signed.Problem(err)...)
	}
	path, _, _ := strings.Cut(e.Target, "?")
	var offered []*Route
	for _, r := range rs.root.match(e.Method, path[1:]) {
		if r.Place.Meets(e.Place) {
			offered = append(offered, r)
		}
	}
	switch {
	case len(offered) == 0 || strings.HasPrefix(path, ownPaths):
		return nil, nil, fault.New(fault.GatewayNoRoute)
	case len(offered) > 1:
		return nil, nil, ErrPlaceUnsaid
	}
	route := offered[0]
	if len(route.money) == 0 && route.order == nil {
		return route, nil, nil
	}
	h := http.Header{}
	switch {
	case e.ContentType != "":
		h.Set("Content-Type", e.ContentType)
	case strings.HasPrefix(e.Body, "{"):
		h.Set("Content-Type", "application/json")
	case e.Body != "":
		h.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if route.order != nil {
		said, err := route.order.fields(h, e.Target, []byte(e.Body))
		return route, said, err
	}
	content, err := route.money.read(h, e.Target, []byte(e.Body))
	if err != nil {
		return route, nil, err
	}
	return route, fieldsOf(content), nil
}

// fieldsOf are the fields of a transaction that are not empty.
func fieldsOf(c confirm.Content) map[string]string {
	fields := map[string]string{}
	for name, place := range placeOf {
		if text := *place(&c); text != "" {
			fields[name] = text
		}
	}
	return fields
}
