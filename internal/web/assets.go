package web

import (
	"embed"
	"net/http"
	"path"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/httpx/route"
)

// built holds what web/build makes of the sources in web/: script, style and logo, each with the hash of its content in its name.
//
//go:embed assets
var built embed.FS

// files are our own files, by name. They are the same bytes for everybody and never change under one name.
type files map[string][]byte

func embedded() files {
	list, err := built.ReadDir("assets")
	if err != nil {
		panic(err) // the folder is part of this package
	}
	all := files{}
	for _, entry := range list {
		body, err := built.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		all[entry.Name()] = body
	}
	return all
}

// href is the address of the file that was app.js before its hash came into its name.
func (f files) href(name string) string {
	extension := path.Ext(name)
	stem := strings.TrimSuffix(name, extension) + "-"
	for full := range f {
		if strings.HasPrefix(full, stem) && strings.HasSuffix(full, extension) {
			return "/assets/" + full
		}
	}
	panic("web: no file " + name + "; run web/build")
}

// mediaTypes are what we serve.
var mediaTypes = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

func (w *Web) serveFile(rw http.ResponseWriter, r *http.Request, _ route.Line) {
	w.harden(rw, r)
	w.files.serve(rw, r.PathValue("name"))
}

// serve answers with a file, or with nothing where there is none of that name.
func (f files) serve(rw http.ResponseWriter, name string) {
	body, ok := f[name]
	if !ok {
		rw.Header().Set("Cache-Control", "no-store")
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	h := rw.Header()
	h.Set("Content-Type", mediaTypes[path.Ext(name)])
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = rw.Write(body)
}
