package audit

import (
	"container/list"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Kept is one refused request, for those who may know why.
type Kept struct {
	Refusal
	Request id.Request
	At      time.Time
	// Proven says that whoever sent it held the key or the session.
	Proven bool
	// Facts are what was seen and expected.
	Facts map[string]string
	// ToSign is what the signature had to be over, with a test key; empty otherwise.
	ToSign string
}

// latest keeps the last refused requests by their ids, in memory alone: what was refused is counted in the log, and this is for the developer
// who asks about the request of a minute ago. Strangers who hammer a key drive out what strangers were refused, never what its holder was.
type latest struct {
	mu      sync.Mutex
	byID    map[id.Request]*list.Element // of order; guarded by mu
	order   *list.List                   // of Kept, the oldest first; guarded by mu
	perKind map[keptKind][]id.Request    // the oldest first; guarded by mu
}

type keptKind struct {
	person id.User
	key    id.Key
	proven bool
}

// maxKept bounds the memory, maxKeptOfKind what there is of one key or one person.
const (
	maxKept       = 10_000
	maxKeptOfKind = 100
)

func newLatest() latest {
	return latest{byID: map[id.Request]*list.Element{}, order: list.New(), perKind: map[keptKind][]id.Request{}}
}

func (k *Kept) kind() keptKind { return keptKind{k.Person, k.Key, k.Proven} }

// Keep remembers one refused request of somebody. What is sealed is kept as what stands for it outside.
func (t *Tally) Keep(k Kept) {
	if entry, ok := fault.Lookup(fault.Code(k.Reason)); ok && entry.Sight == fault.Sealed {
		k.Reason, k.Facts, k.ToSign = string(entry.Outside), nil, ""
	}
	l := &t.latest
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.Request.IsZero() || l.byID[k.Request] != nil {
		return
	}
	kind := k.kind()
	switch {
	case len(l.perKind[kind]) >= maxKeptOfKind:
		l.forget(l.byID[l.perKind[kind][0]])
	case l.order.Len() >= maxKept:
		l.forget(l.order.Front())
	}
	l.byID[k.Request] = l.order.PushBack(k)
	l.perKind[kind] = append(l.perKind[kind], k.Request)
}

// forget drops the oldest of its kind.
func (l *latest) forget(e *list.Element) {
	k, _ := l.order.Remove(e).(Kept)
	delete(l.byID, k.Request)
	kind := k.kind()
	if l.perKind[kind] = l.perKind[kind][1:]; len(l.perKind[kind]) == 0 {
		delete(l.perKind, kind)
	}
}

// Why gives a refused request that the principal may know about: one of their own, or of their account. For all others, and for those that
// were never refused or are too long ago, found is false.
func (t *Tally) Why(p principal.Principal, r id.Request) (k Kept, found bool) {
	t.latest.mu.Lock()
	defer t.latest.mu.Unlock()
	e := t.latest.byID[r]
	if e == nil {
		return k, false
	}
	k, _ = e.Value.(Kept)
	own := p.Kind == principal.KindUser && k.Person == p.User
	if !own && (k.Account.IsZero() || k.Account != p.Account) {
		return Kept{}, false
	}
	return k, true
}
