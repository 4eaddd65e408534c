package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is a koanf.Parser for our file. It takes the place of koanf's own, which forgets lines and lets unknown keys pass: it
// walks the YAML nodes along the schema, keeps the line of every key and the text of every value as it was written, and leaves out
// what it refuses, so that the rest is still checked and all problems are reported at once.
type document struct {
	lines    map[string]int // path → line
	problems []Problem
	// broken says that nothing could be read; what is missing then is no problem of its own.
	broken bool
}

// Unmarshal reads the file. What it refuses is in d.problems; the error is always nil.
func (d *document) Unmarshal(raw []byte) (map[string]any, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	var root yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		d.refuseSyntax(err)
		return nil, nil
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		d.refuse("", second.Line, "", "a second document begins here; write one")
	} else if !errors.Is(err, io.EOF) {
		d.refuseSyntax(err)
	}
	top := root.Content[0]
	d.broken = d.broken || !d.plain("", top) || (top.Kind != yaml.MappingNode && !isNull(top))
	return d.section(schema(), "", top), nil
}

// Marshal is the other half of koanf.Parser. Nothing here writes a file.
func (d *document) Marshal(map[string]any) ([]byte, error) { return nil, errors.ErrUnsupported }

// section reads a mapping. A section without content counts as absent.
func (d *document) section(settings []setting, prefix string, node *yaml.Node) map[string]any {
	if isNull(node) {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		d.refuse(strings.TrimSuffix(prefix, "."), node.Line, node.Value, "keys with values are wanted here")
		return nil
	}
	values := map[string]any{}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		path := prefix + key.Value
		at := slices.IndexFunc(settings, func(s setting) bool { return s.key == key.Value })
		switch first, doubled := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode || at < 0:
			d.refuse(path, key.Line, "", "unknown key; here stand "+keys(settings))
			continue
		case doubled:
			d.refuse(path, key.Line, "", fmt.Sprintf("given twice, first in line %d", first))
			continue
		}
		seen[key.Value] = key.Line
		d.lines[path] = key.Line
		if d.plain(path, key) && d.plain(path, value) {
			if read := d.value(settings[at], path, value); read != nil {
				values[key.Value] = read
			}
		}
	}
	return values
}

// value reads what stands behind a key: text, a list or a section. It is nil where there is nothing to go on with.
func (d *document) value(s setting, path string, node *yaml.Node) any {
	switch {
	case s.list:
		return d.items(s, path, node)
	case s.children != nil:
		if read := d.section(s.children, path+".", node); read != nil {
			return read
		}
	case node.Kind != yaml.ScalarNode:
		d.refuse(path, node.Line, "", "one value is wanted here")
	case isNull(node):
		d.refuse(path, node.Line, "", "there is no value; give one or take the key out")
	default:
		return node.Value
	}
	return nil
}

// items reads a list. Each item has a path of its own, so that a problem names its line.
func (d *document) items(s setting, path string, node *yaml.Node) any {
	if node.Kind != yaml.SequenceNode {
		d.refuse(path, node.Line, node.Value, "a list is wanted here")
		return nil
	}
	items := make([]any, 0, len(node.Content))
	one := s
	one.list = false
	for i, item := range node.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.Line
		var read any // nil keeps the place of a refused item, so that the paths of those after it stay right
		if d.plain(at, item) {
			read = d.value(one, at, item)
		}
		items = append(items, read)
	}
	return items
}

// plain refuses what YAML adds to plain values: two spellings of one file, or one spelling that grows when it is read.
func (d *document) plain(path string, node *yaml.Node) bool {
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		d.refuse(path, node.Line, node.Value, "anchors and aliases are not accepted; write the value where it belongs")
	case node.Style&yaml.TaggedStyle != 0:
		d.refuse(path, node.Line, node.Value, "tags are not accepted; write the value alone")
	default:
		return true
	}
	return false
}

func (d *document) refuse(path string, line int, value, reason string) {
	d.problems = append(d.problems, Problem{Key: path, Line: line, Value: value, Reason: reason})
}

// refuseSyntax turns "yaml: line 3: …" into a problem of line 3. The library has no typed error for it.
func (d *document) refuseSyntax(err error) {
	d.broken = true
	p := Problem{Reason: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if n, _ := fmt.Sscanf(err.Error(), "yaml: line %d:", &p.Line); n == 1 {
		_, detail, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), ": ")
		p.Reason = "not YAML: " + detail
	}
	d.problems = append(d.problems, p)
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

func keys(settings []setting) string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.key
	}
	return strings.Join(names, ", ")
}
