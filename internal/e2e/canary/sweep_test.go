package canary_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// byEveryRoute sends secrets to each line of spec/routes.tsv: in the path, the query, the headers and in every field that the description or a
// page names; as a stranger with credentials of their own invention, and as somebody who is signed in, with and without the form token.
func (w *world) byEveryRoute() {
	w.t.Helper()
	lines := slices.Concat(route.Of("api"), route.Of("confirm"), route.Of("web"), route.Of("dbsc"), route.Of("server"))
	if n := w.linesOfTable(); n != len(lines) {
		w.t.Fatalf("spec/routes.tsv has %d lines, and the doors that are known here %d", n, len(lines))
	}
	reader := w.browser(home)
	w.signUp(reader, "reader@example.com")
	fields := w.fieldsOfPages(reader)
	maps.Copy(fields, w.fieldsOfDescription(reader))
	for n, line := range lines {
		// Each route has a person of its own: some sign them out, or give them another password.
		visitor := w.browser(fmt.Sprintf("198.51.100.%d", n))
		w.signUp(visitor, fmt.Sprintf("visitor%d@example.com", n))
		stranger := w.browser(home)
		stranger.Agent = w.secretText("User-Agent")
		for _, b := range []*authtest.Browser{stranger, visitor} {
			for _, token := range []string{"", w.secretText("form token of another"), w.tokenOf(b)} {
				w.visit(b, line, "?token="+w.secretText("query"), fields[line.Name()], token)
				w.visit(b, line, "", fields[line.Name()], token)
			}
		}
	}
	w.everyRouteAnswered(lines)
}

// everyRouteAnswered: none of the table was missed, and more than a quarter did what was asked; most of the others need an id that
// exists, or a proof that the person of this walk does not have.
func (w *world) everyRouteAnswered(lines []route.Line) {
	w.t.Helper()
	metrics, done := string(w.metrics()), 0
	for _, line := range lines {
		if !strings.Contains(metrics, `route="`+line.Name()+`"`) {
			w.t.Errorf("%s was not asked", line.Name())
		}
		if strings.Contains(metrics, `route="`+line.Name()+`",status="2xx"`) {
			done++
		}
	}
	if done <= len(lines)/4 {
		w.t.Errorf("only %d of %d routes did what they were asked", done, len(lines))
	}
}

func (w *world) linesOfTable() (n int) {
	w.t.Helper()
	text, err := os.ReadFile("../../../spec/routes.tsv")
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "door\t") {
			n++
		}
	}
	return n
}

// signUp makes a person with nothing but a password.
func (w *world) signUp(b *authtest.Browser, mail string) (password string) {
	w.t.Helper()
	var begun struct {
		SignUp string `json:"sign_up"`
	}
	b.Into(w.must("sign-up", b.Call(http.MethodPost, "/v1/sign-up", map[string]string{"mail": mail, "name": "Canary of " + mail})), &begun)
	code := w.lastCode()
	w.secrets.plant("mail code", code)
	w.must("mail code", b.Call(http.MethodPost, "/v1/sign-up/"+begun.SignUp+"/code", map[string]string{"code": code}))
	password = w.secretText("password")
	w.must("password", b.Call(http.MethodPost, "/v1/sign-up/"+begun.SignUp+"/password", map[string]string{"password": password}))
	w.people = append(w.people, mail)
	return password
}

func (w *world) tokenOf(b *authtest.Browser) string {
	w.t.Helper()
	var page struct {
		FormToken string `json:"form_token"`
	}
	b.Into(b.Call(http.MethodGet, "/v1/form-token", nil), &page)
	return page.FormToken
}

var pathParameter = regexp.MustCompile(`\{[^}]*\}`)

// visit sends one request with a secret in each place that the sender fills.
func (w *world) visit(b *authtest.Browser, line route.Line, query string, fields map[string]any, token string) {
	origin := map[bool]string{true: authtest.ConfirmOrigin, false: authtest.Origin}[line.Door == "confirm"]
	w.t.Helper()
	path := pathParameter.ReplaceAllStringFunc(line.Pattern, func(name string) string {
		if name == "{$}" {
			return ""
		}
		return w.secretText("path")
	})
	body, kind := w.body(line, fields, token)
	r := b.Request(line.Method, origin+path+query, body)
	if line.Method != http.MethodGet {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Origin", origin)
		if token != "" {
			r.Header.Set("Form-Token", token)
		}
	}
	r.Header.Set("X-Request-Id", w.secretText("request id"))
	r.Header.Set("X-Forwarded-For", w.secretText("forwarding"))
	r.Header.Set("Referer", "https://elsewhere.example/?"+w.secretText("referer"))
	r.Header.Add("Cookie", "theirs="+w.secretText("cookie"))
	b.Do(r)

	// And the same with credentials that nobody gave out.
	r = r.Clone(r.Context())
	r.Body = b.Request(line.Method, origin, body).Body
	r.Header.Set("Cookie", "__Host-sid="+w.secretText("cookie")[:10]+strings.Repeat("A", 33))
	r.Header.Set("Authorization", "Bearer "+w.secretText("Authorization"))
	r.Header.Set("Signature", "sig1=:"+w.secretText("signature")+":")
	r.Header.Set("Signature-Input", `sig1=("@method");keyid="`+w.secretText("signature")+`"`)
	w.browser(home).Do(r)
}

// secretField are the fields of our forms that no page may show again: the others are what people typed and want to correct.
var secretField = regexp.MustCompile(`password|code|proof|carried|possession|response|state`)

// body fills every field that the route is known to take.
func (w *world) body(line route.Line, fields map[string]any, token string) (body, kind string) {
	w.t.Helper()
	if line.Door == "web" && line.Pattern != "/csp-report" {
		values := url.Values{"form_token": {token}}
		for name := range fields {
			values.Set(name, "a text that people correct")
			if secretField.MatchString(name) {
				values.Set(name, w.secretText("form field "+name))
			}
		}
		if len(fields) == 0 {
			values.Set("password", w.secretText("form field"))
		}
		return values.Encode(), "application/x-www-form-urlencoded"
	}
	if line.Pattern == "/csp-report" {
		address := "https://localhost/?token=" + w.secretText("report")
		fields = map[string]any{"csp-report": map[string]string{
			"document-uri": address, "blocked-uri": address, "source-file": address, "violated-directive": "script-src", "script-sample": w.secretText("report"),
		}}
	}
	if fields == nil { // no body is described
		fields = map[string]any{w.secretText("member"): w.secretText("body")}
	}
	filled := maps.Clone(fields)
	for name, value := range filled {
		if value == wanted {
			filled[name] = w.secretText("member " + name)
		}
	}
	text, err := json.Marshal(filled)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text), "application/json"
}

const wanted = "a secret of each request's own"

// openMembers are those that may be kept as they are: an address because letters go to it and people are found by it, names and purposes
// because their owner gave them in order to read them again, the phrase because every letter shows it,
// a text because whoever asks about it is shown which part the answer is about.
var openMembers = map[string]string{"mail": "nobody@example.com", "name": "a name", "purpose": "a purpose", "phrase": "a phrase of ours", "text": "a sender to judge"}

// fieldsOfDescription reads from the JSON door's own description which members each route takes.
func (w *world) fieldsOfDescription(b *authtest.Browser) map[string]map[string]any {
	w.t.Helper()
	type schema struct {
		Ref        string `json:"$ref"`
		Type       any
		Enum       []any
		Properties map[string]schema
	}
	var api struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	b.Into(b.Call(http.MethodGet, "/v1/openapi.json", nil), &api)
	fields := map[string]map[string]any{}
	for path, methods := range api.Paths {
		for method, operation := range methods {
			content, ok := operation.RequestBody.Content["application/json"]
			if !ok {
				continue
			}
			body := content.Schema
			if name, isRef := strings.CutPrefix(body.Ref, "#/components/schemas/"); isRef {
				body = api.Components.Schemas[name]
			}
			taken := map[string]any{}
			for name, member := range body.Properties {
				text, isOpen := openMembers[name]
				switch {
				case len(member.Enum) > 0:
					taken[name] = member.Enum[0]
				case isOpen:
					taken[name] = text
				case member.Type == "string":
					taken[name] = wanted
				}
			}
			fields[strings.ToUpper(method)+" "+path] = taken
		}
	}
	if len(fields) < 10 {
		w.t.Fatalf("the description names the bodies of only %d routes", len(fields))
	}
	return fields
}

// fieldsOfPages reads from our pages which fields each form has.
func (w *world) fieldsOfPages(visitor *authtest.Browser) map[string]map[string]any {
	w.t.Helper()
	fields := map[string]map[string]any{}
	for _, b := range []*authtest.Browser{visitor, w.browser(home)} {
		for _, path := range []string{"/", "/sign-up", "/sign-in", "/sessions", "/methods", "/methods/password", "/keys", "/keys/new", "/activity"} {
			for _, f := range w.formsOf(w.open(b, path)) {
				taken := map[string]any{}
				for _, name := range slices.Sorted(maps.Keys(f.values)) {
					taken[name] = wanted
				}
				delete(taken, "form_token")
				fields["POST "+f.action] = taken
			}
		}
	}
	if len(fields) < 8 {
		w.t.Fatalf("our pages have only %d forms", len(fields))
	}
	return fields
}
