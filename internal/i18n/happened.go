package i18n

import (
	"maps"
	"slices"
	"strings"

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
	return w.Fill(text, facts)
}

// Asked says, in this language, what a room wrote down in English for somebody to confirm: the summary of a step-up. A sentence that the
// catalogue does not know stays as it is.
func (w Words) Asked(summary string) string {
	key, values, ok := recognise("asked.", summary)
	if !ok {
		return summary
	}
	if e := "fact.environment." + values["environment"]; w.Has(e) {
		values["environment"] = w.Say(e)
	}
	var scopes []string
	for word := range strings.FieldsSeq(values["scopes"]) {
		if w.Has("scope." + word) {
			word = w.Say("scope." + word)
		}
		scopes = append(scopes, word)
	}
	values["scopes"] = strings.Join(scopes, ", ")
	if said := "confirm." + strings.TrimPrefix(key, "asked."); w.Has(said) {
		key = said
	}
	return fill(w.Lang(), catalogues[w.Lang()][key], func(name string) (string, bool) { return values[name], true })
}

// recognise finds the text of the English catalogue, among those whose keys begin with prefix, that a sentence was written from, and the
// values in it.
func recognise(prefix, sentence string) (key string, values map[string]string, ok bool) {
	english := catalogues["en"]
	for _, key := range slices.Sorted(maps.Keys(english)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if values, ok = match(english[key], sentence); ok {
			return key, values, true
		}
	}
	return "", nil, false
}

// match reads the values out of a sentence that was made from text. Each value ends where the words after its placeholder first stand.
func match(text, sentence string) (values map[string]string, ok bool) {
	values = map[string]string{}
	for {
		before, rest, more := strings.Cut(text, "{")
		if sentence, ok = strings.CutPrefix(sentence, before); !ok {
			return nil, false
		}
		if !more {
			return values, sentence == ""
		}
		name, after, _ := strings.Cut(rest, "}")
		literal, _, _ := strings.Cut(after, "{")
		end := strings.Index(sentence, literal)
		if literal == "" {
			end = len(sentence)
		}
		if end < 0 {
			return nil, false
		}
		values[name], sentence, text = sentence[:end], sentence[end:], after
	}
}
