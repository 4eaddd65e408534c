package authtest

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Browser is a browser on the pages of the stack: it has an address, keeps the cookies of each host, and sends what our pages send.
type Browser struct {
	// Addr is where it is, Agent what it calls itself.
	Addr, Agent string
	// Cookies maps host → name → value.
	Cookies map[string]map[string]string
	// Wait lets time pass; nil is time.Sleep, which belongs into a bubble.
	Wait func(time.Duration)
	// Heard is called with every reply, before its cookies are kept; nil is not.
	Heard func(Reply)

	s    *Stack
	form string // token of the dashboard's page
}

// Browser is one that has never been here.
func (s *Stack) Browser(addr string) *Browser {
	return &Browser{Addr: addr, Agent: PersonOrigin().Agent, Cookies: map[string]map[string]string{}, s: s}
}

// Moved is the same browser before another stack: the address is the same, and so is what it keeps.
func (s *Stack) Moved(b *Browser) *Browser {
	moved := *b
	moved.s = s
	return &moved
}

// Reply is an answer that was read.
type Reply struct {
	Status int
	// Code of a refusal; empty for anything else.
	Code   fault.Code
	Header http.Header
	Text   string
}

// Into decodes the reply's JSON.
func (b *Browser) Into(r Reply, value any) {
	b.s.t.Helper()
	if err := json.Unmarshal([]byte(r.Text), value); err != nil {
		b.s.t.Fatalf("%d %s: %v", r.Status, r.Text, err)
	}
}

// Do sends a request as this browser: with its cookies for the host, and keeping those of the answer.
func (b *Browser) Do(r *http.Request) Reply {
	b.s.t.Helper()
	r.RemoteAddr = b.Addr + ":40000"
	r.Header.Set("User-Agent", b.Agent)
	for name, value := range b.Cookies[r.Host] {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer := b.s.Do(r)
	reply := Reply{Status: answer.StatusCode, Header: answer.Header, Text: Body(b.s.t, answer)}
	if b.Heard != nil {
		b.Heard(reply)
	}
	for _, c := range answer.Cookies() {
		if b.Cookies[r.Host] == nil {
			b.Cookies[r.Host] = map[string]string{}
		}
		b.Cookies[r.Host][c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.Cookies[r.Host], c.Name)
		}
	}
	if token := answer.Header.Get(httpx.FormTokenHeader); token != "" {
		b.form = token
	}
	var problem struct{ Code fault.Code }
	if reply.Status >= http.StatusBadRequest && json.Unmarshal([]byte(reply.Text), &problem) == nil {
		reply.Code = problem.Code
	}
	return reply
}

// Call asks the JSON door of the dashboard, as one of our pages does: same origin, with the form token. body is encoded as JSON; nil sends
// none.
func (b *Browser) Call(method, path string, body any) Reply {
	b.s.t.Helper()
	if b.form == "" && method != http.MethodGet {
		var page struct {
			FormToken string `json:"form_token"`
		}
		b.Into(b.Call(http.MethodGet, "/v1/form-token", nil), &page)
		b.form = page.FormToken
	}
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			b.s.t.Fatal(err)
		}
	}
	r := b.Request(method, Origin+path, string(text))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(httpx.FormTokenHeader, b.form)
	return b.Do(r)
}

// Request is one that a page of the same origin makes.
func (b *Browser) Request(method, url, body string) *http.Request {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, url, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		b.s.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// SignUp makes a user in this browser, by way of the mailed code, and leaves it signed in.
func (b *Browser) SignUp(mail string) {
	b.s.t.Helper()
	var begun struct {
		SignUp string `json:"sign_up"`
	}
	b.Into(b.must(b.Call(http.MethodPost, "/v1/sign-up", map[string]string{"mail": mail, "name": "Test", "lang": "en"})), &begun)
	b.s.Settle()
	letters := b.s.Mailbox.Letters(mail)
	b.must(b.Call(http.MethodPost, "/v1/sign-up/"+begun.SignUp+"/code", map[string]string{"code": letters[len(letters)-1].Code}))
	b.must(b.Call(http.MethodPost, "/v1/sign-up/"+begun.SignUp+"/password", map[string]string{"password": Password}))
}

// Principal is who the browser's dashboard session says is there now.
func (b *Browser) Principal() principal.Principal {
	b.s.t.Helper()
	from := PersonOrigin()
	if bound := b.Cookies[dashboardHost][httpx.BoundCookie]; bound != "" {
		from.Bound = secret.FromString(httpx.BoundCookie, bound).Hash()
	}
	who, err := b.s.Sessions.Authenticate([]byte(b.Cookies[dashboardHost][httpx.SessionCookie]), "", from)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return who
}

// Enter brings the browser over from the dashboard to the page host, as its user does with two clicks.
func (b *Browser) Enter() Reply {
	b.s.t.Helper()
	out := b.must(b.Do(b.Request(http.MethodGet, PageOrigin+"/.sallyport/enter?path=/", "")))
	way, err := url.Parse(out.Header.Get("Location"))
	if err != nil {
		b.s.t.Fatal(err)
	}
	page := b.must(b.Do(b.Request(http.MethodGet, way.String(), "")))
	_, token, _ := strings.Cut(page.Text, `name="form_token" value="`)
	token, _, _ = strings.Cut(token, `"`)
	form := way.Query()
	form.Set("form_token", token)
	carry := b.Request(http.MethodPost, Origin+way.EscapedPath(), form.Encode())
	carry.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	page = b.must(b.Do(carry))
	_, enter, _ := strings.Cut(page.Text, `href="`+PageOrigin)
	enter, _, _ = strings.Cut(enter, `"`)
	return b.must(b.Do(b.Request(http.MethodGet, PageOrigin+html.UnescapeString(enter), "")))
}

// EnrolTOTP gives the user of this browser an authenticator app, and gives its secret in base32.
func (b *Browser) EnrolTOTP() (secret string) {
	b.s.t.Helper()
	var shown struct{ Secret string }
	b.Into(b.must(b.Call(http.MethodPost, "/v1/totp", nil)), &shown)
	secret = strings.ReplaceAll(shown.Secret, " ", "")
	b.must(b.Call(http.MethodPost, "/v1/totp/confirm", map[string]string{"code": CodeAt(secret, b.s.Now())}))
	return secret
}

// SignIn signs somebody in with a password and, if they have an app, its code. It gives the first refusal, or the last answer.
func (b *Browser) SignIn(mail, password, secret string) Reply {
	b.s.t.Helper()
	b.form = ""
	first := b.Call(http.MethodPost, "/v1/sign-in", map[string]string{"mail": mail, "password": password})
	if first.Status != http.StatusOK || secret == "" {
		return first
	}
	var half struct{ Half string }
	b.Into(first, &half)
	return b.Call(http.MethodPost, "/v1/sign-in/code", map[string]string{"half": half.Half, "code": CodeAt(secret, b.s.Now())})
}

// StepUp asks for something that needs a proof, gives it with the app, and asks again. It waits for the app's next code first, so that the
// step was not used before.
func (b *Browser) StepUp(method, path string, body any, secret string) Reply {
	b.s.t.Helper()
	refused := b.Call(method, path, body)
	var problem struct {
		Fields struct {
			StepUp string `json:"step_up"`
		}
	}
	if refused.Code != fault.StepUpRequired {
		return refused
	}
	b.Into(refused, &problem)
	wait := b.Wait
	if wait == nil {
		wait = time.Sleep
	}
	wait(30 * time.Second)
	b.must(b.Call(http.MethodPost, "/v1/step-ups/"+problem.Fields.StepUp+"/totp", map[string]string{"code": CodeAt(secret, b.s.Now())}))
	return b.Call(method, path, body)
}

func (b *Browser) must(r Reply) Reply {
	b.s.t.Helper()
	if r.Status >= http.StatusBadRequest {
		b.s.t.Fatalf("refused: %d %s", r.Status, r.Text)
	}
	return r
}
