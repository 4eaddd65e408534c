package canary_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"regexp"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/sign"
)

const home = "203.0.113.7"

// secretText plants a secret of the test's own invention and gives it.
func (w *world) secretText(name string) string {
	text := "canary-" + rand.Text()
	w.secrets.plant(name, text)
	return text
}

// code plants the code that an app shows now.
func (w *world) code(secret string) string {
	code := authtest.CodeAt(secret, w.Now())
	w.secrets.plant("authenticator code", code)
	return code
}

// appSecret plants the secret that a page or an answer has just shown.
func (w *world) appSecret(shown string) string {
	secret := strings.ReplaceAll(shown, " ", "")
	w.secrets.plant("authenticator secret", secret)
	w.secrets.plant("authenticator secret", strings.TrimSpace(shown))
	return secret
}

// byJSON is a person's road through the JSON door: sign-up, app, keys, a new password, a sign-in. Each step is first tried with a secret that
// is wrong, so that refusals hold one too.
func (w *world) byJSON(mail string) (keys []authtest.Key) {
	w.t.Helper()
	b := w.browser(home)
	call := b.Call
	type fields = map[string]any
	var begun struct {
		SignUp string `json:"sign_up"`
	}
	b.Into(w.must("sign-up", call(http.MethodPost, "/v1/sign-up", fields{"mail": mail, "name": "Canary of " + mail, "lang": "en"})), &begun)
	w.people = append(w.people, mail)
	code := w.lastCode()
	w.secrets.plant("mail code", code)
	w.secrets.plant("mail code", "48151623")
	at := "/v1/sign-up/" + begun.SignUp
	w.mustNot("wrong mail code", call(http.MethodPost, at+"/code", fields{"code": "48151623"}))
	w.must("mail code", call(http.MethodPost, at+"/code", fields{"code": code}))
	w.mustNot("password of the blocklist's kind", call(http.MethodPost, at+"/password", fields{"password": w.short("short password")}))
	password := w.secretText("password")
	w.must("password", call(http.MethodPost, at+"/password", fields{"password": password}))

	var shown struct{ URI, Secret string }
	b.Into(w.must("app", call(http.MethodPost, "/v1/totp", nil)), &shown)
	secret := w.appSecret(shown.Secret)
	w.mustNot("wrong code", call(http.MethodPost, "/v1/totp/confirm", fields{"code": "000000"}))
	w.must("code", call(http.MethodPost, "/v1/totp/confirm", fields{"code": w.code(secret)}))

	// stepUp sends a request, proves what it is asked for, wrongly at first, and sends it again.
	stepUp := func(method, path string, body fields) authtest.Reply {
		w.t.Helper()
		var asked struct {
			Fields struct {
				StepUp string `json:"step_up"`
			}
		}
		refused := call(method, path, body)
		if refused.Code != fault.StepUpRequired {
			w.t.Fatalf("%s %s: %d %s", method, path, refused.Status, refused.Text)
		}
		b.Into(refused, &asked)
		w.later()
		proof := "/v1/step-ups/" + asked.Fields.StepUp
		w.mustNot("wrong proof", call(http.MethodPost, proof+"/totp", fields{"code": "000000"}))
		w.mustNot("too weak a proof", call(http.MethodPost, proof+"/password", fields{"password": password}))
		w.must("proof", call(http.MethodPost, proof+"/totp", fields{"code": w.code(secret)}))
		return w.must(path, call(method, path, body))
	}
	for _, kind := range [][2]string{{"native", "hmac-sha256"}, {"upbit", "hmac-sha2"}} {
		made := stepUp(http.MethodPost, "/v1/keys", fields{
			"name": "Canary key", "purpose": "tests", "environment": "test", "dialect": kind[0], "algorithm": kind[1],
		})
		var issued struct {
			Key struct {
				KeyID string `json:"key_id"`
			}
			Secret string
		}
		b.Into(made, &issued)
		w.secrets.plant("API secret", issued.Secret)
		keys = append(keys, w.keyOf(issued.Key.KeyID, issued.Secret))
	}
	w.pastePrivateKey(b)

	changed := w.secretText("new password")
	w.mustNot("a short new password", call(http.MethodPut, "/v1/password", fields{"password": w.short("short password")}))
	stepUp(http.MethodPut, "/v1/password", fields{"password": changed})

	other := w.browser(home)
	w.mustNot("wrong password", other.SignIn(mail, w.secretText("wrong password"), ""))
	w.mustNot("old password", other.SignIn(mail, password, ""))
	w.later()
	w.code(secret)
	w.must("sign-in", other.SignIn(mail, changed, secret))
	w.must("sign-out", other.Call(http.MethodDelete, "/v1/session", nil))
	return keys
}

// short plants a password that is too short for any use but long enough to be found.
func (w *world) short(name string) string {
	text := rand.Text()[:9]
	w.secrets.plant(name, text)
	return text
}

// pastePrivateKey is the mistake of a person who puts the wrong half into the form, in each form that tools write.
func (w *world) pastePrivateKey(b *authtest.Browser) {
	w.t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		w.t.Fatal(err)
	}
	encoded := base64.StdEncoding.EncodeToString(der)
	seed := base64.StdEncoding.EncodeToString(private.Seed())
	w.secrets.plant("private key", encoded)
	w.secrets.plant("private key", seed)
	for _, pasted := range []string{string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), encoded} {
		w.mustNot("private key as JSON", b.Call(http.MethodPost, "/v1/keys", map[string]any{
			"name": "oops", "purpose": "tests", "environment": "test", "dialect": "native", "algorithm": "ed25519", "public_key": pasted,
			"challenge": "x", "possession": "x",
		}))
		page := w.open(b, "/keys/new")
		w.mustNot("private key in the form", w.fill(b, page, "/keys", "name", "oops", "purpose", "tests", "kind", "ed25519", "public_key", pasted, "possession", "x"))
	}
}

func (w *world) keyOf(keyID, secret string) authtest.Key {
	w.t.Helper()
	kid, _, err := id.ParseKey(keyID)
	if err != nil {
		w.t.Fatal(err)
	}
	k := authtest.Key{Key: w.KeyNow(kid), Secret: secret}
	if k.Dialect == sign.Upbit {
		k.Signer, err = sign.NewExchangeSigner(sign.ExchangeKey{Dialect: sign.Upbit, KeyID: keyID, Secret: []byte(secret), Untimed: true})
	} else {
		k.Signer, err = sign.NewHMACSigner(keyID, []byte(secret))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

var (
	shownSecret    = regexp.MustCompile(`>\s*((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})\s*<`)
	shownKeySecret = regexp.MustCompile(`sps_[a-z]+_\w{30,}`)
)

// byPages is the same road through the pages, with forms alone.
func (w *world) byPages(mail string) {
	w.t.Helper()
	b := w.browser(home)
	page := w.fill(b, w.open(b, "/sign-up"), "/sign-up", "mail", mail, "name", "Canary of "+mail, "lang", "en")
	w.people = append(w.people, mail)
	code := w.lastCode()
	w.secrets.plant("mail code", code)
	page = w.mustNot("wrong mail code", w.fill(b, page, "/sign-up/code", "code", "48151623"))
	page = w.must("mail code", w.fill(b, page, "/sign-up/code", "code", code))
	page = w.mustNot("short password", w.fill(b, page, "/sign-up/secure", "password", w.short("short password")))
	password := w.secretText("password")
	w.must("password", w.fill(b, page, "/sign-up/secure", "password", password))

	page = w.must("app", w.fill(b, w.open(b, "/methods"), "/methods/totp"))
	match := shownSecret.FindStringSubmatch(page.Text)
	if match == nil {
		w.t.Fatalf("no secret on the page:\n%s", page.Text)
	}
	secret := strings.ReplaceAll(match[1], " ", "")
	w.must("code", w.fill(b, page, "/methods/totp/confirm", "code", w.code(secret)))
	w.appSecret(match[1]) // the page showed it until now

	// proven fills in the page that asks for a proof, wrongly at first.
	proven := func(page authtest.Reply, action string) authtest.Reply {
		w.t.Helper()
		w.later()
		page = w.mustNot("wrong proof", w.fill(b, page, action, "proof_code", "000000"))
		return w.must("proof", w.fill(b, page, action, "proof_code", w.code(secret)))
	}
	page = w.fill(b, w.open(b, "/keys/new"), "/keys", "name", "Canary key", "purpose", "tests", "environment", "test", "kind", "hmac")
	page = proven(page, "/keys")
	shown := shownKeySecret.FindString(page.Text)
	if shown == "" {
		w.t.Fatalf("no secret of a key on the page:\n%s", page.Text)
	}
	w.secrets.plant("API secret", shown)
	w.open(b, "/keys")
	page = w.fill(b, w.open(b, "/methods/password"), "/methods/password", "password", w.secretText("new password"))
	proven(page, "/methods/password")
	w.crossOver(b)
	for _, path := range []string{"/", "/sessions", "/methods", "/activity"} {
		w.must(path, w.open(b, path))
	}

	other := w.browser(home)
	page = w.mustNot("wrong password", w.fill(other, w.open(other, "/sign-in"), "/sign-in", "mail", mail, "password", w.secretText("wrong password")))
	w.mustNot("old password", w.fill(other, page, "/sign-in", "mail", mail, "password", password))
}

var wayOver = regexp.MustCompile(`"(http://[^"]*/\.sallyport/enter\?code=([\w-]+))"`)

// crossOver takes a browser to the exchange and sends the code that took it there once more.
func (w *world) crossOver(b *authtest.Browser) {
	w.t.Helper()
	out := b.Do(b.Request(http.MethodGet, authtest.PageOrigin+"/.sallyport/enter?path=/", "")).Header.Get("Location")
	there := w.fill(b, w.open(b, strings.TrimPrefix(out, authtest.Origin)), "/go/"+authtest.PageHost)
	way := wayOver.FindStringSubmatch(there.Text)
	if way == nil {
		w.t.Fatalf("crossing over gives %d %s", there.Status, there.Text)
	}
	w.secrets.plant("child code", way[2])
	first := b.Do(b.Request(http.MethodGet, way[1], ""))
	if first.Status != http.StatusSeeOther {
		w.t.Fatalf("enter: %d %s", first.Status, first.Text)
	}
	w.mustNot("a spent child code", w.browser(home).Do(b.Request(http.MethodGet, way[1], "")))
	w.must("its page", b.Do(b.Request(http.MethodGet, authtest.PageOrigin+"/?token="+w.secretText("query"), "")))
}

// byGateway sends signed requests, good and spoilt, with secrets in each place that a client can fill.
func (w *world) byGateway(keys []authtest.Key) {
	w.t.Helper()
	const host = authtest.APIHost
	b := w.browser(home)
	b.Agent = "bot/1.0 " + w.secretText("User-Agent")
	for _, k := range keys {
		for _, target := range []string{"/v1/accounts", "/v1/accounts?token=" + w.secretText("query"), "/v1/" + w.secretText("path"), "/v1/orders/closed"} {
			r := w.Signed(k, http.MethodGet, host, target, "")
			w.plantHeaders(r)
			spoilt := r.Clone(r.Context())
			for _, name := range []string{"Signature", "Authorization"} {
				if value := r.Header.Get(name); value != "" {
					spoilt.Header.Set(name, strings.Replace(value, value[len(value)-8:len(value)-4], "AAAA", 1))
				}
			}
			w.plantHeaders(spoilt)
			again := r.Clone(r.Context())
			for _, one := range []*http.Request{spoilt, r, again} {
				one.Header.Set("X-Request-Id", w.secretText("request id"))
				b.Do(one)
			}
		}
		body := `{"market":"KRW-BTC","side":"bid","identifier":"` + w.secretText("body") + `"}`
		order := w.Signed(k, http.MethodPost, host, "/v1/orders", body)
		w.plantHeaders(order)
		w.mustNot("an order without its scope", b.Do(order))
		cut := w.Signed(k, http.MethodPost, host, "/v1/orders", body)
		w.plantHeaders(cut)
		cut.ContentLength += 100
		b.Do(cut)
		large := w.Signed(k, http.MethodPost, host, "/v1/orders", `{"a":"`+strings.Repeat(w.secretText("body")+" ", 60_000)+`"}`)
		b.Do(large)
		browser := w.Signed(k, http.MethodGet, host, "/v1/accounts", "")
		browser.Header.Set("Origin", "https://"+w.secretText("origin")+".example")
		w.mustNot("a secret key in a browser", b.Do(browser))
	}
	for _, target := range []string{"/v1//" + w.secretText("path"), "/.sallyport/enter?code=" + w.secretText("child code"), "/%2e%2e/" + w.secretText("path")} {
		for _, at := range []string{host, authtest.PageHost, w.secretText("host") + ":8081"} {
			r := b.Request(http.MethodGet, "http://localhost:8081/", "")
			r.Host, r.RequestURI = at, target
			r.Header.Set("Authorization", "Bearer "+w.secretText("Authorization"))
			r.Header.Set("Cookie", "__Host-sid="+w.secretText("cookie")+"; theirs="+w.secretText("cookie"))
			if got := b.Do(r); got.Status < http.StatusMultipleChoices { // refused, or shown the way to the dashboard
				w.t.Errorf("%s at %s: %d", target, at, got.Status)
			}
		}
	}
}

// plantHeaders takes the signature of a request for the secret that it is: whoever has it may send the request.
func (w *world) plantHeaders(r *http.Request) {
	if mark := r.Header.Get("Signature"); mark != "" {
		w.secrets.plant("signature", strings.Trim(strings.TrimPrefix(mark, "sig1="), ":"))
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		w.secrets.plant("Authorization", token)
		w.secrets.plant("signature", token[strings.LastIndexByte(token, '.')+1:])
	}
}
