package letter

import (
	"fmt"
	"strings"
	"time"
)

// writer collects the blocks of one letter. The first thing that goes wrong stays in err; what is written after it is not used.
type writer struct {
	language string
	words    map[string]string // catalogue key → text with {placeholders}
	product  string
	phrase   string
	links    Links
	message  string
	notMe    string
	notMeFor time.Duration
	other    bool
	zone     *time.Location

	subject string
	blocks  []block
	err     error
}

func newWriter(f Frame) *writer {
	language := f.Language
	words, known := catalogues[language]
	if !known {
		language, words = "en", catalogues["en"]
	}
	zone := f.Zone
	if zone == nil {
		zone = time.UTC
	}
	return &writer{
		language: language, words: words, product: f.Product, phrase: f.Phrase, message: f.Message, notMe: f.NotMe, notMeFor: f.NotMeFor, other: f.Other, links: f.Links,
		zone: zone,
	}
}

// say gives the text of a key, each {name} replaced by the value after that name. A key or value that is missing, or a value that is
// not asked for, is a mistake of this package.
func (w *writer) say(key string, namesAndValues ...string) string {
	text, known := w.words[key]
	if !known {
		w.fail("no words for %s", key)
	}
	var pairs []string
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		placeholder := "{" + namesAndValues[i] + "}"
		if !strings.Contains(text, placeholder) {
			w.fail("%s has no place for %s", key, placeholder)
		}
		pairs = append(pairs, placeholder, plain(namesAndValues[i+1]))
	}
	if len(pairs)/2 != strings.Count(text, "{") {
		w.fail("%s has another number of places than %d", key, len(pairs)/2)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (w *writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *writer) add(b block) { w.blocks = append(w.blocks, b) }

func (w *writer) subjectLine(key string, namesAndValues ...string) {
	w.subject = w.say(key, namesAndValues...)
}
func (w *writer) heading(key string) { w.add(heading{w.say(key)}) }
func (w *writer) note(key string, namesAndValues ...string) {
	w.add(note{w.say(key, namesAndValues...)})
}

func (w *writer) button(key, url string) { w.add(button{w.say(key), url}) }

func (w *writer) paragraph(key string, namesAndValues ...string) {
	w.add(paragraph{w.say(key, namesAndValues...)})
}

// held adds a note about a duration, if there is one.
func (w *writer) held(key string, d time.Duration) {
	if d > 0 {
		w.note(key, "duration", w.duration(d))
	}
}

// facts adds a table of the rows that have a value.
func (w *writer) facts(rows ...fact) {
	var table factTable
	for _, row := range rows {
		if row.value = plain(row.value); row.value != "" {
			table.rows = append(table.rows, row)
		}
	}
	if len(table.rows) > 0 {
		w.add(table)
	}
}

func (w *writer) sighting(s Sighting) []fact {
	return []fact{{w.say("fact.device"), s.Device}, {w.say("fact.place"), s.Place}, {w.say("fact.time"), w.moment(s.At)}}
}

func (w *writer) factor(f Factor) string { return w.say("factor." + string(f)) }

// footOfAccount ends a letter to a user: with the way to say that this was not them, if there is one.
func (w *writer) footOfAccount() {
	if w.notMe != "" {
		text := "not_me.text"
		if w.other {
			text = "not_me.text_other"
		}
		w.paragraph(text, "duration", w.duration(w.notMeFor))
		w.button("button.not_me", w.links.Origin+w.notMe)
	}
	w.foot(w.say("foot.account", "product", w.product))
}

// footOfAddress ends a letter that somebody else may have caused by typing the address.
func (w *writer) footOfAddress() {
	w.foot(w.say("foot.address", "product", w.product, "origin", w.links.Origin))
}

// foot adds the small print, led by the phrase by which the user knows our mails and by where the app holds this one.
func (w *writer) foot(reason string) {
	var lines []string
	if w.phrase != "" {
		lines = append(lines, w.say("foot.phrase", "phrase", w.phrase))
	}
	if w.message != "" {
		lines = append(lines, w.say("foot.message", "id", w.message))
	}
	w.add(foot{append(lines, reason)})
}
