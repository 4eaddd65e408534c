// Package binary builds the program and runs it, for tests that look at it from outside, as its users do.
//
// It does not know what the program does: it starts it, waits for a line that says it is ready, and ends it.
//
// Invariant: a process that Start returned is gone once Stop has returned.
package binary

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Build builds the program into a folder of its own, as make build does, and gives its path and what removes the folder.
func Build() (path string, remove func(), err error) {
	folder, err := os.MkdirTemp("", "sallyport-binary-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(folder) }
	path = filepath.Join(folder, "sallyport")
	build := exec.Command("go", "build", "-tags", "grpcnotrace", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/seed-21c57000/sallyport/cmd/sallyport") //nolint:noctx // bounded by the test's own time
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build the program: %w\n%s", err, said)
	}
	return path, remove, nil
}

// Process is a running program.
type Process struct {
	// Line is the one that said it was ready, and Took how long that was in coming.
	Line string
	Took time.Duration

	cmd            *exec.Cmd
	stdout, stderr record
	ended          chan struct{} // closed when the process has ended; err is written before
	err            error
}

// patience bounds how long a process may take to get ready or to end: beyond it something hangs.
const patience = 60 * time.Second

// Start runs a program and waits for a line, on either stream, that holds ready. dir and environ, where not empty, are its working folder and
// its whole environment.
func Start(path, ready, dir string, environ []string, arguments ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(path, arguments...), ended: make(chan struct{})} //nolint:noctx // it ends by Stop
	p.cmd.Dir, p.cmd.Env = dir, environ
	lines := make(chan string, 1)
	var said sync.Once
	watch := func(line string) {
		if strings.Contains(line, ready) {
			said.Do(func() { lines <- line })
		}
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.follow(stdout, stderr, watch)
	select {
	case p.Line = <-lines:
		p.Took = time.Since(began)
		return p, nil
	case <-p.ended:
		err = fmt.Errorf("%s ended before it was ready: %w", strings.Join(arguments, " "), p.err)
	case <-time.After(patience):
		_, stop := p.Stop(os.Kill)
		err = errors.Join(fmt.Errorf("%s is not ready after %v", strings.Join(arguments, " "), patience), stop)
	}
	return nil, fmt.Errorf("%w\n%s%s", err, p.Stdout(), p.Stderr())
}

// follow keeps what the process says, and reaps it once it is silent.
func (p *Process) follow(stdout, stderr io.Reader, watch func(string)) {
	var streams sync.WaitGroup
	for _, stream := range []struct {
		from io.Reader
		to   *record
	}{{stdout, &p.stdout}, {stderr, &p.stderr}} {
		streams.Go(func() {
			lines := bufio.NewReader(stream.from)
			for {
				line, err := lines.ReadString('\n')
				stream.to.add(line)
				watch(line)
				if err != nil {
					return
				}
			}
		})
	}
	streams.Wait()
	p.err = p.cmd.Wait()
	close(p.ended)
}

// Stop sends a signal, waits for the end and gives the exit code; -1 if the signal itself ended it. A process that does not end is killed, and
// that is an error.
func (p *Process) Stop(signal os.Signal) (code int, err error) {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return -1, err
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		err = errors.Join(fmt.Errorf("still running %v after %v", patience, signal), p.cmd.Process.Kill())
		<-p.ended
	}
	return p.cmd.ProcessState.ExitCode(), err
}

// Stdout is all that the process has written to its standard output by now.
func (p *Process) Stdout() string { return p.stdout.text() }

// Stderr is all that it has written to its standard error.
func (p *Process) Stderr() string { return p.stderr.text() }

// record is what one stream said.
type record struct {
	mu    sync.Mutex
	bytes bytes.Buffer // guarded by mu
}

func (r *record) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes.WriteString(line)
}

func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes.String()
}
