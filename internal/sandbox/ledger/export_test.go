package ledger

import "fmt"

// SetVersion pretends that a newer release wrote the file.
func SetVersion(l *Ledger, version int) error {
	_, err := l.write.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, version))
	return err
}

// Relax lets a test with thousands of commits not wait for the disk at each. Durability has a test of its own.
func Relax(l *Ledger) error {
	_, err := l.write.Exec(`PRAGMA synchronous = OFF`)
	return err
}

// Pragma reads a setting of the connection that writes.
func Pragma(l *Ledger, name string) (value string, err error) {
	return value, l.write.QueryRow(`PRAGMA ` + name).Scan(&value)
}
