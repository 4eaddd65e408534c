package binding_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
)

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return string(fault.CodeOf(err))
}

// Whoever has the session's cookie alone, and hangs up while their own refresh is answered, has made no fault of ours.
func TestGoingAwayOpensNoGrace(t *testing.T) {
	o, b := open(t, authtest.Options{})
	d := b.Bind()
	thief := without(o.copied(b))
	expect(t, "the session's cookie alone", "session.ended", whoami(thief))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r := thief.Request(http.MethodPost, authtest.Origin+"/dbsc/refresh", "").WithContext(gone)
	r.Header.Set("Sec-Secure-Session-Id", d.Session.String())
	thief.Do(r)
	expect(t, "after going away", "session.ended", whoami(thief))
}

// A session on a gateway host is bound to nothing when it begins. So the way there takes a proof that was made for it: a copy of both cookies has none.
func TestACopyDoesNotCrossOver(t *testing.T) {
	o, b := open(t, authtest.Options{})
	b.EnrolTOTP()
	d := b.Bind()
	o.Advance(2 * time.Minute)
	from := authtest.PersonOrigin()
	cross := func(b *authtest.Browser) string {
		t.Helper()
		cookies := b.Cookies["localhost:8080"]
		from.Bound = secret.FromString("bs", cookies[httpx.BoundCookie]).Hash()
		who, err := o.Sessions.Authenticate([]byte(cookies[httpx.SessionCookie]), "", from)
		if err == nil {
			_, err = o.Sessions.IssueChildCode(t.Context(), who, session.Way{Host: authtest.PageHost, Path: "/"})
		}
		return codeOf(err)
	}
	thief := o.copied(b)
	expect(t, "a copy of both cookies", "session.unproven", cross(thief))
	expect(t, "the owner without a proof for this", "session.unproven", cross(b))
	if r := d.Refresh(); r.Status != http.StatusOK {
		t.Fatalf("refresh: %d %s", r.Status, r.Text)
	}
	expect(t, "the owner with a proof", "", cross(b))
	expect(t, "the copy, whose cookie still counts for a moment", "session.unproven", cross(thief))
}

// What is on a connection shows no newer cookie, so it ends with the one it was opened with; the device opens another, and a copy cannot.
func TestAConnectionEndsWithTheCookieItWasOpenedWith(t *testing.T) {
	o, b := open(t, authtest.Options{})
	d := b.Bind()
	thief := o.copied(b)
	from := authtest.PersonOrigin()
	from.Bound = secret.FromString("bs", thief.Cookies["localhost:8080"][httpx.BoundCookie]).Hash()
	still := func() string {
		_, err := o.Sessions.Still([]byte(thief.Cookies["localhost:8080"][httpx.SessionCookie]), "", from)
		return codeOf(err)
	}
	o.Advance(9 * time.Minute)
	expect(t, "within its life", "", still())
	if r := d.Refresh(); r.Status != http.StatusOK {
		t.Fatalf("refresh: %d %s", r.Status, r.Text)
	}
	expect(t, "just replaced", "", still())
	o.Advance(binding.Overlap)
	expect(t, "a minute after", "session.unproven", still())
}

// The address of a session is no secret. Who asks about one without its bearer is slowed down; its own browser, behind the same address, goes on.
func TestStrangersWhoAskAboutASession(t *testing.T) {
	o, b := open(t, authtest.Options{})
	d := b.Bind()
	stranger, slowed := o.Browser(home), 0
	for range 300 {
		r := stranger.Request(http.MethodPost, authtest.Origin+"/dbsc/refresh", "")
		r.Header.Set("Sec-Secure-Session-Id", d.Session.String())
		if got := stranger.Do(r); got.Code == fault.RateLimited && got.Header.Get("Retry-After") != "" {
			slowed++
		}
	}
	if slowed < 50 {
		t.Errorf("%d of 300 questions were slowed down", slowed)
	}
	if got := d.Refresh(); got.Status != http.StatusOK {
		t.Errorf("the session's own browser: %d %s", got.Status, got.Text)
	}
}
