package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strings"
)

//go:embed exchange.css
var stylesheet []byte

//go:embed withdraw.js
var script []byte

//go:embed mark.svg
var mark []byte

// asset is a file that the page refers to under a name with its hash, so that it may be kept for ever.
type asset struct {
	name, mediaType string
	bytes           []byte
}

var assets = []asset{
	newAsset("exchange", ".css", "text/css; charset=utf-8", stylesheet),
	newAsset("withdraw", ".js", "text/javascript; charset=utf-8", script),
	newAsset("mark", ".svg", "image/svg+xml", mark),
}

func newAsset(stem, extension, mediaType string, bytes []byte) asset {
	sum := sha256.Sum256(bytes)
	return asset{stem + "-" + hex.EncodeToString(sum[:6]) + extension, mediaType, bytes}
}

// href is the address of the asset whose name begins with stem.
func href(stem string) string {
	for _, a := range assets {
		if strings.HasPrefix(a.name, stem+"-") {
			return "/assets/" + a.name
		}
	}
	panic("page: no asset " + stem)
}

// ServeAsset answers with the asset of that name, the same bytes for everybody, and says false if there is none.
func ServeAsset(w http.ResponseWriter, name string) bool {
	for _, a := range assets {
		if a.name == name {
			w.Header().Set("Content-Type", a.mediaType)
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			_, _ = w.Write(a.bytes)
			return true
		}
	}
	return false
}
