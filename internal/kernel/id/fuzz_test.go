package id_test

import (
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// FuzzParse: an id has one spelling, and addresses one kind of thing.
func FuzzParse(f *testing.F) {
	f.Add(id.New[id.UserKind](time.Unix(1795292455, 0)).String())
	f.Add(id.New[id.SessionKind](time.Unix(1795292455, 0)).String())
	f.Add("usr_00000000000000000000000000")
	f.Add("usr_zzzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Add("usr_")
	f.Fuzz(func(t *testing.T, s string) {
		user, err := id.Parse[id.UserKind](s)
		if err == nil && (user.String() != s || user.IsZero()) {
			t.Errorf("Parse(%q) accepted a second spelling of %s", s, user)
		}
		if _, also := id.Parse[id.SessionKind](s); err == nil && also == nil {
			t.Errorf("%q is a user and a session", s)
		}
		var read id.User
		if accepted := read.UnmarshalText([]byte(s)); (accepted == nil) != (err == nil || s == "") || read != user {
			t.Errorf("UnmarshalText(%q) = %v, %v; Parse %v, %v", s, read, accepted, user, err)
		}
	})
}
