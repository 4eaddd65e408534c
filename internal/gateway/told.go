package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/tier"
)

// Tiers is what this package asks of package tier.
type Tiers interface {
	Tell(ctx context.Context, upstream string, told tier.Told) (tier.Standing, error)
}

// told is what an upstream's backend says of one of its users.
type told struct {
	User  id.User `json:"user"`
	Value string  `json:"value"`
	Role  string  `json:"role"`
}

// standing is the answer: whether more is asked of the user, or will be.
type standing struct {
	High  bool      `json:"high"`
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// ServeHighValue answers POST /v1/high-value on the dashboard's listener: an upstream's backend says what a user has there, and what they are. It is
// signed as ServePosted wants it.
func (g *Gateway) ServeHighValue(authority string, w http.ResponseWriter, r *http.Request) error {
	var in told
	upstream, err := g.fromBackend(authority, w, r, &in)
	if err != nil {
		return err
	}
	s, err := g.Tiers.Tell(r.Context(), upstream, tier.Told{User: in.User, Value: in.Value, Role: in.Role})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusOK, standing{High: !s.From.IsZero(), From: s.From.UTC().Truncate(time.Second), Until: s.Until.UTC().Truncate(time.Second)})
}
