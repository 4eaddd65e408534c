package sandbox

import (
	"net/http"

	"github.com/seed-21c57000/sallyport/gate"
)

// Route is a line of the exchange's own table.
type Route struct {
	Method, Path string
	Class        gate.Class
}

// Table gives the exchange's own table, to compare with the file that describes it.
func Table(x *Exchange) []Route {
	var table []Route
	for _, r := range x.routes() {
		table = append(table, Route{r.method, r.path, r.class})
	}
	return table
}

// StatusOf opens the table of statuses.
var StatusOf = statusOf

// ReadParams opens the parser of parameters to the fuzzer.
func ReadParams(r *http.Request) (map[string]string, error) { return readParams(r) }
