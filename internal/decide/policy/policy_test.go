package policy_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// proofs maps an acr to a proof that reaches it.
var proofs = map[assurance.Level]assurance.Proof{
	assurance.None: {},
	assurance.Pwd:  {Factors: assurance.Password, At: now},
	assurance.Mfa:  {Factors: assurance.Password | assurance.TOTP, At: now},
	assurance.Phr:  {Factors: assurance.Passkey, UserVerified: true, PhishingResistant: true, At: now},
}

func user(role principal.Role, level assurance.Level) principal.Principal {
	return principal.Principal{
		Kind: principal.KindUser, Account: id.Account{1}, Role: role, Scopes: policy.ScopesOf(role), Proof: proofs[level],
	}
}

func key(env id.Environment, scopes ...scope.Scope) principal.Principal {
	return principal.Principal{Kind: principal.KindKey, Account: id.Account{1}, Environment: env, Scopes: scope.Of(scopes...)}
}

func TestAssuranceNeeded(t *testing.T) {
	idle := user(principal.Owner, assurance.Phr)
	idle.Challenge = assurance.Challenge{Why: assurance.Idle, Needs: assurance.Phr}
	unknown := user(principal.Owner, assurance.Mfa)
	unknown.Challenge = assurance.Challenge{Why: assurance.Stranger, Needs: assurance.Phr}
	demanded := user(principal.Owner, assurance.Mfa)
	demanded.Challenge = assurance.Challenge{Why: assurance.Demanded, Needs: assurance.Phr}
	for _, row := range []struct {
		name    string
		who     principal.Principal
		class   scope.Class
		scope   scope.Scope
		verdict decision.Verdict
		reason  fault.Code
	}{
		{"a stranger sees the market", principal.Principal{}, scope.Public, 0, decision.Allow, ""},
		{"a stranger sees nothing else", principal.Principal{}, scope.Look, scope.BalancesRead, decision.Deny, fault.Unauthorized},
		{"a password looks", user(principal.Owner, assurance.Pwd), scope.Look, scope.BalancesRead, decision.Allow, ""},
		{"a password cancels", user(principal.Owner, assurance.Pwd), scope.Cancel, scope.OrdersCancel, decision.Allow, ""},
		{"a password does not trade", user(principal.Owner, assurance.Pwd), scope.Order, scope.OrdersWrite, decision.StepUp, fault.AssuranceTooLow},
		{"two factors trade", user(principal.Owner, assurance.Mfa), scope.Order, scope.OrdersWrite, decision.Allow, ""},
		{"an idle session looks", idle, scope.Look, scope.BalancesRead, decision.Allow, ""},
		{"an idle session cancels", idle, scope.Cancel, scope.OrdersCancel, decision.Allow, ""},
		{"an idle session does not trade", idle, scope.Order, scope.OrdersWrite, decision.StepUp, fault.SessionIdle},
		{"two factors cancel where a passkey is demanded", demanded, scope.Cancel, scope.OrdersCancel, decision.Allow, ""},
		{"two factors do not trade where a passkey is demanded", demanded, scope.Order, scope.OrdersWrite, decision.StepUp, fault.SessionDemanded},
		{"a stranger's browser looks", unknown, scope.Look, scope.BalancesRead, decision.Allow, ""},
		{"a stranger's browser cancels", unknown, scope.Cancel, scope.OrdersCancel, decision.Allow, ""},
		{"a stranger's browser does not trade", unknown, scope.Order, scope.OrdersWrite, decision.StepUp, fault.DeviceUnknown},
		{"a stranger's browser sends no money", unknown, scope.Withdraw, scope.WithdrawalsWrite, decision.StepUp, fault.DeviceUnknown},
		{"a stranger's browser adds no destination", unknown, scope.Destination, scope.WithdrawalsWrite, decision.StepUp, fault.DeviceUnknown},
		{"a viewer does not trade", user(principal.Viewer, assurance.Phr), scope.Order, scope.OrdersWrite, decision.Deny, fault.Forbidden},
		{"a trader does not change settings", user(principal.Trader, assurance.Phr), scope.Setting, 0, decision.Deny, fault.Forbidden},
		{"an owner does", user(principal.Owner, assurance.Pwd), scope.Setting, 0, decision.Allow, ""},
		{"a session alone never withdraws", user(principal.Owner, assurance.Phr), scope.Withdraw, scope.WithdrawalsWrite, decision.Deny, fault.ConfirmationRequired},
		{"a key looks", key(id.Test, scope.OrdersRead), scope.Look, scope.OrdersRead, decision.Allow, ""},
		{"a key without the scope", key(id.Test, scope.OrdersRead), scope.Order, scope.OrdersWrite, decision.Deny, fault.KeyScopeMissing},
		{"a key of the other environment", key(id.Live, scope.OrdersRead), scope.Look, scope.OrdersRead, decision.Deny, fault.KeyWrongEnvironment},
		{"a key that nobody released", key(id.Test, scope.WithdrawalsWrite), scope.Withdraw, scope.WithdrawalsWrite, decision.Deny, fault.ConfirmationRequired},
		{"a key never changes settings", key(id.Test, scope.OrdersRead), scope.Setting, scope.OrdersRead, decision.Deny, fault.Forbidden},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := policy.Policy{}.Decide(decision.Question{Principal: row.who, Class: row.class, Scope: row.scope, Environment: id.Test})
			if got.Verdict != row.verdict || got.Reason != row.reason {
				t.Errorf("Decide = %+v, want %v %s", got, row.verdict, row.reason)
			}
		})
	}
}

// While somebody is frozen, as another owner's lock makes co-owners too, they give nothing to anybody, and end what they could end before.
func TestTheFrozenLookAndReduce(t *testing.T) {
	for _, row := range []struct {
		name    string
		role    principal.Role
		class   scope.Class
		scope   scope.Scope
		reduces bool
		reason  fault.Code
	}{
		{"an owner widens nothing", principal.Owner, scope.Setting, 0, false, fault.AccountFrozen},
		{"an owner reduces", principal.Owner, scope.Setting, 0, true, ""},
		{"a trader reduces nothing of an owner's", principal.Trader, scope.Setting, 0, true, fault.Forbidden},
		{"an owner looks", principal.Owner, scope.Look, scope.BalancesRead, false, ""},
		{"an owner cancels", principal.Owner, scope.Cancel, scope.OrdersCancel, false, ""},
		{"a trader does not trade", principal.Trader, scope.Order, scope.OrdersWrite, false, fault.AccountFrozen},
		{"a viewer never did", principal.Viewer, scope.Order, scope.OrdersWrite, false, fault.Forbidden},
		{"an owner adds no destination", principal.Owner, scope.Destination, scope.WithdrawalsWrite, false, fault.AccountFrozen},
	} {
		t.Run(row.name, func(t *testing.T) {
			who := user(row.role, assurance.Phr)
			who.Frozen, who.Scopes = true, who.Scopes.UpTo(scope.Cancel)
			got := policy.Policy{}.Decide(decision.Question{Principal: who, Class: row.class, Scope: row.scope, Reduces: row.reduces})
			if got.Reason != row.reason {
				t.Errorf("Decide = %+v, want %q", got, row.reason)
			}
		})
	}
}

// A route may ask for more than its class. Then no key will do, whose every request is worth what its class needs, and no challenged session.
func TestARouteAsksForMoreThanItsClass(t *testing.T) {
	idle := user(principal.Owner, assurance.Phr)
	idle.Challenge = assurance.Challenge{Why: assurance.Idle, Needs: assurance.Mfa}
	unrenewed := user(principal.Owner, assurance.Phr)
	unrenewed.Challenge = assurance.Challenge{Why: assurance.Unrenewed, Needs: assurance.Phr}
	for _, row := range []struct {
		name   string
		who    principal.Principal
		class  scope.Class
		asks   assurance.Level
		reason fault.Code
		needs  assurance.Level
	}{
		{"no more than the class", user(principal.Owner, assurance.Mfa), scope.Order, assurance.Mfa, "", 0},
		{"less than the class lowers nothing", user(principal.Owner, assurance.Pwd), scope.Order, assurance.Pwd, fault.AssuranceTooLow, assurance.Mfa},
		{"two factors where a passkey is asked for", user(principal.Owner, assurance.Mfa), scope.Order, assurance.Phr, fault.AssuranceTooLow, assurance.Phr},
		{"a passkey where one is asked for", user(principal.Owner, assurance.Phr), scope.Order, assurance.Phr, "", 0},
		{"a passkey where a bound one is asked for", user(principal.Owner, assurance.Phr), scope.Look, assurance.Phrh, fault.AssuranceTooLow, assurance.Phrh},
		{"an idle session that only looks", idle, scope.Look, assurance.Phr, fault.SessionIdle, assurance.Phr},
		{"a device whose proof we lost", unrenewed, scope.Look, assurance.Phr, fault.SessionUnrenewed, 0},
		{"money with the proof", user(principal.Owner, assurance.Phr), scope.Withdraw, assurance.Phr, fault.ConfirmationRequired, 0},
		{"money without it", user(principal.Owner, assurance.Mfa), scope.Withdraw, assurance.Phr, fault.AssuranceTooLow, assurance.Phr},
		{"a key and what its class needs", key(id.Test, scope.OrdersWrite), scope.Order, assurance.Mfa, "", 0},
		{"a key and more", key(id.Test, scope.OrdersWrite), scope.Order, assurance.Phr, fault.KeyPersonOnly, 0},
		{"a key that looks, and two factors", key(id.Test, scope.OrdersRead), scope.Look, assurance.Mfa, fault.KeyPersonOnly, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			needs := map[scope.Class]scope.Scope{scope.Look: scope.OrdersRead, scope.Order: scope.OrdersWrite, scope.Withdraw: scope.WithdrawalsWrite}
			got := policy.Policy{}.Decide(decision.Question{Principal: row.who, Class: row.class, Scope: needs[row.class], Needs: row.asks, Environment: id.Test})
			if got.Reason != row.reason || got.Needs != row.needs || (got.Verdict == decision.Allow) != (row.reason == "") {
				t.Errorf("Decide = %+v, want %s %s", got, row.reason, row.needs)
			}
		})
	}
}

func TestNobodyReachesAnotherAccount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := question(t)
		q.Account = id.Account{2}
		if got := (policy.Policy{}).Decide(q); got.Verdict == decision.Allow && q.Class != scope.Public {
			t.Fatalf("%+v was allowed in a foreign account", q)
		}
	})
}

// Stronger proofs, and more scopes, never turn an allow into a refusal; weaker ones never the other way round.
func TestMoreProofNeverAllowsLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := question(t)
		weak := policy.Policy{}.Decide(q)
		stronger := q
		stronger.Principal.Proof = proofs[assurance.Phr]
		stronger.Principal.Scopes |= scope.Of(scope.All()...)
		strong := policy.Policy{}.Decide(stronger)
		if weak.Verdict == decision.Allow && strong.Verdict != decision.Allow {
			t.Fatalf("%+v: %+v with less, %+v with more", q, weak, strong)
		}
	})
}

func question(t *rapid.T) decision.Question {
	kind := rapid.SampledFrom([]principal.Kind{principal.KindNobody, principal.KindUser, principal.KindKey}).Draw(t, "kind")
	role := rapid.SampledFrom([]principal.Role{principal.NoRole, principal.Viewer, principal.Trader, principal.Owner}).Draw(t, "role")
	level := rapid.SampledFrom([]assurance.Level{assurance.None, assurance.Pwd, assurance.Mfa, assurance.Phr}).Draw(t, "level")
	env := rapid.SampledFrom([]id.Environment{id.Live, id.Test}).Draw(t, "environment")
	return decision.Question{
		Principal: principal.Principal{
			Kind: kind, Role: role, Account: id.Account{1}, Scopes: policy.ScopesOf(role), Proof: proofs[level], Environment: env,
		},
		Class:       scope.Class(rapid.IntRange(0, int(scope.Withdraw)).Draw(t, "class")),
		Scope:       rapid.SampledFrom(scope.All()).Draw(t, "scope"),
		Needs:       rapid.SampledFrom([]assurance.Level{assurance.None, assurance.Mfa, assurance.Phr}).Draw(t, "needs"),
		Environment: rapid.SampledFrom([]id.Environment{id.Live, id.Test}).Draw(t, "asked"),
	}
}

func TestDecidingAllocatesNothing(t *testing.T) {
	q := decision.Question{Principal: user(principal.Owner, assurance.Mfa), Class: scope.Order, Scope: scope.OrdersWrite}
	if n := testing.AllocsPerRun(100, func() { policy.Policy{}.Decide(q) }); n != 0 {
		t.Errorf("Decide allocates %v times", n)
	}
}

// What a node may still do that hears of nothing, row by row.
func TestANodeOutOfTouchAllowsOnlyWhatDoesNoHarm(t *testing.T) {
	who := user(principal.Owner, assurance.Phr)
	for _, row := range []struct {
		class scope.Class
		needs scope.Scope
		until time.Duration
	}{
		{scope.Look, scope.OrdersRead, 120 * time.Second},
		{scope.Cancel, scope.OrdersCancel, 120 * time.Second},
		{scope.Order, scope.OrdersWrite, 2 * time.Second},
		{scope.Setting, 0, time.Second},
	} {
		for _, age := range []time.Duration{0, row.until, row.until + 1} {
			p := policy.Policy{Age: func() time.Duration { return age }}
			q := decision.Question{Principal: who, Class: row.class, Scope: row.needs}
			got := p.Decide(q)
			if stale := age > row.until; (got.Reason == fault.Stale) != stale || (got.Verdict == decision.Deny) != stale {
				t.Errorf("%s, %v out of touch: %+v", row.class, age, got)
			}
			q.Principal = principal.Host("cli")
			if got := p.Decide(q); got.Verdict != decision.Allow {
				t.Errorf("%s by the host, %v out of touch: %+v", row.class, age, got)
			}
		}
	}
	lost := policy.Policy{Age: func() time.Duration { return time.Hour }}
	if got := lost.Decide(decision.Question{Class: scope.Public}); got.Verdict != decision.Allow {
		t.Errorf("market data: %+v", got)
	}
	for _, c := range []scope.Class{scope.Destination, scope.Withdraw} {
		if got := lost.Decide(decision.Question{Principal: who, Class: c}); got.Reason != fault.Stale || got.RetryAfter <= 0 {
			t.Errorf("%s: %+v", c, got)
		}
	}
}
