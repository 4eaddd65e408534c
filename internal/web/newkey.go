package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/web/page"
	"github.com/seed-21c57000/sallyport/sign"
)

// wanted is the form of a new key as it was filled in.
type wanted struct {
	fields map[string]string
	scopes []string
}

func readWanted(f form) (wanted, error) {
	w := wanted{scopes: f.takeAll("scopes")}
	var err error
	w.fields, err = f.only("name", "purpose", "environment", "subaccount", "allowlist", "here", "life", "kind", "public_key", "possession", "challenge",
		"template", "on_end", "pin", "standby", "markets", "order_most", "day_most", "per_second", "window", "owner", "vendor", "destinations", "settings")
	return w, err
}

// publicHalf is what was pasted, if it is a public key. Anything else may be the private half by mistake, and is not shown again.
func (w wanted) publicHalf() string {
	for _, a := range []sign.Algorithm{sign.Ed25519, sign.ES256} {
		if _, err := sign.PublicKeyFor(a, w.fields["public_key"]); err == nil {
			return w.fields["public_key"]
		}
	}
	return ""
}

// addresses are those of a field, one a line.
func addresses(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ' ' || r == '\t' })
}

// allowlist is what the field holds, with the reader's own address where they ticked it.
func (w wanted) allowlist(here string) []string {
	list := addresses(w.fields["allowlist"])
	if w.fields["here"] == "yes" && here != "" {
		list = append(list, here)
	}
	return list
}

// input turns words into what the room takes. Errors: request.invalid for a word that is none.
func (w wanted) input(here string) (in apikey.IssueInput, err error) {
	in = apikey.IssueInput{
		Name: w.fields["name"], Purpose: w.fields["purpose"], Scopes: w.scopes, Allowlist: w.allowlist(here),
		Challenge: w.fields["challenge"], Template: w.fields["template"], OnEnd: apikey.OnEnd(w.fields["on_end"]), Standby: w.fields["standby"] == "yes",
		Vendor: w.fields["vendor"], Settings: w.settings(),
	}
	if in.Bounds, err = w.bounds(); err != nil {
		return in, err
	}
	if owner := w.fields["owner"]; owner != "" {
		if in.Owner, err = id.Parse[id.UserKind](owner); err != nil {
			return in, fault.New(fault.RequestInvalid, "field", "owner")
		}
	}
	if in.Destinations, err = w.destinations(); err != nil {
		return in, err
	}
	if in.Window, err = w.window(); err != nil {
		return in, err
	}
	if in.Environment, err = id.ParseEnvironment(w.fields["environment"]); err != nil {
		return in, fault.New(fault.RequestInvalid, "field", "environment")
	}
	if err := in.Subaccount.UnmarshalText([]byte(w.fields["subaccount"])); err != nil {
		return in, fault.New(fault.RequestInvalid, "field", "subaccount")
	}
	if in.Life, err = lifeOf(w.fields["life"]); err != nil {
		return in, err
	}
	for _, kind := range kinds {
		if kind.name == w.fields["kind"] {
			in.Dialect, in.Algorithm = kind.dialect, kind.algorithm
		}
	}
	if in.Algorithm == sign.Ed25519 {
		in.Pin = w.fields["pin"]
	}
	if in.Algorithm.KeepsPublicHalf() {
		in.PublicKey, in.Possession = w.fields["public_key"], strings.TrimSpace(w.fields["possession"])
	} else {
		in.Challenge = ""
	}
	return in, nil
}

// settings are the words of the field.
func (w wanted) settings() []string { return strings.Fields(w.fields["settings"]) }

// bounds are those of the form. Errors: request.invalid.
func (w wanted) bounds() (b apikey.Bounds, err error) {
	b = apikey.Bounds{Markets: addresses(w.fields["markets"]), OrderMost: w.fields["order_most"], DayMost: w.fields["day_most"]}
	if text := w.fields["per_second"]; text != "" {
		if b.PerSecond, err = strconv.Atoi(text); err != nil {
			return b, fault.New(fault.RequestInvalid, "field", "per_second")
		}
	}
	return b, nil
}

// destinations are those of the field, one a line. Errors: request.invalid.
func (w wanted) destinations() (list []apikey.Destination, err error) {
	for line := range strings.Lines(w.fields["destinations"]) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		d, err := apikey.ParseDestination(line)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// window is how old signatures may be, in seconds; empty for as old as the way of signing allows. Errors: request.invalid.
func (w wanted) window() (time.Duration, error) {
	text := w.fields["window"]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || n == 0 {
		return 0, fault.New(fault.RequestInvalid, "field", "window")
	}
	return time.Duration(n) * time.Second, nil
}

// boundsView shows the bounds as they were filled in.
func (w wanted) boundsView(p page.Problem) page.Bounds {
	return page.Bounds{
		Problem: p, Markets: w.fields["markets"], OrderMost: w.fields["order_most"], DayMost: w.fields["day_most"], PerSecond: w.fields["per_second"],
	}
}

func (k *keys) plan(v *visit) error {
	m, err := k.factors.Of(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	if m.Strongest() < assurance.Mfa {
		return fault.New(fault.AssuranceTooLow, "needs", assurance.Mfa.String(), "missing", assurance.Words(v.who.Proof.Missing(assurance.Mfa)))
	}
	w := wanted{fields: map[string]string{"environment": k.terms.environment.String(), "kind": "hmac"}, scopes: scope.ReadOnly.Words()}
	if t, ok := apikey.TemplateNamed(v.r.URL.Query().Get("template")); ok {
		w.scopes, w.fields["template"], w.fields["on_end"] = t.Scopes.Words(), t.Name, string(t.OnEnd)
	}
	return k.showForm(v, w, page.Problem{})
}

// showForm shows the form as it was filled in, with a fresh challenge for a key pair of the reader's own.
func (k *keys) showForm(v *visit, w wanted, p page.Problem) error {
	challenge, err := k.keys.Challenge(v.who)
	if err != nil {
		return err
	}
	view := page.NewKey{
		Problem: p, Name: w.fields["name"], Purpose: w.fields["purpose"], Kind: w.fields["kind"], Scopes: k.scopeChoices(v, w.scopes),
		Environments: v.environments(w.fields["environment"]), Lives: k.lives(v, w.fields["life"]), Allowlist: w.fields["allowlist"],
		HereToo: w.fields["here"] == "yes", Here: v.rec.Addr.String(), PublicKey: w.publicHalf(), Challenge: challenge,
		Exchanges: k.exchanges(v), Pairs: k.pairs(),
		Unpinned: v.words.Span(k.terms.limits.UnpinnedTradeLife), Check: k.check("{file}", sign.Native), APIs: k.terms.apis,
		Lapses: v.words.Say("summary.lapses", "span", v.words.Span(k.terms.limits.UnpinnedTradeLife)),
	}
	view.Bounds = w.boundsView(p)
	view.Templates, view.Template = v.templates(w.fields["template"]), w.fields["template"]
	view.Vendor, view.Destinations, view.Settings = w.fields["vendor"], w.fields["destinations"], w.fields["settings"]
	view.Windows = v.windows(w.fields["window"])
	view.OnEnds, view.Pins, view.Standby = v.onEnds(w.fields["on_end"]), k.pins(v, w.fields["pin"], ""), w.fields["standby"] == "yes"
	if view.Owners, err = k.owners(v, w.fields["owner"]); err != nil {
		return err
	}
	if view.Subaccounts, err = k.subaccounts(v, w.fields["subaccount"]); err != nil {
		return err
	}
	return v.show(page.NewKeyPage(v.frame("keys.new"), view))
}

// owners are the reader and the service users of the account; nothing to choose where there are none.
func (k *keys) owners(v *visit, chosen string) (list []page.Option, err error) {
	circle, err := k.members.Of(v.r.Context(), v.who)
	for _, m := range circle.Members {
		if m.Machine != nil {
			list = append(list, page.Option{Value: m.User.String(), Text: m.Name, Chosen: m.User.String() == chosen})
		}
	}
	if len(list) > 0 {
		list = append([]page.Option{{Text: v.who.Name, Chosen: chosen == ""}}, list...)
	}
	return list, err
}

// exchanges lists the ways of other exchanges that keys are made for, with what the operator made of those that cover too little to trade.
func (k *keys) exchanges(v *visit) (list []page.Exchange) {
	for _, kind := range kinds {
		limit := k.terms.limits.Dialects[kind.dialect]
		if kind.dialect == sign.Native || limit.Off {
			continue
		}
		e := page.Exchange{Kind: kind.name}
		switch reads := kind.dialect.Coverage().Ceiling() == sign.CeilingRead; {
		case reads && limit.Lifted:
			e.Hint = v.words.Say("kind.lifted")
		case reads:
			e.Hint = v.words.Say("kind." + kind.dialect.String() + ".read")
		}
		list = append(list, e)
	}
	return list
}

// pairs are the commands that make the key pairs that can be pasted, one for each way of signing that takes one.
func (k *keys) pairs() (list []page.Pair) {
	for _, kind := range kinds {
		if kind.algorithm.KeepsPublicHalf() && !k.terms.limits.Dialects[kind.dialect].Off {
			list = append(list, page.Pair{Kind: kind.name, Make: makePair(ownFile, kind.dialect, kind.algorithm)})
		}
	}
	return list
}

// scopeChoices lists what a member of this role can hand to a key.
func (k *keys) scopeChoices(v *visit, words []string) (list []page.Scope) {
	chosen := map[string]bool{}
	for _, word := range words {
		chosen[word] = true
	}
	for _, s := range v.who.Scopes.UpTo(scope.Withdraw).List() {
		list = append(list, page.Scope{
			Word: s.String(), Text: v.words.Say("scope." + s.String()), Acts: s.Class() > scope.Cancel, Chosen: chosen[s.String()],
		})
	}
	return list
}

func (v *visit) environments(chosen string) (list []page.Option) {
	for _, e := range []id.Environment{id.Live, id.Test} {
		list = append(list, page.Option{Value: e.String(), Text: v.words.Say("environment." + e.String()), Chosen: e.String() == chosen})
	}
	return list
}

// lifeOf reads a choice of lives, in seconds as the JSON API takes them; zero for none. Errors: request.invalid.
func lifeOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return 0, fault.New(fault.RequestInvalid, "field", "life")
	}
	return time.Duration(n) * time.Second, nil
}

// lives are the lives to choose from, as far as the cap goes; empty takes the policy's.
func (k *keys) lives(v *visit, chosen string) []page.Option {
	l := k.terms.limits
	list := []page.Option{{Text: v.words.Say("new_key.life_usual", "life", v.words.Span(l.Life), "read", v.words.Span(l.ReadOnlyLife)), Chosen: chosen == ""}}
	for _, life := range slices.Concat([]time.Duration{time.Hour, 8 * time.Hour}, wholeDays) {
		if life <= l.MaxLife {
			list = append(list, lifeOption(life, chosen, v.words.Span(life)))
		}
	}
	return list
}

// wholeDays are the lives in days that forms offer.
var wholeDays = []time.Duration{1 * day, 7 * day, 30 * day, 90 * day, 180 * day, 365 * day}

const day = 24 * time.Hour

func lifeOption(life time.Duration, chosen, text string) page.Option {
	value := strconv.Itoa(int(life / time.Second))
	return page.Option{Value: value, Text: text, Chosen: chosen == value}
}

func (k *keys) subaccounts(v *visit, chosen string) (list []page.Option, err error) {
	all, err := k.accounts.Subaccounts(v.r.Context(), v.who)
	for _, s := range all {
		if !s.ClosedAt.IsZero() {
			continue
		}
		list = append(list, page.Option{Value: s.ID.String(), Text: v.subaccount(s), Chosen: s.ID.String() == chosen || chosen == "" && s.Main})
	}
	return list, err
}

func (k *keys) create(v *visit) error {
	w, err := readWanted(v.form)
	if err != nil {
		return err
	}
	in, err := w.input(v.rec.Addr.String())
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return k.showForm(v, w, p) })
	}
	issued, err := k.keys.Issue(v.r.Context(), v.who, in)
	if err != nil {
		return v.retry(err, func(p page.Problem) error {
			if p.Code == string(fault.SignInExpired) {
				p.Title, p.Fix, p.Field, p.Hint = v.words.Say("pasted.old"), v.words.Say("pasted.old_fix"), "possession", v.words.Say("pasted.old")
			}
			return k.showForm(v, w, p)
		})
	}
	return k.showIssued(v, issued, time.Time{}, ownFile)
}

// ownFile is where "sallyport keygen" has put a key pair of the reader's own, as the form says; nextFile is where it has put the one that takes
// the place of another.
const (
	ownFile  = "key.json"
	nextFile = "key-new.json"
)

// check is the command that tries a key: it asks who the key is, which every key may. A browser saves what the whole machine can read, so the
// file is closed first.
func (k *keys) check(file string, d sign.Dialect) string {
	method := http.MethodGet
	if d == sign.Kraken { // which signs nothing but POST
		method = http.MethodPost
	}
	return "chmod 600 " + file + " && sallyport call " + method + " " + k.terms.origin + "/v1/session --key-file " + file
}

// keyFile is what the command line reads a key from. The script writes the same for a key pair that it made.
func keyFile(k apikey.Issued) ([]byte, error) {
	file, err := json.MarshalIndent(client.KeyFile{
		KeyID: k.Text(), Algorithm: k.Algorithm.String(), Secret: string(k.Secret.Reveal()), Passphrase: string(k.Passphrase.Reveal()), Dialect: k.Dialect.String(), Environment: k.Environment.String(),
		Scopes: k.Scopes.Words(), Settings: k.Dialect.SettingsWords(k.Settings),
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write key file: %w", err)
	}
	return append(file, '\n'), nil
}

// fileName makes a file's name of a key's.
func fileName(name string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			out.WriteRune(r)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	if short := strings.Trim(out.String(), "-"); short != "" {
		return short + ".json"
	}
	return "sallyport-key.json"
}

// details say what a key will be beyond its summary, for the one who confirms it.
func (k *keys) details(v *visit, f form) (list []page.Fact) {
	w, err := readWanted(f)
	if err != nil {
		return nil
	}
	add := func(key, value string) { list = append(list, page.Fact{Name: v.words.Say(key), Value: value}) }
	add("key.purpose", w.fields["purpose"])
	list = append(list, k.rest(v, w)...)
	if vendor := w.fields["vendor"]; vendor != "" {
		add("key.vendor", vendor)
	}
	if allow := w.allowlist(v.rec.Addr.String()); len(allow) > 0 {
		add("key.allowlist", strings.Join(allow, ", "))
	} else {
		add("key.allowlist", v.words.Say("key.anywhere"))
	}
	if list, err := w.destinations(); err == nil && len(list) > 0 {
		add("key.destinations", strings.Join(destinationTexts(list), ", "))
	}
	add("key.signs", v.words.Say("kind."+w.fields["kind"]))
	if window, err := w.window(); err == nil && window > 0 {
		add("key.window", v.words.Span(window))
	}
	if words := w.settings(); len(words) > 0 {
		add("key.settings", strings.Join(words, " "))
	}
	if k.lapses(w, v.rec.Addr.String()) {
		add("scope.orders:write", v.words.Say("summary.lapses", "span", v.words.Span(k.terms.limits.UnpinnedTradeLife)))
	}
	if b, err := w.bounds(); err == nil {
		list = append(list, v.boundFacts(b)...)
	}
	return list
}

// rest are what else the form lets its reader choose, each by its label, as newkey.ts says it while the form is filled in.
func (k *keys) rest(v *visit, w wanted) (list []page.Fact) {
	choices := map[string][]page.Option{"on_end": v.onEnds(w.fields["on_end"]), "pin": k.pins(v, w.fields["pin"], "")}
	choices["owner"], _ = k.owners(v, w.fields["owner"]) // what cannot be listed is refused later
	choices["subaccount"], _ = k.subaccounts(v, w.fields["subaccount"])
	for _, field := range []struct{ name, label string }{
		{"owner", "new_key.owner"}, {"subaccount", "key.subaccount"}, {"on_end", "key.on_end"}, {"pin", "key.pin"},
	} {
		for _, o := range choices[field.name] {
			if o.Value != "" && o.Value == w.fields[field.name] {
				list = append(list, page.Fact{Name: v.words.Say(field.label), Value: o.Text})
			}
		}
	}
	if w.fields["standby"] == "yes" {
		list = append(list, page.Fact{Name: v.words.Say("key.standby"), Value: v.words.Say("key.standby_hint")})
	}
	if t, ok := apikey.TemplateNamed(w.fields["template"]); ok {
		list = append(list, page.Fact{Name: v.words.Say("key.template"), Value: v.words.Say("template." + t.Name)})
	}
	return list
}

// lapses says whether a key that is asked for would trade for its first days only. What cannot be read is refused later.
func (k *keys) lapses(w wanted, here string) bool {
	in, err := w.input(here)
	return err == nil && slices.Contains(in.Scopes, scope.OrdersWrite.String()) &&
		!apikey.Key{Allowlist: make([]netip.Prefix, len(in.Allowlist)), Pin: in.Pin, Algorithm: in.Algorithm, Bounds: in.Bounds}.Tied()
}

// boundFacts says the bounds of a key.
func (v *visit) boundFacts(b apikey.Bounds) (list []page.Fact) {
	perSecond := ""
	if b.PerSecond > 0 {
		perSecond = strconv.Itoa(b.PerSecond)
	}
	for _, f := range []page.Fact{
		{Name: "key.markets", Value: strings.Join(b.Markets, ", ")},
		{Name: "key.order_most", Value: b.OrderMost},
		{Name: "key.day_most", Value: b.DayMost},
		{Name: "key.per_second", Value: perSecond},
	} {
		if f.Value != "" {
			list = append(list, page.Fact{Name: v.words.Say(f.Name), Value: f.Value})
		}
	}
	return list
}
