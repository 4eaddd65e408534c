package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// pictures draws when things happened.
type pictures struct {
	log interface {
		Rhythm(ctx context.Context, p principal.Principal, now time.Time, zone *time.Location) (audit.Rhythm, error)
		Entrances(ctx context.Context, p principal.Principal, now time.Time) (map[string]int, error)
	}
}

func (p *pictures) mount(on mounter) { on(http.MethodGet, "/activity/pictures", p.show) }

// offsets are those that clocks on earth have, in minutes east of UTC.
var offsets = []int{
	-720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120, 180, 210, 240, 270, 300, 330, 345, 360, 390, 420, 480,
	525, 540, 570, 600, 630, 660, 720, 765, 780, 825, 840,
}

// offsetName writes an offset as RFC 3339 does.
func offsetName(minutes int) string {
	sign := "+"
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	return fmt.Sprintf("UTC%s%02d:%02d", sign, minutes/60, minutes%60)
}

// show tells hours in the zone that was asked for, and in UTC without one: script asks for the browser's.
func (p *pictures) show(v *visit) error {
	wanted, err := strconv.Atoi(v.r.URL.Query().Get("offset"))
	if err != nil {
		wanted = 0
	}
	view := page.Pictures{}
	chosen := 0
	for _, o := range offsets {
		if o == wanted {
			chosen = o
		}
		view.Zones = append(view.Zones, page.Option{Value: strconv.Itoa(o), Text: offsetName(o), Chosen: o == wanted})
	}
	view.Zone = offsetName(chosen)
	r, err := p.log.Rhythm(v.r.Context(), v.who, v.now, time.FixedZone(view.Zone, chosen*60))
	if err != nil {
		return err
	}
	layout := v.words.Say("time.day_layout")
	for _, d := range r.Days {
		view.Days = append(view.Days, page.PictureDay{Name: d.Date.Format(layout), Entries: d.Entries, Changes: d.Changes, Refusals: d.Refusals})
	}
	view.Hours, view.Cut = r.Hours, r.Cut
	view.From, view.To = view.Days[0].Name, view.Days[len(view.Days)-1].Name
	view.Entries, view.Total = v.words.Count("pictures.entries_n", r.Entries), v.words.Count("pictures.total_n", r.Total)
	if view.KnowsPlaces = v.web.Map; view.KnowsPlaces {
		addrs, err := p.log.Entrances(v.r.Context(), v.who, v.now)
		if err != nil {
			return err
		}
		view.Places, view.Credit = v.picturePlaces(addrs), v.web.Places
	}
	view.Twin = "/v1/activity/rhythm?offset_minutes=" + strconv.Itoa(chosen)
	return v.show(page.PicturesPage(v.frame("pictures.title"), view))
}

// picturePlaces adds up the sign-ins of each place, the most frequent first. Addresses of which nothing is known are none.
func (v *visit) picturePlaces(addrs map[string]int) (list []page.PicturePlace) {
	byName := map[string]page.PicturePlace{}
	for addr, n := range addrs {
		name := v.web.Describe.Place(addr, v.words.Lang())
		if name == "" {
			continue
		}
		place := byName[name]
		place.Code, place.Name, place.N = v.web.Describe.Country(addr), name, place.N+n
		byName[name] = place
	}
	for _, place := range byName {
		place.Count = strconv.Itoa(place.N)
		list = append(list, place)
	}
	slices.SortFunc(list, func(a, b page.PicturePlace) int { return cmp.Or(b.N-a.N, strings.Compare(a.Name, b.Name)) })
	return list
}
