package keyring

import (
	"bufio"
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

// File is the key provider of development and small installations: keys in a file of mode 0600, outside the database.
//
//	# sallyport keys; keep a copy offline
//	kek 1 <base64 of 32 bytes>
//	kek 2 <base64 of 32 bytes>      the last of a kind is the current one
//	pepper 1 <base64 of 32 bytes>
//
// It is safe for concurrent use.
type File struct {
	path string
	keys atomic.Pointer[fileKeys]
	// read is the file as it was when it was last read, well or not.
	read atomic.Pointer[fs.FileInfo]
}

type fileKeys struct {
	keks, peppers         map[string][]byte // name → 32 bytes
	lastKEK, lastPepper   int               // the highest numbers, which may stand above lower ones
	currentKEK, curPepper string
}

const (
	kindKEK    = "kek"
	kindPepper = "pepper"
)

// ReadFile reads the key file at path and changes nothing. Errors: fs.ErrNotExist, and whatever makes the file unfit.
func ReadFile(path string) (*File, error) {
	f := &File{path: path}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// OpenFile is ReadFile, but where there is no file it makes one, durably, before any key in it can be used.
func OpenFile(path string) (*File, error) {
	f, err := ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	body := "# sallyport keys; keep a copy offline: without it the database cannot be read\n" + keyLine(kindKEK, 1) + keyLine(kindPepper, 1)
	if err := createDurably(path, body); err != nil {
		return nil, err
	}
	return ReadFile(path)
}

// Reload reads the file again, after a key was added to it.
func (f *File) Reload() error {
	handle, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Close() }()
	st, err := handle.Stat()
	if err != nil {
		return err
	}
	f.read.Store(&st)
	if st.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("key file %s: mode %04o lets others read it; want 0600", f.path, st.Mode().Perm())
	}
	keys := &fileKeys{keks: map[string][]byte{}, peppers: map[string][]byte{}}
	lines := bufio.NewScanner(handle)
	for n := 1; lines.Scan(); n++ {
		if err := keys.read(lines.Text()); err != nil {
			return fmt.Errorf("key file %s:%d: %w", f.path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if keys.currentKEK == "" || keys.curPepper == "" {
		return fmt.Errorf("key file %s: needs at least one kek and one pepper", f.path)
	}
	f.keys.Store(keys)
	return nil
}

func (k *fileKeys) read(line string) error {
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	parts := strings.Fields(line)
	if len(parts) != 3 {
		return errors.New("want a kind, a number and a key")
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil || number < 1 || strconv.Itoa(number) != parts[1] {
		return errors.New("the number must be 1 or more")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 32 {
		return errors.New("the key must be 32 bytes in base64")
	}
	switch parts[0] {
	case kindKEK:
		if k.keks[parts[1]] != nil {
			return fmt.Errorf("a kek %d stands above already", number)
		}
		k.keks[parts[1]], k.lastKEK, k.currentKEK = key, max(k.lastKEK, number), parts[1]
	case kindPepper:
		if k.peppers[parts[1]] != nil {
			return fmt.Errorf("a pepper %d stands above already", number)
		}
		k.peppers[parts[1]], k.lastPepper, k.curPepper = key, max(k.lastPepper, number), parts[1]
	default:
		return fmt.Errorf("unknown kind %q", parts[0])
	}
	return nil
}

// learn reads the file again if it changed since it was last read. Names of keys come from rows that a stranger may have asked for, so an unknown
// one costs no more than a look at the file's time.
func (f *File) learn() error {
	st, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if before := *f.read.Load(); os.SameFile(before, st) && before.ModTime().Equal(st.ModTime()) && before.Size() == st.Size() {
		return nil
	}
	return f.Reload()
}

// AddKEK appends a new key-encryption key, which becomes the current one. Follow it with Ring.Rewrap.
func (f *File) AddKEK() error { return f.add(kindKEK, f.keys.Load().lastKEK+1) }

// AddPepper appends a new pepper, which becomes the current one. Follow it with factor.Factors.RewrapPasswords.
func (f *File) AddPepper() error { return f.add(kindPepper, f.keys.Load().lastPepper+1) }

// add writes one more line in one write. An editor or a secret store may have left the last line without its end, and a key that went on
// the same line would spoil both.
func (f *File) add(kind string, number int) error {
	body, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	added := keyLine(kind, number)
	if !bytes.HasSuffix(body, []byte("\n")) {
		added = "\n" + added
	}
	handle, err := os.OpenFile(f.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = handle.WriteString(added)
	if err = errors.Join(err, handle.Sync(), handle.Close()); err != nil {
		return err
	}
	return f.Reload()
}

// Current names the key that Wrap uses.
func (f *File) Current() string { return f.keys.Load().currentKEK }

// Wrap seals a data key with the current key.
func (f *File) Wrap(_ context.Context, dataKey, aad []byte) ([]byte, error) {
	k := f.keys.Load()
	aead, err := newAEAD(k.keks[k.currentKEK])
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, dataKey, aad), nil
}

// Unwrap opens a data key with the key of that name, reading the file again if the name is new and the file too. Errors: ErrSealed.
func (f *File) Unwrap(_ context.Context, name string, wrapped, aad []byte) ([]byte, error) {
	key, ok := f.keys.Load().keks[name]
	if !ok {
		if err := f.learn(); err != nil {
			return nil, err
		}
		if key, ok = f.keys.Load().keks[name]; !ok {
			return nil, fmt.Errorf("key file %s has no kek %s: %w", f.path, name, ErrSealed)
		}
	}
	var aead cipher.AEAD
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, wrapped, aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// CurrentPepper names the pepper that new password hashes use.
func (f *File) CurrentPepper() string { return f.keys.Load().curPepper }

// HasPepper says whether the file has the pepper of that name.
func (f *File) HasPepper(name string) bool {
	_, ok := f.keys.Load().peppers[name]
	return ok
}

// PepperMAC is HMAC-SHA-256 of b under the pepper of that name, reading the file again if the name is new and the file too: a stolen database
// alone cannot be guessed against.
func (f *File) PepperMAC(name string, b []byte) ([32]byte, error) {
	pepper, ok := f.keys.Load().peppers[name]
	if !ok {
		if err := f.learn(); err != nil {
			return [32]byte{}, err
		}
		if pepper, ok = f.keys.Load().peppers[name]; !ok {
			return [32]byte{}, fmt.Errorf("key file %s has no pepper %s", f.path, name)
		}
	}
	mac := hmac.New(sha256.New, pepper)
	mac.Write(b)
	return [32]byte(mac.Sum(nil)), nil
}

func keyLine(kind string, number int) string {
	var key [32]byte
	rand.Read(key[:])
	return kind + " " + strconv.Itoa(number) + " " + base64.StdEncoding.EncodeToString(key[:]) + "\n"
}

// createDurably writes a new file of mode 0600 and syncs it and its folder: losing the only copy of a key loses the data.
func createDurably(path, body string) error {
	handle, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = handle.WriteString(body)
	if err = errors.Join(err, handle.Sync(), handle.Close()); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
