package server

import (
	"context"
	"time"
)

// priceEvery is how often upstreams are asked for prices: often enough that a price is believed although one answer was lost.
const priceEvery = 10 * time.Second

// followPrices asks upstreams for prices until ctx ends, and logs when that begins to fail.
func (s *Server) followPrices(ctx context.Context) {
	tick := time.NewTicker(priceEvery)
	defer tick.Stop()
	failing := false
	for {
		err := s.gate.FetchPrices(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.logger().WarnContext(ctx, "no prices: keys with a ceiling cannot order there once the last ones are a minute old", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// FetchPrices asks upstreams for prices now, for tests whose time stands still.
func (s *Server) FetchPrices(ctx context.Context) error { return s.gate.FetchPrices(ctx) }
