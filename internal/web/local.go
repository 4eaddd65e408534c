package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// maxReturn bounds an address that is carried along.
const maxReturn = 1024

// local is a return address as far as it can be trusted: a path of this door that a reader may open, with its query; "/" for anything else.
// No host, no scheme, no escape in the path, nothing that browsers mend (RFC 9700 §4.11: no open redirect).
func (w *Web) local(address string) string {
	if len(address) > maxReturn || !strings.HasPrefix(address, "/") || strings.ContainsFunc(address, foreign) {
		return "/"
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" || u.RawPath != "" {
		return "/"
	}
	if path.Clean(u.Path) != u.Path || strings.Contains(strings.SplitN(address, "?", 2)[0], "%") {
		return "/"
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return "/"
	}
	if _, pattern := w.pages.Handler(&http.Request{Method: http.MethodGet, URL: u}); pattern == "" {
		return "/"
	}
	return address
}

// foreign says which characters stand in no address of ours.
func foreign(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == '#' }

// localPath is an address on another host of ours, where the upstream decides which there are: one leading slash, nothing that browsers mend.
func localPath(address string) string {
	if len(address) > maxReturn || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsFunc(address, foreign) {
		return "/"
	}
	return address
}
