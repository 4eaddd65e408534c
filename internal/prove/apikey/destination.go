package apikey

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// Destination is a place that a key may send money to. It is compared byte by byte with what the route reads of a withdrawal: two spellings of
// one address are two destinations.
type Destination struct {
	Asset string `json:"asset"`
	// Network and Memo are empty for requests that say none.
	Network string `json:"network,omitempty"`
	Address string `json:"address"`
	Memo    string `json:"memo,omitempty"`
	// Added is when the key got it, which nobody chooses. It counts Limits.DestinationWait later.
	Added time.Time `json:"-"`
}

const maxDestinations = 64

// destinationText is what one part of a destination may be: what one sees, without spaces.
var destinationText = regexp.MustCompile(`^[!-~]{1,128}$`)

// noPart stands in a written destination for a part that it does not have.
const noPart = "-"

// ParseDestination reads what String wrote: asset, network, address and, where there is one, memo, with spaces between. Errors: request.invalid.
func ParseDestination(text string) (d Destination, err error) {
	parts := strings.Fields(text)
	if len(parts) == 3 {
		parts = append(parts, noPart)
	}
	if len(parts) != 4 {
		return d, fault.New(fault.RequestInvalid, "field", "destinations", "entry", text)
	}
	for i, into := range []*string{&d.Asset, &d.Network, &d.Address, &d.Memo} {
		if parts[i] != noPart {
			*into = parts[i]
		}
	}
	return d, nil
}

// String writes the destination in a line.
func (d Destination) String() string {
	parts := []string{d.Asset, d.Network, d.Address, d.Memo}
	if d.Memo == "" {
		parts = parts[:3]
	}
	for i := range parts {
		if parts[i] == "" {
			parts[i] = noPart
		}
	}
	return strings.Join(parts, " ")
}

// Is says whether both name the same place.
func (d Destination) Is(other Destination) bool {
	return d.Asset == other.Asset && d.Network == other.Network && d.Address == other.Address && d.Memo == other.Memo
}

// destinationsOf reads a list strictly. What the key had before keeps its age. Errors: request.invalid (destinations).
func destinationsOf(wanted, had []Destination, now time.Time) (list []Destination, err error) {
	if len(wanted) > maxDestinations {
		return nil, invalid("destinations")
	}
	for _, d := range wanted {
		for _, part := range []struct {
			text   string
			needed bool
		}{{d.Asset, true}, {d.Network, false}, {d.Address, true}, {d.Memo, false}} {
			if part.text == noPart || (part.needed || part.text != "") && !destinationText.MatchString(part.text) {
				return nil, fault.New(fault.RequestInvalid, "field", "destinations", "entry", d.String())
			}
		}
		d.Added = now.UTC().Truncate(time.Microsecond)
		if i := slices.IndexFunc(had, d.Is); i >= 0 {
			d.Added = had[i].Added
		}
		if !slices.ContainsFunc(list, d.Is) {
			list = append(list, d)
		}
	}
	return list, nil
}

// moreDestinations says whether there is one that was not there before.
func moreDestinations(before, after []Destination) bool {
	return slices.ContainsFunc(after, func(d Destination) bool { return !slices.ContainsFunc(before, d.Is) })
}

func destinationTexts(list []Destination) []string {
	texts := make([]string, len(list))
	for i, d := range list {
		texts[i] = d.String()
	}
	return texts
}

// DestinationCounts is when a key may send money to one of its destinations.
func (k *Keys) DestinationCounts(d Destination) time.Time {
	return d.Added.Add(k.Limits.DestinationWait)
}

// Sends says whether the key may send money to a place at now; Added of it is nothing. It reads memory only.
// Errors: key.destination_not_allowed, key.destination_cooling (counts_at).
func (l *Live) Sends(to Destination, now time.Time) *fault.Error {
	if l.bounds != nil {
		if i := slices.IndexFunc(l.bounds.destinations, to.Is); i >= 0 {
			counts := l.bounds.destinations[i].Added.Add(l.bounds.wait)
			if now.Before(counts) {
				return fault.New(fault.KeyDestinationCooling, "counts_at", counts.UTC().Format(time.RFC3339)).After(counts.Sub(now))
			}
			return nil
		}
	}
	return fault.New(fault.KeyDestinationNotAllowed, "address", to.Address)
}
