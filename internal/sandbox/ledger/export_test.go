package ledger

import (
	"context"
	"fmt"
)

// SetVersion pretends that a newer release wrote the file.
func SetVersion(l *Ledger, version int) error {
	_, err := l.write.ExecContext(context.Background(), fmt.Sprintf(`PRAGMA user_version = %d`, version))
	return err
}

// Relax lets a test with thousands of commits not wait for the disk at each. Durability has a test of its own.
func Relax(l *Ledger) error {
	_, err := l.write.ExecContext(context.Background(), `PRAGMA synchronous = OFF`)
	return err
}

// Pragma reads a setting of the connection that writes.
func Pragma(l *Ledger, name string) (value string, err error) {
	return value, l.write.QueryRowContext(context.Background(), `PRAGMA `+name).Scan(&value)
}
