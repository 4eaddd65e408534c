//go:build !unix

package store

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
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}

// heldFile cannot tell here: only who removes the file learns whether it is open.
func heldFile(string) (bool, error) { return false, nil }
