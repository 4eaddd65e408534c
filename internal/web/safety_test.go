package web_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// fill puts something into the places of a pattern.
func fill(pattern string) string {
	return strings.NewReplacer("{$}", "", "{number}", "4711", "{id}", "ses_069g9r2kt0f7s8w3a5q1z7y6xc", "{host}", authtest.PageHost, "{code}", "key.expired",
		"{name}", "app.js").Replace(pattern)
}

func routes(method string) (paths []string) {
	for _, l := range route.Of("web") {
		if l.Method == method && l.Needs != route.Public {
			paths = append(paths, fill(l.Pattern))
		}
	}
	return paths
}

// Every POST is refused that did not come from a page of ours, in whatever way a browser can be made to send it.
func TestForeignPostsAreRefused(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	token := b.token("/sessions")
	b.get("/sign-in") // so that the browser has its cookie for pages of strangers, too
	tests := []struct {
		name   string
		change func(*http.Request)
		token  string
		status int
		code   string
	}{
		{"cross-site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, token, 403, "request.cross_site"},
		{"same-site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, token, 403, "request.cross_site"},
		{"another origin, old browser", func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") }, token, 403, "request.cross_site"},
		{"no origin, old browser", func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") }, token, 403, "request.cross_site"},
		{"no token", func(*http.Request) {}, "", 403, "request.form_expired"},
		{"a token of another sign-in", func(*http.Request) {}, strings.Repeat("A", 43), 403, "request.form_expired"},
		{"plain text", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, token, 415, "request.media_type"},
		{"multipart", func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, token, 415, "request.media_type"},
		{"JSON", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, token, 415, "request.media_type"},
		{"no type", func(r *http.Request) { r.Header.Del("Content-Type") }, token, 415, "request.media_type"},
		{"two types", func(r *http.Request) { r.Header.Add("Content-Type", "application/x-www-form-urlencoded") }, token, 415, "request.media_type"},
	}
	for _, path := range routes(http.MethodPost) {
		for _, test := range tests {
			t.Run(path+"/"+test.name, func(t *testing.T) {
				if path == "/recover/evidence" && test.code != "request.cross_site" {
					test.status, test.code = 404, "recovery.unknown" // its body is read from the browser of a case alone: TestADisputedRecovery
				}
				r := request(http.MethodPost, path, url.Values{"form_token": {test.token}})
				test.change(r)
				b.t = t
				b.send(r)
				if b.page.StatusCode != test.status {
					t.Errorf("status %d, want %d: %s", b.page.StatusCode, test.status, b.page.text())
				}
				if !strings.Contains(b.page.text(), test.code) {
					t.Errorf("not refused for %s: %s", test.code, b.page.text())
				}
			})
		}
	}
	b.t = t
	if _, err := s.Sessions.Authenticate([]byte(b.cookies[httpx.SessionCookie]), "", authtest.PersonOrigin()); err != nil {
		t.Error("one of them signed the reader out")
	}
}

// Nobody without a session sees a page that needs one, and nothing that changes something answers a GET.
func TestPagesNeedTheirSession(t *testing.T) {
	s, _ := stack(t)
	for _, l := range route.Of("web") {
		if l.Needs != route.Session {
			continue
		}
		t.Run(l.Name(), func(t *testing.T) {
			b := open(t, s)
			b.send(request(l.Method, fill(l.Pattern), map[string]url.Values{http.MethodPost: {}}[l.Method]))
			if to := b.page.Header.Get("Location"); b.page.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in") {
				t.Errorf("%d to %q", b.page.StatusCode, to)
			}
		})
	}
	b := as(t, s, s.SignUp("ada@example.com"))
	for _, path := range routes(http.MethodPost) {
		if slices.Contains(routes(http.MethodGet), path) {
			continue
		}
		b.get(path)
		if b.page.StatusCode != http.StatusMethodNotAllowed || b.page.Header.Get("Allow") != "POST" {
			t.Errorf("GET %s: %d, allow %q", path, b.page.StatusCode, b.page.Header.Get("Allow"))
		}
	}
}

// Every page, in both languages, is whole and carries every header.
func TestEveryPageInBothLanguages(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	ada.EnrolTOTP()
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; report-uri /csp-report; report-to csp",
		"Reporting-Endpoints":          `csp="` + authtest.Origin + `/csp-report"`,
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "same-origin",
		"Cache-Control":                "no-store",
		"Content-Type":                 "text/html; charset=utf-8",
	}
	for _, lang := range []string{"en", "ko"} {
		for _, path := range append(routes(http.MethodGet), "/nothing/here", "/errors/no.such") {
			t.Run(lang+path, func(t *testing.T) {
				b := as(t, s, ada)
				b.lang = lang
				b.cookies[httpx.LangCookie] = lang
				b.get(path)
				if b.page.StatusCode == http.StatusSeeOther || path == "/sign-up/code" || path == "/sign-up/secure" {
					return // no page of their own, or none without a sign-up
				}
				for name, value := range want {
					if name == "Referrer-Policy" && path == "/not-me/{at}" {
						value = "no-referrer" // its address is all that its button needs
					}
					if got := b.page.Header.Get(name); got != value {
						t.Errorf("%s: %q, want %q", name, got, value)
					}
				}
				if b.page.Header.Get("Permissions-Policy") == "" {
					t.Error("no Permissions-Policy")
				}
				if got := get(all(b.page.root, "html")[0], "lang"); got != lang {
					t.Errorf("the page speaks %s", got)
				}
				if strings.ContainsAny(b.page.text(), "⟦⟧") {
					t.Errorf("a text is missing: %s", b.page.text())
				}
				if n := len(all(b.page.root, "h1")); n != 1 {
					t.Errorf("%d h1", n)
				}
			})
		}
	}
}

// payloads of an address that must never be followed. Each ends in a host that is not ours, a scheme, or something that browsers mend into one.
func payloads() (list []string) {
	hosts := []string{"evil.example", "evil.example:443", "localhost:8080.evil.example", "localhost:8080@evil.example", "[::1]", "127.0.0.1", "xn--e1afmkfd.example", "evil。example"}
	forms := []string{
		"//%s", "///%s", "////%s", "/\\%s", "\\\\%s", "/\\/%s", "\\/%s", "http://%s", "https://%s", "HTTPS://%s", "https:%s", "https:/%s", "https:///%s",
		"//user@%s", "/%%2f%s", "/%%2F%%2f%s", "/%%5c%s", "/.//%s", "/..//%s", "/./\\%s", "/\t/%s", "/\n/%s", "/\r\n/%s", " //%s", "\u00a0//%s", "/ /%s", "%s", "ftp://%s",
	}
	for _, form := range forms {
		for _, host := range hosts {
			list = append(list, fmt.Sprintf(form, host))
		}
	}
	return append(list, "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "/keys#x", "/keys\\", "/keys/../keys", "/keys//new", "/%6beys", "/keys%00",
		"/no/such/page", "/v1/session", "/sign-out", "/csp-report", "/keys?x=%zz", "/keys?a=\r\nSet-Cookie: x=1", "?x", "#", "keys", "/é", "/"+strings.Repeat("a", 3000))
}

func TestNoOpenRedirect(t *testing.T) {
	s, _ := stack(t)
	s.SignUp("ada@example.com")
	list := payloads()
	if len(list) < 200 {
		t.Fatalf("only %d payloads", len(list))
	}
	b := open(t, s)
	b.get("/sign-in")
	page := b.page
	for _, payload := range list {
		b.get("/sign-in?" + url.Values{"return_to": {payload}}.Encode())
		for _, field := range all(b.page.root, "input") {
			if get(field, "name") == "return_to" && strings.HasPrefix(get(all(field.Parent, "form")[0], "action"), "/sign-in") && get(field, "value") != "/" {
				t.Errorf("%q became %q on the page", payload, get(field, "value"))
			}
		}
		if got := get(formTo(b, "/sign-in"), "data-return-to"); got != "/" {
			t.Errorf("%q became %q for script", payload, got)
		}
		b.page = page
		b.submit("/language", "lang", "en", "return_to", payload)
		if got := b.page.Header.Get("Location"); got != "/" {
			t.Errorf("%q led to %q", payload, got)
		}
	}
	for _, good := range []string{"/", "/keys", "/keys/new", "/activity?before=12", "/go/" + authtest.PageHost + "?path=%2Fmarkets%3Fq%3D1", "/errors/key.expired", "/sign-up"} {
		b.page = page
		b.submit("/language", "lang", "en", "return_to", good)
		b.leads(good)
	}
	b.page = page
	b.get("/sign-in?return_to=//evil.example")
	b.submit("/sign-in", "mail", "ada@example.com", "password", authtest.Password, "return_to", "https://evil.example")
	b.leads("/")
}

func TestLanguage(t *testing.T) {
	s, _ := stack(t)
	b := open(t, s)
	entry, _ := fault.Lookup(fault.KeyExpired)
	korean := literal(entry.Korean)
	b.get("/errors/key.expired")
	b.submit("/language", "lang", "ko")
	b.leads("/errors/key.expired")
	b.follow()
	b.shows(http.StatusOK, korean, says(fault.KeyExpired))
	if strings.Index(b.page.text(), korean) > strings.LastIndex(b.page.text(), says(fault.KeyExpired)) {
		t.Error("the reader's language does not stand first")
	}
	b.get("/errors")
	b.submit("/language", "lang", "fr")
	b.shows(http.StatusUnprocessableEntity)
}

// Whoever is signed in chooses for their mails and other browsers too; a stranger chooses for this browser alone.
func TestLanguageOfTheUser(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	said := func() string {
		t.Helper()
		self, err := s.Accounts.Self(t.Context(), ada.Principal())
		if err != nil {
			t.Fatal(err)
		}
		if got := ada.Principal().Lang; got != self.Lang {
			t.Errorf("the session says %s, the row %s", got, self.Lang)
		}
		return self.Lang
	}
	stranger := open(t, s)
	stranger.get("/errors")
	stranger.submit("/language", "lang", "ko")
	if got := said(); got != "en" {
		t.Errorf("a stranger's choice made it %s", got)
	}
	b := as(t, s, ada)
	b.get("/errors")
	b.submit("/language", "lang", "ko")
	b.leads("/errors")
	if got := said(); got != "ko" {
		t.Errorf("after the choice: %s", got)
	}
}

func TestCrossing(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	cookie := secret.MintBearer(httpx.WayCookie)
	hash := cookie.Hash()
	way := "/go/" + authtest.PageHost + "?path=%2Fmarkets%3Fq%3D1&state=" + base64.RawURLEncoding.EncodeToString(hash[:])

	stranger := open(t, s)
	stranger.get(way)
	stranger.leads("/sign-in?return_to=" + url.QueryEscape(way))
	stranger.follow()
	stranger.submit("/sign-in", "mail", "ada@example.com", "password", authtest.Password)
	stranger.leads(way)

	b := as(t, s, ada)
	b.get(way)
	b.shows(http.StatusOK, authtest.PageOrigin, "Test")
	if strings.Contains(b.page.body, "code=") {
		t.Error("looking made a code")
	}
	b.submit("/go/" + authtest.PageHost)
	b.shows(http.StatusOK, "works once and for a few seconds")
	if b.page.Header.Get("Referrer-Policy") != "no-referrer" || b.page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page with the code says %v", b.page.Header)
	}
	r := httptest.NewRequest(http.MethodGet, b.href("Continue to"), nil)
	r.RequestURI = r.URL.RequestURI()
	r.AddCookie(&http.Cookie{Name: httpx.WayCookie, Value: string(cookie.Reveal())})
	res := s.Do(r)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/markets?q=1" {
		t.Errorf("the gateway answered %d to %q: %s", res.StatusCode, res.Header.Get("Location"), authtest.Body(t, res))
	}
	b.get("/sessions")
	b.shows(http.StatusOK, authtest.PageHost, "Open since")
	b.get("/")
	if got := b.href("Open "); got != authtest.PageOrigin+"/.sallyport/enter?path=%2F" {
		t.Errorf("the overview leads to %q", got)
	}
}

// Nobody is given a code who did not set out from the exchange, and nobody is led elsewhere.
func TestCrossingLeadsNowhereElse(t *testing.T) {
	s, _ := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	begin := authtest.PageOrigin + "/.sallyport/enter?path=%2Fmarkets"
	for _, state := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("=", 43)} {
		b.get("/go/" + authtest.PageHost + "?" + url.Values{"path": {"/markets"}, "state": {state}}.Encode())
		b.shows(http.StatusOK, authtest.PageOrigin)
		if got := b.href("Continue to"); got != begin {
			t.Errorf("with state %q the way begins at %q", state, got)
		}
		b.post("/go/"+authtest.PageHost, url.Values{"form_token": {b.token("/sessions")}, "path": {"/markets"}, "state": {state}})
		if got := b.href("Continue to"); got != begin {
			t.Errorf("a form with state %q is answered with %q", state, got)
		}
	}
	b.get("/go/evil.example")
	b.shows(http.StatusNotFound, "child_code.unknown_host")
	b.post("/go/evil.example", tokenOf(b, "/"))
	b.shows(http.StatusNotFound, "child_code.unknown_host")
	for _, path := range []string{"//evil.example", "https://evil.example", "/\\evil.example"} {
		b.get("/go/" + authtest.PageHost + "?" + url.Values{"path": {path}, "state": {strings.Repeat("A", 43)}}.Encode())
		if got := hiddenPath(b); got != "/" {
			t.Errorf("path %q became %q", path, got)
		}
	}
}

func hiddenPath(b *browser) string {
	for _, field := range all(formTo(b, "/go/"+authtest.PageHost), "input") {
		if get(field, "name") == "path" {
			return get(field, "value")
		}
	}
	return ""
}

func TestRefusals(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	b.get("/nothing/here")
	b.shows(http.StatusNotFound, says(fault.NotFound), "404 Not Found", b.page.Header.Get("X-Request-Id"), "not_found", "Overview")
	open(t, s).get("/nothing/here")
	b.get("/keys/")
	b.shows(http.StatusNotFound)
	twice := request(http.MethodGet, "/keys", nil)
	twice.AddCookie(&http.Cookie{Name: httpx.SessionCookie, Value: "another"})
	b.send(twice)
	b.shows(http.StatusBadRequest, "two cookies of one name")

	r := request(http.MethodPost, "/language", url.Values{"x": {strings.Repeat("a", 70<<10)}})
	b.send(r)
	b.shows(http.StatusRequestEntityTooLarge, "larger than 65536 bytes")
	token := b.token("/")
	for name, body := range map[string]string{
		"doubled":     "form_token=" + token + "&lang=en&lang=ko&return_to=/",
		"unknown":     "form_token=" + token + "&lang=en&return_to=/&admin=1",
		"not encoded": "form_token=" + token + "&lang=%zz",
		"not text":    "form_token=" + token + "&lang=%ff&return_to=/",
	} {
		r := request(http.MethodPost, "/language", url.Values{})
		r.Body = http.NoBody
		r = httptest.NewRequest(http.MethodPost, authtest.Origin+"/language", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		b.send(r)
		if b.page.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, b.page.StatusCode)
		}
	}
}

// A carried form opens for its own session and address only, and a step-up that is over leads nowhere.
func TestCarriedFormsStayWhereTheyBelong(t *testing.T) {
	s, clock := stack(t)
	ada, eve := as(t, s, s.SignUp("ada@example.com")), as(t, s, s.SignUp("eve@example.com"))
	clock.Advance(6 * time.Minute)
	fields := func(b *browser) (string, string) {
		b.post("/methods/password", with(tokenOf(b, "/methods"), "password", "another fine set of words"))
		b.shows(http.StatusForbidden, "Confirm that it is you")
		form := formTo(b, "/methods/password")
		values := map[string]string{}
		for _, field := range all(form, "input") {
			values[get(field, "name")] = get(field, "value")
		}
		return values["step_up"], values["carried"]
	}
	adaStep, adaForm := fields(ada)
	eveStep, eveForm := fields(eve)
	tests := map[string][3]string{
		"another's form":    {"/methods/password", adaStep, eveForm},
		"another's step-up": {"/methods/password", eveStep, adaForm},
		"another address":   {"/methods/totp/remove", adaStep, adaForm},
		"no form":           {"/methods/password", adaStep, ""},
		"no step-up":        {"/methods/password", "stp_nonsense", adaForm},
	}
	for name, test := range tests {
		ada.post(test[0], with(tokenOf(ada, "/methods"), "step_up", test[1], "carried", test[2], "proof_password", authtest.Password))
		if ada.page.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", name, ada.page.StatusCode, ada.page.text())
		}
	}
	clock.Advance(6 * time.Minute)
	ada.post("/methods/password", with(tokenOf(ada, "/methods"), "step_up", adaStep, "carried", adaForm, "proof_password", authtest.Password))
	ada.shows(http.StatusNotFound, "has become too old") // and keeps what was filled in
	ada.submit("/methods/password")
	ada.shows(http.StatusForbidden, "Confirm that it is you")
}
