//go:build unix

package filelock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openAlone opens a file and locks it. The system drops the lock when the process ends, however it ends. What is there must be a file of no other name:
// where others may write beside it, a link of theirs would have us empty the file that it leads to, and a pipe would have us wait.
func openAlone(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
		if err != nil {
			return nil, err
		}
		if err := plain(path, file); err != nil {
			return nil, errors.Join(err, file.Close())
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

// plain refuses what is no file, or one that has another name too. One without a name was just given back.
func plain(path string, file *os.File) error {
	is, err := file.Stat()
	if err != nil {
		return err
	}
	if stat, known := is.Sys().(*syscall.Stat_t); !is.Mode().IsRegular() || known && stat.Nlink > 1 {
		return fmt.Errorf("%s is a link or no file: somebody else put it there", path)
	}
	return nil
}

func stillAt(path string, file *os.File) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(ours, there)
}

// closeAlone takes the file away while it is still ours, so that no newcomer's is taken.
func closeAlone(file *os.File) error { return errors.Join(os.Remove(file.Name()), file.Close()) }

// Held says whether another process has the lock of a path, and takes none. Where the system cannot tell, it says no.
func Held(path string) (held bool, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
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
