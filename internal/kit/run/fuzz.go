package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mostTargets bounds a run to five minutes of fuzzing. A change that touches more packages fuzzes the rest in later runs.
const mostTargets = 15

// idleTargets is how many are fuzzed where no package with a target changed.
const idleTargets = 2

// target is one fuzz function.
type target struct{ pkg, name string }

var fuzzFunction = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// fuzz runs targets for 20 s each. Their seeds and the committed corpora ran with the unit step.
func fuzz(r *runner) error {
	var targets []target
	err := eachTestFile(".", func(file string, source []byte) {
		for _, match := range fuzzFunction.FindAllSubmatch(source, -1) {
			targets = append(targets, target{"./" + filepath.ToSlash(filepath.Dir(file)), string(match[1])})
		}
	})
	if err != nil {
		return err
	}
	commits, changed, err := r.changes()
	if err != nil {
		return err
	}
	chosen := chooseTargets(targets, changed, commits)
	fmt.Fprintf(r.out, "%d of %d targets\n", len(chosen), len(targets))
	var failures []error
	for _, t := range chosen {
		fmt.Fprintf(r.out, "%s %s\n", t.pkg, t.name)
		failures = append(failures, r.fuzzOne(t))
	}
	return errors.Join(failures...)
}

// fuzzOne fuzzes again where the engine failed to see that its own time was over (golang/go#75804, mended in Go 1.27). That hides nothing:
// an input that fails a target is written to its corpus, and fails the second time before anything else.
func (r *runner) fuzzOne(t target) error {
	// Minimising an interesting input takes up to a minute by default, which would be all of the time.
	arguments := []string{"-run=^$", "-fuzz=^" + t.name + "$", "-fuzztime=20s", "-fuzzminimizetime=1s", t.pkg}
	before := len(r.results.failed)
	err := r.goTest(arguments...)
	if late := r.results.failed[before:]; len(late) == 1 && late[0].reason == context.DeadlineExceeded.Error() {
		r.results.failed = r.results.failed[:before]
		err = r.goTest(arguments...)
	}
	return err
}

// chooseTargets takes the targets whose package changed, at most mostTargets of them, or idleTargets if there are none. The number of
// commits turns the wheel, so that each target has its turn.
func chooseTargets(targets []target, changed map[string]bool, commits int) []target {
	most := mostTargets
	chosen := slices.DeleteFunc(slices.Clone(targets), func(t target) bool { return !changed[t.pkg] })
	if len(chosen) == 0 {
		chosen, most = slices.Clone(targets), idleTargets
	}
	if len(chosen) <= most {
		return chosen
	}
	first := commits * most % len(chosen)
	return slices.Concat(chosen[first:], chosen[:first])[:most]
}

// changes counts the commits, and lists the packages that differ from where this branch left the main one.
func (r *runner) changes() (commits int, packages map[string]bool, err error) {
	count, err := r.git("rev-list", "--count", "HEAD")
	if err != nil {
		return 0, nil, err
	}
	if commits, err = strconv.Atoi(strings.TrimSpace(count)); err != nil {
		return 0, nil, err
	}
	base := "HEAD"
	if merged, unknown := r.git("merge-base", "HEAD", "origin/main"); unknown == nil {
		base = strings.TrimSpace(merged)
	}
	tracked, err := r.git("diff", "--name-only", base)
	if err != nil {
		return 0, nil, err
	}
	untracked, err := r.git("ls-files", "--others", "--exclude-standard")
	if err != nil {
		return 0, nil, err
	}
	packages = map[string]bool{}
	for file := range strings.FieldsSeq(tracked + untracked) {
		if strings.HasSuffix(file, ".go") {
			packages["./"+path.Dir(file)] = true
		}
	}
	return commits, packages, nil
}

func (r *runner) git(arguments ...string) (string, error) {
	out, err := exec.CommandContext(r.ctx, "git", arguments...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(arguments, " "), err)
	}
	return string(out), nil
}
