package checkup

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
)

// Kind is what a question is about.
type Kind string

// The kinds.
const (
	AboutSession  Kind = "session"
	AboutBrowser  Kind = "browser"
	AboutPassword Kind = "password"
	AboutApp      Kind = "app"
	AboutPasskey  Kind = "passkey"
	AboutCodes    Kind = "codes"
	AboutMail     Kind = "mail"
	AboutSecond   Kind = "second"
	AboutNumber   Kind = "number"
	AboutKey      Kind = "key"
)

// Question asks about one thing that the account holds: "is this yours, and as it should be?".
type Question struct {
	Layer Layer
	Kind  Kind
	// ID is the thing's own, where there can be several.
	ID string
	// Name is how its reader knows it: a name, an address, or what a browser said about itself.
	Name string
	// Since is when it came to be what it is; Used when it was last used, from From. All may be empty.
	Since, Used time.Time
	From        string
	// Left is how many codes nobody has spent.
	Left int
	// Confirmed is when it was answered with yes; zero while it is open.
	Confirmed time.Time

	state [16]byte
}

// Item is the name under which an answer is kept.
func (q Question) Item() string { return strings.TrimSuffix(string(q.Kind)+" "+q.ID, " ") }

// State is a digest of everything that an answer holds for.
func (q Question) State() string { return base64.RawURLEncoding.EncodeToString(q.state[:]) }

// about sets what an answer holds for.
func (q Question) about(parts ...any) Question {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", append([]any{q.Kind, q.ID}, parts...)))
	copy(q.state[:], sum[:])
	return q
}

// ask lists the questions, layer by layer. The session that asks is none: whoever reads sits there.
func ask(a Account, said []Assent) (list []Question) {
	for _, s := range a.Sessions {
		if s.ID != a.This.Session {
			list = append(list, ofSession(s))
		}
	}
	for _, b := range a.Browsers {
		q := Question{Layer: Sessions, Kind: AboutBrowser, ID: b.ID.String(), Name: b.Agent, Since: b.Since, Used: b.Last}
		list = append(list, q.about(b.Since.UnixMicro())) // an update of the browser asks nothing
	}
	list = append(list, ofMethods(a)...)
	if c := a.Methods.Codes; c != nil {
		list = append(list, Question{Layer: Recovery, Kind: AboutCodes, Since: c.Born, Left: c.Left}.about(c.Born.UnixMicro(), c.Left))
	}
	r := a.Reached
	list = append(list, Question{Layer: Contact, Kind: AboutMail, Name: r.Mail, Since: r.MailSince}.about(r.Mail, r.MailSince.UnixMicro()))
	if r.Second != "" {
		list = append(list, Question{Layer: Contact, Kind: AboutSecond, Name: r.Second, Since: r.SecondSince}.about(r.Second, r.SecondSince.UnixMicro()))
	}
	if r.Phone != "" {
		list = append(list, Question{Layer: Contact, Kind: AboutNumber, Name: r.Phone, Since: r.PhoneSince}.about(r.Phone, r.PhoneSince.UnixMicro()))
	}
	for _, k := range a.Keys {
		list = append(list, ofKey(k))
	}
	for i, q := range list {
		for _, s := range said {
			if s.Item == q.Item() && s.State == q.state {
				list[i].Confirmed = s.At
			}
		}
	}
	return list
}

func ofSession(s session.Listed) Question {
	q := Question{Layer: Sessions, Kind: AboutSession, ID: s.ID.String(), Name: s.Agent, Since: s.Born, Used: s.ActedAt, From: s.Addr}
	return q.about(s.Agent, s.Addr, string(s.Challenge.Why))
}

func ofMethods(a Account) (list []Question) {
	if p := a.Methods.Password; p != nil {
		list = append(list, Question{Layer: SignIn, Kind: AboutPassword, Since: p.ChangedAt}.about(p.ChangedAt.UnixMicro()))
	}
	if t := a.Methods.TOTP; t != nil {
		list = append(list, Question{Layer: SignIn, Kind: AboutApp, Since: t.ConfirmedAt}.about(t.ConfirmedAt.UnixMicro()))
	}
	for _, c := range a.Methods.Passkeys {
		q := Question{Layer: SignIn, Kind: AboutPasskey, ID: c.ID.String(), Name: c.Name, Since: c.Born, Used: c.LastUsedAt}
		list = append(list, q.about(c.Name, c.Born.UnixMicro()))
	}
	return list
}

// ofKey asks again when a key may do more, or is reached from elsewhere, or ends at another time.
func ofKey(k apikey.Key) Question {
	q := Question{Layer: Keys, Kind: AboutKey, ID: k.Text(), Name: k.Name, Since: k.Born, Used: k.LastUsedAt, From: k.LastUsedFrom}
	return q.about(k.Name, k.Purpose, k.Scopes.Words(), fmt.Sprint(k.Allowlist), k.Pin, k.ExpiresAt.UnixMicro(), k.Standby, k.ReleasedAt.IsZero(), fmt.Sprint(k.Bounds), k.OnEnd, k.Owner.String())
}
