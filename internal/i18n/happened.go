package i18n

import (
	"maps"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Happened tells an event of the audit log with its facts. An action that this release does not know is told by its name.
func (w Words) Happened(action audit.Action, facts map[string]string) string {
	words, known := audit.Describe(action)
	text := words.English
	if w.Lang() == "ko" {
		text = words.Korean
	}
	if !known || text == "" {
		return string(action)
	}
	// What somebody confirmed, or did not: another action with its facts. Events of older releases hold the sentence itself.
	if _, old := facts["summary"]; !old && facts["action"] != "" {
		facts = maps.Clone(facts)
		facts["summary"] = w.Asked(audit.Action(facts["action"]), facts)
	}
	for _, name := range []string{"language", "proof", "asked"} {
		if word := "fact." + name + "." + facts[name]; w.Has(word) {
			facts = maps.Clone(facts)
			facts[name] = w.Say(word)
		}
	}
	return w.Fill(text, w.roles(w.spans(w.moments(facts))))
}

// moments tells the facts that are moments by the reader's calendar, in UTC.
func (w Words) moments(facts map[string]string) map[string]string {
	said := maps.Clone(facts)
	for _, name := range [...]string{"until", "ends", "retires", "from"} {
		if at, err := time.Parse(time.RFC3339, facts[name]); err == nil {
			said[name] = w.clock(at)
		}
	}
	return said
}

func (w Words) clock(at time.Time) string {
	return at.UTC().Format(w.Say("time.date_layout") + " 15:04 UTC")
}

// roles tells the facts that are roles in words.
func (w Words) roles(facts map[string]string) map[string]string {
	said := maps.Clone(facts)
	for _, name := range [...]string{"role", "from_role"} {
		if word := "fact.role." + facts[name]; w.Has(word) {
			said[name] = w.Say(word)
		}
	}
	return said
}

// spans tells the facts that are lengths of time, or names of what was changed, in words.
func (w Words) spans(facts map[string]string) map[string]string {
	if facts["changed"] != "" {
		facts = maps.Clone(facts)
		var changed []string
		for name := range strings.FieldsSeq(facts["changed"]) {
			if w.Has("edit." + name) {
				name = w.Say("edit." + name)
			}
			changed = append(changed, name)
		}
		facts["changed"] = strings.Join(changed, ", ")
	}
	overlap, err := time.ParseDuration(facts["overlap"])
	if err != nil {
		return facts
	}
	said := maps.Clone(facts)
	said["overlap"] = w.Span(overlap)
	return said
}

// Asked says what a step-up is for: the action that waits for it, with its facts. An action without a text of its own is told by its name.
func (w Words) Asked(action audit.Action, facts map[string]string) string {
	key := "asked." + string(action)
	if !w.Has(key) {
		return string(action)
	}
	said := map[string]string{}
	maps.Copy(said, w.roles(w.spans(facts)))
	if e := "fact.environment." + facts["environment"]; w.Has(e) {
		said["environment"] = w.Say(e)
	}
	var scopes []string
	for word := range strings.FieldsSeq(facts["scopes"]) {
		if w.Has("scope." + word) {
			word = w.Say("scope." + word)
		}
		scopes = append(scopes, word)
	}
	said["scopes"] = strings.Join(scopes, ", ")
	if end, err := time.Parse(time.RFC3339, facts["expires"]); err == nil {
		said["expires"] = w.Day(end)
	}
	if end, err := time.Parse(time.RFC3339, facts["retires"]); err == nil {
		said["retires"] = w.clock(end)
	}
	return w.Fill(catalogues[w.Lang()][key], said)
}

// Missing tells what an account lacks, by the code of the gap, and why that matters. Texts say how long a recovery waits with a second proof
// and with the mailbox alone; passwordless is whether nobody signs in by a password here.
func (w Words) Missing(code string, passwordless bool, proof, alone time.Duration) (title, text string) {
	key := "missing." + code
	variant := ".text"
	if code == "codes" && passwordless {
		variant = ".text_keys"
	}
	facts := []string{"proof", w.Span(proof), "alone", w.Span(alone)}
	return w.Say(key+".title", facts...), w.Say(key+variant, facts...)
}
