package config

import (
	"encoding"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// setting is one key of the file as the tags of its struct field describe it: a value, a list of values, a section, or a list of
// blocks that look alike.
type setting struct {
	key   string // its name within the section
	path  string // its name from the root; a block of a list is written []
	field int    // the index of the struct field
	typ   reflect.Type
	list  bool
	// children are the settings of a section, or of each block of a list.
	children []setting

	doc, defaults, derived string
	words                  []string // the accepted words, if there is a list of them
	min, max, testMin      string
	required               bool
}

// schema is read from the tags once. It holds no configuration.
var schema = sync.OnceValue(func() []setting { return settingsOf(reflect.TypeFor[Config](), "") })

func settingsOf(section reflect.Type, prefix string) []setting {
	var settings []setting
	for i := range section.NumField() {
		field := section.Field(i)
		if !field.IsExported() {
			continue
		}
		tag := field.Tag.Get
		s := setting{
			key: tag("key"), path: prefix + tag("key"), field: i, typ: field.Type,
			doc: tag("doc"), defaults: tag("default"), derived: tag("derived"), words: strings.Fields(tag("oneof")),
			min: tag("min"), max: tag("max"), testMin: tag("testmin"), required: tag("required") == "true",
		}
		if s.list = field.Type.Kind() == reflect.Slice; s.list {
			s.typ = field.Type.Elem()
		}
		if s.typ.Kind() == reflect.Struct && !isText(s.typ) {
			s.children = settingsOf(s.typ, s.within())
		}
		settings = append(settings, s)
	}
	return settings
}

// isText says whether a type reads itself from text, and so is a value and not a section.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// within is what the paths of the children begin with.
func (s setting) within() string {
	if s.list {
		return s.path + "[]."
	}
	return s.path + "."
}

// variable is the environment variable that overrides the setting; none where there may be many of it.
func (s setting) variable() string {
	if s.children != nil || strings.Contains(s.path, "[]") {
		return ""
	}
	return prefix + strings.ToUpper(strings.ReplaceAll(s.path, ".", "_"))
}

// bounds says in words what values are accepted, with the bounds of a test installation or of a live one.
func (s setting) bounds(test bool) string {
	low := s.min
	if test && s.testMin != "" {
		low = s.testMin
	}
	switch {
	case len(s.words) > 0:
		return strings.Join(s.words, " | ")
	case s.max != "":
		return low + " to " + s.max
	}
	return ""
}

// parse reads one value of the setting's type. The error says what to write instead.
func (s setting) parse(text string) (reflect.Value, error) {
	value := reflect.New(s.typ).Elem()
	if len(s.words) > 0 && !slices.Contains(s.words, text) {
		return value, fmt.Errorf("write one of %s", strings.Join(s.words, ", "))
	}
	switch into := value.Addr().Interface().(type) {
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return value, fmt.Errorf("write a duration in h, m, s or ms, such as 30m or 12h")
		}
		*into = d
	case *netip.Prefix:
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() {
			return value, fmt.Errorf("write a network as prefix, such as 10.0.0.0/8 or 192.0.2.7/32")
		}
		*into = p
	case *bool:
		if text != "true" && text != "false" {
			return value, fmt.Errorf("write true or false")
		}
		*into = text == "true"
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return value, fmt.Errorf("write a whole number")
		}
		*into = n
	case encoding.TextUnmarshaler:
		return value, into.UnmarshalText([]byte(text))
	default:
		value.SetString(text)
	}
	return value, nil
}

// outside says whether a value leaves the bounds, and whether a test installation would be allowed it.
func (s setting) outside(value reflect.Value, test bool) (outside, testOnly bool) {
	if s.max == "" {
		return false, false
	}
	low, high := s.mustParse(s.min).Int(), s.mustParse(s.max).Int()
	if s.testMin != "" {
		relaxed := s.mustParse(s.testMin).Int()
		testOnly = value.Int() >= relaxed && value.Int() < low
		if test {
			low = relaxed
		}
	}
	return value.Int() < low || value.Int() > high, testOnly
}

// mustParse reads a bound or a default from a tag; only a programmer can get one wrong.
func (s setting) mustParse(text string) reflect.Value {
	value, err := s.parse(text)
	if err != nil {
		panic(fmt.Sprintf("tag of %s: %q: %v", s.path, text, err))
	}
	return value
}

// format writes a value as it would stand in the file.
func format(value reflect.Value) string {
	switch v := value.Interface().(type) {
	case time.Duration:
		return formatDuration(v)
	case fmt.Stringer:
		return v.String()
	}
	if value.Kind() == reflect.Slice {
		words := make([]string, value.Len())
		for i := range words {
			words[i] = format(value.Index(i))
		}
		return strings.Join(words, ", ")
	}
	return fmt.Sprint(value.Interface())
}
