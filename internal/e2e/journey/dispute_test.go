package journey_test

import (
	"bytes"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

var (
	kim, lee = principal.Host("kim"), principal.Host("lee")
	passport = append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("x"), 200_000)...)
)

const story = "I lost my phone on the train on Monday."

func (w *wayBack) id() (r id.Recovery) {
	w.t.Helper()
	r, err := id.Parse[id.RecoveryKind](strings.TrimPrefix(w.at, "/v1/recoveries/"))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *wayBack) bring(slot string, what []byte) authtest.Reply {
	w.t.Helper()
	return w.b.Call(http.MethodPut, w.at+"/evidence/"+slot, map[string]any{"bytes": what})
}

// disputed lets a thief and the owner meet.
func (l *life) disputed() (thief, owner *wayBack, which id.Case) {
	l.t.Helper()
	thief, owner = l.askBack("192.0.2.66"), l.askBack("198.51.100.9")
	thief.must(http.MethodPost, thief.at+"/claim", map[string]string{"password": authtest.Password})
	l.work()
	owner.must(http.MethodPost, owner.at+"/claim", map[string]string{})
	thief.is("disputed")
	owner.is("disputed")
	list, err := l.Recoveries.Disputes(l.t.Context(), kim)
	if err != nil || len(list) != 1 || !list[0].Open(list[0].Born) {
		l.t.Fatalf("%+v %v", list, err)
	}
	return thief, owner, list[0].ID
}

func (l *life) docket(which id.Case) recovery.Docket {
	l.t.Helper()
	d, err := l.Recoveries.Docket(l.t.Context(), kim, which)
	if err != nil {
		l.t.Fatal(err)
	}
	return d
}

func (l *life) approves(p principal.Principal, which id.Case, w *wayBack, done bool, want fault.Code) {
	l.t.Helper()
	got, err := l.Recoveries.Approve(l.t.Context(), p, which, w.id())
	if got != done || (err != nil || want != "") && fault.CodeOf(err) != want {
		l.t.Errorf("%s approves: %t %v, want %t %q", p.Name, got, err, done, want)
	}
}

// TestPeopleDecide: two operators let one of two claims go on, by what it brought, and it waits again.
func TestPeopleDecide(t *testing.T) {
	inBubble(t, func(l *life) {
		thief, owner, which := l.disputed()
		l.days(8)
		owner.is("disputed") // nobody gets in by waiting
		third := l.askBack("203.0.113.5")
		third.must(http.MethodPost, third.at+"/claim", map[string]string{"password": authtest.Password})
		third.is("disputed")

		l.approves(kim, which, owner, false, fault.CaseEvidenceMissing)
		for slot, what := range map[string][]byte{"statement": []byte("a\x00b"), "document": []byte(story), "bank": []byte("<html>")} {
			if got := owner.bring(slot, what); got.Code != fault.EvidenceRefused {
				t.Errorf("%s takes %q: %d %q", slot, what, got.Status, got.Code)
			}
		}
		owner.must(http.MethodPut, owner.at+"/evidence/statement", map[string]any{"bytes": []byte("too early to say")})
		owner.must(http.MethodPut, owner.at+"/evidence/statement", map[string]any{"bytes": []byte(story)})
		owner.must(http.MethodPut, owner.at+"/evidence/document", map[string]any{"bytes": passport})
		if got := thief.b.Call(http.MethodPut, owner.at+"/evidence/statement", map[string]any{"bytes": []byte("mine")}); got.Code != fault.RecoveryUnknown {
			t.Errorf("the thief fills the owner's slot: %q", got.Code)
		}
		for slot, want := range map[recovery.Slot][]byte{recovery.Statement: []byte(story), recovery.Document: passport} {
			got, err := l.Recoveries.ReadEvidence(l.t.Context(), kim, which, owner.id(), slot, "comparing")
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v", slot, len(got), err)
			}
		}
		d := l.docket(which)
		brought := map[id.Recovery]int{}
		for _, c := range d.Claims {
			brought[c.ID] = len(c.Evidence)
		}
		if diff := cmp.Diff(map[id.Recovery]int{thief.id(): 0, owner.id(): 2, third.id(): 0}, brought); diff != "" || d.Mail != mail {
			t.Errorf("the docket of %s (-want +got):\n%s", d.Mail, diff)
		}

		if _, err := l.Recoveries.Approve(l.t.Context(), principal.Principal{Kind: principal.KindUser, User: l.docket(which).User}, which, owner.id()); fault.CodeOf(err) != fault.Forbidden {
			t.Errorf("a user approves: %v", err)
		}
		l.approves(kim, which, owner, false, "")
		l.approves(kim, which, owner, false, "") // the same operator twice is one
		owner.must(http.MethodPut, owner.at+"/evidence/document", map[string]any{"bytes": passport})
		l.approves(lee, which, owner, false, "") // kim said yes to another document
		owner.is("disputed")
		told := l.letters(notify.RecoveryWaiting)
		l.approves(kim, which, owner, true, "")
		owner.is("told")
		thief.is("rejected")
		third.is("rejected")
		l.approves(lee, which, thief, false, fault.CaseOver)
		l.work()
		owner.is("waiting")
		if l.letters(notify.RecoveryWaiting) == told {
			t.Error("nobody was told that a recovery goes on")
		}
		l.days(6)
		owner.is("waiting") // what people say shortens no wait
		l.days(1)
		owner.is("ready")
		owner.must(http.MethodPost, owner.at+"/password", map[string]string{"password": newPassword})

		l.days(29)
		if has := l.evidence(owner); len(has) != 2 {
			t.Errorf("what was brought is gone too early: %+v", has)
		}
		l.days(2)
		if has := l.evidence(owner); len(has) != 0 {
			t.Errorf("what was brought is still there: %+v", has)
		}
		l.days(3)
		if list, err := l.Recoveries.Disputes(l.t.Context(), kim); err != nil || len(list) != 0 {
			t.Errorf("the case is still there: %+v %v", list, err)
		}
	})
}

// TestADisputeEnds: by an operator's no, by time, by the owner's proof, and by a recovery code.
func TestADisputeEnds(t *testing.T) {
	for name, c := range map[string]struct {
		ends         func(l *life, thief, owner *wayBack, which id.Case)
		thief, owner string
		outcome      recovery.State
		told         notify.Letter
	}{
		"an operator rejects": {func(l *life, _, _ *wayBack, which id.Case) {
			if err := l.Recoveries.Reject(l.t.Context(), lee, which, "nobody showed who they are"); err != nil {
				l.t.Fatal(err)
			}
		}, "rejected", "rejected", recovery.Rejected, notify.RecoveryRejected},
		"nobody decides": {func(l *life, _, _ *wayBack, _ id.Case) { l.days(31) }, "lapsed", "lapsed", recovery.Lapsed, notify.RecoveryRejected},
		"both give up": {func(_ *life, thief, owner *wayBack, _ id.Case) {
			thief.must(http.MethodDelete, thief.at, nil)
			owner.must(http.MethodDelete, owner.at, nil)
		}, "withdrawn", "withdrawn", recovery.Withdrawn, ""},
		"a recovery code": {func(l *life, _, owner *wayBack, _ id.Case) {
			owner.must(http.MethodPost, owner.at+"/recovery-code", map[string]string{"code": l.paper()[0]})
		}, "cancelled", "ready", recovery.Cancelled, ""},
		"the owner's proof": {func(l *life, _, _ *wayBack, _ id.Case) {
			l.ada = l.Browser(home)
			l.mustSignIn(l.ada)
			var plan struct{ Claims []struct{ ID string } }
			l.ada.Into(l.ada.Call(http.MethodGet, "/v1/recovery", nil), &plan)
			for _, claim := range plan.Claims {
				path := "/v1/recovery/claims/" + claim.ID + "/cancel"
				if got := l.ada.StepUp(http.MethodPost, path, nil, l.secret); got.Status != http.StatusNoContent {
					l.t.Fatalf("cancel: %d %s", got.Status, got.Text)
				}
			}
		}, "cancelled", "cancelled", recovery.Suspected, notify.RecoveryCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(l *life) {
				thief, owner, which := l.disputed()
				owner.must(http.MethodPut, owner.at+"/evidence/statement", map[string]any{"bytes": []byte(story)})
				c.ends(l, thief, owner, which)
				l.work()
				d := l.docket(which)
				got := []string{thief.state(), owner.state(), string(d.Outcome)}
				if diff := cmp.Diff([]string{c.thief, c.owner, string(c.outcome)}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if c.told != "" && l.letters(c.told) == 0 {
					t.Errorf("nobody was told %s", c.told)
				}
				if got := owner.bring("statement", []byte("once more")); got.Code != fault.RecoveryOver {
					t.Errorf("a slot is filled after the end: %q", got.Code)
				}
				l.approves(kim, which, thief, false, fault.CaseOver)
			})
		})
	}
}

// TestASlotIsFilledTenTimes: nobody fills the disk through a slot.
func TestASlotIsFilledTenTimes(t *testing.T) {
	inBubble(t, func(l *life) {
		_, owner, _ := l.disputed()
		for range 10 {
			owner.must(http.MethodPut, owner.at+"/evidence/statement", map[string]any{"bytes": []byte(story)})
		}
		if got := owner.bring("statement", []byte(story)); got.Code != fault.EvidenceReplacedOften {
			t.Errorf("the eleventh time: %d %q", got.Status, got.Code)
		}
	})
}

// TestADisputeTakesTenClaims: nobody buries a case under claims of their own, and who brings nothing keeps nobody out.
func TestADisputeTakesTenClaims(t *testing.T) {
	inBubble(t, func(l *life) {
		thief, owner, _ := l.disputed()
		owner.must(http.MethodPut, owner.at+"/evidence/statement", map[string]any{"bytes": []byte(story)})
		bare := l.askBack("203.0.113.7")
		bare.must(http.MethodPost, bare.at+"/claim", map[string]string{})
		for range 9 { // the owner showed the mailbox alone, too
			w := l.askBack("203.0.113.5")
			w.must(http.MethodPost, w.at+"/claim", map[string]string{})
			w.must(http.MethodPut, w.at+"/evidence/statement", map[string]any{"bytes": []byte(story)})
			l.days(1)
		}
		thief.is("disputed") // who showed more
		bare.is("withdrawn")
		w := l.askBack("203.0.113.6")
		if got := w.b.Call(http.MethodPost, w.at+"/claim", map[string]string{}); got.Code != fault.RecoveryTooMany {
			t.Errorf("the eleventh claim: %d %q", got.Status, got.Code)
		}
		w.is("proven")
		w.must(http.MethodPost, w.at+"/claim", map[string]string{"password": authtest.Password}) // which is more than the ten showed
		w.is("disputed")
	})
}

// TestADecisionStands: what two operators decided is not undone by whoever reads the mailbox and asks once more.
func TestADecisionStands(t *testing.T) {
	inBubble(t, func(l *life) {
		_, owner, which := l.disputed()
		owner.must(http.MethodPut, owner.at+"/evidence/statement", map[string]any{"bytes": []byte(story)})
		owner.must(http.MethodPut, owner.at+"/evidence/document", map[string]any{"bytes": passport})
		l.approves(kim, which, owner, false, "")
		l.approves(lee, which, owner, true, "")
		l.work()
		owner.is("waiting")
		again := l.askBack("192.0.2.66")
		if got := again.b.Call(http.MethodPost, again.at+"/claim", map[string]string{}); got.Code != fault.RecoveryOver {
			t.Errorf("a claim with the mailbox alone: %d %q", got.Status, got.Code)
		}
		owner.is("waiting")
	})
}

// TestOneUploadAtATime: room for what is sent is given once to a network, and comes back; somebody else's is another.
func TestOneUploadAtATime(t *testing.T) {
	inBubble(t, func(l *life) {
		thief, owner, _ := l.disputed()
		c, found := recovery.Case{}, false
		err := l.Recoveries.Ledger.View(l.t.Context(), func(tx recovery.Tx) (err error) {
			c, found, err = tx.RecoveryByID(l.t.Context(), owner.id())
			return err
		})
		if err != nil || !found {
			t.Fatal(err)
		}
		release, err := l.Recoveries.Expect(l.t.Context(), recovery.From{Browser: c.Browser, Origin: principal.Origin{Addr: netip.MustParseAddr("198.51.100.77")}}, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := owner.bring("statement", []byte(story)); got.Code != fault.Busy {
			t.Errorf("beside another: %d %q", got.Status, got.Code)
		}
		if got := thief.bring("statement", []byte(story)); got.Status != http.StatusNoContent {
			t.Errorf("from elsewhere: %d %q", got.Status, got.Code)
		}
		release()
		release()
		if got := owner.bring("statement", []byte(story)); got.Status != http.StatusNoContent {
			t.Errorf("after it: %d %q", got.Status, got.Code)
		}
	})
}

// evidence is what the store holds of a claim, by whichever case.
func (l *life) evidence(w *wayBack) (has []recovery.Evidence) {
	l.t.Helper()
	err := l.Recoveries.Ledger.View(l.t.Context(), func(tx recovery.Tx) (err error) {
		has, err = tx.EvidenceOf(l.t.Context(), w.id())
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return has
}
