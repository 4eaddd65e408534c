package dossier_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/record/statement"
	"github.com/seed-21c57000/sallyport/internal/respond/dossier"
)

// A timeline holds events and calls in one order, is told to its account alone, and its file can be checked with what we publish.
func TestTimeline(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	s := authtest.StartWith(t, authtest.Options{Now: func() time.Time { return now }})
	ada, eve := s.SignUp("ada@example.com"), s.SignUp("eve@example.com")
	key := s.IssueKey(ada, apikey.IssueInput{})
	other := s.IssueKey(ada, apikey.IssueInput{})
	now = now.Add(time.Hour)
	home := authtest.PersonOrigin().Addr.String()
	for _, k := range []authtest.Key{key, key, other} {
		s.Browser(home).Do(s.Signed(k, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
		now = now.Add(time.Second)
	}
	if code := s.Browser(home).Do(s.Signed(key, http.MethodPost, authtest.APIHost, "/v1/orders", `{}`)).Code; code != fault.KeyScopeMissing {
		t.Fatal(code)
	}
	if err := errors.Join(s.APIKeys.SaveUses(t.Context()), s.Tally.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if err := s.APIKeys.Stop(t.Context(), ada.Principal(), key.ID, apikey.Freeze); err != nil {
		t.Fatal(err)
	}
	line, err := s.Dossiers.Timeline(t.Context(), ada.Principal(), key.ID, now.Add(-2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range line.Statement.Entries {
		switch {
		case e.Event != "":
			got = append(got, e.Event)
		case e.Code != "":
			got = append(got, e.Code)
		default:
			got = append(got, "calls")
		}
	}
	if want := "key.frozen request.refused key.scope_missing calls key.created"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	if calls := line.Statement.Entries[3]; calls.Calls != 2 || calls.Addr != home || calls.Route == "" {
		t.Errorf("calls: %+v", calls)
	}
	later, err := s.Dossiers.Timeline(t.Context(), ada.Principal(), key.ID, now)
	if err != nil || len(later.Statement.Entries) == 0 || later.Statement.Entries[len(later.Statement.Entries)-1].Event == "key.created" {
		t.Errorf("since now: %+v, %v", later.Statement.Entries, err)
	}
	if _, err := s.Dossiers.Timeline(t.Context(), eve.Principal(), key.ID, now); fault.CodeOf(err) != fault.KeyNotFound {
		t.Errorf("to a stranger: %v", err)
	}
	if _, err := s.Dossiers.Of(t.Context(), eve.Principal(), key.ID); fault.CodeOf(err) != fault.KeyNotFound {
		t.Errorf("to a stranger: %v", err)
	}

	set := s.Browser(home).Call(http.MethodGet, "/.well-known/sallyport-assertion-jwks.json", nil).Text
	public, err := statement.KeyIn([]byte(set), line.Signature.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(line.Statement)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := statement.Open(raw, line.Signature, public); err != nil {
		t.Error(err)
	}
	if _, err := statement.Open([]byte(strings.Replace(string(raw), `"calls":2`, `"calls":1`, 1)), line.Signature, public); !errors.Is(err, statement.ErrForged) {
		t.Errorf("a call less: %v", err)
	}
}

// A dossier outlives its key, and tells the latest change first.
func TestADossierOutlivesItsKey(t *testing.T) {
	s := authtest.Start(t)
	ada := s.SignUp("ada@example.com")
	key := s.IssueKey(ada, apikey.IssueInput{})
	if err := s.APIKeys.Revoke(t.Context(), ada.Principal(), key.ID); err != nil {
		t.Fatal(err)
	}
	of, err := s.Dossiers.Of(t.Context(), ada.Principal(), key.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(of.History) != 2 || of.History[0].Action != "key.revoked" || of.History[1].Action != "key.created" || of.Stolen[0].What != "ended" || of.Latest != nil {
		t.Errorf("%+v", of)
	}
}

// One who asks for an account's log twice at once waits, because it costs; others do not, nor does its owner for a bot of theirs: it asks in a loop in a thief's
// hands, and the page on which it is revoked tells of the key.
func TestOneReaderAtATime(t *testing.T) {
	s := authtest.Start(t)
	ada, bob := s.SignUp("ada@example.com"), s.SignUp("bob@example.com")
	hers, his := s.IssueKey(ada, apikey.IssueInput{}), s.IssueKey(bob, apikey.IssueInput{})
	deps := s.Dossiers.Deps
	var inside func()
	deps.Log = slowLog{s.Log, func() { inside() }}
	slow := dossier.New(deps)
	asked := 0
	inside = func() {
		inside = func() {}
		asked++
		if _, err := slow.Timeline(t.Context(), ada.Principal(), hers.ID, s.Now()); fault.CodeOf(err) != fault.Busy {
			t.Errorf("a second reader: %v", err)
		}
		if _, err := slow.Of(t.Context(), ada.Principal(), hers.ID); fault.CodeOf(err) != fault.Busy {
			t.Errorf("a second reader: %v", err)
		}
		if _, err := slow.Timeline(t.Context(), bob.Principal(), his.ID, s.Now()); err != nil {
			t.Errorf("a reader of another account: %v", err)
		}
		bot := ada.Principal()
		bot.Kind, bot.Key, bot.Session = principal.KindKey, hers.ID, id.Session{}
		if _, err := slow.Timeline(t.Context(), bot, hers.ID, s.Now()); err != nil {
			t.Errorf("a bot of hers: %v", err)
		}
	}
	for range 2 {
		if _, err := slow.Of(t.Context(), ada.Principal(), hers.ID); err != nil || asked != 1 {
			t.Errorf("the first reader: %v", err)
		}
	}
}

// slowLog does something while it reads.
type slowLog struct {
	*audit.Log
	meanwhile func()
}

func (l slowLog) OfKey(ctx context.Context, p principal.Principal, a id.Account, k id.Key, text string, also audit.Action, since time.Time) (audit.KeyEvents, error) {
	l.meanwhile()
	return l.Log.OfKey(ctx, p, a, k, text, also, since)
}
