package leak_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-21c57000/sallyport/internal/hot/memory"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/respond/leak"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/sign"
)

// reporter is somebody who reports finds as GitHub does.
type reporter struct {
	private *ecdsa.PrivateKey
	file    []byte
}

func newReporter(t *testing.T) reporter {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]any{"public_keys": []map[string]any{{
		"key_identifier": "scanner", "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "is_current": true,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return reporter{private, file}
}

func (r reporter) sign(t *testing.T, body string) string {
	t.Helper()
	digest := sha256.Sum256([]byte(body))
	signature, err := ecdsa.SignASN1(rand.Reader, r.private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

func (r reporter) post(t *testing.T, body, reporter, signature string) *http.Request {
	t.Helper()
	q := httptest.NewRequest(http.MethodPost, authtest.Origin+"/v1/leaks", strings.NewReader(body)).WithContext(t.Context())
	q.RequestURI = "/v1/leaks"
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Github-Public-Key-Identifier", reporter)
	q.Header.Set("Github-Public-Key-Signature", signature)
	return q
}

func report(t *testing.T, tokens ...string) string {
	t.Helper()
	list := []map[string]string{}
	for _, token := range tokens {
		list = append(list, map[string]string{"token": token, "type": "sallyport_api_secret", "url": "https://gist.github.com/ada/1", "source": "content"})
	}
	body, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func withReporter(t *testing.T, test func(*testing.T, *authtest.Stack, reporter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newReporter(t)
		path := filepath.Join(t.TempDir(), "keys.json")
		if err := os.WriteFile(path, r.file, 0o600); err != nil {
			t.Fatal(err)
		}
		s := authtest.StartWith(t, authtest.Options{YAML: "leaks: {public_keys_file: " + path + "}\n"})
		time.Sleep(5 * time.Second)
		test(t, s, r)
	})
}

// A secret of any kind that is reported blocks its key before the report is answered, and tells its owner; the answer is that of a report in
// which nothing of ours stands.
func TestAFoundKeyIsBlocked(t *testing.T) {
	withReporter(t, func(t *testing.T, s *authtest.Stack, r reporter) {
		ada := s.SignUp("ada@example.com")
		send := func(body string) (int, string) {
			a := s.Do(r.post(t, body, "scanner", r.sign(t, body)))
			return a.StatusCode, authtest.Body(t, a)
		}
		status, answer := send(report(t, "sps_live_nothing", strings.Repeat("x", 60)))
		kept := s.IssueKey(ada, apikey.IssueInput{Algorithm: sign.HMACSHA256})
		for _, in := range []apikey.IssueInput{
			{Dialect: sign.Native, Algorithm: sign.HMACSHA256},
			{Dialect: sign.Native, Algorithm: sign.Ed25519},
			{Dialect: sign.Upbit},
			{Dialect: sign.Kraken},
			{Dialect: sign.OKX},
		} {
			k := s.IssueKey(ada, in)
			secret := k.Secret
			if secret == "" {
				secret = k.PrivateKey
			}
			s.Settle()
			before := len(s.Mailbox.Letters("ada@example.com"))
			found, said := send(report(t, secret))
			if found != http.StatusNoContent || found != status || said != answer {
				t.Errorf("%s: answered %d %q, where nothing is found %d %q", k.Dialect, found, said, status, answer)
			}
			if live := s.APIKeys.Find(k.ID); live == nil || fault.CodeOf(live.State(s.Now())) != fault.KeyBlocked {
				t.Errorf("%s %s is not blocked", k.Dialect, k.Algorithm)
			}
			s.Settle()
			letters := s.Mailbox.Letters("ada@example.com")
			if len(letters) != before+1 || letters[before].Notice != notify.KeyFound || letters[before].Facts["host"] != "gist.github.com" {
				t.Errorf("%s: its owner was told %+v", k.Dialect, letters[before:])
			}
			if again, _ := send(report(t, secret)); again != http.StatusNoContent {
				t.Errorf("%s: a second report of the same is answered %d", k.Dialect, again)
			}
		}
		if live := s.APIKeys.Find(kept.ID); live == nil || live.State(s.Now()) != nil {
			t.Error("a key that nobody found is blocked")
		}
	})
}

// The notice names what the key did before it was found, and from where, to who reads it in a mail and to who reads it in the app.
func TestTheNoticeNamesWhatTheKeyDid(t *testing.T) {
	withReporter(t, func(t *testing.T, s *authtest.Stack, r reporter) {
		ada := s.SignUp("ada@example.com")
		k := s.IssueKey(ada, apikey.IssueInput{Name: "Grid", Purpose: "tests", Algorithm: sign.HMACSHA256, Scopes: []string{"balances:read"}})
		for _, call := range [][2]string{{"198.51.100.9", "/v1/accounts"}, {"203.0.113.7", "/v1/accounts"}, {"203.0.113.7", "/v1/accounts"}, {"198.51.100.9", "/v1/orders/open"}} {
			s.Browser(call[0]).Do(s.Signed(k, http.MethodGet, authtest.APIHost, call[1], ""))
		}
		body := report(t, k.Secret)
		s.Do(r.post(t, body, "scanner", r.sign(t, body)))
		s.Settle()
		letters := s.Mailbox.Letters("ada@example.com")
		facts := letters[len(letters)-1].Facts
		uses, err := apikey.ReadUses(facts[apikey.UsesLatest])
		if err != nil {
			t.Fatal(err)
		}
		if facts[apikey.UsesCalls] != "4" || facts[apikey.UsesPlaces] != "2" || len(uses) != 3 {
			t.Errorf("%s calls from %s places: %+v", facts[apikey.UsesCalls], facts[apikey.UsesPlaces], uses)
		}
		at := slices.IndexFunc(uses, func(u apikey.Use) bool { return u.Addr == "203.0.113.7" })
		if at < 0 || uses[at].Calls != 2 || uses[at].Route != "GET /v1/accounts" || uses[at].Code != "" {
			t.Errorf("of 203.0.113.7 it says %+v", uses)
		}
		at = slices.IndexFunc(uses, func(u apikey.Use) bool { return u.Route != "GET /v1/accounts" })
		if at < 0 || uses[at].Code != string(fault.KeyScopeMissing) {
			t.Errorf("of what was refused it says %+v", uses)
		}
		read, err := s.Notices.Message(t.Context(), ada.Principal(), letters[len(letters)-1].Message)
		if err != nil {
			t.Fatal(err)
		}
		for _, said := range []string{"Addresses that they came from: 2.", "2× GET /v1/accounts · unknown (network address 203.0.113.7)", "refused (key.scope_missing)", "/keys/" + k.Text() + "/timeline"} {
			if !strings.Contains(read.Body, said) {
				t.Errorf("the message lacks %q: %s", said, read.Body)
			}
		}
	})
}

// Whoever is not the reporter changes nothing, and learns nothing.
func TestStrangersReportNothing(t *testing.T) {
	withReporter(t, func(t *testing.T, s *authtest.Stack, r reporter) {
		k := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Algorithm: sign.HMACSHA256})
		body := report(t, k.Secret)
		other := newReporter(t)
		for name, q := range map[string]*http.Request{
			"no signature":         r.post(t, body, "scanner", ""),
			"another's signature":  r.post(t, body, "scanner", other.sign(t, body)),
			"an unknown reporter":  r.post(t, body, "else", r.sign(t, body)),
			"another body":         r.post(t, body+"\n", "scanner", r.sign(t, body)),
			"signature of nothing": r.post(t, report(t, "sps_live_nothing"), "scanner", "MEUCIQ=="),
		} {
			a := s.Do(q)
			if said := authtest.Body(t, a); a.StatusCode != http.StatusUnauthorized || strings.Contains(said, k.Secret) {
				t.Errorf("%s: %d %s", name, a.StatusCode, said)
			}
		}
		if live := s.APIKeys.Find(k.ID); live == nil || live.State(s.Now()) != nil {
			t.Error("a stranger blocked a key")
		}
		refused := 0
		for range 300 {
			a := s.Do(r.post(t, body, "scanner", other.sign(t, body)))
			if _ = authtest.Body(t, a); a.StatusCode == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused == 0 {
			t.Error("a stranger may try for ever")
		}
	})
}

// Without a reporter there is nothing to post to.
func TestOffWithoutReporters(t *testing.T) {
	s := authtest.Start(t)
	r := newReporter(t)
	a := s.Do(r.post(t, "[]", "scanner", r.sign(t, "[]")))
	if _ = authtest.Body(t, a); a.StatusCode != http.StatusNotFound {
		t.Errorf("answered %d", a.StatusCode)
	}
}

func TestReadReporters(t *testing.T) {
	good := string(newReporter(t).file)
	for name, text := range map[string]string{
		"no JSON": "x", "none": `{"public_keys":[]}`, "no PEM": `{"public_keys":[{"key_identifier":"a","key":"b"}]}`,
		"no name": strings.Replace(good, "scanner", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if keys, err := leak.ReadReporters([]byte(text)); err == nil {
				t.Errorf("took %v", keys)
			}
		})
	}
	if keys, err := leak.ReadReporters([]byte(good)); err != nil || keys["scanner"] == nil {
		t.Errorf("%v, %v", keys, err)
	}
}

// The published rules find what we mint, and the page shows the rules that are served.
func TestRules(t *testing.T) {
	for name, test := range map[string]struct{ rules, quoted string }{
		"gitleaks":   {leak.Rules, `regex = '''(.*)'''`},
		"trufflehog": {leak.TrufflehogRules, `secret: '(.*)'`},
	} {
		t.Run(name, func(t *testing.T) { findsWhatWeMint(t, test.rules, test.quoted) })
	}
}

func findsWhatWeMint(t *testing.T, rules, quotes string) {
	quoted := regexp.MustCompile(quotes).FindStringSubmatch(rules)
	if quoted == nil {
		t.Fatal("there is no rule")
	}
	rule := regexp.MustCompile(quoted[1])
	for n := range 100 {
		var entropy [32]byte
		for i := range entropy {
			entropy[i] = byte(n * (i + 1))
		}
		secret := id.FormatSecret(entropy, id.Live)
		if got := rule.FindString("key = \"" + secret + "\""); got != secret {
			t.Errorf("%q is found in %q", got, secret)
		}
	}
	for _, text := range []string{"sps_live_short", id.FormatKey(id.Key{1}, id.Live), "xsps_live_" + strings.Repeat("a", 49)} {
		if rule.MatchString(text) {
			t.Errorf("finds %q", text)
		}
	}
	page, err := os.ReadFile("../../../docs/leaks.md")
	if err != nil || !bytes.Contains(page, []byte(rules)) {
		t.Errorf("docs/leaks.md does not show the rules: %v", err)
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add([]byte(`[{"token":"a","type":"b","url":"c","source":"d","more":1}]`))
	f.Add([]byte(`[{"token":""}]`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		finds, err := leak.ReadReport(body)
		for _, find := range finds {
			if err == nil && find.Secret.IsEmpty() {
				t.Error("a find without a secret")
			}
		}
	})
}

// counted tells how much of a stranger's body was read.
type counted struct {
	left, read int
}

func (c *counted) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), c.left)
	for i := range n {
		p[i] = 'x'
	}
	c.left -= n
	c.read += n
	return n, nil
}

// Nobody's body is held before it is clear that somebody who is known may have sent it, and none where there are no reporters.
func TestStrangersBodiesAreNotHeld(t *testing.T) {
	try := func(t *testing.T, s *authtest.Stack) {
		body := &counted{left: 1 << 20}
		q := httptest.NewRequest(http.MethodPost, authtest.Origin+"/v1/leaks", body).WithContext(t.Context())
		q.ContentLength, q.RequestURI = 1<<20, "/v1/leaks"
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Github-Public-Key-Identifier", "nobody we know")
		q.Header.Set("Github-Public-Key-Signature", "AAAA")
		a := s.Do(q)
		if body.read > 64<<10 {
			t.Errorf("answered %d after %d bytes of a stranger were read into memory", a.StatusCode, body.read)
		}
	}
	t.Run("reporters", func(t *testing.T) {
		withReporter(t, func(t *testing.T, s *authtest.Stack, _ reporter) { try(t, s) })
	})
	t.Run("no reporters", func(t *testing.T) { try(t, authtest.Start(t)) })
}

// One secret that cannot be opened keeps no other key from being blocked.
func TestOneBrokenSecretStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReporter(t)
		folder := t.TempDir()
		path := filepath.Join(folder, "keys.json")
		if err := os.WriteFile(path, r.file, 0o600); err != nil {
			t.Fatal(err)
		}
		s := authtest.StartWith(t, authtest.Options{Folder: folder, YAML: "leaks: {public_keys_file: " + path + "}\n"})
		ada := s.SignUp("ada@example.com")
		broken := s.IssueKey(ada, apikey.IssueInput{Algorithm: sign.HMACSHA256})
		k := s.IssueKey(ada, apikey.IssueInput{Algorithm: sign.HMACSHA256})
		s.APIKeys.Find(broken.ID).Materials[0].Bytes = []byte("what somebody wrote into the row")
		body := report(t, k.Secret)
		a := s.Do(r.post(t, body, "scanner", r.sign(t, body)))
		if live := s.APIKeys.Find(k.ID); live == nil || live.State(s.Now()) == nil {
			t.Errorf("answered %d, and a leaked key goes on because another one's row is broken", a.StatusCode)
		}
	})
}

// What everybody may know of a key pair is no leak.
func TestAPublicHalfIsNoSecret(t *testing.T) {
	withReporter(t, func(t *testing.T, s *authtest.Stack, r reporter) {
		ada := s.SignUp("ada@example.com")
		for _, a := range []sign.Algorithm{sign.Ed25519, sign.ES256} {
			in := apikey.IssueInput{Dialect: sign.Native, Algorithm: a}
			if a == sign.ES256 {
				in.Dialect = sign.Coinbase
			}
			k := s.IssueKey(ada, in)
			body := report(t, base64.StdEncoding.EncodeToString(s.APIKeys.Find(k.ID).Materials[0].Bytes))
			if a := s.Do(r.post(t, body, "scanner", r.sign(t, body))); a.StatusCode != http.StatusNoContent {
				t.Fatalf("answered %d", a.StatusCode)
			}
			if live := s.APIKeys.Find(k.ID); live == nil || live.State(s.Now()) != nil {
				t.Errorf("%s: a key is blocked by its public half", a)
			}
		}
	})
}

// Who replaced a secret because it leaked keeps the key when a scanner finds the old one; while both work, either blocks it.
func TestARetiredSecretBlocksNothing(t *testing.T) {
	withReporter(t, func(t *testing.T, s *authtest.Stack, r reporter) {
		k := s.IssueKey(s.SignUp("ada@example.com"), apikey.IssueInput{Algorithm: sign.HMACSHA256})
		if _, err := s.APIKeys.Rotate(t.Context(), principal.Host("tests"), apikey.RotateInput{Key: k.ID, Overlap: time.Hour}); err != nil {
			t.Fatal(err)
		}
		body := report(t, k.Secret)
		send := func() fault.Code {
			t.Helper()
			if a := s.Do(r.post(t, body, "scanner", r.sign(t, body))); a.StatusCode != http.StatusNoContent {
				t.Fatalf("answered %d", a.StatusCode)
			}
			if wrong := s.APIKeys.Find(k.ID).State(s.Now()); wrong != nil {
				return wrong.Code
			}
			return ""
		}
		if got := send(); got != fault.KeyBlocked {
			t.Errorf("within the overlap: %q", got)
		}
		if err := s.APIKeys.Resume(t.Context(), principal.Host("tests"), k.ID, apikey.Block); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got := send(); got != "" {
			t.Errorf("after it: %q", got)
		}
	})
}

// none has no key of anybody's.
type none struct{}

func (none) BlockFound(context.Context, principal.Principal, []apikey.Find) (int, error) {
	return 0, nil
}

// Those who send slowly hold sixteen bodies and no more; the next is told so within seconds, and takes the seat of one that is done. One source
// sits on four of them.
func TestFewBodiesAreHeldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReporter(t)
		known, err := leak.ReadReporters(r.file)
		if err != nil {
			t.Fatal(err)
		}
		budgets := memory.NewBudgets(memory.BudgetLimits{SourceBurst: 100, SourceInterval: time.Second, KeyBurst: 1, KeyInterval: time.Second})
		intake := leak.New(time.Now, none{}, budgets, known)
		body := report(t, "sps_live_nothing")
		held, sent := 0, make(chan struct{})
		send := func(from string, read func() ([]byte, error)) error {
			return intake.Receive(t.Context(), leak.Signed{Reporter: "scanner", Signature: r.sign(t, body), From: netip.MustParseAddr(from), ReadBody: read})
		}
		fast := func() ([]byte, error) { return []byte(body), nil }
		var all sync.WaitGroup
		for n := range 16 {
			all.Go(func() {
				err := send(fmt.Sprintf("2001:db8:0:%d::%d", n/4, n), func() ([]byte, error) {
					held++
					<-sent
					return []byte(body), nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			began := time.Now()
			if n%4 == 3 {
				if err := send(fmt.Sprintf("2001:db8:0:%d::ffff", n/4), fast); fault.CodeOf(err) != fault.Busy || time.Since(began) != 0 {
					t.Errorf("a fifth of one source after %d: %v", n+1, err)
				}
			}
		}
		began := time.Now()
		if err := send("192.0.2.1", fast); held != 16 || fault.CodeOf(err) != fault.Busy || time.Since(began) != 5*time.Second {
			t.Errorf("%d are held, the next hears after %s: %v", held, time.Since(began), err)
		}
		sent <- struct{}{}
		if err := send("192.0.2.1", fast); err != nil {
			t.Errorf("in place of one that is done: %v", err)
		}
		close(sent)
		all.Wait()
		if err := send("2001:db8::1", fast); err != nil {
			t.Errorf("a source whose seats are free again: %v", err)
		}
	})
}
