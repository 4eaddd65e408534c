package httpx

import (
	"html"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// The headers of Device Bound Session Credentials (w3c/webappsec-dbsc).
const (
	registrationHeader = "Secure-Session-Registration"
	challengeHeader    = "Secure-Session-Challenge"
	skippedHeader      = "Secure-Session-Skipped"
)

// boundOf reads what says from which device a request comes: the hash of the bound cookie, and why its browser says that it has none. Two such
// cookies are none.
func boundOf(r *http.Request) (hash [32]byte, skipped string) {
	if cookie, err := Cookie(r, BoundCookie); err == nil && !cookie.IsEmpty() {
		hash = cookie.Hash()
	}
	if lines := r.Header[skippedHeader]; len(lines) == 1 {
		word, _, _ := strings.Cut(lines[0], ";")
		if slices.Contains(skips, word) {
			skipped = word
		}
	}
	return hash, skipped
}

// skips are the words for a renewal that a browser did not make.
var skips = []string{"quota_exceeded", "server_error", "unreachable"}

// KeepBound gives the browser the bound cookie of its session.
func KeepBound(w http.ResponseWriter, cookie secret.Value, life time.Duration) {
	SetCookie(w, BoundCookie, cookie, life)
}

// BoundAttributes are those of the cookie that KeepBound sets. A browser that is told others asks for a new one with every request.
const BoundAttributes = "Path=/; Secure; HttpOnly; SameSite=Lax"

// OfferBinding asks the browser to make a key for its session, and to bring it to path. Neither text holds a quote.
func OfferBinding(w http.ResponseWriter, path, challenge, authorization string) {
	w.Header().Set(registrationHeader, `(ES256 RS256);path="`+path+`";challenge="`+challenge+`";authorization="`+authorization+`"`)
}

// NextChallenge tells the browser what to sign the next time, for one of its sessions.
func NextChallenge(w http.ResponseWriter, challenge, session string) {
	w.Header().Set(challengeHeader, `"`+challenge+`";id="`+session+`"`)
}

// DemandProof makes the browser prove its device now: it is sent to the same target once more, without the bound cookie, which it has to renew
// first (RFC 9110 §15.4.8: method and body stay). That nobody sits there is not ruled out.
func DemandProof(w http.ResponseWriter, target string) {
	ClearCookie(w, BoundCookie)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Location", target)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// FromElsewhere says whether a page is opened from another origin, or by hand. Browsers do not wait for a proof then, and make no registration
// that could show our cookies.
func FromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && site != "" && site != "same-origin"
}

// ComeAgain answers a page that was opened from elsewhere with one that opens target by itself: from here, so that the browser brings its proof.
// It works without script.
func ComeAgain(w http.ResponseWriter, r *http.Request, status int, target string) {
	words := i18n.In(Language(r))
	to := html.EscapeString(target)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	page := `<!doctype html><html lang="` + words.Lang() + `"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
		`<meta http-equiv="refresh" content="0; url=` + to + `"><title>` + html.EscapeString(words.Say("again.title")) + `</title>` +
		`<h1>` + html.EscapeString(words.Say("again.title")) + `</h1><p><a href="` + to + `">` + html.EscapeString(words.Say("again.go")) + `</a></p></html>`
	_, _ = io.WriteString(w, page) //nolint:gosec // every part is escaped
}
