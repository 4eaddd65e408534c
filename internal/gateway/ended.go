package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// endedBody is what an upstream reads of a key that places no more orders.
type endedBody struct {
	KeyID string    `json:"key_id"`
	OnEnd string    `json:"on_end"`
	Why   string    `json:"why"`
	At    time.Time `json:"at"`
}

// endedLimit bounds how long an upstream may take to hear it.
const endedLimit = 10 * time.Second

// DoKeyEnded does the job apikey.Ended: each upstream of the key's environment that wants to hears of it, as a request of the key itself to
// cancel, with an assertion over exactly this body. One that does not answer 2xx is told again; so an upstream may hear it twice.
func (g *Gateway) DoKeyEnded(ctx context.Context, fields []byte) error {
	var job apikey.Ended
	if err := httpx.DecodeJSON(fields, &job); err != nil {
		return fmt.Errorf("decode the end of a key: %w", err)
	}
	body, err := json.Marshal(endedBody{id.FormatKey(job.Key, job.Environment), string(job.OnEnd), string(job.Why), job.At})
	if err != nil {
		return fmt.Errorf("encode the end of a key: %w", err)
	}
	told := map[*Upstream]bool{}
	var failed []error
	for _, h := range g.hosts {
		if h.Upstream.KeysPath == "" || h.Environment != job.Environment || told[h.Upstream] {
			continue
		}
		told[h.Upstream] = true
		if err := g.tellEnded(ctx, h, job, body); err != nil {
			failed = append(failed, fmt.Errorf("upstream %s: %w", h.Upstream.Name, err))
		}
	}
	return errors.Join(failed...)
}

func (g *Gateway) tellEnded(ctx context.Context, h *Host, job apikey.Ended, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, endedLimit)
	defer cancel()
	target := *h.Upstream.URL
	target.Path = h.Upstream.KeysPath
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	now := g.Now()
	who := principal.Principal{
		Kind: principal.KindKey, User: job.Owner, Account: job.Account, Subaccount: job.Subaccount, Role: job.Role, Key: job.Key,
		Environment: job.Environment, Scopes: scope.Of(scope.OrdersCancel),
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(gate.Header, h.Upstream.Assert.Token(asserted{
		principal: who, route: &Route{Class: scope.Cancel}, environment: job.Environment, request: id.New[id.RequestKind](now),
		method: http.MethodPost, target: h.Upstream.KeysPath, body: body, now: now,
	}))
	answer, err := g.Transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // so that the connection can be used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("answered %d", answer.StatusCode)
	}
	return nil
}
