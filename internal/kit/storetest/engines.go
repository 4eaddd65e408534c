//go:build !race

package storetest

// Engines are those on which tests of rooms and doors run, SQLite and PostgreSQL.
var Engines = []string{"sqlite", "postgres"}
