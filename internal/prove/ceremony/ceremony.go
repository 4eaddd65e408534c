// Package ceremony owns the state between the two halves of a proof: what the server must remember from "begin" to "finish", held by
// the browser and sealed.
//
// It does not know what is in a state. Nothing is stored when one begins, so that strangers who only begin cost no row; a state that
// was finished leaves a mark until it would have expired.
//
// Invariant: a state opens only for its own kind, in the browser it was made for, before its end; and Spend names one winner.
package ceremony

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Kind tells ceremonies apart: a state of one can never finish another.
type Kind string

// The kinds.
const (
	SignUp        Kind = "sign_up"
	SignIn        Kind = "sign_in"
	PasskeySignIn Kind = "passkey_sign_in"
	PasskeySignUp Kind = "passkey_sign_up"
	PasskeyEnrol  Kind = "passkey_enrol"
	PasskeyStepUp Kind = "passkey_step_up"
	PasskeyTest   Kind = "passkey_test"
	KeyProof      Kind = "key_proof"
	// PasskeyRecovery makes the passkey that completes a recovery.
	PasskeyRecovery Kind = "passkey_recovery"
)

// Sealer seals under the server's data keys.
type Sealer interface {
	Seal(place secret.Place, plain []byte) []byte
	Open(place secret.Place, sealed []byte) ([]byte, error)
}

// Tx is what Spend asks of a transaction.
type Tx interface {
	Spend(ctx context.Context, mark [32]byte, expires time.Time) (won bool, err error)
}

// Ceremonies seals and opens states.
type Ceremonies struct {
	sealer Sealer
	now    func() time.Time
}

// New makes a Ceremonies.
func New(sealer Sealer, now func() time.Time) *Ceremonies { return &Ceremonies{sealer, now} }

// State is an opened state: not yet spent.
type State struct {
	mark    [32]byte
	Expires time.Time
}

// maxToken bounds what is decoded of a stranger's text.
const maxToken = 8 << 10

type envelope struct {
	Expires int64           `json:"e"`
	Payload json.RawMessage `json:"p"`
}

// Begin seals payload as the state of one ceremony of this browser (the hash of its pre-session cookie, or the id of its session).
func (c *Ceremonies) Begin(kind Kind, browser []byte, life time.Duration, payload any) (string, error) {
	inner, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("encode state of %s: %w", kind, err)
	}
	plain, err := json.Marshal(envelope{Expires: c.now().Add(life).UnixMicro(), Payload: inner})
	if err != nil {
		return "", fmt.Errorf("encode state of %s: %w", kind, err)
	}
	return base64.RawURLEncoding.EncodeToString(c.sealer.Seal(place(kind, browser), plain)), nil
}

// Open reads a state into payload. It spends nothing: check the proof first, then Spend in the transaction of the change.
// Errors: sign_in.expired for anything that does not open here and now.
func (c *Ceremonies) Open(kind Kind, browser []byte, token string, payload any) (State, error) {
	refused := fault.New(fault.SignInExpired)
	if len(token) > maxToken {
		return State{}, refused
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return State{}, refused
	}
	plain, err := c.sealer.Open(place(kind, browser), sealed)
	if err != nil {
		return State{}, refused
	}
	var e envelope
	if err := json.Unmarshal(plain, &e); err != nil {
		return State{}, refused
	}
	s := State{mark: sha256.Sum256(sealed), Expires: time.UnixMicro(e.Expires)}
	if !c.now().Before(s.Expires) {
		return State{}, refused
	}
	if err := json.Unmarshal(e.Payload, payload); err != nil {
		return State{}, refused
	}
	return s, nil
}

// Spend uses the state up. Errors: sign_in.expired for all but the first.
func (s State) Spend(ctx context.Context, tx Tx) error {
	won, err := tx.Spend(ctx, s.mark, s.Expires)
	if err != nil {
		return fmt.Errorf("spend state: %w", err)
	}
	if !won {
		return fault.New(fault.SignInExpired)
	}
	return nil
}

func place(kind Kind, browser []byte) secret.Place {
	return secret.Place{Table: "ceremony", Column: string(kind), Row: string(browser)}
}
