package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
)

// The certificate of the apps of these tests, and what Android signs as for it: base64url of the same 32 bytes.
const (
	releaseKey    = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"
	releaseOrigin = "android:apk-key-hash:FG3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU"
	otherOrigin   = "android:apk-key-hash:_23pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU"
)

const (
	androidApp = "passkeys: {apps: [{android: com.example.exchange, fingerprints: [\"" + releaseKey + "\"]}]}\n"
	appleApp   = "passkeys: {apps: [{apple: ABCDE12345.com.example.exchange}, {apple: ABCDE12345.com.example.exchange.pro}]}\n"
)

// Systems ask for these files before an app may use our passkeys. Each is there only for apps of its kind.
func TestAppFiles(t *testing.T) {
	const assetLinks, association = "/.well-known/assetlinks.json", "/.well-known/apple-app-site-association"
	for name, row := range map[string]struct{ yaml, assetLinks, association string }{
		"none": {"", "", ""},
		"android": {
			androidApp, `[{"relation":["delegate_permission/common.handle_all_urls","delegate_permission/common.get_login_creds"],` +
				`"target":{"namespace":"android_app","package_name":"com.example.exchange","sha256_cert_fingerprints":["` + releaseKey + `"]}}]` + "\n", "",
		},
		"apple": {
			appleApp, "", `{"applinks":{"details":[{"appIDs":["ABCDE12345.com.example.exchange","ABCDE12345.com.example.exchange.pro"],"components":[` +
				`{"/":"/not-me/*","exclude":true},{"/":"/c/*","exclude":true},{"/":"/recover*","exclude":true},{"/":"/lost*","exclude":true},` +
				`{"/":"/go/*","exclude":true},{"/":"/v1/*","exclude":true},{"/":"/dbsc/*","exclude":true},{"/":"/*"}]}]},` +
				`"webcredentials":{"apps":["ABCDE12345.com.example.exchange","ABCDE12345.com.example.exchange.pro"]}}` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := authtest.StartWith(t, authtest.Options{YAML: row.yaml})
			for at, want := range map[string]string{authtest.Origin + assetLinks: row.assetLinks, authtest.Origin + association: row.association, "http://exchange.test" + assetLinks: row.assetLinks} {
				answer := visit(t, s, at)
				status, kind, kept := http.StatusOK, "application/json", "public, max-age=300"
				if want == "" {
					status, kind, kept = http.StatusNotFound, "application/problem+json", "no-store"
				}
				if got := answer.Header.Get("Content-Type"); answer.StatusCode != status || got != kind || answer.Header.Get("Cache-Control") != kept {
					t.Errorf("%s: %d %s %q, want %d %s %q", at, answer.StatusCode, got, answer.Header.Get("Cache-Control"), status, kind, kept)
				}
				if body := authtest.Body(t, answer); want != "" && body != want {
					t.Errorf("%s (-want +got):\n%s", at, cmp.Diff(want, body))
				}
			}
		})
	}
}

// A link that holds what it needs to act opens in the browser, whatever apps there are.
func TestNoAppOpensLinksThatAct(t *testing.T) {
	s := authtest.StartWith(t, authtest.Options{YAML: appleApp})
	file := authtest.Body(t, visit(t, s, authtest.Origin+"/.well-known/apple-app-site-association"))
	for _, door := range []string{"web", "confirm", "api", "dbsc"} {
		for _, l := range route.Of(door) {
			first := "/" + strings.SplitN(l.Pattern, "/", 3)[1]
			acts := door != "web" || strings.Contains(l.Pattern, "{at}") || first == "/recover"
			kept := strings.Contains(file, `{"/":"`+first+`/*","exclude":true}`) || strings.Contains(file, `{"/":"`+first+`*","exclude":true}`)
			if acts && !kept {
				t.Errorf("apps may open %s %s", door, l.Pattern)
			}
		}
	}
}

// An app of the configuration signs in with its user's passkey; another does not, and nobody's does where there is none.
func TestAppsSignInWithPasskeys(t *testing.T) {
	const apples = "https://localhost"
	for name, row := range map[string]struct {
		yaml string
		may  map[string]bool // origin → whether its assertions are taken
	}{
		"no app":  {"", map[string]bool{authtest.Origin: true, releaseOrigin: false, apples: false}},
		"android": {androidApp, map[string]bool{authtest.Origin: true, releaseOrigin: true, strings.ToLower(releaseOrigin): false, otherOrigin: false, apples: false, "android:apk-key-hash:": false}},
		"apple":   {appleApp, map[string]bool{authtest.Origin: true, apples: true, releaseOrigin: false, "https://evil.localhost": false}},
	} {
		t.Run(name, func(t *testing.T) {
			s := authtest.StartWith(t, authtest.Options{YAML: row.yaml})
			passkey := s.SignUp("ada@example.com").EnrolPasskey()
			for origin, may := range row.may {
				from := signin.From{Origin: authtest.PersonOrigin(), Browser: [32]byte{1}}
				begun, err := s.SignIns.BeginPasskey(from)
				if err != nil {
					t.Fatal(err)
				}
				_, err = s.SignIns.WithPasskey(t.Context(), from, begun.State, passkey.Sign(origin, begun.Options))
				if may && err != nil || !may && fault.CodeOf(err) != fault.PasskeyRefused {
					t.Errorf("%s: %v", origin, err)
				}
			}
		})
	}
}

// The page that says what is ours names the apps too, and so does its twin.
func TestOfficialApps(t *testing.T) {
	s := authtest.StartWith(t, authtest.Options{YAML: androidApp})
	for _, at := range []string{"/genuine", "/v1/genuine"} {
		if body := authtest.Body(t, visit(t, s, authtest.Origin+at)); !strings.Contains(body, "com.example.exchange") || !strings.Contains(body, releaseKey) {
			t.Errorf("%s does not name the app: %s", at, body)
		}
	}
	if body := authtest.Body(t, visit(t, authtest.Start(t), authtest.Origin+"/v1/genuine")); !strings.Contains(body, `"apps":[]`) {
		t.Errorf("without an app: %s", body)
	}
}
