package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds every step, so that a stuck server fails a test instead of hanging it.
const patience = time.Minute

// server is the address of this process's server. Nobody stops it: it ends with the process.
var server = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv(Variable); dsn != "" {
		return dsn, nil
	}
	s, err := Start(Options{})
	if err != nil {
		return "", err
	}
	return s.DSN, nil
})

// Template makes databases that begin with the same content. A test package keeps one in a variable:
//
//	var postgres = pgtest.Template{Migrate: migrate}
//
//	func TestX(t *testing.T) { dsn := postgres.New(t); … }
//
// It may be used by parallel tests.
type Template struct {
	// Migrate fills the database at dsn, once per process; nil leaves it empty. It must close what it opens.
	Migrate func(ctx context.Context, dsn string) error

	once sync.Once
	name string
	err  error
}

// New makes a database for one test and drops it when the test ends. Where PostgreSQL is not installed the test is skipped with
// the package's name, and fails if CI=true.
func (m *Template) New(t testing.TB) (dsn string) {
	t.Helper()
	admin, err := server()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.once.Do(func() { m.name, m.err = m.build(admin) })
	if m.err != nil {
		t.Fatalf("make the template database: %v", m.err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := run(admin, "CREATE DATABASE "+name+" TEMPLATE "+m.name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := run(admin, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return at(admin, name)
}

// build makes the template and closes it to connections: with one open, no copy can be made of it.
func (m *Template) build(admin string) (string, error) {
	name := "template_" + strings.ToLower(rand.Text())
	if err := run(admin, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	if m.Migrate != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := m.Migrate(ctx, at(admin, name)); err != nil {
			return "", err
		}
	}
	return name, run(admin, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
}

// run runs one statement on a connection of its own, which leaves nothing behind that a leak check would find.
func run(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("reach PostgreSQL: %w", err)
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// at is dsn with another database.
func at(dsn, database string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(fmt.Sprintf("%s holds no URL: %v", Variable, err))
	}
	u.Path = "/" + database
	return u.String()
}
