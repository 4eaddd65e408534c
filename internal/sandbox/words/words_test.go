package words_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/sandbox/words"
)

// texts reads a catalogue as the translators see it: path → text.
func texts(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	flat := map[string]string{}
	for key, value := range tree {
		switch value := value.(type) {
		case string:
			flat[key] = value
		case map[string]any:
			for name, text := range value {
				flat[key+"."+name] = text.(string)
			}
		}
	}
	return flat
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

func TestBothLanguagesSayTheSame(t *testing.T) {
	english, korean := texts(t, "en"), texts(t, "ko")
	shape := func(flat map[string]string) map[string]string {
		s := map[string]string{}
		for key, text := range flat {
			names := placeholder.FindAllString(text, -1)
			slices.Sort(names)
			s[key] = strings.Join(names, " ")
		}
		return s
	}
	if diff := cmp.Diff(shape(english), shape(korean)); diff != "" {
		t.Errorf("keys or placeholders differ (-en +ko):\n%s", diff)
	}
	for key, text := range korean {
		if key != "lang" && key != "clock" && text == english[key] {
			t.Errorf("%s is not translated: %q", key, text)
		}
	}
}

// Every field of Words is filled: a key that is missing in the file would be an empty place on the page.
func TestEveryFieldHasAText(t *testing.T) {
	for _, lang := range []string{"en", "ko"} {
		v := reflect.ValueOf(words.In(lang)).Elem()
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s: %s is empty", lang, v.Type().Field(i).Name)
			}
		}
		for key, text := range texts(t, lang) {
			if strings.TrimSpace(text) == "" || text != strings.TrimSpace(text) {
				t.Errorf("%s: %s is %q", lang, key, text)
			}
		}
	}
}

// 합니다체 throughout: a Korean sentence ends in -다 or in a request for one.
func TestKoreanStyle(t *testing.T) {
	for key, text := range texts(t, "ko") {
		for sentence := range strings.SplitSeq(text, ". ") {
			if s, ends := strings.CutSuffix(sentence, "."); ends && !strings.HasSuffix(s, "니다") && !strings.HasSuffix(s, "십시오") {
				t.Errorf("%s: %q", key, sentence)
			}
		}
	}
}

func TestIn(t *testing.T) {
	for lang, want := range map[string]string{"en": "en", "ko": "ko", "": "en", "fr": "en", "KO": "en"} {
		if got := words.In(lang).Lang; got != want {
			t.Errorf("%q speaks %q, want %q", lang, got, want)
		}
	}
}

func TestWith(t *testing.T) {
	if got := words.With("{a} of {b}, {c}", "a", "{b}", "b", "2"); got != "{b} of 2, {c}" {
		t.Errorf("%q", got)
	}
}

func TestRefusal(t *testing.T) {
	w := words.In("en")
	if w.Refusal("order_not_found") == "order_not_found" || w.Refusal("tomorrow") != "tomorrow" {
		t.Error("a known refusal has a sentence, an unknown one its name")
	}
}
