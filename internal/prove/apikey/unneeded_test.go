package apikey_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// The owner of a key in use hears once of the scopes that it does not need, a month after it was given them; a change that gives it more begins
// anew.
func TestUnneededScopesAreToldOnce(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			l := newLife(t, o)
			home := authtest.PersonOrigin().Addr.String()
			look := func(k authtest.Key) fault.Code { return l.ask(k, http.MethodGet, "/v1/accounts", "") }
			const idle = "key_unneeded orders:read orders:cancel orders:write"
			for _, tt := range []struct {
				name   string
				in     apikey.IssueInput
				use    func(authtest.Key) fault.Code
				given  map[int][]string // day → the scopes that it is given as it begins
				letter map[int]string
			}{
				{"it only looks", apikey.IssueInput{Scopes: trading}, look, nil, map[int]string{30: idle}},
				{
					"it is given more",
					apikey.IssueInput{Scopes: trading},
					look,
					map[int][]string{50: {"transfers:read"}},
					map[int]string{30: idle, 79: idle + " transfers:read"},
				},
				{
					"it is given more before anybody was told",
					apikey.IssueInput{Scopes: trading},
					look,
					map[int][]string{29: {"transfers:read"}},
					map[int]string{58: idle + " transfers:read"},
				},
				{"it needs what it has", apikey.IssueInput{Scopes: []string{"balances:read"}}, look, nil, map[int]string{}},
				{"it may lie there", apikey.IssueInput{Scopes: trading, Standby: true}, look, nil, map[int]string{}},
				{
					"nobody uses it",
					apikey.IssueInput{Scopes: trading},
					func(authtest.Key) fault.Code { return "" }, nil,
					map[int]string{30: "key_unused", 60: "key_narrowed"},
				},
			} {
				t.Run(tt.name, func(t *testing.T) {
					l.t, l.born = t, l.clock.Now()
					tt.in.Allowlist, tt.in.Life = []string{home}, 200*day
					key := l.issue(tt.in)
					l.Settle()
					got := map[int]string{}
					for on := 1; on <= 85; on++ {
						if more := tt.given[on]; more != nil {
							scopes := append(append([]string{}, tt.in.Scopes...), more...)
							if err := l.edit(key, apikey.EditInput{Scopes: &scopes}); err != nil {
								t.Fatal(err)
							}
							l.Settle()
						}
						if code := tt.use(key); code != "" {
							t.Fatalf("day %d: %s", on, code)
						}
						if err := l.APIKeys.SaveUses(t.Context()); err != nil {
							t.Fatal(err)
						}
						before := len(l.Mailbox.Letters("ada@example.com"))
						l.days(1)
						for _, letter := range l.Mailbox.Letters("ada@example.com")[before:] {
							got[on] += strings.TrimSpace(string(letter.Notice) + " " + letter.Facts["unneeded"])
						}
					}
					if diff := cmp.Diff(tt.letter, got); diff != "" {
						t.Errorf("letters by day (-want +got):\n%s", diff)
					}
					if err := l.APIKeys.Revoke(t.Context(), host, key.ID); err != nil {
						t.Fatal(err)
					}
					l.Settle()
				})
			}
		})
	}
}
