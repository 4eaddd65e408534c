package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// outcome is a test that did not pass, and why.
type outcome struct{ test, reason string }

// results is what all steps have said so far.
type results struct {
	passed          int
	failed, skipped []outcome
}

func (r *results) count() int { return r.passed + len(r.failed) + len(r.skipped) }

func (r *results) fail(test, reason string) { r.failed = append(r.failed, outcome{test, reason}) }

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output, ImportPath, FailedBuild string
	Elapsed                                                float64
}

// report is what one package has said and not yet ended.
type report struct {
	printed map[string][]string // test, or "" for the package itself → its lines
	tests   int                 // tests that ended
	blamed  bool                // whether one of them failed
}

// read follows a stream of events to its end. Tests that pass are silent; what a failed one printed goes to out.
func (r *results) read(stream io.Reader, out io.Writer) error {
	reports := map[string]*report{}
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			// go test itself speaks in plain text when it cannot begin.
			fmt.Fprintln(out, lines.Text())
			continue
		}
		p := reports[e.Package]
		if p == nil {
			p = &report{printed: map[string][]string{}}
			reports[e.Package] = p
		}
		switch e.Action {
		case "build-output":
			io.WriteString(out, e.Output) //nolint:errcheck // the terminal; nobody is left to tell
		case "output":
			p.printed[e.Test] = append(p.printed[e.Test], e.Output)
		case "pass", "fail", "skip":
			if e.Test == "" {
				r.endPackage(e, p, out)
				continue
			}
			p.tests++
			p.blamed = p.blamed || e.Action == "fail"
			r.endTest(e.Action, e.Package+" "+e.Test, p.printed[e.Test], out)
			delete(p.printed, e.Test)
		}
	}
	return lines.Err()
}

func (r *results) endTest(action, name string, printed []string, out io.Writer) {
	switch action {
	case "pass":
		r.passed++
	case "skip":
		r.skipped = append(r.skipped, outcome{name, reason(printed)})
	case "fail":
		r.fail(name, reason(printed))
		fmt.Fprintf(out, "--- %s\n%s", name, strings.Join(printed, ""))
	}
}

// endPackage also finds the failures that belong to no test (a build, a panic, a TestMain, a timeout), and the benchmarks, which
// begin and never end.
func (r *results) endPackage(e event, p *report, out io.Writer) {
	if e.Action == "fail" && !p.blamed {
		why := "failed outside of its tests"
		if e.FailedBuild != "" {
			why = "does not build"
		}
		r.fail(e.Package, why)
		for _, name := range slices.Sorted(maps.Keys(p.printed)) {
			fmt.Fprintf(out, "--- %s %s\n%s", e.Package, name, strings.Join(p.printed[name], ""))
		}
	}
	if e.Action != "pass" {
		return
	}
	for name := range p.printed {
		if strings.HasPrefix(name, "Benchmark") {
			p.tests++
			r.passed++
		}
	}
	if p.tests > 0 {
		fmt.Fprintf(out, "ok %8.2fs %5d  %s\n", e.Elapsed, p.tests, e.Package)
	}
}

// added are the beginnings of the lines that the testing package adds to what a test says.
var added = []string{"=== ", "--- ", "fuzz: elapsed: "}

// reason is what a test said, without the lines that the testing package adds.
func reason(printed []string) string {
	var said []string
	for _, line := range printed {
		line = strings.TrimSpace(line)
		if line != "" && !slices.ContainsFunc(added, func(a string) bool { return strings.HasPrefix(line, a) }) {
			said = append(said, line)
		}
	}
	text := strings.Join(said, " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// refuseSkips turns every skip that is not allowed into a failure.
func (r *results) refuseSkips(allowed map[string]string) {
	r.skipped = slices.DeleteFunc(r.skipped, func(s outcome) bool {
		_, ok := allowed[s.test]
		if !ok {
			r.fail(s.test, "skipped in CI, and not named in internal/kit/run/skips.tsv: "+s.reason)
		}
		return !ok
	})
}

//go:embed skips.tsv
var skipsTable string

// allowedSkips maps package and test → why it may be skipped in CI.
func allowedSkips() map[string]string {
	allowed := map[string]string{}
	for n, line := range strings.Split(strings.TrimSpace(skipsTable), "\n") {
		cells := strings.Split(line, "\t")
		if n > 0 && len(cells) == 3 {
			allowed[cells[0]+" "+cells[1]] = cells[2]
		}
	}
	return allowed
}
