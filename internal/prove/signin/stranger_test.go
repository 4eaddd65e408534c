package signin_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/geotest"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// owner is somebody with a password, an authenticator app and a passkey: a password and a code are less than they can show.
type owner struct {
	*authtest.Person
	t    *testing.T
	s    *authtest.Stack
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

func newOwner(t *testing.T, s *authtest.Stack) *owner {
	t.Helper()
	o := &owner{
		Person: s.SignUp("ada@example.com"), t: t, s: s, rp: virtualwebauthn.RelyingParty{Name: "Sallyport", ID: "localhost", Origin: authtest.Origin},
		auth: virtualwebauthn.NewAuthenticator(), cred: authtest.NewCredential(),
	}
	o.EnrolTOTP()
	begun, err := s.Factors.BeginPasskey(t.Context(), o.Principal())
	must(t, err)
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	must(t, err)
	o.auth.Options.UserHandle = []byte(options.UserID)
	o.auth.AddCredential(o.cred)
	response := []byte(virtualwebauthn.CreateAttestationResponse(o.rp, o.auth, o.cred, *options))
	_, _, err = s.Factors.FinishPasskey(t.Context(), o.Principal(), begun.State, response, "phone")
	time.Sleep(30 * time.Second)
	o.Bearer, err = s.Factors.SatisfyWithTOTP(t.Context(), o.Principal(), stepOf(t, err), o.Code())
	must(t, err)
	_, o.Bearer, err = s.Factors.FinishPasskey(t.Context(), o.Principal(), begun.State, response, "phone")
	must(t, err)
	return o
}

// relayed signs in with a password and a code, as somebody in the middle can.
func (o *owner) relayed(from signin.From) signin.SignedIn {
	o.t.Helper()
	time.Sleep(30 * time.Second)
	half, err := o.s.SignIns.WithPassword(o.t.Context(), from, o.Mail, word(authtest.Password))
	must(o.t, err)
	in, err := o.s.SignIns.WithCode(o.t.Context(), from, half.Half, o.Code())
	must(o.t, err)
	return in
}

func (o *owner) who(bearer secret.Value, from signin.From) principal.Principal {
	o.t.Helper()
	who, err := o.s.Sessions.Authenticate(bearer.Reveal(), "", from.Origin)
	must(o.t, err)
	return who
}

// restore gives a session its power back with one touch of the passkey.
func (o *owner) restore(who principal.Principal) secret.Value {
	o.t.Helper()
	asked := o.s.Factors.Restore(o.t.Context(), who)
	proof, err := o.s.Factors.BeginProof(o.t.Context(), who)
	must(o.t, err)
	options, err := virtualwebauthn.ParseAssertionOptions(string(proof.Options))
	must(o.t, err)
	o.cred.Counter++
	response := virtualwebauthn.CreateAssertionResponse(o.rp, o.auth, o.cred, *options)
	bearer, err := o.s.Factors.SatisfyWithPasskey(o.t.Context(), who, stepOf(o.t, asked), proof.State, []byte(response))
	must(o.t, err)
	if err := o.s.Factors.Restore(o.t.Context(), o.who(bearer, signin.From{Origin: who.Origin})); err != nil {
		o.t.Fatal(err)
	}
	return bearer
}

// order is how the gate answers somebody who wants to trade.
func (o *owner) order(who principal.Principal) fault.Code {
	o.t.Helper()
	return o.send(who, http.MethodPost, "/orders", "market=KRW-BTC&side=bid&type=limit&price=50000000&quantity=0.001")
}

func (o *owner) send(who principal.Principal, method, path, form string) fault.Code {
	o.t.Helper()
	code, way := o.s.Crossing(o.t, who, authtest.PageHost, "/")
	_, child, _, err := o.s.Sessions.RedeemChildCode(o.t.Context(), code, way, authtest.PageHost, who.Origin)
	must(o.t, err)
	b := o.s.Browser(who.Origin.Addr.String())
	b.Agent = who.Origin.Agent
	b.Cookies[authtest.PageHost] = map[string]string{"__Host-sid": string(child.Reveal())}
	r := b.Request(method, authtest.PageOrigin+path, form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.Do(r).Code
}

// stepOf is the step-up that a refusal asks for.
func stepOf(t *testing.T, asked error) id.StepUp {
	t.Helper()
	f, _ := errors.AsType[*fault.Error](asked)
	if f == nil {
		t.Fatalf("no step-up is asked for: %v", asked)
	}
	text, _ := f.Fields["step_up"].(string)
	sid, err := id.Parse[id.StepUpKind](text)
	must(t, err)
	return sid
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil && fault.CodeOf(err) != fault.StepUpRequired {
		t.Fatal(err)
	}
}

func TestNoDowngradeFromAStrangersBrowser(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		o := newOwner(t, s)
		from := stranger("198.51.100.1")
		in := o.relayed(from)
		who := o.who(in.Bearer, from)
		if diff := cmp.Diff(assurance.Challenge{Why: assurance.Stranger, Needs: assurance.Phr}, who.Challenge); diff != "" {
			t.Error(diff)
		}
		looked := o.send(who, http.MethodGet, "/", "")
		if got := o.order(who); looked != "" || got != fault.StepUpRequired {
			t.Errorf("looking is answered %q, an order %q", looked, got)
		}
		_, err := s.Factors.SetPassword(t.Context(), who, word("another long passphrase entirely"))
		time.Sleep(30 * time.Second)
		if _, err := s.Factors.SatisfyWithTOTP(t.Context(), who, stepOf(t, err), o.Code()); fault.CodeOf(err) != fault.AssuranceTooLow {
			t.Errorf("a factor is changed with a relayed code: %v", err)
		}
		// A second time is no better than the first: the cookie alone, on the same network, is not what makes a browser known.
		from.Device = in.DeviceCookie
		if again := o.who(o.relayed(from).Bearer, from); again.Challenge.Why != assurance.Stranger {
			t.Error("the second relayed sign-in has full power")
		}
		if got := o.letters(notify.LimitedSignIn); got != 2 {
			t.Errorf("told of %d limited sign-ins, want 2", got)
		}
	})
}

func TestTheBestFactorMakesABrowserKnown(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		o := newOwner(t, s)
		from := stranger("198.51.100.1")
		in := o.relayed(from)
		who := o.who(in.Bearer, from)
		who = o.who(o.restore(who), from)
		if got := o.order(who); who.Challenge != (assurance.Challenge{}) || got != "" {
			t.Errorf("after the passkey: challenge %v, order %q", who.Challenge, got)
		}
		from.Device = in.DeviceCookie
		for _, row := range []struct {
			name, addr, agent string
			why               assurance.Why
		}{
			{"the same place", "198.51.100.77", from.Origin.Agent, ""},
			{"after an update", "198.51.100.1", strings.Replace(from.Origin.Agent, "140", "141", 1), ""},
			{"another network", "192.0.2.1", from.Origin.Agent, assurance.Stranger},
			{"another agent", "198.51.100.1", authtest.PersonOrigin().Agent, assurance.Stranger},
		} {
			from := from
			from.Origin.Addr, from.Origin.Agent = netip.MustParseAddr(row.addr), row.agent
			if got := o.who(o.relayed(from).Bearer, from).Challenge.Why; got != row.why {
				t.Errorf("%s: %q, want %q", row.name, got, row.why)
			}
		}
		from.Device = secret.Value{}
		if o.who(o.relayed(from).Bearer, from).Challenge.Why != assurance.Stranger {
			t.Error("network and agent alone make a browser known")
		}
	})
}

// A browser whose device has just shown the key of the same user's session is known wherever it is now; whoever else's key that is, it is a stranger.
func TestADeviceVouchesForItsUserAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		o := newOwner(t, s)
		other := s.SignUp("eve@example.com")
		from := stranger("198.51.100.1")
		from.Vouched = other.User.ID
		if got := o.who(o.relayed(from).Bearer, from).Challenge.Why; got != assurance.Stranger {
			t.Errorf("vouched for by the device of another's session: %q", got)
		}
		from = stranger("192.0.2.1")
		from.Vouched = o.User.ID
		if who := o.who(o.relayed(from).Bearer, from); who.Challenge.Why != "" || o.order(who) != "" {
			t.Errorf("vouched for by the device: %v", who.Challenge)
		}
	})
}

func TestAStrangersBrowserIsKnownADayAfterItsUserWasTold(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		o := newOwner(t, s)
		from := stranger("198.51.100.1")
		in := o.relayed(from)
		from.Device = in.DeviceCookie
		time.Sleep(5 * time.Hour) // the mail server is down
		s.Settle()
		if got, want := o.who(in.Bearer, from).Challenge.Until, s.Now().Add(device.Doubt).UTC(); !got.Equal(want) {
			t.Errorf("it lapses at %v, want %v: a day after the notice", got, want)
		}
		time.Sleep(device.Doubt - time.Minute)
		if o.who(o.relayed(from).Bearer, from).Challenge.Why != assurance.Stranger {
			t.Error("known before the day is over")
		}
		time.Sleep(time.Minute)
		if who := o.who(o.relayed(from).Bearer, from); who.Challenge.Why != "" || o.order(who) != "" {
			t.Errorf("a day later: %v", who.Challenge)
		}
		s.Settle()
		if got := o.letters(notify.LimitedSignIn); got != 1 {
			t.Errorf("told %d times, want once", got)
		}
	})
}

func TestASessionThatWasNotMe(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		o := newOwner(t, s)
		from := stranger("198.51.100.1")
		in := o.relayed(from)
		s.Settle()
		o.who(in.Bearer, from)
		must(t, s.Sessions.Disown(t.Context(), o.Principal(), in.Session.ID))
		if n := s.Sessions.Challenges(session.Challenged{Why: assurance.Stranger, Outcome: session.Ended}); n != 1 {
			t.Errorf("its challenge is counted as ended %d times, want once", n)
		}
		if _, err := s.Sessions.Authenticate(in.Bearer.Reveal(), "", from.Origin); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("the session: %v", err)
		}
		standing, err := s.Holds.Of(t.Context(), o.User.ID)
		must(t, err)
		if !standing.Held {
			t.Error("money is not held")
		}
		if err := s.Sessions.Disown(t.Context(), o.Principal(), o.Principal().Session); fault.CodeOf(err) != fault.SessionNotFound {
			t.Errorf("one's own session: %v", err)
		}
		time.Sleep(device.Doubt + time.Hour)
		from.Device = in.DeviceCookie
		if o.who(o.relayed(from).Bearer, from).Challenge.Why != assurance.Stranger {
			t.Error("the browser became known although its session was disowned")
		}
	})
}

// A stranger's browser whose session its user ended does not become known when the day is over in which its user could have done so.
func TestAStrangerWhoWasSignedOutStaysOne(t *testing.T) {
	for name, end := range map[string]func(context.Context, *authtest.Stack, principal.Principal, id.Session) error{
		"this one": func(ctx context.Context, s *authtest.Stack, p principal.Principal, sid id.Session) error {
			return s.Sessions.Revoke(ctx, p, sid)
		},
		"others": func(ctx context.Context, s *authtest.Stack, p principal.Principal, _ id.Session) error {
			_, err := s.Sessions.SignOutOthers(ctx, p, session.KeepBots)
			return err
		},
		"everywhere": func(ctx context.Context, s *authtest.Stack, p principal.Principal, _ id.Session) error {
			_, err := s.Sessions.SignOutEverywhere(ctx, p, session.KeepBots)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				o := newOwner(t, s)
				from := stranger("198.51.100.1")
				in := o.relayed(from)
				s.Settle()
				must(t, end(t.Context(), s, o.Principal(), in.Session.ID))
				time.Sleep(device.Doubt + time.Hour)
				from.Device = in.DeviceCookie
				if o.who(o.relayed(from).Bearer, from).Challenge.Why != assurance.Stranger {
					t.Error("the browser became known although its session was ended")
				}
			})
		})
	}
}

func TestAnUnusualSessionIsAskedAndNeverEnded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		o := newOwner(t, s)
		for _, row := range []struct {
			name, agent string
			why         assurance.Why
		}{
			{"an update", strings.Replace(authtest.PersonOrigin().Agent, "156", "157", 1), ""},
			{"another browser", "Mozilla/5.0 (Windows NT 10.0) Firefox/150.0", assurance.TwoAgents},
			{"a program", "python-requests/2.32", assurance.Program},
		} {
			from := signin.From{Origin: authtest.PersonOrigin()}
			from.Origin.Agent = row.agent
			who := o.who(o.Bearer, from)
			if who.Challenge.Why != row.why {
				t.Errorf("%s: %q, want %q", row.name, who.Challenge.Why, row.why)
			}
			if row.why == "" {
				continue
			}
			counted := session.Challenged{Why: row.why, Outcome: session.Answered}
			before := s.Sessions.Challenges(counted)
			o.Bearer = o.restore(who)
			if n := s.Sessions.Challenges(counted) - before; n != 1 {
				t.Errorf("%s is counted as answered %d times, want once", row.name, n)
			}
			if again := o.who(o.Bearer, from); again.Challenge.Why != "" {
				t.Errorf("%s, after the passkey: %v", row.name, again.Challenge)
			}
			o.Bearer = o.restore(o.Principal()) // home again
		}
	})
}

// A network alone is new all the time, and a country is a guess: only both at once are asked for, and nothing ends by it.
func TestAnotherCountryAndNetworkAreAsked(t *testing.T) {
	places := geotest.File(t, map[string]geotest.Record{
		"203.0.113.0/24": geotest.Flat("KR"), "198.51.100.0/24": geotest.Flat("KR"), "192.0.2.0/24": geotest.Flat("DE"), "2001:db8::/32": geotest.Flat("KR"),
	})
	synctest.Test(t, func(t *testing.T) {
		s := authtest.StartWith(t, authtest.Options{YAML: "geo: {file: '" + places + "'}\n"})
		o := newOwner(t, s)
		for _, row := range []struct {
			name, addr string
			why        assurance.Why
		}{
			{"another address of the network", "203.0.113.200", ""},
			{"another network of the country", "198.51.100.1", ""},
			{"a network of which nothing is known", "8.8.8.8", ""},
			{"the same country over IPv6", "2001:db8::1", ""},
			{"another network and country", "192.0.2.1", assurance.Elsewhere},
		} {
			from := signin.From{Origin: authtest.PersonOrigin()}
			from.Origin.Addr = netip.MustParseAddr(row.addr)
			who := o.who(o.Bearer, from)
			if who.Challenge.Why != row.why {
				t.Errorf("%s: %q, want %q", row.name, who.Challenge.Why, row.why)
			}
			if row.why == "" {
				continue
			}
			for class, want := range map[scope.Class]fault.Code{scope.Look: "", scope.Cancel: "", scope.Order: fault.SessionUnusual} {
				asked := decision.Question{Principal: who, Class: class, Scope: scope.OrdersRead, Environment: s.Config.Environment}
				if err := s.Policy.Decide(asked).Err(); fault.CodeOf(err) != want && (want != "" || err != nil) {
					t.Errorf("%s, %v: %v", row.name, class, err)
				}
			}
			if _, err := s.Sessions.IssueChildCode(t.Context(), who, session.Way{Host: authtest.PageHost}); fault.CodeOf(err) != fault.SessionUnusual {
				t.Errorf("%s: it goes on to another host: %v", row.name, err)
			}
			o.Bearer = o.restore(who)
			if again := o.who(o.Bearer, from); again.Challenge.Why != "" {
				t.Errorf("%s, after the passkey: %v", row.name, again.Challenge)
			}
		}
		s.Settle()
		page, err := s.Log.Activity(t.Context(), o.who(o.Bearer, signin.From{Origin: authtest.PersonOrigin()}), 0, 50)
		must(t, err)
		if !slices.ContainsFunc(page, func(e audit.Told) bool {
			return e.Action == audit.SessionChallenged && e.Readable.Facts["reason"] == "elsewhere"
		}) {
			t.Error("the log does not tell of it")
		}
	})
}

func TestASharedComputerKeepsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *authtest.Stack) {
		ada := s.SignUp("ada@example.com")
		from := stranger("198.51.100.1")
		from.Shared = true
		in, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
		must(t, err)
		if !in.DeviceCookie.IsEmpty() || !in.Session.Shared {
			t.Errorf("cookie %t, shared %t", !in.DeviceCookie.IsEmpty(), in.Session.Shared)
		}
		for _, row := range []struct {
			after time.Duration
			why   assurance.Why
		}{{10*time.Minute - time.Microsecond, ""}, {time.Microsecond, assurance.Idle}} {
			time.Sleep(row.after)
			who, err := s.Sessions.Authenticate(in.Bearer.Reveal(), "", from.Origin)
			must(t, err)
			if idle, _ := s.Sessions.Ends(who); who.Challenge.Why != row.why || idle.Sub(s.Now()) > row.after {
				t.Errorf("%v later: %q", row.after, who.Challenge.Why)
			}
		}
	})
}

// A new passkey waits longer for money after a sign-in from a place that was not known, whoever's it was: a shared computer keeps no device, and
// after a month away no device of the owner's is left to compare with.
func TestAPasskeyAfterAStrangeSignInIsWary(t *testing.T) {
	strange := authtest.PersonOrigin()
	strange.Addr = netip.MustParseAddr("198.51.100.1")
	home := authtest.PersonOrigin()
	for _, row := range []struct {
		name           string
		away           time.Duration
		from, second   principal.Origin
		shared, cookie bool
		wait           time.Duration
	}{
		{"where the user was made", 0, home, home, false, true, 24 * time.Hour},
		{"at home", 10 * 24 * time.Hour, home, home, false, true, 24 * time.Hour},
		{"a new device", 10 * 24 * time.Hour, strange, strange, false, false, 72 * time.Hour},
		{"a known device elsewhere", 10 * 24 * time.Hour, strange, strange, false, true, 72 * time.Hour},
		{"a shared computer", 10 * 24 * time.Hour, strange, strange, true, false, 72 * time.Hour},
		{"a shared computer at home", 10 * 24 * time.Hour, home, home, true, true, 72 * time.Hour},
		{"after a month", 31 * 24 * time.Hour, strange, strange, false, false, 72 * time.Hour},
		{"at home while a stranger is in", 10 * 24 * time.Hour, strange, home, false, true, 72 * time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *authtest.Stack) {
				ada := s.SignUp("ada@example.com")
				time.Sleep(row.away)
				must(t, s.Sweep(t.Context()))
				for _, origin := range []principal.Origin{row.from, row.second} {
					from := signin.From{Origin: origin, Shared: row.shared}
					if row.cookie {
						from.Device = ada.Device
					}
					in, err := s.SignIns.WithPassword(t.Context(), from, ada.Mail, word(authtest.Password))
					must(t, err)
					ada.Bearer = in.Bearer
				}
				ada.EnrolPasskey()
				kept, err := s.Factors.Of(t.Context(), ada.Principal())
				must(t, err)
				if got := kept.Passkeys[0].ApprovesFrom.Sub(kept.Passkeys[0].Born); got != row.wait {
					t.Errorf("it may approve money after %v, want %v", got, row.wait)
				}
			})
		})
	}
}

func (o *owner) letters(which notify.Letter) (n int) {
	o.s.Settle()
	for _, l := range o.s.Mailbox.Letters(o.Mail) {
		if l.Notice == which {
			n++
		}
	}
	return n
}
