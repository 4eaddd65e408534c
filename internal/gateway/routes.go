package gateway

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Route is one line of an upstream's routes file: what a request of that shape may do at worst, and what it needs.
type Route struct {
	Method string
	// Template is the path; {name} stands for exactly one segment.
	Template string
	Class    scope.Class
	// Scope the request needs; without meaning where Class is Public.
	Scope scope.Scope
	// Needs is the assurance of a session; never less than the class needs. Where it is more, keys are refused.
	Needs assurance.Level
	// Properties are what the line asks for by name: of a session's proof, and where money moves of the passkey that confirms.
	Properties []assurance.Property
	// Place where alone the route is offered; what it leaves open is any.
	Place Place
	// Poll marks a request that programs repeat: it is no human act and keeps no session alive.
	Poll bool
	// Tunnel says that the route becomes a WebSocket.
	Tunnel bool
	// money says where the transaction is, on routes of class withdraw and destination.
	money places
	// order says where the order is, on routes of class order; nil where nobody says.
	order *orderPlaces
	// pace holds each sender to the route's limits; nil where it has none.
	pace *pacer
}

// Name is the route in logs, metrics and Activity.
func (r *Route) Name() string { return r.Method + " " + r.Template }

// Routes is an upstream's routes, ready to match. What matches none is not offered.
type Routes struct {
	root   node
	list   []*Route
	digest [sha256.Size]byte
}

// node is one segment of the tree of templates.
type node struct {
	fixed map[string]*node    // segment → node
	any   *node               // {name}
	here  map[string][]*Route // method → routes that end here, of which no two are offered at one place
}

type routeFile struct {
	Routes []routeLine `yaml:"routes"`
}

type routeLine struct {
	Method string `yaml:"method"`
	Path   string `yaml:"path"`
	Scope  string `yaml:"scope"`
	Class  string `yaml:"class"`
	// Assurance is what is asked of a session beyond what the class needs; Host and Environment say where alone the route is offered.
	Assurance string `yaml:"assurance"`
	// Needs are properties of a proof, asked for by name.
	Needs       []string `yaml:"needs"`
	Host        string   `yaml:"host"`
	Environment string   `yaml:"environment"`

	Poll    bool         `yaml:"poll"`
	Upgrade string       `yaml:"upgrade"`
	Money   places       `yaml:"transaction"`
	Order   *orderPlaces `yaml:"order"`
	Limits  limits       `yaml:"limits"`
}

// ParseRoutes reads a routes file, strictly; every problem is told at once. A word it does not know, a path that could never match or has a
// second spelling, a doubled route, a scope or an assurance weaker than the class and a second
// document are problems.
func ParseRoutes(text []byte) (*Routes, error) {
	var file routeFile
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("routes file: %w", err)
	}
	routes := &Routes{digest: sha256.Sum256(text)}
	var problems []error
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		problems = append(problems, errors.New("routes file: a second document follows the first; its routes would be ignored"))
	}
	for n, line := range file.Routes {
		if err := routes.add(line); err != nil {
			problems = append(problems, fmt.Errorf("routes file: route %d (%s %s): %w", n+1, line.Method, line.Path, err))
		}
	}
	if len(file.Routes) == 0 {
		problems = append(problems, errors.New("routes file: no routes"))
	}
	return routes, errors.Join(problems...)
}

func (rs *Routes) add(line routeLine) error {
	r := &Route{Method: line.Method, Template: line.Path, Poll: line.Poll, money: line.Money, order: line.Order, pace: line.Limits.pacer()}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead}, r.Method) {
		return errors.New("the method is none that is guarded")
	}
	var err error
	if r.Class, err = scope.ParseClass(line.Class); err != nil {
		return fmt.Errorf("class %q: %w", line.Class, err)
	}
	switch {
	case r.Class == scope.Public && line.Scope != "":
		return errors.New("a public route has no scope")
	case r.Class != scope.Public:
		if r.Scope, err = scope.Parse(line.Scope); err != nil {
			return fmt.Errorf("scope %q: %w", line.Scope, err)
		}
		if r.Scope.Class() < r.Class {
			return fmt.Errorf("scope %s opens %s at most, the route is %s", r.Scope, r.Scope.Class(), r.Class)
		}
	}
	if r.Place, err = ParsePlace(line.Host, line.Environment); err != nil {
		return err
	}
	if r.Needs, err = parseAssurance(line.Assurance, r.Class); err != nil {
		return err
	}
	needs, err := parseNeeds(line.Needs, r.Class)
	if err != nil {
		return err
	}
	r.ask(needs)
	switch r.Tunnel = line.Upgrade != ""; {
	case r.Tunnel && line.Upgrade != "websocket":
		return fmt.Errorf("upgrade %q: websocket is the only one", line.Upgrade)
	case r.Tunnel && (r.Method != http.MethodGet || r.Class > scope.Order):
		return errors.New("a WebSocket begins with GET, and nothing beyond orders goes through it")
	}
	if err := errors.Join(r.money.check(r.Class), r.order.check(r.Class), line.Limits.check(r.Class)); err != nil {
		return err
	}
	rest, ok := strings.CutPrefix(r.Template, "/")
	if !ok {
		return errors.New("the path does not begin with a slash")
	}
	end := &rs.root
	for segment := range strings.SplitSeq(rest, "/") {
		if end, err = end.child(segment); err != nil {
			return err
		}
	}
	if at(r.Place, end.here[r.Method]) != nil {
		return errors.New("the route stands twice")
	}
	if end.here == nil {
		end.here = map[string][]*Route{}
	}
	end.here[r.Method] = append(end.here[r.Method], r)
	rs.list = append(rs.list, r)
	return nil
}

func (n *node) child(segment string) (*node, error) {
	if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") && len(segment) > 2 {
		if n.any == nil {
			n.any = &node{}
		}
		return n.any, nil
	}
	if strings.ContainsAny(segment, "{}*?#%") {
		return nil, fmt.Errorf("segment %q: only a whole {name} stands for another", segment)
	}
	if strings.ContainsFunc(segment, reserved) {
		// sign.CheckPath lets the escape of such a character pass, so that this segment would have two spellings: one would miss this route and
		// may match a {name} of a weaker class, and the upstream takes both for the same.
		return nil, fmt.Errorf("segment %q: a fixed segment holds A-Z a-z 0-9 - . _ ~ only, the characters with one spelling", segment)
	}
	if n.fixed == nil {
		n.fixed = map[string]*node{}
	}
	if n.fixed[segment] == nil {
		n.fixed[segment] = &node{}
	}
	return n.fixed[segment], nil
}

// reserved says whether a character of a path may be written in two ways (RFC 3986 §2.2, §2.3).
func reserved(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~", c)
}

// Match finds the route of a raw path that sign.CheckPath accepted, at the place where it came in. A fixed segment goes before a {name}, also
// where its route is offered elsewhere alone: the upstream reads the path as that route, so it must not get it as one of a weaker class.
// It allocates nothing.
func (rs *Routes) Match(place Place, method, path string) *Route {
	return at(place, rs.root.match(method, path[1:]))
}

// match finds the routes of a path at all places.
func (n *node) match(method, rest string) []*Route {
	segment, next, more := strings.Cut(rest, "/")
	for _, child := range [2]*node{n.fixed[segment], n.any} {
		if child == nil || (child == n.any && segment == "") {
			continue
		}
		if !more {
			if lines := child.here[method]; lines != nil {
				return lines
			}
			continue
		}
		if lines := child.match(method, next); lines != nil {
			return lines
		}
	}
	return nil
}

// List gives the routes in the order of the file.
func (rs *Routes) List() []*Route { return rs.list }

// Digest names the text that the routes were read from.
func (rs *Routes) Digest() [sha256.Size]byte { return rs.digest }
