// Package principal owns the answer of room prove: who is there, proven how strongly, from where, and with which scopes.
//
// A principal is a value and is handed on as a parameter, never inside a context. There is no nil principal: background work
// says System, the host's command line says Host, and a stranger is Nobody.
package principal

import (
	"net/netip"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Kind says what proved itself.
type Kind uint8

// The kinds. The zero value is Nobody, who may do only what strangers may.
const (
	// KindNobody has proven nothing.
	KindNobody Kind = iota
	// KindUser is a person with a session.
	KindUser
	// KindKey is a program with a signed request.
	KindKey
	// KindSystem is background work of the server.
	KindSystem
	// KindHost is an operator at the server's own command line.
	KindHost
)

var kindNames = [...]string{KindNobody: "nobody", KindUser: "user", KindKey: "key", KindSystem: "system", KindHost: "host"}

// String is the word of the kind, as stored in audit events.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "nobody"
}

// Role is a member's role in an account. Values order power within an account and are stored as words.
type Role uint8

// The roles, weakest first. The zero value belongs to no account.
const (
	// NoRole is not a member.
	NoRole Role = iota
	// Viewer looks.
	Viewer
	// Trader looks and trades.
	Trader
	// Owner does everything, and alone manages members, keys and money.
	Owner
)

var roleNames = [...]string{NoRole: "", Viewer: "viewer", Trader: "trader", Owner: "owner"}

// String is the word of the role.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return ""
}

// ParseRole reads the word of a role; unknown text is NoRole, which may do nothing.
func ParseRole(s string) Role {
	for r, name := range roleNames {
		if name == s {
			return Role(r)
		}
	}
	return NoRole
}

// Origin is where a request came from. It supports words and signals; no power rests on it alone.
type Origin struct {
	// Request is the id that answers and log lines carry.
	Request id.Request
	// Addr is the client's address, unmapped, taken from declared proxies only.
	Addr netip.Addr
	// Agent is the User-Agent header, cut to 256 bytes. The sender chooses it.
	Agent string
	// Device is the browser's own record, zero if it has none.
	Device id.Device
	// Bound is the hash of the device-bound cookie that came along, zero if none did. It counts for the session alone to which it was given.
	Bound [32]byte
	// Skipped is why the browser says that it did not renew that cookie: a word of a closed list, and its own.
	Skipped string
}

// Principal is who acts.
type Principal struct {
	Kind Kind
	// Name of the job (KindSystem) or of the operator's system user (KindHost).
	Name string

	User       id.User
	Account    id.Account
	Subaccount id.Subaccount
	Role       Role

	// Session, with KindUser.
	Session id.Session
	// Bearer is the hash of what the session was shown by. A change in this name commits only while that bearer is the session's own.
	// Zero where nothing was shown: a session that only begins, or a refusal that is told later.
	Bearer [32]byte
	// Key and Environment, with KindKey.
	Key         id.Key
	Environment id.Environment
	// Secret is the version of the key's secret that signed.
	Secret uint32

	// Scopes are what this principal holds today: for a key already the intersection with its owner's.
	Scopes scope.Set
	// Proof is how a person proved it. It is zero for keys, whose every request is a proof.
	Proof assurance.Proof
	// Challenge is the factor that the session has to show before it does more than look and cancel. It is there only while it stands.
	Challenge assurance.Challenge
	// Frozen, with KindUser: another owner has the account locked, or the membership waits for an owner's review. Scopes are narrowed by it already.
	Frozen bool
	// Lang is the language of the user's pages and mails: "en" or "ko".
	Lang string

	Origin Origin
}

// Nobody is a stranger who comes from o.
func Nobody(o Origin) Principal { return Principal{Kind: KindNobody, Origin: o} }

// System is background work called job.
func System(job string) Principal { return Principal{Kind: KindSystem, Name: job} }

// Host is an operator at the host's command line, named by the system.
func Host(name string) Principal { return Principal{Kind: KindHost, Name: name} }

// Trusted says whether the principal is the server itself or its host, for whom no role or assurance is asked.
func (p Principal) Trusted() bool { return p.Kind == KindSystem || p.Kind == KindHost }

// Level is the assurance the principal has now: a session with a challenge keeps only what looking and cancelling need.
func (p Principal) Level() assurance.Level {
	if p.Challenge.Why != "" {
		return min(p.Proof.Level(), assurance.Pwd)
	}
	return p.Proof.Level()
}
