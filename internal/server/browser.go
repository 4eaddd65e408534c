package server

import (
	"net/http"
)

// newBrowserMux mounts the doors of the dashboard's listener.
func (s *Server) newBrowserMux(formKey []byte, keys *assertionKeys) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /.well-known/sallyport-assertion-jwks.json", keys.serveJWKS)
	_ = formKey
	return mux, nil
}
