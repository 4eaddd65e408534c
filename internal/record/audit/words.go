package audit

import "strings"

// Words are what an action is called for readers. {name} is replaced by the fact of that name.
type Words struct {
	// Quiet actions leave no event and have no words.
	Quiet           bool
	English, Korean string
}

// Describe finds the words of an action; the second answer is false for an action that spec/actions.tsv does not know.
func Describe(a Action) (Words, bool) {
	w, ok := actions[a]
	return w, ok
}

// Say gives the words in a language, "ko" or else English, with the facts in their places.
func (w Words) Say(lang string, facts map[string]string) string {
	text := w.English
	if lang == "ko" {
		text = w.Korean
	}
	var pairs []string
	for name, value := range facts {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
