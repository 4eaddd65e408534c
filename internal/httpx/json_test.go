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
	tests := []struct{ name, body, problem, seen string }{
		{"nothing", "", "no_value", ""},
		{"only space", " \n", "no_value", ""},
		{"no JSON", "name=Kim", "not_json", ""},
		{"an open object", `{"name":"Kim"`, "not_json", ""},
		{"an open string", `{"name":"Kim`, "not_json", ""},
		{"two values", `{} {}`, "second_value", ""},
		{"a second value of another kind", `{}1`, "second_value", ""},
		{"rubbish behind", `{}]`, "second_value", ""},
		{"a member twice", `{"name":"a","name":"b"}`, "member_twice", "name"},
		{"a member in two cases", `{"name":"a","NAME":"b"}`, "member_twice", "NAME"},
		{"a member in another spelling that folds", `{"raw":1,"name":"a","ra` + "\u0077" + `":2}`, "member_twice", "raw"},
		{"a Kelvin sign for a k", `{"k":"a","` + "\u212a" + `":"b"}`, "member_twice", "\u212a"},
		{"a long s for an s", `{"s":"a","` + "\u017f" + `":"b"}`, "member_twice", "\u017f"},
		{"a member twice, deep inside", `{"raw":[{"a":{"b":1,"b":2}}]}`, "member_twice", "b"},
		{"a member twice, written otherwise", `{"name":"a","n\u0061me":"b"}`, "member_twice", "name"},
		{"a member twice, with a name that a terminal obeys", `{"a\u001b[2K":1,"a\u001b[2K":2}`, "member_twice", "a[2K"},
		{"an unknown member", `{"name":"a","admin":true}`, "member_unknown", "admin"},
		{"another kind of value", `{"count":"2"}`, "member_kind", "count"},
		{"a number that does not fit", `{"count":1e99}`, "member_kind", "count"},
		{"bytes that are not UTF-8", "{\"name\":\"\xff\"}", "utf8", ""},
		{"half of a surrogate pair", `{"name":"\ud83d"}`, "replaced_text", ""},
		{"half of one in a name", `{"\udc00":1}`, "replaced_text", ""},
		{"a replacement character", "{\"name\":\"\ufffd\"}", "replaced_text", ""},
		{"too deep", strings.Repeat("[", 33) + strings.Repeat("]", 33), "too_deep", ""},
		{"a comma too much", `{"name":"a",}`, "not_json", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := httpx.DecodeJSON([]byte(tt.body), new(document))
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != fault.RequestMalformed {
				t.Fatalf("DecodeJSON(%q) = %v, want request.malformed", tt.body, err)
			}
			want := map[string]any{"problem": tt.problem}
			if tt.seen != "" {
				want["seen"] = tt.seen
			}
			if diff := cmp.Diff(want, f.Fields); diff != "" {
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
