package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stream is what go test -json says of a package with one test of each kind, one that does not build, and one that panics.
const stream = `{"Action":"start","Package":"x/good"}
{"Action":"run","Package":"x/good","Test":"TestA"}
{"Action":"output","Package":"x/good","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"x/good","Test":"TestA","Output":"    a_test.go:1: chatter\n"}
{"Action":"pass","Package":"x/good","Test":"TestA","Elapsed":0}
{"Action":"output","Package":"x/good","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"x/good","Test":"TestB","Output":"    a_test.go:2: chromium is not installed\n"}
{"Action":"output","Package":"x/good","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"x/good","Test":"TestB","Elapsed":0}
{"Action":"output","Package":"x/good","Test":"BenchmarkD","Output":"BenchmarkD-2 1 7 ns/op\n"}
{"Action":"pass","Package":"x/good","Elapsed":1.5}
{"Action":"output","Package":"x/bad","Test":"TestC/sub","Output":"    c_test.go:3: got 1, want 2\n"}
{"Action":"fail","Package":"x/bad","Test":"TestC/sub","Elapsed":0}
{"Action":"fail","Package":"x/bad","Test":"TestC","Elapsed":0}
{"Action":"output","Package":"x/bad","Output":"FAIL\n"}
{"Action":"fail","Package":"x/bad","Elapsed":0.1}
{"ImportPath":"x/broken [x/broken.test]","Action":"build-output","Output":"broken.go:4: undefined: y\n"}
{"ImportPath":"x/broken [x/broken.test]","Action":"build-fail"}
{"Action":"fail","Package":"x/broken","Elapsed":0,"FailedBuild":"x/broken [x/broken.test]"}
{"Action":"output","Package":"x/main","Output":"panic: in TestMain\n"}
{"Action":"fail","Package":"x/main","Elapsed":0.1}
{"Action":"skip","Package":"x/empty","Elapsed":0}
`

func TestReadingGoTest(t *testing.T) {
	var r results
	var out strings.Builder
	if err := r.read(strings.NewReader("go: a plain line\n"+stream), &out); err != nil {
		t.Fatal(err)
	}
	want := results{
		passed: 2, // TestA and BenchmarkD
		failed: []outcome{
			{"x/bad TestC/sub", "c_test.go:3: got 1, want 2"},
			{"x/bad TestC", ""},
			{"x/broken", "does not build"},
			{"x/main", "failed outside of its tests"},
		},
		skipped: []outcome{{"x/good TestB", "a_test.go:2: chromium is not installed"}},
	}
	if diff := cmp.Diff(want, r, cmp.AllowUnexported(results{}, outcome{})); diff != "" {
		t.Error(diff)
	}
	for _, said := range []string{"go: a plain line", "ok     1.50s     3  x/good", "undefined: y", "want 2", "panic: in TestMain"} {
		if !strings.Contains(out.String(), said) {
			t.Errorf("output lacks %q:\n%s", said, out.String())
		}
	}
	if strings.Contains(out.String(), "chatter") {
		t.Error("a test that passed was not silent")
	}
}

func TestTheReasonOfAFuzzTargetIsNotItsProgress(t *testing.T) {
	printed := []string{"=== RUN   FuzzX\n", "fuzz: elapsed: 20s, execs: 9 (1/sec)\n", "--- FAIL: FuzzX (20.2s)\n", "    context deadline exceeded\n"}
	if got := reason(printed); got != context.DeadlineExceeded.Error() {
		t.Errorf("reason %q is not what the engine says when it is late", got)
	}
}

func TestSummary(t *testing.T) {
	allowed := allowedSkips()
	for _, test := range []struct {
		name string
		ci   bool
		in   results
		last string
		well bool
	}{
		{"all passed", false, results{passed: 3}, "3 passed, 0 failed, 0 skipped", true},
		{"skipped at home", false, results{passed: 3, skipped: []outcome{{"p T", "why"}}}, "3 passed, 0 failed, 1 skipped", true},
		{"skipped in CI", true, results{passed: 3, skipped: []outcome{{"p T", "why"}}}, "3 passed, 1 failed, 0 skipped", false},
		{"failed", false, results{passed: 3, failed: []outcome{{"p T", "why"}}}, "3 passed, 1 failed, 0 skipped", false},
		{"nothing ran", false, results{}, "0 passed, 1 failed, 0 skipped", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			r := runner{out: &out, ci: test.ci, results: test.in}
			well := r.summary()
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; last != test.last || well != test.well {
				t.Errorf("last line %q, well %v; want %q, %v", last, well, test.last, test.well)
			}
			for _, o := range append(test.in.skipped, test.in.failed...) {
				if !strings.Contains(out.String(), o.test+": ") || !strings.Contains(out.String(), o.reason) {
					t.Errorf("the summary does not say why %s: %s", o.test, out.String())
				}
			}
		})
	}
	for test, why := range allowed {
		if why == "" {
			t.Errorf("%s may be skipped without a reason", test)
		}
	}
}

func TestUnknownStep(t *testing.T) {
	r := runner{ctx: t.Context(), out: &strings.Builder{}}
	if err := r.run([]string{"unit", "unti"}); !errors.Is(err, errFailed) || !strings.Contains(r.results.failed[0].reason, `"unti"`) {
		t.Errorf("error %v, results %+v", err, r.results)
	}
}

func TestOutOfTime(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the budget is used up"))
	var out strings.Builder
	r := runner{ctx: ctx, out: &out}
	if err := r.run([]string{"setup"}); !errors.Is(err, errFailed) {
		t.Errorf("error is %v", err)
	}
	if !strings.Contains(out.String(), "failed: run: setup: the budget is used up\n") || !strings.HasSuffix(out.String(), "\n0 passed, 1 failed, 0 skipped\n") {
		t.Errorf("it said:\n%s", out.String())
	}
}

func TestChoosingFuzzTargets(t *testing.T) {
	var all []target
	for i := range 20 {
		all = append(all, target{fmt.Sprintf("./p%d", i), "FuzzX"})
	}
	everything := map[string]bool{}
	for _, t := range all {
		everything[t.pkg] = true
	}
	if got := chooseTargets(all, map[string]bool{"./p3": true, "./elsewhere": true}, 7); !cmp.Equal(got, all[3:4], cmp.AllowUnexported(target{})) {
		t.Errorf("one package changed: %v", got)
	}
	if got := chooseTargets(all, everything, 7); len(got) != mostTargets {
		t.Errorf("everything changed: %d targets, want %d", len(got), mostTargets)
	}
	turns := map[target]bool{}
	for commits := range 10 {
		got := chooseTargets(all, nil, commits)
		if len(got) != idleTargets {
			t.Errorf("nothing changed: %d targets, want %d", len(got), idleTargets)
		}
		for _, t := range got {
			turns[t] = true
		}
	}
	if len(turns) != len(all) {
		t.Errorf("after ten commits %d of %d targets had their turn", len(turns), len(all))
	}
	if got := chooseTargets(nil, nil, 3); len(got) != 0 {
		t.Errorf("no targets: %v", got)
	}
}

func TestPackagesWith(t *testing.T) {
	t.Chdir(t.TempDir())
	for path, source := range map[string]string{
		"a/a_test.go":            "package a_test\n\nfunc TestA() {}\n",
		"a/b_test.go":            "package a_test\n\nfunc TestB() {}\n",
		"b/b_test.go":            "package b_test\n\nfunc BenchmarkB() {}\n",
		"b/deep/c_test.go":       "package c_test\n\nfunc TestC() {}\n",
		"b/testdata/d_test.go":   "package d_test\n\nfunc TestD() {}\n",
		".scratch/e_test.go":     "package e_test\n\nfunc TestE() {}\n",
		"node_modules/f_test.go": "package f_test\n\nfunc TestF() {}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		folder, pattern string
		want            []string
	}{
		{".", "func Test", []string{"./a", "./b/deep"}},
		{".", "func Benchmark", []string{"./b"}},
		{"b", "func Test", []string{"./b/deep"}},
		{"nowhere", "func Test", nil},
	} {
		got, err := packagesWith(test.folder, test.pattern)
		if err != nil || !cmp.Equal(test.want, got) {
			t.Errorf("%s in %s: %v, %v", test.pattern, test.folder, got, err)
		}
	}
	if !within("./b/deep", "b") || within("./bb", "b") || !within("./b", "b") {
		t.Error("within goes by whole names")
	}
}
