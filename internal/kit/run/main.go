// Command run runs the repository's tests step by step, as make test does, and says at the end what passed, what failed and what
// was skipped, every skipped test with its reason.
//
//	go run ./internal/kit/run              every step of make test
//	go run ./internal/kit/run race fuzz    these steps only
//
// It knows how to start what several packages share (one PostgreSQL server) and how much time there is. What a test needs beyond
// that, its package's kit starts.
//
// Invariant: with CI=true nothing is skipped silently. A skip that skips.tsv does not name counts as a failure, and so does a run
// in which no test passed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kit/pgtest"
)

// budget is what make test may take in CI; the rest of the 40 minutes is for building the runner and for lint.
const budget = 38 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	r := &runner{ctx: ctx, out: os.Stdout, ci: os.Getenv("CI") == "true"}
	err := r.run(os.Args[1:])
	stop()
	if err != nil {
		os.Exit(1)
	}
}

// runner is one run of some steps.
type runner struct {
	ctx     context.Context //nolint:containedctx // it lives exactly as long as the run
	out     io.Writer
	ci      bool
	environ []string // on top of our own
	started bool     // PostgreSQL, or the try
	results results
	times   []stepTime
}

type stepTime struct {
	name  string
	took  time.Duration
	tests int
}

var errFailed = errors.New("tests failed")

// run runs the named steps, or those of make test. Its last line is the summary, whatever happens.
func (r *runner) run(names []string) (err error) {
	defer func() {
		if err != nil && !errors.Is(err, errFailed) {
			r.results.fail("run", err.Error())
		}
		if !r.summary() {
			err = errFailed
		}
	}()
	if r.ci {
		ctx, cancel := context.WithTimeoutCause(r.ctx, budget, fmt.Errorf("the budget of %v is used up", budget))
		defer cancel()
		r.ctx = ctx
	}
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	// Tests that are cut off, and browsers, leave their folders behind: all of them lie in one that goes with the run.
	folder, err := os.MkdirTemp("", "sallyport-test-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	// As the system's own: PostgreSQL, which does not run as root, makes and removes a folder in it.
	if err := os.Chmod(folder, os.ModeSticky|0o777); err != nil {
		return err
	}
	r.environ = append(r.environ, "TMPDIR="+folder)
	for _, s := range chosen {
		fmt.Fprintf(r.out, "\n== %s: %s\n", s.name, s.what)
		began, before := time.Now(), r.results.count()
		err := s.do(r)
		r.times = append(r.times, stepTime{s.name, time.Since(began), r.results.count() - before})
		if cause := context.Cause(r.ctx); cause != nil {
			return fmt.Errorf("%s: %w", s.name, cause)
		}
		if err != nil && !errors.Is(err, errFailed) {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func choose(names []string) ([]step, error) {
	var chosen []step
	for _, s := range steps {
		if slices.Contains(names, s.name) || (len(names) == 0 && !s.extra) {
			chosen = append(chosen, s)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(steps, func(s step) bool { return s.name == name }) {
			return nil, fmt.Errorf("there is no step %q", name)
		}
	}
	return chosen, nil
}

// summary prints minutes, skips and failures, and says whether all is well.
func (r *runner) summary() bool {
	if r.ci {
		r.results.refuseSkips(allowedSkips())
	}
	if r.results.count() == 0 {
		r.results.fail("run", "no test was run")
	}
	fmt.Fprintf(r.out, "\n%8s  %6s  step\n", "minutes", "tests")
	var total time.Duration
	for _, t := range r.times {
		total += t.took
		fmt.Fprintf(r.out, "%8.2f  %6d  %s\n", t.took.Minutes(), t.tests, t.name)
	}
	fmt.Fprintf(r.out, "%8.2f  %6d  in all\n", total.Minutes(), r.results.count())
	for _, s := range r.results.skipped {
		fmt.Fprintf(r.out, "skipped: %s: %s\n", s.test, s.reason)
	}
	for _, f := range r.results.failed {
		if f.reason == "" && slices.ContainsFunc(r.results.failed, func(sub outcome) bool { return strings.HasPrefix(sub.test, f.test+"/") }) {
			continue // its subtests say why
		}
		fmt.Fprintf(r.out, "failed: %s: %s\n", f.test, f.reason)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.results.passed, len(r.results.failed), len(r.results.skipped))
	return len(r.results.failed) == 0
}

// goTest runs go test with its arguments and gathers what it says. It is errFailed if a test or a build failed.
func (r *runner) goTest(arguments ...string) error {
	if err := r.startPostgres(); err != nil {
		return err
	}
	cmd := r.command("go", append([]string{"test", "-json"}, arguments...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = r.out
	if err := cmd.Start(); err != nil {
		return err
	}
	before := len(r.results.failed)
	readErr := r.results.read(stdout, r.out)
	waitErr := cmd.Wait()
	switch {
	case readErr != nil:
		return readErr
	case len(r.results.failed) > before:
		return errFailed
	case waitErr != nil:
		return fmt.Errorf("go test %s: %w", strings.Join(arguments, " "), waitErr)
	}
	return nil
}

// command runs in a process group of its own, so that running out of time ends its children too.
func (r *runner) command(name string, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.ctx, name, arguments...)
	cmd.Env = append(os.Environ(), r.environ...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// startPostgres starts the one server of this run, without sync: no test cuts the power. Where PostgreSQL is missing, the tests
// that need it say so themselves.
func (r *runner) startPostgres() error {
	if os.Getenv(pgtest.Variable) != "" || r.started {
		return nil
	}
	r.started = true
	s, err := pgtest.Start(pgtest.Options{NoSync: true})
	if errors.Is(err, pgtest.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	r.environ = append(r.environ, pgtest.Variable+"="+s.DSN)
	return nil
}
