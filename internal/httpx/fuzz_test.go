package httpx_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// FuzzCookie: among whatever other cookies a browser sends, ours is read as it was set; two of it are refused; and what we never set is none.
func FuzzCookie(f *testing.F) {
	bearer := strings.Repeat("A", 43)
	f.Add("")
	f.Add("theirs=1; more=2")
	f.Add(httpx.SessionCookie + "=" + bearer)
	f.Add(httpx.SessionCookie + "=short; " + httpx.SessionCookie + `="` + bearer + `"`)
	f.Add("__Host-sid =" + bearer + ";__Host-sidx=" + bearer)
	f.Add(`a="; __Host-sid=` + bearer + `"`)
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n\x00") {
			return
		}
		alone := &http.Request{Header: http.Header{"Cookie": {line}}}
		sent := alone.CookiesNamed(httpx.SessionCookie)
		got, err := httpx.Cookie(alone, httpx.SessionCookie)
		switch {
		case len(sent) > 1:
			if fault.CodeOf(err) != fault.RequestMalformed {
				t.Errorf("%q holds it %d times: %v", line, len(sent), err)
			}
			return
		case err != nil:
			t.Fatalf("%q: %v", line, err)
		case !got.IsEmpty() && (len(got.Reveal()) != 43 || len(sent) == 0 || !strings.Contains(line, string(got.Reveal()))):
			t.Errorf("%q gives %q", line, got.Reveal())
		}
		w := httptest.NewRecorder()
		mine := secret.MintBearer("session")
		httpx.SetCookie(w, httpx.SessionCookie, mine, 0)
		set, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
		got, err = httpx.Cookie(&http.Request{Header: http.Header{"Cookie": {set, line}}}, httpx.SessionCookie)
		if len(sent) == 0 && (err != nil || string(got.Reveal()) != string(mine.Reveal())) {
			t.Errorf("beside %q ours is read as %q, %v", line, got.Reveal(), err)
		}
		if len(sent) > 0 && err == nil {
			t.Errorf("beside %q ours is not alone, and still one is taken", line)
		}
	})
}

// FuzzLanguage: whatever a browser asks for, it is answered in one of our languages, and its reader's own choice wins.
func FuzzLanguage(f *testing.F) {
	f.Add("ko-KR,ko;q=0.9,en;q=0.8")
	f.Add("de, *;q=0.1")
	f.Add("en;q=0,ko")
	f.Add(",,;;")
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{"Accept-Language": {header}}}
		if got := httpx.Language(r); got != "en" && got != "ko" {
			t.Errorf("%q is answered in %q", header, got)
		}
		for _, chosen := range []string{"en", "ko"} {
			r.Header.Set("Cookie", httpx.LangCookie+"="+chosen)
			if got := httpx.Language(r); got != chosen {
				t.Errorf("chose %s, is answered in %s", chosen, got)
			}
		}
	})
}

// FuzzParseState: a state has one spelling, that of a hash.
func FuzzParseState(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("A", 43))
	f.Add(strings.Repeat("A", 42) + "B")
	f.Add(strings.Repeat("=", 43))
	f.Add(strings.Repeat("A", 42) + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		hash, ok := httpx.ParseState(text)
		if again := base64.RawURLEncoding.EncodeToString(hash[:]); ok && again != text {
			t.Errorf("%q is read as %q", text, again)
		}
	})
}
