//go:build race

package storetest

// Engines are those on which tests of rooms and doors run with the race detector: SQLite. It watches the goroutines of the rooms, which are the
// same on both, and PostgreSQL would double what takes the longest of everything. Without it every one of those tests runs on both.
var Engines = []string{"sqlite"}
