package apikey_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// Keys that work are counted by what they can do, and by how long ago their newest secret was made.
func TestTheCensusOfKeys(t *testing.T) {
	l := newLife(t, authtest.Options{})
	tied := []string{"203.0.113.0/24"}
	l.issue(apikey.IssueInput{})
	rotated := l.issue(apikey.IssueInput{Scopes: trading, Allowlist: tied, Algorithm: sign.HMACSHA256})
	l.issue(apikey.IssueInput{Scopes: trading, Allowlist: tied})
	l.issue(apikey.IssueInput{Scopes: trading})
	l.issue(apikey.IssueInput{Life: time.Hour}) // ends
	gone := l.issue(apikey.IssueInput{})
	if err := l.APIKeys.Revoke(t.Context(), host, gone.ID); err != nil {
		t.Fatal(err)
	}
	l.clock.Advance(10 * day)
	l.rotate(rotated, 7*day)
	l.clock.Advance(day)
	want := []apikey.Census{
		{Environment: id.Test, Class: scope.Look, Tied: false, Keys: 1, Age: 11 * day, Younger: [6]int{0, 0, 1, 1, 1, 1}},
		{Environment: id.Test, Class: scope.Order, Tied: true, Keys: 2, Age: 12 * day, Younger: [6]int{1, 1, 2, 2, 2, 2}},
		{Environment: id.Test, Class: scope.Order, Tied: false, Keys: 1, Age: 11 * day, Younger: [6]int{0, 0, 1, 1, 1, 1}},
	}
	got := l.APIKeys.Census()
	for i := range got {
		got[i].Age = got[i].Age.Round(time.Hour) // a key is signed with some seconds after it was made
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
