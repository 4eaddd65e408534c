package sign_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

func TestFlatObject(t *testing.T) {
	for _, c := range []struct {
		text   string
		pairs  []sign.FlatPair
		reason sign.Reason
	}{
		{`{}`, []sign.FlatPair{}, ""},
		{" {\t\"a\"\r:\n\"b\" } ", []sign.FlatPair{{"a", "b"}}, ""},
		{`{"b":1,"a":-0.50e+07,"c":true,"d":false}`, []sign.FlatPair{{"b", "1"}, {"a", "-0.50e+07"}, {"c", "true"}, {"d", "false"}}, ""},
		{`{"\"\\\/\b\f\n\r\tx":"\u0041\uD55c\ud83d\ude00"}`, []sign.FlatPair{{"\"\\/\b\f\n\r\tx", "A한😀"}}, ""},
		{`{"a":0,"b":10,"c":0.0,"d":1E-1}`, []sign.FlatPair{{"a", "0"}, {"b", "10"}, {"c", "0.0"}, {"d", "1E-1"}}, ""},

		{``, nil, sign.JSONMalformed},
		{`"a"`, nil, sign.JSONMalformed},
		{`{`, nil, sign.JSONMalformed},
		{`{"a":1}x`, nil, sign.JSONMalformed},
		{`{"a":1}{}`, nil, sign.JSONMalformed},
		{`{"a":1,}`, nil, sign.JSONMalformed},
		{`{,"a":1}`, nil, sign.JSONMalformed},
		{`{"a" 1}`, nil, sign.JSONMalformed},
		{`{"a":1 "b":2}`, nil, sign.JSONMalformed},
		{`{a:1}`, nil, sign.JSONMalformed},
		{`{"a":}`, nil, sign.JSONMalformed},
		{`{"a":tru}`, nil, sign.JSONMalformed},
		{`{"a":True}`, nil, sign.JSONMalformed},
		{`{"a":NaN}`, nil, sign.JSONMalformed},
		{`{"a":01}`, nil, sign.JSONMalformed},
		{`{"a":-}`, nil, sign.JSONMalformed},
		{`{"a":+1}`, nil, sign.JSONMalformed},
		{`{"a":1.}`, nil, sign.JSONMalformed},
		{`{"a":.5}`, nil, sign.JSONMalformed},
		{`{"a":1e}`, nil, sign.JSONMalformed},
		{`{"a":1e+}`, nil, sign.JSONMalformed},
		{`{"a":0x1}`, nil, sign.JSONMalformed},
		{`{"a":"b`, nil, sign.JSONMalformed},
		{"{\"a\":\"\n\"}", nil, sign.JSONMalformed},
		{"{\"a\":\"\xff\"}", nil, sign.JSONMalformed},
		{"{\"\xc0\xaf\":1}", nil, sign.JSONMalformed},
		{`{"a":"\x"}`, nil, sign.JSONMalformed},
		{`{"a":"\`, nil, sign.JSONMalformed},
		{`{"a":"\u12"}`, nil, sign.JSONMalformed},
		{`{"a":"\u+123"}`, nil, sign.JSONMalformed},
		{`{"a":"\u12`, nil, sign.JSONMalformed},
		{`{"a":"\ud83d"}`, nil, sign.JSONMalformed},
		{`{"a":"\ud83d\n"}`, nil, sign.JSONMalformed},
		{`{"a":"\ud83d\u0041"}`, nil, sign.JSONMalformed},
		{`{"a":"\ude00"}`, nil, sign.JSONMalformed},
		{`{"a":"\ud83d\ude`, nil, sign.JSONMalformed},
		{"\ufeff{}", nil, sign.JSONMalformed},
		{`{"a":null}`, nil, sign.JSONNested},
		{`{"a":[]}`, nil, sign.JSONNested},
		{`{"a":{}}`, nil, sign.JSONNested},
		{`{"a":1,"a":2}`, nil, sign.JSONDuplicate},
		{`{"a":1,"\u0061":2}`, nil, sign.JSONDuplicate},
	} {
		pairs, err := sign.FlatObject([]byte(c.text))
		if sign.ReasonOf(err) != c.reason || c.reason == "" && !cmp.Equal(pairs, c.pairs) {
			t.Errorf("%s: %q, %v", c.text, pairs, err)
		}
	}
}
