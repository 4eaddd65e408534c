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

// Recognise finds the text of the English catalogue, among those whose keys begin with prefix, that an English sentence was written from,
// and the values in it. It lets a sentence that another package wrote down in English be said in Korean: Say(key, values).
func Recognise(prefix, sentence string) (key string, values map[string]string, ok bool) {
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
