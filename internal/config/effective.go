package config

import (
	"fmt"
	"reflect"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Setting is one value in force, and where it comes from.
type Setting struct {
	Key   string
	Value string
	// Origin is "default", "file:LINE" or "env NAME".
	Origin string
	// Doc says what the setting does, and Bounds what it accepts in this installation, if that is a range or a list of words.
	Doc, Bounds string
}

// Effective lists every value in force, in the order of the reference page.
func (c Config) Effective() []Setting {
	return c.effective(nil, schema(), "", reflect.ValueOf(c))
}

func (c Config) effective(list []Setting, settings []setting, prefix string, from reflect.Value) []Setting {
	for _, s := range settings {
		path, value := prefix+s.key, from.Field(s.field)
		switch {
		case s.children != nil && s.list:
			for i := range value.Len() {
				list = c.effective(list, s.children, fmt.Sprintf("%s[%d].", path, i), value.Index(i))
			}
		case s.children != nil:
			list = c.effective(list, s.children, path+".", value)
		default:
			origin := c.origins[path]
			if origin == "" {
				origin = "default"
			}
			list = append(list, Setting{
				Key: path, Value: format(value), Origin: origin, Doc: s.doc, Bounds: s.bounds(c.Environment == id.Test),
			})
		}
	}
	return list
}
