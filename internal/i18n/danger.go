package i18n

import (
	"maps"
	"strings"
	"time"
)

// Danger says one thing that somebody with a stolen key could do, or that stops them: a word of apikey.Danger with its facts.
func (w Words) Danger(what string, facts map[string]string) string {
	said := maps.Clone(facts)
	if at, err := time.Parse(time.RFC3339, facts["at"]); err == nil {
		said["at"] = at.UTC().Format(w.Say("time.layout"))
	}
	if scopes := facts["scopes"]; scopes != "" {
		var list []string
		for word := range strings.FieldsSeq(scopes) {
			list = append(list, w.Say("scope."+word))
		}
		said["scopes"] = strings.Join(list, ", ")
	}
	pairs := make([]string, 0, 2*len(said))
	for name, value := range said {
		pairs = append(pairs, name, value)
	}
	return w.Say("stolen."+what, pairs...)
}
