package web

import (
	"net/url"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// ParseForm reads a posted form.
func ParseForm(contentType []string, body []byte) (url.Values, error) {
	f, err := parseForm(contentType, body)
	return f.values, err
}

// SealCarried and OpenCarried are a form that waits for a proof, and one that comes back.
func SealCarried(key []byte, session id.Session, path string, values url.Values) (string, error) {
	c, err := newCarrier(key)
	if err != nil {
		return "", err
	}
	return c.seal(session, path, values), nil
}

// OpenCarried reads what SealCarried wrote.
func OpenCarried(key []byte, session id.Session, path, carried string) (url.Values, error) {
	c, err := newCarrier(key)
	if err != nil {
		return nil, err
	}
	return c.open(session, path, carried)
}

// ParseUpload reads a posted form with a file.
func ParseUpload(contentType []string, body []byte) (url.Values, []byte, error) {
	f, file, err := parseUpload(contentType, body)
	return f.values, file, err
}
