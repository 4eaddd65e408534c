package httpx

import "net/http"

// contentPolicy lets pages load their own scripts, styles, fonts and pictures and nothing else, and nobody frame them. There is no nonce,
// because there is no inline script.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// permissions are the powerful features that our pages use: passkeys, and the clipboard for a new key.
const permissions = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self), " +
	"publickey-credentials-create=(self), publickey-credentials-get=(self)"

// Harden puts the security headers of our own pages and answers before a handler. It is not for the gateway: what an upstream answers is
// the upstream's.
func Harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", permissions)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		if RecordOf(r.Context()).Secure {
			h.Set("Strict-Transport-Security", "max-age=63072000") // RFC 6797 §6.1.1, two years
		}
		next.ServeHTTP(w, r)
	})
}
