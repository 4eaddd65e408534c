package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// step is one part of a run. An extra step runs only when it is named.
type step struct {
	name, what string
	extra      bool
	do         func(*runner) error
}

// apart are the packages that want the machine for themselves and so have steps of their own.
const (
	browserPackages = "internal/e2e/browser"
	peerPackages    = "internal/e2e/peers"
)

// racePackages are those in which goroutines share something; -race costs each of its tests five times the time.
var racePackages = []string{
	"internal/decide", "internal/gateway", "internal/hot", "internal/httpx", "internal/kernel", "internal/prove", "internal/respond",
}

var steps = []step{
	{name: "setup", what: "what the machine must have", do: setup},
	{name: "unit", what: "every package but the two below", do: unit},
	{name: "race", what: "packages that share memory, with the race detector", do: race},
	{name: "peers", what: "real clients and servers", do: inFolder(peerPackages)},
	{name: "browser", what: "a real browser", do: inFolder(browserPackages)},
	{name: "bench", what: "every benchmark, once", do: benchmarks},
	{name: "fuzz", what: "20 s for each target whose package changed, or for two in turn", do: fuzz},
	{name: "screens", what: "every page as a picture, to bin/screens", extra: true, do: screens},
	{name: "timing", what: "statistics of answers that must take equal time", extra: true, do: inFolder("internal", "-tags=timing", "-run=Timing", "-count=1", "-timeout=60m")},
}

func setup(r *runner) error {
	cmd := r.command("scripts/setup")
	cmd.Stdout, cmd.Stderr = r.out, r.out
	return cmd.Run()
}

func unit(r *runner) error {
	packages, err := packagesWith(".", "func (Test|Fuzz|Example)")
	if err != nil {
		return err
	}
	packages = slices.DeleteFunc(packages, func(p string) bool { return within(p, browserPackages) || within(p, peerPackages) })
	return r.goTest(append([]string{"-shuffle=on"}, packages...)...)
}

func race(r *runner) error {
	packages, err := packagesWith(".", "func (Test|Fuzz|Example)")
	if err != nil {
		return err
	}
	packages = slices.DeleteFunc(packages, func(p string) bool {
		apart := within(p, browserPackages) || within(p, peerPackages)
		return apart || !slices.ContainsFunc(racePackages, func(folder string) bool { return within(p, folder) })
	})
	// The gateway's take five minutes on a quiet machine, and the usual limit of ten is near on a busy one.
	return r.goTest(append([]string{"-race", "-shuffle=on", "-timeout=25m"}, packages...)...)
}

func benchmarks(r *runner) error {
	packages, err := packagesWith(".", "func Benchmark")
	if err != nil || len(packages) == 0 {
		return err
	}
	return r.goTest(append([]string{"-run=^$", "-bench=.", "-benchtime=1x"}, packages...)...)
}

// inFolder tests the packages below a folder. There may be none yet.
func inFolder(folder string, arguments ...string) func(*runner) error {
	return func(r *runner) error {
		packages, err := packagesWith(folder, "func Test")
		if err != nil || len(packages) == 0 {
			return err
		}
		return r.goTest(append(slices.Clone(arguments), packages...)...)
	}
}

// screens keeps what the tests put into their artifact folders, in place of the pictures of the last run.
func screens(r *runner) error {
	folder, err := filepath.Abs("bin/screens")
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
		return err
	}
	if err := inFolder(browserPackages, "-tags=screens", "-run=Screens", "-count=1", "-artifacts", "-outputdir="+folder)(r); err != nil {
		return err
	}
	pictures, err := filepath.Glob(filepath.Join(folder, "_artifacts", "*", "*.png"))
	for _, picture := range pictures {
		err = errors.Join(err, os.Rename(picture, filepath.Join(folder, filepath.Base(picture))))
	}
	return errors.Join(err, os.RemoveAll(filepath.Join(folder, "_artifacts")))
}

// within says whether a package, written ./internal/x, lies in a folder of the repository.
func within(path, folder string) bool {
	path = strings.TrimPrefix(path, "./")
	return folder == "." || path == folder || strings.HasPrefix(path, folder+"/")
}

// packagesWith lists the packages below folder, as ./internal/x, whose test files match a pattern at the beginning of a line.
func packagesWith(folder, pattern string) ([]string, error) {
	wanted := regexp.MustCompile("(?m)^" + pattern)
	var packages []string
	err := eachTestFile(folder, func(path string, source []byte) {
		if wanted.Match(source) {
			packages = append(packages, "./"+filepath.ToSlash(filepath.Dir(path)))
		}
	})
	return slices.Compact(packages), err
}

// eachTestFile visits the test files below folder in order of their paths, leaving out what go build ./... leaves out.
func eachTestFile(folder string, visit func(path string, source []byte)) error {
	if _, err := os.Stat(folder); err != nil {
		return nil //nolint:nilerr // a folder that is not there has no tests
	}
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "tools") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		visit(path, bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n")))
		return err
	})
}
