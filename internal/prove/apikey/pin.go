package apikey

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// PinFirst stands in Key.Pin of a key that will be held to the network it is first used from.
const PinFirst = "first"

// PinFirstSystem stands there of one that will be held to the autonomous system that it is first used from.
const PinFirstSystem = "first-as"

// Tied says whether the key works from a place that its owner named: an allowlist, or an Ed25519 key held to one network with a ceiling on what
// it may order. Only such a key trades for more than Limits.UnpinnedTradeLife.
func (k Key) Tied() bool {
	return len(k.Allowlist) > 0 || k.Pin != "" && k.Algorithm == sign.Ed25519 && k.Bounds.HasCeiling()
}

// pinOf reads the network that a key shall be held to: none, the first one, or the one around an address; where autonomous systems are known,
// also one of them. Errors: request.invalid.
func (k *Keys) pinOf(word string, a sign.Algorithm) (string, error) {
	if word == "" {
		return "", nil
	}
	if a != sign.Ed25519 {
		return "", invalid("pin")
	}
	if word == PinFirst || word == PinFirstSystem && k.SystemOf != nil {
		return word, nil
	}
	if system, ok := parseSystem(word); ok && k.SystemOf != nil {
		return nameSystem(system), nil
	}
	if network, err := netip.ParsePrefix(word); err == nil && networkOf(network.Addr()) == network {
		return word, nil
	}
	addr, err := netip.ParseAddr(word)
	if err != nil || addr.Zone() != "" {
		return "", invalid("pin")
	}
	return networkOf(addr).String(), nil
}

// SystemAround is the pin to the autonomous system of an address; empty where it is not known.
func (k *Keys) SystemAround(addr netip.Addr) string {
	if k.SystemOf == nil || k.SystemOf(addr) == 0 {
		return ""
	}
	return nameSystem(k.SystemOf(addr))
}

func nameSystem(n uint32) string { return "AS" + strconv.FormatUint(uint64(n), 10) }

// parseSystem reads what nameSystem wrote.
func parseSystem(word string) (uint32, bool) {
	digits, ok := strings.CutPrefix(word, "AS")
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n > 0 && digits == strconv.FormatUint(n, 10)
}

// home is the network that a key is held to: addresses, or the autonomous system of a number.
type home struct {
	addresses netip.Prefix
	system    uint32
	systemOf  func(netip.Addr) uint32 // of a system; nil where nobody knows any
}

// readHome reads a pin that names one.
func (k *Keys) readHome(pin string) (*home, error) {
	if system, ok := parseSystem(pin); ok {
		return &home{system: system, systemOf: k.SystemOf}, nil
	}
	addresses, err := netip.ParsePrefix(pin)
	return &home{addresses: addresses}, err
}

func (h *home) String() string {
	if h.system != 0 {
		return nameSystem(h.system)
	}
	return h.addresses.String()
}

// networkOf is what counts as one network: an IPv4 /24, an IPv6 /48.
func networkOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

// AtHome says whether the key is not held to another network than that of addr. One that is held to an autonomous system is at home nowhere
// while nobody knows where addr belongs.
func (l *Live) AtHome(addr netip.Addr) bool {
	h := l.home()
	switch {
	case h == nil:
		return true
	case h.system != 0:
		return h.systemOf != nil && h.systemOf(addr) == h.system
	}
	return h.addresses.Contains(addr.Unmap())
}

// home is where the key is held; nil for one that is not, or not yet.
func (l *Live) home() *home {
	if !l.pinned {
		return nil
	}
	if l.pin != nil {
		return l.pin
	}
	return l.used.pinned.Load()
}

// pinFirst holds the key to the network that it is first used from: here at once, and in its row with the next save. Where nobody knows the
// autonomous system of an address, it is held to the narrower network around it.
func (k *Keys) pinFirst(l *Live, from netip.Addr) {
	h := &home{addresses: networkOf(from)}
	if l.bySystem && k.SystemOf != nil {
		if system := k.SystemOf(from); system != 0 {
			h = &home{system: system, systemOf: k.SystemOf}
		}
	}
	if l.used.pinned.CompareAndSwap(nil, h) {
		k.uses.mu.Lock()
		defer k.uses.mu.Unlock()
		k.uses.pinned = append(k.uses.pinned, l)
	}
}

// Strayed notes that somebody who holds the key used it from another network than its own. It was refused; with the next save it is frozen,
// which is what its owner chose a pin for. An address that belongs nowhere as far as we know is refused, and proves nothing.
func (k *Keys) Strayed(l *Live, from netip.Addr) {
	if h := l.home(); h != nil && h.system != 0 && (k.SystemOf == nil || k.SystemOf(from) == 0) {
		return
	}
	k.uses.mu.Lock()
	defer k.uses.mu.Unlock()
	if k.uses.strays == nil {
		k.uses.strays = map[*Live]netip.Addr{}
	}
	if len(k.uses.strays) < maxStrays {
		k.uses.strays[l] = from
	}
}

// maxStrays bounds what waits to be frozen.
const maxStrays = 10_000

// savePins writes the networks that keys were first used from, and freezes those that were used from others.
func (k *Keys) savePins(ctx context.Context) error {
	k.uses.mu.Lock()
	pinned, strays := k.uses.pinned, k.uses.strays
	k.uses.pinned, k.uses.strays = nil, nil
	k.uses.mu.Unlock()
	var late []*Live
	var failures []error
	for _, l := range pinned {
		if err := k.savePin(ctx, l); err != nil {
			late, failures = append(late, l), append(failures, err)
		}
	}
	for l, from := range strays {
		if err := k.freezeStray(ctx, l, from); err != nil && fault.CodeOf(err) != fault.KeyNotFound {
			failures = append(failures, err)
			continue
		}
		delete(strays, l)
	}
	if len(failures) > 0 {
		k.saveLater(late, strays)
	}
	return errors.Join(failures...)
}

// saveLater gives back what could not be saved, for the next time.
func (k *Keys) saveLater(pinned []*Live, strays map[*Live]netip.Addr) {
	for l, from := range strays {
		k.Strayed(l, from)
	}
	k.uses.mu.Lock()
	defer k.uses.mu.Unlock()
	k.uses.pinned = append(pinned, k.uses.pinned...)
}

func (k *Keys) savePin(ctx context.Context, l *Live) error {
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		key, found, err := tx.KeyToChange(ctx, l.ID)
		if err != nil || !found || key.Pin != PinFirst && key.Pin != PinFirstSystem {
			return audit.Quiet(audit.KeyUsed), err
		}
		network := l.used.pinned.Load()
		if network == nil {
			return audit.Quiet(audit.KeyUsed), nil // its owner asked for a first one again
		}
		key.Pin = network.String()
		if _, err := tx.ChangeKey(ctx, key); err != nil {
			return audit.Event{}, fmt.Errorf("pin key: %w", err)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: key.ID})
		return eventOf(audit.KeyPinned, principal.System("keys"), key, factsOf(key)), nil
	})
}

func (k *Keys) freezeStray(ctx context.Context, l *Live, from netip.Addr) error {
	return k.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		p := principal.System("keys")
		key, err := k.reach(ctx, tx, p, l.ID)
		if err != nil {
			return audit.Event{}, err
		}
		won, err := tx.StopKey(ctx, key, Freeze, "used from another network", k.Now())
		return k.changed(ctx, tx, p, key, won, err, verb{audit.KeyStrayed, happening.KeyStrayed}, map[string]string{"seen": from.String()})
	})
}

// Withheld is why a key that was given a scope may not use it although it is not frozen; nil if nothing withholds it.
func (l *Live) Withheld(s scope.Scope) *fault.Error {
	switch {
	case s.Class() <= scope.Cancel:
		return nil
	case l.dormancy >= ReadOnlyUnused:
		return fault.New(fault.KeyAsleep)
	case s.Class() >= scope.Withdraw && !l.released:
		return fault.New(fault.KeyNotReleased)
	case l.effective.Has(s):
		return fault.New(fault.KeyLapsed)
	}
	return nil
}
