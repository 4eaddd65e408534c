package api_test

import (
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

func TestTheLab(t *testing.T) {
	d := open(t)
	kim, b := d.person("kim@example.com")
	_, other := d.person("lee@example.com")
	k := d.IssueKey(kim, apikey.IssueInput{Environment: id.Test})
	r := d.Signed(k, "GET", "api.example.com", "/v1/accounts?a=1", "")
	raw := "GET /v1/accounts?a=1 HTTP/1.1\nHost: api.example.com\nSignature-Input: " + r.Header.Get("Signature-Input") + "\nSignature: " + r.Header.Get("Signature") + "\n\n"
	changed := strings.Replace(raw, "a=1", "a=2", 1)
	ask := func(b *browser, request, base string) func() answer {
		return func() answer {
			body := map[string]any{"request": request}
			if base != "" {
				body["base"] = base
			}
			return b.post("/v1/lab/explain", body)
		}
	}
	run(t, d, []outcome{
		{"a genuine one", ask(b, raw, ""), 200, ""},
		{"a changed one, with a base", ask(b, changed, "\"@method\": POST"), 200, ""},
		{"of somebody else's key", ask(other, raw, ""), 404, "lab.no_test_key"},
		{"no request", ask(b, "hello", ""), 400, "request.malformed"},
		{"a request that never was refused", func() answer { return b.get("/v1/requests/req_069g9r2kt0f7s8w3a5q1z7y6xc") }, 404, "request.not_refused"},
	})
	if a := ask(b, raw, "")(); a.body["holds"] != true || a.body["same"] != nil {
		t.Errorf("a genuine one: %v", a.body)
	}
	if a := ask(b, changed, "\"@method\": POST")(); a.body["holds"] != false || a.body["differs_at"] != 11.0 || a.body["same"] != false {
		t.Errorf("a changed one: %v", a.body)
	}

	signed := d.Signed(k, "GET", "localhost:8080", "/v1/session", "")
	signed.RemoteAddr, signed.RequestURI = "203.0.113.7:40000", "/v1/session?x"
	refused := d.send(signed)
	refused.want(401, "unauthorized")
	if a := b.get("/v1/requests/" + refused.header.Get("X-Request-Id")); a.status != 200 || a.body["code"] != "signature.mismatch" || a.body["base"] == nil {
		t.Errorf("why: %d %v", a.status, a.body)
	}
	if a := other.get("/v1/requests/" + refused.header.Get("X-Request-Id")); a.status != 404 {
		t.Errorf("somebody else's: %d %v", a.status, a.body)
	}
}
