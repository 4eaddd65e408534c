package web

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/web/page"
	"github.com/seed-21c57000/sallyport/sign"
)

// one shows a key with what can be done with it.
func (k *keys) one(v *visit, p page.Problem) error {
	key, err := k.listed(v)
	if err != nil {
		return err
	}
	return k.showOne(v, key, p)
}

func (k *keys) showOne(v *visit, key apikey.Key, p page.Problem) error {
	view := page.KeyLife{
		Problem: p, Key: k.card(v, key), MayWiden: v.who.Role == principal.Owner,
		Asleep: key.Dormancy >= apikey.ReadOnlyUnused, Releasable: unreleased(key), Overlaps: v.overlaps(),
	}
	for i, s := range k.keys.Cutover(key.ID) {
		view.Secrets = append(view.Secrets, v.secret(s, i == 0))
		view.Seen = view.Seen || i == 0 && !s.LastUsedAt.IsZero()
		view.Longer = append(view.Longer, v.hours(s.ExtendableBy, 1, 24, 72)...)
	}
	var err error
	if view.Holders, err = k.holders(v, key.Owner); err != nil {
		return err
	}
	if key.Algorithm.KeepsPublicHalf() {
		if view.Challenge, err = k.keys.Challenge(v.who); err != nil {
			return err
		}
		view.MakePair = makePair(nextFile, key.Dialect, key.Algorithm)
	}
	if view.Past, err = k.past(v, key); err != nil {
		return err
	}
	return v.show(page.KeyPage(v.frame("keylife.title"), view))
}

// holders are the members whom a key can be given to.
func (k *keys) holders(v *visit, owner id.User) (list []page.Option, err error) {
	circle, err := k.members.Of(v.r.Context(), v.who)
	for _, m := range circle.Members {
		if m.User != owner && !m.Disabled {
			list = append(list, page.Option{Value: m.User.String(), Text: m.Name})
		}
	}
	return list, err
}

// transfer gives the key of the address to another member.
func (k *keys) transfer(v *visit) error {
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	in, err := v.form.only("to")
	if err != nil {
		return err
	}
	to, _ := id.Parse[id.UserKind](in["to"]) // what is no id is nobody
	if _, err := k.keys.Transfer(v.r.Context(), v.who, apikey.TransferInput{Key: kid, To: to}); err != nil {
		return v.retry(err, func(p page.Problem) error { return k.one(v, p) })
	}
	v.say("key_changed")
	return v.leave("/keys/" + v.r.PathValue("id"))
}

// planPromote shows what a live key like the one of the address would be.
func (k *keys) planPromote(v *visit, p page.Problem) error {
	key, err := k.listed(v)
	if err != nil {
		return err
	}
	view := page.KeyLife{Problem: p, Key: k.card(v, key)}
	if key.Algorithm.KeepsPublicHalf() {
		if view.Challenge, err = k.keys.Challenge(v.who); err != nil {
			return err
		}
		view.MakePair = makePair(nextFile, key.Dialect, key.Algorithm)
	}
	return v.show(page.PromotePage(v.frame("promote.title"), view))
}

// promote makes a live key like the test key of the address, and shows its secret, once.
func (k *keys) promote(v *visit) error {
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	in, err := v.form.only("public_key", "challenge", "possession")
	if err != nil {
		return err
	}
	issued, err := k.keys.Promote(v.r.Context(), v.who, apikey.PromoteInput{
		Key: kid, PublicKey: in["public_key"], Challenge: in["challenge"], Possession: strings.TrimSpace(in["possession"]),
	})
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return k.planPromote(v, p) })
	}
	return k.showIssued(v, issued, time.Time{}, nextFile)
}

// makePair is the command that makes a key pair for one way of signing.
func makePair(file string, d sign.Dialect, a sign.Algorithm) string {
	command := "sallyport keygen --key-file " + file
	if d != sign.Native {
		command += " --dialect " + d.String() + " --algorithm " + a.String()
	}
	return command
}

// secret says how much one of two secrets is used.
func (v *visit) secret(s apikey.Secret, newest bool) page.Secret {
	which := "cutover.old"
	if newest {
		which = "cutover.new"
	}
	text := v.words.Count(which, s.LastMinute, "addr", s.LastUsedFrom)
	if s.LastUsedAt.IsZero() {
		text = v.words.Say(which + "_unused")
	}
	return page.Secret{Text: text, Retires: v.when(s.RetiresAt)}
}

// overlaps are how long an old secret may go on, in hours.
func (v *visit) overlaps() (list []page.Option) {
	for _, hours := range []int{0, 1, 24, 72, 168} {
		text := v.words.Span(time.Duration(hours) * time.Hour)
		if hours == 0 {
			text = v.words.Say("rotate.at_once")
		}
		list = append(list, page.Option{Value: strconv.Itoa(hours), Text: text, Chosen: hours == int(apikey.UsualOverlap.Hours())})
	}
	return list
}

// moment reads what was typed into a field for a moment, with the minutes east of UTC that script put beside it: without script moments are UTC, as
// they are shown. Empty is the zero time. Errors: request.invalid.
func moment(fields map[string]string, name string) (time.Time, error) {
	typed := fields[name]
	if typed == "" {
		return time.Time{}, nil
	}
	minutes, err := strconv.Atoi(fields[name+"_offset"])
	if err != nil || !slices.Contains(offsets, minutes) {
		return time.Time{}, fault.New(fault.RequestInvalid, "field", name)
	}
	zone := time.FixedZone("", minutes*60)
	// HTML, local date and time strings: seconds are there only where somebody gave some.
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, typed, zone); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fault.New(fault.RequestInvalid, "field", name)
}

// number reads a choice of a form. Errors: request.invalid.
func number(fields map[string]string, name string) (int, error) {
	n, err := strconv.ParseUint(fields[name], 10, 12)
	if err != nil {
		return 0, fault.New(fault.RequestInvalid, "field", name)
	}
	return int(n), nil
}

func (k *keys) rotate(v *visit) error {
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	fields, err := v.form.only("overlap", "sure", "public_key", "challenge", "possession")
	if err != nil {
		return err
	}
	hours, err := number(fields, "overlap")
	if err == nil {
		var out apikey.Rotated
		out, err = k.keys.Rotate(v.r.Context(), v.who, apikey.RotateInput{
			Key: kid, Overlap: time.Duration(hours) * time.Hour, Sure: fields["sure"] == "yes", PublicKey: fields["public_key"],
			Challenge: fields["challenge"], Possession: fields["possession"],
		})
		if err == nil {
			return k.showIssued(v, out.Issued, out.Retires, nextFile)
		}
	}
	return v.retry(err, func(p page.Problem) error { return k.one(v, p) })
}

// showIssued shows a new secret, once, and when the one before it ends. A key pair of the reader's own lies in the file.
func (k *keys) showIssued(v *visit, issued apikey.Issued, retires time.Time, own string) error {
	view := page.Created{
		Retires: v.when(retires),
		Key:     k.card(v, issued.Key), Secret: string(issued.Secret.Reveal()), Passphrase: string(issued.Passphrase.Reveal()),
		Check: k.check(own, issued.Dialect),
		APIs:  slices.DeleteFunc(slices.Clone(k.terms.apis), func(a page.API) bool { return a.Test != (issued.Environment == id.Test) }),
	}
	if view.Secret != "" {
		view.FileName = fileName(issued.Name)
		view.Check = k.check(view.FileName, issued.Dialect)
		file, err := keyFile(issued)
		if err != nil {
			return err
		}
		view.FileHref = "data:application/json;base64," + base64.StdEncoding.EncodeToString(file)
	}
	return v.show(page.CreatedPage(v.frame("created.title", "name", issued.Name), view))
}

// hours are choices of hours up to a most.
func (v *visit) hours(most time.Duration, choices ...int) (list []page.Option) {
	for _, hours := range choices {
		if span := time.Duration(hours) * time.Hour; span <= most {
			list = append(list, page.Option{Value: strconv.Itoa(hours), Text: v.words.Span(span)})
		}
	}
	return list
}

// extend lets the old secret of a rotation go on for longer.
func (k *keys) extend(v *visit) error {
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	fields, err := v.form.only("by")
	if err != nil {
		return err
	}
	hours, err := number(fields, "by")
	if err == nil {
		_, err = k.keys.Extend(v.r.Context(), v.who, apikey.ExtendInput{Key: kid, By: time.Duration(hours) * time.Hour})
	}
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return k.one(v, p) })
	}
	v.say("key_changed")
	return v.leave("/keys/" + v.r.PathValue("id"))
}

func (k *keys) retire(v *visit) error {
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	fields, err := v.form.only("sure")
	if err != nil {
		return err
	}
	if err := k.keys.Retire(v.r.Context(), v.who, kid, fields["sure"] == "yes"); err != nil {
		return v.retry(err, func(p page.Problem) error { return k.one(v, p) })
	}
	v.say("key_changed")
	return v.leave("/keys/" + v.r.PathValue("id"))
}

// stop freezes or blocks; resume takes it back.
func (k *keys) stop(s apikey.Stop) handler {
	return func(v *visit) error {
		return k.change(v, func(kid id.Key) error { return k.keys.Stop(v.r.Context(), v.who, kid, s) })
	}
}

func (k *keys) resume(s apikey.Stop) handler {
	return func(v *visit) error {
		return k.change(v, func(kid id.Key) error { return k.keys.Resume(v.r.Context(), v.who, kid, s) })
	}
}

// change does to the key of the address what a form without fields asks for.
func (k *keys) change(v *visit, do func(id.Key) error) error {
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if _, err := v.form.only(); err != nil {
		return err
	}
	if err := do(kid); err != nil {
		return v.retry(err, func(p page.Problem) error { return k.one(v, p) })
	}
	v.say("key_changed")
	return v.leave("/keys/" + v.r.PathValue("id"))
}

func (k *keys) leaked(v *visit) error {
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	fields, err := v.form.only("since", "since_offset")
	if err != nil {
		return err
	}
	since, err := moment(fields, "since")
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return k.one(v, p) })
	}
	leak, err := k.keys.Leaked(v.r.Context(), v.who, kid, since)
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return k.one(v, p) })
	}
	view := page.Leaked{Name: leak.Name, Since: v.when(since), Cut: leak.Cut}
	for _, u := range leak.Uses {
		text := strconv.FormatInt(u.Calls, 10) + "×  " + u.Addr + "  " + u.Route
		if u.Code != "" {
			text += "  " + v.words.Say("leaked.refused", "code", u.Code)
		}
		view.Uses = append(view.Uses, page.Use{Last: v.when(u.Last), Text: text})
	}
	for _, other := range leak.Others {
		view.Others = append(view.Others, page.Fact{Name: other.Name, Value: other.Text()})
	}
	return v.show(page.LeakedPage(v.frame("leaked.title", "name", leak.Name), view))
}
