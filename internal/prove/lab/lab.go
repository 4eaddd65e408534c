// Package lab owns the signing lab: what a pasted request is signed over, here, beside what its sender signed.
//
// It does not know doors or routes, and whether the request would be let through: it spends no nonce, counts no use and takes from no budget.
// Bytes and algorithms are those of package sign, keys those of package apikey.
//
// Invariant: it speaks of test keys of the asker's own account, and of no others: a key that is not one of these, and one that does not exist,
// are the same to it.
package lab

import (
	"errors"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// Keys is what this package asks of package apikey.
type Keys interface {
	Find(k id.Key) *apikey.Live
}

// Opener opens sealed secrets; see keyring.
type Opener interface {
	AppendOpen(dst, aad, sealed []byte) ([]byte, error)
}

// Lab explains signatures. It is safe for concurrent use.
type Lab struct {
	now    func() time.Time
	keys   Keys
	opener Opener
}

// New makes a Lab.
func New(now func() time.Time, keys Keys, opener Opener) *Lab { return &Lab{now, keys, opener} }

// Input is what somebody pastes.
type Input struct {
	// Request as Read takes it.
	Request string
	// Yours is the text that the sender signed, as far as it is known; empty is not compared.
	Yours string
}

// Explanation is how a request looks from here.
type Explanation struct {
	Method, Authority, Target string
	Dialect                   sign.Dialect
	KeyID                     string
	// ToSign is what the signature has to be over, empty where the request cannot be read so far.
	ToSign string
	// Hashed is the text under query_hash, in the dialects that have one.
	Hashed string
	// Problems are what is wrong, the first that a check would meet first; none means that the signature holds.
	Problems []Problem
	// SignedAt is the time in the signature, zero where it has none; Skew how far it was ahead of the clock here.
	SignedAt time.Time
	Skew     time.Duration
	// Compared says that there was something to compare with; Differs then is the place of the first byte in which ToSign and Yours differ,
	// -1 if they are the same.
	Compared bool
	Differs  int
	Yours    string
}

// Problem is one thing that is wrong with a signature: the reason of package sign, and the header, parameter or claim that is meant.
type Problem struct {
	Reason sign.Reason
	Seen   string
}

// Explain says how a request signed with a test key looks from here. Errors: request.malformed for what Read refuses, lab.no_test_key.
func (l *Lab) Explain(p principal.Principal, in Input) (Explanation, error) {
	r, err := Read(in.Request)
	if err != nil {
		return Explanation{}, err
	}
	return Explain(r, in.Yours, l.now(), func(text string) (Key, bool) { return l.testKey(p, text) })
}

// testKey finds a test key that the asker may ask about: of their account, or the very key that asks.
func (l *Lab) testKey(p principal.Principal, text string) (k Key, ok bool) {
	kid, environment, err := id.ParseKey(text)
	if err != nil || environment != id.Test {
		return k, false
	}
	live := l.keys.Find(kid)
	switch {
	case live == nil || !live.Is(text) || live.Account != p.Account:
		return k, false
	case p.Kind == principal.KindKey && p.Key != kid:
		return k, false
	}
	k = Key{Dialect: live.Dialect, Settings: live.Settings}
	for i := range live.Materials {
		m := &live.Materials[i]
		material := sign.Key{Dialect: live.Dialect, Algorithm: live.Algorithm, Material: m.Bytes}
		if m.Sealed {
			if material.Material, err = l.opener.AppendOpen(nil, apikey.MaterialPlace(kid, m.Version).AAD(), m.Bytes); err != nil {
				return k, false
			}
		}
		k.Secrets = append(k.Secrets, material)
	}
	return k, true
}

// Key is a key as this package needs it. Its secrets are read and cleared.
type Key struct {
	Dialect  sign.Dialect
	Settings sign.Settings
	Secrets  []sign.Key
}

// Explain is the comparison itself, for who holds the key: find gives the key of an id, or false where it may not be spoken of.
// Errors: lab.no_test_key.
func Explain(r sign.Request, yours string, now time.Time, find func(id string) (Key, bool)) (Explanation, error) {
	e := Explanation{Method: r.Method, Authority: r.Authority, Target: r.Target, Yours: yours, Differs: -1}
	sig, err := sign.Parse(&r)
	if err != nil {
		e.note(err)
		return e, nil
	}
	key, known := find(sig.KeyID)
	if !known {
		return Explanation{}, fault.New(fault.LabNoTestKey)
	}
	e.Dialect, e.KeyID = key.Dialect, sig.KeyID
	e.note(hold(&sig, &r, key))
	e.note(sig.CheckBody(&r, key.Settings))
	if sig.Timed() {
		e.SignedAt, e.Skew = sig.Created, sig.Skew(now)
	}
	e.ToSign = string(sig.AppendBase(nil, &r))
	e.Hashed, _ = sig.HashedText(&r, key.Settings) // what is wrong with it was noted above
	if yours != "" {
		e.Compared, e.Differs = true, FirstDifference(e.ToSign, yours)
	}
	return e, nil
}

// hold says whether one of the key's secrets made the signature.
func hold(sig *sign.Signature, r *sign.Request, key Key) (err error) {
	for _, secret := range key.Secrets {
		err = sig.Verify(r, secret)
		if !secret.Algorithm.KeepsPublicHalf() {
			clear(secret.Material)
		}
		if sign.ReasonOf(err) != sign.BadSignature {
			return err
		}
	}
	return err
}

func (e *Explanation) note(err error) {
	if err == nil {
		return
	}
	problem := Problem{Reason: sign.ReasonOf(err)}
	if refused, ok := errors.AsType[*sign.Error](err); ok {
		problem.Seen = line.Visible(refused.Seen)
	}
	e.Problems = append(e.Problems, problem)
}

// FirstDifference is the place of the first byte in which two texts differ, which for one that goes on is where the other ends; -1 if they are
// the same.
func FirstDifference(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return min(len(a), len(b))
}
