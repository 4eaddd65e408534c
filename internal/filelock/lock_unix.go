//go:build unix

package filelock

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openAlone opens a file and locks it. The system drops the lock when the process ends, however it ends.
func openAlone(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errHeld
		}
		if err == nil && stillAt(path, file) {
			return file, file.Truncate(0)
		}
		// Whoever had the file took it away between our opening and our locking: what we locked is nobody's any more.
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
}

func stillAt(path string, file *os.File) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}

// closeAlone takes the file away while it is still ours, so that no newcomer's is taken.
func closeAlone(file *os.File) error { return errors.Join(os.Remove(file.Name()), file.Close()) }

// Held says whether another process has the lock of a path, and takes none. Where the system cannot tell, it says no.
func Held(path string) (held bool, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		held, err = true, nil
	}
	return held, errors.Join(err, file.Close())
}
