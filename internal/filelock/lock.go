// Package filelock lets one process at a time hold something that lies in a file, and says which one does.
//
// It does not know what is held. Invariant: the system ends a lock together with the process that took it, however that ends, so that what a
// crash leaves behind keeps nobody out.
package filelock

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// HeldError: another process has the lock.
type HeldError struct {
	PID string // empty where it is not known
}

// Error says that somebody else has the lock, and who.
func (e *HeldError) Error() string { return e.Who() + " has the lock" }

// Who names the holder for a sentence: "another sallyport (pid 4711)".
func (e *HeldError) Who() string {
	if e.PID == "" {
		return "another sallyport"
	}
	return "another sallyport (pid " + e.PID + ")"
}

// errHeld is what an engine answers for a file that another process has.
var errHeld = errors.New("held by another process")

// Lock is held until it is closed.
type Lock struct{ file *os.File }

// Take locks a file of our own, path, which it makes. It waits for nobody: with a *HeldError another process has it.
func Take(path string) (*Lock, error) {
	file, err := openAlone(path)
	if errors.Is(err, errHeld) {
		held := &HeldError{}
		if raw, err := os.ReadFile(path); err == nil {
			held.PID = strings.TrimSpace(string(raw))
		}
		return nil, held
	}
	if err != nil {
		return nil, err
	}
	_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), file.Close())
	}
	return &Lock{file}, nil
}

// Close gives the lock back and takes the file away.
func (l *Lock) Close() error { return closeAlone(l.file) }
