// Package assurance owns the properties of a proof, and the order between them.
//
// It knows no factor by product name: a policy asks for what a proof can resist, and says which property is missing. The acr
// values are the two OpenID EAP names (phr, phrh) and two of our own below them.
//
//	none < pwd < mfa < phr < phrh
package assurance

import "time"

// Level is an acr value, ordered by strength. The zero value proves nothing.
type Level uint8

// The levels, weakest first.
const (
	// None: nobody has proven anything.
	None Level = iota
	// Pwd: one factor, a password. May look and cancel.
	Pwd
	// Mfa: two factors, of which none resists phishing.
	Mfa
	// Phr: a user-verified passkey; a phished user cannot hand it on (OpenID EAP ACR Values 1.0 §2).
	Phr
	// Phrh: as Phr, from a key that never leaves its attested device (OpenID EAP ACR Values 1.0 §2).
	Phrh
)

var levelNames = [...]string{None: "none", Pwd: "pwd", Mfa: "mfa", Phr: "phr", Phrh: "phrh"}

// String is the acr value.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return "none"
}

// ParseLevel reads an acr value; unknown text is None, so that a value from a newer release never raises anything.
func ParseLevel(s string) Level {
	for l, name := range levelNames {
		if name == s {
			return Level(l)
		}
	}
	return None
}

// MarshalText writes the acr value.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads an acr value as ParseLevel does.
func (l *Level) UnmarshalText(b []byte) error {
	*l = ParseLevel(string(b))
	return nil
}

// Factor is the kind of a credential. The values are bits, so that a proof can hold several, and are stored: never renumber.
type Factor uint8

// The factors a person can prove with.
const (
	Password Factor = 1 << iota
	TOTP
	Passkey
	RecoveryCode
)

// Proof says what has been shown, when, and what that resists. The zero value proves nothing.
type Proof struct {
	// Factors that were shown, as bits.
	Factors Factor
	// UserVerified: the authenticator itself checked its user (WebAuthn L3 §6.1 flag UV).
	UserVerified bool
	// PhishingResistant: the proof is bound to our origin by the client.
	PhishingResistant bool
	// DeviceBound: the key cannot leave its device, and an accepted attestation says so.
	DeviceBound bool
	// At is when the latest factor was shown.
	At time.Time
	// BoundAt is when the device to which the session is bound last proved its key, and with this request showed the cookie that it got for
	// it; zero if the session is not bound. It says where the session is and nothing of who sits there, so it raises no level.
	BoundAt time.Time
}

// Level computes the acr from the properties, never from the path a user took: a mix of factors nobody thought of gets what its
// properties are worth. A passkey without user verification is one factor.
func (p Proof) Level() Level {
	switch {
	case p.PhishingResistant && p.UserVerified && p.DeviceBound:
		return Phrh
	case p.PhishingResistant && p.UserVerified:
		return Phr
	case p.Factors&Password != 0 && p.Factors&(TOTP|Passkey) != 0:
		return Mfa
	case p.Factors&(Password|Passkey) != 0:
		return Pwd
	}
	return None
}

// Property is what a proof can resist. The words are stored nowhere but in answers, and never change.
type Property string

// The properties, as policies and refusals name them.
const (
	// TwoFactors: two kinds of credentials, or one that is two in itself.
	TwoFactors Property = "two_factors"
	// UserVerified, PhishingResistant and DeviceBound are those of Proof.
	UserVerified      Property = "user_verified"
	PhishingResistant Property = "phishing_resistant"
	DeviceBound       Property = "device_bound"
	// Fresh: shown just now, for this very action.
	Fresh Property = "fresh"
)

// ParseProperty reads one of the properties that a policy may ask for beyond a level; ok is false for any other word.
func ParseProperty(s string) (p Property, ok bool) {
	switch p = Property(s); p {
	case UserVerified, PhishingResistant, DeviceBound, Fresh:
		return p, true
	case TwoFactors:
	}
	return "", false
}

// LevelWith is the least level at which a proof has all of them. Fresh is in none: it says when, not what.
func LevelWith(list []Property) (least Level) {
	for _, p := range list {
		switch p {
		case DeviceBound:
			least = max(least, Phrh)
		case UserVerified, PhishingResistant:
			least = max(least, Phr)
		case TwoFactors:
			least = max(least, Mfa)
		case Fresh:
		}
	}
	return least
}

// Missing names what the proof lacks for a level, so that a refusal can say it; empty if nothing.
func (p Proof) Missing(needs Level) []Property {
	missing := []Property{}
	if needs <= p.Level() {
		return missing
	}
	if needs == Mfa {
		return append(missing, TwoFactors)
	}
	for _, has := range []struct {
		name Property
		at   Level
		is   bool
	}{{UserVerified, Phr, p.UserVerified}, {PhishingResistant, Phr, p.PhishingResistant}, {DeviceBound, Phrh, p.DeviceBound}} {
		if needs >= has.at && !has.is {
			missing = append(missing, has.name)
		}
	}
	return missing
}

// Words are the properties as text.
func Words(list []Property) []string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = string(p)
	}
	return words
}

// Fresh says whether the proof is at most age old at now. A proof from the future is not fresh.
func (p Proof) Fresh(now time.Time, age time.Duration) bool {
	return !p.At.IsZero() && !p.At.After(now) && now.Sub(p.At) <= age
}

// With adds a second proof of the same session. Properties add up; the time is the later one.
func (p Proof) With(q Proof) Proof {
	p.Factors |= q.Factors
	p.UserVerified = p.UserVerified || q.UserVerified
	p.PhishingResistant = p.PhishingResistant || q.PhishingResistant
	p.DeviceBound = p.DeviceBound || q.DeviceBound
	if q.At.After(p.At) {
		p.At = q.At
	}
	return p
}

// Shows says whether a factor that was shown just now, not a session's past, has the property that a level asks for. Two factors were two
// already: after a password a code of the app shows mfa, and any factor shows pwd.
func (p Proof) Shows(needs Level) bool {
	switch {
	case needs >= Phr:
		return p.Level() >= needs
	case needs == Mfa:
		return p.Factors&(TOTP|Passkey) != 0
	}
	return p.Factors != 0
}

// Why says what made a challenge. Words are stored and never change.
type Why string

// The reasons. The empty one is that of no challenge.
const (
	// Stranger: the browser is not known for this user, who proved less there than they can.
	Stranger Why = "stranger"
	// Idle: no human act for too long.
	Idle Why = "idle"
	// TwoAgents: another browser shows the session's cookie than the one that signed in.
	TwoAgents Why = "two_agents"
	// Program: what shows the cookie of a browser's session calls itself no browser.
	Program Why = "program"
	// Elsewhere: the session's cookie is shown from a network and a country at once where it was not before.
	Elsewhere Why = "elsewhere"
	// Unrenewed: the session's device could not renew its cookie, and the fault was ours.
	Unrenewed Why = "unrenewed"
	// Demanded: the user demands more of themselves than the session was proven with.
	Demanded Why = "demanded"
)

// Unusual says that the reason lies in how the session is shown just now, and not in what is kept of it.
func (w Why) Unusual() bool { return w == TwoAgents || w == Program || w == Elsewhere }

// Challenge is a factor that a session still has to show: until then it looks and cancels, and nothing more. The zero value asks for none.
type Challenge struct {
	Why   Why
	Needs Level
	// Until is when it lapses by itself; zero if it does not.
	Until time.Time
}

// Open says whether the challenge stands at now.
func (c Challenge) Open(now time.Time) bool {
	return c.Why != "" && (c.Until.IsZero() || now.Before(c.Until))
}
