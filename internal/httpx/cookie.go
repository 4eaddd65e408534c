package httpx

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// The cookies. All but the language are __Host-: set by this host alone, over https or on localhost, for every path and no subdomain
// (RFC 6265bis §4.1.3.2).
const (
	// SessionCookie holds the bearer of a session, on the dashboard and on each gateway host its own.
	SessionCookie = "__Host-sid"
	// BoundCookie goes with the session's where it is bound to a device, which renews it with proofs of its key (DBSC).
	BoundCookie = "__Host-bs"
	// BrowserCookie binds what happens before a session to one browser.
	BrowserCookie = "__Host-pre"
	// DeviceCookie recognises a browser that has been here before.
	DeviceCookie = "__Host-dev"
	// WayCookie binds the way to the dashboard and back to one browser, on a gateway host.
	WayCookie = "__Host-way"
	// LangCookie is the reader's choice of language.
	LangCookie = "lang"
)

// deviceLife is as long as browsers keep a cookie at most (RFC 6265bis §5.5).
const deviceLife = 400 * 24 * time.Hour

// SetCookie sets one of our cookies; life zero means until the browser closes.
func SetCookie(w http.ResponseWriter, name string, value secret.Value, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: string(value.Reveal()), Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(life / time.Second),
	})
}

// ClearCookie removes one of our cookies.
func ClearCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{Name: name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

// Ours says whether a name is that of a cookie that only we read and set.
func Ours(name string) bool {
	switch name {
	case SessionCookie, BoundCookie, BrowserCookie, DeviceCookie, WayCookie:
		return true
	}
	return false
}

// Cookie reads one of our cookies. Two of one name are an error, because nobody can say which the browser meant; a value that we would
// never have set is none. Errors: request.malformed.
func Cookie(r *http.Request, name string) (secret.Value, error) {
	list := r.CookiesNamed(name)
	switch {
	case len(list) == 0:
		return secret.Value{}, nil
	case len(list) > 1:
		return secret.Value{}, fault.New(fault.RequestMalformed, "problem", "cookie_twice")
	case len(list[0].Value) != bearerLength:
		return secret.Value{}, nil
	}
	return secret.FromString(name, list[0].Value), nil
}

// bearerLength is that of secret.MintBearer.
const bearerLength = 43

// Browser finds the cookie that binds what happens before a session to this browser, or gives the browser one.
// Errors: request.malformed.
func Browser(w http.ResponseWriter, r *http.Request) (secret.Value, error) {
	cookie, err := Cookie(r, BrowserCookie)
	if err == nil && cookie.IsEmpty() {
		cookie = secret.MintBearer(BrowserCookie)
		SetCookie(w, BrowserCookie, cookie, 0)
	}
	return cookie, err
}

// KeepSession gives the browser the bearer of its session, until it closes. The session may end before.
func KeepSession(w http.ResponseWriter, bearer secret.Value) { SetCookie(w, SessionCookie, bearer, 0) }

// SignedIn leaves a browser as a sign-in does: with a session, recognised from now on, and without what bound it before. device is empty
// for a browser that had its cookie.
func SignedIn(w http.ResponseWriter, bearer, device secret.Value) {
	KeepSession(w, bearer)
	if !device.IsEmpty() {
		SetCookie(w, DeviceCookie, device, deviceLife)
	}
	ClearCookie(w, BrowserCookie)
}

// SignedOut takes the session away, and asks the browser to forget what it kept of our pages. The device cookie stays: it is how the browser
// is recognised when its user comes back.
func SignedOut(w http.ResponseWriter) {
	ClearCookie(w, SessionCookie)
	ClearCookie(w, BoundCookie)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// FormTokenHeader is where a call from our pages carries its form token, and where an answer that changes the session puts the next one.
const FormTokenHeader = "Form-Token"

// FormKey makes and checks form tokens: an HMAC of the cookie under which the form was shown, so that no other site and no other sign-in can
// send it.
type FormKey []byte

// Token is what a form carries for one cookie.
func (k FormKey) Token(cookie secret.Value) string {
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte("form\x00"))
	mac.Write(cookie.Reveal())
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Check refuses a token that is not the cookie's. Errors: request.form_expired.
func (k FormKey) Check(cookie secret.Value, token string) error {
	if cookie.IsEmpty() || !hmac.Equal([]byte(token), []byte(k.Token(cookie))) {
		return fault.New(fault.RequestFormExpired)
	}
	return nil
}
