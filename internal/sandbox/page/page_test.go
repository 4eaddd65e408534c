package page_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
	"github.com/seed-21c57000/sallyport/internal/sandbox/page"
	"github.com/seed-21c57000/sallyport/internal/sandbox/words"
)

func amount(text string) money.Amount {
	a, err := money.Parse(text)
	if err != nil {
		panic(err)
	}
	return a
}

func TestNumbers(t *testing.T) {
	for _, row := range []struct{ amount, won, coins string }{
		{"0", "0", "0"},
		{"999", "999", "999"},
		{"1000", "1,000", "1,000"},
		{"162938000", "162,938,000", "162,938,000"},
		{"1234567.5", "1,234,567.50", "1,234,567.5"},
		{"0.00000001", "0.00", "0.00000001"},
		{"8149.459", "8,149.45", "8,149.459"},
		{"12345678901.12345678", "12,345,678,901.12", "12,345,678,901.12345678"},
	} {
		if won, coins := page.Won(amount(row.amount)), page.Coins(amount(row.amount)); won != row.won || coins != row.coins {
			t.Errorf("%s: %q, %q; want %q, %q", row.amount, won, coins, row.won, row.coins)
		}
	}
}

func TestChange(t *testing.T) {
	w := words.In("en")
	for _, row := range []struct{ from, to, words, class, icon string }{
		{"100", "101.5", "up 1.50%", "rises", "▲"},
		{"100", "90", "down 10.00%", "falls", "▼"},
		{"100", "100", "unchanged", "even", "–"},
		{"162938000", "162939000", "unchanged", "even", "–"}, // less than is shown
	} {
		m := page.Change(amount(row.from), amount(row.to))
		if m.Words(w) != row.words || m.Class() != row.class || m.Icon() != row.icon {
			t.Errorf("%s to %s: %q %q %q", row.from, row.to, m.Words(w), m.Class(), m.Icon())
		}
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 11, 21, 20, 5, 9, 0, time.UTC)
	for _, row := range []struct {
		lang string
		want []page.Moment
	}{
		{"en", []page.Moment{{"22 Nov 05:05:09", "2026-11-22T05:05:09+09:00"}, {"05:05:09", "2026-11-22T05:05:09+09:00"}}},
		{"ko", []page.Moment{{"11월 22일 05:05:09", "2026-11-22T05:05:09+09:00"}, {"05:05:09", "2026-11-22T05:05:09+09:00"}}},
	} {
		w := words.In(row.lang)
		if diff := cmp.Diff(row.want, []page.Moment{page.At(w, at), page.Clock(w, at)}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.lang, diff)
		}
	}
}

func TestSpark(t *testing.T) {
	for name, row := range map[string]struct {
		prices     []money.Amount
		line, area string
	}{
		"nothing": {nil, "", ""},
		"one":     {[]money.Amount{5}, "", ""},
		"flat":    {[]money.Amount{5, 5}, "0.0,20 100.0,20", "0,40 0.0,20 100.0,20 100,40"},
		"rising":  {[]money.Amount{1, 2, 3}, "0.0,38.0 50.0,20.0 100.0,2.0", "0,40 0.0,38.0 50.0,20.0 100.0,2.0 100,40"},
		"large":   {[]money.Amount{amount("162000000"), amount("164000000"), amount("163000000")}, "0.0,38.0 50.0,2.0 100.0,20.0", "0,40 0.0,38.0 50.0,2.0 100.0,20.0 100,40"},
	} {
		t.Run(name, func(t *testing.T) {
			s := page.NewSpark(row.prices, 100, 40)
			if s.Line != row.line || s.Area != row.area {
				t.Errorf("%q\n%q", s.Line, s.Area)
			}
		})
	}
}

func TestServeAsset(t *testing.T) {
	for _, name := range []string{"", "exchange.css", "../page.go", "exchange-000000000000.css"} {
		if page.ServeAsset(httptest.NewRecorder(), name) {
			t.Errorf("%q was served", name)
		}
	}
}

// The templates keep to what the policy allows, also in branches that no test renders.
func TestTemplatesKeepToThePolicy(t *testing.T) {
	forbidden := regexp.MustCompile(`templ\.Raw|<script|<style|\bstyle=|\son[a-z]+=|^\s*(css|script) \w+\(`)
	files, err := filepath.Glob("*.templ")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source = bytes.ReplaceAll(source, []byte(`<script type="module" src={ href("withdraw") }></script>`), nil)
		if found := forbidden.Find(source); found != nil {
			t.Errorf("%s: %q", file, found)
		}
	}
}

// The stylesheet asks for nothing from elsewhere, and every class of the templates is in it.
func TestStylesheet(t *testing.T) {
	css, err := os.ReadFile("exchange.css")
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`url\(|@import|expression`).Find(css); found != nil {
		t.Errorf("%q", found)
	}
	files, _ := filepath.Glob("*.templ")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, attribute := range regexp.MustCompile(`class="([\w -]+)"`).FindAllSubmatch(source, -1) {
			for _, class := range regexp.MustCompile(`[\w-]+`).FindAll(attribute[1], -1) {
				if !regexp.MustCompile(`\.` + string(class) + `\b`).Match(css) {
					t.Errorf("%s: the stylesheet has no .%s", file, class)
				}
			}
		}
	}
}
