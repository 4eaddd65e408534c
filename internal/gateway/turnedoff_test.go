package gateway_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/sign"
)

// A dialect that is turned off is off: keys of it are refused in its own words as long as it is, the start and doctor say how many, and nothing
// is lost by it.
func TestATurnedOffDialectRefusesItsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		s := authtest.StartWith(t, authtest.Options{Folder: folder})
		time.Sleep(5 * time.Second)
		ada := s.SignUp("ada@example.com")
		native := s.IssueKey(ada, apikey.IssueInput{})
		spoke := dialects()
		spoke = append(spoke, spoken{dialect: sign.Upbit, look: "GET /v1/accounts"})
		keys, yaml := map[sign.Dialect]authtest.Key{}, "dialects:\n"
		for _, d := range spoke {
			keys[d.dialect] = s.IssueKey(ada, apikey.IssueInput{Dialect: d.dialect})
			yaml += "  " + d.dialect.String() + ": {enabled: false}\n"
		}
		look := func(k authtest.Key, line, body string) (code fault.Code, text string) {
			method, target, _ := strings.Cut(line, " ")
			got := s.Do(s.Signed(k, method, authtest.APIHost, target, body))
			time.Sleep(10 * time.Millisecond)
			return fault.Code(got.Header.Get("Sallyport-Refusal")), authtest.Body(t, got)
		}
		restart := func(yaml string) (said string) {
			var log bytes.Buffer
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = authtest.StartWith(t, authtest.Options{Folder: folder, YAML: yaml, Log: slog.New(slog.NewTextHandler(&log, nil))})
			time.Sleep(5 * time.Second)
			return log.String()
		}
		said := restart(yaml)
		notes, err := server.Examine(t.Context(), s.Config, server.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		for _, d := range spoke {
			code, text := look(keys[d.dialect], d.look, d.lookBody)
			if code != fault.KeyDialectOff || strings.Contains(text, `"type":"http`) || strings.Contains(text, "KRW") {
				t.Errorf("%s: %q %s", d.dialect, code, text)
			}
			if want := "dialect=" + d.dialect.String() + " keys=1\n"; !strings.Contains(said, want) {
				t.Errorf("the start does not say %q: %s", want, said)
			}
			if want := "dialects." + d.dialect.String() + ".enabled is false: 1 keys of it are refused"; !strings.Contains(strings.Join(notes, "\n"), want) {
				t.Errorf("doctor does not say %q: %v %v", want, notes, err)
			}
			if standing, _ := s.APIKeys.Standing(s.KeyNow(keys[d.dialect].ID)); standing != apikey.StandsOff {
				t.Errorf("%s stands as %s", d.dialect, standing)
			}
		}
		if code, text := look(native, "GET /v1/accounts", ""); code != "" || !strings.Contains(text, "KRW") {
			t.Errorf("native: %q %s", code, text)
		}
		if said = restart(""); strings.Contains(said, "dialect=") {
			t.Errorf("with all on the start says %s", said)
		}
		for _, d := range spoke {
			if code, text := look(keys[d.dialect], d.look, d.lookBody); code != "" || !strings.Contains(text, "KRW") {
				t.Errorf("%s, turned on again: %q %s", d.dialect, code, text)
			}
		}
	})
}
