package apikey

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Danger is one thing that somebody with the key's secret could do, or one that stops them. What is a word that the catalogues have a sentence
// for, with the facts in it.
type Danger struct {
	What  string
	Facts map[string]string
	// Bounds says that it stops them.
	Bounds bool
}

// IfStolen says what somebody could do now who holds the key's secret and nothing else: what it may do, then from where, then until when. It
// follows from the key and the policy alone, in the order of the sentences on its page. What the platform allows itself is not known here.
func (k *Keys) IfStolen(key Key) []Danger {
	switch standing, _ := k.Standing(key); standing {
	case StandsRevoked, StandsExpired:
		return []Danger{{What: "ended", Bounds: true}}
	case StandsBlocked, StandsOrphan, StandsOff, StandsDisabled:
		return []Danger{{What: string(standing), Bounds: true}}
	case StandsLive, StandsFrozen, StandsReadOnly:
	}
	now := k.Now()
	may := k.effective(key, now).UpTo(k.Ceiling(key.Dialect, key.Dialect.Coverage()))
	list := doings(key, may)
	if c := key.Dialect.Coverage(); c.Method && c.Path && c.Body && !key.Frozen() {
		list = append(list, Danger{What: "rotate"})
	}
	list = append(list, idle(key, may)...)
	list = append(list, wherefrom(key))
	if lapses := k.LapseAt(key); may.Has(scope.OrdersWrite) && !lapses.IsZero() && lapses.Before(key.ExpiresAt) {
		list = append(list, Danger{"lapses", map[string]string{"at": lapses.UTC().Format(time.RFC3339)}, true})
	}
	return append(list, Danger{"expires", map[string]string{"at": key.ExpiresAt.UTC().Format(time.RFC3339)}, true})
}

// doings are the powers, and the bounds on each.
func doings(key Key, may scope.Set) (list []Danger) {
	if looks := may.UpTo(scope.Look); looks != 0 {
		list = append(list, Danger{What: "look", Facts: map[string]string{"scopes": looks.String()}})
	}
	if may.Has(scope.OrdersCancel) {
		list = append(list, Danger{What: "cancel"})
	}
	if may.Has(scope.OrdersWrite) {
		list = append(list, trades(key.Bounds)...)
	}
	switch {
	case may.Has(scope.WithdrawalsWrite):
		list = append(list, Danger{What: "withdraw"}, Danger{"destinations", map[string]string{"list": strings.Join(destinationTexts(key.Destinations), ", ")}, true},
			Danger{What: "confirm", Bounds: true})
	case key.Scopes.Has(scope.WithdrawalsWrite) && key.ReleasedAt.IsZero():
		list = append(list, Danger{What: "unreleased", Bounds: true})
	default:
		list = append(list, Danger{What: "no_withdraw", Bounds: true})
	}
	if key.Bounds.PerSecond > 0 {
		list = append(list, Danger{"per_second", map[string]string{"n": strconv.Itoa(key.Bounds.PerSecond)}, true})
	}
	return list
}

// trades says what the orders of a stranger could be.
func trades(b Bounds) []Danger {
	list := []Danger{{What: "trade"}}
	if len(b.Markets) > 0 {
		list = append(list, Danger{"markets", map[string]string{"markets": strings.Join(b.Markets, ", ")}, true})
	}
	if b.OrderMost != "" {
		list = append(list, Danger{"order_most", map[string]string{"most": b.OrderMost}, true})
	}
	if b.DayMost != "" {
		return append(list, Danger{"day_most", map[string]string{"most": b.DayMost}, true})
	}
	return append(list, Danger{What: "no_day_most"})
}

// idle names what the key was given and may not do today.
func idle(key Key, may scope.Set) []Danger {
	resting := key.Scopes.UpTo(scope.Order) &^ may
	if resting == 0 {
		return nil
	}
	return []Danger{{"resting", map[string]string{"scopes": resting.String()}, true}}
}

// wherefrom says where they would have to be.
func wherefrom(key Key) Danger {
	switch {
	case len(key.Allowlist) > 0:
		networks := make([]string, len(key.Allowlist))
		for i, network := range key.Allowlist {
			networks[i] = nameOf(network)
		}
		return Danger{"allowlist", map[string]string{"networks": strings.Join(networks, ", ")}, true}
	case key.Pin == PinFirst, key.Pin == PinFirstSystem:
		return Danger{What: "pin_first"}
	case key.Pin != "":
		return Danger{"pinned", map[string]string{"network": key.Pin}, true}
	}
	return Danger{What: "anywhere"}
}
