package server

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/respond/official"
)

// keptLinks are our links that no app opens, as Apple's file writes paths: whoever follows one brings a way in or a proof in its address, and what it does
// is said on our own page. Android knows no exceptions in its file; there the app's manifest says what it opens.
var keptLinks = []string{"/not-me/*", "/c/*", "/recover*", "/lost*", "/go/*", "/v1/*", "/dbsc/*"}

// appOrigins are what the apps of the configuration sign as on Android; apple says that there is one of Apple's, which sign as the RP ID's origin.
func appOrigins(apps []config.App) (android []string, apple bool) {
	for _, app := range apps {
		for _, f := range app.Fingerprints {
			sum, _ := hex.DecodeString(strings.ReplaceAll(string(f), ":", "")) // config has checked it
			android = append(android, "android:apk-key-hash:"+base64.RawURLEncoding.EncodeToString(sum))
		}
		apple = apple || app.Apple != ""
	}
	return android, apple
}

// mountApps says which native apps are ours, to the systems that ask before an app may use our passkeys.
func (s *Server) mountApps(machines *route.Door) {
	android, apple := appFiles(s.cfg.Passkeys.Apps)
	for path, file := range map[string][]byte{"/.well-known/assetlinks.json": android, "/.well-known/apple-app-site-association": apple} {
		machines.Handle(http.MethodGet, path, func(w http.ResponseWriter, r *http.Request, _ route.Line) {
			if file == nil {
				httpx.WriteProblem(w, r, fault.New(fault.NotFound))
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "public, max-age=300")
			_, _ = w.Write(file)
		})
	}
}

// assetLink is one statement of Digital Asset Links. Passkeys want both relations.
type assetLink struct {
	Relation []string    `json:"relation"`
	Target   assetTarget `json:"target"`
}

type assetTarget struct {
	Namespace    string               `json:"namespace"`
	Package      config.Package       `json:"package_name"`
	Fingerprints []config.Fingerprint `json:"sha256_cert_fingerprints"`
}

// appleAssociation is Apple's file of associated domains.
type appleAssociation struct {
	Links       appleLinks       `json:"applinks"`
	Credentials appleCredentials `json:"webcredentials"`
}

type appleLinks struct {
	Details []appleDetail `json:"details"`
}

type appleDetail struct {
	Apps       []config.AppleApp `json:"appIDs"`
	Components []appleComponent  `json:"components"`
}

// appleComponent matches paths; the first that matches decides.
type appleComponent struct {
	Path    string `json:"/"`
	Exclude bool   `json:"exclude,omitempty"`
}

type appleCredentials struct {
	Apps []config.AppleApp `json:"apps"`
}

// appFiles writes the two files; nil where no app asks for one.
func appFiles(apps []config.App) (android, apple []byte) {
	var links []assetLink
	var ids []config.AppleApp
	for _, app := range apps {
		if app.Apple != "" {
			ids = append(ids, app.Apple)
			continue
		}
		links = append(links, assetLink{
			Relation: []string{"delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"},
			Target:   assetTarget{"android_app", app.Android, app.Fingerprints},
		})
	}
	if links != nil {
		android = written(links)
	}
	if ids != nil {
		var components []appleComponent
		for _, path := range keptLinks {
			components = append(components, appleComponent{path, true})
		}
		components = append(components, appleComponent{Path: "/*"})
		apple = written(appleAssociation{appleLinks{[]appleDetail{{ids, components}}}, appleCredentials{ids}})
	}
	return android, apple
}

func written(file any) []byte {
	var out bytes.Buffer
	_ = json.NewEncoder(&out).Encode(file) // of text alone
	return out.Bytes()
}

func officialApp(app config.App) official.App {
	if app.Apple != "" {
		return official.App{Platform: official.Apple, ID: string(app.Apple)}
	}
	o := official.App{Platform: official.Android, ID: string(app.Android)}
	for _, f := range app.Fingerprints {
		o.Fingerprints = append(o.Fingerprints, string(f))
	}
	return o
}
