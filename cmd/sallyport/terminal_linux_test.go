package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// TestAnAnswerMovesNoTerminal: what a server answers is quoted on a screen, and as it is for a program.
func TestAnAnswerMovesNoTerminal(t *testing.T) {
	path := program.Build(t, program.Sallyport)
	const said = "one\r\ntwo\x1b[2J\x1b]0;done\a\u009b1A\n"
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Said", "\u009b1A")
		_, _ = io.WriteString(w, said)
	}))
	defer answers.Close()
	file := filepath.Join(t.TempDir(), "key.json")
	key := `{"key_id": "spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ", "algorithm": "hmac-sha256", "dialect": "native", "secret": "0123456789abcdef0123456789abcdef"}`
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	call := []string{"call", "GET", answers.URL + "/", "--key-file", file}
	if stdout, stderr, _ := program.Output(t, path, append(call, "-i")...); stdout != said || strings.ContainsAny(stderr, "\u009b") {
		t.Errorf("to a program: %q, %q", stdout, stderr)
	}
	if stdout, _, _ := program.Output(t, path, append(call, "--json")...); strings.ContainsAny(stdout, "\x1b\a\u009b") {
		t.Errorf("as JSON: %q", stdout)
	}
	keyboard, screen := terminal(t)
	cmd := exec.CommandContext(t.Context(), path, call...)
	cmd.Stdout = screen
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	shown := make([]byte, 4096)
	n, err := keyboard.Read(shown)
	if got := string(shown[:n]); err != nil || !strings.Contains(got, `two\u001b[2J`) || strings.ContainsAny(got, "\x1b\a\u009b") {
		t.Errorf("on a screen: %q, %v", got, err)
	}
}

// terminal makes one: what is written to its screen is read at the other end (pts(4)).
func terminal(t *testing.T) (other, screen *os.File) {
	t.Helper()
	other, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	var number, unlocked int32
	for request, value := range map[uintptr]*int32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &unlocked} {
		if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, other.Fd(), request, uintptr(unsafe.Pointer(value))); no != 0 {
			t.Fatal(no)
		}
	}
	screen, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return other, screen
}
