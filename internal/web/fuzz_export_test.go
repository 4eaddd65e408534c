package web

import (
	"net/url"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// ParseForm reads a posted form.
func ParseForm(contentType []string, body []byte) (url.Values, error) {
	f, err := parseForm(contentType, body)
	return f.values, err
}

// SealCarried and OpenCarried are a form that waits for a proof, and one that comes back.
func SealCarried(key []byte, user id.User, path string, now time.Time, values url.Values) (string, error) {
	c, err := newCarrier(key)
	if err != nil {
		return "", err
	}
	return c.seal(reader{user: user}, path, now, values), nil
}

// OpenCarried reads what SealCarried wrote.
func OpenCarried(key []byte, user id.User, path string, now time.Time, carried string) (url.Values, error) {
	c, err := newCarrier(key)
	if err != nil {
		return nil, err
	}
	return c.open(reader{user: user}, path, now, carried)
}

// ParseUpload reads a posted form with a file.
func ParseUpload(contentType []string, body []byte) (url.Values, []byte, error) {
	f, file, err := parseUpload(contentType, body)
	return f.values, file, err
}
