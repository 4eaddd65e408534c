package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// bus is a session bus on which nothing is started by being called, so that the only keychain is the one below.
const bus = `<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <policy context="default"><allow send_destination="*"/><allow own="*"/><allow receive_sender="*"/></policy>
</busconfig>
`

// TestKeychain runs the scripts of testdata/keychain with a real Secret Service: GNOME's, unlocked, in a folder of its own.
func TestKeychain(t *testing.T) {
	busDaemon, secretService := program.Missing(t, "dbus-daemon"), program.Missing(t, "gnome-keyring-daemon")
	folder := t.TempDir()
	socket, config := filepath.Join(folder, "bus"), filepath.Join(folder, "bus.conf")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(bus, "{socket}", socket)), 0o600); err != nil {
		t.Fatal(err)
	}
	said := background(t, "", nil, busDaemon, "--config-file="+config, "--nofork", "--nosyslog", "--print-address")
	if _, err := said.ReadString('\n'); err != nil {
		t.Fatalf("the bus did not start: %v", err)
	}
	environ := []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=" + socket}
	own := append(environ, "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_RUNTIME_DIR="+folder)
	background(t, "password of the keychain", own, secretService, "--unlock", "--foreground", "--components=secrets")
	runScripts(t, "testdata/keychain", environ...)
}

// background runs a program until the test ends, and gives its standard output.
func background(t *testing.T, stdin string, environ []string, path string, arguments ...string) *bufio.Reader {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, arguments...)
	cmd.Stdin, cmd.Env = strings.NewReader(stdin), append(os.Environ(), environ...)
	said, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context has killed it by then
	return bufio.NewReader(said)
}
