package httpx

import (
	"encoding/base64"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// wayLife is how long somebody may take on the dashboard, a sign-in included, before a gateway host has forgotten that they set out.
const wayLife = 10 * time.Minute

// SetOut gives a browser that sets out from a gateway host to the dashboard the cookie by which the host will know it again, or lengthens
// the one it has: several pages may set out at once. The answer is what the dashboard is told of it. Errors: request.malformed.
func SetOut(w http.ResponseWriter, r *http.Request) (state string, err error) {
	cookie, err := Cookie(r, WayCookie)
	if err != nil {
		return "", err
	}
	if !cookie.IsBearer() {
		cookie = secret.MintBearer(WayCookie)
	}
	SetCookie(w, WayCookie, cookie, wayLife)
	hash := cookie.Hash()
	return base64.RawURLEncoding.EncodeToString(hash[:]), nil
}

// ParseState reads what SetOut said of a cookie; ok is false for anything else.
func ParseState(text string) (hash [32]byte, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(len(hash)) {
		return hash, false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(hash[:], []byte(text))
	return hash, err == nil && n == len(hash) // line breaks are skipped, so fewer may come out
}
