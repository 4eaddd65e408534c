package config

import (
	"bytes"
	"fmt"
	"strings"
)

const referenceHead = `# Configuration

Made from ` + "`internal/config/config.go`" + `. ` + "`internal/config/profiles/example.yaml`" + ` shows a file.

One YAML file holds the settings. It is read strictly: an unknown or doubled key, an anchor, a tag or a value outside its bounds
stops the start, and all problems are listed at once, each with its line. Nothing is read again while the server runs.

- **Environment.** A variable overrides the file: ` + "`SALLYPORT_`" + ` and the key in capitals, with ` + "`_`" + ` for each dot
  (` + "`session.idle`" + ` is ` + "`SALLYPORT_SESSION_IDLE`" + `). Lists are written with commas. Lists of blocks can be set in the file only. A variable
  that begins so and names no setting stops the start.
- **Secrets** are never in the file or in a variable: a setting whose name ends in ` + "`_file`" + ` says where the secret lies.
- **Durations** are written as ` + "`30m`" + `, ` + "`12h`" + ` or ` + "`1m30s`" + `; sizes as ` + "`64KiB`" + ` or ` + "`1MiB`" + `; paths as seen from the working directory.
- ` + "`sallyport doctor`" + ` prints every value in force and where it comes from.
`

// Reference is the page docs/reference/config.md: every setting with its default, its bounds and what it does.
func Reference() []byte {
	var page bytes.Buffer
	page.WriteString(referenceHead)
	var plain []setting
	for _, s := range schema() {
		if s.children == nil {
			plain = append(plain, s)
		}
	}
	page.WriteString("\n## At the top\n\n")
	writeTable(&page, plain)
	for _, s := range schema() {
		if s.children != nil {
			writeSection(&page, s, 2)
		}
	}
	return page.Bytes()
}

func writeSection(page *bytes.Buffer, section setting, depth int) {
	fmt.Fprintf(page, "\n%s %s\n\n%s\n", strings.Repeat("#", min(depth, 3)), section.path, section.doc)
	var plain, inner []setting
	for _, s := range section.children {
		if s.children == nil {
			plain = append(plain, s)
		} else {
			inner = append(inner, s)
		}
	}
	if len(plain) > 0 {
		page.WriteString("\n")
		writeTable(page, plain)
	}
	for _, s := range inner {
		writeSection(page, s, depth+1)
	}
}

func writeTable(page *bytes.Buffer, settings []setting) {
	page.WriteString("| key | default | accepted | what it does |\n|---|---|---|---|\n")
	for _, s := range settings {
		fmt.Fprintf(page, "| `%s` | %s | %s | %s |\n", s.key, s.defaultWords(), s.acceptedWords(), s.doc)
	}
}

func (s setting) defaultWords() string {
	switch {
	case s.required && s.defaults == "":
		return "required"
	case s.derived != "":
		return s.derived
	case s.defaults == "" && s.list:
		return "none"
	case s.defaults == "":
		return "empty"
	}
	return "`" + s.defaults + "`"
}

func (s setting) acceptedWords() string {
	switch {
	case len(s.words) > 0:
		return "`" + strings.Join(s.words, "`, `") + "`"
	case s.testMin != "":
		return s.bounds(false) + "; from " + s.testMin + " in a test installation"
	case s.max != "":
		return s.bounds(false)
	case s.typ.Kind().String() == "bool":
		return "`true`, `false`"
	case s.list:
		return "list"
	}
	return ""
}
