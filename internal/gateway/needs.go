package gateway

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// freshness is how old the last proof of a session may be where a route needs a fresh one: as long as a step-up counts.
const freshness = 5 * time.Minute

// parseNeeds reads the properties that a line asks of a proof, in the words of refusals. Asking only ever adds to what the class needs.
func parseNeeds(words []string, class scope.Class) (list []assurance.Property, err error) {
	if len(words) > 0 && class == scope.Public {
		return nil, errors.New("a public route asks nobody for a proof")
	}
	for _, word := range words {
		p, ok := assurance.ParseProperty(word)
		switch {
		case !ok:
			return nil, fmt.Errorf("needs %q: want phishing_resistant, user_verified, device_bound or fresh", word)
		case slices.Contains(list, p):
			return nil, fmt.Errorf("needs %s twice", p)
		}
		list = append(list, p)
	}
	return list, nil
}

// ask makes the route need the properties. Where money moves they are asked of the passkey that confirms, which is always fresh, verified and
// bound to our page; elsewhere of the session's proof.
func (r *Route) ask(list []assurance.Property) {
	r.Properties = list
	if !r.movesMoney() {
		r.Needs = max(r.Needs, assurance.LevelWith(list))
	}
}

// since is when a session's last proof must have been given; zero where the route asks for no fresh one.
func (r *Route) since(now time.Time) time.Time {
	if r.movesMoney() || !slices.Contains(r.Properties, assurance.Fresh) {
		return time.Time{}
	}
	return now.Add(-freshness)
}

// bound says that only a passkey that cannot leave its device confirms what the route moves.
func (r *Route) bound() bool {
	return r.movesMoney() && slices.Contains(r.Properties, assurance.DeviceBound)
}

func (r *Route) movesMoney() bool { return r.Class == scope.Withdraw || r.Class == scope.Destination }

// bound is the strictest of the routes by which such a transaction can be sent: what the backend posts names no route.
func (rs *Routes) bound(action scope.Class) bool {
	return slices.ContainsFunc(rs.list, func(r *Route) bool { return r.Class == action && r.bound() })
}
