package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// Containment is what the link "This wasn't me" of a mail stops. Each also cancels what was confirmed and has not left.
type Containment struct {
	// Kind says which sessions end, the reported one or all, and that money is held; its row stands in respond/consequence.
	Kind happening.Kind
	// Undo puts the address back that a change took away.
	Undo bool
	// Key stops the API key that is reported.
	Key bool
	// Member takes the invitation back that is reported, or whom it brought.
	Member bool
	// Outside says that nobody got in by what is reported.
	Outside bool
	// Stay makes the link work for as long as there may be something to stop: a departure, or the end of a demand.
	Stay bool
}

// Lives of links, from when their mail was handed over.
const (
	LinkLife = 24 * time.Hour
	UndoLife = 72 * time.Hour
	// StayLife is as long as a departure, or the end of a demand, may be made to wait.
	StayLife = 30 * 24 * time.Hour
)

// Life is how long the link works.
func (c Containment) Life() time.Duration {
	switch {
	case c.Undo:
		return UndoLife
	case c.Stay:
		return StayLife
	}
	return LinkLife
}

// containments maps notice → what its link stops. A notice without a line has no link: nothing was done that its reader could disown, or it reports
// what they did with such a link.
var containments = map[Letter]Containment{
	NewDevice:             {Kind: happening.ReportedSession},
	LimitedSignIn:         {Kind: happening.ReportedSession},
	CodesGuessed:          {Kind: happening.ReportedSession, Outside: true},
	Disowned:              {Kind: happening.ReportedChange},
	CookieReplayed:        {Kind: happening.ReportedChange},
	SessionCopied:         {Kind: happening.ReportedSession},
	SignedOutOthers:       {Kind: happening.ReportedChange},
	SignedOutEverywhere:   {Kind: happening.ReportedChange},
	PasswordChanged:       {Kind: happening.ReportedChange},
	FactorAdded:           {Kind: happening.ReportedChange},
	FactorRemoved:         {Kind: happening.ReportedChange},
	KeyCreated:            {Kind: happening.ReportedChange, Key: true},
	KeyRevoked:            {Kind: happening.ReportedChange},
	KeyRotated:            {Kind: happening.ReportedChange, Key: true},
	KeyExtended:           {Kind: happening.ReportedChange, Key: true},
	KeyFrozen:             {Kind: happening.ReportedChange},
	KeyUnfrozen:           {Kind: happening.ReportedChange, Key: true},
	KeyBlocked:            {Kind: happening.ReportedChange},
	KeyUnblocked:          {Kind: happening.ReportedChange, Key: true},
	KeyLeaked:             {Kind: happening.ReportedChange},
	KeyWidened:            {Kind: happening.ReportedChange, Key: true},
	KeyWoken:              {Kind: happening.ReportedChange, Key: true},
	MemberInvited:         {Kind: happening.ReportedChange, Member: true},
	MemberJoined:          {Kind: happening.ReportedChange, Member: true},
	MemberUnfrozen:        {Kind: happening.ReportedChange, Member: true},
	KeyTransferred:        {Kind: happening.ReportedChange, Key: true},
	KeyReleased:           {Kind: happening.ReportedChange, Key: true},
	KeyStrayed:            {Kind: happening.ReportedSession, Key: true},
	AccountLocked:         {Kind: happening.ReportedChange},
	AccountUnlocked:       {Kind: happening.ReportedChange},
	MoneyConfirmed:        {Kind: happening.ReportedChange},
	PasskeyCloned:         {Kind: happening.ReportedChange},
	RecoveryCodesReplaced: {Kind: happening.ReportedChange},
	RecoveryCompleted:     {Kind: happening.ReportedChange},
	RecoveryCancelled:     {Kind: happening.ReportedChange},
	RecoveryDisputed:      {Kind: happening.ReportedChange},
	RecoveryShortened:     {Kind: happening.ReportedChange},
	RecoveryLengthened:    {Kind: happening.ReportedChange},
	PhraseChanged:         {Kind: happening.ReportedChange},
	DeviceLost:            {Kind: happening.ReportedChange},
	ContactChanged:        {Kind: happening.ReportedChange, Undo: true},
	DepartureBegun:        {Kind: happening.ReportedChange, Stay: true},
	DepartureNear:         {Kind: happening.ReportedChange, Stay: true},
	ActQuestioned:         {Kind: happening.ReportedChange},
	DemandMade:            {Kind: happening.ReportedChange},
	DemandDropped:         {Kind: happening.ReportedChange, Stay: true},
}

// ContainmentOf is what the link of a letter stops; ok is false for one without a link.
func ContainmentOf(l Letter) (c Containment, ok bool) {
	c, ok = containments[l]
	return c, ok
}

// Stops is what a link stops beside what follows by the table. Each works in the caller's transaction, and finding nothing to stop is no error.
type Stops struct {
	// Sessions ends a session and makes its browser a stranger.
	Sessions interface {
		Reject(ctx context.Context, tx any, u id.User, s id.Session) error
	}
	// Keys stops an API key of the user, reversibly.
	Keys interface {
		StopReported(ctx context.Context, tx any, u id.User, k id.Key) error
	}
	// Members takes back an invitation, or whoever came by one, and sends out of an account who did something there that an owner does not know of.
	Members interface {
		StopReported(ctx context.Context, tx any, owner id.User, facts map[string]string) error
		MayQuestion(ctx context.Context, tx any, act member.Act) (bool, error)
		Question(ctx context.Context, tx any, act member.Act) error
	}
	// Demands keeps what the user demands of themselves, where it was given up.
	Demands interface {
		Keep(ctx context.Context, tx any, u id.User) error
	}
	// Contacts puts an address back; done is false when it cannot be, because it is another user's now, or was put back already.
	Contacts interface {
		Undo(ctx context.Context, tx any, u id.User, c id.ContactChange) (done bool, err error)
	}
}

// link is the path of a message's link: the id, a point, and a MAC of 256 bits over it. It is kept nowhere.
func (n *Notices) link(m id.Message) string {
	return "/not-me/" + m.String() + "." + base64.RawURLEncoding.EncodeToString(n.mac(m))
}

func (n *Notices) mac(m id.Message) []byte {
	mac := hmac.New(sha256.New, n.Key)
	mac.Write([]byte("not me\x00"))
	mac.Write(m[:])
	return mac.Sum(nil)
}

// at reads the last segment of a link. Errors: notice.link_unknown.
func (n *Notices) at(address string) (id.Message, error) {
	text, token, _ := strings.Cut(address, ".")
	which, err := id.Parse[id.MessageKind](text)
	if err != nil {
		return which, fault.New(fault.NoticeLinkUnknown)
	}
	given, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || !hmac.Equal(given, n.mac(which)) {
		return which, fault.New(fault.NoticeLinkUnknown)
	}
	return which, nil
}

// Reported is a notice as whoever holds its link sees it: what it says in one line, and what the link stops.
type Reported struct {
	ID      id.Message
	Born    time.Time
	Subject string
	Plan    Containment
	// Session says that the notice reports one, Undone that an address was put back.
	Session, Undone bool
	// Other says that somebody else did it in an account: nothing of the reader's own ends. Questions says that the reader's word sends whoever did it out of
	// that account.
	Other, Questions bool
	// Factor is the kind of a sign-in method that the notice reports as new: the first thing to look at.
	Factor string
	// Until is how long the link works; Contained when it was used.
	Until, Contained time.Time
}

// Open says whether the link still works.
func (r Reported) Open(now time.Time) bool { return r.Contained.IsZero() && now.Before(r.Until) }

// Report reads the notice of a link, and changes nothing. Errors: notice.link_unknown.
func (n *Notices) Report(ctx context.Context, lang, address string) (r Reported, err error) {
	which, err := n.at(address)
	if err != nil {
		return r, err
	}
	var m Message
	questions := false
	err = n.Ledger.View(ctx, func(tx Tx) (err error) {
		if m, err = reported(ctx, tx, which); err == nil {
			questions, err = n.questions(ctx, tx, m)
		}
		return err
	})
	if err != nil {
		return r, err
	}
	r, err = n.report(lang, m)
	r.Questions = questions
	return r, err
}

func reported(ctx context.Context, tx Tx, which id.Message) (Message, error) {
	m, found, err := tx.MessageByID(ctx, which)
	if err != nil {
		return m, fmt.Errorf("read message: %w", err)
	}
	if _, stops := containments[m.Letter]; !found || !stops {
		return m, fault.New(fault.NoticeLinkUnknown)
	}
	return m, nil
}

func (n *Notices) report(lang string, m Message) (Reported, error) {
	text, err := n.Reader.Read(lang, m)
	added := ""
	if m.Letter == FactorAdded {
		added = m.Facts["kind"]
	}
	return Reported{
		ID: m.ID, Born: m.Born, Subject: text.Subject, Plan: containments[m.Letter], Session: !m.Session.IsZero(), Until: m.LinkUntil, Contained: m.Contained,
		Factor: added, Other: m.Other(),
	}, err
}

// Contain stops what the notice of a link reports, once, before it answers: sessions end, what was confirmed is cancelled, money is held. Whoever
// holds the link may, without a session; it does nothing else. Of what somebody else did it stops that, and what else follows is in other.go.
// Errors: notice.link_unknown, notice.link_over.
func (n *Notices) Contain(ctx context.Context, from principal.Origin, lang, address string) (r Reported, err error) {
	which, err := n.at(address)
	if err != nil {
		return r, err
	}
	var m Message
	undone, questions := false, false
	err = n.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		var err error
		if m, err = reported(ctx, tx, which); err != nil {
			return audit.Event{}, err
		}
		m.Contained = n.Now()
		won, err := tx.ContainMessage(ctx, which, m.Contained)
		if err != nil {
			return audit.Event{}, fmt.Errorf("use link: %w", err)
		}
		if !won {
			return audit.Event{}, fault.New(fault.NoticeLinkOver)
		}
		if questions, err = n.questions(ctx, tx, m); err != nil {
			return audit.Event{}, err
		}
		if undone, err = n.stop(ctx, tx, m); err != nil {
			return audit.Event{}, err
		}
		facts := map[string]string{"letter": string(m.Letter), "agent": from.Agent, "addr": from.Addr.String()}
		if m.Other() {
			return n.containOther(ctx, tx, m, from, questions)
		}
		plan := containments[m.Letter]
		h := happening.Happening{Kind: plan.Kind, Outside: plan.Outside, User: m.User, Session: m.Session, Facts: facts, About: m.ID.String(), Evidence: evidenceOf(m)}
		return audit.Event{Action: audit.NoticeContained, Actor: principal.Nobody(from), Person: m.User, Facts: facts}, n.Follow.Apply(ctx, tx, h)
	})
	if err != nil {
		return r, err
	}
	r, err = n.report(lang, m)
	r.Undone, r.Questions = undone, questions
	return r, err
}

// evidenceOf is what operators are shown of a notice whose reader said that it was not them: what it reported, and when.
func evidenceOf(m Message) map[string]string {
	evidence := map[string]string{"message": m.ID.String(), "sent": m.Born.UTC().Format(time.RFC3339)}
	if !m.Session.IsZero() {
		evidence["session"] = m.Session.String()
	}
	for name, value := range m.Facts {
		evidence["reported_"+name] = value
	}
	return evidence
}

// stop does what is not in the table of respond/consequence.
func (n *Notices) stop(ctx context.Context, tx Tx, m Message) (undone bool, err error) {
	plan := containments[m.Letter]
	if !m.Session.IsZero() && !m.Other() {
		if err := n.Stops.Sessions.Reject(ctx, tx, m.User, m.Session); err != nil {
			return false, err
		}
	}
	if !m.Other() {
		if err := n.Stops.Demands.Keep(ctx, tx, m.User); err != nil {
			return false, err
		}
	}
	if k, _, err := id.ParseKey(m.Facts["key"]); plan.Key && err == nil {
		if err := n.Stops.Keys.StopReported(ctx, tx, m.User, k); err != nil {
			return false, err
		}
	}
	if plan.Member {
		if err := n.Stops.Members.StopReported(ctx, tx, m.User, m.Facts); err != nil {
			return false, err
		}
	}
	if plan.Undo {
		return n.Stops.Contacts.Undo(ctx, tx, m.User, m.Change)
	}
	return false, nil
}
