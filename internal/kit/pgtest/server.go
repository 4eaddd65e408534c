// Package pgtest gives tests PostgreSQL databases of their own, from a throw-away server.
//
// One server serves a whole process: the one that the variable SALLYPORT_TEST_POSTGRES names (the test runner starts it once for
// all packages), else one that the first caller starts in a temporary folder. It knows nothing of our schema: who needs tables
// hands in a migration.
//
// Invariant: a server and its folder do not outlive the process that started it, however that process ends.
package pgtest

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Variable names the environment variable with the address of a running server, as a superuser's URL.
const Variable = "SALLYPORT_TEST_POSTGRES"

// ErrMissing is the answer of Start where PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL is not installed: apt-get install --no-install-recommends postgresql-15")

// Options of a server. The zero value is a server that keeps what it acknowledged, as a real one does.
type Options struct {
	// NoSync makes it faster and lets it lose everything in a power cut: for suites that look at something else.
	NoSync bool
}

// Server is a running throw-away server.
type Server struct {
	// DSN is the superuser's URL of the database postgres, over TCP on loopback. The server also listens on a Unix socket in Folder.
	DSN    string
	Folder string

	// alive holds the server: the supervisor reads from it, and ends everything when it closes.
	alive    io.Closer
	wait     func() error
	programs string              // folder of the server's programs
	as       *syscall.Credential // as whom they run; nil where we are not root
}

// supervise runs as the server's user. $1 folder, $2 folder of the programs, $3 options of the server. It ends when its standard
// input does, which is when the process that started it closes the pipe or dies of whatever cause; nothing else ends it.
const supervise = `trap '' HUP INT TERM
cd "$1" || exit 1
if "$2/initdb" -D data -U postgres -A scram-sha-256 --pwfile=password -E UTF8 --locale=C --no-sync >log 2>&1 &&
	"$2/pg_ctl" -D data -w -l log -o "$3" start >/dev/null 2>>log
then echo ready
else echo failed
fi
read -r _
"$2/pg_ctl" -D data -m immediate -w stop >/dev/null 2>&1
cd / && rm -rf "$1"
`

// Start starts a server on a free port. As root, which PostgreSQL refuses, it runs as the user postgres, else nobody.
// Errors: ErrMissing; anything else comes with the end of the server's log.
func Start(o Options) (*Server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	var failures []error
	// A port that is free now can be taken a moment later by another process: then another one is tried.
	for range 3 {
		s, err := start(programs, o)
		if err == nil {
			return s, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("start PostgreSQL: %w", errors.Join(failures...))
}

func start(programs string, o Options) (s *Server, err error) {
	folder, err := os.MkdirTemp("", "sallyport-pg-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	password := rand.Text()
	if err = os.WriteFile(filepath.Join(folder, "password"), []byte(password), 0o600); err != nil {
		return nil, err
	}
	as, err := unprivileged(folder)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories='%s' -c max_connections=300", port, folder)
	if o.NoSync {
		options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
	}
	supervisor := exec.Command("/bin/sh", "-c", supervise, "sallyport-pg", folder, programs, options) //nolint:noctx // it ends with its standard input
	supervisor.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	// In a process group of its own, so that an interrupt at the terminal does not reach it before it has cleaned up.
	supervisor.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	alive, err := supervisor.StdinPipe()
	if err != nil {
		return nil, err
	}
	said, err := supervisor.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := supervisor.Start(); err != nil {
		return nil, err
	}
	if word, _ := bufio.NewReader(said).ReadString('\n'); word != "ready\n" {
		log, _ := os.ReadFile(filepath.Join(folder, "log"))
		return nil, errors.Join(fmt.Errorf("%s", log[max(0, len(log)-2000):]), alive.Close(), supervisor.Wait())
	}
	// A pipe that the garbage collector closed would end the server while somebody still holds its address.
	pipes.Store(alive, true)
	dsn := fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
	return &Server{DSN: dsn, Folder: folder, alive: alive, wait: supervisor.Wait, programs: programs, as: as}, nil
}

// Crash ends the server in the middle of what it does, without a checkpoint and without a word to its clients, and starts it again at the
// same address on what is on disk.
func (s *Server) Crash() error {
	restart := exec.Command(filepath.Join(s.programs, "pg_ctl"), "-D", "data", "-m", "immediate", "-w", "-l", "log", "restart") //nolint:noctx // -w has its own end
	restart.Dir = s.Folder
	restart.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	restart.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.as}
	if err := restart.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(s.Folder, "log"))
		return fmt.Errorf("restart PostgreSQL: %w: %s", err, log[max(0, len(log)-2000):])
	}
	return nil
}

// pipes keeps the pipe of every server that was not stopped.
var pipes sync.Map

// Stop ends the server at once and removes its folder.
func (s *Server) Stop() error {
	pipes.Delete(s.alive)
	return errors.Join(s.alive.Close(), s.wait())
}

// findPrograms finds the folder with PostgreSQL's programs: Debian keeps the server's out of the path.
func findPrograms() (string, error) {
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(versions) > 0 {
		newest := slices.MaxFunc(versions, func(a, b string) int { return versionOf(a) - versionOf(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrMissing
	}
	return filepath.Dir(path), nil
}

// versionOf reads the 15 of /usr/lib/postgresql/15/bin/initdb.
func versionOf(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// unprivileged gives the folder to the user that the server will run as. It is nil where we are not root and stay who we are.
func unprivileged(folder string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no other credential is an answer
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("a user other than root for PostgreSQL: %w", err)
	}
	uid, uidErr := strconv.ParseUint(who.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(who.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, err
	}
	for _, path := range []string{folder, filepath.Join(folder, "password")} {
		if err := os.Chown(path, int(uid), int(gid)); err != nil {
			return nil, err
		}
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed in the next line
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("listener at %v", l.Addr())
	}
	return addr.Port, nil
}
