package sallyport_test

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// The words and paths below are put together, so that this file does not find itself.
var (
	unfinished  = regexp.MustCompile(`\b(?:TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b(.{0,40})`)
	issueNumber = regexp.MustCompile(`#\d+`)
	machinePath = regexp.MustCompile(`(?:^|[\s"'` + "`" + `(=:,\[])/(?:wo` + `rk|ro` + `ot|ho` + `me|tm` + `p|Us` + `ers)/[\w.-]`)
)

// sources are the files that people write; a table of somebody else's, a lock file or a vector may hold any word.
func sources() []textFile {
	return slices.DeleteFunc(slices.Clone(textFiles()), func(f textFile) bool {
		written := []string{".go", ".templ", ".sql", ".ts", ".mjs", ".css", ".md", ".yml", ".yaml", ".tsv", ".py", ""}
		return !slices.Contains(written, path.Ext(f.path)) || strings.Contains(f.path, "/testdata/") || path.Base(f.path) == "LICENSE"
	})
}

func TestUnfinishedWorkHasAnIssue(t *testing.T) {
	for _, f := range sources() {
		for n, line := range strings.Split(string(f.text), "\n") {
			if match := unfinished.FindStringSubmatch(line); match != nil && !issueNumber.MatchString(match[1]) {
				t.Errorf("%s:%d: unfinished work without the number of its issue: %s", f.path, n+1, strings.TrimSpace(line))
			}
		}
	}
	if !unfinished.MatchString("// TO"+"DO: later") || issueNumber.MatchString("later") {
		t.Error("unfinished work is not found")
	}
}

func TestNoPathOfAMachine(t *testing.T) {
	for _, f := range textFiles() {
		for n, line := range strings.Split(string(f.text), "\n") {
			if found := machinePath.FindString(line); found != "" {
				t.Errorf("%s:%d names a place that only some machine has: %s", f.path, n+1, strings.TrimSpace(found))
			}
		}
	}
	for _, bad := range []string{`"/tm` + `p/x"`, "cd /wo" + "rk/main", "=/ho" + "me/me"} {
		if !machinePath.MatchString(bad) {
			t.Errorf("%s is not found", bad)
		}
	}
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence        = regexp.MustCompile("(?s)```.*?```")
	heading      = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

func TestLinksResolve(t *testing.T) {
	checked := 0
	for _, f := range textFiles() {
		if path.Ext(f.path) != ".md" {
			continue
		}
		text := fence.ReplaceAllString(string(f.text), "")
		for _, match := range markdownLink.FindAllStringSubmatch(text, -1) {
			if strings.Contains(match[1], "://") || strings.HasPrefix(match[1], "mailto:") {
				continue
			}
			checked++
			if err := resolve(f.path, match[1]); err != nil {
				t.Errorf("%s: link to %s: %v", f.path, match[1], err)
			}
		}
	}
	if checked == 0 {
		t.Error("no link was found in any document")
	}
	for _, bad := range []string{"nowhere.md", "contributing.md#nothing-like-it"} {
		if resolve("docs/contributing.md", bad) == nil {
			t.Errorf("%s resolves", bad)
		}
	}
}

// garbled are the marks of table rows that a merge put together wrongly.
func garbled(row string) bool {
	return strings.HasPrefix(row, "|") && (strings.Count(row, "**Open:**") > 1 || strings.Contains(row, ",`"))
}

func TestTableRowsAreWhole(t *testing.T) {
	for _, f := range textFiles() {
		if path.Ext(f.path) != ".md" {
			continue
		}
		for n, line := range strings.Split(string(f.text), "\n") {
			if garbled(line) {
				t.Errorf("%s:%d: a row says **Open:** twice, or has a comma right before a backtick: %s", f.path, n+1, line)
			}
		}
	}
	for _, bad := range []string{"| a | **Open:** b. **Open:** c |", "| a,`b` |"} {
		if !garbled(bad) {
			t.Errorf("%s passes", bad)
		}
	}
}

func resolve(from, link string) error {
	file, fragment, _ := strings.Cut(link, "#")
	target := from
	if file != "" {
		target = path.Join(path.Dir(from), file)
	}
	text, err := os.ReadFile(target)
	if stat, statErr := os.Stat(target); statErr == nil && stat.IsDir() {
		return nil
	}
	if err != nil || fragment == "" {
		return err
	}
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
		if anchor(match[1]) == fragment {
			return nil
		}
	}
	return fmt.Errorf("no heading #%s", fragment)
}

// anchor is the fragment that Markdown renderers give a heading.
func anchor(heading string) string {
	var text strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			text.WriteRune(r)
		case r == ' ':
			text.WriteByte('-')
		}
	}
	return text.String()
}
