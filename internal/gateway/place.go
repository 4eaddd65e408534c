package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/sign"
)

// Place is where a request came in: on which host, and whether on live or on test ground. A route says with one where alone it is offered; what
// is not said is any.
type Place struct {
	// Host as clients name it, lower case, default port left out.
	Host        string
	Environment id.Environment
}

func (h *Host) place() Place { return Place{Host: h.Authority, Environment: h.Environment} }

// String is the place in words: host, environment, both, or nothing.
func (p Place) String() string {
	if p.Environment == 0 {
		return p.Host
	}
	return strings.TrimSpace(p.Host + " " + p.Environment.String())
}

// Meets says whether something can be in both places.
func (p Place) Meets(q Place) bool {
	return (p.Host == "" || q.Host == "" || p.Host == q.Host) &&
		(p.Environment == 0 || q.Environment == 0 || p.Environment == q.Environment)
}

// ParsePlace reads the words of a place; an empty one is any.
func ParsePlace(host, environment string) (p Place, err error) {
	if host != sign.CanonicalAuthority(host) || strings.ContainsAny(host, "/@? ") {
		return p, fmt.Errorf("host %q: want it as clients name it, in lower case and without a default port or a path", host)
	}
	p.Host = host
	if environment == "" {
		return p, nil
	}
	if p.Environment, err = id.ParseEnvironment(environment); err != nil {
		return p, fmt.Errorf("environment %q: want live or test", environment)
	}
	return p, nil
}

// parseAssurance reads what a route asks of a session. It may ask for more than its class needs, and for nothing less.
func parseAssurance(word string, class scope.Class) (assurance.Level, error) {
	least := policy.LevelFor(class)
	if word == "" {
		return least, nil
	}
	level := assurance.ParseLevel(word)
	switch {
	case level == assurance.None:
		return level, fmt.Errorf("assurance %q: want pwd, mfa, phr or phrh", word)
	case class == scope.Public:
		return level, errors.New("a public route asks nobody for a proof")
	case level < least:
		return level, fmt.Errorf("assurance %s: the class %s needs %s at least", level, class, least)
	}
	return level, nil
}

// at picks of routes with one method and one template the one that is offered at a place; nil if none is. No two of them meet.
func at(place Place, lines []*Route) *Route {
	for _, r := range lines {
		if r.Place.Meets(place) {
			return r
		}
	}
	return nil
}

// stray finds a route that is offered on a host which is none of these; nil if there is none.
func (rs *Routes) stray(hosts []string) *Route {
	for _, r := range rs.list {
		if r.Place.Host != "" && !slices.Contains(hosts, r.Place.Host) {
			return r
		}
	}
	return nil
}
