package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-21c57000/sallyport/internal/kit/pgtest"
)

var postgres = pgtest.Template{Migrate: func(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE marks (n int PRIMARY KEY); INSERT INTO marks VALUES (1)")
	return errors.Join(err, conn.Close(ctx))
}}

func TestDatabasesAreApart(t *testing.T) {
	for _, name := range []string{"one", "two", "three"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := pgx.Connect(t.Context(), postgres.New(t))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), "INSERT INTO marks VALUES (2)"); err != nil {
				t.Errorf("the migrated table, fresh for this test: %v", err)
			}
			// Left open on purpose: the database goes all the same.
		})
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	var dsn string
	t.Run("user", func(t *testing.T) { dsn = postgres.New(t) })
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the database of a test outlived it")
	}
}

// childVariable turns this test binary into a process that starts a server, says where, and waits to be killed.
const childVariable = "PGTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	s, err := pgtest.Start(pgtest.Options{NoSync: true})
	if err != nil {
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString(s.DSN + " " + s.Folder + "\n")
	select {}
}

func TestServerDiesWithItsProcess(t *testing.T) {
	postgres.New(t) // skips where PostgreSQL is missing
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1", pgtest.Variable+"=")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = child.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	dsn, folder, _ := strings.Cut(strings.TrimSpace(line), " ")
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("child said %q: %v", line, err)
	}
	if err = child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	// The server's end closes our connection; waiting on it needs no clock.
	if _, err = conn.Exec(t.Context(), "SELECT pg_sleep(30)"); err == nil {
		t.Error("the server outlived a killed process by 30 s")
	}
	waitGone(t, folder)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host); err == nil {
		_ = c.Close()
		t.Error("the server still listens")
	}
}

// waitGone waits for the supervisor to remove the folder, which is the last thing it does.
func waitGone(t *testing.T, folder string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			return
		}
	}
	t.Errorf("%s is still there", folder)
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		// Testing's own cleanup runs after the loop, so that only the making is measured.
		postgres.New(b)
	}
}
