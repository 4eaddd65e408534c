package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// cookiesOf gives the Set-Cookie lines of an answer with their values cut out.
func cookiesOf(w *httptest.ResponseRecorder) (lines []string) {
	for _, c := range w.Result().Cookies() {
		lines = append(lines, strings.Replace(c.String(), c.Name+"="+c.Value, c.Name, 1))
	}
	return lines
}

func TestCookiesAreHostCookies(t *testing.T) {
	bearer := secret.MintBearer("session")
	tests := []struct {
		name string
		do   func(w http.ResponseWriter)
		want []string
	}{
		{"a session", func(w http.ResponseWriter) { httpx.KeepSession(w, bearer) }, []string{"__Host-sid; Path=/; HttpOnly; Secure; SameSite=Lax"}},
		{"a sign-in in a new browser", func(w http.ResponseWriter) { httpx.SignedIn(w, bearer, bearer) }, []string{
			"__Host-sid; Path=/; HttpOnly; Secure; SameSite=Lax",
			"__Host-dev; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax",
			"__Host-pre; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		}},
		{"a sign-in in a known browser", func(w http.ResponseWriter) { httpx.SignedIn(w, bearer, secret.Value{}) }, []string{
			"__Host-sid; Path=/; HttpOnly; Secure; SameSite=Lax",
			"__Host-pre; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		}},
		{"a sign-out", httpx.SignedOut, []string{"__Host-sid; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", "__Host-bs; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tt.do(w)
			if diff := cmp.Diff(tt.want, cookiesOf(w)); diff != "" {
				t.Errorf("cookies (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSignOutClearsTheBrowser(t *testing.T) {
	w := httptest.NewRecorder()
	httpx.SignedOut(w)
	if got := w.Header().Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data = %s", got)
	}
}

func TestCookie(t *testing.T) {
	good := string(secret.MintBearer("session").Reveal())
	tests := []struct {
		name  string
		lines []string
		want  string
		code  fault.Code
	}{
		{"none", nil, "", ""},
		{"one", []string{"__Host-sid=" + good}, good, ""},
		{"one beside others", []string{"a=b; __Host-sid=" + good + "; c=d"}, good, ""},
		{"one that we never set", []string{"__Host-sid=short"}, "", ""},
		{"two in a line", []string{"__Host-sid=" + good + "; __Host-sid=" + good}, "", fault.RequestMalformed},
		{"two in two lines", []string{"__Host-sid=" + good, "__Host-sid=x"}, "", fault.RequestMalformed},
		{"another name in another case", []string{"__host-sid=" + good}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header["Cookie"] = tt.lines
			got, err := httpx.Cookie(r, httpx.SessionCookie)
			if string(got.Reveal()) != tt.want {
				t.Errorf("cookie of %d bytes, want %d", len(got.Reveal()), len(tt.want))
			}
			if (err == nil) != (tt.code == "") || err != nil && fault.CodeOf(err) != tt.code {
				t.Errorf("error %v, want %q", err, tt.code)
			}
		})
	}
}

func TestBrowserIsGivenOneCookie(t *testing.T) {
	w := httptest.NewRecorder()
	first, err := httpx.Browser(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if err != nil || first.IsEmpty() || len(w.Result().Cookies()) != 1 {
		t.Fatalf("first visit: %v, %d cookies", err, len(w.Result().Cookies()))
	}
	again := httptest.NewRequest(http.MethodGet, "/", nil)
	again.AddCookie(w.Result().Cookies()[0])
	w = httptest.NewRecorder()
	second, err := httpx.Browser(w, again)
	if err != nil || !second.Equal(first) || len(w.Result().Cookies()) != 0 {
		t.Errorf("second visit: %v, same %t, %d cookies", err, second.Equal(first), len(w.Result().Cookies()))
	}
}

func TestFormTokenBelongsToOneCookieAndOneKey(t *testing.T) {
	key, other := httpx.FormKey(strings.Repeat("k", 32)), httpx.FormKey(strings.Repeat("o", 32))
	mine, theirs := secret.MintBearer("session"), secret.MintBearer("session")
	token := key.Token(mine)
	if err := key.Check(mine, token); err != nil {
		t.Errorf("own token: %v", err)
	}
	for name, err := range map[string]error{
		"another cookie": key.Check(theirs, token), "another key": other.Check(mine, token), "no token": key.Check(mine, ""),
		"no cookie": key.Check(secret.Value{}, key.Token(secret.Value{})), "a longer token": key.Check(mine, token+"A"),
	} {
		if err == nil || fault.CodeOf(err) != fault.RequestFormExpired {
			t.Errorf("%s: %v, want request.form_expired", name, err)
		}
	}
	if strings.Contains(token, string(mine.Reveal())) {
		t.Error("the token shows the cookie")
	}
}
