package recovery

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Slot names what a claimant can bring to a dispute, once each. Words are stored and never change.
type Slot string

// The slots. A statement says what happened, in the claimant's own words.
const (
	Statement Slot = "statement"
	Document  Slot = "document"
	Bank      Slot = "bank"
)

// Wanted is a slot, and what fits there.
type Wanted struct {
	Slot Slot
	// Required says that nobody approves a claim without it.
	Required bool
	// Kinds are the media types that are taken.
	Kinds []string
}

const (
	text = "text/plain"
	jpeg = "image/jpeg"
	png  = "image/png"
	pdf  = "application/pdf"
)

// Slots are all of them, in the order in which they are asked for. Nothing else is taken: what is not needed is not kept.
var Slots = []Wanted{
	{Slot: Statement, Required: true, Kinds: []string{text}},
	{Slot: Document, Required: true, Kinds: []string{jpeg, png, pdf}},
	{Slot: Bank, Kinds: []string{jpeg, png, pdf}},
}

const (
	// MaxEvidence bounds one piece in bytes.
	MaxEvidence = 4 << 20
	// maxStatement bounds a statement in bytes.
	maxStatement = 16 << 10
	// maxVersions is how many times a slot can be filled.
	maxVersions = 10
)

// Evidence is what lies in a slot, without its bytes: those are sealed, and only operators read them.
type Evidence struct {
	Slot Slot
	// Kind is its media type, told from its first bytes.
	Kind    string
	Size    int
	Version uint32
	Born    time.Time
	// Gone is when it is deleted, unless its claim ends sooner.
	Gone time.Time
}

// Missing names the required slots that are empty.
func Missing(has []Evidence) (names []string) {
	for _, w := range Slots {
		if w.Required && !slices.ContainsFunc(has, func(e Evidence) bool { return e.Slot == w.Slot }) {
			names = append(names, string(w.Slot))
		}
	}
	return names
}

// kindOf tells a media type by how the bytes begin, whatever their sender called them; empty for others than those that are taken.
func kindOf(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return jpeg
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return png
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return pdf
	case len(bytes.TrimSpace(b)) > 0 && len(b) <= maxStatement && utf8.Valid(b) && bytes.IndexByte(b, 0) < 0:
		return text
	}
	return ""
}

// fits reads what would lie in a slot. Errors: evidence.refused.
func fits(s Slot, b []byte) (Evidence, error) {
	kind := kindOf(b)
	for _, w := range Slots {
		if w.Slot == s && len(b) <= MaxEvidence && slices.Contains(w.Kinds, kind) {
			return Evidence{Slot: s, Kind: kind, Size: len(b)}, nil
		}
	}
	return Evidence{}, fault.New(fault.EvidenceRefused, "field", "evidence")
}

// evidencePlace is where a version of a slot lies.
func evidencePlace(r id.Recovery, s Slot, version uint32) secret.Place {
	return secret.Place{Table: "evidence", Column: "sealed", Row: string(r[:]) + string(s), Version: version}
}

// Bring fills a slot of a claim that waits for people, in the browser that showed its mailbox; what lay there before is gone, and with it every
// approval of the claim.
// Errors: recovery.unknown, recovery.over, evidence.refused, evidence.replaced_often.
func (r *Recoveries) Bring(ctx context.Context, from From, which id.Recovery, s Slot, given []byte) error {
	e, err := fits(s, given)
	if err != nil {
		return err
	}
	return r.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		c, err := r.take(ctx, tx, from, which, Disputed)
		if err != nil {
			return audit.Event{}, err
		}
		has, err := tx.EvidenceOf(ctx, which)
		if err != nil {
			return audit.Event{}, fmt.Errorf("list evidence: %w", err)
		}
		e := e
		e.Version, e.Born, e.Gone = 1, r.Now(), c.Expires.Add(Kept)
		for _, old := range has {
			if old.Slot == s {
				e.Version = old.Version + 1
			}
		}
		if e.Version > maxVersions {
			return audit.Event{}, fault.New(fault.EvidenceReplacedOften)
		}
		won, err := tx.PutEvidence(ctx, which, e, r.Sealer.Seal(evidencePlace(which, s, e.Version), given))
		if err != nil || !won {
			return audit.Event{}, fmt.Errorf("put evidence: won %t: %w", won, err)
		}
		// Who approved the claim did so by what lay there before.
		if err := tx.DropApprovals(ctx, c.In, which); err != nil {
			return audit.Event{}, fmt.Errorf("drop approvals: %w", err)
		}
		facts := map[string]string{"case": c.In.String(), "recovery": which.String(), "slot": string(s)}
		return audit.Event{Action: audit.EvidenceAdded, Actor: nobody(from, c.User), Person: c.User, Facts: facts}, nil
	})
}

// maxUploads bounds the pieces that are read at one time; each network has one of them, so that who sends slowly keeps few others waiting.
const maxUploads = 16

// uploads are the networks from which pieces are being read.
type uploads struct {
	mu   sync.Mutex
	from map[string]bool // guarded by mu
}

func (s *uploads) take(network string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from[network] || len(s.from) >= maxUploads {
		return false
	}
	s.from[network] = true
	return true
}

func (s *uploads) give(network string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.from, network)
}

// Expect says that a browser may bring something to a claim, and keeps room for it until release is called. A door asks before it reads what is
// sent: nobody else makes us hold large bodies, and these not many at a time. Errors: recovery.unknown, recovery.over, busy.
func (r *Recoveries) Expect(ctx context.Context, from From, which id.Recovery) (release func(), err error) {
	if _, err := r.Hearing(ctx, from, which); err != nil {
		return nil, err
	}
	network := device.PlaceOf(from.Origin.Addr, "").Network
	if !r.uploads.take(network) {
		return nil, fault.New(fault.Busy)
	}
	return sync.OnceFunc(func() { r.uploads.give(network) }), nil
}

// Hearing is what a claimant sees of the dispute that their claim waits in: never the other claims.
type Hearing struct {
	Dispute
	Evidence []Evidence
}

// Hearing reads it, in the browser that showed the claim's mailbox. Errors: recovery.unknown, recovery.over.
func (r *Recoveries) Hearing(ctx context.Context, from From, which id.Recovery) (h Hearing, err error) {
	err = r.Ledger.View(ctx, func(tx Tx) error {
		c, err := r.at(ctx, tx, from, which, Disputed)
		if err != nil {
			return err
		}
		if h.Dispute, _, err = tx.DisputeByID(ctx, c.In); err != nil {
			return fmt.Errorf("read dispute: %w", err)
		}
		h.Evidence, err = tx.EvidenceOf(ctx, which)
		return err
	})
	return h, err
}

// ReadEvidence opens a slot for an operator who says why; the log keeps that. Errors: forbidden, case.unknown, recovery.unknown.
func (r *Recoveries) ReadEvidence(ctx context.Context, p principal.Principal, which id.Case, claim id.Recovery, s Slot, why string) (plain []byte, err error) {
	err = r.asOperator(ctx, p, which, func(tx Tx, d Dispute) (audit.Event, error) {
		event := audit.Event{Action: audit.EvidenceRead, Facts: map[string]string{"recovery": claim.String(), "slot": string(s), "reason": why}}
		c, found, err := tx.RecoveryByID(ctx, claim)
		if err != nil {
			return event, fmt.Errorf("read recovery: %w", err)
		}
		if !found || c.In != d.ID {
			return event, fault.New(fault.RecoveryUnknown)
		}
		has, err := tx.EvidenceOf(ctx, claim)
		if err != nil {
			return event, fmt.Errorf("list evidence: %w", err)
		}
		at := slices.IndexFunc(has, func(e Evidence) bool { return e.Slot == s })
		sealed, found, err := tx.SealedEvidence(ctx, claim, s)
		if err != nil {
			return event, fmt.Errorf("read evidence: %w", err)
		}
		if at < 0 || !found {
			return event, fault.New(fault.RecoveryUnknown)
		}
		plain, err = r.Sealer.Open(evidencePlace(claim, s, has[at].Version), sealed)
		return event, err
	})
	return plain, err
}
