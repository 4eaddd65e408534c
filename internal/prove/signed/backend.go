package signed

import (
	"net/netip"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/sign"
)

// Backends checks calls that the backend of an upstream signs: in the native profile, with its own name as key id and the secret that it shares
// with us. All fields are needed; it is safe for concurrent use.
type Backends struct {
	Now     func() time.Time
	Nonces  Nonces
	Budgets throttle.Budgets
	// KeyOf is what the backend of an upstream signs with, by its name; empty for one that has none.
	KeyOf func(name string) BackendKey
}

// BackendKey is what proves an upstream's backend: HMAC over a secret that it shares with us, or its own Ed25519 key, of which Material is the public half.
type BackendKey struct {
	Algorithm sign.Algorithm
	Material  secret.Value
}

// The window of a backend's call.
const (
	backendPast   = 10 * time.Second
	backendFuture = time.Second
)

// Verify names the upstream that signed a call, and spends the call: sent again it is refused. readBody is called at most once, for a source that
// may still fail. Whatever is wrong with a signature, strangers learn the same.
// Errors: rate_limited, unauthorized, signature.too_old, signature.sign_again, signature.nonce_reused, and those of readBody.
func (b *Backends) Verify(from netip.Addr, r *sign.Request, readBody func() ([]byte, error)) (name string, err error) {
	if err := throttle.Admit(b.Budgets, from, b.Now()); err != nil {
		return "", err
	}
	if r.Body, err = readBody(); err != nil {
		return "", err
	}
	sig, err := b.signed(r)
	if err != nil {
		b.Budgets.Fail(id.Key{}, from, b.Now())
		return "", fault.New(fault.Unauthorized).Because(err)
	}
	now := b.Now()
	if err := sig.Fresh(now, backendPast, backendFuture); err != nil {
		return "", fault.New(fault.SignatureTooOld)
	}
	// No API key has the zero id, and no name of an upstream holds a zero byte.
	won, forgotten := b.Nonces.Claim(id.Key{}, sig.KeyID+"\x00"+sig.SingleUse(r), sig.Created, now)
	switch {
	case forgotten || !sig.Created.After(b.Nonces.Birth().Add(backendFuture)): // what was spent before the start is forgotten (decision 0014)
		return "", fault.New(fault.SignatureSignAgain)
	case !won:
		return "", fault.New(fault.SignatureNonceReused)
	}
	return sig.KeyID, nil
}

// signed: the call is signed by who it names, over its body.
func (b *Backends) signed(r *sign.Request) (sig sign.Signature, err error) {
	if sig, err = sign.Parse(r); err != nil {
		return sig, err
	}
	key := b.KeyOf(sig.KeyID)
	if sig.Dialect != sign.Native || key.Material.IsEmpty() {
		_ = sig.Verify(r, sig.Decoy()) // takes as long as for somebody we know
		return sig, fault.New(fault.Unauthorized)
	}
	if err := sig.Verify(r, sign.Key{Dialect: sign.Native, Algorithm: key.Algorithm, Material: key.Material.Reveal()}); err != nil {
		return sig, err
	}
	return sig, sig.CheckBody(r, sign.Settings{})
}
