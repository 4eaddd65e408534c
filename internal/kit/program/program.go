// Package program runs real programs for tests: it builds a command of this module once per test process, starts it, speaks to it and ends it
// in an orderly way or not at all.
//
// It knows nothing of what the programs do. What an installation of sallyport needs on disk is in installation.go.
//
// Invariant: a program does not outlive the test that started it.
package program

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Sallyport is the command of the product.
const Sallyport = "github.com/seed-21c57000/sallyport/cmd/sallyport"

// patience bounds every wait, so that a stuck program fails a test instead of hanging it.
const patience = time.Minute

var built = struct {
	sync.Mutex
	folder string
	paths  map[string]string // package → binary; guarded by Mutex
}{paths: map[string]string{}}

// Main runs a test package and removes what Build left. Call it from TestMain: the folder is made before a test can say where temporary ones lie.
func Main(m *testing.M) {
	var err error
	if built.folder, err = os.MkdirTemp("", "sallyport-programs-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(built.folder)
	os.Exit(code)
}

// Build builds a command, an import path or a folder written ./x, once per process, and gives its path.
func Build(t testing.TB, command string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if path, ok := built.paths[command]; ok {
		return path
	}
	if built.folder == "" {
		t.Fatal("TestMain does not call program.Main")
	}
	path := filepath.Join(built.folder, fmt.Sprintf("%d-%s", len(built.paths), filepath.Base(command)))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "grpcnotrace", "-o", path, command)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", command, err, out)
	}
	built.paths[command] = path
	return path
}

// Missing ends a test that needs a program which is not installed: it is skipped, and fails where CI=true. It gives the program's path.
func Missing(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: make setup", name)
	}
	t.Skipf("%s is not installed: make setup", name)
	return ""
}

// Process is a running program.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	lines  *bufio.Reader
	stderr *buffer
	ended  chan struct{} // closed after the program ended
	err    error         // how it ended, readable once ended is closed
}

// Start starts a program. It is killed when the test ends, and what it wrote to its standard error is shown if the test failed.
func Start(t testing.TB, path string, arguments ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: exec.Command(path, arguments...), stderr: &buffer{}, ended: make(chan struct{})} //nolint:noctx // Cleanup ends it
	p.cmd.SysProcAttr = attributes()
	p.cmd.Stderr = p.stderr
	// A pipe of our own: that of exec is closed as soon as the program ends, with what was still in it.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.lines = write, bufio.NewReader(read)
	err = errors.Join(p.cmd.Start(), write.Close())
	if err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.Kill()
		_ = read.Close()
		if t.Failed() {
			said := p.Stderr()
			t.Logf("%s wrote to its standard error, at the end:\n%s", filepath.Base(path), said[max(0, len(said)-4000):])
		}
	})
	return p
}

// Line reads the next line of the program's standard output; io.EOF after the last.
func (p *Process) Line() (string, error) {
	line, err := p.lines.ReadString('\n')
	if err != nil {
		return "", io.EOF // what is left has no end: the program died while it wrote
	}
	return line[:len(line)-1], nil
}

// Kill ends the program without a warning, as kill -9 does.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Signal asks the program to end.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Wait waits for the end and gives the exit code.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%s did not end", p.cmd.Path)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Stderr is what the program wrote to its standard error until now.
func (p *Process) Stderr() string { return p.stderr.String() }

// PID is the number by which the system knows the program.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Output runs a program to its end and gives both of its outputs and the exit code.
func Output(t testing.TB, path string, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, arguments...)
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatalf("run %s: %v", path, err)
		}
	}
	return out.String(), failed.String(), cmd.ProcessState.ExitCode()
}

// buffer is read while a program writes it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
