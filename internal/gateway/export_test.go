package gateway

import (
	"net/http"
	"time"

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

// Senders is how many senders a limit remembers after so many came, each once.
func Senders(came int, now time.Time) (remembered int, lastWaits bool) {
	p := limits{PerMinute: 1}.pacer()
	for i := 1; i <= came; i++ {
		wait := p.take(sender{user: id.User{byte(i), byte(i >> 8), byte(i >> 16)}}, now)
		lastWaits = wait > 0
	}
	return len(p.next), lastWaits
}
