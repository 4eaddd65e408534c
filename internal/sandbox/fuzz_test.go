package sandbox_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/sandbox"
)

// FuzzBody: a body that is taken as parameters is one JSON object, and encoding/json reads the same members in it.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":"b"}`, `{"a":1.5e3}`, `{"a":null,"b":true}`, `{"a":{}}`, `{"a":1,"a":2}`, `{"a":1}x`, `{"\u0061":"b"}`, `[]`, `{`, `{"a"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/orders", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		in, err := sandbox.ReadParams(r)
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &members); err != nil || len(members) != len(in) {
			t.Fatalf("%q: %v, but encoding/json says %v, %v", body, in, members, err)
		}
		for name, raw := range members {
			var text string
			if json.Unmarshal(raw, &text) != nil { // a number or a literal
				text = string(raw)
			}
			if in[name] != text && string(raw) != "null" {
				t.Errorf("%q: %s is %q, want %q", body, name, in[name], text)
			}
		}
	})
}
