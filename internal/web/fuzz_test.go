package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/web"
)

const formType = "application/x-www-form-urlencoded"

// FuzzParseForm: a form is text under a form's type, and says the same when it is written again; everything else is refused as what it is.
func FuzzParseForm(f *testing.F) {
	f.Add(formType, []byte("mail=ada%40example.com&code=1234+5678"))
	f.Add(formType+"; charset=UTF-8", []byte("a=1&a=2&=&b"))
	f.Add(formType+"; charset=euc-kr", []byte("a=1"))
	f.Add("text/plain", []byte("a=1"))
	f.Add(formType, []byte("a=%zz"))
	f.Add(formType, []byte("a=%00&b=\xff"))
	f.Add(formType, []byte("a;b"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		values, err := web.ParseForm([]string{contentType}, body)
		if err != nil {
			if code := fault.CodeOf(err); code != fault.RequestMediaType && code != fault.RequestMalformed {
				t.Errorf("%q of type %q is refused with %v", body, contentType, err)
			}
			return
		}
		if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), formType) {
			t.Errorf("%q passes for a form", contentType)
		}
		again, err := web.ParseForm([]string{formType}, []byte(values.Encode()))
		if diff := cmp.Diff(values, again); diff != "" || err != nil {
			t.Errorf("%q is read again, %v (-first +again):\n%s", body, err, diff)
		}
		for name, list := range values {
			if text := name + strings.Join(list, ""); !utf8.ValidString(text) || strings.ContainsRune(strings.Join(list, ""), 0) {
				t.Errorf("%q holds %q, which is no text", body, text)
			}
		}
		if _, err := web.ParseForm([]string{contentType, contentType}, body); err == nil {
			t.Error("two types pass")
		}
	})
}

// FuzzOpenCarried: a form that waited for a proof opens as it was, in the session and at the address where it waited, and nowhere else; what
// we did not seal does not open.
func FuzzOpenCarried(f *testing.F) {
	key := []byte(strings.Repeat("k", 32))
	session, another := id.New[id.SessionKind](time.Unix(1795292455, 0)), id.New[id.SessionKind](time.Unix(1795292456, 0))
	f.Add("/keys", "name=grid&scopes=a&scopes=b", "")
	f.Add("/password", "", "AAAA")
	f.Fuzz(func(t *testing.T, path, query, guess string) {
		if _, err := web.OpenCarried(key, session, path, guess); err == nil {
			t.Errorf("%q opens", guess)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		carried, err := web.SealCarried(key, session, path, values)
		if err != nil {
			t.Fatal(err)
		}
		got, err := web.OpenCarried(key, session, path, carried)
		if diff := cmp.Diff(values, got); diff != "" || err != nil {
			t.Errorf("carried, %v (-sealed +opened):\n%s", err, diff)
		}
		for _, elsewhere := range []struct {
			session id.Session
			path    string
		}{{another, path}, {session, path + "/"}, {session, "x" + path}} {
			if _, err := web.OpenCarried(key, elsewhere.session, elsewhere.path, carried); err == nil {
				t.Errorf("a form of %s at %q opens in %s at %q", session, path, elsewhere.session, elsewhere.path)
			}
		}
	})
}
