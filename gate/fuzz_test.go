package gate_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/seed-21c57000/sallyport/gate"
)

// FuzzParse: no token without our signature passes, and none makes the gate panic.
func FuzzParse(f *testing.F) {
	good := gate.SignHS256("k1", secret, claimsFor("GET", "/", ""))
	for _, seed := range []string{good, "", "..", "a.b.c", good + ".", good[1:], good[:len(good)-1]} {
		f.Add(seed)
	}
	g := newGate(f, nil)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := g.Parse(token); err == nil && token != good {
			t.Errorf("accepted %q", token)
		}
	})
}

// FuzzPayload: what the strict parser accepts, encoding/json accepts too, and reads alike.
func FuzzPayload(f *testing.F) {
	f.Add(goodPayload(f))
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":"\ud83d\ude00"}`, `{"a":-0.5E-7}`, `{"a":{}}`, `{"a":"\""}`, `{"iat":1.000001}`, `{"sub":"\u0000"}`,
		`{"a":"\\"}`, "{\"nam\":\"\u2028\"}", `{"a":true,"b":null}`, `{"a":1,"a":1}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		got, ok := gate.ParsePayload(payload)
		if !ok {
			return
		}
		var members map[string]any
		decoder := json.NewDecoder(bytes.NewReader([]byte(payload)))
		decoder.UseNumber()
		if err := decoder.Decode(&members); err != nil {
			t.Fatalf("accepted %q: %v", payload, err)
		}
		for name, value := range map[string]string{"sub": got.User, "htu": got.Target, "nam": got.Name} {
			if theirs, _ := members[name].(string); theirs != value {
				t.Errorf("%s of %q: %q, encoding/json says %q", name, payload, value, theirs)
			}
		}
	})
}
