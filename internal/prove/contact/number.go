package contact

import (
	"context"
	"regexp"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
)

// number is E.164 (§6.2.1: a country code that begins with no zero, 15 digits at most), with its +. Nothing stands between its digits.
var number = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// nobodys are ranges of E.164 that belong to no country (ITU-T E.164.1): free and shared-cost services, satellites, networks of companies, premium rate. No
// phone that somebody is told by has such a number, and a text there costs many times as much, a part of which goes to whoever rents it.
var nobodys = regexp.MustCompile(`^\+(800|808|870|878|881|882|883|888|979)`)

// e164 reads a telephone number as +, country code and digits, 8 to 15 of them. Errors: contact.number_malformed.
func e164(text string) (string, error) {
	if !number.MatchString(text) || nobodys.MatchString(text) {
		return "", fault.New(fault.ContactNumberMalformed)
	}
	return text, nil
}

// How many texts are sent for codes in a day: each costs the platform money, and reaches whom a stranger may have chosen.
const (
	codesToUser   = 5
	codesToNumber = 3
	codesFrom     = 10
	// noticesTo is how many notices a user is texted in about a day; their mails have no bound.
	noticesTo = 20

	day = 24 * time.Hour
)

// everybody is the subject of the budget that all share: accounts and addresses of a network are cheap to whoever earns by the texts that we send.
const everybody = "everybody"

func (c *Contacts) countText(ctx context.Context, tx Tx, p principal.Principal, number string) error {
	for _, b := range []struct {
		throttle.Bucket
		most int
	}{
		{throttle.OfUser(throttle.TextCode, p.User, true), codesToUser},
		{throttle.OfStranger(throttle.TextCode, number), codesToNumber},
		{throttle.OfSource(throttle.TextCode, p.Origin.Addr), codesFrom},
	} {
		l := throttle.Limits{Free: b.most, FirstDelay: day, MaxDelay: day, Memory: day}
		if err := throttle.Count(ctx, tx, b.Bucket, l, c.Now()); err != nil {
			return err
		}
	}
	each := day / time.Duration(c.TextsADay)
	l := throttle.Limits{Free: c.TextsADay, FirstDelay: each, MaxDelay: each, Memory: day, Leak: each}
	return throttle.Count(ctx, tx, throttle.OfStranger(throttle.TextCode, everybody), l, c.Now())
}

// MayText takes a notice from what a number is texted in a day; ok is false when nothing is left of it.
func MayText(ctx context.Context, tx throttle.Tx, number string, now time.Time) (ok bool, err error) {
	l := throttle.Limits{Free: noticesTo, FirstDelay: day, MaxDelay: day, Memory: day, Leak: day / noticesTo}
	err = throttle.Count(ctx, tx, throttle.OfStranger(throttle.TextNotice, number), l, now)
	if fault.CodeOf(err) == fault.SignInThrottled {
		return false, nil
	}
	return err == nil, err
}
