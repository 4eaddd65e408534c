package letter

import (
	"embed"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

//go:embed catalogue/*.json
var catalogueFiles embed.FS

// catalogues maps language → key → text.
var catalogues = map[string]map[string]string{"en": readCatalogue("en"), "ko": readCatalogue("ko")}

func readCatalogue(language string) map[string]string {
	raw, err := catalogueFiles.ReadFile("catalogue/" + language + ".json")
	if err != nil {
		panic("letter: " + err.Error())
	}
	var words map[string]string
	if err := json.Unmarshal(raw, &words); err != nil {
		panic("letter: catalogue " + language + ": " + err.Error())
	}
	return words
}

// maxValue is how many characters of a value are shown.
const maxValue = 120

// plain makes a value fit to be shown on one line: control and format characters (line breaks, direction overrides) become spaces,
// runs of space become one, and what is longer than maxValue is cut.
func plain(value string) string {
	value = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, value)
	value = strings.Join(strings.Fields(value), " ")
	if runes := []rune(value); len(runes) > maxValue {
		value = string(runes[:maxValue-1]) + "…"
	}
	return value
}

// moment writes a time in the user's zone, which it always names: 2026년 11월 21일 18:05 (KST). The zero time is no value.
func (w *writer) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(w.zone)
	zone := t.Format("MST")
	if zone[0] == '+' || zone[0] == '-' {
		zone = "UTC" + zone
	}
	layout := "2 January 2006, 15:04"
	if w.language == "ko" {
		layout = "2006년 1월 2일 15:04"
	}
	return t.Format(layout) + " (" + zone + ")"
}

// duration writes a span in the largest unit that keeps it whole, with hours up to three days, as people speak of holds: 10 minutes,
// 24 hours, 7 days. Parts of a minute count as one.
func (w *writer) duration(d time.Duration) string {
	minutes := int64((d + time.Minute - 1) / time.Minute)
	n, unit := minutes, "minute"
	switch {
	case minutes%(24*60) == 0 && minutes > 72*60:
		n, unit = minutes/(24*60), "day"
	case minutes%60 == 0 && minutes > 0:
		n, unit = minutes/60, "hour"
	}
	number := "other"
	if n == 1 {
		number = "one"
	}
	return w.say("duration."+unit+"."+number, "n", strconv.FormatInt(n, 10))
}
