package canary_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// scanner knows secrets and finds them in any text, in each spelling in which a program is likely to write one.
type scanner struct {
	mu    sync.Mutex
	known map[string]bool         // secrets; guarded by mu
	words map[beginning][]spelled // by the beginning of a spelling; guarded by mu
	codes []code                  // guarded by mu
}

// beginning is as much of a spelling as is looked up at each place of a text.
type beginning [8]byte

// spelled is one way of writing the secret of that name.
type spelled struct {
	name string
	text []byte
}

// code is a secret of digits, too short to be unlikely: it counts only where a value would stand, not as a part of a number.
type code struct {
	name          string
	plain, spaced []byte
	standing      *regexp.Regexp
}

// plant adds a secret: a code of digits, or a text of at least eight characters.
func (s *scanner) plant(name, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.words == nil {
		s.known, s.words = map[string]bool{}, map[beginning][]spelled{}
	}
	if s.known[secret] {
		return
	}
	s.known[secret] = true
	if strings.Trim(secret, "0123456789") == "" && secret != "" {
		half := len(secret) / 2
		c := code{name: name, plain: []byte(secret), spaced: []byte(secret[:half] + " " + secret[half:])}
		c.standing = regexp.MustCompile(fmt.Sprintf(`(?:^|["'>= ]|%%22|%%3D)(?:%s|%s)(?:$|["'<& \r\n]|%%22)`, c.plain, c.spaced))
		s.codes = append(s.codes, c)
		return
	}
	for _, spelling := range spellings(secret) {
		if len(spelling) < len(beginning{}) {
			panic("canary: too short to be told from chance: " + name)
		}
		at := beginning(spelling)
		s.words[at] = append(s.words[at], spelled{name, spelling})
	}
}

// find names the secrets in a text, each once.
func (s *scanner) find(text []byte) []string { return slices.Sorted(maps.Keys(s.places(text))) }

// places says where in a text each secret stands first.
func (s *scanner) places(text []byte) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]int{}
	for i := range max(0, len(text)-len(beginning{})+1) {
		for _, w := range s.words[beginning(text[i:])] {
			if _, already := found[w.name]; !already && bytes.HasPrefix(text[i:], w.text) {
				found[w.name] = i
			}
		}
	}
	for _, c := range s.codes {
		if !bytes.Contains(text, c.plain) && !bytes.Contains(text, c.spaced) {
			continue
		}
		if at := c.standing.FindIndex(text); at != nil {
			found[c.name] = at[0]
		}
	}
	return found
}

// spellings are the ways of writing a secret.
func spellings(secret string) [][]byte {
	quoted, err := json.Marshal(secret)
	if err != nil {
		panic(err)
	}
	twice, err := json.Marshal(string(quoted[1 : len(quoted)-1]))
	if err != nil {
		panic(err)
	}
	list := []string{
		secret, string(quoted[1 : len(quoted)-1]), string(twice[1 : len(twice)-1]), url.QueryEscape(secret), url.PathEscape(secret),
		strings.ToLower(url.QueryEscape(secret)), html.EscapeString(secret),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	// Base64 of a text that contains the secret, wherever it begins: what precedes it moves it by 0, 1 or 2 bytes of a group of three, and its
	// first and last characters are mixed with its neighbours.
	for shift := range 3 {
		padded := append(make([]byte, shift), secret...)
		whole := len(padded) / 3 * 3
		encoded := base64.StdEncoding.EncodeToString(padded[:whole])[min(shift, 1)*4:]
		if len(encoded) >= 8 {
			list = append(list, encoded, strings.NewReplacer("+", "-", "/", "_").Replace(encoded))
		}
	}
	// A secret that is base64 itself stands for bytes, which may be written otherwise.
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := encoding.DecodeString(secret); err == nil && len(raw) >= 16 {
			list = append(list, string(raw), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw))
		}
	}
	slices.Sort(list)
	var out [][]byte
	for _, one := range slices.Compact(list) {
		out = append(out, []byte(one))
	}
	return out
}

// TestTheScannerFindsWhatIsPlanted is the proof that the silence of the others means something.
func TestTheScannerFindsWhatIsPlanted(t *testing.T) {
	const secret = `Zürich "quoted" <tag> & 100% +/ sesame`
	bytesOf := base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	for _, row := range []struct{ name, secret, text string }{
		{"as it is", secret, "x=" + secret},
		{"in JSON", secret, `{"a":"Zürich \"quoted\" \u003ctag\u003e \u0026 100% +/ sesame"}`},
		{"in JSON in a log line of JSON", secret, `{"msg":"{\"a\":\"Zürich \\\"quoted\\\" \\u003ctag\\u003e \\u0026 100% +/ sesame\"}"}`},
		{"in a query", secret, "/?a=" + url.QueryEscape(secret)},
		{"in a path", secret, "/" + url.PathEscape(secret)},
		{"in HTML", secret, "<p>" + html.EscapeString(secret)},
		{"in hex", secret, `\x` + hex.EncodeToString([]byte("before "+secret))},
		{"in base64", secret, base64.StdEncoding.EncodeToString([]byte(secret))},
		{"in base64 after one byte", secret, base64.StdEncoding.EncodeToString([]byte("a" + secret + "b"))},
		{"in base64 after two bytes", secret, base64.RawURLEncoding.EncodeToString([]byte("ab" + secret))},
		{"decoded, in hex", bytesOf, hex.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))},
		{"a code in JSON", "482913", `{"code":"482913"}`},
		{"a code in a form", "482913", `form_token=x&code=482913&next=1`},
		{"a code with a space", "482913", `<b>482 913</b>`},
	} {
		var s scanner
		s.plant(row.name, row.secret)
		if got := s.find([]byte(row.text)); len(got) != 1 {
			t.Errorf("%s: not found in %q", row.name, row.text)
		}
	}
	for _, row := range []struct{ name, secret, text string }{
		{"another text", secret, "Zürich and sesame"},
		{"a code within a number", "482913", `{"at":1648291377,"took":482913,"x":0.482913}`},
	} {
		var s scanner
		s.plant(row.name, row.secret)
		if got := s.find([]byte(row.text)); len(got) != 0 {
			t.Errorf("%s: found in %q", row.name, row.text)
		}
	}
}
