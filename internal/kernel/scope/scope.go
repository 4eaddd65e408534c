// Package scope owns the catalogue of scopes and the classes of actions they open.
//
// A Set is a small value: it can be intersected, never widened by accident, and it is stored as the words of its scopes.
//
// Invariant: the intersection of two sets is never wider than either.
package scope

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// ErrUnknown is the answer to a word that names no scope or class.
var ErrUnknown = errors.New("unknown scope or class")

// Scope is one permission a key, token or role can hold.
type Scope uint8

// The catalogue. Names are in scopeNames; what each means in plain words is in the catalogues of the pages.
const (
	// BalancesRead sees balances.
	BalancesRead Scope = iota
	// OrdersRead sees orders and fills.
	OrdersRead
	// OrdersCancel takes orders back; it reduces risk and is never refused for lack of ceremony.
	OrdersCancel
	// OrdersWrite places orders.
	OrdersWrite
	// TransfersRead sees deposits and withdrawals.
	TransfersRead
	// WithdrawalsWrite sends money out.
	WithdrawalsWrite
	// ActivityRead sees what happened in the account.
	ActivityRead
	// KeysRead sees the list of API keys, never a secret.
	KeysRead
	count
)

// None stands where being there is enough; no set holds it.
const None Scope = 255

var scopeNames = [count]string{
	BalancesRead: "balances:read", OrdersRead: "orders:read", OrdersCancel: "orders:cancel", OrdersWrite: "orders:write",
	TransfersRead: "transfers:read", WithdrawalsWrite: "withdrawals:write", ActivityRead: "activity:read", KeysRead: "keys:read",
}

// String is the scope's word, as in spec/routes.tsv and on the wire.
func (s Scope) String() string {
	switch {
	case s < count:
		return scopeNames[s]
	case s == None:
		return ""
	}
	return "unknown"
}

// Class is the highest power of the scope.
func (s Scope) Class() Class {
	switch s {
	case OrdersCancel:
		return Cancel
	case OrdersWrite:
		return Order
	case WithdrawalsWrite:
		return Withdraw
	default:
		return Look
	}
}

// Parse reads the word of one scope. Errors: ErrUnknown.
func Parse(word string) (Scope, error) {
	for s, name := range scopeNames {
		if name == word {
			return Scope(s), nil
		}
	}
	return 0, ErrUnknown
}

// All lists the catalogue in its order.
func All() []Scope {
	all := make([]Scope, count)
	for i := range all {
		all[i] = Scope(i)
	}
	return all
}

// Set is a set of scopes. The zero value holds none.
type Set uint64

// ReadOnly is what a key gets when its maker chooses nothing.
const ReadOnly = Set(1<<BalancesRead | 1<<OrdersRead | 1<<TransfersRead)

// Of makes a set.
func Of(scopes ...Scope) Set {
	var set Set
	for _, s := range scopes {
		set |= 1 << s
	}
	return set
}

// Everything is the whole catalogue.
func Everything() Set { return 1<<count - 1 }

// Has says whether the set holds s.
func (set Set) Has(s Scope) bool { return s < count && set&(1<<s) != 0 }

// Intersect keeps what both hold.
func (set Set) Intersect(other Set) Set { return set & other }

// UpTo keeps the scopes whose class is at most the ceiling.
func (set Set) UpTo(ceiling Class) Set {
	if int(ceiling) >= len(upTo) {
		return 0
	}
	return set & upTo[ceiling]
}

// upTo maps class → all scopes whose class is not above it.
var upTo = func() (table [Withdraw + 1]Set) {
	for class := range table {
		for s := range count {
			if s.Class() <= Class(class) {
				table[class] |= 1 << s
			}
		}
	}
	return table
}()

// Highest is the class of the strongest scope in the set; an empty set is Public.
func (set Set) Highest() Class {
	highest := Public
	for _, s := range set.List() {
		highest = max(highest, s.Class())
	}
	return highest
}

// List gives the scopes in the catalogue's order.
func (set Set) List() []Scope {
	list := make([]Scope, 0, bits.OnesCount64(uint64(set)))
	for s := range count {
		if set.Has(s) {
			list = append(list, s)
		}
	}
	return list
}

// Words gives the words of the scopes, in the catalogue's order.
func (set Set) Words() []string {
	words := []string{}
	for _, s := range set.List() {
		words = append(words, s.String())
	}
	return words
}

// String joins the words with spaces, the form that is stored and sent (RFC 6749 §3.3).
func (set Set) String() string { return string(set.Append(nil)) }

// Append appends what String writes.
func (set Set) Append(b []byte) []byte {
	for rest := uint64(set & Everything()); rest != 0; rest &= rest - 1 {
		if rest != uint64(set&Everything()) {
			b = append(b, ' ')
		}
		b = append(b, scopeNames[bits.TrailingZeros64(rest)]...)
	}
	return b
}

// ParseSet reads words that each name one scope. Errors: ErrUnknown, also for a word that comes twice.
func ParseSet(words []string) (Set, error) {
	var set Set
	for _, word := range words {
		s, err := Parse(word)
		if err != nil || set.Has(s) {
			return 0, ErrUnknown
		}
		set |= 1 << s
	}
	return set, nil
}

// ParseString reads what String wrote. Errors: ErrUnknown.
func ParseString(s string) (Set, error) {
	if s == "" {
		return 0, nil
	}
	return ParseSet(strings.Split(s, " "))
}

// Class is what an action may do at worst, in the order of harm. Routes, ceilings and policies speak of classes.
type Class uint8

// The classes, harmless first. Values order them and are never stored as numbers.
const (
	// Public needs nobody: market data.
	Public Class = iota
	// Look reads private facts.
	Look
	// Cancel reduces risk.
	Cancel
	// Order trades.
	Order
	// Setting changes how the account is guarded.
	Setting
	// Destination adds a place money can go to.
	Destination
	// Withdraw sends money out.
	Withdraw
)

var classNames = [...]string{
	Public: "public", Look: "look", Cancel: "cancel", Order: "order", Setting: "setting", Destination: "destination", Withdraw: "withdraw",
}

// String is the class's word.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// ParseClass reads the word of a class. Errors: ErrUnknown, with the words that there are.
func ParseClass(word string) (Class, error) {
	for c, name := range classNames {
		if name == word {
			return Class(c), nil
		}
	}
	return 0, fmt.Errorf("%w: want one of %s", ErrUnknown, strings.Join(classNames[:], ", "))
}

// MarshalText writes the class's word.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word of a class.
func (c *Class) UnmarshalText(b []byte) (err error) {
	*c, err = ParseClass(string(b))
	return err
}
