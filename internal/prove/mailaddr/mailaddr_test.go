package mailaddr_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
)

func TestCanonicalForm(t *testing.T) {
	local64 := strings.Repeat("l", 64)
	domain189 := strings.Repeat(strings.Repeat("d", 62)+".", 3) // 3 × 63 bytes
	tests := []struct{ in, want string }{
		{"kim@example.com", "kim@example.com"},
		{"Kim.MinSoo@Example.COM", "kim.minsoo@example.com"},
		{"kim+bots@mail.example.co.kr", "kim+bots@mail.example.co.kr"},
		{"k@e.xn--3e0b707e", "k@e.xn--3e0b707e"},
		{"#$&'*+-/=?^_`{|}~0@example.com", "#$&'*+-/=?^_`{|}~0@example.com"},
		{"-kim@example.com", "-kim@example.com"},
		{"1@1.example", "1@1.example"},
		{"kim@한국.kr", "kim@xn--3e0b707e.kr"},
		{"KIM@XN--3E0B707E.KR", "kim@xn--3e0b707e.kr"},
		{"kim@bücher.example", "kim@xn--bcher-kva.example"},
		{"kim@straße.example", "kim@xn--strae-oqa.example"}, // not strasse.example, which is somebody else
		{local64 + "@example.com", local64 + "@example.com"},
		{local64 + "@" + domain189, ""},                                                // ends in a dot
		{local64 + "@" + domain189[:188] + "d", local64 + "@" + domain189[:188] + "d"}, // 254 bytes
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			got, err := mailaddr.Parse(test.in)
			if got.String() != test.want || (err != nil) != (test.want == "") {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestStrangeAddressesAreRefused(t *testing.T) {
	tests := []struct {
		name, in string
		want     fault.Code
	}{
		{"empty", "", fault.MailAddressMalformed},
		{"no @", "example.com", fault.MailAddressMalformed},
		{"no name", "@example.com", fault.MailAddressMalformed},
		{"no domain", "kim@", fault.MailAddressMalformed},
		{"several @", "a@good.example@evil.example", fault.MailAddressMalformed},
		{"@ in quotes", `"a@good.example"@evil.example`, fault.MailAddressMalformed},
		{"@ twice", "kim@@example.com", fault.MailAddressMalformed},
		{"quoted", `"kim"@example.com`, fault.MailAddressMalformed},
		{"quoted space", `"kim lee"@example.com`, fault.MailAddressMalformed},
		{"escaped", `kim\@lee@example.com`, fault.MailAddressMalformed},
		{"comment before", "(admin)kim@example.com", fault.MailAddressMalformed},
		{"comment behind the name", "kim(admin)@example.com", fault.MailAddressMalformed},
		{"comment behind", "kim@example.com(admin)", fault.MailAddressDomain},
		{"display name", "Kim <kim@example.com>", fault.MailAddressMalformed},
		{"angles", "<kim@example.com>", fault.MailAddressMalformed},
		{"two addresses", "kim@example.com,lee@example.com", fault.MailAddressMalformed},
		{"second after a line break", "kim@example.com\r\nBcc: lee.example", fault.MailAddressDomain},
		{"line break in the name", "kim\r\n@example.com", fault.MailAddressMalformed},
		{"nothing byte", "kim\x00@example.com", fault.MailAddressMalformed},
		{"nothing byte in the domain", "kim@example.com\x00.evil.example", fault.MailAddressDomain},
		{"space before", " kim@example.com", fault.MailAddressMalformed},
		{"space behind", "kim@example.com ", fault.MailAddressDomain},
		{"dot first", ".kim@example.com", fault.MailAddressMalformed},
		{"dot last", "kim.@example.com", fault.MailAddressMalformed},
		{"dots together", "kim..lee@example.com", fault.MailAddressMalformed},
		{"percent route", "kim%victim.example@example.com", fault.MailAddressMalformed},
		{"bang route", "victim.example!kim@example.com", fault.MailAddressMalformed},
		{"source route", "@a.example:kim@example.com", fault.MailAddressMalformed},
		{"long name", strings.Repeat("l", 65) + "@example.com", fault.MailAddressMalformed},
		{"long address", "kim@" + strings.Repeat("d.", 125) + "example", fault.MailAddressMalformed},
		{"long once spelled in ASCII", strings.Repeat("k", 64) + "@" + strings.Repeat("ü.", 25) + "kr", fault.MailAddressMalformed},
		{"not UTF-8", "kim\xff@example.com", fault.MailAddressMalformed},
		{"not UTF-8 in the domain", "kim@\xffexample.com", fault.MailAddressMalformed},

		// Unicode in the name (X01, X03): whatever would collide with an ASCII name once mapped.
		{"dotless i", "m\u0131ke@example.com", fault.MailAddressLocalPart},
		{"dotted capital i", "m\u0130ke@example.com", fault.MailAddressLocalPart},
		{"Kelvin sign", "\u212Aim@example.com", fault.MailAddressLocalPart},
		{"long s", "\u017Fally@example.com", fault.MailAddressLocalPart},
		{"ligature", "\uFB01nn@example.com", fault.MailAddressLocalPart},
		{"full width", "\uFF4Bim@example.com", fault.MailAddressLocalPart},
		{"full width @", "kim\uFF20example.com", fault.MailAddressMalformed},
		{"composed", "andr\u00E9@example.com", fault.MailAddressLocalPart},
		{"decomposed", "andre\u0301@example.com", fault.MailAddressLocalPart},
		{"Cyrillic look-alike", "k\u0456m@example.com", fault.MailAddressLocalPart},
		{"zero width joiner", "kim\u200D@example.com", fault.MailAddressLocalPart},
		{"direction override", "kim\u202E@example.com", fault.MailAddressLocalPart},

		// Unicode in the domain: taken as it is or not at all.
		{"Kelvin sign in the domain", "kim@\u212Aim.example", fault.MailAddressDomain},
		{"long s in the domain", "kim@\u017Fally.example", fault.MailAddressDomain},
		{"dotted capital i in the domain", "kim@m\u0130ke.example", fault.MailAddressDomain},
		{"ligature in the domain", "kim@\uFB01nn.example", fault.MailAddressDomain},
		{"full width in the domain", "kim@\uFF45xample.com", fault.MailAddressDomain},
		{"ideographic full stop", "kim@example\u3002com", fault.MailAddressDomain},
		{"one dot leader", "kim@example\u2024com", fault.MailAddressDomain},
		{"Unicode capital in the domain", "kim@B\u00DCCHER.example", fault.MailAddressDomain},
		{"decomposed domain", "kim@bu\u0308cher.example", fault.MailAddressDomain},
		{"decomposed syllables", "kim@\u1112\u1161\u11ab\u1100\u116e\u11a8.kr", fault.MailAddressDomain},
		{"zero width joiner in the domain", "kim@exam\u200Dple.com", fault.MailAddressDomain},
		{"soft hyphen in the domain", "kim@exam\u00ADple.com", fault.MailAddressDomain},
		{"direction override in the domain", "kim@\u202Eexample.com", fault.MailAddressDomain},
		{"right to left beside left to right", "kim@a\u05D0.example", fault.MailAddressDomain},

		{"one label", "kim@localhost", fault.MailAddressDomain},
		{"dot behind the domain", "kim@example.com.", fault.MailAddressDomain},
		{"empty label", "kim@example..com", fault.MailAddressDomain},
		{"dot before the domain", "kim@.example.com", fault.MailAddressDomain},
		{"hyphen first", "kim@-example.com", fault.MailAddressDomain},
		{"hyphen last", "kim@example-.com", fault.MailAddressDomain},
		{"underscore", "kim@exa_mple.com", fault.MailAddressDomain},
		{"long label", "kim@" + strings.Repeat("d", 64) + ".com", fault.MailAddressDomain},
		{"address literal", "kim@[127.0.0.1]", fault.MailAddressDomain},
		{"IPv4", "kim@127.0.0.1", fault.MailAddressDomain},
		{"IPv6", "kim@::1", fault.MailAddressDomain},
		{"port", "kim@example.com:25", fault.MailAddressDomain},
		{"punycode of nothing", "kim@xn--.com", fault.MailAddressDomain},
		{"punycode that does not decode", "kim@xn--a.com", fault.MailAddressDomain},
		{"punycode of ASCII alone", "kim@xn--example-.com", fault.MailAddressDomain},
		{"punycode of a mapped character", "kim@xn--a-ecp.example", fault.MailAddressDomain},
		{"punycode of a capital", "kim@xn--BCHER-2pa.example", fault.MailAddressDomain},
		{"punycode beside Unicode", "kim@한국.xn--3e0b707e", fault.MailAddressDomain},
		{"reserved hyphens", "kim@ab--cd.com", fault.MailAddressDomain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := mailaddr.Parse(test.in)
			if err == nil {
				t.Fatalf("%q was read as %s", test.in, got)
			}
			if fault.CodeOf(err) != test.want || got != (mailaddr.Address{}) {
				t.Errorf("%q, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestMaskHidesTheName(t *testing.T) {
	for in, want := range map[string]string{
		"kim.minsoo@example.com": "k•••@example.com",
		"ki@example.com":         "k•••@example.com",
		"k@example.com":          "•••@example.com",
	} {
		a, err := mailaddr.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Mask(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
		if got := a.Domain(); got != "example.com" {
			t.Errorf("%s: domain %s", in, got)
		}
	}
	if none := (mailaddr.Address{}); none.String() != "" || none.Mask() != "" || none.Domain() != "" {
		t.Errorf("no address shows as %q, %q, %q", none, none.Mask(), none.Domain())
	}
}

// holdsInvariant checks what every address that was read must fulfil.
func holdsInvariant(t interface{ Errorf(string, ...any) }, in string, a mailaddr.Address) {
	canonical := a.String()
	again, err := mailaddr.Parse(canonical)
	if err != nil || again != a {
		t.Errorf("canonical(%q) is %q, but canonical of that is %q, %v", in, canonical, again, err)
	}
	local, domain, _ := strings.Cut(in, "@")
	canonicalLocal, canonicalDomain, _ := strings.Cut(canonical, "@")
	if !strings.EqualFold(local, canonicalLocal) || len(local) != len(canonicalLocal) {
		t.Errorf("%q: the name became %q by more than small letters", in, canonicalLocal)
	}
	if isASCII := len(domain) == utf8.RuneCountInString(domain); isASCII && strings.ToLower(domain) != canonicalDomain {
		t.Errorf("%q: the ASCII domain became %q", in, canonicalDomain)
	}
	for _, r := range canonical {
		if r <= ' ' || r > '~' || 'A' <= r && r <= 'Z' || strings.ContainsRune(`"(),:;<>[\]%!`, r) {
			t.Errorf("%q: %q in the canonical form %q", in, r, canonical)
		}
	}
	if strings.Count(canonical, "@") != 1 || len(canonical) > 254 {
		t.Errorf("%q: canonical form %q", in, canonical)
	}
}

func TestCanonicalFormIsItsOwnCanonicalForm(t *testing.T) {
	local := rapid.StringMatching(`[A-Za-z0-9#$&'*+/=?^_{|}~-]{1,8}(\.[A-Za-z0-9+-]{1,8}){0,3}`)
	label := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9]([A-Za-z0-9-]{0,6}[A-Za-z0-9])?`),
		rapid.StringMatching(`[가-힣]{1,6}`),
		rapid.StringMatching(`[a-zäöüßéłøα-ωа-я]{1,8}`),
		rapid.SampledFrom([]string{"xn--3e0b707e", "XN--Bcher-kva", "xn--a", "ſ", "K", "İ", "ａ", "ﬁ", "ü", "a。b"}),
	)
	read := 0
	rapid.Check(t, func(t *rapid.T) {
		in := local.Draw(t, "local") + "@" + strings.Join(rapid.SliceOfN(label, 1, 4).Draw(t, "labels"), ".")
		a, err := mailaddr.Parse(in)
		if err != nil {
			return
		}
		read++
		holdsInvariant(t, in, a)
	})
	if read < 10 {
		t.Errorf("only %d inputs were addresses, so the law was hardly tried", read)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"Kim.MinSoo@Example.COM", "kim@한국.kr", "kim@xn--3e0b707e.kr", "a@good@evil", `"kim"@example.com`, "kim(x)@example.com", "m\u0131ke@example.com",
		"\u212Aim@\u212Aim.example", "kim@bu\u0308cher.example", "kim@\uFF45xample.com", "kim@xn--a-ecp.example", "kim@straße.example", "k@\xff.a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if a, err := mailaddr.Parse(in); err == nil {
			holdsInvariant(t, in, a)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mailaddr.Parse("Kim.MinSoo@Example.com"); err != nil {
			b.Fatal(err)
		}
	}
}
