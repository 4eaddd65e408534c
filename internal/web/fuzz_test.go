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

// FuzzOpenCarried: a form that waited for a proof opens as it was, for the user and at the address for whom it waited, for an hour, and nowhere else; what
// we did not seal does not open.
func FuzzOpenCarried(f *testing.F) {
	key := []byte(strings.Repeat("k", 32))
	user, another := id.New[id.UserKind](time.Unix(1795292455, 0)), id.New[id.UserKind](time.Unix(1795292456, 0))
	now := time.Unix(1795292500, 0)
	f.Add("/keys", "name=grid&scopes=a&scopes=b", "")
	f.Add("/password", "", "AAAA")
	f.Fuzz(func(t *testing.T, path, query, guess string) {
		if _, err := web.OpenCarried(key, user, path, now, guess); err == nil {
			t.Errorf("%q opens", guess)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		carried, err := web.SealCarried(key, user, path, now, values)
		if err != nil {
			t.Fatal(err)
		}
		got, err := web.OpenCarried(key, user, path, now.Add(time.Hour-time.Second), carried)
		if diff := cmp.Diff(values, got); diff != "" || err != nil {
			t.Errorf("carried, %v (-sealed +opened):\n%s", err, diff)
		}
		for _, elsewhere := range []struct {
			user id.User
			path string
			at   time.Time
		}{{another, path, now}, {user, path + "/", now}, {user, "x" + path, now}, {user, path, now.Add(time.Hour)}, {id.User{}, path, now}} {
			if _, err := web.OpenCarried(key, elsewhere.user, elsewhere.path, elsewhere.at, carried); err == nil {
				t.Errorf("a form of %s at %q opens for %s at %q, %s", user, path, elsewhere.user, elsewhere.path, elsewhere.at)
			}
		}
	})
}
