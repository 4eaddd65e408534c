package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/dbsc"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/web"
)

func TestFiles(t *testing.T) {
	s, _ := stack(t)
	b := open(t, s)
	b.get("/sign-in")
	var names []string
	for _, n := range all(b.page.root, "script", "link") {
		names = append(names, get(n, "src")+get(n, "href"))
	}
	if len(names) != 3 {
		t.Fatalf("the page loads %v", names)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "/assets/") {
			t.Errorf("the page loads %s", name)
		}
		b.get(name)
		if b.page.StatusCode != http.StatusOK || b.page.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" ||
			b.page.Header.Get("Content-Type") == "" || len(b.page.Cookies()) > 0 || b.page.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %d %v", name, b.page.StatusCode, b.page.Header)
		}
		if strings.HasSuffix(name, ".js") {
			var packed bytes.Buffer
			z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
			_, _ = z.Write([]byte(b.page.body))
			_ = z.Close()
			if packed.Len() > 40_000 {
				t.Errorf("the script has %d bytes, compressed", packed.Len())
			}
			for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser", "localStorage", "sessionStorage"} {
				if strings.Contains(b.page.body, sink) {
					t.Errorf("the script uses %s", sink)
				}
			}
		}
	}
	b.get("/assets/app.js")
	b.shows(http.StatusNotFound)
}

func TestViolationReports(t *testing.T) {
	s, clock := stack(t)
	var heard []web.Violation
	deps := web.Deps{
		Now: clock.Now, Product: "Sallyport", Origin: authtest.Origin, Environment: s.Config.Environment, FormKey: bytes.Repeat([]byte{1}, 32),
		Decide: s.Policy, Describe: words{}, Binding: dbsc.New(dbsc.Place{}, s.Bindings, s.Sessions), Violated: func(_ context.Context, v web.Violation) { heard = append(heard, v) },
		Accounts: s.Accounts, Sessions: s.Sessions, SignUps: s.SignUps, SignIns: s.SignIns, Factors: s.Factors, StepUps: s.StepUps, Keys: s.APIKeys, Log: s.Log, Reports: s.Reports, Tally: s.Tally, Lab: s.Lab,
		Confirmations: s.Confirmations, Holds: s.Holds, Notices: s.Notices, Contacts: s.Contacts, Recoveries: s.Recoveries, Privacy: s.Privacy, CheckUps: s.CheckUps, Locks: s.Locks, Tiers: s.Tiers, Demands: s.Demands, Dossiers: s.Dossiers, Members: s.Members, Subaccounts: s.Subaccounts,
	}
	door, err := web.New(deps)
	if err != nil {
		t.Fatal(err)
	}
	mux := route.NewMux()
	door.Mount(mux)
	if err := mux.Check(); err != nil {
		t.Fatal(err)
	}
	send := func(body string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, authtest.Origin+"/csp-report", strings.NewReader(body))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != http.StatusNoContent {
			t.Errorf("answered %d", w.Code)
		}
	}
	send(`{"csp-report":{"document-uri":"https://gate.example/sign-in?half=secret","effective-directive":"script-src-elem","blocked-uri":"https://evil.example/x?y","source-file":""}}`)
	send(`[{"type":"csp-violation","body":{"documentURL":"https://gate.example/keys","effectiveDirective":"img-src","blockedURL":"inline"}},{"type":"deprecation","body":{}}]`)
	send(`{"csp-report":{"document-uri":"https://gate.example/","violated-directive":"style-src\n\u202e` + strings.Repeat("x", 400) + `"}}`)
	for _, secret := range []string{"/not-me/msg_01.secret", "/c/cnf_01", "/no/such/page?x=y", "https://gate.example/%zz"} {
		send(`{"csp-report":{"document-uri":"https://gate.example` + secret + `","effective-directive":"img-src"}}`)
	}
	send("not JSON")
	send(`{"csp-report":{"document-uri":"` + strings.Repeat("x", 20<<10) + `"}}`)
	want := []web.Violation{
		{Document: "/sign-in", Directive: "script-src-elem", Blocked: "https://evil.example"},
		{Document: "/keys", Directive: "img-src", Blocked: "inline"},
		{Document: "/{$}", Directive: "style-src" + strings.Repeat("x", 191)},
		{Document: "/not-me/{at}", Directive: "img-src"},
		{Document: "/c/{at}", Directive: "img-src"},
		{Directive: "img-src"},
		{Directive: "img-src"},
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Error(diff)
	}
	heard = nil
	for range 100 {
		send(`{"csp-report":{"document-uri":"https://gate.example/","effective-directive":"img-src"}}`)
	}
	if len(heard) > 30 {
		t.Errorf("heard %d in a minute", len(heard))
	}
	clock.Advance(time.Minute)
	heard = nil
	send(`{"csp-report":{"document-uri":"https://gate.example/","effective-directive":"img-src"}}`)
	if len(heard) != 1 {
		t.Error("never listens again")
	}
}

type words struct{}

func (words) Device(string, string) string { return "a browser" }
func (words) Place(string, string) string  { return "" }
func (words) Country(string) string        { return "" }

// What is mounted and what spec/routes.tsv says are the same.
func TestRoutesAreThoseOfTheTable(t *testing.T) {
	s, _ := stack(t)
	door, err := web.New(web.Deps{
		Now: s.Now, Product: "Sallyport", Origin: authtest.Origin, Environment: s.Config.Environment, FormKey: bytes.Repeat([]byte{1}, 32), Decide: s.Policy,
		Describe: words{}, Binding: dbsc.New(dbsc.Place{}, s.Bindings, s.Sessions), Accounts: s.Accounts, Sessions: s.Sessions, SignUps: s.SignUps, SignIns: s.SignIns, Factors: s.Factors, StepUps: s.StepUps,
		Keys: s.APIKeys, Log: s.Log, Reports: s.Reports, Tally: s.Tally, Lab: s.Lab,
		Confirmations: s.Confirmations, Holds: s.Holds, Notices: s.Notices, Contacts: s.Contacts, Recoveries: s.Recoveries, Privacy: s.Privacy, CheckUps: s.CheckUps, Locks: s.Locks, Tiers: s.Tiers, Demands: s.Demands, Dossiers: s.Dossiers, Members: s.Members, Subaccounts: s.Subaccounts,
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := route.NewMux()
	door.Mount(mux)
	var lines []string
	for _, l := range route.Of("web") {
		lines = append(lines, "web "+l.Name())
	}
	mounted := slices.Sorted(slices.Values(mux.Mounted()))
	if diff := cmp.Diff(slices.Sorted(slices.Values(lines)), mounted); diff != "" {
		t.Errorf("the table against what is mounted:\n%s", diff)
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	_, err := web.New(web.Deps{Origin: authtest.Origin})
	for _, name := range []string{"Now", "Product", "Environment", "FormKey", "Decide", "Describe", "Accounts", "Sessions", "SignUps", "SignIns", "Factors", "StepUps", "Keys", "Log", "Confirmations", "Holds"} {
		if err == nil || !strings.Contains(err.Error(), "no "+name) {
			t.Errorf("nothing about %s: %v", name, err)
		}
	}
	if _, err := web.New(web.Deps{Origin: "gate.example"}); err == nil {
		t.Error("took an origin without a scheme")
	}
}

// The committed files are what web/build makes of the sources: each name holds the hash that esbuild gave it, and there is one of each.
func TestOneOfEachFile(t *testing.T) {
	entries, err := os.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range entries {
		stem, _, _ := strings.Cut(e.Name(), "-")
		kinds[stem+e.Name()[strings.LastIndex(e.Name(), "."):]]++
	}
	if diff := cmp.Diff(map[string]int{"app.js": 1, "confirm.js": 1, "app.css": 1, "icon.svg": 1}, kinds); diff != "" {
		t.Error(diff)
	}
}
