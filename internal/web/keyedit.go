package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/web/page"
	"github.com/seed-21c57000/sallyport/sign"
)

// planEdit shows the form that changes a key, as the key is.
func (k *keys) planEdit(v *visit) error {
	key, err := k.listed(v)
	if err != nil {
		return err
	}
	return k.showEdit(v, key, wanted{scopes: key.Scopes.Words(), fields: map[string]string{
		"name": key.Name, "purpose": key.Purpose, "allowlist": strings.Join(networkTexts(key), "\n"), "on_end": string(key.OnEnd), "pin": key.Pin,
		"standby": map[bool]string{true: "yes"}[key.Standby], "markets": strings.Join(key.Bounds.Markets, "\n"),
		"order_most": key.Bounds.OrderMost, "day_most": key.Bounds.DayMost, "per_second": perSecond(key), "window": windowText(key), "vendor": key.Vendor,
		"settings":     strings.Join(key.Dialect.SettingsWords(key.Settings), " "),
		"destinations": strings.Join(destinationTexts(key.Destinations), "\n"),
	}}, page.Problem{})
}

// showEdit shows it as it was filled in.
func (k *keys) showEdit(v *visit, key apikey.Key, w wanted, p page.Problem) error {
	view := page.KeyEdit{
		Problem: p, ID: key.Text(), Name: key.Name, Vendor: w.fields["vendor"], Destinations: w.fields["destinations"], NewName: w.fields["name"], Purpose: w.fields["purpose"], Allowlist: w.fields["allowlist"],
		Scopes: k.scopeChoices(v, w.scopes), Lives: k.newEnds(v, key, w.fields["life"]), OnEnds: v.onEnds(w.fields["on_end"]),
		Standby: w.fields["standby"] == "yes", Bounds: w.boundsView(p), HasSettings: key.Dialect.HasSettings(), Settings: w.fields["settings"],
	}
	if k.keys.Window(key) > 0 {
		view.Windows = v.windows(w.fields["window"])
	}
	if key.Algorithm == sign.Ed25519 {
		view.Pins = k.pins(v, w.fields["pin"], key.Pin)
	}
	return v.show(page.KeyEditPage(v.frame("edit.title"), view))
}

// newEnds are the ends to choose from: as it is, and in so many days.
func (k *keys) newEnds(v *visit, key apikey.Key, chosen string) []page.Option {
	keep := v.words.Say("edit.life_keep", "expires", v.words.Day(key.ExpiresAt))
	list := []page.Option{{Text: keep, Chosen: chosen == ""}}
	for _, life := range wholeDays {
		if life <= k.terms.limits.MaxLife {
			list = append(list, lifeOption(life, chosen, v.words.Say("edit.life_in", "life", v.words.Span(life))))
		}
	}
	return list
}

// edit changes a key. The form says all of it, so what is as it was is left out: another session may have changed it meanwhile.
func (k *keys) edit(v *visit) error {
	key, err := k.listed(v)
	if err != nil {
		return err
	}
	w := wanted{scopes: v.form.takeAll("scopes")}
	if w.fields, err = v.form.only("name", "purpose", "allowlist", "life", "on_end", "pin", "standby", "markets", "order_most", "day_most", "per_second", "window", "vendor", "destinations", "settings"); err != nil {
		return err
	}
	in, err := w.change(key, v.now)
	if err == nil {
		_, err = k.keys.Edit(v.r.Context(), v.who, in)
	}
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return k.showEdit(v, key, w, p) })
	}
	v.say("key_changed")
	return v.leave("/keys/" + key.Text())
}

// narrow takes away from a key the scopes that its page named as not needed. What is left asks for nothing.
func (k *keys) narrow(v *visit) error {
	key, err := k.listed(v)
	if err != nil {
		return err
	}
	away, err := scope.ParseSet(v.form.takeAll("scopes"))
	if err != nil {
		return fault.New(fault.RequestInvalid, "field", "scopes")
	}
	if _, err := v.form.only(); err != nil {
		return err
	}
	left := (key.Scopes &^ away).Words()
	if _, err := k.keys.Edit(v.r.Context(), v.who, apikey.EditInput{Key: key.ID, Scopes: &left}); err != nil {
		return v.retry(err, func(p page.Problem) error { return k.one(v, p) })
	}
	v.say("key_changed")
	return v.leave("/keys/" + key.Text())
}

// change is what the form says other than the key. Errors: request.invalid.
func (w wanted) change(key apikey.Key, now time.Time) (in apikey.EditInput, err error) {
	in.Key = key.ID
	differs := func(field, is string) *string {
		if text := w.fields[field]; text != is {
			return &text
		}
		return nil
	}
	in.Name, in.Purpose = differs("name", key.Name), differs("purpose", key.Purpose)
	in.Vendor = differs("vendor", key.Vendor)
	in.OnEnd = (*apikey.OnEnd)(differs("on_end", string(key.OnEnd)))
	if key.Algorithm == sign.Ed25519 {
		in.Pin = differs("pin", key.Pin)
	}
	if strings.Join(w.scopes, " ") != key.Scopes.String() {
		in.Scopes = &w.scopes
	}
	destinations, err := w.destinations()
	if err != nil {
		return in, err
	}
	if !slices.EqualFunc(destinations, key.Destinations, apikey.Destination.Is) {
		in.Destinations = &destinations
	}
	if list := addresses(w.fields["allowlist"]); strings.Join(list, " ") != strings.Join(networkTexts(key), " ") {
		in.Allowlist = &list
	}
	bounds, err := w.bounds()
	if err != nil {
		return in, err
	}
	if !bounds.Equal(key.Bounds) {
		in.Bounds = &bounds
	}
	window, err := w.window()
	if err != nil {
		return in, err
	}
	if window != key.WindowPast {
		in.Window = &window
	}
	if words := w.settings(); strings.Join(words, " ") != strings.Join(key.Dialect.SettingsWords(key.Settings), " ") {
		in.Settings = &words
	}
	if standby := w.fields["standby"] == "yes"; standby != key.Standby {
		in.Standby = &standby
	}
	life, err := lifeOf(w.fields["life"])
	if life > 0 {
		// To the hour, so that the form that comes back with a proof says the same.
		end := now.Truncate(time.Hour).Add(life)
		in.ExpiresAt = &end
	}
	return in, err
}

// destinationTexts are the lines of a list of destinations.
func destinationTexts(list []apikey.Destination) (lines []string) {
	for _, d := range list {
		lines = append(lines, d.String())
	}
	return lines
}

// windowText is the key's own window as its field has it.
func windowText(key apikey.Key) string {
	if key.WindowPast == 0 {
		return ""
	}
	return strconv.Itoa(int(key.WindowPast / time.Second))
}

// windows are how old signatures may be, in seconds, with the one that is chosen.
func (v *visit) windows(chosen string) []page.Option {
	list := []page.Option{{Text: v.words.Say("key.window_usual"), Chosen: chosen == ""}}
	seconds := []int{1, 2, 5, 10, 30, 60}
	if n, err := strconv.Atoi(chosen); err == nil && n > 0 && !slices.Contains(seconds, n) {
		seconds = append(seconds, n)
		slices.Sort(seconds)
	}
	for _, n := range seconds {
		value := strconv.Itoa(n)
		list = append(list, page.Option{Value: value, Text: v.words.Span(time.Duration(n) * time.Second), Chosen: value == chosen})
	}
	return list
}

func perSecond(key apikey.Key) string {
	if key.Bounds.PerSecond == 0 {
		return ""
	}
	return strconv.Itoa(key.Bounds.PerSecond)
}

// listed is the key of the address, if the reader may see it.
func (k *keys) listed(v *visit) (apikey.Key, error) {
	kid, err := k.keys.Named(v.r.PathValue("id"))
	if err != nil {
		return apikey.Key{}, err
	}
	all, err := k.keys.List(v.r.Context(), v.who)
	if err != nil {
		return apikey.Key{}, err
	}
	return keyIn(all, kid)
}

func keyIn(all []apikey.Key, kid id.Key) (apikey.Key, error) {
	for _, key := range all {
		if key.ID == kid {
			return key, nil
		}
	}
	return apikey.Key{}, fault.New(fault.KeyNotFound)
}

// networkTexts are an allowlist's lines; a single address is written as one.
func networkTexts(key apikey.Key) (list []string) {
	for _, network := range key.Allowlist {
		text := network.String()
		if network.IsSingleIP() {
			text = network.Addr().String()
		}
		list = append(list, text)
	}
	return list
}

// templates are the usual kinds of keys.
func (v *visit) templates(chosen string) (list []page.Option) {
	for _, t := range apikey.Templates() {
		list = append(list, page.Option{Value: t.Name, Text: v.words.Say("template." + t.Name), Chosen: t.Name == chosen})
	}
	return list
}

// onEnds are what can happen to open orders.
func (v *visit) onEnds(chosen string) (list []page.Option) {
	for _, end := range []apikey.OnEnd{apikey.LeaveOrders, apikey.CancelOrders} {
		list = append(list, page.Option{Value: string(end), Text: v.words.Say("on_end." + string(end)), Chosen: string(end) == chosen})
	}
	return list
}

// pins are the networks that a key can be held to: none, the first, the reader's own, and the one it has.
func (k *keys) pins(v *visit, chosen, has string) (list []page.Option) {
	values := []string{"", apikey.PinFirst}
	here := k.keys.SystemAround(v.rec.Addr)
	if here != "" || has == apikey.PinFirstSystem {
		values = append(values, apikey.PinFirstSystem)
	}
	if here != "" && here != has {
		values = append(values, here)
	}
	if has != "" && has != apikey.PinFirst && has != apikey.PinFirstSystem {
		values = append(values, has)
	} else if here := v.rec.Addr; here.IsValid() {
		values = append(values, here.String())
	}
	for _, value := range values {
		text := v.pinned(value)
		if value == "" {
			text = v.words.Say("pin.none")
		}
		list = append(list, page.Option{Value: value, Text: text, Chosen: value == chosen})
	}
	return list
}

// pinned says what a key is held to; nothing for nothing.
func (v *visit) pinned(pin string) string {
	switch pin {
	case "":
		return ""
	case apikey.PinFirst:
		return v.words.Say("pin.first")
	case apikey.PinFirstSystem:
		return v.words.Say("pin.first_as")
	}
	return v.words.Say("pin.network", "network", pin)
}
