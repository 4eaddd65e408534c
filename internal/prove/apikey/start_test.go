package apikey_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/rawsql"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// BenchmarkStart reads a hundred thousand keys of 25,000 owners from a SQLite file, as a server does before it is ready.
func BenchmarkStart(b *testing.B) {
	const owners, each = 25_000, 4
	s := authtest.Start(b)
	s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Scopes: []string{"orders:write"}, Algorithm: sign.HMACSHA256})
	copies := func(from string, n int, columns string) {
		b.Helper()
		// Ids begin with the time: those of later rows are greater.
		numbers := fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)", n)
		names, values := strings.Fields(columns), strings.Fields(columns)
		for i, name := range names {
			var changed bool
			names[i], values[i], changed = strings.Cut(name, "=")
			if !changed {
				values[i] = name
			}
		}
		statement := fmt.Sprintf("%s INSERT INTO %s (%s) SELECT %s FROM n, (SELECT * FROM %s LIMIT 1)",
			numbers, from, strings.Join(names, ", "), strings.Join(values, ", "), from)
		if err := rawsql.Exec(s.Config.Store.SQLite.Path, statement); err != nil {
			b.Fatal(err)
		}
	}
	const owner, key = "CAST(printf('o%015d',i)AS/**/BLOB)", "CAST(printf('o%015d',i)AS/**/BLOB)"
	copies("users", owners, "id="+owner+" mail=i||'@example.com' name lang handle="+owner+" created_at")
	copies("account", owners, "id="+owner+" name created_at") // of their own: what stands of an account is read for each of its keys
	copies("member", owners, "account_id="+owner+" user_id="+owner+" role created_at")
	const of = "CAST(printf('o%015d',1+i/5)AS/**/BLOB)"
	copies("api_key", owners*each, "id="+key+" account_id="+of+" subaccount_id owner_id="+of+" name purpose environment dialect algorithm scopes allowlist settings window_past created_at created_device expires_at revoked_why last_used_from on_end template standby pin created_session markets order_most day_most per_second")
	copies("api_key_secret", owners*each, "key_id="+key+" version material created_at minted_by")
	for b.Loop() {
		if err := s.APIKeys.Reload(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/(owners*each), "µs/key")
}
