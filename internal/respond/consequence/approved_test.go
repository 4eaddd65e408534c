package consequence_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/consequence"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// TestWhatIsApprovedDiesWhen applies each row of the table to a withdrawal that its user has approved, and sends it at the moment of the
// acknowledgement: where what was asked for dies nothing carries it out any more, and elsewhere it goes or waits out a hold.
func TestWhatIsApprovedDiesWhen(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			o := authtest.Options{Now: clock.Now}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			s := authtest.StartWith(t, o)
			ada := s.SignUp("ada@example.com")
			b := buyer{s, t, ada.Principal(), ada.EnrolPasskey()}
			clock.Advance(24 * time.Hour) // until the passkey is old enough
			went := 0
			table := consequence.Table()
			// Those that hold no money come first: after them nothing goes.
			kinds := slices.SortedFunc(maps.Keys(table), func(a, b happening.Kind) int {
				return cmp.Or(cmp.Compare(table[a].Hold, table[b].Hold), cmp.Compare(a, b))
			})
			for _, kind := range kinds {
				clock.Advance(time.Minute)
				h := happening.Happening{Kind: kind, User: b.who.User, Account: b.who.Account, Device: b.who.Origin.Device, Session: b.who.Session, Facts: map[string]string{}}
				which := b.approved()
				b.apply(h)
				dies := table[kind].Asked != consequence.Stays
				switch got := b.send(which).Code; {
				case dies && got != fault.ConfirmationVoid:
					t.Errorf("%s: what was approved before is answered %q", kind, got)
				case !dies && got != "" && got != fault.ConfirmationHeld:
					t.Errorf("%s: what was approved before is answered %q, and the table lets it live", kind, got)
				case got == "":
					went++
				}
				_ = s.Confirmations.Cancel(t.Context(), b.person(), which) // so that the next is another
			}
			if went == 0 {
				t.Error("none was carried out")
			}
		})
	}
}

// TestWhatIsApprovedElsewhereStays: what somebody asked for in one account is no matter of another.
func TestWhatIsApprovedElsewhereStays(t *testing.T) {
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	ada := s.SignUp("ada@example.com")
	b := buyer{s, t, ada.Principal(), ada.EnrolPasskey()}
	clock.Advance(24 * time.Hour)
	which := b.approved()
	b.apply(happening.Happening{Kind: happening.MembershipChanged, User: b.who.User, Account: id.New[id.AccountKind](clock.Now()), Facts: map[string]string{}})
	if got := b.send(which); got.Code != "" {
		t.Errorf("answered %q", got.Code)
	}
}

// buyer is somebody whose bot withdraws, and the passkey that approves it.
type buyer struct {
	*authtest.Stack
	t       *testing.T
	who     principal.Principal
	passkey *authtest.Passkey
}

// person is the user whatever became of their session.
func (b buyer) person() principal.Principal {
	return principal.Principal{Kind: principal.KindUser, User: b.who.User, Account: b.who.Account, Subaccount: b.who.Subaccount}
}

func (b buyer) apply(h happening.Happening) {
	b.t.Helper()
	err := store.Of[signin.Tx](b.Store).Update(b.t.Context(), func(tx signin.Tx) (audit.Event, error) {
		return audit.Quiet(audit.SessionTold), b.Consequences.Apply(b.t.Context(), tx, h)
	})
	if err != nil {
		b.t.Fatalf("%s: %v", h.Kind, err)
	}
}

// approved is a withdrawal that was asked for and approved a moment ago.
func (b buyer) approved() id.Confirmation {
	b.t.Helper()
	asked := b.send(id.Confirmation{})
	if asked.Code != fault.ConfirmationRequired {
		b.t.Fatalf("answered %q", asked.Code)
	}
	if err := b.passkey.Approve(asked.Fields.URL[strings.LastIndex(asked.Fields.URL, "/")+1:]); err != nil {
		b.t.Fatal(err)
	}
	return asked.Fields.Confirmation
}

// refusal is what the gateway said; it has no code where the withdrawal went.
type refusal struct {
	Code   fault.Code
	Fields struct {
		Confirmation id.Confirmation
		URL          string
	}
}

// send asks the exchange for the withdrawal with a key that was made for it, under a confirmation if there is one: what froze those before is not the question.
func (b buyer) send(under id.Confirmation) (said refusal) {
	b.t.Helper()
	key := b.IssueKeyTo(b.who.Account, b.who.User, apikey.IssueInput{Scopes: []string{"withdrawals:write"}})
	const withdrawal = `{"currency":"BTC","net_type":"BTC","address":"paper1qexampleaddress","amount":"0.01","fee_max":"0.001"}`
	r := b.Signed(key, http.MethodPost, authtest.APIHost, "/v1/withdraws/coin", withdrawal)
	if !under.IsZero() {
		r.Header.Set("Sallyport-Confirmation", under.String())
	}
	if got := b.Do(r); got.StatusCode >= http.StatusBadRequest {
		if err := json.Unmarshal([]byte(authtest.Body(b.t, got)), &said); err != nil {
			b.t.Fatal(err)
		}
	}
	return said
}
