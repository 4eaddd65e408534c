package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/api"
	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

func TestTableAndDoorAgree(t *testing.T) {
	d := open(t)
	var lines []string
	for _, l := range route.Of("api") {
		lines = append(lines, "api "+l.Name())
		for _, action := range l.Actions {
			if _, ok := audit.Describe(audit.Action(action)); !ok {
				t.Errorf("%s: no action %s", l.Name(), action)
			}
		}
	}
	mounted := slices.Clone(d.mux.Mounted())
	slices.Sort(lines)
	slices.Sort(mounted)
	if diff := cmp.Diff(lines, mounted); diff != "" {
		t.Errorf("spec/routes.tsv and the door (-table +door):\n%s", diff)
	}
	// What platforms call is served by another door and described here: nothing below /v1 is mounted that a reader does not find.
	lines = lines[:0]
	for _, door := range []string{"api", "server", "web", "confirm", "dbsc"} {
		for _, l := range route.Of(door) {
			if strings.HasPrefix(l.Pattern, "/v1/") {
				lines = append(lines, l.Name())
			}
		}
	}
	var described []string
	for pattern, item := range d.api.Description().Paths {
		for method, o := range map[string]bool{
			"GET": item.Get != nil, "POST": item.Post != nil, "PUT": item.Put != nil, "PATCH": item.Patch != nil, "DELETE": item.Delete != nil,
		} {
			if o {
				described = append(described, method+" "+pattern)
			}
		}
	}
	slices.Sort(lines)
	slices.Sort(described)
	if diff := cmp.Diff(lines, described); diff != "" {
		t.Errorf("spec/routes.tsv and the description (-table +description):\n%s", diff)
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	d := open(t)
	full := deps(d)
	for name, broken := range map[string]func(*api.Deps){
		"Now": func(d *api.Deps) { d.Now = nil }, "FormKey": func(d *api.Deps) { d.FormKey = d.FormKey[1:] }, "Log": func(d *api.Deps) { d.Log = nil },
		"Verifier": func(d *api.Deps) { d.Verifier = nil }, "origin": func(d *api.Deps) { d.Origin = "localhost" },
	} {
		t.Run(name, func(t *testing.T) {
			deps := full
			broken(&deps)
			if _, err := api.New(deps); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("New without %s: %v", name, err)
			}
		})
	}
}

// targetOf is an address of the line that names nothing there is, but could.
func targetOf(l route.Line) string {
	kind, longest := "ses_", 0
	for prefix, k := range map[string]string{"/v1/sign-up/": "sup_", "/v1/passkeys/": "pk_", "/v1/step-ups/": "stp_", "/v1/confirmations/": "cnf_", "/v1/messages/": "msg_", "/v1/contact/changes/": "cch_", "/v1/recover": "rcv_", "/v1/requests/": "req_", "/v1/lost-device/": "dev_", "/v1/remembered/": "dev_", "/v1/members/": "usr_", "/v1/members/invitations/": "inv_", "/v1/accounts/invitations/": "inv_", "/v1/service-users/": "usr_", "/v1/subaccounts/": "sub_"} {
		if strings.HasPrefix(l.Pattern, prefix) && len(prefix) > longest {
			kind, longest = k, len(prefix)
		}
	}
	return strings.NewReplacer("{name}", "keys", "{number}", "4711", "{area}", "trading", "{slot}", "statement", "{user}", "usr_069g9r2kt0f7s8w3a5q1z7y6xc", "{at}", "msg_069g9r2kt0f7s8w3a5q1z7y6xc.AAAA", "{id}", kind+"069g9r2kt0f7s8w3a5q1z7y6xc", "{key_id}", id.FormatKey(id.Key{15: 1}, id.Test)).Replace(l.Pattern)
}

// bodies maps operation → a body that is well formed, for those that take one.
var bodies = map[string]string{
	"POST /v1/members/invitations":            `{"mail":"other@example.com","role":"viewer"}`,
	"PATCH /v1/members/{id}":                  `{"role":"viewer"}`,
	"POST /v1/members/{id}/remove":            `{"freeze":true}`,
	"POST /v1/subaccounts":                    `{"name":"Bots"}`,
	"PATCH /v1/subaccounts/{id}":              `{"name":"Bots"}`,
	"PUT /v1/session/subaccount":              `{"subaccount":"sub_069g9r2kt0f7s8w3a5q1z7y6xc"}`,
	"PUT /v1/session/account":                 `{"account":"acc_069g9r2kt0f7s8w3a5q1z7y6xc"}`,
	"POST /v1/service-users":                  `{"name":"Bots","purpose":"tests","role":"trader","sponsors":["usr_069g9r2kt0f7s8w3a5q1z7y6xc","usr_069g9r2kt0f7s8w3a5q1z7y6x8"]}`,
	"PUT /v1/service-users/{id}/sponsors":     `{"sponsors":["usr_069g9r2kt0f7s8w3a5q1z7y6xc","usr_069g9r2kt0f7s8w3a5q1z7y6x8"]}`,
	"POST /v1/keys/{key_id}/extend":           `{"by_seconds":3600}`,
	"POST /v1/keys/{key_id}/promote":          `{"possession":""}`,
	"POST /v1/keys/{key_id}/transfer":         `{"to":"usr_069g9r2kt0f7s8w3a5q1z7y6xc"}`,
	"POST /v1/check-up":                       `{"item":"mail","state":"AAAAAAAAAAAAAAAAAAAAAA"}`,
	"POST /v1/genuine":                        `{"text":"https://gate.example/"}`,
	"POST /v1/lab/explain":                    `{"request":"GET / HTTP/1.1\nHost: gate.example\n"}`,
	"PUT /v1/contact/phrase":                  `{"phrase":"blue heron at noon"}`,
	"POST /v1/contact/changes":                `{"place":"second","mail":"other@example.com"}`,
	"POST /v1/contact/changes/{id}/code":      `{"code":"12345678"}`,
	"POST /v1/sessions/sign-out-others":       `{"keys":"freeze"}`,
	"POST /v1/sessions/sign-out-everywhere":   `{"keys":"freeze"}`,
	"POST /v1/sessions/sign-out-selected":     `{"sessions":["ses_069g9r2kt0f7s8w3a5q1z7y6xc"]}`,
	"POST /v1/privacy/departure":              `{"own_mail":"min@example.com"}`,
	"POST /v1/sign-up":                        `{"mail":"min@example.com","name":"Min","lang":"en"}`,
	"POST /v1/sign-up/{id}/code":              `{"code":"12345678"}`,
	"POST /v1/sign-up/{id}/password":          `{"password":"four words in a row"}`,
	"POST /v1/sign-up/{id}/passkey":           `{"state":"c3RhdGU","response":{}}`,
	"POST /v1/sign-in":                        `{"mail":"min@example.com","password":"four words in a row"}`,
	"POST /v1/sign-in/code":                   `{"half":"aGFsZg","code":"123456"}`,
	"POST /v1/sign-in/passkey":                `{"state":"c3RhdGU","response":{}}`,
	"PUT /v1/password":                        `{"password":"four words in a row"}`,
	"POST /v1/totp/confirm":                   `{"code":"123456"}`,
	"POST /v1/recoveries":                     `{"mail":"min@example.com","lang":"en"}`,
	"POST /v1/recoveries/reopen":              `{"case_code":"00000-00000-00000-00000-00000-00"}`,
	"POST /v1/recoveries/{id}/mail":           `{"code":"12345678"}`,
	"POST /v1/recoveries/{id}/claim":          `{"password":"four words in a row"}`,
	"POST /v1/recoveries/{id}/recovery-code":  `{"code":"00000-00000-00000-00000-00000-00"}`,
	"PUT /v1/recoveries/{id}/evidence/{slot}": `{"bytes":"SSBsb3N0IG15IHBob25lLg=="}`,
	"POST /v1/recoveries/{id}/password":       `{"password":"four words in a row"}`,
	"POST /v1/recoveries/{id}/passkey":        `{"state":"c3RhdGU","response":{}}`,
	"POST /v1/lost-device/{id}":               `{"keep_passkeys":true}`,
	"POST /v1/recovery/rehearse":              `{"proof":"totp","code":"123456"}`,
	"PUT /v1/recovery/wait":                   `{"days":14}`,
	"POST /v1/recovery-codes/confirm":         `{"code":"00000-00000-00000-00000-00000-00"}`,
	"POST /v1/passkeys":                       `{"state":"c3RhdGU","response":{},"name":"Phone"}`,
	"PATCH /v1/passkeys/{id}":                 `{"name":"Phone"}`,
	"POST /v1/passkeys/{id}/test":             `{"state":"c3RhdGU","response":{}}`,
	"PUT /v1/passkeys/{id}/label":             `{"label":"backup"}`,
	"PUT /v1/totp/label":                      `{"label":"backup"}`,
	"PATCH /v1/session":                       `{"language":"ko"}`,
	"POST /v1/step-ups/{id}/totp":             `{"code":"123456"}`,
	"POST /v1/step-ups/{id}/password":         `{"password":"four words in a row"}`,
	"POST /v1/step-ups/{id}/passkey":          `{"state":"c3RhdGU","response":{}}`,
	"PATCH /v1/keys/{key_id}":                 `{"standby":true}`,
	"POST /v1/keys/{key_id}/rotate":           `{"overlap_seconds":3600}`,
	"POST /v1/keys/self/rotate":               `{"overlap_seconds":3600}`,
	"POST /v1/keys/{key_id}/retire":           `{"sure":true}`,
	"POST /v1/keys/{key_id}/leaked":           `{"since":"2026-11-21T09:00:00Z"}`,
	"POST /v1/keys":                           `{"name":"Bot","purpose":"tests","environment":"test","dialect":"native","algorithm":"hmac-sha256"}`,
}

func bodyOf(l route.Line) any {
	if body, ok := bodies[l.Name()]; ok {
		return body
	}
	return nil
}

// guards are the refusals of somebody who did not come in. Everything else was decided behind them.
var guards = []string{
	"unauthorized", "session.ended", "forbidden", "key.needs_session", "key.scope_missing", "request.cross_site", "request.form_expired",
	"request.media_type", "signature.two_credentials", "request.malformed", "request.invalid", "method_not_allowed", "internal",
}

// cast is everybody who may knock.
type cast struct {
	*door
	owner           *authtest.Person
	mighty, useless authtest.Key
}

func newCast(t *testing.T) *cast {
	c := &cast{door: open(t)}
	c.owner = c.SignUp("owner@example.com")
	c.mighty = c.IssueKey(c.owner, apikey.IssueInput{Scopes: scope.Everything().Words()})
	c.useless = c.IssueKey(c.owner, apikey.IssueInput{Scopes: []string{"orders:read"}})
	return c
}

// everyRoute runs a check on each line of the table; each has somebody new, because some routes end sessions.
func (c *cast) everyRoute(t *testing.T, check func(l route.Line, ask func(b *browser) *http.Request)) {
	t.Helper()
	for _, l := range route.Of("api") {
		t.Run(l.Name(), func(t *testing.T) {
			outer := c.t
			c.t = t
			defer func() { c.t = outer }()
			check(l, func(b *browser) *http.Request { return b.request(l.Method, targetOf(l), bodyOf(l)) })
		})
	}
}

func TestMatrixOfRoles(t *testing.T) {
	c := newCast(t)
	for _, role := range []principal.Role{principal.Viewer, principal.Trader, principal.Owner} {
		t.Run(role.String(), func(t *testing.T) {
			c.everyRoute(t, func(l route.Line, ask func(*browser) *http.Request) {
				b := c.member(c.owner, role)
				a := b.do(ask(b))
				class, needed, asked := l.Power()
				if l.Needs == route.Key {
					a.want(401, "unauthorized")
					return
				}
				allowed := !asked || class == scope.Setting && role == principal.Owner || class != scope.Setting && policy.ScopesOf(role).Has(needed)
				switch {
				case !allowed:
					a.want(403, "forbidden")
				case slices.Contains(guards, a.code):
					c.t.Errorf("%s was refused at the door: %d %s %v", role, a.status, a.code, a.body)
				case l.Assurance == route.AssuranceStepUp && a.status < 400:
					c.t.Errorf("%s needs a step-up and went through without one", l.Name())
				}
			})
		})
	}
}

func TestMatrixOfStrangers(t *testing.T) {
	c := newCast(t)
	dead := c.SignUp("dead@example.com")
	if err := c.Sessions.SignOut(t.Context(), dead.Principal()); err != nil {
		t.Fatal(err)
	}
	browsers := map[string]struct {
		bearer secret.Value
		code   string // on routes that need a session
	}{
		"nothing":                {secret.Value{}, "unauthorized"},
		"a bearer we never gave": {secret.MintBearer("session"), "session.ended"},
		"a session that ended":   {dead.Bearer, "session.ended"},
	}
	for name, tt := range browsers {
		t.Run(name, func(t *testing.T) {
			c.everyRoute(t, func(l route.Line, ask func(*browser) *http.Request) {
				b := c.fresh()
				if !tt.bearer.IsEmpty() {
					b.cookies[httpx.SessionCookie] = string(tt.bearer.Reveal())
				}
				a := b.do(ask(b))
				switch {
				case l.Name() == "GET /v1/not-me/{at}":
					a.want(404, "notice.link_unknown")
				case l.Name() == "GET /v1/recoveries/{id}":
					a.want(404, "recovery.unknown")
				case l.Needs == route.Public, l.Needs == route.Pre && l.Method == http.MethodGet:
					a.want(200, "")
				case l.Needs == route.Pre:
					a.want(403, "request.form_expired")
				case l.Needs == route.Key:
					a.want(401, "unauthorized")
				default:
					a.want(401, tt.code)
				}
			})
		})
	}
}

func TestMatrixOfKeys(t *testing.T) {
	c := newCast(t)
	for name, key := range map[string]authtest.Key{"every scope": c.mighty, "one scope": c.useless} {
		t.Run(name, func(t *testing.T) {
			c.everyRoute(t, func(l route.Line, _ func(*browser) *http.Request) {
				a := c.send(c.signed(key, l.Method, targetOf(l), bodyOf(l)))
				_, needed, asked := l.Power()
				switch {
				case l.Needs == route.Public:
					a.want(200, "")
				case l.Needs == route.Key:
					a.want(422, "request.invalid") // an Ed25519 key that sends no public half
				case l.Needs != route.SessionOrKey:
					a.want(403, "key.needs_session")
				case asked && !key.Scopes.Has(needed):
					a.want(403, "key.scope_missing")
				case l.Pattern == "/v1/confirmations/{id}":
					a.want(404, "confirmation.not_found")
				case l.Pattern == "/v1/requests/{id}":
					a.want(404, "request.not_refused")
				case strings.HasPrefix(l.Pattern, "/v1/keys/{key_id}/"):
					a.want(404, "key.not_found")
				default:
					a.want(200, "")
				}
			})
		})
	}
}

// Each of these comes from a browser with a good session, and from somewhere else than our pages.
func TestMatrixOfOtherSites(t *testing.T) {
	c := newCast(t)
	changes := map[string]struct {
		change func(r *http.Request)
		reads  bool // whether a GET may still read
		code   string
		status int
	}{
		"another site":               {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, false, "request.cross_site", 403},
		"a sibling":                  {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, false, "request.cross_site", 403},
		"an address typed by hand":   {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }, true, "request.cross_site", 403},
		"two claims":                 {func(r *http.Request) { r.Header.Add("Sec-Fetch-Site", "same-origin") }, false, "request.cross_site", 403},
		"another origin":             {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, false, "request.cross_site", 403},
		"our origin over http":       {func(r *http.Request) { r.Header.Set("Origin", strings.Replace(authtest.Origin, "http", "https", 1)) }, false, "request.cross_site", 403},
		"no origin":                  {func(r *http.Request) { r.Header.Set("Origin", "null") }, false, "request.cross_site", 403},
		"an old browser, other site": {oldBrowser("https://evil.example"), false, "request.cross_site", 403},
		"a program with the cookie":  {oldBrowser(""), true, "request.cross_site", 403},
		"a form":                     {contentType("application/x-www-form-urlencoded"), true, "request.media_type", 415},
		"text":                       {contentType("text/plain"), true, "request.media_type", 415},
		"text that names JSON":       {contentType("text/plain; application/json"), true, "request.media_type", 415},
		"a multipart form":           {contentType("multipart/form-data; boundary=x"), true, "request.media_type", 415},
		"no type":                    {func(r *http.Request) { r.Header.Del("Content-Type") }, true, "request.media_type", 415},
		"no form token":              {func(r *http.Request) { r.Header.Del(httpx.FormTokenHeader) }, true, "request.form_expired", 403},
		"a token of another session": {func(r *http.Request) { r.Header.Set(httpx.FormTokenHeader, c.visitor().form) }, true, "request.form_expired", 403},
	}
	for name, tt := range changes {
		t.Run(name, func(t *testing.T) {
			member, visitor := c.member(c.owner, principal.Owner), c.visitor()
			c.everyRoute(t, func(l route.Line, ask func(*browser) *http.Request) {
				b := member
				if l.Needs == route.Pre {
					b = visitor
				}
				r := ask(b)
				tt.change(r)
				a := b.do(r)
				if l.Needs == route.Key {
					a.want(401, "unauthorized")
					return
				}
				if l.Needs == route.Public || l.Method == http.MethodGet && tt.reads {
					if slices.Contains(guards, a.code) {
						c.t.Errorf("a look was refused: %d %s", a.status, a.code)
					}
					return
				}
				a.want(tt.status, tt.code)
			})
		})
	}
}

func oldBrowser(origin string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Del("Origin")
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
	}
}

func contentType(kind string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Content-Type", kind) }
}

// An old browser on our own page says only its Origin, and comes in.
func TestAnOldBrowserOnOurPageComesIn(t *testing.T) {
	d := open(t)
	_, b := d.person("kim@example.com")
	r := b.request(http.MethodPost, "/v1/passkeys/begin", nil)
	oldBrowser(authtest.Origin)(r)
	b.do(r).want(200, "")
}

func TestMatrixOfTwoCredentials(t *testing.T) {
	c := newCast(t)
	b := c.of(c.owner.Bearer, c.owner.Device)
	for _, header := range []string{"Authorization", "Signature", "Signature-Input"} {
		t.Run(header, func(t *testing.T) {
			c.everyRoute(t, func(_ route.Line, ask func(*browser) *http.Request) {
				r := ask(b)
				r.Header.Set(header, "x")
				b.do(r).want(401, "signature.two_credentials")
			})
		})
	}
	t.Run("two session cookies", func(t *testing.T) {
		c.everyRoute(t, func(_ route.Line, ask func(*browser) *http.Request) {
			r := ask(b)
			r.AddCookie(&http.Cookie{Name: httpx.SessionCookie, Value: string(secret.MintBearer("session").Reveal())})
			b.do(r).want(400, "request.malformed")
		})
	})
}

// No route answers a preflight, and none a method that it does not list.
func TestMatrixOfMethods(t *testing.T) {
	c := newCast(t)
	b := c.of(c.owner.Bearer, c.owner.Device)
	c.everyRoute(t, func(l route.Line, _ func(*browser) *http.Request) {
		target := targetOf(l)
		allowed := methodsOf(target)
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get"} {
			if slices.Contains(allowed, method) {
				continue
			}
			r := b.request(method, target, nil)
			r.Header.Set("Access-Control-Request-Method", "POST")
			a := b.do(r).want(405, "method_not_allowed")
			got := strings.Split(a.header.Get("Allow"), ", ")
			got = slices.DeleteFunc(got, func(m string) bool { return m == "HEAD" })
			if diff := cmp.Diff(allowed, got); diff != "" {
				c.t.Errorf("Allow (-want +got):\n%s", diff)
			}
		}
	})
}

// methodsOf lists what the table allows at an address, sorted.
func methodsOf(target string) (methods []string) {
	for _, l := range route.Of("api") {
		parts, of := strings.Split(l.Pattern, "/"), strings.Split(target, "/")
		match := len(parts) == len(of)
		for i := range parts {
			match = match && (parts[i] == of[i] || parts[i][:min(1, len(parts[i]))] == "{")
		}
		if match {
			methods = append(methods, l.Method)
		}
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}
