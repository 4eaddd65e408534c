package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// A member that we do not know is refused on every route that takes a body: what only the server may set, what is written in another case,
// and what comes twice.
func TestMatrixOfMembers(t *testing.T) {
	c := newCast(t)
	member, visitor := c.member(c.owner, principal.Owner), c.visitor()
	c.everyRoute(t, func(l route.Line, _ func(*browser) *http.Request) {
		b := member
		if l.Needs == route.Pre {
			b = visitor
		}
		if l.Needs == route.Key {
			return // its body is read by those who sign it; see TestAKeyRotatesItself
		}
		body, takes := bodies[l.Name()]
		described := operationOf(c.api.Description(), l).RequestBody
		if documented := described != nil; documented != takes {
			c.t.Fatalf("the description says that a body is taken: %t", documented)
		}
		if l.Method == http.MethodGet || l.Pattern == "/v1/recoveries/{id}/evidence/{slot}" {
			return // the second is read only of who has a claim; see TestAStrangersEvidenceIsNotRead
		}
		for name, sent := range deformed(body) {
			if sent == "" && takes && !described.Required {
				continue // where a body may be missing, nothing is nothing wrong
			}
			a := b.call(l.Method, targetOf(l), sent)
			if (a.status != 400 || a.code != "request.malformed") && (a.status != 422 || a.code != "request.invalid") {
				c.t.Errorf("%s: %s answered %d %s", name, sent, a.status, a.code)
			}
		}
	})
}

// deformed are bodies that no route takes, made from one that a route does; an empty one stands for a route without a body.
func deformed(body string) map[string]string {
	if body == "" {
		return map[string]string{"an object": "{}", "a member": `{"a":1}`, "null": "null"}
	}
	first := body[1:strings.Index(body, ":")]
	all := map[string]string{
		"another case": strings.Replace(body, first, strings.ToUpper(first), 1), "twice": "{" + first + `:"x",` + body[1:],
		"twice in another case": "{" + strings.ToUpper(first) + `:"x",` + body[1:], "an array": "[" + body + "]", "null": "null",
		"two documents": body + body, "half of one": body[:len(body)-1], "a number": "1", "nothing": "",
	}
	for _, name := range protected {
		all[name] = strings.TrimSuffix(body, "}") + `,"` + name + `":"x"}`
	}
	return all
}

// protected are members that only the server sets; whoever reads them from a stranger gives away what they guard.
var protected = []string{
	"user", "account", "owner", "role", "session", "verified", "verified_at", "created_at", "expires_at", "revoked_at", "acr", "proof", "level", "alone",
	"key_id", "secret", "window_ms", "device", "browser", "$schema", "__proto__", "signed_in", "existing", "life", "scope", "environments",
}

// What the description shows as an example is taken: it is refused only for what it is about.
func TestExamplesAreTaken(t *testing.T) {
	c := newCast(t)
	registry := c.api.Description().Components.Schemas
	c.everyRoute(t, func(l route.Line, _ func(*browser) *http.Request) {
		if l.Needs == route.Key {
			return
		}
		o := operationOf(c.api.Description(), l)
		target := l.Pattern
		for _, p := range o.Parameters {
			if p.In == "path" {
				target = strings.Replace(target, "{"+p.Name+"}", fmt.Sprint(p.Schema.Examples[0]), 1)
			}
		}
		var body any
		if o.RequestBody != nil {
			members := map[string]any{}
			schema := registry.SchemaFromRef(o.RequestBody.Content["application/json"].Schema.Ref)
			for name, member := range schema.Properties {
				if len(member.Examples) > 0 {
					members[name] = member.Examples[0]
				} else if slices.Contains(schema.Required, name) {
					members[name] = map[string]any{} // the answer of a browser
				}
			}
			body = members
		}
		b := c.member(c.owner, principal.Owner)
		if l.Needs == route.Pre {
			b = c.visitor()
		}
		a := b.call(l.Method, target, body)
		if slices.Contains(guards, a.code) {
			c.t.Errorf("the example %v was refused: %d %s %v", body, a.status, a.code, a.body)
		}
	})
}
