// Package texting carries finished text messages to the platform's own gateway.
//
// It does not know what a text says, who asked for it or when it is tried again: each Send is one attempt. It knows no telephone network: the operator's
// gateway does, and decides what it pays for.
//
// Invariant: what leaves is signed over every byte, so that a gateway sends for nobody else, and goes to the configured address alone.
package texting

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/sign"
)

// Message is a text message. Two attempts at one have the same ID, so that a gateway that took both sends one.
type Message struct {
	ID string `json:"id"`
	// To is a number as E.164 writes it, with its +.
	To   string `json:"to"`
	Text string `json:"text"`
}

// Driver hands a message over. An error means that it was not taken and may be tried again.
type Driver interface {
	Send(ctx context.Context, m Message) error
}

// Name is the key id under which calls are signed.
const Name = "sallyport"

// limit bounds how long a gateway may take.
const limit = 10 * time.Second

// Gateway is the driver that posts each message, as JSON, to an address of the operator's. It is safe for concurrent use.
type Gateway struct {
	url    string
	signer sign.Signer
	now    func() time.Time
	client http.Client
}

// NewGateway takes the secret that both sides hold: calls are signed with it in the native profile of package sign (HMAC-SHA-256 over method, host,
// target and body, with time and nonce), as a platform's backend signs its calls to us.
func NewGateway(url string, shared secret.Value, now func() time.Time) (*Gateway, error) {
	signer, err := sign.NewHMACSigner(Name, shared.Reveal())
	if err != nil {
		return nil, fmt.Errorf("text messages: %w", err)
	}
	// A redirect would be a call that was not signed for where it leads.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Gateway{url: url, signer: signer, now: now, client: http.Client{Timeout: limit, CheckRedirect: stay}}, nil
}

// Send posts it once; anything but a 2xx is an error.
func (g *Gateway) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode text message: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("text message: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if err := sign.Sign(r, body, g.signer, g.now()); err != nil {
		return fmt.Errorf("sign text message: %w", err)
	}
	answer, err := g.client.Do(r)
	if err != nil {
		return fmt.Errorf("text message: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // so that the connection can be used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the gateway of text messages answered %d", answer.StatusCode)
	}
	return nil
}
