package i18n_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/sign"
)

func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("catalogue/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(raw), "\": \""); lines != len(texts) {
		t.Errorf("%s: %d lines for %d keys: a key stands twice", lang, lines, len(texts))
	}
	return texts
}

var placeholders = regexp.MustCompile(`\{[a-z_]+\}`)

func TestCataloguesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	en, ko := catalogue(t, "en"), catalogue(t, "ko")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(ko))); diff != "" {
		t.Errorf("keys of English against Korean:\n%s", diff)
	}
	for key := range en {
		of := func(text string) []string {
			return slices.Compact(slices.Sorted(slices.Values(placeholders.FindAllString(text, -1))))
		}
		if diff := cmp.Diff(of(en[key]), of(ko[key])); diff != "" {
			t.Errorf("%s: placeholders of English against Korean:\n%s", key, diff)
		}
		if en[key] == "" || ko[key] == "" {
			t.Errorf("%s has no text", key)
		}
	}
}

var (
	// joined is a particle whose form depends on the sound before it, right after a value, written in one form only.
	joined = regexp.MustCompile(`\}['"”]?(을|를|이|가|은|는|과|와|로|으로|이라|라|이며|며)([^가-힣(]|$)`)
	ending = regexp.MustCompile(`([가-힣]+)[.?]`)
)

// Korean is 합니다체 throughout: a sentence ends in -니다, -니까 or -시오. Labels, which end without a stop, may be nouns.
func TestKoreanIsFormalAndChoosesParticlesByRule(t *testing.T) {
	for key, text := range catalogue(t, "ko") {
		if joined.MatchString(text) {
			t.Errorf("%s writes one form of a particle after a value: %s", key, text)
		}
		for _, end := range ending.FindAllStringSubmatch(text, -1) {
			if !strings.HasSuffix(end[1], "니다") && !strings.HasSuffix(end[1], "니까") && !strings.HasSuffix(end[1], "시오") && !label[key] {
				t.Errorf("%s ends a sentence with %q: %s", key, end[0], text)
			}
		}
		if regexp.MustCompile(`(해요|세요|에요|예요|네요|군요|까요|나요)`).MatchString(text) {
			t.Errorf("%s is casual: %s", key, text)
		}
	}
}

// label are texts in which a stop does not end a sentence: an abbreviation, or a list of facts.
var label = map[string]bool{"asked.key.created": true, "new_key.allowlist": true, "key.name_hint": true}

// What the heuristic is for is shown to be found.
func TestTheHeuristicsFindWhatTheyLookFor(t *testing.T) {
	for text, wrong := range map[string]bool{
		"{name}을 만들었습니다.": true, "{name}을(를) 만들었습니다.": false, "“{name}”이 있습니다.": true, "{host}로 갑니다.": true, "{n}개를 지웠습니다.": false,
	} {
		if got := joined.MatchString(text); got != wrong {
			t.Errorf("%q: joined is %t", text, got)
		}
	}
}

var quoted = regexp.MustCompile(`"([a-z_0-9]+(?:\.[a-z_0-9:]+)*)"`)

// families are the keys that code puts together from a prefix and a word of a closed list.
func families() map[string][]string {
	var scopes, levels []string
	for _, s := range scope.All() {
		scopes = append(scopes, s.String())
	}
	for _, l := range []assurance.Level{assurance.Pwd, assurance.Mfa, assurance.Phr, assurance.Phrh} {
		levels = append(levels, l.String())
	}
	method := []string{}
	for _, m := range []string{"passkey", "totp", "password", "recovery_code"} {
		for _, part := range []string{"strength", "benefit", "risk"} {
			method = append(method, m+"."+part)
		}
	}
	for _, back := range []string{"another_passkey", "passkey", "password", "code", "proof_password", "proof_totp", "mailbox", "recovery_code"} {
		method = append(method, "lost."+back)
	}
	var missing []string
	for _, gap := range []string{
		"factor", "proof", "way", "way_back", "codes", "codes_kept", "claim", "leaving", "reported", "stranger", "copied", "odd", "key_open", "passkey", "second", "phrase", "codes_few", "rehearsal", "key_ends",
		"key_unused", "key_wide", "shared", "many", "check_up",
	} {
		for _, part := range []string{"title", "text", "link"} {
			missing = append(missing, gap+"."+part)
		}
	}
	missing = append(missing, "codes.text_keys")
	var questions, opens []string
	for _, kind := range []string{"session", "browser", "password", "app", "passkey", "codes", "mail", "second", "number", "key"} {
		questions = append(questions, kind+".text", kind+".yes", kind+".no")
	}
	for _, open := range []string{"sessions", "keys", "waiting", "unread", "questions"} {
		opens = append(opens, open+".one", open+".other")
		if open != "sessions" { // who reads it has one
			opens = append(opens, open+".none")
		}
	}
	exchanges := []string{
		"upbit", "bithumb", "binance", "binance-ed25519", "kraken", "okx", "bybit", "coinbase", "coinbase-ed25519", "kucoin",
	}
	kinds := append([]string{"browser", "ed25519", "hmac"}, exchanges...)
	for _, k := range slices.Clone(kinds) {
		kinds = append(kinds, k+".text")
	}
	var verbs []string
	for _, verb := range []string{"freeze", "unfreeze", "block", "unblock", "wake", "release"} {
		verbs = append(verbs, verb, verb+"_text", verb+"_do")
	}
	kinds = append(kinds, "upbit.read", "coinbase.read")
	var dialects []string
	for _, d := range sign.AllDialects() {
		dialects = append(dialects, d.String())
	}
	var kept []string
	for _, c := range privacy.Classes {
		kept = append(kept, c.ID, c.ID+".what", c.ID+".why", c.ID+".kept")
	}
	roles := []string{"owner", "trader", "viewer"}
	states := []string{"proven", "told", "waiting", "ready", "completed", "cancelled", "disputed", "rejected", "withdrawn", "lapsed"}
	return map[string][]string{
		"privacy.class.": kept,
		"recover.state.": states, "recover.next.": states[4:], "recover.kind.": {"totp", "passkey", "recovery_code", "second", "number"},
		"recover.slot.": {"statement", "statement.text", "document", "document.text", "bank", "bank.text"}, "recover.bring.": {"statement", "document", "bank"},
		"plan.loss.": {"phone", "key", "mailbox", "everything"}, "fact.proof.": {"mailbox", "password", "totp", "recovery_code", "people", "assisted"},
		"new_phone.move.": {"synced", "hybrid", "sign_in", "passkey", "app", "codes", "clean_up"}, "new_phone.go.": {"passkey", "app", "codes", "clean_up"},
		"plan.way.": {"passkey", "two", "password", "code", "proof", "proof_password", "proof_totp", "mailbox", "operators"},
		"edit.":     {"name", "purpose", "scopes", "allowlist", "expires", "on_end", "pin", "standby", "window", "settings", "vendor", "destinations", "markets", "order_most", "day_most", "per_second"}, "on_end.": {"leave", "cancel_all"},
		"stolen.": {
			"ended", "blocked", "orphan", "disabled", "dialect_off", "look", "cancel", "trade", "markets", "order_most", "day_most", "no_day_most", "withdraw", "destinations", "confirm", "unreleased",
			"session_bound", "session_look", "session_trade", "session_trade_proof", "session_no_trade", "session_no_money", "session_no_settings", "session_ends", "no_withdraw", "per_second", "rotate", "resting", "allowlist", "pinned", "pin_first", "anywhere", "lapses", "expires",
		},
		"template.": {"portfolio", "accounting", "bot", "market_maker"},
		"keylife.":  verbs, "cutover.": {"old.one", "old.other", "old_unused", "new.one", "new.other", "new_unused"},
		"scope.": scopes, "level.": levels, "methods.": method, "missing.": missing, "kind.": kinds,
		"asked.": asked(),
		"role.":  roles, "fact.role.": roles,
		"challenge.": {"stranger.title", "stranger.text", "idle.title", "idle.text", "unusual.title", "unusual.text", "elsewhere.title", "elsewhere.text", "unrenewed.title", "unrenewed.text", "demanded.title", "demanded.text"}, "demands.": {"trading", "trading_text", "settings", "settings_text"},
		"demands.make.": {"trading", "settings"}, "demands.drop.": {"trading", "settings"}, "demands.keep.": {"trading", "settings"},
		"genuine.for.": {"dashboard", "confirmations", "exchange", "programs", "elsewhere"},
		"who.":         {"nobody", "user", "system", "host"}, "fact.environment.": {"live", "test"}, "fact.key_environment.": {"live", "test"},
		"spare.": {"second", "test"}, "fact.missing.": {"two_factors", "user_verified", "phishing_resistant", "device_bound", "fresh"},
		"fact.needs.": levels, "fact.waits_for.": {"end", "notice", "unlock"},
		"fact.reasons.": {"act_questioned", "password_changed", "factor_removed", "owner_locked", "cookie_replayed", "contact_changed", "reported_session", "reported_change", "device_lost", "recovery_completed", "recovery_codes_replaced", "recovery_shortened", "session_disowned", "money_key_leaked", "money_key_found"},
		"fact.span.":    {"second", "minute"}, "fact.ceiling.": {"look", "cancel", "order"},
		"fact.dialect.": dialects, "signs.": append([]string{"ed25519", "hmac"}, exchanges...),
		"fact.language.": {"en", "ko"}, "fact.area.": {"trading", "settings"}, "fact.label.": {"primary", "backup"},
		"fact.problem.": problems(), "lab.why.": {"unsigned", "two_schemes", "bad_signature", "alg_mismatch", "wrong_dialect"},
		"seen.":          {"seen", "as", "route", "scope", "environment", "key_environment", "dialect", "problem", "server_time", "skew_ms", "window_ms", "needs"},
		"confirm.title.": {"withdraw", "destination"}, "confirm.what.": {"withdraw", "destination"}, "confirm.": {"executed", "cancelled", "expired"}, "confirmations.": {"open", "approved", "what.withdraw", "what.destination"},
		"question.": questions, "question.since.": {"session", "browser", "password", "other"}, "fact.asked.": {"session", "browser", "password", "app", "passkey", "codes", "mail", "second", "number", "key"},
		"open.": opens, "layer.": {"sessions", "sign_in", "recovery", "contact", "keys"}, "weekday.": {"0", "1", "2", "3", "4", "5", "6"},
		"tip.":          {"sessions", "methods", "password", "codes", "recovery", "keys", "new_key", "contact", "confirmations", "messages"},
		"sessions.odd.": {"two_agents", "program", "elsewhere"}, "sessions.copied_times.": {"one", "other"},
		"sessions.skipped.": {"quota_exceeded", "server_error", "unreachable"},
		"hold.reason.":      {"act_questioned", "password_changed", "factor_removed", "owner_locked", "cookie_replayed", "other", "contact_changed", "reported_session", "reported_change", "device_lost", "recovery_completed", "recovery_codes_replaced", "recovery_shortened", "session_disowned", "money_key_leaked", "money_key_found"},
		"not_me.":           {"session", "sessions", "confirmations", "hold", "key", "undo", "member", "doer", "yours"}, "place.": {"of_address", "at_address"},
		"genuine.reason.": {"our_host", "our_sender", "unreadable", "other_host", "our_name_elsewhere", "lookalike", "before_at", "not_secure", "other_port", "no_web_address", "number", "other_sender"},
		"invalid.":        {"name", "purpose", "environment", "subaccount", "scopes", "allowlist", "life", "algorithm", "public_key", "lang", "phrase", "mail", "markets", "order_most", "day_most", "per_second", "window", "settings", "vendor", "destinations", "sponsors", "owner", "to"},
	}
}

// asked are the actions that wait for a step-up: what the route that asks leaves in the audit log, of those that do several things each, and of the
// one that mails a code first what the code then does.
func asked() []string {
	actions := []string{"contact.mail_changed", "contact.second_changed", "contact.number_changed", "password.changed"}
	raw, err := os.ReadFile("../../spec/routes.tsv")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		events := strings.Split(cells[len(cells)-1], ",")
		if slices.Contains(events, "step_up.asked") && events[0] != "contact.change_asked" && !slices.Contains(actions, events[0]) {
			actions = append(actions, events[0])
		}
	}
	return actions
}

var problemWord = regexp.MustCompile(`(?:"problem", |malformed\()"([a-z_0-9]+)"|Reason = "([a-z_0-9]+)"`)

// untold are reasons of package sign that no refusal carries as its problem: they have codes of their own.
var untold = []string{
	"unsigned", "two_schemes", "too_old", "ahead", "expired", "bad_signature", "alg_mismatch", "wrong_dialect", "key_unreadable", "key_other_kind",
	"key_halves_differ", "key_weak",
}

// problems are the words that refusals name a problem by: those in the sources, and the reasons of package sign.
func problems() (words []string) {
	for _, pattern := range []string{"../*/*.go", "../*/*/*.go", "../../sign/reason.go"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil || strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range problemWord.FindAllStringSubmatch(string(raw), -1) {
				if word := m[1] + m[2]; !slices.Contains(untold, word) {
					words = append(words, word)
				}
			}
		}
	}
	return words
}

// What the public reads comes from catalogues alone: no refusal carries the text of an error.
func TestNoRefusalCarriesAnErrorsText(t *testing.T) {
	carries := regexp.MustCompile(`fault\.New\([^\n]*(\.Error\(\)|\.Message\b)`)
	for _, bad := range []string{`fault.New(fault.RequestMalformed, "problem", err.Error())`, `fault.New(c, "problem", found.Message)`} {
		if !carries.MatchString(bad) {
			t.Errorf("%s is not found", bad)
		}
	}
	for _, pattern := range []string{"../*/*.go", "../*/*/*.go"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found := carries.FindString(string(raw)); found != "" && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s: %s", file, found)
			}
		}
	}
}

// Every key is said somewhere and every key that is said exists.
func TestEveryKeyIsUsed(t *testing.T) {
	en := catalogue(t, "en")
	said := map[string]bool{}
	for _, pattern := range []string{"*.go", "../httpx/*.go", "../web/*.go", "../web/page/*.go", "../web/page/*.templ"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range quoted.FindAllStringSubmatch(string(raw), -1) {
				for _, prefix := range []string{"", "said."} {
					for _, suffix := range []string{"", ".one", ".other", ".none"} {
						said[prefix+m[1]+suffix] = true
					}
				}
			}
		}
	}
	for prefix, words := range families() {
		for _, word := range words {
			said[prefix+word] = true
			if _, ok := en[prefix+word]; !ok {
				t.Errorf("%s%s has no text", prefix, word)
			}
		}
	}
	for key := range en {
		if !said[key] {
			t.Errorf("%s is said nowhere", key)
		}
	}
}

// What templates and handlers say has a text. Keys with a variable part are those of families, above.
func TestEverySaidKeyExists(t *testing.T) {
	en := catalogue(t, "en")
	call := regexp.MustCompile(`(?:\bT|Say|before|frame|Has)\("([a-z_0-9.:]+)"[,)]`)
	comment := regexp.MustCompile(`(?m)^\s*//.*$`)
	count := regexp.MustCompile(`\.Count\("([a-z_0-9.]+)"[,)]`)
	for _, pattern := range []string{"*.go", "../httpx/*.go", "../web/*.go", "../web/page/*.templ"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			raw = comment.ReplaceAll(raw, nil)
			for _, m := range call.FindAllStringSubmatch(string(raw), -1) {
				if _, ok := en[m[1]]; !ok {
					t.Errorf("%s says %s, which has no text", file, m[1])
				}
			}
			for _, m := range count.FindAllStringSubmatch(string(raw), -1) {
				for _, form := range []string{".one", ".other"} {
					if _, ok := en[m[1]+form]; !ok {
						t.Errorf("%s counts %s, which has no form %s", file, m[1], form)
					}
				}
			}
		}
	}
}
