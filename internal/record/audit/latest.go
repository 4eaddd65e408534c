package audit

import (
	"container/list"
	"fmt"
	"slices"
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
	// Subaccount that the key is pinned to, of a refusal of a key.
	Subaccount id.Subaccount
	// Proven says that whoever sent it held the key or the session.
	Proven bool
	// Facts are what was seen and expected.
	Facts map[string]string
	// ToSign is what the signature had to be over, with a test key; empty otherwise.
	ToSign string
}

// latest keeps the last refused requests by their ids, in memory alone: what was refused is counted in the log, and this is for the developer
// who asks about the request of a minute ago. Strangers who hammer a key drive out what strangers were refused, never what its holder was; and
// one person, with however many keys, drives out a twentieth of the others at the most.
type latest struct {
	mu       sync.Mutex
	byID     map[id.Request]*list.Element // of order; guarded by mu
	order    *list.List                   // of Kept, the oldest first; guarded by mu
	perShare map[share][]id.Request       // the oldest first; guarded by mu
}

// share is what one key, or one person with all keys, may have of the memory.
type share struct {
	person id.User
	key    id.Key // zero for all of a person's
	proven bool
	most   int
}

// maxKept bounds the memory, the others what there is of one key and of one person.
const (
	maxKept         = 10_000
	maxKeptOfKey    = 100
	maxKeptOfPerson = 500
)

func newLatest() latest {
	return latest{byID: map[id.Request]*list.Element{}, order: list.New(), perShare: map[share][]id.Request{}}
}

// shares are those that a refusal takes from; most tells what belongs to no key from the whole of a person.
func (k *Kept) shares() [2]share {
	return [...]share{{k.Person, k.Key, k.Proven, maxKeptOfKey}, {k.Person, id.Key{}, k.Proven, maxKeptOfPerson}}
}

// FactsOf are the facts of a refusal as its owner reads them.
func FactsOf(f *fault.Error) map[string]string {
	facts := make(map[string]string, len(f.Fields))
	for name, value := range f.Fields {
		facts[name] = fmt.Sprint(value)
	}
	return facts
}

// Refused counts one refused request of somebody, as Note does, and keeps it for those who ask why. It writes nothing and waits for nothing.
func (t *Tally) Refused(k Kept, actor principal.Principal) {
	t.keep(k)
	t.Note(k.Refusal, actor, k.Facts)
}

// keep remembers one refused request. What is sealed is kept as what stands for it outside.
func (t *Tally) keep(k Kept) {
	if entry, ok := fault.Lookup(fault.Code(k.Reason)); ok && entry.Sight == fault.Sealed {
		k.Reason, k.Facts, k.ToSign = string(entry.Outside), nil, ""
	}
	l := &t.latest
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.Request.IsZero() || l.byID[k.Request] != nil {
		return
	}
	for _, s := range k.shares() {
		if kept := l.perShare[s]; len(kept) >= s.most {
			l.forget(l.byID[kept[0]])
		}
	}
	if l.order.Len() >= maxKept {
		l.forget(l.order.Front())
	}
	l.byID[k.Request] = l.order.PushBack(k)
	for _, s := range k.shares() {
		l.perShare[s] = append(l.perShare[s], k.Request)
	}
}

// forget drops one refused request.
func (l *latest) forget(e *list.Element) {
	k, _ := l.order.Remove(e).(Kept)
	delete(l.byID, k.Request)
	for _, s := range k.shares() {
		kept := slices.DeleteFunc(l.perShare[s], func(r id.Request) bool { return r == k.Request })
		if l.perShare[s] = kept; len(kept) == 0 {
			delete(l.perShare, s)
		}
	}
}

// Why gives a refused request that the principal may know about: one of their own, or of their account; to a key only what was refused to keys of its own
// subaccount. For all others, and for those that were never refused or are too long ago, found is false.
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
	if p.Kind == principal.KindKey && (k.Key.IsZero() || k.Subaccount != p.Subaccount) {
		return Kept{}, false
	}
	return k, true
}
