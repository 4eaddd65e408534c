package password_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/prove/password"
)

func TestStoredFormIsReadWhole(t *testing.T) {
	got, err := password.ParsePHC("$argon2id$v=19$m=47104,t=1,p=1,keyid=2026-11.2025-02$c29tZXNhbHQ$AAECAw")
	if err != nil {
		t.Fatal(err)
	}
	want := password.PHC{
		Scheme: "argon2id", Version: 19,
		Params:  []password.Param{{Name: "m", Value: "47104"}, {Name: "t", Value: "1"}, {Name: "p", Value: "1"}},
		Peppers: []string{"2025-02", "2026-11"}, // in the order applied
		Salt:    []byte("somesalt"), Tag: []byte{0, 1, 2, 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

var strangeForms = map[string]string{
	"empty":                         "",
	"one dollar":                    "$",
	"no leading dollar":             "argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"text before":                   "x$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"bcrypt, which is no PHC":       "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
	"no scheme":                     "$$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"capital in the scheme":         "$Argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"no parameters":                 "$argon2id$v=19$c29tZXNhbHQ$AAECAw",
	"empty parameters":              "$argon2id$v=19$$c29tZXNhbHQ$AAECAw",
	"no tag":                        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
	"empty tag":                     "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$",
	"empty salt":                    "$argon2id$v=19$m=8,t=1,p=1$$AAECAw",
	"one part more":                 "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw$AAECAw",
	"version with zero":             "$argon2id$v=019$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"version with plus":             "$argon2id$v=+19$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"version 0":                     "$argon2id$v=0$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"version below":                 "$argon2id$v=-1$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"version twice":                 "$argon2id$v=19$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"parameter twice":               "$argon2id$v=19$m=8,m=8,p=1$c29tZXNhbHQ$AAECAw",
	"parameter without value":       "$argon2id$v=19$m=8,t=,p=1$c29tZXNhbHQ$AAECAw",
	"parameter without name":        "$argon2id$v=19$m=8,=1,p=1$c29tZXNhbHQ$AAECAw",
	"bare parameter":                "$argon2id$v=19$m=8,t,p=1$c29tZXNhbHQ$AAECAw",
	"space in a parameter":          "$argon2id$v=19$m=8, t=1,p=1$c29tZXNhbHQ$AAECAw",
	"second equals sign":            "$argon2id$v=19$m=8=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"nine parameters":               "$x$a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1$c29tZXNhbHQ$AAECAw",
	"keyid not last":                "$argon2id$v=19$keyid=k,m=8,t=1,p=1$c29tZXNhbHQ$AAECAw",
	"keyid alone":                   "$argon2id$v=19$keyid=k$c29tZXNhbHQ$AAECAw",
	"keyid twice":                   "$argon2id$v=19$m=8,t=1,p=1,keyid=k,keyid=k$c29tZXNhbHQ$AAECAw",
	"keyid empty":                   "$argon2id$v=19$m=8,t=1,p=1,keyid=$c29tZXNhbHQ$AAECAw",
	"keyid with an empty name":      "$argon2id$v=19$m=8,t=1,p=1,keyid=a..b$c29tZXNhbHQ$AAECAw",
	"five peppers":                  "$argon2id$v=19$m=8,t=1,p=1,keyid=a.b.c.d.e$c29tZXNhbHQ$AAECAw",
	"padding":                       "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ=$AAECAw",
	"stray bits in the salt":        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHR$AAECAw",
	"line break in the salt":        "$argon2id$v=19$m=8,t=1,p=1$c29tZX\nNhbHQ$AAECAw",
	"line break behind":             "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAECAw\n",
	"base64url":                     "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$-_-_",
	"one byte longer than the most": "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + strings.Repeat("A", 512),
}

func TestStrangeFormsAreRefused(t *testing.T) {
	for name, form := range strangeForms {
		t.Run(name, func(t *testing.T) {
			if p, err := password.ParsePHC(form); err == nil {
				t.Errorf("%q was read as %+v", form, p)
			}
		})
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	name := rapid.StringMatching(`[a-z0-9-]{1,32}`).Filter(func(s string) bool { return s != "keyid" && s != "v" })
	rapid.Check(t, func(t *rapid.T) {
		want := password.PHC{
			Scheme:  rapid.StringMatching(`[a-z0-9-]{1,32}`).Draw(t, "scheme"),
			Version: rapid.IntRange(0, 99).Draw(t, "version"),
			Salt:    rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "salt"),
			Tag:     rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "tag"),
		}
		for _, n := range rapid.SliceOfNDistinct(name, 1, 3, rapid.ID).Draw(t, "names") {
			want.Params = append(want.Params, password.Param{Name: n, Value: rapid.StringMatching(`[a-zA-Z0-9/+.-]{1,32}`).Draw(t, "value")})
		}
		if n := rapid.IntRange(0, 4).Draw(t, "peppers"); n > 0 {
			want.Peppers = rapid.SliceOfN(rapid.StringMatching(`[a-zA-Z0-9/+-]{1,32}`), n, n).Draw(t, "ids")
		}
		got, err := password.ParsePHC(want.String())
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=47104,t=1,p=1,keyid=2026-11.2025-02$c29tZXNhbHQ$AAECAw")
	f.Add("$pbkdf2-sha256$i=600000$c29tZXNhbHQ$AAECAw")
	for _, form := range strangeForms {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := password.ParsePHC(s)
		if err == nil && p.String() != s {
			t.Errorf("%q was accepted but is written %q", s, p)
		}
	})
}
