package gateway

import (
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
)

// ReadTransaction is what a user would be shown of a request of the route.
func ReadTransaction(r *Route, h http.Header, target string, body []byte) (confirm.Content, error) {
	return r.money.read(h, target, body)
}

// Dig opens a tunnel of a user, or of nobody, and gives what closes it.
func (g *Gateway) Dig(whose id.User) (forget func(), err error) {
	t, err := g.dig(whose)
	return func() { g.tunnels.remove(t) }, err
}
