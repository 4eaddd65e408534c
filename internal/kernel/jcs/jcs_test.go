package jcs_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/jcs"
)

// The samples of RFC 8785 §3.2.2 and §3.2.3.
func TestSamplesOfTheStandard(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		{
			"§3.2.2", `{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
				"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		},
		{
			"§3.2.3", `{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
				"\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\"," +
				"\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var value any
			if err := json.Unmarshal([]byte(row.in), &value); err != nil {
				t.Fatal(err)
			}
			got, err := jcs.Append(nil, value)
			if err != nil || string(got) != row.want {
				t.Errorf("%v\n got %s\nwant %s", err, got, row.want)
			}
		})
	}
}

// The numbers of RFC 8785 appendix B.
func TestNumbersOfTheStandard(t *testing.T) {
	for bits, want := range map[uint64]string{
		0x0000000000000000: "0", 0x8000000000000000: "0",
		0x0000000000000001: "5e-324", 0x8000000000000001: "-5e-324",
		0x7fefffffffffffff: "1.7976931348623157e+308", 0xffefffffffffffff: "-1.7976931348623157e+308",
		0x4340000000000000: "9007199254740992", 0xc340000000000000: "-9007199254740992", 0x4430000000000000: "295147905179352830000",
		0x7fffffffffffffff: "", 0x7ff0000000000000: "", 0xfff0000000000000: "",
		0x44b52d02c7e14af5: "9.999999999999997e+22", 0x44b52d02c7e14af6: "1e+23", 0x44b52d02c7e14af7: "1.0000000000000001e+23",
		0x444b1ae4d6e2ef4e: "999999999999999700000", 0x444b1ae4d6e2ef4f: "999999999999999900000", 0x444b1ae4d6e2ef50: "1e+21",
		0x3eb0c6f7a0b5ed8c: "9.999999999999997e-7", 0x3eb0c6f7a0b5ed8d: "0.000001",
		0x41b3de4355555553: "333333333.3333332", 0x41b3de4355555554: "333333333.33333325", 0x41b3de4355555555: "333333333.3333333",
		0x41b3de4355555556: "333333333.3333334", 0x41b3de4355555557: "333333333.33333343",
		0xbecbf647612f3696: "-0.0000033333333333333333", 0x43143ff3c1cb0959: "1424953923781206.2",
	} {
		got, err := jcs.Append(nil, math.Float64frombits(bits))
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%016x: %q %v, want %q", bits, got, err, want)
		}
	}
}

func TestWhatHasNoForm(t *testing.T) {
	for name, value := range map[string]any{
		"bytes that are not text": "\xff", "a name that is not text": map[string]any{"\xff": true}, "an integer beyond a double": int64(1<<53 + 1),
		"a kind that JSON does not know": struct{}{}, "in a list": []any{math.NaN()},
	} {
		if got, err := jcs.Append(nil, value); !errors.Is(err, jcs.ErrNoForm) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Whatever was written reads back as what it was, and writing that again changes nothing.
func TestCanonicalIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		object := map[string]any{}
		for name, text := range rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "texts") {
			object[name] = text
		}
		object["number"] = rapid.Float64Range(-1e300, 1e300).Draw(t, "number")
		first, err := jcs.Append(nil, object)
		if err != nil {
			t.Fatal(err)
		}
		var again any
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatal(err)
		}
		if second, err := jcs.Append(nil, again); err != nil || string(second) != string(first) {
			t.Fatalf("%v\n%s\n%s", err, first, second)
		}
	})
}
