package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// prefix begins the name of every variable that is ours.
const prefix = "SALLYPORT_"

// Load reads the file at path and lets environ, in the form of os.Environ, override it. Every setting that the file leaves out
// has its default.
//
// Errors: *Error with all problems at once, each with key, line, value, bound and reason; or why the file could not be read.
func Load(path string, environ []string) (Config, error) {
	c, err := read(file.Provider(path), environ)
	if e, ok := errors.AsType[*Error](err); ok {
		e.Path = path
	}
	return c, err
}

// Parse is Load on the text of a file.
func Parse(text []byte, environ []string) (Config, error) { return read(source(text), environ) }

// source is a koanf.Provider for text that is already here.
type source []byte

// ReadBytes gives the text.
func (s source) ReadBytes() ([]byte, error) { return s, nil }

// Read is the half of koanf.Provider for sources that need no parser.
func (s source) Read() (map[string]any, error) { return nil, errors.ErrUnsupported }

// read lays the environment over the file and decodes the result along the schema.
func read(from koanf.Provider, environ []string) (Config, error) {
	layers := koanf.New(".")
	doc := document{lines: map[string]int{}}
	if err := layers.Load(from, &doc); err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	d := decoder{lines: doc.lines, variables: map[string]string{}, texts: map[string]string{}, problems: doc.problems}
	overrides := env.Provider(".", env.Opt{
		Prefix: prefix, EnvironFunc: func() []string { return environ }, TransformFunc: d.override,
	})
	if err := layers.Load(overrides, nil); err != nil {
		return Config{}, fmt.Errorf("config: environment: %w", err)
	}
	if !doc.broken {
		d.section(schema(), "", layers.Raw(), reflect.ValueOf(&d.config).Elem())
		d.config.derive()
		d.check()
	}
	d.config.origins = d.origins()
	if len(d.problems) > 0 {
		return Config{}, &Error{Problems: sorted(d.problems)}
	}
	return d.config, nil
}

// decoder turns the text of both layers into typed values, and collects what is wrong with them.
type decoder struct {
	config    Config
	lines     map[string]int    // path → line of the file
	variables map[string]string // path → variable that overrides it
	texts     map[string]string // path → the value in force, as it was written
	problems  []Problem
}

// override gives a variable the path of its setting. A variable that names none is refused, like an unknown key, because a
// misspelt override would silently leave the old value in force.
func (d *decoder) override(name, value string) (string, any) {
	if foreign(name) {
		return "", nil
	}
	s, found := byVariable(schema(), name)
	if !found {
		d.problems = append(d.problems, Problem{Variable: name, Reason: "names no setting that the environment can override"})
		return "", nil
	}
	d.variables[s.path] = name
	if !s.list {
		return s.path, value
	}
	items := []any{}
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return s.path, items
}

// foreign tells variables that begin like ours and are not: Kubernetes sets some in every pod beside a service called sallyport,
// and the test kit has its own.
func foreign(name string) bool {
	for _, start := range []string{"SERVICE_", "PORT_", "TEST_"} {
		if strings.HasPrefix(name, prefix+start) {
			return true
		}
	}
	return name == prefix+"PORT"
}

func byVariable(settings []setting, name string) (setting, bool) {
	for _, s := range settings {
		if s.children != nil && !s.list {
			if found, ok := byVariable(s.children, name); ok {
				return found, true
			}
		} else if s.variable() == name {
			return s, true
		}
	}
	return setting{}, false
}

func (d *decoder) section(settings []setting, prefix string, values map[string]any, into reflect.Value) {
	for _, s := range settings {
		path, field := prefix+s.key, into.Field(s.field)
		given, present := values[s.key]
		switch {
		case s.list:
			items, _ := given.([]any)
			d.items(s, path, items, field)
		case s.children != nil:
			inner, _ := given.(map[string]any)
			d.section(s.children, path+".", inner, field)
		case present:
			d.value(s, path, given, field)
		case d.lines[path] == 0: // otherwise its value was refused where it stands
			d.value(s, path, s.defaults, field)
		}
	}
}

func (d *decoder) items(s setting, path string, items []any, into reflect.Value) {
	into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
	s.required = true // an empty item is a slip
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch item := item.(type) {
		case nil: // refused where it stands
		case map[string]any:
			d.section(s.children, at+".", item, into.Index(i))
		default:
			d.value(s, at, item, into.Index(i))
		}
	}
}

// value reads one value. A refused one leaves the default in place, so that nothing else is found wrong because of it.
func (d *decoder) value(s setting, path string, given any, into reflect.Value) {
	text, isText := given.(string)
	d.texts[path] = text
	if s.defaults != "" {
		into.Set(s.mustParse(s.defaults))
	}
	switch {
	case !isText:
		d.report(path, "one value is wanted here")
		return
	case text == "" && s.required:
		d.report(path, "is required")
		return
	case text == "" && s.typ.Kind() == reflect.String && len(s.words) == 0:
		into.SetZero()
		return
	}
	value, err := s.parse(text)
	if err != nil {
		d.reportBound(s, path, err.Error())
		return
	}
	// Environment is the first setting, so it is known when the first bound is looked at.
	switch outside, testOnly := s.outside(value, d.config.Environment == id.Test); {
	case outside && testOnly:
		d.reportBound(s, path, "below its bound, which only an installation whose environment is test may leave")
	case outside:
		d.reportBound(s, path, "outside its bounds")
	default:
		into.Set(value)
	}
}

func (d *decoder) reportBound(s setting, path, reason string) {
	p := d.problem(path, reason)
	p.Bound = s.bounds(d.config.Environment == id.Test)
	d.problems = append(d.problems, p)
}

// report is silent about a setting that has a problem already: what follows from a problem is none of its own.
func (d *decoder) report(path, reason string) {
	for _, p := range d.problems {
		if p.Key == path || (p.Key != "" && (strings.HasPrefix(path, p.Key+".") || strings.HasPrefix(path, p.Key+"["))) {
			return
		}
	}
	d.problems = append(d.problems, d.problem(path, reason))
}

// problem knows where path was set: in a variable, else in its line, else in the line of the block or section around it.
func (d *decoder) problem(path, reason string) Problem {
	p := Problem{Key: path, Value: d.texts[path], Reason: reason}
	for at := path; at != "" && p.Variable == ""; at = around(at) {
		p.Variable = d.variables[at]
	}
	for at := path; at != "" && p.Variable == "" && p.Line == 0; at = around(at) {
		p.Line = d.lines[at]
	}
	return p
}

// around is the path of the list or section that path stands in.
func around(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// origins says where each setting was set.
func (d *decoder) origins() map[string]string {
	origins := make(map[string]string, len(d.lines))
	for path, line := range d.lines {
		origins[path] = fmt.Sprintf("file:%d", line)
	}
	for path, name := range d.variables {
		origins[path] = "env " + name
	}
	return origins
}
