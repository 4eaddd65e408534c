package recovery_test

import (
	"crypto/sha256"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/recoverycode"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

const (
	lost  = "ada@example.com"
	reach = "ada.new@example.net"
)

// desk is an exchange whose operators are asked for help, with Ada's account.
type desk struct {
	*authtest.Stack
	t     *testing.T
	clock *storetest.Clock
	ada   *authtest.Person
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	clock := storetest.NewClock()
	s := authtest.StartWith(t, authtest.Options{Now: clock.Now})
	d := &desk{Stack: s, t: t, clock: clock, ada: s.SignUp(lost)}
	clock.Advance(8 * 24 * time.Hour) // her address has settled
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) open() recovery.Opened {
	d.t.Helper()
	opened, err := d.Recoveries.Open(d.t.Context(), principal.Host("kim"), d.ada.User.ID, reach, "ticket 4711")
	d.must(err)
	return opened
}

func browser(name string, addr byte) recovery.From {
	from := recovery.From{Origin: authtest.PersonOrigin(), Browser: sha256.Sum256([]byte(name))}
	from.Origin.Addr = netip.AddrFrom4([4]byte{198, 51, 100, addr})
	return from
}

func (d *desk) newest(mail string) authtest.Letter {
	d.t.Helper()
	d.Settle()
	letters := d.Mailbox.Letters(mail)
	if len(letters) == 0 {
		d.t.Fatalf("nothing was sent to %s", mail)
	}
	return letters[len(letters)-1]
}

// enter opens the case in a browser, with its code and the one that is mailed to where its holder is reached.
func (d *desk) enter(from recovery.From, o recovery.Opened) {
	d.t.Helper()
	which, err := d.Recoveries.Reopen(d.t.Context(), from, string(o.Code.Reveal()))
	d.must(err)
	if which != o.ID {
		d.t.Fatalf("the code opens %s, want %s", which, o.ID)
	}
	d.must(d.Recoveries.ShowMailbox(d.t.Context(), from, which, d.newest(reach).Code))
}

func (d *desk) approved(from recovery.From, o recovery.Opened) {
	d.t.Helper()
	d.must(d.Recoveries.Bring(d.t.Context(), from, o.ID, recovery.Statement, []byte("I lost my phone and my mailbox.")))
	d.must(d.Recoveries.Bring(d.t.Context(), from, o.ID, recovery.Document, []byte("%PDF-1.7")))
	for i, operator := range []string{"lee", "min"} {
		done, err := d.Recoveries.Approve(d.t.Context(), principal.Host(operator), o.Case, o.ID)
		d.must(err)
		if done != (i == 1) {
			d.t.Fatalf("approved by %d: %t", i+1, done)
		}
	}
}

// Who lost the mailbox and everything else comes back by what they bring, the yes of two operators and the wait, of which the owner is told.
func TestBackWithoutTheMailbox(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	if last := d.newest(lost); last.Notice != notify.RecoveryOpened {
		t.Errorf("the owner's newest letter is %q", last.Notice)
	}
	me := browser("new phone", 7)
	d.enter(me, o)
	if _, err := d.Recoveries.Approve(t.Context(), principal.Host("lee"), o.Case, o.ID); fault.CodeOf(err) != fault.CaseEvidenceMissing {
		t.Errorf("approved with nothing: %v", err)
	}
	fresh := secret.FromString("password", "an entirely new word of mine")
	finish := func() error {
		_, err := d.Recoveries.FinishWithPassword(t.Context(), me, o.ID, recovery.Keep{}, fresh)
		return err
	}
	d.clock.Advance(9 * 24 * time.Hour)
	if err := finish(); fault.CodeOf(err) != fault.RecoveryOver {
		t.Errorf("by waiting alone: %v", err)
	}
	d.approved(me, o)
	if last := d.newest(lost); last.Notice != notify.RecoveryWaiting {
		t.Errorf("the owner's newest letter is %q", last.Notice)
	}
	d.clock.Advance(7*24*time.Hour - time.Minute)
	if err := finish(); fault.CodeOf(err) != fault.RecoveryOver {
		t.Errorf("before the wait is over: %v", err)
	}
	d.clock.Advance(2 * time.Minute)
	d.Settle()
	d.must(finish())
}

// What an operator opened has no power over the owner: their session, their own recovery and their no stand.
func TestWhatIsOpenedStopsNobody(t *testing.T) {
	d := newDesk(t)
	bearer := d.Browser("203.0.113.7")
	if got := bearer.SignIn(lost, authtest.Password, ""); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Text)
	}
	owner := browser("owner", 8)
	begun, err := d.Recoveries.Begin(t.Context(), owner, lost, "en")
	d.must(err)
	d.must(d.Recoveries.ShowMailbox(t.Context(), owner, begun.ID, d.newest(lost).Code))
	o := d.open()
	d.must(d.Recoveries.ClaimWithPassword(t.Context(), owner, begun.ID, secret.FromString("password", authtest.Password)))
	d.Settle()
	if claims, err := d.Recoveries.Claims(t.Context(), bearer.Principal()); err != nil || !slices.ContainsFunc(claims, func(c recovery.Case) bool {
		return c.ID == begun.ID && c.State(d.clock.Now()) == recovery.Waiting
	}) {
		t.Errorf("the owner's own claim does not wait: %+v, %v", claims, err)
	}
	if err := d.Recoveries.Cancel(t.Context(), bearer.Principal(), o.ID); err != nil {
		t.Errorf("the owner's no: %v", err)
	}
	if _, err := d.Recoveries.Approve(t.Context(), principal.Host("lee"), o.Case, o.ID); fault.CodeOf(err) != fault.CaseOver {
		t.Errorf("approved after it: %v", err)
	}
}

// Without the mailbox a recovery code is one proof: it hastens nothing, whatever was approved.
func TestACodeAloneHastensNothing(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	me := browser("new phone", 7)
	d.enter(me, o)
	try := func(when string) {
		t.Helper()
		if err := d.Recoveries.WithCode(t.Context(), me, o.ID, recoverycode.Mint().Text()); fault.CodeOf(err) != fault.RecoveryOver {
			t.Errorf("%s: %v", when, err)
		}
	}
	try("before anybody decided")
	d.approved(me, o)
	d.Settle()
	try("after two did")
}

// fresh is Ada in a session that began just now.
func (d *desk) fresh() principal.Principal {
	d.t.Helper()
	b := d.Browser("203.0.113.7")
	if got := b.SignIn(lost, authtest.Password, ""); got.Status != 200 {
		d.t.Fatalf("%d %s", got.Status, got.Text)
	}
	return b.Principal()
}

// Nobody but an operator opens one, and not for nobody.
func TestWhoOpens(t *testing.T) {
	d := newDesk(t)
	nobody := d.ada.User.ID
	nobody[15]++
	if _, err := d.Recoveries.Open(t.Context(), d.fresh(), d.ada.User.ID, reach, "x"); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a user: %v", err)
	}
	if _, err := d.Recoveries.Open(t.Context(), principal.Host("kim"), nobody, reach, "x"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("for nobody: %v", err)
	}
	if _, err := d.Recoveries.Open(t.Context(), principal.Host("kim"), d.ada.User.ID, "nowhere", "x"); err == nil {
		t.Error("with no address to reach them at")
	}
}
