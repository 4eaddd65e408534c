package password_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/prove/password"
)

func TestEveryEntryOfTheListIsFound(t *testing.T) {
	raw, err := os.ReadFile("blocklist/common.txt")
	if err != nil {
		t.Fatal(err)
	}
	entries := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	if len(entries) != 49233 {
		t.Errorf("%d entries, want the 49,233 of the package", len(entries))
	}
	if !slices.IsSorted(entries) {
		t.Error("the entries are not in byte order, so the search cannot find them")
	}
	listed := map[string]bool{}
	for _, entry := range entries {
		listed[entry] = true
	}
	for _, entry := range entries {
		if !password.Common(entry) {
			t.Errorf("%q is in the file but is not found", entry)
		}
		// Neighbours in byte order, which a search off by one would take for entries.
		for _, near := range []string{entry + "\x00", entry[:len(entry)-1], "\x00" + entry} {
			if password.Common(near) != listed[near] {
				t.Errorf("%q: found %v, listed %v", near, password.Common(near), listed[near])
			}
		}
	}
	for _, absent := range []string{"", "\n", "\x00", "~~~~~~~~~~~~", "문", entries[0] + "\n" + entries[1]} {
		if password.Common(absent) {
			t.Errorf("%q is found but is no entry", absent)
		}
	}
}

func TestTheListComesWithItsLicence(t *testing.T) {
	licence, err := os.ReadFile("blocklist/LICENSE")
	if err != nil || !strings.Contains(string(licence), "Permission is hereby granted, free of charge") {
		t.Errorf("blocklist/LICENSE: %v, %d bytes; want the MIT licence of the list", err, len(licence))
	}
}
