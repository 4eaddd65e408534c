package route

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// Refuse writes a refusal in the shape that a door's readers understand.
type Refuse func(w http.ResponseWriter, r *http.Request, err error)

// Mux is the one mux of the listener for people. Each door mounts its routes through a Door of its own. A route without a line in the table
// is remembered for Check and never served; every answer carries our security headers.
type Mux struct {
	mux      *http.ServeMux
	hardened http.Handler // serve behind the security headers
	doors    []*Door
	mounted  []string
	unknown  []string
}

// NewMux makes a Mux without doors.
func NewMux() *Mux {
	m := &Mux{mux: http.NewServeMux()}
	m.hardened = httpx.Harden(http.HandlerFunc(m.serve))
	return m
}

// Door is where one door mounts its routes.
type Door struct {
	mux          *Mux
	name, prefix string
	refuse       Refuse
}

// Door opens the mux for one door of the table. What is found nowhere below prefix is refused with refuse; the longest prefix decides.
func (m *Mux) Door(name, prefix string, refuse Refuse) *Door {
	d := &Door{mux: m, name: name, prefix: prefix, refuse: refuse}
	m.doors = append(m.doors, d)
	return d
}

// Handler answers the requests of one route. It is handed the route's line, because what a route demands is said nowhere else.
type Handler func(w http.ResponseWriter, r *http.Request, line Line)

// Handle mounts a handler on the line of the table that method and pattern name.
func (d *Door) Handle(method, pattern string, h Handler) {
	line, ok := Lookup(d.name, method, pattern)
	if !ok {
		d.mux.unknown = append(d.mux.unknown, d.name+" "+method+" "+pattern)
		return
	}
	d.mux.mounted = append(d.mux.mounted, d.name+" "+line.Name())
	d.mux.mux.HandleFunc(line.Name(), func(w http.ResponseWriter, r *http.Request) {
		rec := httpx.RecordOf(r.Context())
		rec.Door, rec.Route = d.name, line.Name()
		h(w, r, line)
	})
}

// Mounted lists what the doors have mounted, each as "door METHOD /pattern", in the order of mounting.
func (m *Mux) Mounted() []string { return m.mounted }

// Check names the routes that were mounted and have no line in spec/routes.tsv. The server does not start with any.
func (m *Mux) Check() error {
	if len(m.unknown) > 0 {
		return fmt.Errorf("no line in spec/routes.tsv for: %s", strings.Join(m.unknown, ", "))
	}
	return nil
}

// ServeHTTP finds the route. What there is none for is refused by the door whose prefix it is under, with the status and the Allow that
// net/http found, and never with its plain text. A path that is not in its one canonical form is not found: a redirect would make two
// addresses of one.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.hardened.ServeHTTP(w, r) }

func (m *Mux) serve(w http.ResponseWriter, r *http.Request) {
	if !canonical(r.URL.EscapedPath()) {
		m.refuse(w, r, fault.NotFound)
		return
	}
	h, pattern := m.mux.Handler(r)
	if pattern != "" {
		m.mux.ServeHTTP(w, r)
		return
	}
	found := probe{header: http.Header{}}
	h.ServeHTTP(&found, r)
	if allow := found.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		m.refuse(w, r, fault.MethodNotAllowed)
		return
	}
	m.refuse(w, r, fault.NotFound)
}

func (m *Mux) refuse(w http.ResponseWriter, r *http.Request, code fault.Code) {
	var best *Door
	for _, d := range m.doors {
		if strings.HasPrefix(r.URL.Path, d.prefix) && (best == nil || len(d.prefix) > len(best.prefix)) {
			best = d
		}
	}
	if best == nil {
		httpx.WriteProblem(w, r, fault.New(code))
		return
	}
	httpx.RecordOf(r.Context()).Door = best.name
	best.refuse(w, r, fault.New(code))
}

// canonical says whether net/http would serve the path as it is, without a redirect to a cleaned one.
func canonical(escaped string) bool {
	clean := path.Clean("/" + escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	return clean == escaped
}

// probe takes what net/http says about a path without a route; only the header is of use.
type probe struct{ header http.Header }

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(int)             {}
