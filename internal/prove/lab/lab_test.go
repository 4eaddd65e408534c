package lab_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/lab"
	"github.com/seed-21c57000/sallyport/sign"
)

// raw is a request as it goes over the wire.
func raw(r *http.Request, body string) string {
	var text strings.Builder
	text.WriteString(r.Method + " " + r.URL.RequestURI() + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
	for name, values := range r.Header {
		for _, value := range values {
			text.WriteString(name + ": " + value + "\r\n")
		}
	}
	return text.String() + "\r\n" + body
}

func bodyOf(t *testing.T, r *http.Request) string {
	t.Helper()
	if r.Body == nil {
		return ""
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestEveryDialectIsExplained(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	for _, d := range sign.AllDialects() {
		t.Run(d.String(), func(t *testing.T) {
			k := s.IssueKey(ada, apikey.IssueInput{Dialect: d, Environment: id.Test})
			body := `{"market":"KRW-BTC","side":"bid"}`
			if d == sign.Kraken || d == sign.Binance {
				body = "market=KRW-BTC&side=bid"
			}
			r := s.Signed(k, "POST", "api.example.com", "/v1/orders", body)
			sent := bodyOf(t, r)
			good, err := s.Lab.Explain(ada.Principal(), lab.Input{Request: raw(r, sent)})
			if err != nil || len(good.Problems) != 0 || good.ToSign == "" || good.KeyID != k.Text() {
				t.Fatalf("a genuine request: %+v, %v", good, err)
			}
			same, err := s.Lab.Explain(ada.Principal(), lab.Input{Request: raw(r, sent), Yours: good.ToSign})
			if err != nil || !same.Compared || same.Differs != -1 {
				t.Errorf("its own base differs at %d, %v", same.Differs, err)
			}
			yours := good.ToSign[:len(good.ToSign)-1] + "\x00"
			other, err := s.Lab.Explain(ada.Principal(), lab.Input{Request: raw(r, sent), Yours: yours})
			if err != nil || other.Differs != len(good.ToSign)-1 {
				t.Errorf("another last byte differs at %d of %d, %v", other.Differs, len(good.ToSign), err)
			}
		})
	}
}

// The lab speaks of test keys of the asker's account; for all others it says the same.
func TestOnlyOwnTestKeys(t *testing.T) {
	s := authtest.Start(t)
	ada, eve := s.SignUp("ada@example.com"), s.SignUp("eve@example.com")
	test := s.IssueKey(ada, apikey.IssueInput{Environment: id.Test})
	second := s.IssueKey(ada, apikey.IssueInput{Environment: id.Test})
	live := s.IssueKey(ada, apikey.IssueInput{Environment: id.Live})
	key := func(k authtest.Key) principal.Principal {
		return principal.Principal{Kind: principal.KindKey, Key: k.ID, User: ada.Principal().User, Account: ada.Principal().Account}
	}
	for name, row := range map[string]struct {
		who  principal.Principal
		k    authtest.Key
		told bool
	}{
		"the owner":        {ada.Principal(), test, true},
		"a live key":       {ada.Principal(), live, false},
		"somebody else":    {eve.Principal(), test, false},
		"the key itself":   {key(test), test, true},
		"another key":      {key(second), test, false},
		"nobody in person": {principal.Nobody(principal.Origin{}), test, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Signed(row.k, "GET", "api.example.com", "/v1/accounts", "")
			_, err := s.Lab.Explain(row.who, lab.Input{Request: raw(r, "")})
			if told := err == nil; told != row.told {
				t.Errorf("told %t, want %t: %v", told, row.told, err)
			}
			if err != nil && fault.CodeOf(err) != fault.LabNoTestKey {
				t.Error(err)
			}
		})
	}
}

// A look in the lab is no use of the key.
func TestALookIsNoUse(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	k := s.IssueKey(ada, apikey.IssueInput{Environment: id.Test})
	r := s.Signed(k, "GET", "api.example.com", "/v1/accounts", "")
	for range 3 {
		if e, err := s.Lab.Explain(ada.Principal(), lab.Input{Request: raw(r, "")}); err != nil || len(e.Problems) > 0 {
			t.Fatal(e, err)
		}
	}
	if err := s.APIKeys.SaveUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys, err := s.APIKeys.List(t.Context(), ada.Principal()); err != nil || len(keys) != 1 || !keys[0].LastUsedAt.IsZero() {
		t.Errorf("the key counts as used: %+v, %v", keys, err)
	}
}

func TestRead(t *testing.T) {
	for name, row := range map[string]struct {
		text    string
		want    sign.Request
		problem string
	}{
		"raw": {
			text: "POST /v1/orders?a=%20b HTTP/1.1\r\nhost: api.example.com\r\nX-A:  b \r\nX-A: c\r\n\r\n{\"a\":1}\n",
			want: sign.Request{Method: "POST", Authority: "api.example.com", Target: "/v1/orders?a=%20b", Header: http.Header{"X-A": {"b", "c"}}, Body: []byte(`{"a":1}`)},
		},
		"the length is said": {
			text: "POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\na\n\n\n",
			want: sign.Request{Method: "POST", Authority: "a", Target: "/", Header: http.Header{"Content-Length": {"3"}}, Body: []byte("a\n\n")},
		},
		"absolute form": {
			text: "GET https://api.example.com:8443/x?y#z HTTP/1.1\n",
			want: sign.Request{Method: "GET", Authority: "api.example.com:8443", Target: "/x?y", Header: http.Header{}, Body: []byte{}},
		},
		"curl": {
			text: "curl -sS --path-as-is -X POST \\\n -H 'A: it'\\''s' --header \"B: c \\\"d\\\"\" --data-binary '{\"a\":1}' 'http://api.example.com/v1/orders?x=1'",
			want: sign.Request{
				Method: "POST", Authority: "api.example.com", Target: "/v1/orders?x=1", Body: []byte(`{"a":1}`),
				Header: http.Header{"A": {"it's"}, "B": {`c "d"`}, "Content-Type": {"application/x-www-form-urlencoded"}},
			},
		},
		"curl with data is a POST": {
			text: "curl https://api.example.com -d a=1 -d b=2",
			want: sign.Request{Method: "POST", Authority: "api.example.com", Target: "/", Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte("a=1&b=2")},
		},
		"nothing":           {text: " \n", problem: "pasted_nothing"},
		"no request":        {text: "buy milk and bread", problem: "pasted_line"},
		"no host":           {text: "GET / HTTP/1.1\n\n", problem: "pasted_host"},
		"a header alone":    {text: "GET / HTTP/1.1\nHost: a\nnothing\n\n", problem: "pasted_header"},
		"a body elsewhere":  {text: "curl https://a -d @body.json", problem: "pasted_file"},
		"an option":         {text: "curl --config x https://a", problem: "pasted_option"},
		"an option at last": {text: "curl https://a -X", problem: "pasted_option"},
		"an open quote":     {text: "curl 'https://a", problem: "pasted_quote"},
		"no address":        {text: "curl -X POST", problem: "pasted_host"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := lab.Read(row.text)
			if row.problem != "" {
				f, ok := errors.AsType[*fault.Error](err)
				if !ok || f.Fields["problem"] != row.problem {
					t.Fatalf("%v, want %s", err, row.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What is pasted never makes it panic, and what is read is what stands there.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"GET / HTTP/1.1\nHost: a\n\nbody", "curl 'https://a/b' -d x", "curl \"\\", "POST http://a HTTP/1.1\n:"} {
		f.Add(seed)
	}
	now := time.Unix(1795292455, 0)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := lab.Read(text)
		if err != nil {
			return
		}
		if r.Authority == "" || !strings.Contains(text, r.Authority) {
			t.Errorf("the host %q does not stand in what was pasted", r.Authority)
		}
		_, _ = lab.Explain(r, text, now, func(string) (lab.Key, bool) { return lab.Key{Dialect: sign.Native}, true })
	})
}

func TestFirstDifference(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{{"", "", -1}, {"ab", "ab", -1}, {"ab", "ac", 1}, {"ab", "abc", 2}, {"abc", "ab", 2}, {"a", "b", 0}} {
		if got := lab.FirstDifference(row.a, row.b); got != row.want {
			t.Errorf("%q and %q: %d, want %d", row.a, row.b, got, row.want)
		}
	}
}
