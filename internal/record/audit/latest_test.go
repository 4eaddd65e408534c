package audit_test

import (
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// A stranger who hammers a key drives out what strangers were refused, and nothing that its holder was.
func TestStrangersDriveOutNothingOfTheHolder(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tally := audit.NewTally(&page{}, func() time.Time { return now }, nil)
	ada := principal.Principal{Kind: principal.KindUser, User: id.New[id.UserKind](now), Account: id.New[id.AccountKind](now)}
	eve := principal.Principal{Kind: principal.KindUser, User: id.New[id.UserKind](now), Account: id.New[id.AccountKind](now)}
	main, apart := id.New[id.SubaccountKind](now), id.New[id.SubaccountKind](now)
	keep := func(who principal.Principal, proven bool) id.Request {
		r := id.New[id.RequestKind](now)
		tally.Refused(audit.Kept{
			Refusal: audit.Refusal{Person: who.User, Account: who.Account, Key: id.Key{1}, Reason: "signature.mismatch"}, Request: r, At: now,
			Subaccount: main, Proven: proven,
		}, principal.Principal{})
		return r
	}
	own, first := keep(ada, true), keep(ada, false)
	var last id.Request
	for range 500 {
		last = keep(ada, false)
	}
	session := id.New[id.RequestKind](now)
	tally.Refused(audit.Kept{
		Refusal: audit.Refusal{Person: ada.User, Account: ada.Account, Reason: "forbidden"}, Request: session, At: now, Subaccount: main, Proven: true,
	}, principal.Principal{})
	for name, row := range map[string]struct {
		who   principal.Principal
		r     id.Request
		found bool
	}{
		"the holder's":         {ada, own, true},
		"the first stranger":   {ada, first, false},
		"the last stranger":    {ada, last, true},
		"of somebody else":     {eve, last, false},
		"of nobody":            {principal.Principal{}, last, false},
		"one that never was":   {ada, id.New[id.RequestKind](now), false},
		"to a key beside":      {principal.Principal{Kind: principal.KindKey, Account: ada.Account, User: ada.User, Subaccount: main}, last, true},
		"to a key elsewhere":   {principal.Principal{Kind: principal.KindKey, Account: ada.Account, User: ada.User, Subaccount: apart}, last, false},
		"a session's to a key": {principal.Principal{Kind: principal.KindKey, Account: ada.Account, Subaccount: main}, session, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, found := tally.Why(row.who, row.r); found != row.found {
				t.Errorf("found %t", found)
			}
		})
	}
	for range 30_000 { // of as many people
		keep(principal.Principal{User: id.New[id.UserKind](now), Account: id.New[id.AccountKind](now)}, false)
	}
	if _, found := tally.Why(ada, last); found {
		t.Error("memory has no bound")
	}
}

// One person with many keys drives out nothing of others.
func TestOnePersonDrivesOutNobody(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tally := audit.NewTally(&page{}, func() time.Time { return now }, nil)
	ada := principal.Principal{Kind: principal.KindUser, User: id.New[id.UserKind](now), Account: id.New[id.AccountKind](now)}
	eve := principal.Principal{Kind: principal.KindUser, User: id.New[id.UserKind](now), Account: id.New[id.AccountKind](now)}
	keep := func(who principal.Principal, k id.Key) id.Request {
		r := id.New[id.RequestKind](now)
		tally.Refused(audit.Kept{Refusal: audit.Refusal{Person: who.User, Account: who.Account, Key: k, Reason: "key.scope_missing"}, Request: r, At: now, Proven: true}, principal.Principal{})
		return r
	}
	own := keep(ada, id.Key{1})
	for n := range 101 {
		for range 100 {
			keep(eve, id.Key{2, byte(n)})
		}
	}
	if _, found := tally.Why(ada, own); !found {
		t.Error("one person's refusals drove out another's")
	}
}
