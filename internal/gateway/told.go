package gateway

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/prove/tier"
)

// Tiers is what this package asks of package tier.
type Tiers interface {
	Tell(ctx context.Context, upstream string, told tier.Told) (tier.Standing, error)
}

// ServeHighValue answers POST /v1/high-value on the dashboard's listener: an upstream's backend says what a user has there, and what they are. It is
// signed as ServePosted wants it.
func (g *Gateway) ServeHighValue(authority string, w http.ResponseWriter, r *http.Request) error {
	var in tier.Told
	upstream, err := g.fromBackend(authority, w, r, &in)
	if err != nil {
		return err
	}
	s, err := g.Tiers.Tell(r.Context(), upstream, in)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusOK, s.Shown())
}
