//go:build !unix

package filelock

import (
	"errors"
	"io/fs"
	"os"
)

// openAlone makes a file anew and keeps it open: Windows deletes no file that a program has open.
func openAlone(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(errHeld, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		err = errors.Join(errHeld, err) // another was quicker
	}
	return file, err
}

// closeAlone leaves the file to the next one if that is quicker: it cannot be taken away before it is closed.
func closeAlone(file *os.File) error {
	err := file.Close()
	_ = os.Remove(file.Name())
	return err
}

// Held cannot tell here: only who removes the file learns whether it is open.
func Held(string) (bool, error) { return false, nil }
