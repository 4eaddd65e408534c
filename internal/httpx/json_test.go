package httpx_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

type document struct {
	Name  string          `json:"name"`
	Count int             `json:"count"`
	Inner *document       `json:"inner"`
	Raw   json.RawMessage `json:"raw"`
}

func TestDecodeJSON(t *testing.T) {
	var got document
	if err := httpx.DecodeJSON([]byte(` {"name":"Kim","count":2,"inner":{"name":"김"},"raw":{"Name":[1,{"x":null}]}} `), &got); err != nil {
		t.Fatal(err)
	}
	want := document{Name: "Kim", Count: 2, Inner: &document{Name: "김"}, Raw: json.RawMessage(`{"Name":[1,{"x":null}]}`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	tests := []struct{ name, body, problem string }{
		{"nothing", "", "no JSON value"},
		{"only space", " \n", "no JSON value"},
		{"no JSON", "name=Kim", "not valid JSON"},
		{"an open object", `{"name":"Kim"`, "not valid JSON"},
		{"an open string", `{"name":"Kim`, "not valid JSON"},
		{"two values", `{} {}`, "more than one value"},
		{"a second value of another kind", `{}1`, "more than one value"},
		{"rubbish behind", `{}]`, "more than one value"},
		{"a member twice", `{"name":"a","name":"b"}`, `member "name" twice`},
		{"a member in two cases", `{"name":"a","NAME":"b"}`, `member "NAME" twice`},
		{"a member in another spelling that folds", `{"raw":1,"name":"a","ra` + "\u0077" + `":2}`, `member "raw" twice`},
		{"a Kelvin sign for a k", `{"k":"a","` + "\u212a" + `":"b"}`, `member "` + "\u212a" + `" twice`},
		{"a long s for an s", `{"s":"a","` + "\u017f" + `":"b"}`, `member "` + "\u017f" + `" twice`},
		{"a member twice, deep inside", `{"raw":[{"a":{"b":1,"b":2}}]}`, `member "b" twice`},
		{"a member twice, written otherwise", `{"name":"a","n\u0061me":"b"}`, `member "name" twice`},
		{"an unknown member", `{"name":"a","admin":true}`, `unknown member "admin"`},
		{"another kind of value", `{"count":"2"}`, `member "count" is no int`},
		{"a number that does not fit", `{"count":1e99}`, `member "count" is no int`},
		{"bytes that are not UTF-8", "{\"name\":\"\xff\"}", "not valid UTF-8"},
		{"half of a surrogate pair", `{"name":"\ud83d"}`, "text with a replacement character or half of a surrogate pair"},
		{"half of one in a name", `{"\udc00":1}`, "text with a replacement character or half of a surrogate pair"},
		{"a replacement character", "{\"name\":\"\ufffd\"}", "text with a replacement character or half of a surrogate pair"},
		{"too deep", strings.Repeat("[", 33) + strings.Repeat("]", 33), "nested too deep"},
		{"a comma too much", `{"name":"a",}`, "not valid JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := httpx.DecodeJSON([]byte(tt.body), new(document))
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != fault.RequestMalformed {
				t.Fatalf("DecodeJSON(%q) = %v, want request.malformed", tt.body, err)
			}
			if diff := cmp.Diff(map[string]any{"problem": tt.problem}, f.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEqualMembersOfSiblingsAreNoDouble(t *testing.T) {
	if err := httpx.DecodeJSON([]byte(`[{"a":"a","b":["a","a"]},{"a":{"a":1}}]`), new(any)); err != nil {
		t.Error(err)
	}
}

// What is taken is JSON in the sense of encoding/json, means the same when it is written again, and has as many members as it says.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":[true,null,"x"]}`, `{"a":1,"A":2}`, "[]", `"\ud800"`, `{"ſ":1,"s":2}`, "1 2", `{"a" 1}`, `[1,,2]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got any
		if httpx.DecodeJSON(body, &got) != nil {
			return
		}
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("took %q, which is not JSON", body)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var second any
		if err := httpx.DecodeJSON(again, &second); err != nil || !reflect.DeepEqual(got, second) {
			t.Fatalf("%q became %q: %v", body, again, err)
		}
	})
}
