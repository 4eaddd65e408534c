package apikey

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// AgeSteps part keys by how long ago their newest secret was made.
var AgeSteps = [...]time.Duration{day, 7 * day, 30 * day, 90 * day, 180 * day, 365 * day}

// Census counts keys that are neither revoked nor expired and that have the same power.
type Census struct {
	Environment id.Environment
	// Class is the highest that one of their scopes has, as they were given.
	Class scope.Class
	// Tied: they are held to a network, so that whoever steals one has to be there.
	Tied bool
	Keys int
	// Age is that of their newest secrets, added up; Younger how many are no older than each of AgeSteps.
	Age     time.Duration
	Younger [len(AgeSteps)]int
}

// Census counts all keys from memory, the test environment's first, the least powerful first.
func (k *Keys) Census() []Census {
	type group struct {
		environment id.Environment
		class       scope.Class
		tied        bool
	}
	now, groups := k.Now(), map[group]*Census{}
	k.index.mu.RLock()
	for _, l := range k.index.byID {
		if l.revoked != noMoment || now.UnixMicro() >= l.expires {
			continue
		}
		g := group{l.Environment, l.Scopes.Highest(), l.lapses == noMoment}
		c := groups[g]
		if c == nil {
			c = &Census{Environment: g.environment, Class: g.class, Tied: g.tied}
			groups[g] = c
		}
		age := now.Sub(time.UnixMicro(l.Materials[0].made))
		c.Keys++
		c.Age += age
		for i, step := range AgeSteps {
			if age <= step {
				c.Younger[i]++
			}
		}
	}
	k.index.mu.RUnlock()
	list := make([]Census, 0, len(groups))
	for _, c := range groups {
		list = append(list, *c)
	}
	untied := func(c Census) int {
		if c.Tied {
			return 0
		}
		return 1
	}
	slices.SortFunc(list, func(a, b Census) int {
		return cmp.Or(cmp.Compare(b.Environment, a.Environment), cmp.Compare(a.Class, b.Class), untied(a)-untied(b))
	})
	return list
}
