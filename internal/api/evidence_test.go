package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// counted is a body that knows how much of it was read.
type counted struct{ left, read int }

func (c *counted) Read(b []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), c.left)
	c.left -= n
	c.read += n
	return n, nil
}

func (c *counted) Close() error { return nil }

// TestAStrangersEvidenceIsNotRead: at no door does somebody without a claim make us hold more than any other body.
func TestAStrangersEvidenceIsNotRead(t *testing.T) {
	s := authtest.Start(t)
	for method, path := range map[string]string{
		http.MethodPut:  "/v1/recoveries/rcv_069g9r2kt0f7s8w3a5q1z7y6xc/evidence/document",
		http.MethodPost: "/recover/evidence",
	} {
		body := &counted{left: 4 << 20}
		r := httptest.NewRequest(method, authtest.Origin+path, nil)
		r.Body, r.ContentLength = body, int64(body.left)
		got := s.Do(r)
		if body.read > 64<<10 {
			t.Errorf("%s %s of nobody: %d bytes are held before the answer %d", method, path, body.read, got.StatusCode)
		}
	}
}
