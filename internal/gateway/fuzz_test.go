package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/gateway"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/sandbox"
)

// FuzzParseRoutes: a file that is accepted means exactly what it says. Each of its routes is found by a path of its shape, under its own method
// alone, and is never weaker than its class.
func FuzzParseRoutes(f *testing.F) {
	f.Add(sandbox.Routes())
	f.Add([]byte("routes:\n  - {method: GET, path: \"/a/{id}\", scope: \"balances:read\", class: look}\n  - {method: GET, path: /a/b, class: public}\n"))
	f.Add([]byte("routes:\n  - {method: GET, path: //, class: public}\n"))
	f.Add([]byte("routes:\n  - {method: POST, path: /x, scope: \"balances:read\", class: withdraw}\n"))
	f.Add([]byte("routes: [{method: GET, path: /, class: public}]\n---\nroutes: []\n"))
	f.Add([]byte("routes: &r\n  - {method: GET, path: /, class: public, more: 1}\n"))
	f.Add([]byte("routes:\n  - {method: GET, path: /a, scope: \"orders:read\", class: look, assurance: phr, needs: [phishing_resistant, fresh], host: a.example, environment: live}\n" +
		"  - {method: GET, path: /a, scope: \"orders:read\", class: look, host: a.example, environment: test}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		routes, err := gateway.ParseRoutes(text)
		if err != nil {
			return
		}
		if len(routes.List()) == 0 {
			t.Fatal("a file without routes was accepted")
		}
		for _, r := range routes.List() {
			if r.Class != scope.Public && r.Scope.Class() < r.Class {
				t.Errorf("%s asks for %s, which opens less than %s", r.Name(), r.Scope, r.Class)
			}
			if r.Needs < policy.LevelFor(r.Class) || r.Class == scope.Public && r.Needs > assurance.None {
				t.Errorf("%s asks for %s, the class for %s", r.Name(), r.Needs, policy.LevelFor(r.Class))
			}
			path := pathOf(r.Template)
			if got := routes.Match(r.Place, r.Method, path); got != r {
				t.Errorf("%s %s matches %v, want %s", r.Method, path, got, r.Name())
			}
			if got := routes.Match(r.Place, "TRACE", path); got != nil {
				t.Errorf("TRACE %s matches %s", path, got.Name())
			}
		}
	})
}

// pathOf is a path of a template's shape, with text in place of a {name} that no template holds.
func pathOf(template string) string {
	segments := strings.Split(template, "/")
	for i, s := range segments {
		if isName(s) {
			segments[i] = "any\x00thing"
		}
	}
	return strings.Join(segments, "/")
}

func isName(segment string) bool {
	return strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") && len(segment) > 2
}

// FuzzMatch compares the tree of templates with a loop over the list that a newcomer would write.
func FuzzMatch(f *testing.F) {
	routes, err := gateway.ParseRoutes([]byte(`routes:
  - {method: GET, path: "/", class: public}
  - {method: GET, path: "/a/{x}", class: public}
  - {method: GET, path: "/a/b", class: public}
  - {method: PUT, path: "/a/{x}", class: public}
  - {method: GET, path: "/{y}/b/c", class: public}
  - {method: GET, path: "/a/{x}/c/{z}", class: public}
  - {method: GET, path: "/a/b/c/", class: public}
  - {method: GET, path: "/h/{x}", class: public}
  - {method: GET, path: "/h/b", class: public, host: a.example}
  - {method: GET, path: "/e", class: public, host: a.example, environment: live}
  - {method: GET, path: "/e", class: public, host: a.example, environment: test}
  - {method: GET, path: "/e", class: public, host: b.example}
`))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range []string{"/", "/a/b", "/a/", "/a/x", "/x/b/c", "/a/b/c", "/a/b/c/", "/a/b/c/d", "//", "/a/x/c/", "/a/{x}", "/h/b", "/h/c", "/e"} {
		f.Add("GET", path, "a.example", true)
		f.Add("PUT", path, "b.example", false)
	}
	f.Fuzz(func(t *testing.T, method, path, host string, live bool) {
		if !strings.HasPrefix(path, "/") {
			return // Match is called with paths that sign.CheckPath accepted
		}
		place := gateway.Place{Host: host, Environment: map[bool]id.Environment{true: id.Live, false: id.Test}[live]}
		if got, want := routes.Match(place, method, path), slowMatch(routes.List(), place, method, path); host != "" && got != want {
			t.Errorf("%s %q matches %v at %s, want %v", method, path, got, place, want)
		}
	})
}

// slowMatch takes the template that fits and has a fixed segment at the first place where two that fit differ, and of its routes the one that is
// offered there.
func slowMatch(list []*gateway.Route, place gateway.Place, method, path string) *gateway.Route {
	best := slowTemplate(list, method, path)
	for _, r := range list {
		elsewhere := r.Place.Host != "" && r.Place.Host != place.Host || r.Place.Environment != 0 && r.Place.Environment != place.Environment
		if best != nil && r.Method == method && r.Template == best.Template && !elsewhere {
			return r
		}
	}
	return nil
}

func slowTemplate(list []*gateway.Route, method, path string) (best *gateway.Route) {
	segments := strings.Split(path, "/")
	for _, r := range list {
		template := strings.Split(r.Template, "/")
		fits := r.Method == method && len(template) == len(segments)
		for i := 0; fits && i < len(template); i++ {
			fits = template[i] == segments[i] && !isName(template[i]) || isName(template[i]) && segments[i] != ""
		}
		if fits && (best == nil || slices.CompareFunc(template, strings.Split(best.Template, "/"), fixedFirst) < 0) {
			best = r
		}
	}
	return best
}

func fixedFirst(a, b string) int {
	switch {
	case isName(a) == isName(b):
		return 0
	case isName(b):
		return -1
	}
	return 1
}

// FuzzCleanRequest: whatever a client sends, no upstream hears a word about identity but ours, or gets a cookie of ours; the upstream's own
// cookies and other headers arrive; and cleaning twice is cleaning once.
func FuzzCleanRequest(f *testing.F) {
	f.Add("X-Forwarded-For", "203.0.113.7")
	f.Add("sallyport_assertion", "x.y.z")
	f.Add("X_Forwarded_User", "root")
	f.Add("Cookie", "a=1; __Host-sid=stolen; b=2")
	f.Add("Cookie", "__Host-sid=stolen;__Host-dev=stolen")
	f.Add("Cookie", " __Host-sid =stolen; =; ;a")
	f.Add("Accept", "text/html")
	f.Fuzz(func(t *testing.T, name, value string) {
		if !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return // net/http refuses these before we see them
		}
		name = http.CanonicalHeaderKey(name)
		h := http.Header{name: {value}, "Cookie": {value, "theirs=1"}, "X-Kept": {"1"}}
		gateway.CleanRequest(h)
		for left := range h {
			switch folded := strings.ToLower(strings.ReplaceAll(left, "_", "-")); {
			case strings.Contains(left, "_"), strings.HasPrefix(folded, "sallyport-"), strings.HasPrefix(folded, "x-forwarded-"),
				slices.Contains([]string{"authorization", "signature", "signature-input", "forwarded", "x-real-ip", "x-request-id"}, folded):
				t.Errorf("%s goes on", left)
			}
		}
		if name != "X-Kept" && h.Get("X-Kept") != "1" || !slices.ContainsFunc(cookies(h), func(c *http.Cookie) bool { return c.Name == "theirs" }) {
			t.Errorf("lost on the way: %v", h)
		}
		for _, c := range cookies(h) {
			if httpx.Ours(c.Name) {
				t.Errorf("our cookie %s goes on: %q", c.Name, h["Cookie"])
			}
		}
		again := h.Clone()
		gateway.CleanRequest(again)
		if diff := cmp.Diff(h, again); diff != "" {
			t.Errorf("cleaned twice (-once +twice):\n%s", diff)
		}
	})
}

func cookies(h http.Header) []*http.Cookie { return (&http.Request{Header: h}).Cookies() }

func isToken(name string) bool {
	for _, c := range []byte(name) {
		if !strings.ContainsRune("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(c)) {
			return false
		}
	}
	return name != ""
}

// FuzzEnter: the way in from the dashboard opens for a code that we made, in the browser that we made it for, and for nothing that a stranger
// writes: a query without a code leads to the dashboard, every other is refused, sets no cookie and redirects nowhere.
func FuzzEnter(f *testing.F) {
	s := authtest.Start(f)
	ada := s.SignUp("ada@example.com").Principal()
	f.Add("code=x")
	f.Add("code=")
	f.Add("")
	f.Add("code=a&code=b")
	f.Add("code=%zz;code=1")
	f.Add("path=//evil.example&code=" + strings.Repeat("A", 43))
	f.Add("path=//evil.example")
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, " \r\n#") {
			return
		}
		code, way := s.Crossing(t, ada, authtest.PageHost, "/")
		enter := func(query string, cookie secret.Value) *http.Response {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+authtest.PageHost+"/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.RequestURI = "/.sallyport/enter?" + query
			r.URL.Path, r.URL.RawQuery = "/.sallyport/enter", query
			r.AddCookie(&http.Cookie{Name: httpx.WayCookie, Value: string(cookie.Reveal())})
			return s.Do(r)
		}
		got := enter(query, way)
		to, setsOut := strings.CutPrefix(got.Header.Get("Location"), authtest.Origin+"/go/"+authtest.PageHost+"?path=%2F")
		values, _ := url.ParseQuery(query)
		switch {
		case setsOut && !values.Has("code") && !strings.HasPrefix(to, "%2F") && strings.HasPrefix(got.Header.Get("Set-Cookie"), httpx.WayCookie+"="):
		case got.StatusCode < 400 || got.Header.Get("Set-Cookie") != "" || got.Header.Get("Location") != "":
			t.Errorf("%q opens: %d %v", query, got.StatusCode, got.Header)
		}
		genuine := "code=" + string(code.Reveal())
		if got := enter(genuine, secret.MintBearer("way")); got.StatusCode != http.StatusForbidden || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("the code opens in another browser: %d %v", got.StatusCode, got.Header)
		}
		if got := enter(genuine, way); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Set-Cookie"), httpx.SessionCookie+"=") {
			t.Errorf("after %q the genuine code does not open: %s", query, fmt.Sprint(got.StatusCode, got.Header))
		}
	})
}
