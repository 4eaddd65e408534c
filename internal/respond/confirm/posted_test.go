package confirm_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/sign"
)

// backend is an exchange's own, which signs what it says.
type backend struct {
	*scene
	name   string
	signer *sign.NativeSigner
}

func (s *scene) sharing(name string, key []byte) backend {
	s.t.Helper()
	signer, err := sign.NewHMACSigner(name, key)
	if err != nil {
		s.t.Fatal(err)
	}
	return backend{s, name, signer}
}

func (s *scene) holding(name string, key ed25519.PrivateKey) backend {
	s.t.Helper()
	signer, err := sign.NewEd25519Signer(name, key)
	if err != nil {
		s.t.Fatal(err)
	}
	return backend{s, name, signer}
}

// paper is the backend of the paper exchange.
func (s *scene) paper() backend { return s.sharing("paper", bytes.Repeat([]byte{7}, 32)) }

// told is what a backend is answered.
type told struct {
	status       int
	Code         fault.Code
	Confirmation string
	State, URL   string
	Held         bool
	HeldUntil    time.Time `json:"held_until"`
	WaitsFor     string    `json:"waits_for"`
	Reasons      []string
}

func (a told) address() string { return a.URL[strings.LastIndex(a.URL, "/")+1:] }

func (b backend) request(method, path, body string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, authtest.Origin+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if err := sign.Sign(r, []byte(body), b.signer, b.Now()); err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (s *scene) answered(r *http.Request) (a told) {
	got := s.Do(r)
	text := authtest.Body(s.t, got)
	a.status = got.StatusCode
	if a.status != http.StatusNoContent {
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			s.t.Errorf("%d %s: %v", got.StatusCode, text, err)
		}
	}
	return a
}

func at(confirmation string) string { return "/v1/confirmations/" + confirmation + "/posted" }

func (b backend) look(confirmation string) told {
	return b.answered(b.request(http.MethodGet, at(confirmation), ""))
}

func (b backend) takeBack(confirmation string) told {
	return b.answered(b.request(http.MethodDelete, at(confirmation), ""))
}

// post asks ada for the withdrawal that the bot sends.
func (b backend) post() told {
	b.t.Helper()
	body, err := json.Marshal(map[string]string{
		"user": b.who.User.String(), "account": b.who.Account.String(), "subaccount": b.who.Subaccount.String(), "environment": "test",
		"action": "withdraw", "asset": "BTC", "network": "BTC", "address": "paper1qexampleaddress", "amount": "0.01", "fee_max": "0.001",
	})
	if err != nil {
		b.t.Fatal(err)
	}
	a := b.answered(b.request(http.MethodPost, "/v1/confirmations", string(body)))
	if a.status != http.StatusCreated {
		b.t.Fatalf("posted: %+v", a)
	}
	return a
}

// The platform's own page can say how far a withdrawal is, through a hold and to its end.
func TestABackendFollowsWhatItPosted(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		paper := s.paper()
		posted := paper.post()
		if got := paper.look(posted.Confirmation); got.status != http.StatusOK || got.State != "open" || got.Held || got.URL != posted.URL {
			t.Errorf("posted: %+v", got)
		}
		if err := s.passkey.Approve(posted.address()); err != nil {
			t.Fatal(err)
		}
		s.changed()
		s.Settle()
		held := paper.look(posted.Confirmation)
		if diff := cmp.Diff([]string{"password_changed"}, held.Reasons); diff != "" || held.State != "approved" || !held.Held || held.WaitsFor != "end" || held.HeldUntil.IsZero() {
			t.Errorf("held: %+v", held)
		}
		s.later(24*time.Hour + time.Minute)
		if got := s.send(s.bot, withdrawal(), posted.Confirmation); got.status != http.StatusCreated || s.withdrawals() != 1 {
			t.Fatalf("carried out: %+v", got)
		}
		if got := paper.look(posted.Confirmation); got.State != "executed" || got.Held {
			t.Errorf("carried out: %+v", got)
		}
		if got := paper.takeBack(posted.Confirmation); got.status != http.StatusForbidden || got.Code != fault.ConfirmationVoid {
			t.Errorf("taken back afterwards: %+v", got)
		}
	})
}

// What its platform takes back goes no further, approved or not, and its user finds it among what happened.
func TestABackendTakesBackWhatItPosted(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		paper := s.paper()
		for _, approved := range []bool{false, true} {
			posted := paper.post()
			if approved {
				if err := s.passkey.Approve(posted.address()); err != nil {
					t.Fatal(err)
				}
			}
			if got := paper.takeBack(posted.Confirmation); got.status != http.StatusNoContent {
				t.Fatalf("approved %t: %+v", approved, got)
			}
			if err := s.passkey.Approve(posted.address()); fault.CodeOf(err) != fault.ConfirmationVoid {
				t.Errorf("approved %t, and confirmed afterwards: %v", approved, err)
			}
			if got := s.send(s.bot, withdrawal(), posted.Confirmation); got.Code != fault.ConfirmationVoid || s.withdrawals() != 0 {
				t.Errorf("approved %t, and sent afterwards: %+v", approved, got)
			}
			if got := paper.look(posted.Confirmation); got.State != "cancelled" {
				t.Errorf("approved %t: %+v", approved, got)
			}
			if got := paper.takeBack(posted.Confirmation); got.Code != fault.ConfirmationVoid {
				t.Errorf("approved %t, and taken back twice: %+v", approved, got)
			}
		}
		told := 0
		events, err := s.Log.Activity(t.Context(), s.who, 0, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Action == audit.ConfirmationTakenBack && e.Readable.Facts["exchange"] != "" && strings.Contains(e.Readable.Facts["what"], "paper1qexampleaddress") {
				told++
			}
		}
		if told != 2 {
			t.Errorf("%d events, want 2", told)
		}
	})
}

// A backend sees and ends its own alone. Whatever is not, is not there, byte for byte; and who does not hold its key learns nothing at all.
func TestNobodyElseFollowsWhatABackendPosted(t *testing.T) {
	folder := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "other.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	routes := filepath.Join(folder, "routes.yaml")
	s := sceneOf(t, authtest.Options{Folder: folder, Upstreams: []string{
		`{name: other, url: "http://other.invalid", assertion: eddsa, backend_key_file: ` + file + `, routes_file: ` + routes + `}`,
		`{name: silent, url: "http://silent.invalid", assertion: eddsa, routes_file: ` + routes + `}`,
	}})
	paper, other := s.paper(), s.holding("other", private)
	theirs, mine := paper.post(), other.post()
	if got := other.look(mine.Confirmation); got.State != "open" {
		t.Errorf("one's own: %+v", got)
	}
	asked := s.send(s.bot, withdrawal(), "").Fields.Confirmation.String()
	unknown := id.New[id.ConfirmationKind](s.Now()).String()
	for name, row := range map[string]struct {
		who   backend
		which string
	}{
		"another's":               {other, theirs.Confirmation},
		"another's, shared key":   {paper, mine.Confirmation},
		"what a request asked":    {paper, asked},
		"what there is not":       {paper, unknown},
		"what is no confirmation": {paper, "cnf_1"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if got := row.who.answered(row.who.request(method, at(row.which), "")); got.status != http.StatusNotFound || got.Code != fault.ConfirmationNotFound {
				t.Errorf("%s, %s: %+v", method, name, got)
			}
		}
	}
	for name, who := range map[string]backend{
		"another's key":                  s.holding("paper", private),
		"another's secret":               s.sharing("paper", bytes.Repeat([]byte{8}, 32)),
		"a shared key that there is not": s.sharing("other", bytes.Repeat([]byte{7}, 32)),
		"the public key as a secret":     s.sharing("other", public),
		"one without a key":              s.holding("silent", private),
		"nobody":                         s.holding("nobody", private),
	} {
		for _, which := range []string{mine.Confirmation, theirs.Confirmation} {
			for _, method := range []string{http.MethodGet, http.MethodDelete} {
				if got := s.answered(who.request(method, at(which), "")); got.status != http.StatusUnauthorized || got.Code != fault.Unauthorized {
					t.Errorf("%s, %s: %+v", method, name, got)
				}
			}
		}
	}
	if got := paper.answered(paper.request(http.MethodDelete, at(theirs.Confirmation), "{}")); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("with a body: %+v", got)
	}
	for _, of := range []struct {
		who   backend
		which string
	}{{paper, theirs.Confirmation}, {other, mine.Confirmation}} {
		if got := of.who.look(of.which); got.State != "open" {
			t.Errorf("%s, after all of that: %+v", of.who.name, got)
		}
		if got := of.who.takeBack(of.which); got.status != http.StatusNoContent {
			t.Errorf("%s takes its own back: %+v", of.who.name, got)
		}
	}
	if got := s.send(s.bot, withdrawal(), "").Fields.Confirmation.String(); got != asked {
		t.Errorf("what the bot asked for is gone: %s, want %s", got, asked)
	}
}

// A call that was captured is worth nothing: not again, not for another confirmation, and not as another call.
func TestABackendsCallCountsOnce(t *testing.T) {
	s := sceneOf(t, authtest.Options{})
	paper := s.paper()
	posted := paper.post()
	signed := paper.request(http.MethodGet, at(posted.Confirmation), "")
	for _, row := range []struct {
		name   string
		change func(r *http.Request)
		want   fault.Code
	}{
		{"as it is", func(*http.Request) {}, ""},
		{"again", func(*http.Request) {}, fault.SignatureNonceReused},
		{"as a cancel", func(r *http.Request) { r.Method = http.MethodDelete }, fault.Unauthorized},
		{"for another", func(r *http.Request) { r.URL.Path = at(id.New[id.ConfirmationKind](s.Now()).String()) }, fault.Unauthorized},
		{"without its signature", func(r *http.Request) { r.Header.Del("Signature") }, fault.Unauthorized},
	} {
		r := signed.Clone(t.Context())
		r.Body = io.NopCloser(strings.NewReader(""))
		row.change(r)
		if got := s.answered(r); got.Code != row.want {
			t.Errorf("%s: %+v, want %q", row.name, got, row.want)
		}
	}
	old := paper.request(http.MethodDelete, at(posted.Confirmation), "")
	s.later(12 * time.Second)
	if got := s.answered(old); got.Code != fault.SignatureTooOld {
		t.Errorf("too old: %+v", got)
	}
	if got := paper.look(posted.Confirmation); got.State != "open" {
		t.Errorf("after all of that: %+v", got)
	}
}

// Of 100 cancels at once one is told that it was it. An approval that runs among them is undone or comes too late, and nothing goes through after the first.
func TestOneOfManyCancelsEndsIt(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *scene) {
		paper := s.paper()
		posted := paper.post()
		which := s.parse(posted.Confirmation)
		var (
			racers sync.WaitGroup
			lock   sync.Mutex
			start  = make(chan struct{})
			ended  = map[fault.Code]int{} // refusal, empty for none → cancels
		)
		for range 100 {
			racers.Go(func() {
				<-start
				err := s.Confirmations.TakeBack(t.Context(), "paper", which)
				sent := s.Confirmations.Execute(t.Context(), s.who, confirm.Order{Confirmation: which, Content: confirm.Content{
					Action: scope.Withdraw, Environment: id.Test, Upstream: "paper", Asset: "BTC", Network: "BTC", Address: "paper1qexampleaddress", Amount: "0.01", Fee: "0.001",
				}})
				lock.Lock()
				defer lock.Unlock()
				if err == nil {
					ended[""]++
				} else {
					ended[fault.CodeOf(err)]++
				}
				if fault.CodeOf(sent) != fault.ConfirmationVoid {
					t.Errorf("sent after a cancel: %v", sent)
				}
			})
		}
		var approved error
		racers.Go(func() {
			<-start
			approved = s.passkey.Approve(posted.address())
		})
		close(start)
		racers.Wait()
		if diff := cmp.Diff(map[fault.Code]int{"": 1, fault.ConfirmationVoid: 99}, ended); diff != "" {
			t.Errorf("cancels (-want +got):\n%s", diff)
		}
		if code := fault.CodeOf(approved); approved != nil && code != fault.ConfirmationVoid {
			t.Errorf("approved: %v", approved)
		}
		if got := paper.look(posted.Confirmation); got.State != "cancelled" {
			t.Errorf("in the end: %+v", got)
		}
	})
}
