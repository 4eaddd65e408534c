// Package i18n owns the words of the pages in English and Korean, and how values are set into a sentence: particles, plurals, times.
//
// It has no knowledge of the domain: what a sentence is about is the business of whoever asks for it by its key. Texts lie in
// catalogue/en.json and catalogue/ko.json under the same keys with the same placeholders.
//
// Invariant: a sentence is one text of the catalogue with values set in; none is glued together from parts. A Korean particle after a
// value is chosen by the value's last sound, or both forms stay where the sound cannot be known.
package i18n

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// Pseudo is the language of tests: every text of the English catalogue in brackets, with accents and a third longer, so that a text that
// does not come from the catalogue, or a box that is too narrow, shows. No request can choose it.
const Pseudo = "en-XA"

//go:embed catalogue/en.json catalogue/ko.json
var files embed.FS

// catalogues maps language → key → text.
var catalogues = func() map[string]map[string]string {
	all := map[string]map[string]string{"en": load("en"), "ko": load("ko"), Pseudo: {}}
	for key, text := range all["en"] {
		all[Pseudo][key] = pseudo(text)
	}
	return all
}()

// load panics on a catalogue that cannot be read: it is embedded, so only a mistake of ours can break it.
func load(lang string) map[string]string {
	raw, err := files.ReadFile("catalogue/" + lang + ".json")
	if err != nil {
		panic(err)
	}
	var texts map[string]string
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&texts); err != nil { //nolint:forbidigo // not from the wire: it is embedded
		panic(fmt.Sprintf("i18n: catalogue %s: %v", lang, err))
	}
	return texts
}

// Words are the texts of one language. The zero value speaks English.
type Words struct{ lang string }

// In gives the words of a language: "en" or "ko"; any other reads English, because a page in a foreign language is better than none.
func In(lang string) Words {
	if _, ok := catalogues[lang]; ok {
		return Words{lang}
	}
	return Words{"en"}
}

// Lang is the language, for the lang attribute of what is written with these words.
func (w Words) Lang() string {
	if w.lang == "" {
		return "en"
	}
	return w.lang
}

// Say gives the text of a key with values set in: Say("greeting", "name", "Kim"). A key that does not exist comes back in brackets,
// which the tests of the pages find.
func (w Words) Say(key string, pairs ...string) string {
	text, ok := catalogues[w.Lang()][key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	return fill(w.Lang(), text, lookup(pairs))
}

// Has says whether there is a text of that key.
func (w Words) Has(key string) bool {
	_, ok := catalogues[w.Lang()][key]
	return ok
}

// Count is Say for a number n of things, which is set in as {n}: the text key.one for exactly one, key.none for none where there is one, else
// key.other.
func (w Words) Count(key string, n int, pairs ...string) string {
	form := ".other"
	switch {
	case n == 1:
		form = ".one"
	case n == 0 && w.Has(key+".none"):
		form = ".none"
	}
	return w.Say(key+form, append(pairs, "n", fmt.Sprint(n))...)
}

// Fill sets facts into a text that comes from another registry (errors, actions), as Say does into its own.
func (w Words) Fill(text string, facts map[string]string) string {
	return fill(w.Lang(), text, func(name string) (string, bool) {
		value, ok := facts[name]
		return value, ok
	})
}

// Title is what a code of spec/errors.tsv means, without the facts of one refusal; the code itself if this release does not know it.
func (w Words) Title(code fault.Code) string {
	entry, known := fault.Lookup(code)
	text := entry.English
	switch {
	case !known:
		return string(code)
	case w.Lang() == "ko":
		text = entry.Korean
	}
	return fill(w.Lang(), text, func(string) (string, bool) { return "…", true })
}

// Facts says the facts of a refusal as their reader knows them: a value that is a word of a closed list (fact.NAME.WORD) in this language,
// with the other facts set into it, and any other as it is.
func (w Words) Facts(fields map[string]any) map[string]string {
	facts := make(map[string]string, len(fields))
	for name, value := range fields {
		if words, ok := value.([]string); ok {
			value = w.list("fact."+name+".", words)
		}
		facts[name] = fmt.Sprint(value)
	}
	said := make(map[string]string, len(facts))
	for name, value := range facts {
		if text, ok := catalogues[w.Lang()]["fact."+name+"."+value]; ok {
			value = w.Fill(text, facts)
		}
		said[name] = value
	}
	return said
}

// list says the words of a closed list, one after the other.
func (w Words) list(prefix string, words []string) string {
	said := make([]string, len(words))
	for i, word := range words {
		said[i] = word
		if text, ok := catalogues[w.Lang()][prefix+word]; ok {
			said[i] = text
		}
	}
	return strings.Join(said, ", ")
}

func lookup(pairs []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// fill replaces each {name} that has a value, from left to right: braces inside a value are not looked at.
func fill(lang, text string, value func(name string) (string, bool)) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		v, known := value(name)
		if !closed || !known {
			out.WriteByte('{')
			text = rest
			continue
		}
		out.WriteString(v)
		if text = after; lang == "ko" {
			particle, length := particleAfter(v, after)
			out.WriteString(particle)
			text = after[length:]
		}
	}
}

var accents = strings.NewReplacer("a", "á", "e", "ë", "i", "ï", "o", "ø", "u", "ü", "y", "ý", "A", "Á", "E", "Ë", "I", "Ï", "O", "Ø", "U", "Ü",
	"c", "ç", "n", "ñ", "s", "š")

// pseudo disguises a text and leaves its placeholders alone.
func pseudo(text string) string {
	var out strings.Builder
	out.WriteString("⟨")
	for {
		before, rest, ok := strings.Cut(text, "{")
		out.WriteString(accents.Replace(before))
		if !ok {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		out.WriteString("{" + name + "}")
		text = after
	}
	out.WriteString(strings.Repeat("·", out.Len()/4) + "⟩")
	return out.String()
}
