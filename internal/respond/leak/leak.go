// Package leak owns reports of secrets that were found where strangers can read them: who is believed, and in which form they report.
//
// It does not know HTTP, and which key a secret belongs to is package apikey's to find.
//
//	signed report → known reporter → its body, one of few at once → its signature over it → finds → each key that has one is blocked, its owner is told
//
// Invariant: a report that is not signed by a reporter whose public key was configured changes nothing and costs its sender one refusal among
// all; and no answer depends on whether a find is a secret of ours.
package leak

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
)

// Keys is what this package asks of package apikey.
type Keys interface {
	BlockFound(ctx context.Context, p principal.Principal, finds []apikey.Find) (blocked int, err error)
}

// Reporters maps the name of a public key → the key, ECDSA over P-256.
type Reporters map[string]*ecdsa.PublicKey

// Intake takes reports. It is safe for concurrent use.
type Intake struct {
	now       func() time.Time
	keys      Keys
	budgets   throttle.Budgets
	reporters Reporters

	reports, finds, blocked atomic.Int64
	room                    chan struct{} // one report at a time looks through the keys
	seats                   chan struct{} // few bodies at a time are held

	mu sync.Mutex
	of map[netip.Prefix]int // source → seats that it holds or waits for; guarded by mu
}

// New makes an Intake that believes these reporters; none turns it off.
func New(now func() time.Time, keys Keys, budgets throttle.Budgets, reporters Reporters) *Intake {
	return &Intake{now: now, keys: keys, budgets: budgets, reporters: reporters, room: make(chan struct{}, 1), seats: make(chan struct{}, maxHeld), of: map[netip.Prefix]int{}}
}

// Counts are what was taken so far, for measurements.
func (i *Intake) Counts() map[string]int64 {
	return map[string]int64{"reports": i.reports.Load(), "finds": i.finds.Load(), "blocked": i.blocked.Load()}
}

// Bounds of a report.
const (
	MaxBody   = 1 << 20
	maxFinds  = 1000
	maxSecret = 8 << 10
	maxHeld   = 16
	// maxOfSource is how many of them one source may hold or wait for.
	maxOfSource = 4
)

// Signed is a report as it came.
type Signed struct {
	// Reporter names the public key, Signature is ECDSA in ASN.1 over the SHA-256 of the body, in base64.
	Reporter, Signature string
	From                netip.Addr
	// ReadBody reads the body, of at most MaxBody. It is called at most once, after it is clear that a known reporter may have sent it.
	ReadBody func() ([]byte, error)
}

// Receive takes a report in the format of GitHub's secret scanning partners. When it returns without an error, every key that was found is
// blocked, durably. Of what nobody known can have sent no body is held, and of everything else 16 at once, 4 of one source.
// Errors: not_found where no reporter is configured, rate_limited, unauthorized, request.malformed, busy, and those of ReadBody.
func (i *Intake) Receive(ctx context.Context, s Signed) error {
	if len(i.reporters) == 0 {
		return fault.New(fault.NotFound)
	}
	if err := throttle.Admit(i.budgets, s.From, i.now()); err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(s.Signature)
	public := i.reporters[s.Reporter]
	if public == nil || err != nil {
		i.budgets.Fail(id.Key{}, s.From, i.now())
		return fault.New(fault.Unauthorized)
	}
	leave, err := i.seat(ctx, s.From)
	if err != nil {
		return err
	}
	defer leave()
	body, err := s.ReadBody()
	if err != nil {
		i.budgets.Fail(id.Key{}, s.From, i.now()) // or a seat would cost a slow sender nothing
		return err
	}
	if digest := sha256.Sum256(body); !ecdsa.VerifyASN1(public, digest[:], signature) {
		i.budgets.Fail(id.Key{}, s.From, i.now())
		return fault.New(fault.Unauthorized)
	}
	finds, err := ReadReport(body)
	if err != nil {
		return err
	}
	_, err = i.Block(ctx, principal.System("leak_intake"), finds)
	return err
}

// seatWait is how long a report waits for a seat while others are being sent.
const seatWait = 5 * time.Second

// seat waits for a seat, not for long. The names of reporters are public, so no source sits on more than its share. Errors: busy.
func (i *Intake) seat(ctx context.Context, from netip.Addr) (leave func(), err error) {
	source := sourceOf(from)
	if !i.share(source, 1) {
		return nil, busy()
	}
	ctx, cancel := context.WithTimeout(ctx, seatWait)
	defer cancel()
	stand, err := enter(ctx, i.seats)
	if err != nil {
		i.share(source, -1)
		return nil, err
	}
	return func() { stand(); i.share(source, -1) }, nil
}

// sourceOf is what shares seats: an IPv4 address, or the /64 of an IPv6 one, because a host owns all of it.
func sourceOf(from netip.Addr) netip.Prefix {
	from = from.Unmap()
	return netip.PrefixFrom(from, min(64, from.BitLen())).Masked()
}

// share counts the seats that a source holds or waits for; it is false, and counts nothing, beyond maxOfSource.
func (i *Intake) share(source netip.Prefix, n int) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n > 0 && i.of[source] >= maxOfSource {
		return false
	}
	if i.of[source] += n; i.of[source] == 0 {
		delete(i.of, source)
	}
	return true
}

func busy() error { return fault.New(fault.Busy).After(5 * time.Second) }

// enter waits for a place as long as ctx lasts. Errors: busy.
func enter(ctx context.Context, places chan struct{}) (leave func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, busy()
	}
}

// Block blocks the keys of finds that somebody trusted brings, and says how many. Errors: busy.
func (i *Intake) Block(ctx context.Context, p principal.Principal, finds []apikey.Find) (int, error) {
	leave, err := enter(ctx, i.room)
	if err != nil {
		return 0, err
	}
	defer leave()
	blocked, err := i.keys.BlockFound(ctx, p, finds)
	i.reports.Add(1)
	i.finds.Add(int64(len(finds)))
	i.blocked.Add(int64(blocked))
	return blocked, err
}

// Found is one find of a report. Members that a reporter adds are left alone.
type Found struct {
	_      struct{} `additionalProperties:"true"`
	Token  string   `json:"token" minLength:"1" maxLength:"8192" doc:"What was found" example:"sps_live_…"`
	Type   string   `json:"type,omitempty" doc:"The scanner's name of the pattern; nothing follows from it" example:"sallyport_api_secret"`
	URL    string   `json:"url,omitempty" doc:"Where it was found; its owner is told" example:"https://github.com/example/bot/blob/main/config.py"`
	Source string   `json:"source,omitempty" doc:"In what it was found" example:"content"`
}

// ReadReport reads a report: a JSON array of finds, all text.
// Errors: request.malformed.
func ReadReport(body []byte) ([]apikey.Find, error) {
	var list []Found
	if err := json.Unmarshal(body, &list); err != nil { //nolint:forbidigo // httpx would refuse members that a reporter adds
		return nil, fault.New(fault.RequestMalformed, "problem", "report").Because(err)
	}
	if len(list) > maxFinds {
		return nil, fault.New(fault.RequestMalformed, "problem", "report")
	}
	finds := make([]apikey.Find, 0, len(list))
	for _, f := range list {
		if f.Token == "" || len(f.Token) > maxSecret {
			return nil, fault.New(fault.RequestMalformed, "problem", "report")
		}
		finds = append(finds, apikey.Find{Secret: secret.FromString("find", f.Token), URL: f.URL, Source: f.Source})
	}
	return finds, nil
}

// ReadReporters reads public keys as GitHub publishes those of secret scanning: public_keys, each with key_identifier and key, PEM.
func ReadReporters(raw []byte) (Reporters, error) {
	var file struct {
		PublicKeys []struct {
			Name string `json:"key_identifier"`
			Key  string `json:"key"`
		} `json:"public_keys"`
	}
	if err := json.Unmarshal(raw, &file); err != nil { //nolint:forbidigo // the operator's own file, with members that do not matter here
		return nil, fmt.Errorf("no list of public keys: %w", err)
	}
	reporters := Reporters{}
	for _, k := range file.PublicKeys {
		block, _ := pem.Decode([]byte(k.Key))
		if block == nil || k.Name == "" {
			return nil, fmt.Errorf("public key %q is no PEM with a name", k.Name)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key %s: %w", k.Name, err)
		}
		public, ok := parsed.(*ecdsa.PublicKey)
		if !ok || public.Curve != elliptic.P256() {
			return nil, fmt.Errorf("public key %s is not ECDSA over P-256", k.Name)
		}
		reporters[k.Name] = public
	}
	if len(reporters) == 0 {
		return nil, errors.New("there is no public key in it")
	}
	return reporters, nil
}
