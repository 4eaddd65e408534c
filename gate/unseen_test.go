package gate_test

import (
	"net/http"
	"testing"

	"github.com/seed-21c57000/sallyport/gate"
)

// digestOfBraces is the Content-Digest of "{}".
const digestOfBraces = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"

// What forward-auth asserts: the gateway has not seen the body.
func TestUnseenBodies(t *testing.T) {
	unseen := func(signed, body string) *http.Request {
		c := claimsFor("POST", "/v1/orders", "")
		c.Body, c.BodySigned = "", signed
		return asserted(c, body)
	}
	taken := func(c *gate.Config) { c.UnboundBodies = true }
	for name, row := range map[string]struct {
		request *http.Request
		change  func(*gate.Config)
		passes  bool
	}{
		"signed":                      {unseen(digestOfBraces, "{}"), nil, true},
		"signed, another":             {unseen(digestOfBraces, "{ }"), taken, false},
		"neither, and there is none":  {unseen("", ""), nil, true},
		"neither, and there is one":   {unseen("", "{}"), nil, false},
		"neither, and they are taken": {unseen("", "{}"), taken, true},
	} {
		if p := pass(t, row.request, row.change); (p.seen != nil) != row.passes {
			t.Errorf("%s: %v", name, p.reason)
		}
	}
}
