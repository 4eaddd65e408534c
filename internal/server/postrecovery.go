package server

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/agent"
	"github.com/seed-21c57000/sallyport/internal/mail/letter"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// writeRecovery writes the notices about ways back, and those about what somebody is in an account.
func writeRecovery(lang string, m notify.Message, seen letter.Sighting) (letter.Letter, error) {
	wait, waitErr := time.ParseDuration(cmp.Or(m.Facts["wait"], "0s"))
	ends, endsErr := timeOf(m.Facts["ends"])
	until, untilErr := timeOf(m.Facts["until"])
	err := errors.Join(waitErr, endsErr, untilErr)
	switch m.Letter { //nolint:exhaustive // the others are written before this is asked
	case notify.RecoveryCode:
		return letter.RecoveryCode{ValidFor: recovery.MailCodeLife, Seen: seen}, nil
	case notify.MailboxTrial:
		return letter.MailboxTrial{ValidFor: recovery.MailCodeLife, Seen: seen}, nil
	case notify.RecoveryCodesReplaced:
		return letter.RecoveryCodesReplaced{Seen: seen, Hold: m.Held}, nil
	case notify.RecoveryWaiting:
		return letter.RecoveryWaiting{Wait: wait, Ends: ends, Seen: seen}, err
	case notify.RecoveryReady:
		return letter.RecoveryReady{Until: until}, err
	case notify.RecoveryCancelled:
		return letter.RecoveryCancelled{Seen: seen}, nil
	case notify.RecoveryDisputed:
		return letter.RecoveryDisputed{Seen: seen}, nil
	case notify.RecoveryOpened:
		return letter.RecoveryOpened{}, nil
	case notify.RecoveryRejected:
		return letter.RecoveryRejected{}, nil
	case notify.RecoveryCompleted:
		return letter.RecoveryCompleted{Seen: seen, Hold: m.Held, Second: m.Facts[notify.DroppedSecond], Number: m.Facts[notify.DroppedNumber]}, nil
	case notify.RecoveryShortened:
		return letter.RecoveryShortened{Wait: wait, Seen: seen, Hold: m.Held}, err
	case notify.RecoveryLengthened:
		return letter.RecoveryLengthened{Wait: wait, Seen: seen}, err
	case notify.PhraseChanged:
		return letter.PhraseChanged{Seen: seen}, nil
	case notify.DeviceLost:
		return letter.DeviceLost{Device: agent.Describe(m.Facts["lost"]).Words(lang), Passkeys: m.Facts["passkeys"], Seen: seen, Hold: m.Held}, nil
	}
	if m.Letter == notify.DemandMade || m.Letter == notify.DemandDropped {
		return letter.Demand{Area: m.Facts["area"], Until: until, Seen: seen}, untilErr
	}
	switch m.Letter { //nolint:exhaustive // as above
	case notify.MembershipChanged:
		return letter.MembershipChanged{Account: m.Facts["account_name"], Role: m.Facts["role"]}, nil
	case notify.MemberUnfrozen:
		return letter.MemberUnfrozen{Mail: m.Facts["mail"], Role: m.Facts["role"], Seen: seen}, nil
	case notify.ContainedOther:
		return letter.ContainedOther{Seen: seen, Questioned: m.Facts["questioned"] != ""}, nil
	case notify.ActQuestioned:
		return letter.ActQuestioned{Member: m.Facts["member"], Account: m.Facts["account_name"], Reported: m.Facts["reported"], Seen: seen, Hold: m.Held}, nil
	case notify.MemberInvited, notify.MemberJoined:
		return letter.MemberComing{Mail: m.Facts["mail"], Role: m.Facts["role"], Joined: m.Letter == notify.MemberJoined, Seen: seen}, nil
	case notify.MemberFrozen:
		return letter.MemberFrozen{Account: m.Facts["account_name"]}, nil
	case notify.KeysLeft:
		return letter.KeysLeft{Member: m.Facts["member"], Keys: m.Facts["keys"], Services: m.Facts["services"], Disabled: m.Facts["disabled"] != "", Ends: ends}, err
	case notify.SponsorsChanged:
		return letter.SponsorsChanged{Machine: m.Facts["member"], One: m.Facts["sponsor_one"], Two: m.Facts["sponsor_two"], Seen: seen}, nil
	}
	from, err := timeOf(m.Facts["from"])
	if m.Letter == notify.UserRaised || m.Letter == notify.UserLowered {
		return letter.HighValue{From: from}, err
	}
	return nil, fmt.Errorf("no letter is written for %q", m.Letter)
}

// timeOf reads a time of a fact; a missing one is the zero time.
func timeOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, text)
}
