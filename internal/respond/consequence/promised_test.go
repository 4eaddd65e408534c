package consequence_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/respond/consequence"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// promised is what the product says dies when, for people, written out a second time by hand: TestWhatDiesWhen asks every door for what the table
// says, and so would believe a cell that is wrong there.
var promised = map[happening.Kind]consequence.Row{
	happening.SignedOut: {This: dies},

	happening.SignedOutOthers:   {Others: dies, Leaving: dies, Notice: notify.SignedOutOthers},
	happening.SignedOutSelected: {Leaving: dies, Notice: notify.SignedOutOthers},
	happening.SignedOutAll:      {This: dies, Others: dies, Leaving: dies, Notice: notify.SignedOutEverywhere},

	happening.PasswordChanged: {This: renewed, Others: dies, Leaving: dies, Hold: aDay, Notice: notify.PasswordChanged},
	happening.FactorAdded:     {This: renewed, Notice: notify.FactorAdded},
	happening.FactorRemoved:   {This: renewed, Others: dies, Leaving: dies, Hold: aDay, Notice: notify.FactorRemoved},
	happening.ContactChanged:  {This: renewed, Others: dies, Leaving: dies, Hold: threeDays, Notice: notify.ContactChanged},

	// The codes are a way back: new ones hold money for as long as a new address does.
	happening.RecoveryCodesReplaced: {This: renewed, Others: dies, Leaving: dies, Hold: threeDays, Notice: notify.RecoveryCodesReplaced},
	happening.RecoveryShortened:     {Hold: threeDays, Notice: notify.RecoveryShortened},
	happening.RecoveryLengthened:    {Notice: notify.RecoveryLengthened},
	happening.PhraseChanged:         {Notice: notify.PhraseChanged},

	happening.DeviceLost:     {Others: consequence.Lost, Asked: dies, Leaving: dies, Hold: aDay, Notice: notify.DeviceLost},
	happening.CookieReplayed: {This: dies, Leaving: dies, Hold: aDay, Notice: notify.CookieReplayed},

	happening.RecoveryCompleted: {
		Others: dies, Keys: frozen, Brought: frozen, Asked: dies, Leaving: dies, Hold: consequence.RecoveryHold, Notice: notify.RecoveryCompleted,
	},
	happening.OwnerLocked: {
		This: dies, Others: dies, Keys: consequence.Locked, Asked: dies, Leaving: dies, Hold: consequence.UntilUnlocked, Notice: notify.AccountLocked,
	},
	happening.UserDisabled:      {This: dies, Others: dies, Keys: consequence.Blocked, Brought: frozen, Sponsored: consequence.Ending, Asked: dies, Leaving: dies},
	happening.StaffChanged:      {This: dies, Others: dies, Leaving: dies},
	happening.MembershipChanged: {This: within, Others: within, Asked: within, Notice: notify.MembershipChanged},

	happening.KeyLeaked:      {Case: true, Notice: notify.KeyLeaked},
	happening.MoneyKeyLeaked: {Case: true, Hold: aDay, Notice: notify.KeyLeaked},
	happening.KeyFound:       {Notice: notify.KeyFound},
	happening.MoneyKeyFound:  {Hold: aDay, Notice: notify.KeyFound},

	// What somebody says was not them.
	happening.Disowned:        {Brought: frozen, Asked: dies, Leaving: dies, Hold: aDay, Case: true, Notice: notify.Disowned},
	happening.ReportedSession: {This: dies, Brought: frozen, Asked: dies, Leaving: dies, Hold: aDay, Case: true, Notice: notify.Contained},
	happening.ReportedChange:  {This: dies, Others: dies, Brought: frozen, Asked: dies, Leaving: dies, Hold: aDay, Case: true, Notice: notify.Contained},
	// What somebody else did: nothing of the reader's ends, and of whoever did it what acts in that account.
	happening.ReportedOther: {Case: true, Notice: notify.ContainedOther},
	happening.ActQuestioned: {This: dies, Others: within, Asked: within, Hold: consequence.AccountHold, Notice: notify.ActQuestioned},
}

const (
	dies      = consequence.Dies
	renewed   = consequence.Renewed
	frozen    = consequence.Frozen
	within    = consequence.Within
	aDay      = consequence.CredentialHold
	threeDays = consequence.ContactHold
)

// TestTheTableIsWhatWasPromised compares each cell.
func TestTheTableIsWhatWasPromised(t *testing.T) {
	for _, kind := range slices.Sorted(maps.Keys(promised)) {
		if diff := cmp.Diff(promised[kind], consequence.Table()[kind]); diff != "" {
			t.Errorf("%s (-promised +table):\n%s", kind, diff)
		}
	}
}

// TestEveryRowButTheseOnlyTells: a row that nobody promised takes nothing from anybody, but for claims of an account.
func TestEveryRowButTheseOnlyTells(t *testing.T) {
	for kind, row := range consequence.Table() {
		if _, ok := promised[kind]; ok {
			continue
		}
		only := consequence.Row{Notice: row.Notice}
		switch kind { //nolint:exhaustive // the others only tell
		case happening.LimitedSignIn:
			only.Lapses = true
		case happening.RecoveryClaimed, happening.RecoveryDisputed:
			only.Leaving = dies
		case happening.RecoveryCancelled:
			only.Leaving, only.Case = dies, true
		}
		if diff := cmp.Diff(only, row); diff != "" {
			t.Errorf("%s (-only tells +table):\n%s", kind, diff)
		}
	}
}

// TestEveryFactHasALetterOfItsOwn: somebody who reads one learns which thing happened. Some things are one fact to their reader.
func TestEveryFactHasALetterOfItsOwn(t *testing.T) {
	silent := map[happening.Kind]bool{
		happening.SignedOut: true, happening.StaffChanged: true, happening.UserDisabled: true, happening.UserEnabled: true,
		happening.RecoveryClaimed: true, // package recovery tells of it, each day
	}
	same := map[happening.Kind]happening.Kind{
		happening.SignedOutSelected: happening.SignedOutOthers, happening.ReportedChange: happening.ReportedSession,
		happening.MoneyKeyLeaked: happening.KeyLeaked, happening.MoneyKeyFound: happening.KeyFound,
	}
	of := map[notify.Letter]happening.Kind{}
	for kind, row := range consequence.Table() {
		if silent[kind] != (row.Notice == "") {
			t.Errorf("%s: its letter is %q", kind, row.Notice)
		}
		if first, ok := same[kind]; ok {
			kind = first
		}
		if before, ok := of[row.Notice]; ok && before != kind && row.Notice != "" {
			t.Errorf("%s and %s have one letter, %q", before, kind, row.Notice)
		}
		of[row.Notice] = kind
	}
}
