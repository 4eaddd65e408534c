package apikey

import (
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
)

// Template is a usual kind of key: what its maker gets who chooses nothing else.
type Template struct {
	Name   string
	Scopes scope.Set
	OnEnd  OnEnd
}

// templates are in the order of what they may do; none may withdraw.
var templates = [...]Template{
	{"portfolio", scope.ReadOnly, LeaveOrders},
	{"accounting", scope.ReadOnly | scope.Of(scope.ActivityRead), LeaveOrders},
	{"bot", scope.Of(scope.BalancesRead, scope.OrdersRead, scope.OrdersCancel, scope.OrdersWrite), LeaveOrders},
	{"market_maker", scope.Of(scope.BalancesRead, scope.OrdersRead, scope.OrdersCancel, scope.OrdersWrite), CancelOrders},
}

// Templates lists them, the weakest first.
func Templates() []Template { return templates[:] }

// TemplateNamed finds one.
func TemplateNamed(name string) (t Template, ok bool) {
	for _, t := range templates {
		if t.Name == name {
			return t, true
		}
	}
	return t, false
}

// Matches says whether a search finds the key: each word stands in its name, purpose, owner, vendor, id or template, in whatever case.
func (k Key) Matches(search string) bool {
	all := strings.ToLower(strings.Join([]string{k.Name, k.Purpose, k.OwnerName, k.Vendor, k.Text(), k.Template}, "\n"))
	for word := range strings.FieldsSeq(strings.ToLower(search)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}
