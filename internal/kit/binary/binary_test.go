package binary_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/binary"
)

func TestStartWaitsForTheLineAndStopForTheEnd(t *testing.T) {
	p, err := binary.Start("/bin/sh", "ready", t.TempDir(), os.Environ(), "-c", `trap 'echo bye >&2; exit 7' TERM; echo first; echo ready now; while :; do sleep 0.01; done`)
	if err != nil {
		t.Fatal(err)
	}
	code, err := p.Stop(syscall.SIGTERM)
	if err != nil || code != 7 || p.Line != "ready now\n" || p.Stdout() != "first\nready now\n" || p.Stderr() != "bye\n" {
		t.Errorf("%d, %v, line %q, stdout %q, stderr %q", code, err, p.Line, p.Stdout(), p.Stderr())
	}
	if code, err := p.Stop(syscall.SIGTERM); err != nil || code != 7 {
		t.Errorf("stopped again: %d, %v", code, err)
	}
}

func TestAProcessThatEndsEarlyIsAnErrorWithWhatItSaid(t *testing.T) {
	_, err := binary.Start("/bin/sh", "ready", "", nil, "-c", "echo the port is busy >&2; exit 1")
	if err == nil || !strings.Contains(err.Error(), "the port is busy") || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("got %v", err)
	}
}
