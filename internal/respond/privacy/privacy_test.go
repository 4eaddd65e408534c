package privacy_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/store"
)

const week = 7 * 24 * time.Hour

// Every table of the database is in one class, or is known to hold nothing of anybody: a new one cannot be forgotten on the page.
var update = flag.Bool("update", false, "write what is kept now")

func TestEveryTableIsTold(t *testing.T) {
	told := map[string]int{
		"data_key": 1, "server_secret": 1, "audit_head": 1, "feed": 1, "acme_item": 1, "acme_lock": 1,
	}
	for _, c := range privacy.Classes {
		for _, table := range c.Tables {
			told[table]++
		}
	}
	made := regexp.MustCompile(`CREATE TABLE (\w+)`)
	files, err := filepath.Glob("../../store/migrate/sqlite/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	want := map[string]int{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range made.FindAllStringSubmatch(string(text), -1) {
			want[found[1]] = 1
		}
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-tables +told):\n%s", diff)
	}
	for _, c := range privacy.Classes {
		if c.ID == "recovery" && c.Kept != recovery.Kept {
			t.Errorf("a recovery is kept for %v, and %v is told", recovery.Kept, c.Kept)
		}
	}
}

// A column that is new is kept of somebody, so whoever makes it says so in the texts of its class (privacy.class.*.what) and then here, by -update.
func TestEveryColumnIsTold(t *testing.T) {
	files, err := filepath.Glob("../../store/migrate/sqlite/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	made := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)|ALTER TABLE (\w+) ADD COLUMN (\w+)`)
	column := regexp.MustCompile(`(?m)^ +([a-z_0-9]+) +(?:BLOB|TEXT|INTEGER)`)
	var columns []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		for _, found := range made.FindAllStringSubmatch(up, -1) {
			for _, c := range column.FindAllStringSubmatch(found[2], -1) {
				columns = append(columns, found[1]+"."+c[1])
			}
			if found[3] != "" {
				columns = append(columns, found[3]+"."+found[4])
			}
		}
	}
	slices.Sort(columns)
	text := strings.Join(slices.Compact(columns), "\n") + "\n"
	if *update {
		if err := os.WriteFile("testdata/columns.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/columns.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("(-told +kept):\n%s", diff)
	}
}

// A copy holds what is theirs, and no secret.
func TestCopy(t *testing.T) {
	s := authtest.StartWith(t, authtest.Options{Now: storetest.NewClock().Now})
	ada, eve := s.SignUp("ada@example.com"), s.SignUp("eve@example.com")
	s.IssueKey(eve, apikey.IssueInput{Name: "of-eve", Purpose: "tests"})
	key := s.IssueKey(ada, apikey.IssueInput{Name: "grid", Purpose: "tests", Bounds: apikey.Bounds{DayMost: "5000", Markets: []string{"KRW-BTC"}}})
	if err := s.Contacts.SetPhrase(t.Context(), ada.Principal(), "blue heron at noon"); err != nil {
		t.Fatal(err)
	}
	s.Settle()
	c, err := s.Privacy.Copy(t.Context(), ada.Principal())
	if err != nil {
		t.Fatal(err)
	}
	if c.Profile.Mail != ada.Mail || len(c.Profile.Accounts) != 1 || len(c.Sessions) != 1 || len(c.Devices) != 1 || len(c.Devices[0].Places) != 1 ||
		len(c.Keys) != 1 || c.Keys[0].KeyID != key.Text() || c.Keys[0].DayMost != "5000" || len(c.Keys[0].Markets) != 1 || len(c.Messages) == 0 || len(c.Activity) == 0 || c.Methods.PasswordSince.IsZero() {
		t.Errorf("%+v", c)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{
		"her bearer": string(ada.Bearer.Reveal()), "her device cookie": string(ada.Device.Reveal()), "a password hash": "argon2", "somebody else": "of-eve", "her phrase": "blue heron",
	} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the copy holds %s", what)
		}
	}
	if _, err := s.Privacy.Copy(t.Context(), principal.Principal{Kind: principal.KindKey, User: ada.User.ID}); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a key takes a copy: %v", err)
	}
}

// A copy, and leaving, take the best proof that there is.
func TestProofIsAskedFor(t *testing.T) {
	s := authtest.StartWith(t, authtest.Options{Now: storetest.NewClock().Now})
	ada := s.SignUp("ada@example.com")
	ada.EnrolTOTP()
	if _, err := s.Privacy.Copy(t.Context(), ada.Principal()); fault.CodeOf(err) != fault.StepUpRequired {
		t.Errorf("a copy: %v", err)
	}
	if _, err := s.Privacy.Leave(t.Context(), ada.Principal(), ada.Mail); fault.CodeOf(err) != fault.StepUpRequired {
		t.Errorf("leaving: %v", err)
	}
	if _, leaving, err := s.Privacy.Of(t.Context(), ada.Principal()); err != nil || leaving {
		t.Errorf("leaving %t, %v", leaving, err)
	}
}

// Whoever wants to leave is told, goes on for a week, and is gone then as after the host's erasure.
func TestLeave(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		key := s.IssueKey(ada, apikey.IssueInput{})
		if _, err := s.Privacy.Leave(t.Context(), ada.Principal(), "eve@example.com"); fault.CodeOf(err) != fault.AccountMailDiffers {
			t.Errorf("with another address: %v", err)
		}
		d, err := s.Privacy.Leave(t.Context(), ada.Principal(), "ADA@Example.com")
		if err != nil || d.Due.Sub(d.Asked) != week {
			t.Fatalf("%+v, %v", d, err)
		}
		s.Settle()
		letters := s.Mailbox.Letters(ada.Mail)
		if last := letters[len(letters)-1]; last.Notice != notify.DepartureBegun || last.Link == "" {
			t.Errorf("she is told %+v", last)
		}
		near := func() (n int) {
			t.Helper()
			s.Settle()
			for _, l := range s.Mailbox.Letters(ada.Mail) {
				if l.Notice == notify.DepartureNear && l.Link != "" {
					n++
				}
			}
			return n
		}
		time.Sleep(week - 24*time.Hour - time.Minute)
		if n := near(); n != 0 {
			t.Errorf("told %d times that tomorrow is near, too early", n)
		}
		time.Sleep(time.Minute)
		if n := near(); n != 1 {
			t.Errorf("told %d times a day before", n)
		}
		time.Sleep(24*time.Hour - time.Minute)
		if n := near(); n != 1 {
			t.Errorf("told %d times a minute before", n)
		}
		if _, _, err := s.Accounts.ByMail(t.Context(), ada.Mail); err != nil {
			t.Errorf("a minute before: %v", err)
		}
		time.Sleep(time.Minute)
		s.Settle()
		if _, _, err := s.Accounts.ByMail(t.Context(), ada.Mail); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("at the end: %v", err)
		}
		if now := s.KeyNow(key.ID); now.RevokedAt.IsZero() {
			t.Error("her key lives")
		}
		if _, err := s.Sessions.Authenticate(ada.Bearer.Reveal(), "", authtest.PersonOrigin()); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("her session: %v", err)
		}
		if found, err := s.Log.VerifyAll(t.Context(), audit.Head{}); err != nil || found.Erased == 0 {
			t.Errorf("the log: %+v, %v", found, err)
		}
	})
}

// A wish that was taken back ends nobody, not even where it was made anew meanwhile; nor does one that the link of its mail stopped.
func TestStay(t *testing.T) {
	for name, stop := range map[string]func(t *testing.T, s *authtest.Stack, ada *authtest.Person){
		"by herself": func(t *testing.T, s *authtest.Stack, ada *authtest.Person) {
			if err := s.Privacy.Stay(t.Context(), ada.Principal()); err != nil {
				t.Fatal(err)
			}
			if err := s.Privacy.Stay(t.Context(), ada.Principal()); fault.CodeOf(err) != fault.AccountNotLeaving {
				t.Errorf("twice: %v", err)
			}
		},
		"by the link of the mail": func(t *testing.T, s *authtest.Stack, ada *authtest.Person) {
			s.Settle()
			letters := s.Mailbox.Letters(ada.Mail)
			link := strings.TrimPrefix(letters[len(letters)-1].Link, "/not-me/")
			if _, err := s.Notices.Contain(t.Context(), authtest.PersonOrigin(), "en", link); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				ada := s.SignUp("ada@example.com")
				if _, err := s.Privacy.Leave(t.Context(), ada.Principal(), ada.Mail); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				stop(t, s, ada)
				time.Sleep(2 * week)
				s.Settle()
				if _, _, err := s.Accounts.ByMail(t.Context(), ada.Mail); err != nil {
					t.Errorf("she is gone: %v", err)
				}
				stopped := 0
				for _, l := range s.Mailbox.Letters(ada.Mail) {
					if l.Notice == notify.DepartureNear {
						t.Error("she is told that a day is left")
					}
					if l.Notice == notify.DepartureStopped {
						stopped++
					}
				}
				if stopped != 1 {
					t.Errorf("she is told %d times that she stays", stopped)
				}
			})
		})
	}
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		leave := func() {
			t.Helper()
			if _, err := s.Privacy.Leave(t.Context(), ada.Principal(), ada.Mail); err != nil {
				t.Fatal(err)
			}
		}
		leave()
		if err := s.Privacy.Stay(t.Context(), ada.Principal()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		leave()
		time.Sleep(week - 30*time.Second) // the first would be over
		s.Settle()
		if _, _, err := s.Accounts.ByMail(t.Context(), ada.Mail); err != nil {
			t.Errorf("the end of the wish before took her: %v", err)
		}
	})
}

// Nobody leaves other members without an owner: neither when they ask, nor when it became so meanwhile.
func TestTheLastOwnerStays(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada, bob, cat := s.SignUp("ada@example.com"), s.SignUp("bob@example.com"), s.SignUp("cat@example.com")
		account := ada.Principal().Account
		join := func(p *authtest.Person, role principal.Role) {
			t.Helper()
			err := store.Of[privacy.Tx](s.Store).Update(t.Context(), func(tx privacy.Tx) (audit.Event, error) {
				return audit.Quiet(audit.Housekeeping), tx.InsertMember(t.Context(), account, p.User.ID, role, s.Now())
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Privacy.Leave(t.Context(), ada.Principal(), ada.Mail); err != nil {
			t.Fatal(err)
		}
		join(bob, principal.Trader)
		time.Sleep(week)
		s.Settle()
		if _, _, err := s.Accounts.ByMail(t.Context(), ada.Mail); err != nil {
			t.Errorf("she is gone: %v", err)
		}
		letters := s.Mailbox.Letters(ada.Mail)
		if !slices.ContainsFunc(letters, func(l authtest.Letter) bool { return l.Notice == notify.DepartureStopped }) {
			t.Errorf("she is not told: %d letters", len(letters))
		}
		back, err := s.SignIns.WithPassword(t.Context(), signin.From{Origin: authtest.PersonOrigin()}, ada.Mail, secret.FromString("password", authtest.Password))
		if err != nil {
			t.Fatal(err)
		}
		ada.Bearer = back.Bearer
		if _, err := s.Privacy.Leave(t.Context(), ada.Principal(), ada.Mail); fault.CodeOf(err) != fault.AccountLastOwner {
			t.Errorf("she may leave: %v", err)
		}
		join(cat, principal.Owner)
		if err := s.Accounts.Disable(t.Context(), principal.Host("tests"), cat.User.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Privacy.Leave(t.Context(), ada.Principal(), ada.Mail); fault.CodeOf(err) != fault.AccountLastOwner {
			t.Errorf("she may leave the account to an owner who is disabled: %v", err)
		}
	})
}

func inBubble(t *testing.T, test func(*testing.T, *authtest.Stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, authtest.StartWith(t, authtest.Options{YAML: "departure: {wait: 168h}\n"}))
	})
}

// silent is a message centre that does not answer.
type silent struct{}

var errSilent = errors.New("disk I/O error")

func (silent) Messages(context.Context, principal.Principal, id.Message) ([]notify.Shown, error) {
	return nil, errSilent
}

// A proof is spent on a copy and not on a try: who got none asks again with the same one, once.
func TestACopyThatFailsSpendsNoProof(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	b := s.Browser("203.0.113.7")
	b.Wait = clock.Advance
	b.SignUp("ada@example.com")
	secretOf := b.EnrolTOTP()
	clock.Advance(30 * time.Second)
	messages := s.Privacy.Kept.Messages
	s.Privacy.Kept.Messages = silent{}
	if got := b.StepUp(http.MethodPost, "/v1/privacy/copy", nil, secretOf); got.Status != http.StatusInternalServerError {
		t.Fatalf("a part cannot be read: %d %s", got.Status, got.Text)
	}
	s.Privacy.Kept.Messages = messages
	if got := b.Call(http.MethodPost, "/v1/privacy/copy", nil); got.Status != http.StatusOK {
		t.Errorf("again with the same proof: %d %s", got.Status, got.Text)
	}
	if got := b.Call(http.MethodPost, "/v1/privacy/copy", nil); got.Code != fault.StepUpRequired {
		t.Errorf("a second copy: %d %s", got.Status, got.Text)
	}
}
